// The parts of a host name: bytes, labels, lengths, and the addresses that aren't names.

#include "base/host_names.h"

#include "base/ascii.h"
#include "base/format.h"
#include "base/idn.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

namespace lync {

namespace {

// A label of 63 characters holds at most 59 of Punycode, fewer code points than that, each of four
// bytes at most in UTF-8: no name needs more than this.
constexpr std::size_t longest_utf8_name = 4 * longest_name;

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

/// Of the ASCII in it; UTS 46 maps some other characters to such that no name may have.
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

/// An IPv4 or IPv6 literal, brackets or not. Asked of each of 20,000 names: inet_pton only where an
/// address is possible.
bool is_literal(std::string_view text) {
    return text.starts_with('[') || (text.find(':') != text.npos && !normal_ipv6(text).empty()) ||
           (!text.empty() && is_ascii_digit(text.back()) && !normal_ipv4(text).empty());
}

} // namespace

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
    if (text.size() > 2 && text.front() == '[' && text.back() == ']') {
        return normal_ipv6(text.substr(1, text.size() - 2));
    }
    std::string ipv4 = normal_ipv4(text);
    return ipv4.empty() ? normal_ipv6(text) : ipv4;
}

} // namespace lync
