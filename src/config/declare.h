#pragma once

// Inside this room only: the pieces that `declare` (declare.cpp) is put together from.

#include "base/ascii.h"
#include "config/grammar.h"
#include "config/publication.h"

#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace lync::config {

/// `"auto", "on" or "off"`
std::string either_of(const std::vector<std::string_view>& words);

/// What the only argument of a directive means, or a Mistake that lists the words.
template <typename T>
T read_word(const Directive& directive,
            std::initializer_list<std::pair<std::string_view, T>> words) {
    std::vector<std::string_view> known;
    for (const auto& [word, meaning] : words) {
        if (directive.arguments.front() == word) {
            return meaning;
        }
        known.push_back(word);
    }
    invalid_value(directive.arguments.front(), directive, formatted("it is {}", either_of(known)));
}

/// `on` or `off`, or a Mistake.
inline bool read_flag(const Directive& directive) {
    return read_word<bool>(directive, {{"on", true}, {"off", false}});
}

/// nginx's time ("960s", "16m", "1h30m") in seconds; a Mistake about `directive` if it isn't one.
std::chrono::seconds read_time(std::string_view text, const Directive& directive);

/// nginx's size ("512m"), checked and kept; a Mistake about `directive` if it isn't one.
std::string read_size(std::string_view text, const Directive& directive);

/// What stands behind the first argument of some directives: `name=value`, or a word alone.
struct Parameter {
    explicit Parameter(std::string_view written) noexcept
        : text(written), name(written.substr(0, written.find('='))),
          has_value(name.size() < written.size()) {
        value = has_value ? written.substr(name.size() + 1) : std::string_view();
    }

    std::string_view text;
    std::string_view name; ///< the whole word if it has no value
    std::string_view value;
    bool has_value;
};

using ParameterReader = std::function<void(const Parameter&)>;

/// Calls `read` with the parameters of a directive from argument `first` on. A Mistake if one is
/// given twice.
void each_parameter(const Directive& directive, std::size_t first, const ParameterReader& read);

/// A parameter that a directive takes, and where its value goes: that it is given, a time, a port,
/// a text, a number, or what a function makes of it.
struct ParameterRule {
    struct Number {
        unsigned* into;
        unsigned least;
        unsigned most;
    };

    std::string_view name;
    std::variant<bool*, std::chrono::seconds*, std::uint16_t*, std::string*, Number,
                 ParameterReader>
        into;
};

/// Reads the parameters of a directive from argument `first` on. A Mistake for any other than those
/// of `rules`, and for a value that isn't what is expected.
void read_parameters(const Directive& directive, std::size_t first,
                     const std::vector<ParameterRule>& rules);

/// What nginx needs and a plan doesn't (Environment::needs_everything).
inline void report_missing(const Environment& environment, std::vector<Diagnostic>& remarks,
                           const Place& place, std::string text) {
    if (environment.needs_everything) {
        throw Mistake(std::move(text), place);
    }
    remarks.push_back({Severity::error, std::move(text), place});
}

/// A `sign_in` line.
policy::SignInRule read_sign_in(const Directive& directive);

/// Refuses doors by which no client could sign in; warns of those that lead nowhere.
void check_sign_in(const Publication& publication, const Directive& block,
                   std::vector<Diagnostic>& remarks);

/// `lockout`, `lockout_exempt`, `account_domain` and `log_accounts`; remarks on those that do
/// nothing.
Lockout read_lockout(const Directive& block, std::vector<Diagnostic>& remarks);

/// A `lockout_store` line.
LockoutStore read_lockout_store(const Directive& directive);

/// A network as `ADDRESS/BITS`, or a Mistake. With `or_address` an address is the network of
/// itself.
std::string read_network(const std::string& text, const Directive& directive,
                         bool or_address = false);

/// The sockets of `http_listen` or `https_listen`; `port` of IPv4 and IPv6 where it isn't written.
std::vector<Socket> read_sockets(const Directive& block, std::string_view directive,
                                 std::string_view port, const Environment& environment,
                                 std::vector<Diagnostic>& remarks);

/// The body of `pool`, `director`, `office_web_apps` or `exchange`.
Farm read_farm(const Directive& farm_block, Product product);
/// What is legal in it, but risky.
void remark_farm(const Farm& farm, const Directive& farm_block, Product product,
                 std::vector<Diagnostic>& remarks);

/// The `services` lines of an `exchange` block; what Lync clients need where there is none.
std::vector<FarmService> read_services(const Directive& farm_block);
/// What publishing `owa` lacks and `ecp` opens.
void remark_services(const Farm& farm, std::vector<Diagnostic>& remarks);

/// The body of `edge`.
Edge read_edge(const Directive& edge_block, Product product, std::vector<Diagnostic>& remarks);

/// The `affinity` line of a block with servers; by product where there is none.
Affinity read_affinity(const Directive& farm_block, Role role, Product product);

/// The `health_check` line of a block with servers; by product and role where there is none.
HealthCheck read_health_check(const Directive& farm_block, Role role, Product product);

/// `simple_url`: Publication::simple_urls, once all farms are known.
void read_simple_urls(const Directive& block, Publication& publication);

/// `redirect`: Publication::redirects, once all names are known.
void read_redirects(const Directive& block, Publication& publication);

/// `shield` and `shield_file`: Publication::shields. Asks what is known of meeting_url_guard.
void read_shields(const Directive& block, const Environment& environment, Publication& publication,
                  std::vector<Diagnostic>& remarks);

/// Checks that need the whole declaration: names published twice, external equal to internal,
/// one simple URL the prefix of another, ... Enters the publication's names into `registry`.
void check_names(const Publication& publication, Registry& registry);
void check_sockets(Publication& publication, Registry& registry);

/// Office Web Apps and Exchange at the internal web site of a pool or Director, a server of two
/// pools, of whichever publications; a server that is the proxy itself. Enters the publication's
/// servers into `registry`.
void check_servers(const Publication& publication, Registry& registry,
                   std::vector<Diagnostic>& remarks);

/// Loads and checks every certificate and CA file, once each; decides which is presented for which
/// name; remarks on names that none covers, and on certificates that cover none.
void check_certificates(Publication& publication, const Environment& environment,
                        std::vector<Diagnostic>& remarks);

} // namespace lync::config
