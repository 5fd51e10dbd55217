#include "status/forms.h"

#include "base/format.h"
#include "base/utc.h"
#include "base/utf8.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <concepts>
#include <type_traits>

namespace lync::status {

namespace {

/// Appends members and elements with their commas, without a tree of 5,000 names.
class Writer {
public:
    explicit Writer(std::string& out) : out_(out) {}

    template <std::convertible_to<std::string_view> Text>
    void value(const Text& text) {
        comma();
        append_json_string(out_, text);
    }
    void value(bool value) { literal(value ? "true" : "false"); }
    void value(const Cell& cell) { value(read(cell)); }
    template <std::integral Integer>
    void value(Integer value) {
        literal(formatted("{}", value));
    }
    /// A number that may be unknown; seconds if it is a fraction.
    template <typename Number>
    void value(std::optional<Number> number) {
        if (!number) {
            literal("null");
        } else if constexpr (std::is_floating_point_v<Number>) {
            char digits[32];
            literal({digits, std::to_chars(digits, digits + sizeof(digits), *number,
                                           std::chars_format::fixed, 4)
                                 .ptr});
        } else {
            value(*number);
        }
    }
    /// An object, with the members that `write` writes.
    template <typename Write>
    requires std::invocable<Write>
    void value(Write&& write) {
        bracket('{');
        write();
        close('}');
    }

    template <typename Value>
    void member(std::string_view name, const Value& content) {
        comma();
        out_.append("\"").append(name).append("\":");
        first_ = true;
        value(content);
    }
    /// An array of what `write` makes of each element.
    template <typename Elements, typename Write>
    void array(std::string_view name, const Elements& elements, Write&& write) {
        comma();
        out_.append("\"").append(name).append("\":[");
        first_ = true;
        for (const auto& element : elements) {
            write(element);
        }
        close(']');
    }
    template <typename Elements>
    void values(std::string_view name, const Elements& elements) {
        array(name, elements, [this](const auto& element) { value(element); });
    }
    template <typename Elements, typename Write>
    void objects(std::string_view name, const Elements& elements, Write&& write) {
        array(name, elements, [&](const auto& element) { value([&] { write(element); }); });
    }

private:
    void literal(std::string_view text) {
        comma();
        out_ += text;
    }
    void bracket(char opening) {
        comma();
        out_ += opening;
        first_ = true;
    }
    void close(char bracket) {
        out_ += bracket;
        first_ = false;
    }
    void comma() {
        out_ += first_ ? "" : ",";
        first_ = false;
    }

    std::string& out_;
    bool first_ = true;
};

/// Of seconds of Unix time.
std::string stamp(std::int64_t seconds) {
    return utc_stamp(std::chrono::sys_seconds(std::chrono::seconds(seconds)));
}

/// "192.0.2.7", "2001:db8::/64"
std::string text_of(const std::array<unsigned char, 16>& address) {
    char text[INET6_ADDRSTRLEN];
    in6_addr ipv6{};
    std::ranges::copy(address, ipv6.s6_addr);
    return IN6_IS_ADDR_V4MAPPED(&ipv6)
               ? inet_ntop(AF_INET, &address[12], text, sizeof(text))
               : formatted("{}/64", inet_ntop(AF_INET6, &ipv6, text, sizeof(text)));
}

void write_store(Writer& json, const std::optional<LockoutStore>& store) {
    if (store) {
        json.member("store", [&] {
            json.member("address", store->address);
            json.member("connected", store->connected);
        });
    }
}

class Document {
public:
    Document(std::string& out, const Snapshot& snapshot) : json_(out), snapshot_(snapshot) {}

    void write() {
        json_.value([this] {
            json_.member("schema", schema_version);
            json_.member("time", utc_stamp(snapshot_.now()));
            json_.member("loaded", stamp(snapshot_.loaded));
            json_.member("nginx", snapshot_.nginx);
            json_.member("module", snapshot_.module);
            json_.member("workers", snapshot_.workers);
            json_.member("summary", [this] { write_summary(); });
            json_.objects(
                "publications", snapshot_.publications,
                [this](const Publication& publication) { write_publication(publication); });
            if (const auto& lockout = snapshot_.lockout) {
                json_.member("lockout", [&] {
                    json_.member("accounts_held", lockout->accounts);
                    json_.member("sources_held", lockout->sources);
                    json_.member("failures", lockout->failures);
                    json_.member("answered", lockout->answered);
                    write_store(json_, lockout->store);
                });
            }
            json_.objects("refusals", snapshot_.refusals,
                          [this](const Refusal& refusal) { write_refusal(refusal); });
        });
    }

