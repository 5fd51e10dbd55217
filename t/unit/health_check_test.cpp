// The health_check line of a block with servers: what is read, what follows where nothing is
// written, and every mistake with its whole message.

#include "config/publication.h"

#include "block_builder.h"
#include "catch.h"

using namespace lync;
using namespace lync::config;
using namespace lync::testing;

namespace {

/// The check of the pool, Office Web Apps farm or Exchange that `line` stands in.
HealthCheck check_of(Role role, const std::string& line, const std::string& product = "sfb_se") {
    World world;
    const auto block = [&](Role of, const std::string& head, const std::string& body) {
        return head + " {\n" + body + (of == role ? line : "") + "\n}\n";
    };
    const Publication p = world.declare(
        "lync_publish contoso {\n"
        "product " +
        product + ";\n" + (product.starts_with("ocs") ? "" : "sip_domain contoso.com;\n") +
        "certificate public.pem public.key;\ntrusted_ca ca.pem;\n" +
        block(Role::pool, "pool fepool.contoso.local",
              "server 10.0.0.11;\nexternal_web_services lyncwebext.contoso.com;\n") +
        (role == Role::director
             ? block(Role::director, "director dirpool.contoso.local",
                     "server 10.0.0.13;\nexternal_web_services dirwebext.contoso.com;\n")
             : "") +
        (role == Role::office_web_apps
             ? block(Role::office_web_apps, "office_web_apps wacext.contoso.com",
                     "server 10.0.0.14;\n")
             : "") +
        (role == Role::exchange
             ? block(Role::exchange, "exchange mail.contoso.com", "server 10.0.0.15;\n")
             : "") +
        "}\n");
    for (const Farm& farm : p.farms) {
        if (farm.role == role) {
            return farm.health_check;
        }
    }
    FAIL("no such farm");
    return {};
}

std::string mistake_in(Role role, const std::string& line, const std::string& product = "sfb_se") {
    try {
        check_of(role, line, product);
    } catch (const lync::Mistake& mistake) {
        return mistake.diagnostic().text;
    }
    return "no mistake";
}

std::string in_pool(const std::string& value, const std::string& why) {
    return "invalid value \"" + value +
           "\" in \"health_check\" directive of pool \"fepool.contoso.local\": " + why;
}

} // namespace

TEST_CASE("health_check: what is checked where nothing is written", "[health_check]") {
    for (const Role role : {Role::pool, Role::director}) {
        const HealthCheck check = check_of(role, "");
        CHECK(check.kind == CheckKind::autodiscover);
        CHECK(check.interval.count() == 5);
        CHECK(check.timeout.count() == 3);
        CHECK(check.fails == 3);
        CHECK(check.passes == 2);
    }
    CHECK(check_of(Role::office_web_apps, "").kind == CheckKind::discovery);
    CHECK(check_of(Role::exchange, "").kind == CheckKind::healthcheck);
    CHECK(check_of(Role::pool, "", "lync_2010").kind == CheckKind::autodiscover);
    for (const std::string product : {"ocs_2007", "ocs_2007_r2"}) {
        const HealthCheck check = check_of(Role::pool, "", product);
        CHECK(check.kind == CheckKind::tcp);
        CHECK(check.port == 0);
    }
}

TEST_CASE("health_check: what is written", "[health_check]") {
    CHECK(check_of(Role::pool, "health_check off;").kind == CheckKind::off);
    CHECK(check_of(Role::exchange, "health_check off;").kind == CheckKind::off);

    HealthCheck check = check_of(Role::pool, "health_check tcp=5061;");
    CHECK(check.kind == CheckKind::tcp);
    CHECK(check.port == 5061);
    CHECK(check_of(Role::exchange, "health_check tcp=443;").port == 443);
    CHECK(check_of(Role::pool, "health_check tcp=65535;", "ocs_2007").port == 65535);

    check =
        check_of(Role::pool, "health_check autodiscover passes=1 fails=7 timeout=10s interval=1m;");
    CHECK(check.kind == CheckKind::autodiscover);
    CHECK(check.interval.count() == 60);
    CHECK(check.timeout.count() == 10);
    CHECK(check.fails == 7);
    CHECK(check.passes == 1);

    // A shorter interval shortens the timeout that nobody wrote.
    check = check_of(Role::pool, "health_check autodiscover interval=2s;");
    CHECK(check.timeout.count() == 2);
    CHECK(check_of(Role::pool, "health_check autodiscover interval=1;").timeout.count() == 1);
    CHECK(check_of(Role::pool, "health_check autodiscover timeout=5s;").timeout.count() == 5);
    CHECK(check_of(Role::office_web_apps, "health_check discovery fails=1;").fails == 1);
    CHECK(check_of(Role::exchange, "health_check healthcheck fails=1000;").fails == 1000);
}

