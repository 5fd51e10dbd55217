// What follows from a declaration: the port flips, who answers for which name, what is shared.

#include "plan/plan.h"

#include "block_builder.h"
#include "catch.h"
#include "plan/render.h"

using namespace lync;
using namespace lync::plan;
using namespace lync::testing;
using namespace std::literals;

namespace {

constexpr std::string_view kind_names[] = {"web_services",    "autodiscover", "simple_urls",
                                           "office_web_apps", "exchange",     "plain_http",
                                           "blocked",         "unknown_host"};

/// `https meet.contoso.com (simple_urls): meet.contoso.com -> contoso_fepool.contoso.local_4443`
std::string summary(const Plan& plan, const VirtualHost& host) {
    std::string text = (host.tls ? "https " : "http ") + host.id + " (" +
                       std::string(kind_names[static_cast<std::size_t>(host.site.kind)]) + "):";
    for (const std::string& name : host.names) {
        text += " " + name;
    }
    for (std::size_t i = 0; i < host.upstreams.size(); i++) {
        text += (i == 0 ? " -> " : ", ") + plan.upstreams[host.upstreams[i]].name;
    }
    return text;
}

Strings summary(const Plan& plan) {
    Strings all;
    for (const VirtualHost& host : plan.hosts) {
        all.push_back(summary(plan, host));
    }
    return all;
}

Strings upstreams(const Plan& plan) {
    Strings all;
    for (const Upstream& upstream : plan.upstreams) {
        all.push_back(upstream.name + (upstream.tls ? " tls" : " plain") +
                      (upstream.anonymous ? " anonymous" : ""));
    }
    return all;
}

const VirtualHost& host(const Plan& plan, std::string_view id) {
    for (const VirtualHost& host : plan.hosts) {
        if (host.id == id) {
            return host;
        }
    }
    throw std::runtime_error("no host is called " + std::string(id));
}

} // namespace

TEST_CASE("the smallest publication flips 443 to 4443", "[plan]") {
    const Plan p = planned(smallest("simple_url meet https://meet.contoso.com;\n"
                                    "simple_url dialin https://dialin.contoso.com;"));

    CHECK(summary(p) ==
          Strings{"http unknown_host_http (unknown_host):", "https unknown_host (unknown_host):",
                  "https lyncwebext.contoso.com (web_services): lyncwebext.contoso.com -> "
                  "contoso_fepool.contoso.local_4443",
                  "https lyncdiscover (autodiscover): lyncdiscover.contoso.com -> "
                  "contoso_fepool.contoso.local_4443",
                  "https meet.contoso.com (simple_urls): meet.contoso.com -> "
                  "contoso_fepool.contoso.local_4443",
                  "https dialin.contoso.com (simple_urls): dialin.contoso.com -> "
                  "contoso_fepool.contoso.local_4443",
                  "http https_redirect (plain_http): lyncwebext.contoso.com "
                  "lyncdiscover.contoso.com meet.contoso.com dialin.contoso.com"});
    CHECK(upstreams(p) == Strings{"contoso_fepool.contoso.local_4443 tls"});
    CHECK(p.upstreams[0].port == 4443);
    CHECK(p.farm(p.upstreams[0]).name == "fepool.contoso.local");

    // Both sockets, IPv4 and IPv6, for every host.
    for (const VirtualHost& each : p.hosts) {
        CHECK(each.sockets == std::vector<std::size_t>{0, 1});
        CHECK(each.catch_all == each.names.empty());
    }
    CHECK(host(p, "https_redirect").site.rules->spec.https_redirect);
    CHECK(host(p, "https_redirect").site.plain_autodiscover == policy::PlainAutodiscover::never);
}

TEST_CASE("autodiscover of names that no certificate covers flips 80 to 8080", "[plan]") {
    const Plan p = planned(smallest("sip_domain example.com example.net;"));
    CHECK(summary(p, host(p, "http_autodiscover")) ==
          "http http_autodiscover (plain_http): lyncdiscover.example.com lyncdiscover.example.net "
          "-> contoso_fepool.contoso.local_8080");
    CHECK(summary(p, host(p, "https_redirect")) ==
          "http https_redirect (plain_http): lyncwebext.contoso.com lyncdiscover.contoso.com");
    CHECK(upstreams(p) == Strings{"contoso_fepool.contoso.local_4443 tls",
                                  "contoso_fepool.contoso.local_8080 plain anonymous"});
    CHECK(host(p, "http_autodiscover").site.plain_autodiscover ==
          policy::PlainAutodiscover::always);
}

