// The four things an administrator writes where a name stands.

#include "base/names.h"

#include "base/ascii.h"
#include "base/format.h"
#include "base/host_names.h"

#include <algorithm>

namespace lync {

namespace {

constexpr std::string_view ports_belong =
    "it contains a port: leave it out, ports belong to the rule";
constexpr std::string_view unspecified =
    "it means any address: write the one address of the server";
constexpr std::string_view has_port =
    "it has a port: write the address only, ports come from listening_ports";

/// "fepool.contoso.local:4443", "10.0.0.11:"; not "fd00::11".
bool ends_in_port(std::string_view text) noexcept {
    const std::size_t colon = text.find(':');
    return colon != text.npos && std::ranges::all_of(text.substr(colon + 1), is_ascii_digit);
}

/// "/a/b" without empty and dot segments; empty as well.
bool is_plain_path(std::string_view path) noexcept {
    while (!path.empty()) {
        path.remove_prefix(1);
        const std::string_view segment = path.substr(0, path.find('/'));
        const bool plain = std::ranges::all_of(
            segment, [](char c) { return is_ascii_alnum(c) || c == '.' || c == '-' || c == '_'; });
        if (!plain || segment.empty() || segment == "." || segment == "..") {
            return false;
        }
        path.remove_prefix(segment.size());
    }
    return true;
}

ParsedUrl refused_url(std::string error) {
    return {{}, {}, false, std::move(error)};
}

} // namespace

ParsedName parse_fqdn(std::string_view text) {
    if (text.find("://") != text.npos) {
        return refused("it is a URL: write the host name only");
    }
    return ends_in_port(text) ? refused(std::string(ports_belong)) : parse_host(text, {});
}

ParsedName parse_sip_domain(std::string_view text) {
    // "lyncdiscover.DOMAIN" is published, and has to be a name.
    constexpr std::size_t longest_domain = longest_name - std::string_view("lyncdiscover.").size();

    if (text == "*") {
        return {"*", {}};
    }
    if (equal_ignore_case(text.substr(0, 4), "sip:")) {
        return refused("it is a SIP URI: write the domain only");
    }
    if (text.find('*') != std::string_view::npos) {
        return refused("a wildcard can only stand alone: sip_domain *");
    }

    ParsedName domain = parse_fqdn(text);
    const std::string_view first = std::string_view(domain.name).substr(0, domain.name.find('.'));
    if (first == "lyncdiscover" || first == "lyncdiscoverinternal") {
        return refused("lyncdiscover is put before it: write the part of SIP addresses after the "
                       "\"@\"");
    }
    if (domain && domain.name.size() > longest_domain) {
        return refused(formatted("it is {} characters long, a SIP domain has at most {} so that "
                                 "lyncdiscover can stand before it",
                                 domain.name.size(), longest_domain));
    }
    return domain;
}

ParsedUrl parse_https_url(std::string_view text) {
    constexpr std::string_view scheme = "https://";
    if (equal_ignore_case(text.substr(0, 7), "http://")) {
        return refused_url("its scheme is http: simple URLs are always https");
    }
    if (!equal_ignore_case(text.substr(0, scheme.size()), scheme)) {
        return refused_url("it is written https://HOST or https://HOST/PATH");
    }
    const std::string_view rest = text.substr(scheme.size());
    std::string_view name = rest.substr(0, rest.find('/'));
    std::string_view path = rest.substr(name.size());
    if (ends_in_port(name)) {
        return refused_url(std::string(ports_belong));
    }

    const bool any_domain = name.size() > 2 && name.ends_with(".*");
    name.remove_suffix(any_domain ? 2 : 0);
    ParsedName host = parse_host(name, {"its host", any_domain ? 1U : 2U});
    if (!host) {
        return refused_url(std::move(host.error));
    }
    path.remove_suffix(path.ends_with('/') ? 1 : 0);
    if (!is_plain_path(path)) {
        return refused_url("its path is made of segments of letters, digits, \".\", \"-\" and "
                           "\"_\"");
    }
    return {host.name + (any_domain ? ".*" : ""), std::string(path), any_domain, {}};
}

ParsedName parse_address(std::string_view text) {
    if (text.find("://") != text.npos) {
        return refused("it is a URL: write the address or the host name only");
    }
    if (text.starts_with('[')) {
        std::string address =
            text.ends_with(']') ? normal_ipv6(text.substr(1, text.size() - 2)) : "";
        return address.empty()
                   ? refused(text.find("]:") != text.npos
                                 ? std::string(has_port)
                                 : "there is no valid IPv6 address between its brackets")
               : address == "::" ? refused(std::string(unspecified))
                                 : ParsedName{formatted("[{}]", address), {}};
    }
    if (!normal_ipv6(text).empty()) {
        return refused(formatted("an IPv6 address stands in brackets: write [{}]", text));
    }
    if (ends_in_port(text)) {
        return refused(std::string(has_port));
    }
    if (std::string address = normal_ipv4(text); !address.empty()) {
        return address == "0.0.0.0" ? refused(std::string(unspecified))
                                    : ParsedName{std::move(address), {}};
    }
    return parse_host(text, {"it", 1});
}

} // namespace lync
