// The blocks with servers in them: pool, director, office_web_apps, exchange.

#include "config/declare.h"

#include "base/ascii.h"
#include "base/host_names.h"
#include "base/names.h"

#include <algorithm>
#include <unordered_map>

namespace lync::config {

namespace {

Role role_of(const Directive& block) noexcept {
    if (block.name == "pool") {
        return Role::pool;
    }
    if (block.name == "director") {
        return Role::director;
    }
    return block.name == "office_web_apps" ? Role::office_web_apps : Role::exchange;
}

std::string read_fqdn(std::string_view text, const Directive& directive, const Directive& block) {
    ParsedName parsed = parse_fqdn(text);
    if (!parsed) {
        throw Mistake("invalid FQDN " + lync::quoted(text) +
                          config::in_directive(directive, block) + ": " + parsed.error,
                      directive.place);
    }
    return std::move(parsed.name);
}

/// What administrators type and labels of metrics carry: nothing that needs quoting anywhere, and
/// no
/// `/`, which parts it from its pool's.
std::string read_server_name(const Parameter& parameter, const Directive& directive,
                             const Directive& block) {
    constexpr std::size_t longest = 63;
    const bool valid = !parameter.value.empty() && parameter.value.size() <= longest &&
                       is_ascii_alnum(parameter.value.front()) &&
                       std::all_of(parameter.value.begin(), parameter.value.end(), [](char c) {
                           return is_ascii_alnum(c) || c == '.' || c == '_' || c == '-';
                       });
    if (!valid) {
        throw Mistake(
            "invalid parameter " + lync::quoted(parameter.text) +
                config::in_directive(directive, block) +
                ": a name is up to 63 letters, digits, \".\", \"_\" and \"-\", and begins "
                "with a letter or digit",
            directive.place);
    }
    return std::string(parameter.value);
}

/// Whether it is a parameter of `server`, taken over into it. Throws for a bad time or number.
bool read_server_parameter(Server& server, const Parameter& parameter, const Directive& directive,
                           const Directive& block) {
    const std::string_view name = parameter.name;
    const std::string_view value = parameter.value;
    const auto number = [&](unsigned least, unsigned& into) {
        constexpr unsigned most = 1000000;
        const auto read = parse_number(value, least, most);
        if (!read) {
            throw Mistake("invalid parameter " + lync::quoted(parameter.text) +
                              config::in_directive(directive, block) + ": " + std::string(name) +
                              " is a number from " + std::to_string(least) + " to " +
                              std::to_string(most),
                          directive.place);
        }
        into = *read;
        return true;
    };
    if (name == "weight") {
        return number(1, server.weight);
    }
    if (name == "max_conns") {
        return number(0, server.max_conns);
    }
    if (name == "max_fails") {
        return number(0, server.max_fails);
    }
    if (name == "fail_timeout") {
        server.fail_timeout = read_time(value, directive, block);
        return true;
    }
    if (name == "slow_start") {
        const bool none = value == "0" || value == "0s";
        server.slow_start = none ? std::chrono::seconds(0) : read_time(value, directive, block);
        return true;
    }
    if (name == "name") {
        server.name = read_server_name(parameter, directive, block);
        return true;
    }
    return false;
}

void read_server_parameters(Server& server, const Directive& directive, const Directive& block) {
    SeenParameters seen;

    for (std::size_t i = 1; i < directive.arguments.size(); i++) {
        const Parameter parameter(directive.arguments[i]);
        const bool known = parameter.has_value
                               ? read_server_parameter(server, parameter, directive, block)
                               : parameter.name == "backup" || parameter.name == "down";
        if (!known) {
            throw Mistake(
                "invalid parameter " + lync::quoted(parameter.text) +
                    config::in_directive(directive, block) + ": " +
                    config::remedy(
                        parameter.text, block,
                        "it may be name=NAME, weight=N, max_conns=N, "
                        "max_fails=N, fail_timeout=TIME, slow_start=TIME, backup or down"),
                directive.place);
        }
        seen.add(parameter.name, directive, block);
        server.backup = server.backup || parameter.name == "backup";
        server.down = server.down || parameter.name == "down";
    }
}

Server read_server(const Directive& directive, const Directive& block) {
    const std::string& text = directive.arguments.front();
    ParsedName address = parse_address(text);
    if (!address) {
        throw Mistake("invalid address " + lync::quoted(text) +
                          config::in_directive(directive, block) + ": " + address.error,
                      directive.place);
    }
    Server server;
    server.by_name = !address.name.starts_with('[') && normal_ipv4(address.name).empty();
    server.address = std::move(address.name);
    server.name = server.address;
    server.place = directive.place;
    read_server_parameters(server, directive, block);
    return server;
}

/// `listening_ports http=8080 https=4443`.
Ports read_ports(const Directive& directive, const Directive& block, Ports ports, bool has_http) {
    bool http = false;
    bool https = false;

    for (const std::string& argument : directive.arguments) {
        const bool is_http = argument.starts_with("http=");
        const bool is_https = argument.starts_with("https=");
        if ((!is_http && !is_https) || (is_http && !has_http)) {
            throw Mistake("invalid parameter " + lync::quoted(argument) +
                              config::in_directive(directive, block) + ": it is written " +
                              (has_http ? "\"listening_ports http=8080 https=4443\""
                                        : "\"listening_ports https=443\""),
                          directive.place);
        }
        if (is_http ? http : https) {
            throw Mistake("parameter " + lync::quoted(is_http ? "http" : "https") +
                              " is duplicate" + config::in_directive(directive, block),
                          directive.place);
        }
        const auto port =
            parse_number(std::string_view(argument).substr(is_http ? 5 : 6), 1, 65535);
        if (!port) {
            config::invalid_value(argument, directive, block, "a port is a number from 1 to 65535");
        }
        (is_http ? http : https) = true;
        (is_http ? ports.http : ports.https) = static_cast<std::uint16_t>(*port);
    }

    if (has_http && ports.http == ports.https) {
        throw Mistake("http and https are both port " + std::to_string(ports.http) +
                          config::in_directive(directive, block) +
                          ": Topology Builder lists two listening ports for the external web site",
                      directive.place);
    }
    return ports;
}

void read_external_web_services(Farm& farm, const Directive& farm_block, const Directive& block) {
    const Directive* directive = config::find(farm_block, "external_web_services");
    if (directive == nullptr) {
        throw Mistake("no \"external_web_services\" in " + farm_block.title() + " of " +
                          block.title() +
                          ": write the external web services FQDN that Topology Builder shows",
                      farm_block.place);
    }

    farm.published.push_back(read_fqdn(directive->arguments.front(), *directive, farm_block));
    farm.published_place = directive->place;
    if (farm.published.front() == farm.name) {
        throw Mistake(lync::quoted(farm.name) + " is published as external_web_services of " +
                          farm_block.title() +
                          ": clients must be able to tell the external name from the pool's own",
                      directive->place);
    }
}

/// A server is found by its name and by its address, in any letter case: whatever an administrator
/// types means one of the farm's at most.
void refuse_twins(const Farm& farm, const Directive& farm_block) {
    std::unordered_map<std::string, const Server*> known;
    for (const Server& server : farm.servers) {
        for (const std::string& word : {server.address, server.name}) {
            const Server* first = known.try_emplace(to_ascii_lower(word), &server).first->second;
            if (first != &server) {
                throw Mistake("server " + lync::quoted(word) + " is duplicate in " +
                                  farm_block.title() + ", the first stands at " + at(first->place),
                              server.place);
            }
        }
    }
}

} // namespace

std::string_view role_name(Role role) noexcept {
    switch (role) {
    case Role::pool:
        return "pool";
    case Role::director:
        return "director";
    case Role::office_web_apps:
        return "office_web_apps";
    case Role::exchange:
        return "exchange";
    }
    return {};
}

std::string title(const Farm& farm) {
    return std::string(role_name(farm.role)) + " " + farm.name;
}

std::string quoted_title(const Farm& farm) {
    return std::string(role_name(farm.role)) + " " + lync::quoted(farm.name);
}

/// [Lync Server 2010, "Load balancing requirements"]: cookie affinity for external web services;
/// OCS knew nothing but the client's address; since Lync 2013 none is needed.
Affinity read_affinity(const Directive& farm_block, Role role, Product product) {
    const Directive* directive = config::find(farm_block, "affinity");
    if (directive == nullptr) {
        return !is_web_services(role)          ? Affinity::none
               : product == Product::lync_2010 ? Affinity::cookie
               : is_ocs(product)               ? Affinity::source
                                               : Affinity::none;
    }
    const std::string& value = directive->arguments.front();
    if (value != "none" && value != "source" && value != "cookie") {
        config::invalid_value(value, *directive, farm_block,
                              "it is \"none\", \"source\" or \"cookie\"");
    }
    return value == "none"     ? Affinity::none
           : value == "source" ? Affinity::source
                               : Affinity::cookie;
}

Farm read_farm(const Directive& farm_block, const Directive& block, Product product) {
    Farm farm;
    farm.role = role_of(farm_block);
    farm.place = farm_block.place;

    const bool web_services = is_web_services(farm.role);
    for (const std::string& argument : farm_block.arguments) {
        std::string name = read_fqdn(argument, farm_block, block);
        if (!web_services) {
            farm.published.push_back(name);
        }
        if (farm.name.empty()) {
            farm.name = std::move(name);
        }
    }
    farm.certificate_name = farm.name;
    farm.published_place = farm_block.place;
    farm.ports = web_services ? default_ports(product) : Ports{80, 443};

    for (const auto& child : farm_block.children) {
        if (child->name == "server") {
            farm.servers.push_back(read_server(*child, farm_block));
        } else if (child->name == "computer") {
            for (const std::string& text : child->arguments) {
                ParsedName address = parse_address(text);
                if (!address) {
                    config::invalid_value(text, *child, farm_block, address.error);
                }
                farm.computers.push_back(std::move(address.name));
            }
        } else if (child->name == "listening_ports") {
            farm.ports = read_ports(*child, farm_block, farm.ports, web_services);
        } else if (child->name == "certificate_name") {
            farm.certificate_name = read_fqdn(child->arguments.front(), *child, farm_block);
        }
    }

    farm.affinity = read_affinity(farm_block, farm.role, product);
    farm.health_check = read_health_check(farm_block, farm.role, product);

    if (web_services) {
        read_external_web_services(farm, farm_block, block);
    }
    if (farm.role == Role::exchange) {
        farm.services = read_services(farm_block);
        if (const Directive* directive = config::find(farm_block, "sign_in")) {
            farm.sign_in = read_sign_in(*directive, farm_block);
        }
    }

    if (farm.servers.empty()) {
        Server& server = farm.servers.emplace_back();
        server.address = server.name = farm.certificate_name;
        server.by_name = true;
        server.place = farm_block.place;
    }

    if (std::all_of(farm.servers.begin(), farm.servers.end(),
                    [](const Server& s) { return s.backup; })) {
        throw Mistake("every \"server\" of " + farm_block.title() +
                          " is a backup: at least one must not be",
                      farm.servers.front().place);
    }
    refuse_twins(farm, farm_block);
    return farm;
}

} // namespace lync::config