    void write_servers(const Machine* machine) {
        json_.value([&] {
            if (machine != nullptr) {
                json_.member("machine", [&] {
                    json_.member("drained", machine->drained);
                    write_load(*machine);
                });
            }
            of_publications([this](const Publication& publication) {
                json_.objects("pools", publication.pools, [this](const Pool& pool) {
                    write_pool_head(pool);
                    json_.objects("servers", pool.servers,
                                  [this](const Server& server) { write_server_now(server); });
                });
            });
        });
    }

    void write_shields() {
        json_.value([this] {
            of_publications(
                [this](const Publication& publication) { write_shields_of(publication); });
        });
    }

private:
    template <typename Write>
    void of_publications(Write&& write) {
        json_.objects("publications", snapshot_.publications, [&](const Publication& publication) {
            json_.member("name", publication.published->name);
            write(publication);
        });
    }

    void write_summary() {
        const Summary summary = summarize(snapshot_);
        json_.member("servers", summary.servers);
        json_.member("servers_up", summary.servers_up);
        json_.member("servers_down", summary.servers_down);
        json_.member("servers_draining", summary.servers_draining);
        json_.member("names", summary.names);
        json_.member("names_uncovered", summary.names_uncovered);
        json_.member("certificates_expiring", summary.certificates_expiring);
        json_.member("certificates_not_loaded", summary.certificates_not_loaded);
    }

    /// A member for each value of an enumeration, from `first` on.
    template <typename Enum, std::size_t size>
    void write_counts(std::string_view name, const std::array<Cell, size>& counts,
                      std::string_view (*name_of)(Enum) noexcept, std::size_t first = 0) {
        json_.member(name, [&] {
            for (std::size_t i = first; i < size; i++) {
                json_.member(name_of(static_cast<Enum>(i)), counts[i]);
            }
        });
    }

    void write_publication(const Publication& publication) {
        const Published& published = *publication.published;
        json_.member("name", published.name);
        json_.member("product", published.product);
        write_counts("verdicts", publication.verdicts, verdict_name);
        write_counts("refusals", publication.refusals, policy::reason_name, 1);
        json_.member("sign_ins", [&] {
            for (std::size_t i = 0; i < policy::doors.size(); i++) {
                json_.member(policy::door_name(policy::doors[i]), [&] {
                    json_.member("accepted", publication.sign_ins[i]);
                    json_.member("refused", publication.sign_ins_refused[i]);
                });
            }
        });
        write_shields_of(publication);
        json_.objects("certificates", published.certificates,
                      [this](const Certificate& certificate) { write_certificate(certificate); });
        json_.objects("rules", published.rules, [this](const Rule& rule) { write_rule(rule); });
        json_.objects("names", published.names, [this](const Name& name) { write_name(name); });
        json_.objects("pools", publication.pools, [this](const Pool& pool) {
            write_pool_head(pool);
            json_.objects("servers", pool.servers,
                          [this](const Server& server) { write_server(server); });
        });
        json_.objects("services", publication.services,
                      [this](const Service& service) { write_service(service); });
    }

    void write_shields_of(const Publication& publication) {
        json_.objects("shields", publication.shields, [&](const ShieldRow& shield) {
            const policy::Shield& row = *shield.row;
            json_.member("name", row.name);
            json_.member("action", policy::shield_action_name(row.action));
            json_.member("on", row.on);
            json_.member("places", policy::shield_place_words(row.places) +
                                       (row.header.empty() ? "" : ":") + row.header);
            json_.member("pattern", row.pattern_text);
            json_.member("source", row.source);
            json_.member("defined", row.defined);
            json_.member("hits", shield.hits);
            json_.array("unpatched", publication.pools, [&](const Pool& pool) {
                for (const Server& server : pool.servers) {
                    for (const policy::MissingFix& fix : server.missing_fixes) {
                        if (fix.cve == policy::cve_of(row.name)) {
                            json_.value(
                                formatted("{} {}", server.address, build_text(server.build)));
                        }
                    }
                }
            });
        });
    }

    void write_certificate(const Certificate& certificate) {
        const config::Certificate& loaded = *certificate.loaded;
        const auto left = std::chrono::floor<std::chrono::days>(loaded.not_after - snapshot_.now());
        json_.member("file", certificate.file);
        json_.member("subject", loaded.subject);
        json_.member("key", key_kind_name(loaded.key_kind));
        json_.member("key_bits", loaded.key_bits);
        json_.member("not_before", utc_stamp(loaded.not_before));
        json_.member("not_after", utc_stamp(loaded.not_after));
        json_.member("days_left", left.count());
        json_.member("renewal", renewal_name(loaded.renewal_at(snapshot_.now())));
        json_.member("on_disk", on_disk_name(certificate.on_disk));
        json_.values("names", loaded.names);
    }