TEST_CASE("http_autodiscover on sends all of them, off none", "[plan]") {
    const Plan on = planned(smallest("http_autodiscover on; sip_domain example.com;"));
    CHECK(summary(on, host(on, "http_autodiscover")) ==
          "http http_autodiscover (plain_http): lyncdiscover.contoso.com lyncdiscover.example.com "
          "-> contoso_fepool.contoso.local_8080");
    CHECK(host(on, "http_autodiscover").site.plain_autodiscover ==
          policy::PlainAutodiscover::always);

    const Plan off = planned(smallest("http_autodiscover off; sip_domain example.com;"));
    CHECK(off.hosts.back().id == "https_redirect");
    CHECK(off.hosts.back().names == Strings{"lyncwebext.contoso.com", "lyncdiscover.contoso.com",
                                            "lyncdiscover.example.com"});
    CHECK(upstreams(off) == Strings{"contoso_fepool.contoso.local_4443 tls"});
}

TEST_CASE("under a wildcard the request decides", "[plan]") {
    const std::string text = replaced(smallest(), "contoso.com;", "*;");
    const Plan p = planned(text);

    CHECK(host(p, "lyncdiscover").names == Strings{"lyncdiscover.*"});
    const VirtualHost& http = host(p, "http_autodiscover");
    CHECK(http.names == Strings{"lyncdiscover.*"});
    CHECK(http.site.plain_autodiscover == policy::PlainAutodiscover::unless_covered);
    REQUIRE(http.site.rules->spec.certificate_names != nullptr);
    CHECK(http.site.rules->spec.certificate_names->covers("lyncdiscover.contoso.com"));

    const Plan on = planned(replaced(text, "\n}", "\nhttp_autodiscover on;\n}"));
    CHECK(host(on, "http_autodiscover").site.plain_autodiscover ==
          policy::PlainAutodiscover::always);
}

TEST_CASE("without plain HTTP there is none of its hosts", "[plan]") {
    const Plan p = planned(smallest("http_listen off; sip_domain example.com;\n"
                                    "simple_url admin https://admin.contoso.com;"));
    for (const VirtualHost& each : p.hosts) {
        CHECK(each.tls);
    }
    CHECK(upstreams(p) == Strings{"contoso_fepool.contoso.local_4443 tls"});
}

TEST_CASE("https_redirect off refuses", "[plan]") {
    const Plan p = planned(smallest("https_redirect off; sip_domain example.com;"));
    CHECK_FALSE(host(p, "https_redirect").site.rules->spec.https_redirect);
    CHECK_FALSE(host(p, "http_autodiscover").site.rules->spec.https_redirect);
    CHECK(host(p, "https_redirect").what == "refused");
}

