// The four things an administrator writes where a name stands, and the mistakes that each invites.

#include "base/names.h"

#include "base/ascii.h"
#include "base/format.h"
#include "base/host_names.h"

#include <algorithm>

namespace lync {

namespace {

constexpr std::string_view ports_belong = "leave it out, ports belong to the rule";

/// Whatever is not a bare name, each with its own remedy.
std::string refuse_shape(std::string_view text) {
    if (const std::size_t bad = find_unprintable(text); bad != std::string_view::npos) {
        return formatted("it contains {}: a name is made of letters, digits, \"-\" and \".\"",
                         describe_byte(text[bad]));
    }
    if (text.find("://") != std::string_view::npos) {
        return "it is a URL: write the host name only";
    }
    if (std::string why = refuse_literal(text, "it"); !why.empty()) {
        return why;
    }
    if (text.find('/') != std::string_view::npos) {
        return "it contains a path: write the host name only";
    }
    if (text.find('@') != std::string_view::npos) {
        return "it contains \"@\": write only what follows it";
    }
    if (const std::size_t colon = text.find(':');
        colon != std::string_view::npos &&
        std::all_of(text.begin() + static_cast<std::ptrdiff_t>(colon) + 1, text.end(),
                    is_ascii_digit)) {
        // "10.0.0.1:443" needs a name first of all.
        const std::string why = refuse_literal(text.substr(0, colon), "it");
        return why.empty() ? formatted("it contains a port: {}", ports_belong) : why;
    }
    if (text.find('*') != std::string_view::npos) {
        return "it contains a wildcard: write the name itself";
    }
    return {};
}

std::string refuse_url_path(std::string_view path) {
    const auto bad = std::ranges::find_if(path, [](char c) {
        return !is_ascii_alnum(c) && c != '.' && c != '-' && c != '_' && c != '/';
    });
    if (bad != path.end()) {
        return formatted("its path contains {}: a path is made of letters, digits, \".\", \"-\", "
                         "\"_\" and \"/\"",
                         describe_byte(*bad));
    }
    while (!path.empty()) { // "/a/b", one segment at a time
        path.remove_prefix(1);
        const std::string_view segment = path.substr(0, path.find('/'));
        if (segment.empty()) {
            return "its path has an empty segment: one \"/\" stands between two segments";
        }
        if (segment == "." || segment == "..") {
            return formatted("its path has the segment \"{}\": write the path that it leads to",
                             segment);
        }
        path.remove_prefix(segment.size());
    }
    return {};
}

/// What a simple URL may not hold at all, wherever it stands.
std::string refuse_url_shape(std::string_view text) {
    if (text.empty()) {
        return "it is empty: write https://HOST or https://HOST/PATH";
    }
    if (const std::size_t bad = find_unprintable(text); bad != std::string_view::npos) {
        return formatted("it contains {}, which a URL may not", describe_byte(text[bad]));
    }

    const std::size_t scheme_end = text.find("://");
    if (scheme_end == std::string_view::npos) {
        return "it has no scheme: write https://HOST or https://HOST/PATH";
    }
    const std::string_view scheme = text.substr(0, scheme_end);
    if (equal_ignore_case(scheme, "http")) {
        return "its scheme is http: simple URLs are always https";
    }
    if (!equal_ignore_case(scheme, "https")) {
        return "its scheme is not https: simple URLs are always https";
    }

    if (text.find('%') != std::string_view::npos) {
        return "it contains a percent-escape: simple URLs are written without";
    }
    if (text.find('#') != std::string_view::npos) {
        return "it contains a fragment: leave out the \"#\" and what follows";
    }
    if (text.find('?') != std::string_view::npos) {
        return "it contains a query: leave out the \"?\" and what follows";
    }
    return {};
}

/// The host of a simple URL, with the errors of its own: port, user, wildcard.
ParsedUrl parse_url_host(std::string_view authority) {
    constexpr std::string_view subject = "its host";
    ParsedUrl url;

    if (authority.find('@') != std::string_view::npos) {
        url.error = "it contains a user name: leave out the \"@\" and what precedes it";
        return url;
    }
    if (url.error = refuse_literal(authority, subject); !url.error.empty()) {
        return url;
    }
    if (const std::size_t colon = authority.find(':'); colon != std::string_view::npos) {
        url.error = refuse_literal(authority.substr(0, colon), subject);
        if (url.error.empty()) {
            url.error = formatted("it contains a port: {}", ports_belong);
        }
        return url;
    }

    url.wildcard_tld = authority.size() > 2 && authority.ends_with(".*");
    const std::string_view name =
        url.wildcard_tld ? authority.substr(0, authority.size() - 2) : authority;
    if (name.find('*') != std::string_view::npos) {
        url.error = "a wildcard can only stand at the end of the host: https://meet.*";
        return url;
    }

    ParsedName host = parse_host(name, {subject, url.wildcard_tld ? 1U : 2U});
    url.error = std::move(host.error);
    url.host = std::move(host.name);
    if (url && url.wildcard_tld) {
        url.host += ".*";
    }
    return url;
}

constexpr std::string_view has_port =
    "it has a port: write the address only, ports come from listening_ports";
constexpr std::string_view unspecified =
    "it means any address: write the one address of the server";

/// Whatever is neither an address nor a host name.
std::string refuse_address_shape(std::string_view text) {
    if (text.empty()) {
        return "it is empty: write an IPv4 address, an IPv6 address in brackets, or a host name";
    }
    if (const std::size_t bad = find_unprintable(text); bad != std::string_view::npos) {
        return formatted("it contains {}, which neither an address nor a name may",
                         describe_byte(text[bad]));
    }
    if (equal_ignore_case(text.substr(0, 5), "unix:")) {
        return "it is a UNIX domain socket: servers are reached by TCP, write an address or a host "
               "name";
    }
    if (text.find("://") != std::string_view::npos) {
        return "it is a URL: write the address or the host name only";
    }
    if (text.find('/') != std::string_view::npos) {
        return "it contains \"/\": write the one address of the server";
    }
    return {};
}

/// "[2001:db8::1]"
ParsedName parse_bracketed(std::string_view text) {
    const std::size_t close = text.find(']');
    const std::string address =
        close == std::string_view::npos ? "" : normal_ipv6(text.substr(1, close - 1));
    if (address.empty()) {
        return refused("there is no valid IPv6 address between its brackets");
    }
    const std::string_view rest = text.substr(close + 1);
    if (rest.starts_with(':')) {
        return refused(std::string(has_port));
    }
    if (!rest.empty()) {
        return refused("something follows its \"]\": write the address only");
    }
    return address == "::" ? refused(std::string(unspecified))
                           : ParsedName{formatted("[{}]", address), {}};
}

bool has_scheme_of_sip(std::string_view text) noexcept {
    return equal_ignore_case(text.substr(0, 4), "sip:") ||
           equal_ignore_case(text.substr(0, 5), "sips:");
}

} // namespace

ParsedName parse_fqdn(std::string_view text) {
    if (std::string why = refuse_shape(text); !why.empty()) {
        return refused(std::move(why));
    }
    return parse_host(text, {});
}

ParsedName parse_sip_domain(std::string_view text) {
    // "lyncdiscover.DOMAIN" is published, and has to be a name.
    constexpr std::size_t longest_domain = longest_name - std::string_view("lyncdiscover.").size();

    if (text == "*") {
        return {"*", {}};
    }
    if (has_scheme_of_sip(text)) {
        return refused("it is a SIP URI: write the domain only");
    }
    if (text.find('*') != std::string_view::npos) {
        return refused("a wildcard can only stand alone: sip_domain *");
    }

    ParsedName domain = parse_fqdn(text);
    if (domain && domain.name.size() > longest_domain) {
        return refused(formatted("it is {} characters long, a SIP domain has at most {} so that "
                                 "lyncdiscover can stand before it",
                                 domain.name.size(), longest_domain));
    }
    return domain;
}

ParsedUrl parse_https_url(std::string_view text) {
    ParsedUrl url;
    if (url.error = refuse_url_shape(text); !url.error.empty()) {
        return url;
    }

    const std::string_view rest = text.substr(std::string_view("https://").size());
    const std::size_t slash = std::min(rest.find('/'), rest.size());
    url = parse_url_host(rest.substr(0, slash));
    if (!url) {
        return {{}, {}, false, std::move(url.error)};
    }

    std::string_view path = rest.substr(slash);
    if (path.ends_with('/')) {
        path.remove_suffix(1);
    }
    if (std::string why = refuse_url_path(path); !why.empty()) {
        return {{}, {}, false, std::move(why)};
    }
    url.path = path;
    return url;
}

ParsedName parse_address(std::string_view text) {
    if (std::string why = refuse_address_shape(text); !why.empty()) {
        return refused(std::move(why));
    }
    if (text.starts_with('[')) {
        return parse_bracketed(text);
    }
    if (!normal_ipv6(text).empty()) {
        return refused(formatted("an IPv6 address stands in brackets: write [{}]", text));
    }
    if (std::string address = normal_ipv4(text); !address.empty()) {
        return address == "0.0.0.0" ? refused(std::string(unspecified))
                                    : ParsedName{std::move(address), {}};
    }
    switch (std::ranges::count(text, ':')) {
    case 0:
        return parse_host(text, {"it", 1});
    case 1:
        return refused(std::string(has_port));
    default:
        return refused("it is not a valid IPv6 address, which would stand in brackets");
    }
}

} // namespace lync
