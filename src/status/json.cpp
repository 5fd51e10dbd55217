#include "status/json.h"

#include "base/utf8.h"

#include <charconv>
#include <ctime>
#include <type_traits>

namespace lync::status {

namespace {

/// Appends members and elements with their commas: no tree is built of 5,000 names.
class Writer {
public:
    explicit Writer(std::string& out) : out_(out) {}

    void open(char bracket) {
        out_ += bracket;
        first_ = true;
    }
    void close(char bracket) {
        out_ += bracket;
        first_ = false;
    }
    void key(std::string_view name) {
        comma();
        out_ += '"';
        out_ += name;
        out_ += "\":";
        first_ = true;
    }
    void text(std::string_view value) {
        comma();
        append_json_string(out_, value);
    }
    template <typename Integer>
    void number(Integer value) {
        comma();
        char digits[24];
        const auto end = std::to_chars(digits, digits + sizeof(digits), value);
        out_.append(digits, end.ptr);
    }
    void boolean(bool value) {
        comma();
        out_ += value ? "true" : "false";
    }
    void null() {
        comma();
        out_ += "null";
    }
    void seconds(std::optional<double> value) {
        if (!value) {
            null();
            return;
        }
        comma();
        char digits[32];
        const auto end =
            std::to_chars(digits, digits + sizeof(digits), *value, std::chars_format::fixed, 4);
        out_.append(digits, end.ptr);
    }
    /// An element that is an object or an array.
    void element(char bracket) {
        comma();
        open(bracket);
    }

    void member(std::string_view name, std::string_view value) {
        key(name);
        text(value);
    }
    void member(std::string_view name, const char* value) { member(name, std::string_view(value)); }
    void member(std::string_view name, bool value) {
        key(name);
        boolean(value);
    }
    template <typename Integer>
    requires(std::is_integral_v<Integer> &&
             !std::is_same_v<Integer, bool>) void member(std::string_view name, Integer value) {
        key(name);
        number(value);
    }
    void object(std::string_view name) {
        key(name);
        open('{');
    }
    void array(std::string_view name) {
        key(name);
        open('[');
    }

private:
    void comma() {
        if (!first_) {
            out_ += ',';
        }
        first_ = false;
    }

