// health_check autodiscover|discovery|healthcheck|tcp=PORT|off
//              [interval=TIME] [timeout=TIME] [fails=N] [passes=N]

#include "config/declare.h"

#include <algorithm>
#include <utility>

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

bool has_no_autodiscover(const Kind& kind, Product product) noexcept {
    return kind.kind == CheckKind::autodiscover && is_ocs(product);
}

/// `it is "autodiscover", "tcp=PORT" or "off"`: what may stand in this block.
std::string choices(const Directive& farm_block, Product product) {
    std::vector<std::string_view> words;
    for (const Kind& kind : kinds) {
        if (kind.where.find(farm_block.name) != std::string_view::npos &&
            !has_no_autodiscover(kind, product)) {
            words.push_back(kind.word);
        }
    }
    words.insert(words.end(), {"tcp=PORT", "off"});
    return "it is " + either_of(words);
}

void read_kind(HealthCheck& check, const Directive& directive, const Directive& farm_block,
               Product product) {
    const std::string_view word = directive.arguments.front();
    const std::string remedy = choices(farm_block, product);

    check.port = 0;
    if (word == "off") {
        check.kind = CheckKind::off;
        return;
    }
    if (word.starts_with("tcp=")) {
        const auto port = parse_number(word.substr(4), 1, 65535);
        if (!port) {
            invalid_value(word, directive, farm_block,
                          "a port is a number from 1 to 65535, such as tcp=5061");
        }
        check.kind = CheckKind::tcp;
        check.port = static_cast<std::uint16_t>(*port);
        return;
    }

    const auto kind = std::ranges::find_if(kinds, [word](const Kind& k) { return k.word == word; });
    if (kind == std::end(kinds)) {
        invalid_value(word, directive, farm_block, remedy);
    }
    if (kind->where.find(farm_block.name) == std::string_view::npos) {
        invalid_value(word, directive, farm_block,
                      formatted("servers of another kind answer it, here {}", remedy));
    }
    if (has_no_autodiscover(*kind, product)) {
        invalid_value(
            word, directive, farm_block,
            formatted("product {} has no autodiscover, {}", product_name(product), remedy));
    }
    check.kind = kind->kind;
}

/// What suits a block that says nothing.
HealthCheck default_check(Role role, Product product) noexcept {
    HealthCheck check;
    check.kind = role == Role::office_web_apps ? CheckKind::discovery
                 : role == Role::exchange      ? CheckKind::healthcheck
                 // No autodiscover; and the web components of Office Communications Server may run
                 // on machines of their own, where nothing listens on 5061: the https port, then.
                 : is_ocs(product) ? CheckKind::tcp
                                   : CheckKind::autodiscover;
    return check;
}

void read_times(HealthCheck& check, const Directive& directive, const Directive& farm_block) {
    constexpr unsigned most = 1000;
    const std::chrono::seconds usual = std::exchange(check.timeout, {});
    read_parameters(directive, 1, farm_block,
                    {{"interval", &check.interval},
                     {"timeout", &check.timeout},
                     {"fails", ParameterRule::Number{&check.fails, 1, most}},
                     {"passes", ParameterRule::Number{&check.passes, 1, most}}});
    if (check.timeout == std::chrono::seconds(0)) { // none is written
        check.timeout = std::min(usual, check.interval);
    }
    if (check.timeout > check.interval) {
        throw mistake(directive.place,
                      "timeout {}s is longer than interval {}s in {}: a check has to end before "
                      "the next one begins",
                      check.timeout.count(), check.interval.count(), title(directive, farm_block));
    }
}

} // namespace

HealthCheck read_health_check(const Directive& farm_block, Role role, Product product) {
    HealthCheck check = default_check(role, product);
    const Directive* directive = find(farm_block, "health_check");
    if (directive == nullptr) {
        check.place = farm_block.place;
        return check;
    }
    check.place = directive->place;
    read_kind(check, *directive, farm_block, product);
    if (check.kind == CheckKind::off && directive->arguments.size() > 1) {
        invalid_value("off", *directive, farm_block, "it takes no parameters");
    }
    read_times(check, *directive, farm_block);
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
