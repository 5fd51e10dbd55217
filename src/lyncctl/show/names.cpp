// `show names`, `show rules`, `show ports`.

#include "base/format.h"
#include "lyncctl/addresses.h"
#include "lyncctl/commands.h"
#include "lyncctl/configuration.h"
#include "lyncctl/failure.h"
#include "lyncctl/published_names.h"

namespace lync::lyncctl {

namespace {

using plan::Plan;
using plan::Upstream;
using plan::VirtualHost;

Cell coverage_cell(config::Coverage coverage) {
    const Style style =
        coverage == config::Coverage::covered ? Style::good
        : coverage == config::Coverage::uncovered || coverage == config::Coverage::plain_http
            ? Style::bad
            : Style::plain;
    return {yes_or_no(coverage), style};
}

std::vector<std::string> presented_for(const config::Publication& publication,
                                       std::string_view name) {
    std::vector<std::string> files;
    for (const std::uint32_t index : publication.presented.covering(name)) {
        files.push_back(publication.certificates[index].certificate);
    }
    return files;
}

/// "10.0.0.11:4443", one for each server.
std::vector<std::string> targets(const Plan& plan, const Upstream& upstream) {
    std::vector<std::string> all;
    for (const config::Server& server : plan.farm(upstream).servers) {
        all.push_back(formatted("{}:{}", server.address, upstream.port));
    }
    return all;
}

std::vector<std::string> sockets_of(const Plan& plan, const VirtualHost& host) {
    const auto& sockets = host.tls ? plan.publication.https_sockets : plan.publication.http_sockets;
    std::vector<std::string> all;
    for (const std::size_t index : host.sockets) {
        all.push_back(sockets[index].address);
    }
    return all;
}

/// What becomes of the requests that go to no server.
std::string_view rest_of(const VirtualHost& host) noexcept {
    switch (host.site.kind) {
    case policy::SiteKind::unknown_host:
        return "connection closed";
    case policy::SiteKind::plain_http:
        return host.site.rules->spec.https_redirect ? "redirected to https" : "refused";
    default:
        return "refused";
    }
}

void add_rules(const Plan& plan, const VirtualHost& host, Table& table) {
    const std::string& publication = plan.publication.name;
    const std::string_view protocol = host.tls ? "https" : "http";
    const std::vector<std::string> names =
        host.catch_all ? std::vector<std::string>{"any other name"} : host.names;

    // A host whose simple URLs lead to several pools has a rule for each of them.
    for (std::size_t target = 0; target < host.upstreams.size(); target++) {
        const Upstream& upstream = plan.upstreams[host.upstreams[target]];
        VirtualHost one = host;
        if (host.upstreams.size() > 1) {
            std::erase_if(one.site.simple_urls,
                          [target](const auto& url) { return url.target != target; });
        }
        table.rows.push_back({publication, protocol, sockets_of(plan, host), names,
                              config::title(plan.farm(upstream)), upstream.port,
                              targets(plan, upstream), policy::Site(one.site).passing_paths(),
                              rest_of(host)});
    }
    if (host.upstreams.empty()) {
        table.rows.push_back({publication, protocol, sockets_of(plan, host), names, "nowhere", "",
                              std::vector<std::string>{}, std::vector<std::string>{},
                              rest_of(host)});
    }
}

} // namespace

int show_names(const Options& options, Output& output) {
    const Configuration configuration = load_plans(options, output);
    Table table{
        {"publication", "name", "path", "use=For", "leads_to", "port", "certificate", "presented="},
        0};
    for (const Published& published : configuration.publications) {
        const Plan& plan = published.plan;
        for (const PublishedName& name : published_names(plan)) {
            Row row{plan.publication.name, Cell(name.name, Style::strong), name.path, name.use};
            if (name.upstream) {
                const Upstream& upstream = plan.upstreams[*name.upstream];
                row.emplace_back(config::title(plan.farm(upstream)));
                row.emplace_back(upstream.port);
                row.push_back(coverage_cell(name.coverage));
                row.emplace_back(presented_for(plan.publication, name.name));
            } else {
                row.insert(row.end(), {"refused", "", "", std::vector<std::string>{}});
            }
            table.rows.push_back(std::move(row));
        }
    }
    output.table(table);
    return exit_fine;
}

int show_rules(const Options& options, Output& output) {
    const Configuration configuration = load_plans(options, output);
    Table table{{"publication", "protocol", "sockets=From", "names", "leads_to=To",
                 "port=", "servers", "paths=Passes", "rest=The rest"},
                0};
    for (const Published& published : configuration.publications) {
        for (const VirtualHost& host : published.plan.hosts) {
            add_rules(published.plan, host, table);
        }
        for (const policy::Redirect& redirect : published.plan.publication.redirects) {
            table.rows.push_back(
                {published.plan.publication.name, "https", std::vector<std::string>{},
                 redirect.host.empty() ? std::string("every name but lyncdiscover's")
                                       : redirect.host,
                 formatted("redirected to {}", redirect.location), "", std::vector<std::string>{},
                 redirect.path.empty() ? std::string("/") : redirect.path, ""});
        }
    }
    output.table(table);
    return exit_fine;
}

int show_ports(const Options& options, Output& output) {
    const Configuration configuration = load_plans(options, output);
    Table table{{"publication", "direction", "address", "port", "protocol", "use=For"}, 0};
    for (const Published& published : configuration.publications) {
        const Plan& plan = published.plan;
        const config::Publication& declared = plan.publication;
        for (const bool tls : {false, true}) {
            for (const config::Socket& socket :
                 tls ? declared.https_sockets : declared.http_sockets) {
                const auto [address, port] = split_socket(socket.address);
                table.rows.push_back(
                    {declared.name, "listens", address.empty() ? "0.0.0.0" : address, port,
                     tls ? "https" : "http",
                     socket.proxy_protocol ? "clients, by the PROXY protocol" : "clients"});
            }
        }
        for (const Upstream& upstream : plan.upstreams) {
            for (const config::Server& server : plan.farm(upstream).servers) {
                table.rows.push_back({declared.name, "connects", server.address, upstream.port,
                                      upstream.tls ? "https" : "http",
                                      config::title(plan.farm(upstream))});
            }
        }
        if (const auto& store = declared.lockout.store; store && !store->host.empty()) {
            const auto [address, port] = split_socket(store->address);
            table.rows.push_back(
                {declared.name, "connects", address, port, "redis", "lockout_store"});
        }
    }
    output.table(table);
    return exit_fine;
}

} // namespace lync::lyncctl
