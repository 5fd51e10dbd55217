#include "policy/redirect.h"

#include "base/ascii.h"
#include "base/format.h"
#include "base/names.h"
#include "policy/path.h"
#include "policy/services.h"

#include <algorithm>
#include <array>

namespace lync::policy {

namespace {

/// Services whose first page people open. The others are for programs, which follow no redirect.
constexpr std::array pages{Service::unknown, Service::meet, Service::dialin, Service::scheduler,
                           Service::owa};

/// Why no page is moved from there; empty if people open one, or if the path is unknown.
std::string check_service(std::string_view path, Product product) {
    for (const Hosts hosts : {on_lync, on_exchange}) {
        const PathRow* row = find_row(path, product, hosts);
        if (row != nullptr && std::find(pages.begin(), pages.end(), row->service) == pages.end()) {
            return formatted("it is of the service {}, which only programs request, and they "
                             "follow no redirect",
                             service_name(row->service));
        }
    }
    return {};
}

} // namespace

const Redirect* find_redirect(std::span<const Redirect> redirects, std::string_view host,
                              std::string_view path) noexcept {
    const Redirect* found = nullptr;
    for (const Redirect& each : redirects) {
        if (each.path == path && (each.host == host || (each.host.empty() && found == nullptr))) {
            found = &each;
            if (!each.host.empty()) {
                break;
            }
        }
    }
    return found;
}

RedirectFrom read_redirect_from(std::string_view text, Product product) {
    RedirectFrom from{"", std::string(text), ""};
    if (!text.starts_with('/')) {
        ParsedUrl url = parse_https_url(text);
        if (!url || url.wildcard_tld) {
            from.error = url ? "it holds a \"*\": write one name" : std::move(url.error);
            return from;
        }
        from = {std::move(url.host), url.path.empty() ? "/" : std::move(url.path), ""};
    } else if (text == "/") {
        from.error = "it is the first page of every simple URL, too: write the name that is meant, "
                     "https://NAME/";
        return from;
    }
    from.error = from.path == "/" ? "" : check_allow_path(from.path, product);
    from.path = to_ascii_lower(from.path);
    if (from.path.ends_with('/')) {
        from.path.pop_back();
    }
    if (from.error.empty()) {
        from.error = check_service(from.path, product);
    }
    return from;
}

RedirectTo read_redirect_to(std::string_view text) {
    constexpr std::string_view scheme = "https://";
    constexpr std::string_view never = "\"\\<>^`{|}$";
    RedirectTo to;
    if (!equal_ignore_case(text.substr(0, scheme.size()), scheme)) {
        to.error = "it is an absolute URL, https://NAME/...";
        return to;
    }
    const std::string_view rest = text.substr(scheme.size());
    const std::size_t end = std::min(rest.find_first_of("/?#"), rest.size());
    const std::size_t colon = std::min(rest.find(':'), end);
    const std::string_view port = rest.substr(colon, end - colon);
    const std::string_view tail = rest.substr(end);
    ParsedName host = parse_fqdn(rest.substr(0, colon));
    if (!host) {
        to.error = formatted("its name isn't one: {}", host.error);
    } else if (!port.empty() && !parse_number(port.substr(1), 1, 65535)) {
        to.error = "its port isn't a number from 1 to 65535";
    } else if (std::any_of(tail.begin(), tail.end(), [&](char c) {
                   return c <= 0x20 || c >= 0x7f || never.find(c) != never.npos;
               })) {
        to.error = "it is sent as it stands: no variables, and what isn't ASCII percent-encoded";
    }
    if (!to.error.empty()) {
        return to;
    }
    to.location.append(scheme).append(host.name).append(port);
    to.location.append(tail.starts_with('/') ? "" : "/").append(tail);
    to.host = std::move(host.name);
    Readings readings;
    const PathState state = read_path(tail.substr(0, tail.find_first_of("?#")), readings);
    to.path = state == PathState::fine ? readings.strict.path() : "*";
    return to;
}

} // namespace lync::policy
