// Flags, times, sizes and sockets: the values whose rules are nginx's.

#include "config/declare.h"

#include "base/ascii.h"
#include "base/descriptor.h"
#include "base/names.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>

namespace lync::config {

std::string either_of(const std::vector<std::string_view>& words) {
    std::string text;
    for (std::size_t i = 0; i < words.size(); i++) {
        text += (i == 0 ? "" : i + 1 == words.size() ? " or " : ", ") + lync::quoted(words[i]);
    }
    return text;
}

void each_parameter(const Directive& directive, std::size_t first, const ParameterReader& read) {
    std::vector<std::string_view> seen;
    for (std::size_t i = first; i < directive.arguments.size(); i++) {
        const Parameter parameter(directive.arguments[i]);
        read(parameter);
        if (std::ranges::find(seen, parameter.name) != seen.end()) {
            throw mistake(directive.place, "parameter {} is duplicate in {}",
                          lync::quoted(parameter.name), title(directive));
        }
        seen.push_back(parameter.name);
    }
}

namespace {

/// Puts the value of a parameter where a rule says.
struct Assign {
    const Parameter& parameter;
    const Directive& directive;

    void operator()(bool* into) const { *into = true; }
    void operator()(std::chrono::seconds* into) const {
        *into = read_time(parameter.value, directive);
    }
    void operator()(std::uint16_t* into) const {
        *into = static_cast<std::uint16_t>(number(1, 65535));
    }
    void operator()(std::string* into) const { *into = parameter.value; }
    void operator()(const ParameterRule::Number& rule) const {
        *rule.into = number(rule.least, rule.most);
    }
    void operator()(const ParameterReader& read) const { read(parameter); }

