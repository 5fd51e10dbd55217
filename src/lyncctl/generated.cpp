#include "lyncctl/generated.h"

#include "base/ascii.h"
#include "config/explain_nginx_message.h"
#include "config/grammar.h"
#include "lyncctl/reader.h"
#include "plan/directives.h"

#include <algorithm>

namespace lync::lyncctl {

namespace {

using config::Blocks;
using config::Directive;

bool is_ours(std::string_view name) noexcept {
    return config::form_of(name) != config::Form::unknown || name == "lync_publish" ||
           is_location_directive(name);
}

bool takes(Arguments arguments, std::size_t count) noexcept {
    if (arguments == flag) {
        return count == 1;
    }
    return arguments == any || ((arguments >> std::min<std::size_t>(count, 14)) & 1) != 0;
}

/// Whether nginx calls a directive duplicate for another one in its block. Some may stand several
/// times, but neither after "off" nor before it. What reads proxy_bind refuses a second one, which
/// the table can't tell.
bool is_duplicate(const Directive& directive, bool once, const Directive& block) noexcept {
    constexpr std::string_view switched_off[] = {"proxy_redirect", "proxy_cookie_domain",
                                                 "proxy_cookie_path", "proxy_cookie_flags",
                                                 "mirror"};
    const bool unless_off = std::find(std::begin(switched_off), std::end(switched_off),
                                      directive.name) != std::end(switched_off);
    const auto is_off = [](const Directive& line) {
        return line.arguments.size() == 1 && line.arguments.front() == "off";
    };
    return std::any_of(block.children.begin(), block.children.end(), [&](const auto& other) {
        return other->name == directive.name &&
               (once || other->name == "proxy_bind" ||
                (unless_off && (is_off(*other) || is_off(directive))));
    });
}

class GeneratedText : public config::Listener {
public:
    GeneratedText(const plan::Plan& plan, const plan::Rendered& rendered, std::string name,
                  NginxState& state)
        : plan_(plan), rendered_(rendered), name_(std::move(name)), state_(state) {}

    /// The directive that caused a line of the generated text; of another file's, the line itself.
    Place origin_of(const Place& place) const {
        const bool generated =
            place.file == name_ && place.line > 0 && place.line <= rendered_.origins.size();
        return generated ? rendered_.origin(place.line) : place;
    }

    std::string opened(const Directive& directive, const Blocks& blocks) override {
        const bool generated = directive.place.file == name_;
        const Directive& block = *blocks.back();
        const bool in_generated_server = blocks.size() == 2 && block.name == "server";

        if (!generated) {
            if (std::string wrong =
                    check_nginx_directive(directive, block, context_of(blocks, 1), state_);
                !wrong.empty()) {
                return plan::retold_included(wrong, plan_.publication.name);
            }
            if (in_generated_server) {
                note_included(directive, block);
            }
            if (directive.name == "lync_rule") {
                return refuse_rule(directive);
            }
        } else if (blocks.size() == 1) {
            return opened_block(directive);
        }
        if (blocks.size() == 2 && block.name == "upstream" && directive.name == "server") {
            const std::string& address = directive.arguments.front();
            return resolves(address)
                       ? ""
                       : config::retold_generated("host not found in upstream \"" + address + "\"");
        }
        if (!in_generated_server) {
            return {};
        }
        if (directive.name == "listen" && generated) {
            const Listen listen = read_listen(directive.arguments, &state_.build);
            return listen.error.empty()
                       ? state_.listen(*server_, listen, origin_of(directive.place))
                       : listen.error;
        }
        if (directive.name == "server_name") {
            for (const std::string& name : directive.arguments) {
                server_->names.push_back(to_ascii_lower(name));
            }
        }
        return {};
    }

    /// Throws the Mistake that the module reports when nginx has read all of the text.
    void check_includes() const {
        const config::Publication& declared = plan_.publication;
        if (included_listen_) {
            throw Mistake(plan::listen_in_include(declared.name), declared.includes.front().second);
        }
        for (const std::string_view header : plan::stated_headers()) {
            if (std::any_of(included_headers_.begin(), included_headers_.end(),
                            [&](const std::string& included) {
                                return equal_ignore_case(included, header);
                            })) {
                throw Mistake(plan::header_in_include(header, declared.name),
                              declared.includes.front().second);
            }
        }
    }

private:
    std::string opened_block(const Directive& directive) {
        if (directive.name == "upstream") {
            const std::string& upstream = directive.arguments.front();
            return state_.upstreams.emplace(upstream, directive.place).second
                       ? ""
                       : "duplicate upstream \"" + upstream + "\"";
        }
        if (directive.name == "server") {
            // The renderer writes one server for each host, in their order.
            const plan::VirtualHost& host = plan_.hosts.at(hosts_++);
            server_ = &state_.sockets.add_server();
            server_->place = host.place;
            server_->publication = &plan_.publication;
            server_->catch_all = host.catch_all;
            server_->planned_names = host.names.size();
        }
        return {};
    }

    /// The module's own directive, which administrators have no need of: it has to name a host.
    std::string refuse_rule(const Directive& directive) const {
        const bool known =
            directive.arguments.size() == 2 &&
            std::any_of(plan_.hosts.begin(), plan_.hosts.end(), [&](const plan::VirtualHost& host) {
                return host.id == directive.arguments[1];
            });
        return known ? "" : "\"lync_rule\" directive names no rule";
    }

