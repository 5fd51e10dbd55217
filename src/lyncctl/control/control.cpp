// drain, undrain, servers, shields, lockout: commands to a running nginx, over HTTP on the
// Unix-domain socket of `lync_control` (src/nginx/status/control.h).

#include "lyncctl/commands.h"

#include "base/ascii.h"
#include "base/format.h"
#include "lyncctl/doctor/http.h"
#include "lyncctl/failure.h"
#include "policy/shield.h"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <sstream>
#include <string>
#include <string_view>

namespace lync::lyncctl {

namespace {

using nlohmann::json;

constexpr std::size_t size_limit = 64 << 20; ///< of thousands of servers
constexpr auto patience = std::chrono::seconds(10);

/// nginx didn't answer; it may a moment later.
class Unanswered : public Failure {
public:
    using Failure::Failure;
};

std::string why_unanswered(const std::string& path, const doctor::Fault& fault) {
    const std::string socket = lync::quoted(path);
    if (const int error = ::access(path.c_str(), W_OK) == 0 ? 0 : errno; error == EACCES) {
        return formatted("socket {} is closed to this user: try sudo", socket);
    } else if (error != 0) {
        return formatted("socket {}: {}: write a server with \"lync_control\" for it into "
                         "nginx.conf, or name it with --socket (lyncctl(8))",
                         socket, std::strerror(error));
    }
    switch (fault.id) {
    case doctor::Id::http_timed_out:
        return formatted("socket {}: no answer within {} s", socket, patience.count());
    case doctor::Id::http_too_large:
        return formatted("socket {} answers more than {} MB", socket, size_limit >> 20);
    case doctor::Id::http_closed:
        return formatted("socket {} doesn't answer, is nginx running?", socket);
    default:
        return formatted("socket {} doesn't answer as nginx does: {}", socket, fault.detail);
    }
}

/// The body of the answer. An error response is a Failure.
std::string ask(const ControlOptions& options, std::string_view path, bool post) {
    doctor::HttpRequest request;
    request.url = "http://localhost" + std::string(path);
    if (!options.server.empty()) {
        request.url += "?server=" + doctor::url_escaped(options.server);
    } else if (!options.who.empty()) {
        request.url += "?who=" + doctor::url_escaped(options.who);
    }
    request.unix_socket = options.socket;
    request.post = post;
    request.size_limit = size_limit;
    doctor::HttpAnswer answer = doctor::HttpClient().get(request, doctor::Deadline(patience));
    if (answer.fault) {
        throw Unanswered(why_unanswered(options.socket, *answer.fault));
    }
    if (answer.header("Lync-Control").empty()) {
        throw Failure(
            formatted("socket {} answers {}: that isn't \"location / {{ lync_control; }}\"",
                      lync::quoted(options.socket), answer.status));
    }
    if (answer.status != 200) {
        throw Failure(
            answer.content_type() == "text/plain"
                ? std::string(trimmed(answer.body, "\n"))
                : formatted("nginx answers {}, its error log says why", answer.status_text));
    }
    return std::move(answer.body);
}

/// Passes the JSON document that nginx answers to `read`.
template <typename Function>
auto read_json(const ControlOptions& options, std::string_view path, Function&& read) {
    try {
        return read(json::parse(ask(options, path, false)));
    } catch (const json::exception& error) {
        throw Failure(formatted("socket {} answers what this lyncctl doesn't understand: {}",
                                lync::quoted(options.socket), error.what()));
    }
}

/// A number, a text or several; null is an empty one.
Cell cell_of(const json& object, const std::string& member, Style style = Style::plain) {
    const json& value = object.at(member);
    return value.is_null()     ? Cell("", style)
           : value.is_number() ? Cell(value.get<std::int64_t>(), style)
           : value.is_array()  ? Cell(value.get<std::vector<std::string>>(), style)
                               : Cell(value.get<std::string>(), style);
}

Style style_of(std::string_view state) {
    return state == "up"         ? Style::good
           : state == "down"     ? Style::bad
           : state == "draining" ? Style::warning
                                 : Style::plain;
}

/// "2026-11-30T08:30:10Z", in the table "2026-11-30 08:30Z".
Cell since_of(const json& server, std::string_view format) {
    const Cell since = cell_of(server, "since");
    const std::string text = since.text();
    return format == "table" && text.size() > 16
               ? Cell(formatted("{} {}Z", text.substr(0, 10), text.substr(11, 5)))
               : since;
}

/// The load of a server over all of its ports: "machine" in the answers.
struct Load {
    bool drained;
    std::int64_t in_flight, pending_gets, owned_connections;
};

Load load_of(const json& all) {
    const json& machine = all.at("machine");
    return {machine.at("drained"), machine.at("in_flight"), machine.at("pending_gets"),
            machine.at("owned_connections")};
}

/// Returns once nothing is in flight, or after the time-out.
int wait(const ControlOptions& options, Output& output) {
    using Clock = std::chrono::steady_clock;
    const auto end = Clock::now() + std::chrono::seconds(options.timeout);
    for (auto answered = Clock::now();; ::sleep(1)) {
        Load load{};
        try {
            load = read_json(options, "/servers", load_of);
            answered = Clock::now();
        } catch (const Unanswered&) { // nginx is being reloaded, or busy
            if (Clock::now() - answered >= patience) {
                throw;
            }
            continue;
        }
        if (!load.drained) {
            throw Failure(formatted("{} is no longer drained: it was taken back, or nginx was "
                                    "restarted",
                                    options.server));
        }
        if (load.in_flight == 0) {
            output.line(
                formatted("nothing is in flight; {} connections of clients that have signed in",
                          load.owned_connections));
            return exit_fine;
        }
        const std::string words =
            formatted("{} requests in flight, of which {} pending GETs; {} "
                      "connections of clients that have signed in",
                      load.in_flight, load.pending_gets, load.owned_connections);
        if (options.timeout != 0 && Clock::now() >= end) {
            output.note(formatted("still {}", words));
            return exit_findings;
        }
        output.progress(words);
    }
}

/// The first line of a response is the result, the others are remarks.
int change(const ControlOptions& options, std::string_view path, Output& output) {
    std::istringstream answer(ask(options, path, true));
    int status = exit_fine;
    bool first = true;
    for (std::string line; std::getline(answer, line); first = false) {
        if (first) {
            output.line(output.styled(line, Style::plain));
        } else {
            output.note(line);
            status = exit_findings;
        }
    }
    return status;
}

} // namespace

void declare_servers(CLI::App& app, Options& options) {
    app.add_option("--socket", options.control.socket,
                   "PATH|The Unix-domain socket of lync_control")
        ->capture_default_str();
}

int servers(const Options& options, Output& output) {
    Table table{{"publication", "pool", "server", "address", "state", "since", "in_flight",
                 "pending_gets=Pending", "owned_connections=Owned", "reason=Why"},
                1};
    bool down = false;
    read_json(options.control, "/servers", [&](const json& all) {
        for (const json& publication : all.at("publications")) {
            for (const json& pool : publication.at("pools")) {
                for (const json& server : pool.at("servers")) {
                    const std::string state = server.at("state");
                    down = down || state == "down";
                    table.rows.push_back(
                        {cell_of(publication, "name"), cell_of(pool, "name"),
                         cell_of(server, "name"), cell_of(server, "address"),
                         Cell(state, style_of(state)), since_of(server, output.format()),
                         cell_of(server, "in_flight"), cell_of(server, "pending_gets"),
                         cell_of(server, "owned_connections"), cell_of(server, "reason")});
                }
            }
        }
    });
    output.table(table);
    return down ? exit_findings : exit_fine;
}

void declare_drain(CLI::App& app, Options& options) {
    declare_undrain(app, options);
    CLI::Option* wait =
        app.add_flag("--wait", options.control.wait, "Return once nothing is in flight there");
    app.add_option("--timeout", options.control.timeout,
                   "SECONDS|After which --wait gives up, in seconds; 0: never")
        ->capture_default_str()
        ->needs(wait);
}

int drain(const Options& options, Output& output) {
    const int status = change(options.control, "/drain", output);
    return options.control.wait ? std::max(status, wait(options.control, output)) : status;
}

void declare_undrain(CLI::App& app, Options& options) {
    app.add_option("SERVER", options.control.server,
                   "Its name or address as in nginx.conf; POOL/NAME where several pools have it")
        ->required();
    declare_servers(app, options);
}

int undrain(const Options& options, Output& output) {
    return change(options.control, "/undrain", output);
}

void declare_shields(CLI::App& app, Options& options) {
    CLI::Option* built_in =
        app.add_flag("--built-in", options.control.built_in,
                     "Print the rows that this version brings, with an example of what each stops "
                     "and its ordinary neighbour; asks no nginx");
    declare_servers(app, options);
    app.get_option("--socket")->excludes(built_in);
}

int shields(const Options& options, Output& output) {
    if (options.control.built_in) {
        Table table{{"shield", "what", "on", "where", "pattern", "stops", "passes",
                     "fixed=Fixed in", "source"}};
        for (const policy::ShieldRow& row : policy::shield_rows()) {
            table.rows.push_back({row.name, row.what, row.on,
                                  policy::shield_place_words(row.places), row.pattern, row.stops,
                                  row.passes, row.fixed, row.source});
        }
        output.table(table);
        return exit_fine;
    }
    Table table{{"publication", "shield", "action", "hits", "on", "where", "unpatched", "defined",
                 "source"},
                1};
    read_json(options.control, "/shields", [&](const json& all) {
        for (const json& publication : all.at("publications")) {
            for (const json& row : publication.at("shields")) {
                const bool refuses = row.at("action") == "refuse";
                table.rows.push_back(
                    {cell_of(publication, "name"), cell_of(row, "name"),
                     cell_of(row, "action", refuses ? Style::good : Style::warning),
                     cell_of(row, "hits"), cell_of(row, "on"), cell_of(row, "places"),
                     cell_of(row, "unpatched", Style::warning), cell_of(row, "defined"),
                     cell_of(row, "source")});
            }
        }
    });
    output.table(table);
    return exit_fine;
}

int lockout_list(const Options& options, Output& output) {
    Table table{{"kind", "who", "seconds=Seconds left"}};
    std::int64_t hidden = 0;
    std::string alone;
    read_json(options.control, "/lockout", [&](const json& all) {
        const json& held = all.at("held");
        for (const json& one : held) {
            table.rows.push_back(
                {cell_of(one, "kind"), cell_of(one, "who"), cell_of(one, "seconds")});
        }
        hidden = all.at("count").get<std::int64_t>() - static_cast<std::int64_t>(held.size());
        if (all.contains("store") && !all.at("store").at("connected").get<bool>()) {
            alone = cell_of(all.at("store"), "address").text();
        }
    });
    output.table(table);
    if (!alone.empty()) {
        output.note(formatted("lockout_store {} is away: these are the holds of this proxy alone",
                              lync::quoted(alone)));
    }
    if (hidden > 0) {
        output.note(formatted("and {} more", hidden));
    }
    return exit_fine;
}

void declare_lockout_release(CLI::App& app, Options& options) {
    CLI::Option* who =
        app.add_option("WHO", options.control.who,
                       "An account (CONTOSO\\ken, ken@contoso.com, or its hash of the log and the "
                       "list), or an address");
    CLI::Option* all = app.add_flag("--all", options.control.all, "All accounts and addresses");
    all->excludes(who);
    declare_servers(app, options);
}

int lockout_release(const Options& options, Output& output) {
    if (options.control.who.empty() && !options.control.all) {
        throw Failure("nothing to release: name an account, an address or --all");
    }
    return change(options.control,
                  options.control.all ? "/lockout/release_all" : "/lockout/release", output);
}

} // namespace lync::lyncctl
