#include "policy/site.h"

#include "base/ascii.h"
#include "base/words.h"
#include "policy/path.h"

#include <algorithm>
#include <array>

namespace lync::policy {

namespace {

constexpr std::array<std::string_view, 15> reason_names{
    "none",           "unknown_host", "admin",      "internal",    "path",
    "ambiguous_path", "method",       "plain_http", "meeting_url", "denied",
    "sign_in",        "shield",       "body",       "lockout",     "malformed",
};
static_assert(reason_names.size() == static_cast<std::size_t>(Reason::malformed) + 1);

/// "/Meet/" becomes "/meet".
std::string prefix_of(std::string_view path) {
    std::string prefix = to_ascii_lower(path);
    while (prefix.ends_with('/')) {
        prefix.pop_back();
    }
    return prefix;
}

/// Prefixes of `paths`, each once: 20,000 hosts may have the same /Admin. Those that would cover
/// everything are left out.
std::vector<std::string> prefixes_of(const std::vector<std::string>& paths) {
    std::vector<std::string> prefixes;
    std::ranges::transform(paths, std::back_inserter(prefixes), prefix_of);
    std::ranges::sort(prefixes);
    prefixes.erase(std::unique(prefixes.begin(), prefixes.end()), prefixes.end());
    std::erase(prefixes, std::string());
    return prefixes;
}

bool any_covers(const std::vector<std::string>& prefixes, std::string_view path) noexcept {
    return std::ranges::any_of(prefixes,
                               [&](const std::string& prefix) { return covers(prefix, path); });
}

/// `yes`; if none matches and one has given up, `limit`.
Pattern::Result match_any(const std::vector<Pattern>& patterns, std::string_view path) noexcept {
    Pattern::Result found = Pattern::Result::no;
    for (const Pattern& pattern : patterns) {
        const Pattern::Result result = pattern.match(path);
        found = result == Pattern::Result::no ? found : result;
        if (found == Pattern::Result::yes) {
            break;
        }
    }
    return found;
}

Verdict pass(Service service, std::uint16_t target, BodyLimit body = BodyLimit::content) noexcept {
    return {Action::pass, Reason::none, service, target, body};
}

Verdict refuse(Reason reason, Service service, std::uint16_t target = 0) noexcept {
    return {Action::refuse, reason, service, target, BodyLimit::none};
}

/// By SiteKind.
constexpr Hosts hosts[] = {on_pool, on_discovery, on_pages, 0, on_exchange, 0, 0, 0};

/// A refusal that holds whatever the verdict on the other reading is.
bool is_final(const Verdict& verdict) noexcept {
    return verdict.reason == Reason::admin || verdict.reason == Reason::internal ||
           verdict.reason == Reason::denied;
}

/// The verdict on a path of two readings.
Verdict combine(const Verdict& strict, const Verdict& lenient) noexcept {
    if (is_final(strict)) {
        return strict;
    }
    if (is_final(lenient)) {
        return lenient;
    }
    if (strict.action == Action::refuse && lenient.action == Action::refuse) {
        return strict;
    }
    if (strict.action != lenient.action || strict.service != lenient.service ||
        strict.target != lenient.target) {
        return refuse(Reason::ambiguous_path, strict.service, strict.target);
    }
    return strict;
}

/// Characters that no client can send in a request line, but a `set $args` can: they would end the
/// line early.
bool breaks_line(std::string_view text) noexcept {
    return any_byte(text, [](Word word) { return word.is_control() | word.is(' '); });
}

Reason reason_of(PathState state) noexcept {
    return state == PathState::malformed ? Reason::malformed : Reason::ambiguous_path;
}

/// The row of a simple URL's service: its methods hold for the URL as well.
const PathRow* row_of(Service service, Product product) noexcept {
    return find_row(service == Service::meet     ? "/meet"
                    : service == Service::dialin ? "/dialin"
                                                 : "/scheduler",
                    product);
}

bool is_autodiscover_path(std::string_view path) noexcept {
    return path.empty() || covers("/autodiscover", path);
}

} // namespace

Target split_target(std::string_view text) noexcept {
    const std::string_view path = take_until(text, '?');
    return {path, text};
}

std::string_view reason_name(Reason reason) noexcept {
    return reason_names[static_cast<std::size_t>(reason)];
}

Rules::Rules(RuleSpec stated)
    : spec(std::move(stated)), allow_paths(prefixes_of(spec.allow_paths)),
      deny_paths(prefixes_of(spec.deny_paths)), admin_paths(prefixes_of(spec.admin_paths)),
      meet_urls(spec.meet_urls), shields(spec.shields) {
    for (MeetUrl& url : meet_urls) {
        url.host = to_ascii_lower(url.host);
        url.prefix = prefix_of(url.prefix);
    }
}

Site::Site(SiteSpec spec) : spec_(std::move(spec)), simple_urls_(spec_.simple_urls) {
    for (SimpleUrlPath& url : simple_urls_) {
        url.prefix = prefix_of(url.prefix);
    }
    std::stable_sort(simple_urls_.begin(), simple_urls_.end(),
                     [](const SimpleUrlPath& a, const SimpleUrlPath& b) {
                         return a.prefix.size() > b.prefix.size();
                     });
}

Verdict Site::judge(const Request& request) const noexcept {
    const auto [raw, query] = request.target;
    if (spec_.kind == SiteKind::unknown_host) {
        return refuse(Reason::unknown_host, Service::unknown, spec_.target);
    }
    if (spec_.kind == SiteKind::blocked) {
        return refuse(Reason::admin, Service::control_panel, spec_.target);
    }
    const bool is_office = spec_.kind == SiteKind::office_web_apps;
    if (breaks_line(query) || (is_office && breaks_line(raw))) { // read_path refuses it in others
        return refuse(Reason::malformed, is_office ? Service::office_web_apps : Service::unknown,
                      spec_.target);
    }
    if (is_office) {
        return judge_office_web_apps(request, raw);
    }
    if (spec_.kind == SiteKind::plain_http) {
        return judge_plain_http(request, raw);
    }

    Readings readings;
    if (const PathState state = read_path(raw, readings); state != PathState::fine) {
        return refuse(reason_of(state), Service::unknown, spec_.target);
    }
    const Methods method = method_bit(request.method);
    Verdict verdict = judge_readings(readings, method);
    // Neither what is closed on every host nor autodiscover is redirected.
    if (spec_.kind != SiteKind::autodiscover && (method & (method_get | method_head)) != 0 &&
        readings.second == Second::none && !is_final(verdict)) {
        if (const Redirect* redirect =
                find_redirect(rules().spec.redirects, request.host, readings.strict.path())) {
            verdict = {Action::redirect, Reason::none, verdict.service, verdict.target};
            verdict.location = redirect->location;
        }
    }
    if (verdict.action == Action::pass) {
        check_passing(readings, query, verdict);
    }
    return verdict;
}

Verdict Site::judge_readings(const Readings& readings, Methods method) const noexcept {
    Verdict verdict = judge_reading(readings.strict, method);
    if (readings.second == Second::lenient) {
        return combine(verdict, judge_reading(readings.other, method));
    }
    if (readings.second == Second::unresolved && !is_final(verdict)) {
        find_closed(readings.other, verdict);
    }
    return verdict;
}

/// The guard, the shield, and which body may sign in.
void Site::check_passing(const Readings& readings, std::string_view query,
                         Verdict& verdict) const noexcept {
    const std::string_view path = readings.strict.path();
    const bool two = readings.second != Second::none;
    const std::string_view other = two ? readings.other.path() : path;
    verdict.guarded =
        rules().spec.meeting_url_guard &&
        (covers("/lwa", path) || (readings.second == Second::lenient && covers("/lwa", other)));
    if (verdict.guarded && !parameters_pass(query)) {
        verdict = refuse(Reason::meeting_url, verdict.service, verdict.target);
        return;
    }
    verdict.sign_in = sign_in_body(verdict.service, path);
    if (two) {
        verdict.sign_in = std::max(verdict.sign_in, sign_in_body(verdict.service, other));
    }
    ask_shields(verdict, path, query);
    if (two) {
        ask_shields(verdict, other, query);
    }
}

void Site::apply(ShieldHit hit, Verdict& verdict) const noexcept {
    if (verdict.action != Action::pass || !hit) {
        return;
    }
    if (shields().refuses(hit)) {
        verdict = refuse(Reason::shield, verdict.service, verdict.target);
    }
    verdict.shield = hit;
}

void Site::ask_shields(Verdict& verdict, std::string_view path,
                       std::string_view query) const noexcept {
    if (verdict.action == Action::pass) {
        apply(shields().find_in_target(verdict.service, path, query), verdict);
    }
}

bool Site::parameters_pass(std::string_view parameters) const noexcept {
    return meeting_urls_pass(parameters, rules().meet_urls);
}

std::string_view Site::allow_path_remedy(const Request& request) const noexcept {
    Readings readings;
    if (read_path(request.target.path, readings) != PathState::fine) {
        return {};
    }
    const PathRow* row = find_row(readings.strict.path(), rules().spec.product);
    return row != nullptr && row->exposure == Exposure::on_demand ? row->prefix
                                                                  : std::string_view();
}

std::vector<std::string> Site::passing_paths() const {
    switch (spec_.kind) {
    case SiteKind::unknown_host:
    case SiteKind::blocked:
        return {};
    case SiteKind::office_web_apps:
        return {"/*"};
    case SiteKind::plain_http:
        return spec_.plain_autodiscover == PlainAutodiscover::never
                   ? std::vector<std::string>{}
                   : std::vector<std::string>{"/", "/autodiscover"};
    default:
        break;
    }
    std::vector<std::string> paths;
    if (spec_.kind != SiteKind::exchange) {
        // On the whole host of a simple URL everything passes but what is on demand elsewhere.
        if (!rules().spec.strict || (!simple_urls_.empty() && simple_urls_.back().prefix.empty())) {
            return {"/*"};
        }
        paths = rules().spec.allow_paths;
        for (const Pattern& pattern : rules().spec.allow_patterns) {
            paths.push_back("~* " + pattern.text());
        }
    }
    for (const PathRow& row : path_rows()) {
        if (publishes(row)) {
            paths.emplace_back(row.prefix);
        }
    }
    for (const SimpleUrlPath& url : spec_.simple_urls) {
        paths.push_back(url.prefix);
    }
    if (spec_.kind == SiteKind::autodiscover) {
        paths.emplace_back("/");
    }
    std::sort(paths.begin(), paths.end());
    paths.erase(std::unique(paths.begin(), paths.end()), paths.end());
    return paths;
}

/// What is closed on every host.
bool Site::find_closed(const Reading& reading, Verdict& verdict) const noexcept {
    const std::string_view path = reading.path();
    if (any_covers(rules().admin_paths, path)) {
        verdict = refuse(Reason::admin, Service::control_panel, spec_.target);
        return true;
    }
    const Hosts among = spec_.kind == SiteKind::exchange ? on_exchange : on_every_host;
    if (const Never never = find_never(path, rules().spec.product, among, reading.may_name_file());
        never.closed) {
        verdict = refuse(never.exposure == Exposure::admin ? Reason::admin : Reason::internal,
                         never.service, spec_.target);
        return true;
    }
    return false;
}

Verdict Site::judge_reading(const Reading& reading, Methods method) const noexcept {
    const std::string_view path = reading.path();
    Verdict verdict;
    if (find_closed(reading, verdict)) {
        return verdict;
    }
    verdict =
        spec_.kind == SiteKind::exchange ? judge_exchange(path, method) : judge_lync(path, method);
    denies(path, verdict);
    return verdict;
}

bool Site::denies(std::string_view path, Verdict& verdict) const noexcept {
    const Pattern::Result denied = any_covers(rules().deny_paths, path)
                                       ? Pattern::Result::yes
                                       : match_any(rules().spec.deny_patterns, path);
    if (denied == Pattern::Result::no) {
        return false;
    }
    verdict = refuse(Reason::denied, verdict.service, verdict.target);
    verdict.shield.gave_up = denied == Pattern::Result::limit;
    return true;
}

Pattern::Result Site::allows(std::string_view path) const noexcept {
    return any_covers(rules().allow_paths, path) ? Pattern::Result::yes
                                                 : match_any(rules().spec.allow_patterns, path);
}

bool Site::declares(Service service) const noexcept {
    return std::any_of(simple_urls_.begin(), simple_urls_.end(),
                       [&](const SimpleUrlPath& url) { return url.service == service; });
}

bool Site::publishes(const PathRow& row) const noexcept {
    if (row.exposure != Exposure::published || rules().spec.product < row.first ||
        rules().spec.product > row.last) {
        return false;
    }
    if (spec_.kind == SiteKind::simple_urls && (row.hosts & on_own_pages) != 0 &&
        declares(row.service)) {
        return true;
    }
    const auto& services = spec_.exchange_services;
    return (row.hosts & hosts[static_cast<std::size_t>(spec_.kind)]) != 0 &&
           (spec_.kind != SiteKind::exchange ||
            std::find(services.begin(), services.end(), row.service) != services.end());
}

/// The service of a path on this host, and whether the strict policy publishes it.
Site::Found Site::find(std::string_view path) const noexcept {
    const PathRow* row = find_row(path, rules().spec.product);
    Found found{row, row != nullptr ? row->service : Service::unknown, spec_.target,
                row != nullptr && publishes(*row)};
    if (spec_.kind == SiteKind::autodiscover && path.empty()) {
        return {find_row("/autodiscover", rules().spec.product), Service::autodiscover,
                spec_.target, true};
    }
    const auto url = std::ranges::find_if(simple_urls_, [&](const SimpleUrlPath& candidate) {
        return covers(candidate.prefix, path);
    });
    if (url == simple_urls_.end()) {
        return found;
    }
    found.target = url->target;
    // The whole host is published, but what is on demand elsewhere is so here: the pool has one
    // web site behind all its names.
    found.published =
        !url->prefix.empty() || row == nullptr || row->exposure == Exposure::published;
    if (!url->prefix.empty() || row == nullptr) {
        found.service = url->service;
        found.row = row_of(url->service, rules().spec.product);
    }
    return found;
}

Verdict Site::judge_lync(std::string_view path, Methods method) const noexcept {
    const Found found = find(path);
    if ((method & ordinary_methods) == 0) {
        return refuse(Reason::method, found.service, found.target);
    }
    if (!found.published && rules().spec.strict) {
        const Pattern::Result allowed = allows(path);
        if (allowed != Pattern::Result::yes) {
            Verdict verdict = refuse(Reason::path, found.service, found.target);
            verdict.shield.gave_up = allowed == Pattern::Result::limit;
            return verdict;
        }
    }
    if (!rules().spec.strict || found.row == nullptr) {
        return pass(found.service, found.target);
    }
    return (found.row->methods & method) == 0 ? refuse(Reason::method, found.service, found.target)
                                              : pass(found.service, found.target, found.row->body);
}

Verdict Site::judge_exchange(std::string_view path, Methods method) const noexcept {
    const PathRow* row = find_row(path, rules().spec.product, on_exchange);
    const Service service = row != nullptr ? row->service : Service::unknown;
    if (method == method_none) {
        return refuse(Reason::method, service, spec_.target);
    }
    if (row == nullptr || !publishes(*row)) {
        return refuse(service == Service::exchange_admin ? Reason::admin : Reason::path, service,
                      spec_.target);
    }
    if ((row->methods & method) == 0) {
        return refuse(Reason::method, service, spec_.target);
    }
    return pass(service, spec_.target, row->body);
}

/// Passed on byte for byte: its URLs are encoded twice by design, so only the plain reading is
/// judged, and only for administration, which no farm has, and for what is denied.
Verdict Site::judge_office_web_apps(const Request& request, std::string_view raw) const noexcept {
    constexpr Service service = Service::office_web_apps;
    Reading reading;
    if (const PathState state = read_plain(raw, reading); state != PathState::fine) {
        return refuse(reason_of(state), service, spec_.target);
    }
    const std::string_view path = reading.path();
    if (any_covers(rules().admin_paths, path) ||
        find_never_admin(path, rules().spec.product).closed) {
        return refuse(Reason::admin, service, spec_.target);
    }
    Verdict verdict = pass(service, spec_.target);
    if (denies(path, verdict)) {
        return verdict;
    }
    if ((method_bit(request.method) & ordinary_methods) == 0) {
        return refuse(Reason::method, service, spec_.target);
    }
    ask_shields(verdict, path, request.target.query);
    return verdict;
}

bool Site::autodiscover_travels(const Request& request) const noexcept {
    if (!request.host.starts_with("lyncdiscover.") ||
        (request.method != "GET" && request.method != "HEAD")) {
        return false;
    }
    switch (spec_.plain_autodiscover) {
    case PlainAutodiscover::always:
        return true;
    case PlainAutodiscover::unless_covered:
        return rules().spec.certificate_names == nullptr ||
               !rules().spec.certificate_names->covers(request.host);
    case PlainAutodiscover::never:
        break;
    }
    return false;
}

Verdict Site::judge_plain_http(const Request& request, std::string_view raw) const noexcept {
    Readings readings;
    if (const PathState state = read_path(raw, readings); state != PathState::fine) {
        return refuse(reason_of(state), Service::unknown, spec_.target);
    }
    const std::string_view path = readings.strict.path();
    const bool two = readings.second != Second::none;
    const std::string_view other = two ? readings.other.path() : path;
    Verdict closed;
    if (find_closed(readings.strict, closed) || (two && find_closed(readings.other, closed))) {
        return closed;
    }
    const PathRow* row = find_row(path, rules().spec.product);
    const Service service = row != nullptr ? row->service : Service::unknown;
    if (Verdict verdict = pass(service, spec_.target);
        denies(path, verdict) || (two && denies(other, verdict))) {
        return verdict;
    }
    if (is_autodiscover_path(path) &&
        (readings.second != Second::lenient || is_autodiscover_path(other)) &&
        autodiscover_travels(request)) {
        Verdict verdict = pass(Service::autodiscover, spec_.target);
        ask_shields(verdict, path, request.target.query);
        return verdict;
    }
    // What is redirected comes back on https and is judged there.
    if ((method_bit(request.method) & ordinary_methods) == 0) {
        return refuse(Reason::method, service, spec_.target);
    }
    if (!rules().spec.https_redirect) {
        return refuse(Reason::plain_http, service, spec_.target);
    }
    return {Action::redirect, Reason::none, service, spec_.target, BodyLimit::content};
}

} // namespace lync::policy
