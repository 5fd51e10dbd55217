// connection_auth on|off [idle=TIME] [age=TIME] [max=NUMBER]

#include "config/declare.h"

namespace lync::config {

ConnectionAuth read_connection_auth(const Directive& directive, const Directive& block,
                                    ConnectionAuth defaults) {
    ConnectionAuth auth = defaults;
    auth.on = read_flag(directive, block);

    SeenParameters seen;
    for (std::size_t i = 1; i < directive.arguments.size(); i++) {
        const Parameter parameter(directive.arguments[i]);
        seen.add(parameter.name, directive, block);

        if (parameter.name == "idle") {
            auth.idle = read_time(parameter.value, directive, block);
        } else if (parameter.name == "age") {
            auth.age = read_time(parameter.value, directive, block);
        } else if (const auto most = parse_number(parameter.value, 1, 10000000);
                   parameter.name == "max" && most) {
            auth.most = *most;
        } else {
            throw Mistake("invalid parameter " + lync::quoted(parameter.text) +
                              config::in_directive(directive, block) +
                              ": it may be idle=TIME, age=TIME or max=NUMBER",
                          directive.place);
        }
    }
    return auth;
}

} // namespace lync::config