TEST_CASE("health_check: a kind that isn't one", "[health_check]") {
    const std::string choices = R"(it is "autodiscover", "tcp=PORT" or "off")";
    CHECK(mistake_in(Role::pool, "health_check http;") == in_pool("http", choices));
    CHECK(mistake_in(Role::pool, "health_check on;") == in_pool("on", choices));
    CHECK(mistake_in(Role::pool, "health_check interval=5s;") == in_pool("interval=5s", choices));
    CHECK(mistake_in(Role::pool, "health_check tcp;") == in_pool("tcp", choices));
    CHECK(mistake_in(Role::pool, "health_check AUTODISCOVER;") ==
          in_pool("AUTODISCOVER", choices) + ", did you mean \"autodiscover\"?");
    CHECK(mistake_in(Role::pool, "health_check http;", "ocs_2007_r2") ==
          in_pool("http", R"(it is "tcp=PORT" or "off")"));
    CHECK(mistake_in(Role::pool, "health_check autodiscover;", "ocs_2007") ==
          in_pool("autodiscover",
                  R"(product ocs_2007 has no autodiscover, it is "tcp=PORT" or "off")"));
    CHECK(mistake_in(Role::pool, "health_check discovery;") ==
          in_pool("discovery", "servers of another kind answer it, here " + choices));
    CHECK(mistake_in(Role::exchange, "health_check autodiscover;") ==
          R"(invalid value "autodiscover" in "health_check" directive of exchange )"
          R"("mail.contoso.com": servers of another kind answer it, here it is "healthcheck", )"
          R"("tcp=PORT" or "off")");
    CHECK(mistake_in(Role::office_web_apps, "health_check healthcheck;") ==
          R"(invalid value "healthcheck" in "health_check" directive of office_web_apps )"
          R"("wacext.contoso.com": servers of another kind answer it, here it is "discovery", )"
          R"("tcp=PORT" or "off")");
}

TEST_CASE("health_check: ports, times and counts that can't be", "[health_check]") {
    for (const std::string port : {"0", "65536", "-1", "", "sip", "5061x", "99999999999"}) {
        CHECK(mistake_in(Role::pool, "health_check tcp=" + port + ";") ==
              in_pool("tcp=" + port, "a port is a number from 1 to 65535, such as tcp=5061"));
    }
    for (const std::string name : {"interval", "timeout"}) {
        const std::string line = "health_check autodiscover " + name + "=";
        CHECK(mistake_in(Role::pool, line + "0;") == in_pool("0", "it can't be zero"));
        CHECK(mistake_in(Role::pool, line + "0s;") == in_pool("0s", "it can't be zero"));
        for (const std::string bad : {"", "x", "5x", "-5s", "1s2m"}) {
            CHECK(mistake_in(Role::pool, line + bad + ";") ==
                  in_pool(bad, R"(a time is written as "960s", "16m" or "1h")"));
        }
        CHECK(mistake_in(Role::pool, line + "500ms;") ==
              in_pool("500ms",
                      R"(a second is the least, a time is written as "960s", "16m" or "1h")"));
        CHECK(mistake_in(Role::pool, line + "2w;") ==
              in_pool("2w", "more than a week is a mistake"));
    }
    for (const std::string name : {"fails", "passes"}) {
        for (const std::string bad : {"0", "-1", "x", "", "1001", "1.5"}) {
            CHECK(mistake_in(Role::pool, "health_check autodiscover " + name + "=" + bad + ";") ==
                  in_pool(bad, "so many checks in a row are a number from 1 to 1000"));
        }
    }
    const std::string late = R"( in "health_check" directive of pool "fepool.contoso.local": )"
                             "a check has to end before the next one begins";
    CHECK(mistake_in(Role::pool, "health_check autodiscover timeout=10s;") ==
          "timeout 10s is longer than interval 5s" + late);
    CHECK(mistake_in(Role::pool, "health_check autodiscover interval=2s timeout=3s;") ==
          "timeout 3s is longer than interval 2s" + late);
}

TEST_CASE("health_check: parameters that can't be", "[health_check]") {
    for (const std::string name : {"interval", "timeout", "fails", "passes"}) {
        CHECK(mistake_in(Role::pool, "health_check autodiscover " + name + "=2 " + name + "=2;") ==
              "parameter \"" + name +
                  R"(" is duplicate in "health_check" directive of pool "fepool.contoso.local")");
    }
    for (const std::string bad : {"fall=3", "interval", "5s", "off", "tcp=5061", "uri=/"}) {
        const std::string told = mistake_in(Role::pool, "health_check autodiscover " + bad + ";");
        CHECK(told == "invalid parameter \"" + bad +
                          R"(" in "health_check" directive of pool "fepool.contoso.local": )"
                          "it may be interval=TIME, timeout=TIME, fails=N or passes=N");
    }
    CHECK(mistake_in(Role::pool, "health_check off interval=5s;") ==
          in_pool("off", "it takes no parameters"));
    CHECK(mistake_in(Role::pool, "health_check off;\nhealth_check off;")
              .starts_with("\"health_check\" directive is duplicate"));
}

TEST_CASE("health_check: the paths that are asked for", "[health_check]") {
    Farm farm;
    CHECK(check_paths(farm).empty());
    farm.health_check.kind = CheckKind::tcp;
    CHECK(check_paths(farm).empty());
    farm.health_check.kind = CheckKind::autodiscover;
    CHECK(check_paths(farm) ==
          std::vector<std::string>{"/Autodiscover/AutodiscoverService.svc/root"});
    farm.health_check.kind = CheckKind::discovery;
    CHECK(check_paths(farm) == std::vector<std::string>{"/hosting/discovery"});
    farm.health_check.kind = CheckKind::healthcheck;
    farm.services = {{policy::Service::activesync, {}, {}}, {policy::Service::ews, {}, {}}};
    CHECK(check_paths(farm) ==
          std::vector<std::string>{"/EWS/healthcheck.htm",
                                   "/Microsoft-Server-ActiveSync/healthcheck.htm"});
}