TEST_CASE("a Director takes what comes first, each pool keeps its own name", "[plan]") {
    const Plan p = planned(smallest(R"(
        pool fepool2.contoso.local { external_web_services lyncwebext2.contoso.com; }
        director dirpool.contoso.local {
            external_web_services dirwebext.contoso.com;
            listening_ports       http=8081 https=5443;
        }
        sip_domain example.com;
        simple_url meet   https://meet.contoso.com;
        simple_url dialin https://dialin.contoso.com pool=fepool2.contoso.local;
        http_listen 80;)"));

    CHECK(summary(p, host(p, "lyncwebext.contoso.com")).ends_with("fepool.contoso.local_4443"));
    CHECK(summary(p, host(p, "lyncwebext2.contoso.com")).ends_with("fepool2.contoso.local_4443"));
    CHECK(summary(p, host(p, "dirwebext.contoso.com")).ends_with("dirpool.contoso.local_5443"));
    CHECK(summary(p, host(p, "lyncdiscover")).ends_with("dirpool.contoso.local_5443"));
    CHECK(summary(p, host(p, "meet.contoso.com")).ends_with("dirpool.contoso.local_5443"));
    CHECK(summary(p, host(p, "dialin.contoso.com")).ends_with("fepool2.contoso.local_4443"));
    CHECK(summary(p, host(p, "http_autodiscover")).ends_with("dirpool.contoso.local_8081"));
    CHECK(host(p, "meet.contoso.com").sockets == std::vector<std::size_t>{0, 1});
    CHECK(host(p, "http_autodiscover").sockets == std::vector<std::size_t>{0});
}

TEST_CASE("hosts with the same simple URLs on the same pool are one host", "[plan]") {
    const Plan p = planned(smallest("sip_domain fabrikam.com;\n"
                                    "simple_url meet https://meet.contoso.com;\n"
                                    "simple_url dialin https://dialin.contoso.com;\n"
                                    "simple_url meet https://meet.fabrikam.com;\n"
                                    "simple_url meet https://meet.*;"));
    CHECK(host(p, "meet.contoso.com").names ==
          Strings{"meet.contoso.com", "meet.fabrikam.com", "meet.*"});
    CHECK(host(p, "dialin.contoso.com").names == Strings{"dialin.contoso.com"});

    const auto& paths = host(p, "meet.contoso.com").site.simple_urls;
    REQUIRE(paths.size() == 1);
    CHECK(paths[0].prefix.empty());
    CHECK(paths[0].service == policy::Service::meet);

    // All meet URLs, for the guard, on every host.
    CHECK(host(p, "lyncwebext.contoso.com").site.rules->spec.meet_urls.size() == 3);
}

TEST_CASE("a shared host has a prefix for each simple URL", "[plan]") {
    const Plan p = planned(smallest(R"(
        pool fepool2.contoso.local { external_web_services lyncwebext2.contoso.com; }
        simple_url meet      https://lync.contoso.com/contoso/Meet;
        simple_url dialin    https://lync.contoso.com/dialin pool=fepool2.contoso.local;
        simple_url meet      https://lync.contoso.com/fabrikam/meet;
        simple_url scheduler https://lync.contoso.com/scheduler;
        simple_url admin     https://lync.contoso.com/admin;)"));

    const VirtualHost& shared = host(p, "lync.contoso.com");
    CHECK(summary(p, shared) ==
          "https lync.contoso.com (simple_urls): lync.contoso.com -> "
          "contoso_fepool.contoso.local_4443, contoso_fepool2.contoso.local_4443");
    const struct {
        std::string_view prefix;
        policy::Service service;
        std::uint16_t target;
    } paths[] = {
        {"/contoso/Meet", policy::Service::meet, 0},
        {"/dialin", policy::Service::dialin, 1},
        {"/fabrikam/meet", policy::Service::meet, 0},
        {"/scheduler", policy::Service::scheduler, 0},
    };
    REQUIRE(shared.site.simple_urls.size() == std::size(paths));
    for (std::size_t i = 0; i < std::size(paths); i++) {
        CHECK(shared.site.simple_urls[i].prefix == paths[i].prefix);
        CHECK(shared.site.simple_urls[i].service == paths[i].service);
        CHECK(shared.site.simple_urls[i].target == paths[i].target);
    }

    // What is administrative is closed on every host.
    for (const VirtualHost& each : p.hosts) {
        CHECK(each.site.rules->spec.admin_paths == Strings{"/admin"});
    }
}

TEST_CASE("an admin host is declared so that it is blocked", "[plan]") {
    const Plan p = planned(smallest("simple_url admin https://admin.contoso.com;\n"
                                    "simple_url admin https://admin.fabrikam.com;"));
    CHECK(summary(p, host(p, "admin")) ==
          "https admin (blocked): admin.contoso.com admin.fabrikam.com");
    CHECK(summary(p, host(p, "admin_http")) ==
          "http admin_http (blocked): admin.contoso.com admin.fabrikam.com");
    for (const std::string& name : host(p, "https_redirect").names) {
        CHECK_FALSE(name.starts_with("admin"));
    }
    CHECK(host(p, "lyncwebext.contoso.com").site.rules->spec.admin_paths.empty());
}

TEST_CASE("an admin URL with a path leaves the host to a pattern that has it", "[plan]") {
    const auto kinds = [](std::string_view urls) {
        Strings kinds;
        for (const VirtualHost& each : planned(smallest(urls)).hosts) {
            if (each.site.kind == policy::SiteKind::blocked) {
                kinds.push_back(each.id + " " + each.names.front());
            }
        }
        return kinds;
    };
    const Strings blocked{"admin join.contoso.com", "admin_http join.contoso.com"};
    const std::string admin = "simple_url admin https://join.contoso.com/Admin;";
    CHECK(kinds(admin) == blocked);
    CHECK(kinds(admin + "simple_url meet https://meet.*;") == blocked);
    CHECK(kinds(admin + "simple_url meet https://join.*;").empty());
    CHECK(kinds("simple_url admin https://join.contoso.com; simple_url meet https://join.*;") ==
          blocked);

    const Plan p = planned(smallest(admin + "simple_url meet https://join.*;"));
    CHECK(host(p, "join.*").site.rules->spec.admin_paths == Strings{"/Admin"});
}

TEST_CASE("farms are reached on 443", "[plan]") {
    const Plan p = planned(smallest(R"(
        office_web_apps wac.contoso.com { server 10.0.0.14; }
        exchange mail.contoso.com autodiscover.contoso.com {
            server   10.0.0.15;
            services ews owa;
        })"));
    CHECK(summary(p, host(p, "wac.contoso.com")) ==
          "https wac.contoso.com (office_web_apps): wac.contoso.com -> "
          "contoso_wac.contoso.com_443");
    CHECK(summary(p, host(p, "mail.contoso.com")) ==
          "https mail.contoso.com (exchange): mail.contoso.com autodiscover.contoso.com -> "
          "contoso_mail.contoso.com_443");
    CHECK(host(p, "mail.contoso.com").site.exchange_services.size() == 2);
    CHECK(upstreams(p) == Strings{"contoso_fepool.contoso.local_4443 tls",
                                  "contoso_wac.contoso.com_443 tls anonymous",
                                  "contoso_mail.contoso.com_443 tls"});
}

TEST_CASE("Office Communications Server is reached on 443 and has one host", "[plan]") {
    const Plan p =
        planned(replaced(smallest("product ocs_2007_r2;"), "sip_domain   contoso.com;", ""));
    CHECK(summary(p) ==
          Strings{"http unknown_host_http (unknown_host):", "https unknown_host (unknown_host):",
                  "https lyncwebext.contoso.com (web_services): "
                  "lyncwebext.contoso.com -> contoso_fepool.contoso.local_443",
                  "http https_redirect (plain_http): lyncwebext.contoso.com"});
    CHECK(host(p, "lyncwebext.contoso.com").site.rules->spec.product == lync::Product::ocs_2007_r2);
}

TEST_CASE("the second publication of a socket brings no second catch-all", "[plan]") {
    World world;
    make_plan(world.declare(smallest()));
    const Plan second =
        make_plan(world.declare(fabrikam("http_listen 80; https_listen 443; https_listen 444;")));
    CHECK(second.hosts[0].id == "unknown_host");
    CHECK(second.hosts[0].sockets == std::vector<std::size_t>{1});
    CHECK(second.hosts[1].sockets == std::vector<std::size_t>{0, 1});
    CHECK(second.hosts[1].id == "a.fabrikam.com");
}

TEST_CASE("the switches reach every host", "[plan]") {
    const Plan p = planned(smallest("path_policy vendor; meeting_url_guard off;\n"
                                    "allow_path /Custom; deny_path /Abs /reach;"));
    for (const VirtualHost& each : p.hosts) {
        CHECK_FALSE(each.site.rules->spec.strict);
        CHECK_FALSE(each.site.rules->spec.meeting_url_guard);
        CHECK(each.site.rules->spec.allow_paths == Strings{"/Custom"});
        CHECK(each.site.rules->spec.deny_paths == Strings{"/Abs", "/reach"});
    }
}

TEST_CASE("a host says in words what becomes of its requests", "[plan]") {
    const Plan p = planned(smallest("sip_domain a.example.com b.example.com c.example.com "
                                    "d.example.com;\n"
                                    "simple_url meet https://meet.contoso.com;"));
    CHECK(host(p, "lyncdiscover").what == "pool fepool.contoso.local, port 4443");
    CHECK(host(p, "http_autodiscover").what ==
          "autodiscover to pool fepool.contoso.local, port 8080; the rest redirected to https");
    CHECK(host(p, "unknown_host").what == "connection closed");
    const Rendered rendered = render(p, {[](std::string_view) { return true; }, 1022001}, true);
    CHECK(rendered.text.find("# https lyncdiscover.contoso.com, lyncdiscover.a.example.com, "
                             "lyncdiscover.b.example.com and 2 more -> pool fepool.contoso.local, "
                             "port 4443\n") != rendered.text.npos);
}
