// lockout_store redis://[USER@]HOST[:PORT] | rediss://... | unix:PATH key=FILE [...]

#include "base/names.h"
#include "config/declare.h"

namespace lync::config {

namespace {

constexpr std::string_view form =
    "it is redis://[USER@]HOST[:PORT], the same with rediss:// for TLS, or unix:PATH";

void read_url(LockoutStore& store, const std::string& text, const Directive& directive) {
    store.shown = text;
    if (text.starts_with("unix:/") && text.find(':', 5) == std::string::npos) {
        store.address = text;
        return;
    }
    store.tls = text.starts_with("rediss://");
    const std::string_view scheme = store.tls ? "rediss://" : "redis://";
    const std::string_view after =
        text.starts_with(scheme) ? std::string_view(text).substr(scheme.size()) : "";
    if (after.empty()) {
        invalid_value(text.substr(0, text.find(':')), directive, form);
    }
    const std::size_t mark = after.rfind('@');
    std::string_view host = after.substr(mark + 1); // all of it without one
    const auto refuse = [&, shown = std::string(scheme) + std::string(host)](std::string_view why) {
        invalid_value(shown, directive, why);
    };
    store.user = after.substr(0, after.size() - host.size());
    if (!store.user.empty()) {
        store.user.pop_back();
    }
    if (store.user.find(':') != std::string::npos) {
        refuse("write the password to a file: password=FILE");
    }
    const std::size_t colon = host.find(':', host.starts_with('[') ? host.find(']') : 0);
    unsigned port = 6379;
    if (colon != std::string_view::npos) {
        const auto number = parse_number(host.substr(colon + 1), 1, 65535);
        if (!number) {
            refuse("its port is a number from 1 to 65535");
        }
        port = *number;
        host = host.substr(0, colon);
    }
    const ParsedName name = parse_address(host);
    if (!name) {
        refuse(form);
    }
    store.host = name.name.starts_with('[') ? name.name.substr(1, name.name.size() - 2) : name.name;
    store.address = name.name + ":" + std::to_string(port);
}

} // namespace

LockoutStore read_lockout_store(const Directive& directive) {
    LockoutStore store;
    store.place = directive.place;
    read_url(store, directive.arguments.front(), directive);
    read_parameters(directive, 1,
                    {{"key", &store.key}, {"password", &store.password}, {"ca", &store.ca}});
    const std::pair<bool, const char*> mistakes[] = {
        {store.key.empty(), "needs key=FILE, a secret line that is the same at all proxies: "
                            "\"openssl rand -hex 32\" makes one"},
        {store.tls && store.ca.empty(), "needs ca=FILE, the CA of the certificate of rediss://"},
        {!store.tls && !store.ca.empty(), "has ca=, and no TLS: it is written rediss://"},
        {!store.user.empty() && store.password.empty(), "has a user and no password=FILE"}};
    for (const auto& [is_one, why] : mistakes) {
        if (is_one) {
            throw mistake(directive.place, "\"lockout_store\" in {} {}", directive.block->title(),
                          why);
        }
    }
    return store;
}

} // namespace lync::config
