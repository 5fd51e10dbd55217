// What a verdict costs: Google Benchmark over real request lines. A run ends with an error if a
// verdict allocates, or if a request line isn't judged as it should be.
//
//     verdict --benchmark_repetitions=9 --benchmark_report_aggregates_only=true

#include "policy/site.h"

#include <benchmark/benchmark.h>

#include <cstdlib>
#include <new>
#include <string>

namespace {

std::size_t allocations = 0;

} // namespace

void* operator new(std::size_t size) {
    allocations++;
    if (void* memory = std::malloc(size)) {
        return memory;
    }
    throw std::bad_alloc();
}
void operator delete(void* memory) noexcept {
    std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
    std::free(memory);
}

namespace {

using namespace lync::policy;

SiteSpec spec_of(SiteKind kind) {
    static const auto rules = [] {
        RuleSpec stated;
        stated.admin_paths = {"/Admin"};
        stated.allow_paths = {"/passiveauth", "/mcx"};
        stated.deny_paths = {"/scheduler/old"};
        stated.meet_urls = {
            {"meet.contoso.com", ""}, {"meet.fabrikam.com", ""}, {"lync.contoso.com", "/Meet"}};
        for (const ShieldRow& row : shield_rows()) {
            stated.shields.push_back(make_shield(row));
        }
        return std::make_shared<const Rules>(std::move(stated));
    }();
    SiteSpec spec;
    spec.kind = kind;
    spec.rules = rules;
    return spec;
}

const Site& site_of(SiteKind kind) {
    static const Site pool(spec_of(SiteKind::web_services));
    static const Site discovery(spec_of(SiteKind::autodiscover));
    static const Site plain(spec_of(SiteKind::plain_http));
    static const Site pages([] {
        SiteSpec spec = spec_of(SiteKind::simple_urls);
        spec.simple_urls = {{"/Meet", Service::meet, 1},
                            {"/fabrikam/Meet", Service::meet, 2},
                            {"/Dialin", Service::dialin, 1}};
        return spec;
    }());
    static const Site office(spec_of(SiteKind::office_web_apps));
    switch (kind) {
    case SiteKind::autodiscover:
        return discovery;
    case SiteKind::simple_urls:
        return pages;
    case SiteKind::plain_http:
        return plain;
    case SiteKind::office_web_apps:
        return office;
    default:
        return pool;
    }
}

struct Line {
    const char* name;
    SiteKind kind;
    const char* method;
    std::string target;
    Action action;
};

const Line lines[] = {
    {"autodiscover", SiteKind::autodiscover, "GET", "/?sipuri=jdoe@contoso.com", Action::pass},
    {"root_user", SiteKind::web_services, "GET",
     "/Autodiscover/AutodiscoverService.svc/root/user?originalDomain=contoso.com", Action::pass},
    {"webticket", SiteKind::web_services, "POST", "/WebTicket/WebTicketService.svc/Auth",
     Action::pass},
    {"address_book", SiteKind::web_services, "GET", "/abs/handler/F-0bd2.lsabs", Action::pass},
    {"ucwa_events", SiteKind::web_services, "GET",
     "/ucwa/oauth/v1/applications/101/events?ack=12&timeout=900&low=1800", Action::pass},
    {"ucwa_people", SiteKind::web_services, "GET",
     "/ucwa/v1/applications/192/people/jdoe@contoso.com/presence", Action::pass},
    {"ucwa_encoded", SiteKind::web_services, "GET",
     "/ucwa/v1/applications/192/people/sip%3ajdoe%40contoso.com/note", Action::pass},
    {"ucwa_messages", SiteKind::web_services, "POST",
     "/ucwa/v1/applications/192/communication/conversations/137ab01f-3dba-4f6a-9b62-1d4f0a6d0b7c/"
     "messaging/messages?OperationContext=5a",
     Action::pass},
    {"meet", SiteKind::simple_urls, "GET", "/Meet/kenmyer/7322994", Action::pass},
    {"meet_space", SiteKind::simple_urls, "GET", "/Meet/john%20doe/ABC", Action::pass},
    {"web_app", SiteKind::web_services, "GET",
     "/lwa/WebPages/LwaClient.aspx?legacy=RmFsc2U!&meeturl="
     "aHR0cHM6Ly9tZWV0LmNvbnRvc28uY29tL2tlbm15ZXIvNzMyMjk5NA!!",
     Action::pass},
    {"web_app_escaped", SiteKind::web_services, "GET",
     "/lwa/WebPages/LwaClient.aspx?meeturl="
     "aHR0cHM6Ly9tZWV0LmNvbnRvc28uY29tL3JlbmUvOEg0TDJUTUM%3D",
     Action::pass},
    {"upload", SiteKind::web_services, "POST", "/DataCollabWeb/Ext/Handler/upload.ashx?id=9f2c4b",
     Action::pass},
    {"office", SiteKind::office_web_apps, "GET",
     "/m/ParticipantFrame.aspx?a=0&e=true&WopiSrc=https%253A%252F%252Fx", Action::pass},
    {"plain_http", SiteKind::plain_http, "GET", "/Meet/kenmyer/7322994", Action::redirect},
    {"control_panel", SiteKind::web_services, "GET", "/cscp/", Action::refuse},
    {"scanner", SiteKind::web_services, "GET", "/wp-login.php", Action::refuse},
    {"tricky", SiteKind::web_services, "GET", "/meet/%252e%252e%255c%2563scp/x", Action::refuse},
};

void judge(benchmark::State& state, const Line& line) {
    const Site& site = site_of(line.kind);
    const Request request{line.method, split_target(line.target), "lyncwebext.contoso.com"};
    if (site.judge(request).action != line.action) {
        state.SkipWithError("judged otherwise");
        return;
    }
    const std::size_t before = allocations;
    for (auto _ : state) {
        Verdict verdict = site.judge(request);
        benchmark::DoNotOptimize(verdict);
    }
    if (allocations != before) {
        state.SkipWithError("a verdict allocates");
    }
}

} // namespace

int main(int argc, char** argv) {
    for (const Line& line : lines) {
        benchmark::RegisterBenchmark(line.name, judge, line);
    }
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) {
        return 1;
    }
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
}
