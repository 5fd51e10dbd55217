#include "lyncctl/doctor/net.h"

#include "base/ascii.h"
#include "base/format.h"
#include "base/host_names.h"
#include "lyncctl/addresses.h"

#include <csignal>
#include <stdexcept>

namespace lync::lyncctl::doctor {

namespace {

volatile std::sig_atomic_t interrupted = 0;

extern "C" void lync_doctor_interrupt(int) {
    interrupted = 1;
}

} // namespace

void catch_interrupts() noexcept {
    struct sigaction action {};
    action.sa_handler = lync_doctor_interrupt;
    action.sa_flags = static_cast<int>(SA_RESETHAND); // and no SA_RESTART
    sigaction(SIGINT, &action, nullptr);
    sigaction(SIGTERM, &action, nullptr);
}

bool is_interrupted() noexcept {
    return interrupted != 0;
}

void throw_if_interrupted() {
    if (is_interrupted()) {
        throw Interrupted{};
    }
}

std::string Endpoint::text() const {
    const bool ipv6 = address.find(':') != address.npos;
    return formatted("{}{}{}:{}", ipv6 ? "[" : "", address, ipv6 ? "]" : "", port);
}

namespace {

/// "a:b:c" at colons outside of brackets.
std::vector<std::string_view> at_colons(std::string_view text) {
    std::vector<std::string_view> parts{text.substr(0, 0)};
    std::size_t begin = 0;
    bool in_brackets = false;
    for (std::size_t i = 0; i < text.size(); i++) {
        in_brackets = text[i] == '[' || (in_brackets && text[i] != ']');
        if (text[i] == ':' && !in_brackets) {
            begin = i + 1;
            parts.emplace_back();
        }
        parts.back() = text.substr(begin, i + 1 - begin);
    }
    return parts;
}

[[noreturn]] void refuse(std::string_view what, std::string_view text, std::string_view remedy) {
    throw std::invalid_argument(formatted("invalid {} \"{}\": {}", what, text, remedy));
}

/// 0 where nothing is written.
std::uint16_t read_port(std::string_view text) {
    const std::uint16_t port = port_of(text);
    if (port == 0 && !text.empty()) {
        refuse("port", text, "a number from 1 to 65535");
    }
    return port;
}

} // namespace

Rule parse_connect_to(std::string_view text) {
    const auto parts = at_colons(text);
    if (parts.size() != 4) {
        refuse("value", text, "it is written NAME:PORT:ADDRESS:PORT, any part may be empty");
    }
    Rule rule{to_ascii_lower(parts[0]), read_port(parts[1]), normal_address(parts[2]),
              read_port(parts[3])};
    if (rule.address.empty() && !parts[2].empty()) {
        refuse("address", parts[2], "write an IPv4 address, or an IPv6 address in brackets");
    }
    return rule;
}

Rule parse_resolve(const std::string& text) {
    const auto parts = at_colons(text);
    if (parts.size() != 3 || parts[0].empty() || parts[1].empty() || parts[2].empty()) {
        refuse("value", text, "it is written NAME:PORT:ADDRESS, an IPv6 address in brackets");
    }
    return parse_connect_to((text.starts_with("*:") ? text.substr(1) : text) + ":");
}

std::pair<Address, std::uint16_t> redirected(const std::vector<Rule>& rules, std::string_view host,
                                             std::uint16_t port) {
    Address address;
    std::uint16_t to_port = 0;
    for (const Rule& rule : rules) {
        if ((rule.name.empty() || rule.name == host) && (rule.port == 0 || rule.port == port)) {
            address = address.empty() ? rule.address : address;
            to_port = to_port == 0 ? rule.to_port : to_port;
        }
    }
    return {address, to_port == 0 ? port : to_port};
}

} // namespace lync::lyncctl::doctor
