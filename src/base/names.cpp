// Names and addresses, from their bytes up to FQDNs, SIP domains and simple URLs. The one place
// that calls libidn2.

#include "base/names.h"

#include "base/ascii.h"
#include "base/format.h"
#include "base/host_addresses.h"

#include <arpa/inet.h>
#include <idn2.h>

#include <algorithm>
#include <array>
#include <memory>
#include <new>

namespace lync {

namespace {

/// What a fragment calls the host ("it", "its host"), and how many labels it needs.
struct HostRule {
    std::string_view subject = "it";
    std::size_t least_labels = 2;
};

ParsedName refused(std::string error) {
    return {{}, std::move(error)};
}

// A label of 63 characters holds at most 59 of Punycode, fewer code points than that, each of four
// bytes at most in UTF-8: no name needs more than this.
constexpr std::size_t longest_utf8_name = 4 * longest_name;

// IDN2_USE_STD3_ASCII_RULES is left out on purpose: with it libidn2 drops the characters it doesn't
// like ("a_b" becomes "ab") where a refusal is needed.
constexpr int flags = IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL;

struct FreeIdn {
    void operator()(void* text) const noexcept { idn2_free(text); }
};
using IdnText = std::unique_ptr<char, FreeIdn>;

/// UTF-8 to A-labels by UTS 46, non-transitional ("straße.de" is not "strasse.de"). The result may
/// hold dots and ASCII characters that weren't in the text; it has to be checked like any name.
ParsedName to_a_labels(std::string_view text, std::string_view subject) {
    const std::string input(text);
    char* output = nullptr;
    const int code = idn2_to_ascii_8z(input.c_str(), &output, flags);
    const IdnText owner(output);

    if (code == IDN2_MALLOC) {
        throw std::bad_alloc();
    }
    if (code == IDN2_ENCODING_ERROR) {
        return refused(formatted("{} is not valid UTF-8: save the file in UTF-8, or write A-labels "
                                 "(\"xn--...\")",
                                 subject));
    }
    if (code != IDN2_OK) {
        return refused(formatted("{} is not a valid internationalized name ({})", subject,
                                 idn2_strerror_name(code)));
    }
    return {output, {}};
}

/// Whether a lower-case label that starts with "xn--" is what its U-label is written as.
bool is_a_label(std::string_view label) {
    const std::string input(label);
    char* unicode = nullptr;
    int code = idn2_to_unicode_8z8z(input.c_str(), &unicode, flags);
    const IdnText unicode_owner(unicode);
    if (code != IDN2_OK) {
        return false;
    }

    char* ascii = nullptr;
    code = idn2_to_ascii_8z(unicode, &ascii, flags);
    const IdnText ascii_owner(ascii);
    // A label that decodes to itself holds no internationalized character at all.
    return code == IDN2_OK && label == ascii && label != unicode;
}

bool is_ascii(char c) noexcept {
    return static_cast<unsigned char>(c) < 0x80;
}

std::string refuse_label(std::string_view label, std::string_view subject) {
    const auto named = [label] { return formatted("the label \"{}\"", label); };

    if (label.empty()) {
        return formatted(
            "{} has an empty label: one dot stands between two labels, none before the first",
            subject);
    }
    if (label.size() > longest_label) {
        return formatted("{} is {} characters long, a label has at most {}", named(), label.size(),
                         longest_label);
    }
    if (label.front() == '-' || label.back() == '-') {
        return formatted("{} starts or ends with \"-\", which a label may not", named());
    }
    if (label.starts_with("xn--") && !is_a_label(label)) {
        return formatted("{} starts with \"xn--\" and is not a valid A-label: write the name in "
                         "UTF-8, or copy it from DNS",
                         named());
    }
    return {};
}

/// `name` is lower-case ASCII of name bytes only.
std::string refuse_labels(std::string_view name, HostRule rule) {
    if (name.size() > longest_name) {
        return formatted("{} is {} characters long, a name has at most {}", rule.subject,
                         name.size(), longest_name);
    }
    if (name.ends_with('.') && name.size() > 1) {
        return formatted("{} ends in a dot: leave the dot out", rule.subject);
    }

    std::size_t labels = 0;
    std::string_view last;
    for (std::size_t at = 0; at <= name.size(); labels++) {
        const std::size_t end = std::min(name.find('.', at), name.size());
        last = name.substr(at, end - at);
        if (std::string why = refuse_label(last, rule.subject); !why.empty()) {
            return why;
        }
        at = end + 1;
    }

    // No top-level domain is a number, and resolvers read such names as addresses.
    if (std::ranges::all_of(last, is_ascii_digit)) {
        return formatted(
            "{} ends in the number \"{}\", so it is neither a name nor a valid IPv4 address",
            rule.subject, last);
    }
    if (labels < rule.least_labels) {
        return formatted("{} has one label only: write the full name, such as {}.contoso.com",
                         rule.subject, name);
    }
    return {};
}

/// `"_"`, `a space`, `the byte 0x00`, `a character outside of ASCII`.
std::string describe_byte(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x80                  ? "a character outside of ASCII"
           : c == ' '                    ? "a space"
           : byte < 0x20 || byte == 0x7f ? formatted("the byte 0x{:02x}", byte)
                                         : formatted("\"{}\"", c);
}

/// Checks the ASCII in it; UTS 46 maps some other characters to ones that no name may have.
std::string refuse_bytes(std::string_view text, std::string_view subject) {
    const auto bad = std::ranges::find_if(
        text, [](char c) { return is_ascii(c) && !is_ascii_alnum(c) && c != '-' && c != '.'; });
    return bad == text.end()
               ? std::string()
               : formatted("{} contains {}: a name is made of letters, digits, \"-\" and \".\"",
                           subject, describe_byte(*bad));
}

template <typename Address>
std::string normal(int family, std::string_view text) {
    std::array<char, INET6_ADDRSTRLEN> buffer{};
    Address address{};
    return text.size() < buffer.size() && text.find('\0') == std::string_view::npos &&
                   inet_pton(family, std::string(text).c_str(), &address) == 1
               ? inet_ntop(family, &address, buffer.data(), buffer.size())
               : std::string();
}

/// Of an address in normal form.
template <typename Address>
bool is_server(int family, const std::string& text) {
    Address address{};
    return inet_pton(family, text.c_str(), &address) == 1 && is_server_address(address);
}

/// "10.0.0.11" of "::ffff:10.0.0.11"; empty for other addresses. In normal form, both.
std::string mapped_ipv4(const std::string& ipv6) {
    constexpr std::string_view prefix = "::ffff:";
    return ipv6.starts_with(prefix) ? normal_ipv4(std::string_view(ipv6).substr(prefix.size()))
                                    : std::string();
}

/// An IPv4 or IPv6 literal, brackets or not. Called for each of 20,000 names, so inet_pton is
/// called only where an address is possible.
bool is_literal(std::string_view text) {
    return text.starts_with('[') || (text.find(':') != text.npos && !normal_ipv6(text).empty()) ||
           (!text.empty() && is_ascii_digit(text.back()) && !normal_ipv4(text).empty());
}

/// A host name in either spelling to lower-case A-labels. Knows nothing of ports or addresses
/// beyond refusing what isn't a label.
ParsedName parse_host(std::string_view text, HostRule rule) {
    if (text.empty()) {
        return refused(
            formatted("{} is empty: write a name, such as lyncwebext.contoso.com", rule.subject));
    }
    if (is_literal(text)) {
        return refused(formatted(
            "{} is an address, and an FQDN is needed: certificates and Host headers carry names",
            rule.subject));
    }
    if (text.size() > longest_utf8_name) {
        return refused(formatted("{} is {} bytes long, a name has at most {}", rule.subject,
                                 text.size(), longest_name));
    }
    ParsedName host{to_ascii_lower(text), refuse_bytes(text, rule.subject)};
    if (host && !std::ranges::all_of(text, is_ascii)) {
        host = to_a_labels(text, rule.subject);
        if (host) {
            host = {to_ascii_lower(host.name), refuse_bytes(host.name, rule.subject)};
        }
    }
    if (host) {
        host.error = refuse_labels(host.name, rule);
    }
    return host ? host : refused(std::move(host.error));
}

constexpr std::string_view ports_belong =
    "it contains a port: leave it out, ports belong to the rule";
constexpr std::string_view no_server = "it is no address of one server: write the server's own";
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
        const std::string address =
            text.ends_with(']') ? normal_ipv6(text.substr(1, text.size() - 2)) : "";
        const std::string ipv4 = mapped_ipv4(address);
        return address.empty()
                   ? refused(text.find("]:") != text.npos
                                 ? std::string(has_port)
                                 : "there is no valid IPv6 address between its brackets")
               : is_server<in6_addr>(AF_INET6, address) ? ParsedName{formatted("[{}]", address), {}}
               : is_server<in_addr>(AF_INET, ipv4)
                   ? refused(formatted("it is an IPv4 address as IPv6 has it: write {}", ipv4))
                   : refused(std::string(no_server));
    }
    if (!normal_ipv6(text).empty()) {
        return refused(formatted("an IPv6 address stands in brackets: write [{}]", text));
    }
    if (ends_in_port(text)) {
        return refused(std::string(has_port));
    }
    if (std::string address = normal_ipv4(text); !address.empty()) {
        return is_server<in_addr>(AF_INET, address) ? ParsedName{std::move(address), {}}
                                                    : refused(std::string(no_server));
    }
    return parse_host(text, {"it", 1});
}

bool is_plain_name(std::string_view name) noexcept {
    char previous = '.';
    for (const char c : name) {
        if (c == '.' ? previous == '.' : !is_ascii_alnum(c) && c != '-' && c != '_') {
            return false;
        }
        previous = c;
    }
    return previous != '.' && name.size() <= longest_name;
}

std::string normal_ipv4(std::string_view text) {
    return normal<in_addr>(AF_INET, text);
}

std::string normal_ipv6(std::string_view text) {
    return normal<in6_addr>(AF_INET6, text);
}

std::string normal_address(std::string_view text) {
    if (std::string ipv4 = normal_ipv4(text); !ipv4.empty()) {
        return ipv4;
    }
    const bool bracketed = text.size() > 2 && text.front() == '[' && text.back() == ']';
    std::string ipv6 = normal_ipv6(bracketed ? text.substr(1, text.size() - 2) : text);
    std::string ipv4 = mapped_ipv4(ipv6);
    return ipv4.empty() ? ipv6 : ipv4;
}

} // namespace lync
