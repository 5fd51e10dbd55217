// Parameters, times and sizes: the values whose rules are nginx's.

#include "config/declare.h"

#include "base/ascii.h"

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

/// Stores the value of a parameter as its rule says.
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

} // namespace lync::config
