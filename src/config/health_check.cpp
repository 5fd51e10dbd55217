// health_check autodiscover|discovery|healthcheck|tcp=PORT|off
//              [interval=TIME] [timeout=TIME] [fails=N] [passes=N]

#include "config/declare.h"

#include <algorithm>

namespace lync::config {

namespace {

struct Kind {
    std::string_view word;
    CheckKind kind;
    std::string_view where; ///< blocks whose servers answer it
};

constexpr Kind kinds[] = {
    {"autodiscover", CheckKind::autodiscover, "pool director"},
    {"discovery", CheckKind::discovery, "office_web_apps"},
    {"healthcheck", CheckKind::healthcheck, "exchange"},
};

/// `"autodiscover", "tcp=PORT" or "off"`: what may stand in this block.
std::string choices(const Directive& farm_block, Product product) {
    std::string text;
    for (const Kind& kind : kinds) {
        const bool fits = kind.where.find(farm_block.name) != std::string_view::npos;
        if (fits && !(kind.kind == CheckKind::autodiscover && is_ocs(product))) {
            text += lync::quoted(kind.word) + ", ";
        }
    }
    return text + "\"tcp=PORT\" or \"off\"";
}

void read_kind(HealthCheck& check, const Directive& directive, const Directive& farm_block,
               Product product) {
    const std::string_view word = directive.arguments.front();
    const std::string remedy = "it is " + choices(farm_block, product);

    check.port = 0;
    if (word == "off") {
        check.kind = CheckKind::off;
        return;
    }
    if (word.starts_with("tcp=")) {
        const auto port = parse_number(word.substr(4), 1, 65535);
        if (!port) {
            config::invalid_value(word, directive, farm_block,
                                  "a port is a number from 1 to 65535, such as tcp=5061");
        }
        check.kind = CheckKind::tcp;
        check.port = static_cast<std::uint16_t>(*port);
        return;
    }

    const auto kind = std::find_if(std::begin(kinds), std::end(kinds),
                                   [word](const Kind& k) { return k.word == word; });
    if (kind == std::end(kinds)) {
        config::invalid_value(word, directive, farm_block, remedy);
    }
    if (kind->where.find(farm_block.name) == std::string_view::npos) {
        config::invalid_value(word, directive, farm_block,
                              "servers of another kind answer it, here " + remedy);
    }
    if (kind->kind == CheckKind::autodiscover && is_ocs(product)) {
        config::invalid_value(word, directive, farm_block,
                              "product " + std::string(product_name(product)) +
                                  " has no autodiscover, " + remedy);
    }
    check.kind = kind->kind;
}

unsigned read_count(std::string_view text, const Directive& directive,
                    const Directive& farm_block) {
    const auto count = parse_number(text, 1, 1000);
    if (!count) {
        config::invalid_value(text, directive, farm_block,
                              "so many checks in a row are a number from 1 to 1000");
    }
    return *count;
}

/// What suits a block that says nothing.
HealthCheck default_check(Role role, Product product) noexcept {
    HealthCheck check;
    switch (role) {
    case Role::pool:
    case Role::director:
        // No autodiscover; and the web components of Office Communications Server may run on
        // machines of their own, where nothing listens on 5061: the https listening port, then.
        check.kind = is_ocs(product) ? CheckKind::tcp : CheckKind::autodiscover;
        break;
    case Role::office_web_apps:
        check.kind = CheckKind::discovery;
        break;
    case Role::exchange:
        check.kind = CheckKind::healthcheck;
        break;
    }
    return check;
}

[[noreturn]] void wrong_parameter(std::string_view parameter, const Directive& directive,
                                  const Directive& farm_block) {
    throw Mistake("invalid parameter " + lync::quoted(parameter) +
                      config::in_directive(directive, farm_block) + ": " +
                      config::remedy(parameter, farm_block,
                                     "it may be interval=TIME, timeout=TIME, fails=N or passes=N"),
                  directive.place);
}

void read_parameters(HealthCheck& check, const Directive& directive, const Directive& farm_block) {
    bool has_timeout = false;
    SeenParameters seen;
    for (std::size_t i = 1; i < directive.arguments.size(); i++) {
        const Parameter parameter(directive.arguments[i]);
        seen.add(parameter.name, directive, farm_block);

        if (!parameter.has_value) {
            wrong_parameter(parameter.text, directive, farm_block);
        } else if (parameter.name == "interval") {
            check.interval = read_time(parameter.value, directive, farm_block);
        } else if (parameter.name == "timeout") {
            check.timeout = read_time(parameter.value, directive, farm_block);
            has_timeout = true;
        } else if (parameter.name == "fails") {
            check.fails = read_count(parameter.value, directive, farm_block);
        } else if (parameter.name == "passes") {
            check.passes = read_count(parameter.value, directive, farm_block);
        } else {
            wrong_parameter(parameter.text, directive, farm_block);
        }
    }

    if (!has_timeout) {
        check.timeout = std::min(check.timeout, check.interval);
    }
    if (check.timeout > check.interval) {
        throw Mistake("timeout " + std::to_string(check.timeout.count()) +
                          "s is longer than interval " + std::to_string(check.interval.count()) +
                          "s" + config::in_directive(directive, farm_block) +
                          ": a check has to end before the next one begins",
                      directive.place);
    }
}

} // namespace

HealthCheck read_health_check(const Directive& farm_block, Role role, Product product) {
    HealthCheck check = default_check(role, product);
    const Directive* directive = config::find(farm_block, "health_check");
    if (directive == nullptr) {
        check.place = farm_block.place;
        return check;
    }
    check.place = directive->place;
    read_kind(check, *directive, farm_block, product);
    if (check.kind == CheckKind::off && directive->arguments.size() > 1) {
        config::invalid_value("off", *directive, farm_block, "it takes no parameters");
    }
    read_parameters(check, *directive, farm_block);
    return check;
}

std::vector<std::string> check_paths(const Farm& farm) {
    std::vector<std::string> paths;
    switch (farm.health_check.kind) {
    case CheckKind::autodiscover:
        return {"/Autodiscover/AutodiscoverService.svc/root"};
    case CheckKind::discovery:
        return {"/hosting/discovery"};
    case CheckKind::healthcheck: // a server is up if all that is published of it is
        for (const policy::ExchangeService& known : policy::exchange_services()) {
            if (has_service(farm.services, known.service)) {
                paths.push_back(std::string(known.directory) + "/healthcheck.htm");
            }
        }
        return paths;
    case CheckKind::off:
    case CheckKind::tcp:
        break;
    }
    return paths;
}

} // namespace lync::config
