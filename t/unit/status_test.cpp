// The status room: histograms, words, cells that processes add to, and the three ways of saying it.

#include "status/forms.h"
#include "status/published.h"
#include "status/refusals.h"
#include "status/shared_counters.h"

#include "block_builder.h"
#include "catch.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <new>
#include <sstream>

using namespace lync;
using namespace lync::status;
using namespace lync::testing;
using Catch::Detail::Approx;

namespace {

std::string json_string(std::string_view text) {
    std::string out;
    append_json_string(out, text);
    return out;
}

bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

/// Memory as the zone's: zero, shared with children.
template <typename T>
struct Shared {
    Shared() {
        void* memory =
            mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        REQUIRE(memory != MAP_FAILED);
        object = static_cast<T*>(memory);
    }
    ~Shared() { munmap(object, sizeof(T)); }
    T* operator->() const { return object; }
    T& operator*() const { return *object; }

    T* object;
};

/// In so many processes at once, each with its number; `meanwhile` here.
template <typename Work, typename Meanwhile>
void in_processes(int count, Work&& work, Meanwhile&& meanwhile) {
    for (int child = 0; child < count; child++) {
        if (fork() == 0) {
            work(child);
            _exit(0);
        }
    }
    meanwhile();
    for (int child = 0; child < count; child++) {
        int status = 0;
        REQUIRE(wait(&status) > 0);
        CHECK(status == 0);
    }
}

constexpr std::int64_t unix_now = test_now.time_since_epoch().count();

Published described(std::string_view text, plan::Plan& plan, std::int64_t now = unix_now) {
    World world;
    plan = plan::make_plan(world.declare(text));
    return describe(plan, now);
}

const Name& name_of(const Published& published, std::string_view name) {
    for (const Name& candidate : published.names) {
        if (candidate.name == name) {
            return candidate;
        }
    }
    throw std::runtime_error("no name is called " + std::string(name));
}

std::string words(const Published& published, std::string_view name, bool tls) {
    const Name& found = name_of(published, name);
    const std::uint32_t rule = tls ? found.https : found.http;
    return std::string(rule == none ? "" : published.rules[rule].words);
}

/// One of everything, with what needs escaping.
struct Example {
    Example() {
        published.name = "contoso";
        published.product = "sfb_se";
        published.rules.push_back({"meet.contoso.com",
                                   true,
                                   "Director dirpool.contoso.local, 4443",
                                   {{config::Role::director, "dirpool.contoso.local", 4443, ""}}});
        published.names.push_back({"meet.contoso.com", 0, none, first, Coverage::covered});
        published.names.push_back({"bare.contoso.com", 0, none, {}, Coverage::uncovered});
        loaded.subject = "CN=meet.contoso.com";
        loaded.key_kind = config::KeyKind::rsa;
        loaded.key_bits = 2048;
        loaded.names = {"meet.contoso.com"};
        loaded.not_before -= std::chrono::days(40);
        loaded.not_after += std::chrono::days(10) + std::chrono::seconds(7);
        published.certificates.push_back(
            {"/etc/nginx/a \"b\".pem", &loaded, config::OnDisk::renewed});

        snapshot.time = 7000;
        snapshot.nginx = "1.22.1";
        snapshot.module = "0.1.0";
        snapshot.workers = 2;
        Publication& publication = snapshot.publications.emplace_back();
        publication.published = &published;
        publication.verdicts = {5, 1, 2, 0};
        publication.refusals[static_cast<std::size_t>(policy::Reason::admin)] = 2;

        Pool& pool = publication.pools.emplace_back();
        pool.name = "fepool.contoso.local";
        pool.port = 4443;
        Server& up = pool.servers.emplace_back();
        up.name = "10.0.0.11";
        up.address = "10.0.0.11:4443";
        up.state = ServerState::up;
        up.requests = 3;
        up.response_time.add(4);
        up.response_time.add(70);
        Server& down = pool.servers.emplace_back(up);
        down.name = "fe2.contoso.local";
        down.address = "10.0.0.12:4443";
        down.state = ServerState::down;
        down.reason = "connection refused";
        down.since = 3;
        down.extended_protection = balance::Binding::refused;
        down.build = build_of("15.1.2507.16");
        down.missing_fixes = policy::missing_fixes(down.build);

        Service& service = publication.services.emplace_back();
        service.service = policy::Service::meet;
        service.statuses[static_cast<std::size_t>(StatusClass::s2xx)] = 5;
        service.statuses[static_cast<std::size_t>(StatusClass::s5xx)] = 1;
        service.unauthorized = 4;
        service.history.requests.back() = 6;
        snapshot.refusals.push_back({5000, policy::Reason::admin, policy::Service::control_panel,
                                     true, "contoso", "192.0.2.7", "GET", "meet.contoso.com",
                                     "/\"<\xff\n"});
    }

