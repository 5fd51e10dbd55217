// lockout on|off [failures=N] [window=TIME] [hold=TIME] [source_accounts=N], and what goes with it

#include "accounts/lockout.h"
#include "base/ascii.h"
#include "config/declare.h"

#include <algorithm>

namespace lync::config {

namespace {

void read_limits(Lockout& lockout, const Directive& directive, std::vector<Diagnostic>& remarks) {
    lockout.on = read_flag(directive);
    read_parameters(
        directive, 1,
        {{"failures", ParameterRule::Number{&lockout.failures, 1, accounts::most_failures}},
         {"window", &lockout.window},
         {"hold", &lockout.hold},
         {"source_accounts",
          ParameterRule::Number{&lockout.source_accounts, 0, accounts::most_source_accounts}}});
    for (const auto& [name, time] : {std::pair("window", lockout.window), {"hold", lockout.hold}}) {
        if (lockout.on && time < std::chrono::minutes(1)) {
            warn(remarks, directive.place,
                 "\"{0}\" in {1} is {2} seconds: Active Directory counts in minutes, write "
                 "\"{0}={2}m\" if you mean minutes",
                 name, title(directive), time.count());
        }
    }
}

/// Whether it is meant as an address or a network; anything else is an account.
bool is_network(std::string_view text) noexcept {
    return text.find('@') == std::string_view::npos && text.find('\\') == std::string_view::npos &&
           (text.find('/') != std::string_view::npos || text.find(':') != std::string_view::npos ||
            (text.find('.') != std::string_view::npos &&
             text.find_first_not_of("0123456789.-*") == std::string_view::npos));
}

void add_exempt(Lockout& lockout, const std::string& text, const Directive& directive) {
    const bool network = is_network(text);
    // nginx.conf's "\\r" is a carriage return: CONTOSO\\room needs two backslashes.
    const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20; };
    if (std::ranges::any_of(text, is_control) ||
        text.find_first_not_of("@\\ ") == std::string::npos ||
        (!network && text.find_first_of(",;*?") != std::string::npos)) {
        invalid_value(text, directive, "an account is written ken@contoso.com or CONTOSO\\\\ken");
    }
    if (!network) {
        lockout.exempt_accounts.push_back(text);
        return;
    }
    lockout.exempt_networks.push_back(read_network(text, directive, true));
}

/// A name means one domain, which isn't itself a name for another one: a name is looked up once.
void add_domain(Lockout& lockout, const std::string& text, const Directive& directive) {
    const Parameter names(text);
    if (names.name.empty() || names.value.empty() || text.find_first_of("\\@,*") != text.npos) {
        invalid_value(text, directive, "it is NAME=DOMAIN, such as CONTOSO=contoso.com");
    }
    lockout.domains.emplace_back(names.name, names.value);
    for (const auto& [name, domain] : lockout.domains) {
        for (const auto& [other, means] : lockout.domains) {
            if (equal_ignore_case(domain, means)) {
                continue;
            }
            if (equal_ignore_case(name, other)) {
                invalid_value(text, directive,
                              formatted("\"{}\" means \"{}\" already", other, domain));
            }
            if (equal_ignore_case(domain, other)) {
                invalid_value(text, directive,
                              formatted("\"{}\" is written as \"{}\", so write \"{}={}\"", domain,
                                        means, name, means));
            }
        }
    }
}

} // namespace

Lockout read_lockout(const Directive& block, std::vector<Diagnostic>& remarks) {
    Lockout lockout;
    for (const auto& child : block.children) {
        const Directive& directive = *child;
        if (directive.name == "lockout") {
            read_limits(lockout, directive, remarks);
        } else if (directive.name == "lockout_store") {
            lockout.store = read_lockout_store(directive);
        } else if (directive.name == "log_accounts") {
            lockout.log_accounts = read_flag(directive);
        } else if (directive.name == "lockout_exempt") {
            for (const std::string& text : directive.arguments) {
                add_exempt(lockout, text, directive);
            }
        } else if (directive.name == "account_domain") {
            for (const std::string& text : directive.arguments) {
                add_domain(lockout, text, directive);
            }
        }
    }
    for (const char* name : {"lockout_exempt", "account_domain", "log_accounts"}) {
        const Directive* idle = lockout.on ? nullptr : config::find(block, name);
        if (idle != nullptr) {
            warn(remarks, idle->place, "\"{}\" does nothing in {} without \"lockout on\"", name,
                 block.title());
        }
    }
    if (lockout.store && !lockout.on) {
        throw mistake(lockout.store->place,
                      "\"lockout_store\" in {} does nothing without \"lockout on\"", block.title());
    }
    return lockout;
}

} // namespace lync::config
