// lockout_store redis://[USER:PASSWORD@]HOST[:PORT][/DB] | rediss://... | unix:PATH key=FILE [...]

#include "base/names.h"
#include "config/declare.h"
#include "policy/decode.h"

namespace lync::config {

namespace {

constexpr std::string_view form =
    "it is redis://[USER:PASSWORD@]HOST[:PORT][/DB], the same with rediss:// for TLS, or unix:PATH";

/// Decodes %XX, as "@", ":" and "/" have to be written.
std::optional<std::string> unescaped(std::string_view text) {
    std::string plain;
    for (std::size_t i = 0; i < text.size(); i++) {
        long code = 0;
        if (text[i] != '%') {
            plain += text[i];
        } else if (policy::escape_at(text.data() + i, text.size() - i, code) == 3 && code != 0) {
            plain += static_cast<char>(code);
            i += 2;
        } else {
            return std::nullopt;
        }
    }
    return plain;
}

/// USER:PASSWORD, or why it isn't.
std::string_view read_user(LockoutStore& store, std::string_view text) {
    const std::size_t colon = text.find(':');
    const auto user = unescaped(text.substr(0, colon));
    const auto password = unescaped(colon == std::string_view::npos ? "" : text.substr(colon + 1));
    if (!user || !password || (password->empty() && !user->empty() && text.ends_with(':'))) {
        return "the user and password in front of its \"@\" are written USER:PASSWORD, with %XX "
               "for "
               "other characters";
    }
    store.user = *user;
    store.password = *password;
    return {};
}

/// HOST[:PORT][/DB], or why it isn't.
std::string_view read_server(LockoutStore& store, std::string_view text) {
    std::string_view host = take_until(text, '/');
    const std::string_view database = text;
    const std::size_t colon = host.find(':', host.starts_with('[') ? host.find(']') : 0);
    unsigned port = LockoutStore::default_port;
    if (colon != std::string_view::npos) {
        const auto number = parse_number(host.substr(colon + 1), 1, 65535);
        if (!number) {
            return "its port is a number from 1 to 65535";
        }
        port = *number;
        host = host.substr(0, colon);
    }
    const ParsedName name = parse_address(host);
    if (!name) {
        return form;
    }
    const auto number = database.empty() ? 0U : parse_number(database, 0, 1'000'000);
    if (!number) {
        return "its database is a number";
    }
    store.database = *number;
    store.host = name.name.starts_with('[') ? name.name.substr(1, name.name.size() - 2) : name.name;
    store.address = formatted("{}:{}", name.name, port);
    return {};
}

void read_url(LockoutStore& store, const std::string& text, const Directive& directive) {
    if (text.starts_with("unix:/") && text.find(':', 5) == std::string::npos) {
        store.shown = store.address = text;
        return;
    }
    store.tls = text.starts_with("rediss://");
    const std::string_view scheme = store.tls ? "rediss://" : "redis://";
    const std::string_view rest =
        text.starts_with(scheme) ? std::string_view(text).substr(scheme.size()) : "";
    if (rest.empty()) {
        config::invalid_value(text.substr(0, text.find(':')), directive, form);
    }
    const std::size_t mark = rest.rfind('@');
    const std::string_view server = rest.substr(mark + 1); // all of it without one
    store.shown = formatted("{}{}", scheme, server);       // never with the password
    std::string_view why;
    if (mark != std::string_view::npos) {
        why = read_user(store, rest.substr(0, mark));
    }
    if (why.empty()) {
        why = read_server(store, server);
    }
    if (!why.empty()) {
        config::invalid_value(store.shown, directive, why);
    }
}

} // namespace

LockoutStore read_lockout_store(const Directive& directive) {
    LockoutStore store;
    store.place = directive.place;
    read_url(store, directive.arguments.front(), directive);
    read_parameters(directive, 1,
                    {{"key", &store.key}, {"password", &store.password_file}, {"ca", &store.ca}});
    const bool no_password = store.password.empty() && store.password_file.empty();
    const std::pair<bool, const char*> mistakes[] = {
        {store.key.empty(), "needs key=FILE, a secret line that is the same at all proxies: "
                            "\"openssl rand -hex 32\" makes one"},
        {store.tls && store.ca.empty(), "needs ca=FILE, the CA of the certificate of rediss://"},
        {!store.tls && !store.ca.empty(), "has ca=, and no TLS: it is written rediss://"},
        {!store.password.empty() && !store.password_file.empty(),
         "has two passwords: that of the URL and that of password="},
        {!store.user.empty() && no_password,
         "has a user and no password: it is USER:PASSWORD@, or password=FILE as well"}};
    for (const auto& [is_one, why] : mistakes) {
        if (is_one) {
            throw mistake(directive.place, "\"lockout_store\" in {} {}", directive.block->title(),
                          why);
        }
    }
    return store;
}

} // namespace lync::config