    config::Certificate loaded;
    std::vector<std::uint32_t> first{0};
    Published published;
    Snapshot snapshot;
};

} // namespace

TEST_CASE("a time falls into the bucket that ends with it", "[status]") {
    constexpr std::size_t last = bucket_limits.size();
    for (const auto& [time, bucket] : std::vector<std::pair<std::uint64_t, std::size_t>>{
             {0, 0}, {1, 0}, {2, 1}, {3, 2}, {60000, last - 1}, {60001, last}, {~0ULL, last}}) {
        CHECK(bucket_of(time) == bucket);
    }
}

TEST_CASE("quantiles are those of histogram_quantile()", "[status]") {
    Histogram times;
    CHECK_FALSE(times.quantile(0.5));

    for (int i = 0; i < 100; i++) {
        times.add(100);
    }
    CHECK(*times.quantile(0.5) == Approx(0.075)); // half of the way from 50 to 100 ms
    CHECK(*times.quantile(1) == Approx(0.1));

    for (int i = 0; i < 100; i++) {
        times.add(100000);
    }
    CHECK(*times.quantile(0.25) == Approx(0.075));
    CHECK(*times.quantile(0.99) == Approx(60)); // above the last limit
    CHECK(times.count() == 200);
    CHECK(times.sum == 100 * 100 + 100 * 100000);
}

TEST_CASE("strings are JSON's and UTF-8, whatever was in them", "[status]") {
    CHECK(json_string("meet") == "\"meet\"");
    CHECK(json_string("a\"b\\c") == "\"a\\\"b\\\\c\"");
    CHECK(json_string("\n\x01\x7f") == "\"\\u000a\\u0001\\u007f\"");
    CHECK(json_string("b\xc3\xbcro \xe2\x86\x92 \xf0\x9f\x98\x80") ==
          "\"b\xc3\xbcro \xe2\x86\x92 \xf0\x9f\x98\x80\"");
    const std::string bad = "\xef\xbf\xbd";
    CHECK(json_string("\xff") == "\"" + bad + "\"");
    CHECK(json_string("\xc3") == "\"" + bad + "\"");                               // cut off
    CHECK(json_string("\xc0\xaf") == "\"" + bad + bad + "\"");                     // overlong
    CHECK(json_string("\xed\xa0\x80") == "\"" + bad + bad + bad + "\"");           // a surrogate
    CHECK(json_string("\xf4\x90\x80\x80") == "\"" + bad + bad + bad + bad + "\""); // too large
    CHECK(json_string(std::string_view("\0", 1)) == "\"\\u0000\"");
}

TEST_CASE("processes add to the same cells and none is lost", "[status]") {
    constexpr unsigned children = 4;
    constexpr unsigned each = 50000;
    const Shared<PublicationCells> cells;

    in_processes(
        children,
        [&](int) {
            for (unsigned i = 0; i < each; i++) {
                add(cells->verdicts[0]);
                add(cells->services[3].statuses[2]);
                cells->services[3].duration.add(i % 100);
            }
        },
        [] {});

    const ServiceCells service = cells->services[3];
    CHECK(cells->verdicts[0] == children * each);
    CHECK(service.requests() == children * each);
    CHECK(service.duration.count() == children * each);
}

