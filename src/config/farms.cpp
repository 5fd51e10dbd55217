// The blocks with servers in them: pool, director, office_web_apps, exchange.

#include "config/declare.h"

#include "base/ascii.h"
#include "base/names.h"

#include <algorithm>
#include <unordered_map>

namespace lync::config {

namespace {

constexpr std::string_view role_names[] = {"pool", "director", "office_web_apps", "exchange"};

Role role_of(const Directive& block) noexcept {
    return static_cast<Role>(std::ranges::find(role_names, block.name) - std::begin(role_names));
}

std::string read_fqdn(std::string_view text, const Directive& directive) {
    return valid("FQDN", text, parse_fqdn(text), directive);
}

/// Administrators type it and labels of metrics carry it: nothing that needs quoting, and no "/",
/// which separates it from its pool's name.
std::string read_server_name(const Parameter& parameter, const Directive& directive) {
    constexpr std::size_t longest = 63;
    const bool valid = !parameter.value.empty() && parameter.value.size() <= longest &&
                       is_ascii_alnum(parameter.value.front()) &&
                       std::ranges::all_of(parameter.value, [](char c) {
                           return is_ascii_alnum(c) || c == '.' || c == '_' || c == '-';
                       });
    if (!valid) {
        invalid("parameter", parameter.text, directive,
                "a name is up to 63 letters, digits, \".\", \"_\" and \"-\", and begins with a "
                "letter or digit");
    }
    return std::string(parameter.value);
}

Server read_server(const Directive& directive) {
    const std::string& text = directive.arguments.front();
    Server server;
    server.address = valid("address", text, parse_address(text), directive);
    server.by_name = !server.address.starts_with('[') && normal_ipv4(server.address).empty();
    server.name = server.address;
    server.place = directive.place;
    constexpr unsigned most = 1000000;
    read_parameters(directive, 1,
                    {{"name",
                      [&](const Parameter& parameter) {
                          server.name = read_server_name(parameter, directive);
                      }},
                     {"weight", ParameterRule::Number{&server.weight, 1, most}},
                     {"max_conns", ParameterRule::Number{&server.max_conns, 0, most}},
                     {"max_fails", ParameterRule::Number{&server.max_fails, 0, most}},
                     {"fail_timeout", &server.fail_timeout},
                     {"slow_start",
                      [&](const Parameter& parameter) {
                          const bool none = parameter.value == "0" || parameter.value == "0s";
                          server.slow_start = none ? std::chrono::seconds(0)
                                                   : read_time(parameter.value, directive);
                      }},
                     {"backup", &server.backup},
                     {"down", &server.down}});
    return server;
}

/// `listening_ports http=8080 https=4443`.
Ports read_ports(const Directive& directive, Ports ports, bool has_http) {
    ParameterRule http{"http", &ports.http};
    if (!has_http) {
        http.into = [&](const Parameter& parameter) {
            invalid_parameter(parameter.text, directive,
                              "it is written \"listening_ports https=443\"");
        };
    }
    read_parameters(directive, 0, {http, {"https", &ports.https}});

    if (has_http && ports.http == ports.https) {
        throw mistake(directive.place,
                      "http and https are both port {} in {}: Topology Builder lists two listening "
                      "ports for the external web site",
                      ports.http, title(directive));
    }
    return ports;
}

void read_external_web_services(Farm& farm, const Directive& farm_block) {
    const Directive* directive = find(farm_block, "external_web_services");
    if (directive == nullptr) {
        throw mistake(farm_block.place,
                      "no \"external_web_services\" in {} of {}: write the external web services "
                      "FQDN that Topology Builder shows",
                      farm_block.title(), farm_block.block->title());
    }

    farm.published.push_back(read_fqdn(directive->arguments.front(), *directive));
    farm.published_place = directive->place;
    if (farm.published.front() == farm.name) {
        throw mistake(directive->place,
                      "{} is published as external_web_services of {}: clients must be able to "
                      "tell the external name from the pool's own",
                      lync::quoted(farm.name), farm_block.title());
    }
}

/// A server is found by its name and by its address, in any letter case: neither may be another
/// one's of the farm.
void refuse_twins(const Farm& farm, const Directive& farm_block) {
    std::unordered_map<std::string, const Server*> known;
    for (const Server& server : farm.servers) {
        for (const std::string& word : {server.address, server.name}) {
            const Server* first = known.try_emplace(to_ascii_lower(word), &server).first->second;
            if (first != &server) {
                throw mistake(server.place, "server {} is duplicate in {}, the first stands at {}",
                              lync::quoted(word), farm_block.title(), at(first->place));
            }
        }
    }
}

} // namespace

std::string_view role_name(Role role) noexcept {
    return role_names[static_cast<std::size_t>(role)];
}

std::string title(const Farm& farm) {
    return formatted("{} {}", role_name(farm.role), farm.name);
}

std::string quoted_title(const Farm& farm) {
    return formatted("{} {}", role_name(farm.role), lync::quoted(farm.name));
}

/// [Lync Server 2010, "Load balancing requirements"]: cookie affinity for external web services;
/// OCS knew the client's address only; since Lync 2013 none is needed.
Affinity read_affinity(const Directive& farm_block, Role role, Product product) {
    if (const Directive* directive = find(farm_block, "affinity")) {
        return read_word<Affinity>(
            *directive,
            {{"none", Affinity::none}, {"source", Affinity::source}, {"cookie", Affinity::cookie}});
    }
    return !is_web_services(role)          ? Affinity::none
           : product == Product::lync_2010 ? Affinity::cookie
           : is_ocs(product)               ? Affinity::source
                                           : Affinity::none;
}

namespace {

void read_line(Farm& farm, const Directive& line) {
    if (line.name == "server") {
        farm.servers.push_back(read_server(line));
    } else if (line.name == "listening_ports") {
        farm.ports = read_ports(line, farm.ports, is_web_services(farm.role));
    } else if (line.name == "certificate_name") {
        farm.certificate_name = read_fqdn(line.arguments.front(), line);
    } else if (line.name == "sign_in") {
        farm.sign_in = read_sign_in(line);
    } else if (line.name == "computer") {
        for (const std::string& text : line.arguments) {
            farm.computers.push_back(valid("value", text, parse_address(text), line));
        }
    }
}

/// Without a `server` the name in the servers' certificate is resolved.
void settle_servers(Farm& farm, const Directive& farm_block) {
    if (farm.servers.empty()) {
        Server& server = farm.servers.emplace_back();
        server.address = server.name = farm.certificate_name;
        server.by_name = true;
        server.place = farm_block.place;
    }
    if (std::ranges::all_of(farm.servers, &Server::backup)) {
        throw mistake(farm.servers.front().place,
                      "every \"server\" of {} is a backup: at least one must not be",
                      farm_block.title());
    }
    refuse_twins(farm, farm_block);
}

/// Other proxies count in milliseconds.
void remark_interval(const Farm& farm, const Directive& farm_block,
                     std::vector<Diagnostic>& remarks) {
    const std::chrono::seconds interval = farm.health_check.interval;
    if (interval > std::chrono::hours(1)) {
        const Directive& directive = *find(farm_block, "health_check");
        warn(remarks, directive.place,
             "interval {}s is longer than an hour in {}: times without a unit are seconds",
             interval.count(), title(directive));
    }
}

/// Intended during maintenance, and easily forgotten.
void remark_drained(const Farm& farm, const Directive& farm_block,
                    std::vector<Diagnostic>& remarks) {
    if (std::ranges::all_of(farm.servers, [](const Server& server) { return server.down; })) {
        warn(remarks, farm.servers.front().place,
             "every \"server\" of {} is down: all its clients get 503 until \"down\" is removed",
             farm_block.title());
    }
}

/// The internal web site must not be published. Its ports are 80 and 443, unless they were changed
/// in Topology Builder or a load balancer flips the ports once more.
void remark_internal_ports(const Ports& ports, const Directive& pool,
                           std::vector<Diagnostic>& remarks) {
    const auto internal = [](std::uint16_t port) { return port == 443 || port == 80; };
    const std::uint16_t port = internal(ports.https) ? ports.https : ports.http;
    const Directive* directive = find(pool, "listening_ports");
    if (directive == nullptr || !internal(port)) {
        return;
    }
    warn(remarks, directive->place,
         "\"listening_ports\" of {} names port {}, which is the internal web site's by default: "
         "write the listening ports of the external web site, 8080 and 4443 by default",
         pool.title(), port);
}

} // namespace

void remark_farm(const Farm& farm, const Directive& farm_block, Product product,
                 std::vector<Diagnostic>& remarks) {
    remark_services(farm, remarks);
    remark_interval(farm, farm_block, remarks);
    remark_drained(farm, farm_block, remarks);
    if (is_web_services(farm.role) && !is_ocs(product)) {
        remark_internal_ports(farm.ports, farm_block, remarks);
    }
}

Farm read_farm(const Directive& farm_block, Product product) {
    Farm farm;
    farm.role = role_of(farm_block);
    farm.place = farm_block.place;

    const bool web_services = is_web_services(farm.role);
    for (const std::string& argument : farm_block.arguments) {
        std::string name = read_fqdn(argument, farm_block);
        if (!web_services) {
            farm.published.push_back(name);
        }
        if (farm.name.empty()) {
            farm.name = std::move(name);
        }
    }
    farm.certificate_name = farm.name;
    farm.published_place = farm_block.place;
    farm.ports = web_services ? default_ports(product) : Ports{80, 443};

    for (const auto& child : farm_block.children) {
        read_line(farm, *child);
    }
    farm.affinity = read_affinity(farm_block, farm.role, product);
    farm.health_check = read_health_check(farm_block, farm.role, product);

    if (web_services) {
        read_external_web_services(farm, farm_block);
    }
    if (farm.role == Role::exchange) {
        farm.services = read_services(farm_block);
    }
    settle_servers(farm, farm_block);
    return farm;
}

} // namespace lync::config
