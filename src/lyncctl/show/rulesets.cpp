// Firewall rows as rules: whose addresses, of which family, and what "any" is. Rules name
// addresses, so those of another firewall never match. How each wall writes them:
// ruleset_formats.cpp.

#include "base/format.h"
#include "lyncctl/show/ruleset_formats.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <set>
#include <utility>

namespace lync::lyncctl {

namespace {

bool is_ipv6(std::string_view text) noexcept {
    return text.find(':') != std::string_view::npos;
}

/// An address, in either family: what a name never is.
bool is_address(std::string_view text) noexcept {
    return config::network_holds("0.0.0.0/0", text) || config::network_holds("::/0", text);
}

Addresses of_family(const Addresses& all, bool ipv6) {
    Addresses some;
    std::copy_if(all.begin(), all.end(), std::back_inserter(some),
                 [ipv6](const std::string& text) { return is_ipv6(text) == ipv6; });
    return some;
}

/// A comment stays in its line.
std::string one_line(std::string_view text) {
    std::string line(text);
    std::replace_if(
        line.begin(), line.end(),
        [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
    return line;
}

class RulesetWriter {
public:
    RulesetWriter(const RulesetFormat& format, const Addresses& internal_networks,
                  const Resolve& resolve)
        : format_(format), internal_(internal_networks), resolve_(resolve) {}

    Ruleset write(const std::vector<FirewallRow>& rows, const Addresses& notes) {
        text_ = format_.head(internal_);
        for (const std::string& note : notes) {
            line("# " + one_line(note));
        }
        for (const FirewallRow& row : rows) {
            write_row(row);
        }
        text_ += format_.tail;
        return {std::move(text_), std::move(missing_)};
    }

private:
    void write_row(const FirewallRow& row) {
        const std::string title = (row.site.empty() ? "" : row.site + ": ") + row.table;
        if (title != title_) {
            line("");
            line("# " + one_line(title));
            title_ = title;
        }
        if (!row.needed) {
            line(formatted("# not needed here: {} to {}", row.service,
                           one_line(row.destination.shown())));
            return;
        }
        for (const Flow& flow : row.flows) {
            write_flow(row, flow);
        }
    }

    void write_flow(const FirewallRow& row, const Flow& flow) {
        const Addresses from = resolved(flow.from, flow);
        const Addresses to = resolved(flow.to, flow);
        if ((from.empty() && !flow.from.anybody) || (to.empty() && !flow.to.anybody)) {
            return;
        }
        if (row.side == FirewallSide::inside && internal_.empty() &&
            (flow.from.anybody || flow.to.anybody)) {
            line(formatted("# no rule for {} from {} to {}: no \"internal_network\" declares the "
                           "inside",
                           row.service, flow.from.text, one_line(flow.to.shown())));
            return;
        }

        bool written = false;
        std::vector<std::pair<bool, Addresses>> left_out; ///< family and targets without a rule
        for (const bool ipv6 : {false, true}) {
            const Addresses source = of_family(from, ipv6);
            const Addresses target = of_family(to, ipv6);
            if ((source.empty() && !flow.from.anybody) || (target.empty() && !flow.to.anybody)) {
                left_out.emplace_back(ipv6, target);
                continue;
            }
            const auto left = end_of(true, flow.from.anybody, source, row.side, ipv6);
            const auto right = end_of(false, flow.to.anybody, target, row.side, ipv6);
            if (!left || !right) {
                left_out.emplace_back(ipv6, target);
                continue; // "any" is the inside, and the inside has no network of this family
            }
            rule(format_.rule({ipv6, *left, *right, flow, row}));
            written = true;
        }
        if (!written) {
            lacks(formatted("{}: \"{}\" and \"{}\" have no address of the same family",
                            ports_of(flow), flow.from.shown(), flow.to.shown()));
            return;
        }
        for (const auto& [ipv6, target] : left_out) {
            if (!target.empty()) {
                line(formatted("# no rule for {} to {}: {} has no {} address here", ports_of(flow),
                               one_of(target), one_line(flow.from.text), ipv6 ? "IPv6" : "IPv4"));
            }
        }
    }

    /// On the inside, "any" is the internal networks. On the outside whoever comes may be anybody,
    /// phones in the company's own network included, which use the external names; but what leaves
    /// the perimeter outwards doesn't go inside. Nothing: there is no such address.
    std::optional<RuleEnd> end_of(bool source, bool anybody, const Addresses& addresses,
                                  FirewallSide side, bool ipv6) const {
        if (!anybody) {
            return RuleEnd{addresses, false};
        }
        const Addresses internal = of_family(internal_, ipv6);
        const bool external = side == FirewallSide::external;
        if (internal_.empty() || (external && (source || internal.empty()))) {
            return RuleEnd{};
        }
        return internal.empty() ? std::nullopt : std::optional(RuleEnd{internal, external});
    }

    /// Names replaced by what they resolve to; who has no address is missing.
    Addresses resolved(const Party& party, const Flow& flow) {
        const auto has_none = [&](const std::string& who) {
            lacks(formatted("{}: \"{}\" has no address", ports_of(flow), who));
        };
        if (party.addresses.empty() && !party.anybody) {
            has_none(party.text);
        }
        Addresses all;
        for (const std::string& text : party.addresses) {
            const Addresses found = is_address(text) ? Addresses{text} : resolve_(text);
            if (found.empty()) {
                has_none(text);
            }
            for (const std::string& address : found) {
                if (std::find(all.begin(), all.end(), address) == all.end()) {
                    all.push_back(address);
                }
            }
        }
        return all;
    }

    /// The summaries of the proxy and of the Director share rows.
    void rule(const std::string& text) {
        if (rules_.insert(text).second) {
            line(text);
        } else {
            line("# as above: " + text);
        }
    }

    void lacks(const std::string& what) {
        if (std::find(missing_.begin(), missing_.end(), what) == missing_.end()) {
            missing_.push_back(what);
        }
        line("# no rule for " + one_line(what));
    }

    void line(const std::string& text) {
        text_.append(text.empty() ? "" : format_.indent).append(text).append("\n");
    }

    const RulesetFormat& format_;
    const Addresses& internal_;
    const Resolve& resolve_;
    std::string text_;
    std::string title_;
    std::set<std::string> rules_;
    Addresses missing_;
};

} // namespace

Ruleset ruleset(std::string_view format, const std::vector<FirewallRow>& rows,
                const std::vector<std::string>& internal_networks, const Resolve& resolve,
                const std::vector<std::string>& notes) {
    return RulesetWriter(ruleset_format(format), internal_networks, resolve).write(rows, notes);
}

} // namespace lync::lyncctl