    /// Of the files of server_include, what only the whole of them tells.
    void note_included(const Directive& directive, const Directive& server) {
        if (directive.name == "location") {
            note_location(directive, server);
        }
        included_listen_ = included_listen_ || directive.name == "listen";
        if (directive.name == "proxy_set_header" && !plan_.hosts.at(hosts_ - 1).upstreams.empty()) {
            included_headers_.push_back(directive.arguments.front());
        }
    }

    /// nginx compares locations only when all are read.
    void note_location(const Directive& directive, const Directive& server) {
        for (const auto& other : server.children) {
            if (other->name == "location" && other->arguments == directive.arguments &&
                directive.arguments.size() == 1 && !directive.arguments.front().starts_with('@')) {
                state_.at_the_end.push_back(
                    {Severity::error, "duplicate location \"" + directive.arguments.front() + "\"",
                     directive.place});
                return;
            }
        }
    }

    const plan::Plan& plan_;
    const plan::Rendered& rendered_;
    std::string name_;
    NginxState& state_;
    SocketServer* server_ = nullptr;
    std::size_t hosts_ = 0;
    bool included_listen_ = false;
    std::vector<std::string> included_headers_; ///< of proxy_set_header, in servers that proxy
};

} // namespace

Contexts context_of(const Blocks& blocks, std::size_t http) {
    const std::string& name = blocks.back()->name;
    const std::string_view outer = blocks.size() > http + 1
                                       ? std::string_view(blocks[blocks.size() - 2]->name)
                                       : std::string_view();
    if (blocks.size() < http) {
        return blocks.size() == 1 ? in_main : elsewhere;
    }
    if (blocks.size() == http) {
        return in_http;
    }
    if (blocks.size() == http + 1 && name == "upstream") {
        return in_upstream;
    }
    if (blocks.size() == http + 1 && name == "server") {
        return in_server;
    }
    if (name == "location") {
        return in_location;
    }
    if (name == "limit_except") {
        return in_limit_except;
    }
    if (name == "if") {
        return outer == "location" ? in_location_if : in_server_if;
    }
    return 0;
}

bool is_known_directive(std::string_view name, const NginxState& state) {
    return is_ours(name) || state.build.knows(name) ||
           (state.foreign_modules && !find_nginx_directives(name).empty());
}

std::string NginxState::listen(SocketServer& server, const Listen& listen, const Place& place) {
    constexpr unsigned warns_since = 1025001;
    if (build.version >= warns_since && remarks != nullptr) {
        for (std::string& warning : sockets.redefinitions(listen)) {
            remarks->push_back({Severity::warning, std::move(warning), place});
        }
    }
    return sockets.add(server, listen);
}

bool is_location_directive(std::string_view name) noexcept {
    return name == "lync_rule" || name == "lync_status";
}

std::string check_location_directive(const Directive& directive, const Directive& block,
                                     Contexts context) {
    const std::string shown = "\"" + directive.name + "\"";
    const bool is_rule = directive.name == "lync_rule";
    if (context != in_location) {
        return shown + " directive is not allowed here";
    }
    if (directive.is_block) {
        return "directive " + shown + " is not terminated by \";\"";
    }
    if (directive.arguments.size() != (is_rule ? 2 : 0)) {
        return "invalid number of arguments in " + shown + " directive";
    }
    return is_duplicate(directive, !is_rule, block) ? shown + " directive is duplicate" : "";
}

std::string check_nginx_directive(const Directive& directive, const Directive& block,
                                  Contexts context, const NginxState& state) {
    // Messages end a name at a NUL byte, as C does.
    const std::string name = directive.name.c_str();
    const std::string shown = "\"" + name + "\"";
    if (context == 0) {
        return {};
    }
    if (!is_known_directive(directive.name, state)) {
        return state.foreign_modules ? "" : "unknown directive " + shown;
    }
    if (is_location_directive(directive.name)) {
        return check_location_directive(directive, block, context);
    }

    const std::span<const NginxDirective> rows = find_nginx_directives(directive.name);
    const auto row = std::find_if(rows.begin(), rows.end(), [&](const NginxDirective& candidate) {
        return (candidate.contexts & context) != 0 &&
               (state.foreign_modules || state.build.has(candidate));
    });
    if (row == rows.end()) {
        return shown + " directive is not allowed here";
    }
    if (row->is_block != directive.is_block) {
        return "directive " + shown +
               (row->is_block ? " has no opening \"{\"" : " is not terminated by \";\"");
    }
    if (!takes(row->arguments, directive.arguments.size())) {
        return "invalid number of arguments in " + shown + " directive";
    }
    if (is_duplicate(directive, row->once, block)) {
        return shown + " directive is duplicate";
    }
    if (row->arguments == flag) {
        std::string value = directive.arguments.front();
        std::transform(value.begin(), value.end(), value.begin(), ascii_lower);
        if (value != "on" && value != "off") {
            return "invalid value \"" + directive.arguments.front() + "\" in " + shown +
                   " directive, it must be \"on\" or \"off\"";
        }
    }
    return {};
}

void check_generated(const plan::Plan& plan, const plan::Rendered& rendered,
                     const std::string& prefix, NginxState& state) {
    const std::string name = "lync_publish " + plan.publication.name;
    GeneratedText listener(plan, rendered, name, state);
    try {
        config::read_text(rendered.text, name, prefix, listener);
        listener.check_includes();
    } catch (const Mistake& mistake) {
        const Diagnostic& said = mistake.diagnostic();
        throw Mistake(said.text, listener.origin_of(said.place));
    }
}

} // namespace lync::lyncctl
