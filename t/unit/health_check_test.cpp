// The health_check line of a block with servers: what is read, what follows where nothing is
// written, and every mistake with its whole message.

#include "config/publication.h"

#include "block_builder.h"
#include "catch.h"
#include "table.h"

using namespace lync;
using namespace lync::config;
using namespace lync::testing;

namespace {

/// A publication whose last farm is a director, an Office Web Apps farm or Exchange with this line.
std::string with_check(std::string_view role, const std::string& line,
                       const std::string& product = "sfb_se") {
    return smallest("product " + product + "; " + std::string(role) + " a.contoso.com {\n" +
                    "server 10.0.0.13;\n" +
                    (role == "director" ? "external_web_services b.contoso.com;" : "") + line +
                    "\n}");
}

HealthCheck check_of(std::string_view role, const std::string& line,
                     const std::string& product = "sfb_se") {
    return World().declare(with_check(role, line, product)).farms.back().health_check;
}

} // namespace

TEST_CASE("health_check: what is checked where nothing is written", "[health_check]") {
    const HealthCheck check = check_of("director", "");
    CHECK(check.kind == CheckKind::autodiscover);
    CHECK(check.interval.count() == 5);
    CHECK(check.timeout.count() == 3);
    CHECK(check.fails == 3);
    CHECK(check.passes == 2);
    CHECK(check_of("office_web_apps", "").kind == CheckKind::discovery);
    CHECK(check_of("exchange", "").kind == CheckKind::healthcheck);
    CHECK(check_of("director", "", "lync_2010").kind == CheckKind::autodiscover);
    for (const std::string product : {"ocs_2007", "ocs_2007_r2"}) {
        CHECK(check_of("director", "", product).kind == CheckKind::tcp);
        CHECK(check_of("director", "", product).port == 0);
    }
}

TEST_CASE("health_check: what is written", "[health_check]") {
    CHECK(check_of("exchange", "health_check off;").kind == CheckKind::off);
    CHECK(check_of("exchange", "health_check tcp=443;").port == 443);
    CHECK(check_of("director", "health_check tcp=65535;", "ocs_2007").port == 65535);

    const HealthCheck check = check_of(
        "director", "health_check autodiscover passes=1 fails=1000 timeout=10s interval=1m;");
    CHECK(check.kind == CheckKind::autodiscover);
    CHECK(check.interval.count() == 60);
    CHECK(check.timeout.count() == 10);
    CHECK(check.fails == 1000);
    CHECK(check.passes == 1);
    // A shorter interval shortens the timeout that nobody wrote.
    CHECK(check_of("exchange", "health_check healthcheck interval=2s;").timeout.count() == 2);
    CHECK(check_of("office_web_apps", "health_check discovery timeout=5s;").timeout.count() == 5);
}

TEST_CASE("health_check: mistakes", "[health_check]") {
    for (const auto& [role, line, why] : rows<3>(R"--(
        director | http | invalid value "http" in HERE: it is "autodiscover", "tcp=PORT" or "off"
        director | interval=5s | invalid value "interval=5s" in HERE: it is "autodiscover", "tcp=PORT" or "off"
        director | AUTODISCOVER | invalid value "AUTODISCOVER" in HERE: it is "autodiscover", "tcp=PORT" or "off", did you mean "autodiscover"?
        director | discovery | invalid value "discovery" in HERE: servers of another kind answer it, here it is "autodiscover", "tcp=PORT" or "off"
        exchange | autodiscover | invalid value "autodiscover" in HERE: servers of another kind answer it, here it is "healthcheck", "tcp=PORT" or "off"
        office_web_apps | healthcheck | invalid value "healthcheck" in HERE: servers of another kind answer it, here it is "discovery", "tcp=PORT" or "off"
        director | tcp=0 | invalid value "tcp=0" in HERE: a port is a number from 1 to 65535, such as tcp=5061
        director | tcp=65536 | invalid value "tcp=65536" in HERE: a port is a number from 1 to 65535, such as tcp=5061
        director | tcp=5061x | invalid value "tcp=5061x" in HERE: a port is a number from 1 to 65535, such as tcp=5061
        director | autodiscover interval=0 | invalid value "0" in HERE: it can't be zero
        director | autodiscover timeout=500ms | invalid value "500ms" in HERE: the minimum is one second, a time is written as "960s", "16m" or "1h"
        director | autodiscover interval=1s2m | invalid value "1s2m" in HERE: a time is written as "960s", "16m" or "1h"
        director | autodiscover fails=0 | invalid parameter "fails=0" in HERE: fails is a number from 1 to 1000
        director | autodiscover passes=1001 | invalid parameter "passes=1001" in HERE: passes is a number from 1 to 1000
        director | autodiscover timeout=10s | timeout 10s is longer than interval 5s in HERE: a check has to end before the next one begins
        director | autodiscover fails=2 fails=2 | parameter "fails" is duplicate in HERE
        director | autodiscover fall=3 | invalid parameter "fall=3" in HERE: it is written "health_check autodiscover|discovery|healthcheck|tcp=PORT|off [interval=TIME] [timeout=TIME] [fails=N] [passes=N]"
        director | autodiscover interval | invalid parameter "interval" in HERE: it is written "health_check autodiscover|discovery|healthcheck|tcp=PORT|off [interval=TIME] [timeout=TIME] [fails=N] [passes=N]"
        director | off interval=5s | invalid value "off" in HERE: it takes no parameters
    )--")) {
        INFO(role << ": " << line);
        std::string message = why;
        message.replace(message.find("HERE"), 4,
                        "\"health_check\" directive of " + role + " \"a.contoso.com\"");
        CHECK(World()
                  .mistake(with_check(role, "\nhealth_check " + line + ";"))
                  .starts_with(message + " in nginx.conf:"));
    }
    for (const auto& [line, why] : rows(R"(
        http         | it is "tcp=PORT" or "off"
        autodiscover | product ocs_2007_r2 has no autodiscover, it is "tcp=PORT" or "off"
    )")) {
        CHECK(World()
                  .mistake(with_check("director", "health_check " + line + ";", "ocs_2007_r2"))
                  .find(": " + why + " in nginx.conf") != std::string::npos);
    }
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