TEST_CASE("the hour's history is made of differences", "[status]") {
    const Shared<HistoryCells> history;
    const Shared<PublicationCells> counters;
    constexpr std::uint64_t start = 29000000;
    const auto count = [&](std::uint64_t requests, std::uint64_t errors) {
        add(counters->services[5].statuses[2], requests - errors);
        add(counters->services[5].statuses[5], errors);
    };

    CHECK(history->history(0, start, 0, 0).requests.back() == -1); // nothing is known yet

    CHECK(history->keep(start, *counters));
    count(10, 2);
    CHECK_FALSE(history->keep(start, *counters)); // somebody did it
    CHECK(history->keep(start + 1, *counters));

    const History hour = history->history(5, start + 2, 25, 3);
    CHECK(hour.requests[history_minutes - 1] == 15);
    CHECK(hour.errors[history_minutes - 1] == 1);
    CHECK(hour.requests[history_minutes - 2] == 10);
    CHECK(hour.errors[history_minutes - 2] == 2);
    CHECK(hour.requests[history_minutes - 3] == -1);

    // A day later none of it is of this hour, though the rows are the same ones.
    const History later = history->history(5, start + 61 * 24, 25, 3);
    for (const std::int64_t minute : later.requests) {
        CHECK(minute == -1);
    }

    // Sixty full minutes.
    for (std::uint64_t minute = start + 2; minute < start + 80; minute++) {
        count(7, 0);
        CHECK(history->keep(minute, *counters));
    }
    const History full = history->history(5, start + 80, counters->services[5].requests() + 1, 2);
    for (std::size_t i = 0; i + 1 < history_minutes; i++) {
        CHECK(full.requests[i] == 7);
    }
    CHECK(full.requests.back() == 1);
}

TEST_CASE("each reason keeps its own last refusals, cut off to size", "[status]") {
    const Shared<RefusalRing> ring;
    const std::string longest(1000, 'x');

    ring->write({.time = 1,
                 .reason = policy::Reason::path,
                 .publication = "contoso",
                 .client = "192.0.2.7",
                 .method = "GET",
                 .host = "meet.contoso.com",
                 .path = "/passiveauth"});
    for (std::int64_t i = 0; i < 1000; i++) {
        ring->write({.time = 10 + i,
                     .reason = policy::Reason::unknown_host,
                     .tls = false,
                     .publication = longest,
                     .client = longest,
                     .method = longest,
                     .host = longest,
                     .path = longest});
    }

    const std::vector<Refusal> all = ring->read();
    REQUIRE(all.size() == RefusalRing::per_reason + 1);
    CHECK(all.front().time == 1009); // the latest first
    CHECK_FALSE(all.front().tls);
    CHECK(std::string_view(all.front().path).size() == 159);
    CHECK(std::string_view(all.front().publication).size() == 64); // as long as a name may be
    CHECK(std::string_view(all.front().host).size() == 95);
    CHECK(all.back().reason == policy::Reason::path);
    CHECK(std::string_view(all.back().path) == "/passiveauth");
    CHECK(all.back().tls);
}

TEST_CASE("refusals written by several processes are whole", "[status]") {
    const Shared<RefusalRing> ring;
    const auto whole = [](std::string_view text) {
        return !text.empty() && text.find_first_not_of(text.front()) == std::string_view::npos;
    };
    bool all_whole = true;
    in_processes(
        3,
        [&](int child) {
            const std::string text(60, static_cast<char>('a' + child));
            for (int i = 0; i < 30000; i++) {
                ring->write({.time = i,
                             .reason = policy::Reason::path,
                             .publication = text,
                             .client = text,
                             .method = text,
                             .host = text,
                             .path = text});
            }
        },
        [&] {
            for (int i = 0; i < 300; i++) {
                for (const Refusal& refusal : ring->read()) {
                    const std::string_view path = refusal.path;
                    all_whole = all_whole && whole(path) && path == refusal.host &&
                                path == refusal.publication;
                }
            }
        });
    CHECK(all_whole);
    CHECK(ring->read().size() == RefusalRing::per_reason);
}

