#include "lyncctl/status_locations.h"

#include "status/access.h"

#include <algorithm>
#include <string_view>

namespace lync::lyncctl {

namespace {

using config::Directive;

const Directive* own(const Directive& block, std::string_view name) {
    const auto found = std::find_if(block.children.begin(), block.children.end(),
                                    [name](const auto& child) { return child->name == name; });
    return found == block.children.end() ? nullptr : found->get();
}

const Directive* inherited(const config::Blocks& blocks, std::string_view name) {
    for (auto block = blocks.rbegin(); block != blocks.rend(); ++block) {
        if (const Directive* found = own(**block, name)) {
            return found;
        }
    }
    return nullptr;
}

bool asks_for_password(const Directive* basic) {
    return basic != nullptr && !basic->arguments.empty() && basic->arguments.front() != "off";
}

/// Whom the rules of a location name, of all there are.
struct Rules {
    bool any = false;
    bool every_v4 = false;
    bool every_v6 = false;
};

Rules rules_of(const Directive& location) {
    Rules rules;
    for (const auto& child : location.children) {
        if ((child->name != "allow" && child->name != "deny") || child->arguments.size() != 1) {
            continue;
        }
        const std::string_view whom = child->arguments.front();
        const bool nothing_fixed = whom.ends_with("/0");
        const bool v6 = whom.find(':') != std::string_view::npos;
        rules.any = true;
        rules.every_v4 = rules.every_v4 || whom == "all" || (nothing_fixed && !v6);
        rules.every_v6 = rules.every_v6 || whom == "all" || (nothing_fixed && v6);
    }
    return rules;
}

} // namespace

void remark_on_access(const StatusLocation& location, std::vector<Diagnostic>& remarks) {
    const auto warn = [&](const char* text) {
        remarks.push_back({Severity::warning, text, location.place});
    };
    const bool wanted = asks_for_password(inherited(location.blocks, "auth_basic"));
    const bool asks = wanted && inherited(location.blocks, "auth_basic_user_file") != nullptr;
    if (!asks && asks_for_password(own(*location.blocks.back(), "auth_basic"))) {
        warn(status::asks_nobody);
    }
    const Rules rules = rules_of(*location.blocks.back());
    if (rules.any && !asks && !(rules.every_v4 && rules.every_v6)) {
        warn(status::rules_leave_open);
    }
}

} // namespace lync::lyncctl
