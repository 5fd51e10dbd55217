// connection_auth on|off [idle=TIME] [age=TIME] [max=NUMBER]

#include "topology/declare.h"

#include <algorithm>

namespace lync::topology {

ConnectionAuth read_connection_auth(const Directive& directive, const Directive& block,
                                    ConnectionAuth defaults) {
    ConnectionAuth auth = defaults;
    const std::string& value = directive.arguments.front();
    if (value != "on" && value != "off") {
        syntax::invalid_value(value, directive, block, "it is \"on\" or \"off\"");
    }
    auth.on = value == "on";

    std::vector<std::string_view> seen;
    for (std::size_t i = 1; i < directive.arguments.size(); i++) {
        const std::string_view parameter = directive.arguments[i];
        const std::size_t equals = std::min(parameter.find('='), parameter.size());
        const std::string_view name = parameter.substr(0, equals);
        const std::string_view text = parameter.substr(std::min(equals + 1, parameter.size()));

        if (std::find(seen.begin(), seen.end(), name) != seen.end()) {
            throw Mistake("parameter " + quoted(name) + " is duplicate" +
                              syntax::in_directive(directive, block),
                          directive.place);
        }
        seen.push_back(name);

        if (name == "idle") {
            auth.idle = read_time(text, directive, block);
        } else if (name == "age") {
            auth.age = read_time(text, directive, block);
        } else if (const auto most = parse_number(text, 1, 10000000); name == "max" && most) {
            auth.most = *most;
        } else {
            throw Mistake("invalid parameter " + quoted(parameter) +
                              syntax::in_directive(directive, block) +
                              ": it may be idle=TIME, age=TIME or max=NUMBER",
                          directive.place);
        }
    }
    return auth;
}

} // namespace lync::topology