    void write_rule(const Rule& rule) {
        json_.member("id", rule.id);
        json_.member("scheme", rule.tls ? "https" : "http");
        json_.member("words", rule.words);
        json_.objects("targets", rule.targets, [this](const Rule::Target& target) {
            json_.member("role", config::role_name(target.role));
            json_.member("pool", target.pool);
            json_.member("port", target.port);
            if (!target.path.empty()) {
                json_.member("path", target.path);
            }
        });
    }

    void write_name(const Name& name) {
        json_.member("name", name.name);
        json_.member("https", known(name.https, name.https != none));
        json_.member("http", known(name.http, name.http != none));
        json_.member("coverage", coverage_name(name.coverage));
        json_.values("presented", name.certificates);
    }

    void write_times(std::string_view name, const Histogram& histogram) {
        json_.member(name, [&] {
            json_.member("count", histogram.count());
            json_.member("sum", std::optional(static_cast<double>(read(histogram.sum)) / 1000));
            json_.member("p50", histogram.quantile(0.50));
            json_.member("p95", histogram.quantile(0.95));
            json_.member("p99", histogram.quantile(0.99));
        });
    }

    void write_pool_head(const Pool& pool) {
        json_.member("role", config::role_name(pool.role));
        json_.member("name", pool.name);
        json_.member("port", pool.port);
        json_.member("scheme", pool.tls ? "https" : "http");
        json_.member("panic", pool.panic);
    }

    /// What it is, and its current load.
    void write_server_now(const Server& server) {
        json_.member("name", server.name);
        json_.member("address", server.address);
        json_.member("state", state_name(server.state));
        json_.member("reason", server.reason);
        json_.member("since", known(stamp(server.since), server.since != 0));
        json_.member("backup", server.backup);
        json_.member("weight", server.weight);
        write_load(server);
    }

    void write_load(const Load& load) {
        json_.member("in_flight", load.in_flight);
        json_.member("pending_gets", load.pending_gets);
        json_.member("owned_connections", load.owned_connections);
    }

    void write_server(const Server& server) {
        write_server_now(server);
        json_.member("requests", server.requests);
        json_.member("failures", server.failures);
        json_.member("unauthorized", server.unauthorized);
        write_counts("statuses", server.statuses, status_class_name);
        json_.member("tls_handshakes", server.handshakes);
        json_.member("tls_resumptions", server.resumptions);
        write_times("response_time", server.response_time);
        json_.member("extended_protection", binding_name(server.extended_protection));
        json_.member("build", known(build_text(server.build), server.build != 0));
        json_.objects("missing_fixes", server.missing_fixes, [this](const policy::MissingFix& fix) {
            json_.member("cve", fix.cve);
            json_.member("build", build_text(fix.build));
        });
    }

    void write_service(const Service& service) {
        json_.member("name", policy::service_name(service.service));
        json_.member("requests", service.requests());
        json_.member("errors", service.errors());
        json_.member("unauthorized", service.unauthorized);
        write_counts("statuses", service.statuses, status_class_name);
        json_.member("received", service.received);
        json_.member("sent", service.sent);
        write_times("duration", service.duration);
        json_.member("history", [&] {
            const auto minute = [this](std::int64_t count) {
                json_.value(known(count, count >= 0));
            };
            json_.array("requests", service.history.requests, minute);
            json_.array("errors", service.history.errors, minute);
        });
    }

    void write_refusal(const Refusal& refusal) {
        json_.member("time", stamp(refusal.time / 1000));
        json_.member("publication", refusal.publication);
        json_.member("reason", policy::reason_name(refusal.reason));
        json_.member("service", policy::service_name(refusal.service));
        json_.member("client", refusal.client);
        json_.member("method", refusal.method);
        json_.member("scheme", refusal.tls ? "https" : "http");
        json_.member("host", refusal.host);
        json_.member("path", refusal.path);
    }

    Writer json_;
    const Snapshot& snapshot_;
};

} // namespace

void append_json_string(std::string& out, std::string_view text) {
    out += '"';
    append_utf8(out, text, [&out](char c) {
        const bool is_control = static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
        if (is_control) {
            out += formatted("\\u{:04x}", static_cast<unsigned>(c));
        } else if (c == '"' || c == '\\') {
            out.append("\\").append(1, c);
        } else {
            return false;
        }
        return true;
    });
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
    json.value([&] {
        json.member("count", count);
        write_store(json, store);
        json.objects("held", held, [&](const HeldOne& one) {
            json.member("kind", one.is_source ? "source" : "account");
            json.member("who",
                        one.is_source ? text_of(one.address) : formatted("{:016x}", one.tag));
            json.member("seconds", (one.left + 999) / 1000);
        });
    });
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