TEST_CASE("flips in words, and the certificate that covers", "[status]") {
    plan::Plan plan;
    const Published p = described(R"(lync_publish contoso {
        product sfb_2019;
        sip_domain contoso.com fabrikam.com;
        certificate public.pem public.key;
        trusted_ca ca.pem;
        director dirpool.contoso.local { external_web_services webdirext.contoso.com; }
        pool fepool.contoso.local { external_web_services lyncwebext.contoso.com; }
        pool fepool2.fabrikam.local { external_web_services lyncwebext.fabrikam.com; }
        simple_url meet https://meet.contoso.com;
        simple_url meet https://lync.contoso.com/meet;
        simple_url dialin https://lync.contoso.com/dialin pool=fepool2.fabrikam.local;
        simple_url admin https://admin.contoso.com;
        office_web_apps wacext.contoso.com { server 10.0.0.14; }
        exchange mail.contoso.com { server 10.0.0.15; }
    })",
                                  plan);

    CHECK(words(p, "lyncwebext.contoso.com", true) == "pool fepool.contoso.local, port 4443");
    CHECK(words(p, "lyncwebext.contoso.com", false) == "redirected to https");
    CHECK(words(p, "meet.contoso.com", true) == "director dirpool.contoso.local, port 4443");
    CHECK(words(p, "lync.contoso.com", true) ==
          "/meet to director dirpool.contoso.local, port 4443; "
          "/dialin to pool fepool2.fabrikam.local, port 4443");
    CHECK(words(p, "wacext.contoso.com", true) == "office_web_apps wacext.contoso.com, port 443");
    CHECK(words(p, "mail.contoso.com", true) == "exchange mail.contoso.com, port 443");
    CHECK(words(p, "admin.contoso.com", true) == "refused, the admin simple URL is for the inside");

    for (const Name& name : p.names) {
        INFO(name.name);
        if (name.coverage == Coverage::covered) {
            CHECK(name.certificates.size() == 1);
            CHECK(plan.publication.presented.names()->covers(name.name));
        } else {
            CHECK(name.certificates.empty());
        }
        if (name.coverage == Coverage::uncovered) {
            CHECK_FALSE(plan.publication.presented.names()->covers(name.name));
        }
    }
    CHECK(name_of(p, "admin.contoso.com").coverage == Coverage::not_needed);
    REQUIRE(p.certificates.size() == 1);
    CHECK(unix_time(p.certificates[0].loaded->not_after) > 0);
    CHECK(std::binary_search(p.services.begin(), p.services.end(), policy::Service::ucwa));
    CHECK(std::binary_search(p.services.begin(), p.services.end(), policy::Service::ews));
    CHECK_FALSE(
        std::binary_search(p.services.begin(), p.services.end(), policy::Service::control_panel));
}

TEST_CASE("a certificate covers nothing before its time, nor after it", "[status]") {
    plan::Plan plan;
    const Published now = described(smallest("simple_url meet https://meet.contoso.com;"), plan);
    REQUIRE(now.certificates.size() == 1);
    const std::int64_t start = unix_time(now.certificates[0].loaded->not_before);
    const std::int64_t end = unix_time(now.certificates[0].loaded->not_after);
    for (const auto& [time, covered, until] : {std::tuple(start - 2, false, start - 1),
                                               {start - 1, false, start - 1},
                                               {start, true, end},
                                               {unix_now, true, end},
                                               {end, true, end},
                                               {end + 1, false, end + 2}}) {
        INFO(time - start);
        const Published then = describe(plan, time);
        const Name& meet = name_of(then, "meet.contoso.com");
        CHECK(meet.coverage == (covered ? Coverage::covered : Coverage::uncovered));
        CHECK(meet.certificates.size() == 1);
        CHECK((time > end ? then.until >= until : then.until == until));
    }
}

