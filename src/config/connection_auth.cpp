// connection_auth on|off [idle=TIME] [age=TIME] [max=NUMBER]

#include "config/declare.h"

namespace lync::config {

ConnectionAuth read_connection_auth(const Directive& directive, const Directive& block,
                                    ConnectionAuth defaults) {
    ConnectionAuth auth = defaults;
    auth.on = read_flag(directive, block);
    read_parameters(directive, 1, block, "it may be idle=TIME, age=TIME or max=NUMBER",
                    [&](const Parameter& parameter) {
                        if (parameter.name == "idle" || parameter.name == "age") {
                            (parameter.name == "idle" ? auth.idle : auth.age) =
                                read_time(parameter.value, directive, block);
                            return true;
                        }
                        const auto most = parse_number(parameter.value, 1, 10000000);
                        auth.most = most.value_or(auth.most);
                        return parameter.name == "max" && most;
                    });
    return auth;
}

} // namespace lync::config