    std::string& out_;
    bool first_ = true;
};

/// "2026-11-21T13:40:00Z"
std::string utc(std::int64_t seconds) {
    const auto time = static_cast<std::time_t>(seconds);
    std::tm parts{};
    char text[32];
    if (gmtime_r(&time, &parts) == nullptr) {
        return "";
    }
    return {text, std::strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

void write_store(Writer& json, const std::optional<LockoutStore>& store) {
    if (store) {
        json.object("store");
        json.member("address", store->address);
        json.member("connected", store->connected);
        json.close('}');
    }
}

class Document {
public:
    Document(std::string& out, const Snapshot& snapshot) : json_(out), snapshot_(snapshot) {}

    void write() {
        json_.open('{');
        json_.member("schema", schema_version);
        json_.member("time", utc(snapshot_.time / 1000));
        json_.member("loaded", utc(snapshot_.loaded));
        json_.member("nginx", snapshot_.nginx);
        json_.member("module", snapshot_.module);
        json_.member("workers", snapshot_.workers);
        write_summary();
        json_.array("publications");
        for (const Publication& publication : snapshot_.publications) {
            write_publication(publication);
        }
        json_.close(']');
        if (const auto& lockout = snapshot_.lockout) {
            json_.object("lockout");
            json_.member("accounts_held", lockout->accounts);
            json_.member("sources_held", lockout->sources);
            json_.member("failures", lockout->failures);
            json_.member("answered", lockout->answered);
            write_store(json_, lockout->store);
            json_.close('}');
        }
        json_.array("refusals");
        for (const Refusal& refusal : snapshot_.refusals) {
            write_refusal(refusal);
        }
        json_.close(']');
        json_.close('}');
    }

    void write_servers(const Machine* machine) {
        json_.open('{');
        if (machine != nullptr) {
            json_.object("machine");
            json_.member("drained", machine->drained);
            json_.member("in_flight", machine->in_flight);
            json_.member("pending_gets", machine->pending_gets);
            json_.member("owned_connections", machine->owned_connections);
            json_.close('}');
        }
        json_.array("publications");
        for (const Publication& publication : snapshot_.publications) {
            json_.element('{');
            json_.member("name", publication.published->name);
            json_.array("pools");
            for (const Pool& pool : publication.pools) {
                json_.element('{');
                write_pool_head(pool);
                json_.array("servers");
                for (const Server& server : pool.servers) {
                    json_.element('{');
                    write_server_now(server);
                    json_.close('}');
                }
                json_.close(']');
                json_.close('}');
            }
            json_.close(']');
            json_.close('}');
        }
        json_.close(']');
        json_.close('}');
    }

    void write_shields() {
        json_.open('{');
        json_.array("publications");
        for (const Publication& publication : snapshot_.publications) {
            json_.element('{');
            json_.member("name", publication.published->name);
            write_shields_of(publication);
            json_.close('}');
        }
        json_.close(']');
        json_.close('}');
    }

private:
    void write_summary() {
        const Summary summary = summarize(snapshot_);
        json_.object("summary");
        json_.member("servers", summary.servers);
        json_.member("servers_up", summary.servers_up);
        json_.member("servers_down", summary.servers_down);
        json_.member("servers_draining", summary.servers_draining);
        json_.member("names", summary.names);
        json_.member("names_uncovered", summary.names_uncovered);
        json_.member("certificates_expiring", summary.certificates_expiring);
        json_.member("certificates_not_loaded", summary.certificates_not_loaded);
        json_.close('}');
    }

    void write_publication(const Publication& publication) {
        const Published& published = *publication.published;
        json_.element('{');
        json_.member("name", published.name);
        json_.member("product", published.product);

        json_.object("verdicts");
        for (std::size_t i = 0; i < verdict_count; i++) {
            json_.member(verdict_name(static_cast<CountedVerdict>(i)), publication.verdicts[i]);
        }
        json_.close('}');
        json_.object("refusals");
        for (std::size_t i = 1; i < reason_count; i++) {
            json_.member(policy::reason_name(static_cast<policy::Reason>(i)),
                         publication.refusals[i]);
        }
        json_.close('}');

        json_.object("sign_ins");
        for (std::size_t i = 0; i < policy::doors.size(); i++) {
            json_.object(policy::door_name(policy::doors[i]));
            json_.member("accepted", publication.sign_ins[i]);
            json_.member("refused", publication.sign_ins_refused[i]);
            json_.close('}');
        }
        json_.close('}');
        write_shields_of(publication);

        json_.array("certificates");
        for (const Certificate& certificate : published.certificates) {
            write_certificate(certificate);
        }
        json_.close(']');
        json_.array("rules");
        for (const Rule& rule : published.rules) {
            write_rule(rule);
        }
        json_.close(']');
        json_.array("names");
        for (const Name& name : published.names) {
            write_name(name);
        }
        json_.close(']');
        json_.array("pools");
        for (const Pool& pool : publication.pools) {
            write_pool(pool);
        }
        json_.close(']');
        json_.array("services");
        for (const Service& service : publication.services) {
            write_service(service);
        }
        json_.close(']');
        json_.close('}');
    }

    void write_shields_of(const Publication& publication) {
        json_.array("shields");
        for (const ShieldRow& shield : publication.shields) {
            json_.element('{');
            json_.member("name", shield.row->name);
            json_.member("action", policy::shield_action_name(shield.row->action));
            json_.member("on", shield.row->on);
            json_.member("places", policy::shield_place_words(shield.row->places) +
                                       (shield.row->header.empty() ? "" : ":") +
                                       shield.row->header);
            json_.member("pattern", shield.row->pattern_text);
            json_.member("source", shield.row->source);
            json_.member("defined", shield.row->defined);
            json_.member("hits", shield.hits);
            json_.array("unpatched");
            for (const Pool& pool : publication.pools) {
                for (const Server& server : pool.servers) {
                    for (const policy::MissingFix& fix : server.missing_fixes) {
                        if (fix.cve == policy::cve_of(shield.row->name)) {
                            json_.text(std::string(server.address) + " " +
                                       build_text(server.build));
                        }
                    }
                }
            }
            json_.close(']');
            json_.close('}');
        }
        json_.close(']');
    }

    void write_certificate(const Certificate& certificate) {
        json_.element('{');
        json_.member("file", certificate.file);
        json_.member("subject", certificate.subject);
        json_.member("key", certificate.key);
        json_.member("key_bits", certificate.key_bits);
        json_.member("not_before", utc(certificate.not_before));
        json_.member("not_after", utc(certificate.not_after));
        json_.member("days_left", days_left(certificate.not_after, snapshot_.time / 1000));
        json_.member("renewal", renewal_name(certificate.renewal_at(snapshot_.time / 1000)));
        json_.member("on_disk", on_disk_name(certificate.on_disk));
        json_.array("names");
        for (const std::string& name : *certificate.names) {
            json_.text(name);
        }
        json_.close(']');
        json_.close('}');
    }

    void write_rule(const Rule& rule) {
        json_.element('{');
        json_.member("id", rule.id);
        json_.member("scheme", rule.tls ? "https" : "http");
        json_.member("words", rule.words);
        json_.array("targets");
        for (const Rule::Target& target : rule.targets) {
            json_.element('{');
            json_.member("role", config::role_name(target.role));
            json_.member("pool", target.pool);
            json_.member("port", target.port);
            if (!target.path.empty()) {
                json_.member("path", target.path);
            }
            json_.close('}');
        }
        json_.close(']');
        json_.close('}');
    }

    void write_index(std::string_view name, std::uint32_t index) {
        if (index == none) {
            json_.key(name);
            json_.null();
        } else {
            json_.member(name, index);
        }
    }

    void write_name(const Name& name) {
        json_.element('{');
        json_.member("name", name.name);
        write_index("https", name.https);
        write_index("http", name.http);
        json_.member("coverage", coverage_name(name.coverage));
        json_.array("presented");
        for (const std::uint32_t index : name.certificates) {
            json_.number(index);
        }
        json_.close(']');
        json_.close('}');
    }

    void write_statuses(const StatusCounts& statuses) {
        json_.object("statuses");
        for (std::size_t i = 0; i < status_class_count; i++) {
            json_.member(status_class_name(static_cast<StatusClass>(i)), statuses[i]);
        }
        json_.close('}');
    }

    void write_times(std::string_view name, const Histogram& histogram) {
        json_.object(name);
        json_.member("count", histogram.count());
        json_.key("sum");
        json_.seconds(static_cast<double>(histogram.sum) / 1000);
        json_.key("p50");
        json_.seconds(histogram.quantile(0.50));
        json_.key("p95");
        json_.seconds(histogram.quantile(0.95));
        json_.key("p99");
        json_.seconds(histogram.quantile(0.99));
        json_.close('}');
    }

    void write_pool_head(const Pool& pool) {
        json_.member("role", config::role_name(pool.role));
        json_.member("name", pool.name);
        json_.member("port", pool.port);
        json_.member("scheme", pool.tls ? "https" : "http");
        json_.member("panic", pool.panic);
    }

    void write_pool(const Pool& pool) {
        json_.element('{');
        write_pool_head(pool);
        json_.array("servers");
        for (const Server& server : pool.servers) {
            write_server(server);
        }
        json_.close(']');
        json_.close('}');
    }

    /// What it is and what it has to do now.
    void write_server_now(const Server& server) {
        json_.member("name", server.name);
        json_.member("address", server.address);
        json_.member("state", state_name(server.state));
        json_.member("reason", server.reason);
        json_.key("since");
        if (server.since == 0) {
            json_.null();
        } else {
            json_.text(utc(server.since));
        }
        json_.member("backup", server.backup);
        json_.member("weight", server.weight);
        json_.member("in_flight", server.in_flight);
        json_.member("pending_gets", server.pending_gets);
        json_.member("owned_connections", server.owned_connections);
    }

    void write_server(const Server& server) {
        json_.element('{');
        write_server_now(server);
        json_.member("requests", server.requests);
        json_.member("failures", server.failures);
        json_.member("unauthorized", server.unauthorized);
        write_statuses(server.statuses);
        json_.member("tls_handshakes", server.handshakes);
        json_.member("tls_resumptions", server.resumptions);
        write_times("response_time", server.response_time);
        json_.member("extended_protection", binding_name(server.extended_protection));
        json_.key("build");
        if (server.build == 0) {
            json_.null();
        } else {
            json_.text(build_text(server.build));
        }
        json_.array("missing_fixes");
        for (const auto& [cve, build] : server.missing_fixes) {
            json_.element('{');
            json_.member("cve", cve);
            json_.member("build", build_text(build));
            json_.close('}');
        }
        json_.close(']');
        json_.close('}');
    }

    void write_service(const Service& service) {
        json_.element('{');
        json_.member("name", policy::service_name(service.service));
        json_.member("requests", service.requests());
        json_.member("errors", service.errors());
        json_.member("unauthorized", service.unauthorized);
        write_statuses(service.statuses);
        json_.member("received", service.received);
        json_.member("sent", service.sent);
        write_times("duration", service.duration);
        json_.object("history");
        write_minutes("requests", service.history.requests);
        write_minutes("errors", service.history.errors);
        json_.close('}');
        json_.close('}');
    }

    void write_minutes(std::string_view name,
                       const std::array<std::int64_t, history_minutes>& minutes) {
        json_.array(name);
        for (const std::int64_t minute : minutes) {
            if (minute < 0) {
                json_.null();
            } else {
                json_.number(minute);
            }
        }
        json_.close(']');
    }

    void write_refusal(const Refusal& refusal) {
        json_.element('{');
        json_.member("time", utc(refusal.time / 1000));
        json_.member("publication", refusal.publication);
        json_.member("reason", policy::reason_name(refusal.reason));
        json_.member("service", policy::service_name(refusal.service));
        json_.member("client", refusal.client);
        json_.member("method", refusal.method);
        json_.member("scheme", refusal.scheme);
        json_.member("host", refusal.host);
        json_.member("path", refusal.path);
        json_.close('}');
    }

    Writer json_;
    const Snapshot& snapshot_;
};

} // namespace

/// Well-formed as [Unicode 15, table 3-7]: no overlong forms, no surrogates.
void append_json_string(std::string& out, std::string_view text) {
    constexpr std::string_view hex = "0123456789abcdef";
    out += '"';
    while (!text.empty()) {
        const auto c = static_cast<unsigned char>(text.front());
        std::size_t size = 1;
        if (c == '"' || c == '\\') {
            out += '\\';
            out += static_cast<char>(c);
        } else if (c < 0x20 || c == 0x7f) {
            out += "\\u00";
            out += hex[c >> 4];
            out += hex[c & 15];
        } else if (const std::size_t length = utf8_length(text); length != 0) {
            out += text.substr(0, length);
            size = length;
        } else {
            out += "\xef\xbf\xbd";
        }
        text.remove_prefix(size);
    }
    out += '"';
}

std::string to_json(const Snapshot& snapshot) {
    std::string out;
    std::size_t names = 0;
    for (const Publication& publication : snapshot.publications) {
        names += publication.published->names.size();
    }
    out.reserve(16384 + names * 128);
    Document(out, snapshot).write();
    return out;
}

std::string held_to_json(std::span<const HeldOne> held, std::size_t count,
                         const std::optional<LockoutStore>& store) {
    std::string out;
    Writer json(out);
    json.open('{');
    json.member("count", count);
    write_store(json, store);
    json.array("held");
    for (const HeldOne& one : held) {
        json.element('{');
        json.member("kind", one.is_source ? "source" : "account");
        json.member("who", one.who);
        json.member("seconds", one.seconds);
        json.close('}');
    }
    json.close(']');
    json.close('}');
    return out;
}

std::string servers_to_json(const Snapshot& snapshot, const Machine* machine) {
    std::string out;
    Document(out, snapshot).write_servers(machine);
    return out;
}

std::string shields_to_json(const Snapshot& snapshot) {
    std::string out;
    Document(out, snapshot).write_shields();
    return out;
}

} // namespace lync::status