    unsigned number(unsigned least, unsigned most) const {
        const auto value = parse_number(parameter.value, least, most);
        if (!value) {
            invalid_parameter(
                parameter.text, directive,
                formatted("{} is a number from {} to {}", parameter.name, least, most));
        }
        return *value;
    }
};

} // namespace

void read_parameters(const Directive& directive, std::size_t first,
                     const std::vector<ParameterRule>& rules) {
    each_parameter(directive, first, [&](const Parameter& parameter) {
        const auto rule = std::ranges::find(rules, parameter.name, &ParameterRule::name);
        if (rule == rules.end() ||
            parameter.value.empty() != std::holds_alternative<bool*>(rule->into)) {
            invalid_parameter(parameter.text, directive);
        }
        std::visit(Assign{parameter, directive}, rule->into);
    });
}

std::chrono::seconds read_time(std::string_view text, const Directive& directive) {
    const std::string_view why =
        text.ends_with("ms")
            ? "the minimum is one second, a time is written as \"960s\", \"16m\" or \"1h\""
            : "a time is written as \"960s\", \"16m\" or \"1h\"";

    // The units of nginx's own parser, from the longest to the shortest; milliseconds make no
    // sense for what people wait for.
    constexpr std::array<std::pair<char, unsigned>, 5> units{
        {{'w', 604800}, {'d', 86400}, {'h', 3600}, {'m', 60}, {'s', 1}}};

    std::uint64_t total = 0;
    const auto* unit = units.begin();
    for (std::string_view rest = text; !rest.empty(); ++unit) {
        const std::size_t end = std::min(rest.find_first_not_of("0123456789"), rest.size());
        const auto value = parse_number(rest.substr(0, end), 0, 1000000000U);
        const char letter = end < rest.size() ? rest[end] : 's';
        unit = std::find_if(unit, units.end(), [letter](auto& u) { return u.first == letter; });
        if (!value || unit == units.end()) {
            invalid_value(text, directive, why);
        }
        total += std::uint64_t{*value} * unit->second;
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }

    constexpr std::uint64_t most = 7 * 86400;
    if (total == 0 || total > most) {
        invalid_value(text, directive,
                      text.empty() ? why
                      : total == 0 ? "it can't be zero"
                                   : "the maximum is one week");
    }
    return std::chrono::seconds(total);
}

std::string read_size(std::string_view text, const Directive& directive) {
    const std::size_t unit =
        text.empty() ? text.npos : std::string_view("kmg").find(ascii_lower(text.back()));
    const unsigned most = unit == text.npos ? 2000000000U : 1U << (30 - 10 * unit); // a terabyte
    // nginx reads 0 as "no limit"; a limit is what was asked for here.
    if (!parse_number(text.substr(0, text.size() - (unit == text.npos ? 0 : 1)), 1, most)) {
        invalid_value(
            text, directive,
            "a size is written as \"512m\" or \"2g\", from 1 to a terabyte, or in bytes up to "
            "2000000000");
    }
    return std::string(text);
}

namespace {

/// Why a parameter of `listen` can't be written here; empty if it may be.
std::string_view refused_parameter(std::string_view text) noexcept {
    if (text == "ssl") {
        return "\"https_listen\" implies it, and \"http_listen\" is plain HTTP";
    }
    if (text == "http2" || text == "spdy" || text == "quic" || text == "http3") {
        return "NTLM needs HTTP/1.1, so published names offer nothing else";
    }
    if (text == "default_server" || text == "default") {
        return "\"unknown_host\" chooses the default server of a socket";
    }
    // A name that ends in '=' needs a value, which nginx itself checks. `accept_filter=` is absent:
    // where the system has none, nginx reports an emergency and goes on without.
    constexpr std::string_view parameters[] = {
        "backlog=",  "rcvbuf=",  "sndbuf=",   "fastopen=", "so_keepalive=", "setfib=",
        "ipv6only=", "deferred", "reuseport", "multipath", "bind",
    };
    // It becomes a word of a generated directive, so it must be one: no space, no quote, no ";".
    const bool is_word = std::ranges::all_of(text, [](char c) {
        return is_ascii_alnum(c) || std::string_view("=_:.-").find(c) != std::string_view::npos;
    });
    const bool known = is_word && std::ranges::any_of(parameters, [text](std::string_view name) {
                           return name.back() == '=' ? text.starts_with(name) : text == name;
                       });
    return known ? ""
                 : "the parameters of \"listen\" that concern the socket may stand here, such as "
                   "proxy_protocol, backlog= or reuseport";
}

/// The address part in one spelling, so that equal sockets are equal texts; empty if invalid.
std::string listening_address(std::string_view text) {
    return text == "*" || text == "0.0.0.0" ? "*"
           : text == "[::]"                 ? "[::]"
                                            : parse_address(text).name;
}

} // namespace

bool system_has_ipv6() noexcept {
    const Descriptor fd(socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in6 any{};
    any.sin6_family = AF_INET6;
    return bind(fd.get(), reinterpret_cast<sockaddr*>(&any), sizeof(any)) == 0;
}

Socket read_socket(const Directive& directive) {
    const std::string& text = directive.arguments.front();
    Socket socket;
    socket.place = directive.place;

    if (text.starts_with("unix:")) {
        invalid_value(text, directive, "clients come by TCP, write [ADDRESS:]PORT");
    }

    const std::size_t colon = text.rfind(':');
    const bool has_address = colon != std::string::npos && !(text.back() == ']');
    const std::string_view port =
        has_address ? std::string_view(text).substr(colon + 1) : std::string_view(text);
    const auto number = parse_number(port, 1, 65535);
    if (!number) {
        invalid_value(text, directive,
                      "a socket is written [ADDRESS:]PORT, with a port from 1 to 65535");
    }

    socket.address = std::to_string(*number);
    if (has_address) {
        const std::string address = listening_address(std::string_view(text).substr(0, colon));
        if (address.empty()) {
            invalid_value(text, directive,
                          "the address is an IPv4 address, an IPv6 address in brackets, "
                          "\"*\" or a host name");
        }
        if (address != "*") {
            socket.address = formatted("{}:{}", address, socket.address);
        }
    }

    for (std::size_t i = 1; i < directive.arguments.size(); i++) {
        const std::string& parameter = directive.arguments[i];
        if (parameter == "proxy_protocol") {
            socket.proxy_protocol = true;
            continue;
        }
        if (const auto why = refused_parameter(parameter); !why.empty()) {
            invalid_parameter(parameter, directive, why);
        }
        socket.parameters += " " + parameter;
    }
    return socket;
}

} // namespace lync::config
