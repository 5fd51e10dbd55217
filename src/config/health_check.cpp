// health_check autodiscover|discovery|healthcheck|tcp=PORT|off
//              [interval=TIME] [timeout=TIME] [fails=N] [passes=N]

#include "config/declare.h"

#include <algorithm>
#include <utility>

namespace lync::config {

namespace {

/// The default. OCS has no autodiscover, and its web components may run on
/// machines of their own, where nothing listens on 5061: the https port, then.
CheckKind usual_kind(Role role, Product product) noexcept {
    return role == Role::office_web_apps ? CheckKind::discovery
           : role == Role::exchange      ? CheckKind::healthcheck
           : is_ocs(product)             ? CheckKind::tcp
                                         : CheckKind::autodiscover;
}

constexpr std::pair<std::string_view, CheckKind> kinds[] = {
    {"autodiscover", CheckKind::autodiscover},
    {"discovery", CheckKind::discovery},
    {"healthcheck", CheckKind::healthcheck},
};

/// `check` has the usual kind.
void read_kind(HealthCheck& check, const Directive& directive, Role role, Product product) {
    const std::string_view word = directive.arguments.front();
    if (word == "off") {
        check.kind = CheckKind::off;
        return;
    }
    if (word.starts_with("tcp=")) {
        const auto port = parse_number(word.substr(4), 1, 65535);
        if (!port) {
            invalid_value(word, directive, "a port is a number from 1 to 65535, such as tcp=5061");
        }
        check.kind = CheckKind::tcp;
        check.port = static_cast<std::uint16_t>(*port);
        return;
    }
    std::string why;
    std::vector<std::string_view> words{"tcp=PORT", "off"};
    for (const auto& [name, kind] : kinds) {
        if (kind == check.kind) {
            if (name == word) {
                return;
            }
            words.insert(words.begin(), name);
        } else if (name == word) {
            why = kind == CheckKind::autodiscover && is_web_services(role)
                      ? formatted("product {} has no autodiscover, ", product_name(product))
                      : "servers of another kind answer it, here ";
        }
    }
    invalid_value(word, directive, formatted("{}it is {}", why, either_of(words)));
}

void read_times(HealthCheck& check, const Directive& directive) {
    constexpr unsigned most = 1000;
    const std::chrono::seconds usual = std::exchange(check.timeout, {});
    read_parameters(directive, 1,
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
                      check.timeout.count(), check.interval.count(), title(directive));
    }
}

} // namespace

HealthCheck read_health_check(const Directive& farm_block, Role role, Product product) {
    HealthCheck check;
    check.kind = usual_kind(role, product);
    const Directive* directive = find(farm_block, "health_check");
    if (directive == nullptr) {
        check.place = farm_block.place;
        return check;
    }
    check.place = directive->place;
    read_kind(check, *directive, role, product);
    if (check.kind == CheckKind::off && directive->arguments.size() > 1) {
        invalid_value("off", *directive, "it takes no parameters");
    }
    read_times(check, *directive);
    return check;
}

std::vector<std::string> check_paths(const Farm& farm) {
    std::vector<std::string> paths;
    if (farm.health_check.kind == CheckKind::autodiscover) {
        paths = {"/Autodiscover/AutodiscoverService.svc/root"};
    } else if (farm.health_check.kind == CheckKind::discovery) {
        paths = {"/hosting/discovery"};
    } else if (farm.health_check.kind == CheckKind::healthcheck) {
        for (const policy::ExchangeService& known : policy::exchange_services()) {
            if (has_service(farm.services, known.service)) { // a server is up if all of it is
                paths.push_back(std::string(known.directory) + "/healthcheck.htm");
            }
        }
    }
    return paths;
}

} // namespace lync::config