TEST_CASE("what plain HTTP serves isn't uncovered", "[status]") {
    plan::Plan plan;
    CHECK(name_of(described(smallest("sip_domain example.com;"), plan), "lyncdiscover.example.com")
              .coverage == Coverage::plain_http);
    CHECK(name_of(described(smallest("http_autodiscover off; sip_domain example.com;"), plan),
                  "lyncdiscover.example.com")
              .coverage == Coverage::uncovered);
}

TEST_CASE("a pattern's coverage depends on the request", "[status]") {
    plan::Plan plan;
    const Published p = described(smallest("simple_url meet https://meet.*;"), plan);
    CHECK(name_of(p, "meet.*").coverage == Coverage::by_request);
}

TEST_CASE("the summary counts what a glance must show", "[status]") {
    const Example example;
    const Summary summary = summarize(example.snapshot);
    CHECK(summary.servers == 2);
    CHECK(summary.servers_up == 1);
    CHECK(summary.servers_down == 1);
    CHECK(summary.names == 2);
    CHECK(summary.names_uncovered == 1);
    CHECK(summary.certificates_expiring == 1);
    CHECK(summary.certificates_not_loaded == 1);
}

TEST_CASE("JSON", "[status]") {
    const Example example;
    const std::string json = to_json(example.snapshot);

    CHECK(json.starts_with("{\"schema\":1,\"time\":\"1970-01-01T00:00:07Z\","));
    CHECK(json.ends_with("]}"));
    CHECK_FALSE(contains(json, ",,"));
    CHECK_FALSE(contains(json, "[,"));
    CHECK_FALSE(contains(json, "{,"));
    CHECK(contains(json, R"("verdicts":{"pass":5,"redirect":1,"refuse":2,"none":0})"));
    CHECK(contains(json, R"("file":"/etc/nginx/a \"b\".pem")"));
    CHECK(contains(json, R"("days_left":10,"renewal":"due","on_disk":"renewed")"));
    CHECK(contains(json, R"({"name":"bare.contoso.com","https":0,"http":null,)"
                         R"("coverage":"uncovered","presented":[]})"));
    CHECK(contains(json, R"("state":"down","reason":"connection refused",)"
                         R"("since":"1970-01-01T00:00:03Z")"));
    CHECK(contains(json, R"("state":"up","reason":"","since":null)"));
    CHECK(contains(json, R"("extended_protection":"unknown","build":null,"missing_fixes":[]})"));
    CHECK(contains(json,
                   R"("extended_protection":"refused","build":"15.1.2507.16","missing_fixes":)"
                   R"([{"cve":"CVE-2026-42897","build":"15.1.2507.69"}]})"));
    CHECK(contains(json, R"("name":"meet","requests":6,"errors":1,"unauthorized":4)"));
    CHECK(contains(json, "null,6],\"errors\""));
    CHECK(contains(json, "\"path\":\"/\\\"<\xef\xbf\xbd\\u000a\""));
}

TEST_CASE("Prometheus' text", "[status]") {
    const Example example;
    const std::string text = to_prometheus(example.snapshot);

    CHECK(contains(text, "\nlync_verdicts_total{publication=\"contoso\",verdict=\"pass\"} 5\n"));
    CHECK(contains(text, "\nlync_refusals_total{publication=\"contoso\",reason=\"admin\"} 2\n"));
    CHECK(contains(text, "\nlync_requests_total{publication=\"contoso\",service=\"meet\","
                         "code=\"5xx\"} 1\n"));
    const std::string server = "{publication=\"contoso\",pool=\"fepool.contoso.local\","
                               "port=\"4443\",server=\"fe2.contoso.local\","
                               "address=\"10.0.0.12:4443\"";
    CHECK(contains(text, "\nlync_server_up" + server + "} 0\n"));
    CHECK(contains(text, "\nlync_server_state" + server + ",state=\"down\"} 1\n"));
    CHECK(contains(text, "\nlync_server_state" + server + ",state=\"up\"} 0\n"));
    const std::string times = "\nlync_server_response_duration_seconds";
    CHECK(contains(text, times + "_bucket" + server + ",le=\"0.002\"} 0\n"));
    CHECK(contains(text, times + "_bucket" + server + ",le=\"0.005\"} 1\n"));
    CHECK(contains(text, times + "_bucket" + server + ",le=\"0.1\"} 2\n"));
    CHECK(contains(text, times + "_bucket" + server + ",le=\"60\"} 2\n"));
    CHECK(contains(text, times + "_bucket" + server + ",le=\"+Inf\"} 2\n"));
    CHECK(contains(text, times + "_sum" + server + "} 0.074\n"));
    CHECK(contains(text, times + "_count" + server + "} 2\n"));
    CHECK(contains(text, "file=\"/etc/nginx/a \\\"b\\\".pem\""));
    CHECK(contains(text, "\nlync_uncovered_names{publication=\"contoso\"} 1\n"));

    // Nothing of a client's is a label.
    CHECK_FALSE(contains(text, "192.0.2.7"));
    CHECK_FALSE(contains(text, "meet.contoso.com"));

    Example other;
    other.snapshot.publications[0].pools[0].servers[1].state = ServerState::draining;
    other.published.certificates[0].file = "/etc/nginx/caf\xe9-\xc3\xa9.pem";
    const std::string otherwise = to_prometheus(other.snapshot);
    CHECK(contains(otherwise, "\nlync_server_up" + server + "} 0\n")); // takes no requests
    CHECK(contains(otherwise, "\nlync_server_state" + server + ",state=\"draining\"} 1\n"));
    CHECK(contains(otherwise, "file=\"/etc/nginx/caf\xef\xbf\xbd-\xc3\xa9.pem\"")); // UTF-8
}

TEST_CASE("the page is the file, alone, and small", "[status]") {
    std::ifstream file(std::string(LYNC_SOURCE_DIR) + "/src/status/page.html");
    std::stringstream text;
    text << file.rdbuf();
    CHECK(page() == text.str());
    CHECK(page().size() < 60000);

    for (const std::string_view outside :
         {"http://", "https://", "src=", "@import", "url(", "<link", "<img", "<iframe",
          "style=", "onclick", "innerHTML", "insertAdjacentHTML", "eval(", "document.write",
          "localStorage", "document.cookie"}) {
        INFO(outside);
        std::string rest(page());
        constexpr std::string_view name_space = "'http://www.w3.org/2000/svg'"; // never fetched
        rest.erase(rest.find(name_space), name_space.size());
        CHECK_FALSE(contains(rest, outside));
    }
}

TEST_CASE("the page's policy names its own script and style", "[status]") {
    CHECK(content_security_policy("<style>a</style><script>b</script>") ==
          "default-src 'none'; script-src 'sha256-PiPoFgA5WUoziU9lZOGxNIu9egCI1CxKy3PurtWcAJ0='; "
          "style-src 'sha256-ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs='; connect-src 'self'; "
          "base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
    const std::string policy = content_security_policy(page());
    CHECK_FALSE(contains(policy, "unsafe"));
}

TEST_CASE("who gets which form", "[status]") {
    constexpr std::string_view browser =
        "text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8";
    constexpr std::string_view prometheus =
        "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;"
        "q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";

    CHECK(choose_format("", browser, false) == Format::html);
    CHECK(choose_format("", "", false) == Format::html);
    CHECK(choose_format("", "*/*", false) == Format::html);
    CHECK(choose_format("", "application/json", false) == Format::json);
    CHECK(choose_format("", "Application/JSON, text/plain", false) == Format::json);
    CHECK(choose_format("", "application/json;q=0, text/html", false) == Format::html);
    CHECK(choose_format("", prometheus, false) == Format::prometheus);
    CHECK(choose_format("", "*/*", true) == Format::prometheus);
    CHECK(choose_format("", "text/plain", false) == Format::html);
    CHECK(choose_format("json", browser, false) == Format::json);
    CHECK(choose_format("prometheus", browser, false) == Format::prometheus);
    CHECK(choose_format("html", prometheus, true) == Format::html);
    CHECK(choose_format("xml", browser, false) == Format::unknown);
    CHECK(choose_format("JSON", browser, false) == Format::unknown);
}
