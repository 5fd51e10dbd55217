#include "status/prometheus.h"

#include "base/format.h"
#include "base/utf8.h"
#include "status/json.h"

#include <algorithm>
#include <concepts>
#include <functional>
#include <initializer_list>
#include <utility>

namespace lync::status {

namespace {

using Label = std::pair<std::string_view, std::string_view>;

/// Labels as they stand between braces, without these.
class Labels {
public:
    Labels(std::initializer_list<Label> labels) {
        for (const auto& [name, value] : labels) {
            add(name, value);
        }
    }
    Labels(const Labels& others, std::initializer_list<Label> labels) : text_(others.text_) {
        for (const auto& [name, value] : labels) {
            add(name, value);
        }
    }

    const std::string& text() const noexcept { return text_; }

private:
    void add(std::string_view name, std::string_view value) {
        text_.append(text_.empty() ? "" : ",").append(name).append("=\"");
        append_utf8(text_, value, [this](char c) {
            const bool is_special = c == '\\' || c == '"' || c == '\n';
            if (is_special) {
                text_.append("\\").append(1, c == '\n' ? 'n' : c);
            }
            return is_special;
        });
        text_ += '"';
    }

    std::string text_;
};

/// Milliseconds in seconds: "0.005", "1", "12.5".
std::string in_seconds(std::uint64_t milliseconds) {
    std::string text = formatted("{}.{:03}", milliseconds / 1000, milliseconds % 1000);
    text.erase(text.find_last_not_of('0') + 1);
    text.erase(text.find_last_not_of('.') + 1);
    return text;
}

class Text {
public:
    explicit Text(const Snapshot& snapshot) : snapshot_(snapshot) {}

    std::string write() {
        write_process();
        write_requests();
        write_servers();
        write_certificates();
        write_lockout();
        return std::move(out_);
    }

private:
    /// Prometheus wants all samples of a family together, after its head.
    void family(std::string_view name, std::string_view type, std::string_view help) {
        out_.append("# HELP ").append(name).append(" ").append(help).append("\n# TYPE ");
        out_.append(name).append(" ").append(type).append("\n");
    }
    void sample(std::string_view name, const Labels& labels, std::string_view value) {
        out_ += name;
        if (!labels.text().empty()) {
            out_.append("{").append(labels.text()).append("}");
        }
        out_.append(" ").append(value).append("\n");
    }
    void histogram(const std::string& name, const Labels& labels, const Histogram& times) {
        std::uint64_t below = 0;
        for (std::size_t i = 0; i < bucket_limits.size(); i++) {
            below += times.buckets[i];
            sample(name + "_bucket", Labels(labels, {{"le", in_seconds(bucket_limits[i])}}), below);
        }
        const std::uint64_t count = times.count();
        sample(name + "_bucket", Labels(labels, {{"le", "+Inf"}}), count);
        sample(name + "_sum", labels, in_seconds(times.sum));
        sample(name + "_count", labels, count);
    }

    template <std::integral Integer>
    void sample(std::string_view name, const Labels& labels, Integer value) {
        sample(name, labels, formatted("{}", value + Integer{})); // true is 1
    }

    void each_publication(const std::function<void(const Publication&, const Labels&)>& write) {
        for (const Publication& publication : snapshot_.publications) {
            write(publication, {{"publication", publication.published->name}});
        }
    }
    void each_service(const std::function<void(const Service&, const Labels&)>& write) {
        each_publication([&](const Publication& publication, const Labels& labels) {
            for (const Service& service : publication.services) {
                write(service,
                      Labels(labels, {{"service", policy::service_name(service.service)}}));
            }
        });
    }
    void each_pool(const std::function<void(const Pool&, const Labels&)>& write) {
        each_publication([&](const Publication& publication, const Labels& labels) {
            for (const Pool& pool : publication.pools) {
                write(pool,
                      Labels(labels, {{"pool", pool.name}, {"port", std::to_string(pool.port)}}));
            }
        });
    }
    void each_server(const std::function<void(const Server&, const Labels&)>& write) {
        each_pool([&](const Pool& pool, const Labels& labels) {
            for (const Server& server : pool.servers) {
                write(server,
                      Labels(labels, {{"server", server.name}, {"address", server.address}}));
            }
        });
    }
    void of_servers(std::string_view name, std::string_view type, std::string_view help,
                    std::uint64_t Server::*value) {
        family(name, type, help);
        each_server([&](const Server& server, const Labels& labels) {
            sample(name, labels, server.*value);
        });
    }
    void of_services(std::string_view name, std::string_view help, std::uint64_t Service::*value) {
        family(name, "counter", help);
        each_service([&](const Service& service, const Labels& labels) {
            sample(name, labels, service.*value);
        });
    }
    /// A sample for each value of an enumeration, from `first` on.
    template <typename Enum, std::size_t size>
    void counts(std::string_view name, const Labels& labels, std::string_view label,
                const std::array<std::uint64_t, size>& counts,
                std::string_view (*name_of)(Enum) noexcept, std::size_t first = 0) {
        for (std::size_t i = first; i < size; i++) {
            sample(name, Labels(labels, {{label, name_of(static_cast<Enum>(i))}}), counts[i]);
        }
    }
    /// A family of a single sample.
    template <typename Value>
    void single(std::string_view name, std::string_view type, std::string_view help, Value value) {
        family(name, type, help);
        sample(name, {}, value);
    }

    void write_process() {
        family("lync_build_info", "gauge", "Versions, as labels.");
        sample("lync_build_info",
               {{"nginx_version", snapshot_.nginx}, {"version", snapshot_.module}}, "1");
        single("lync_config_load_timestamp_seconds", "gauge",
               "When the configuration was loaded, in Unix time.", snapshot_.loaded);
        single("lync_workers", "gauge", "Worker processes, those that are ending included.",
               snapshot_.workers);
    }

    void write_requests() {
        family("lync_verdicts_total", "counter",
               "Requests by the verdict of the publication's rules.");
        each_publication([&](const Publication& publication, const Labels& labels) {
            counts("lync_verdicts_total", labels, "verdict", publication.verdicts, verdict_name);
        });
        family("lync_refusals_total", "counter", "Refused requests by reason.");
        each_publication([&](const Publication& publication, const Labels& labels) {
            counts("lync_refusals_total", labels, "reason", publication.refusals,
                   policy::reason_name, 1);
        });
        family("lync_sign_ins_total", "counter",
               "Requests with a credential by door: accepted without an error, or refused.");
        each_publication([&](const Publication& publication, const Labels& labels) {
            for (std::size_t i = 0; i < policy::doors.size(); i++) {
                const Labels door(labels, {{"door", policy::door_name(policy::doors[i])}});
                sample("lync_sign_ins_total", Labels(door, {{"result", "accepted"}}),
                       publication.sign_ins[i]);
                sample("lync_sign_ins_total", Labels(door, {{"result", "refused"}}),
                       publication.sign_ins_refused[i]);
            }
        });
        family("lync_shield_hits_total", "counter",
               "Requests that a row of the shield has stopped, or would have (action log).");
        each_publication([&](const Publication& publication, const Labels& labels) {
            for (const ShieldRow& shield : publication.shields) {
                const auto action = policy::shield_action_name(shield.row->action);
                sample("lync_shield_hits_total",
                       Labels(labels, {{"shield", shield.row->name}, {"action", action}}),
                       shield.hits);
            }
        });

        family("lync_requests_total", "counter", "Requests by service and class of the status.");
        each_service([&](const Service& service, const Labels& labels) {
            counts("lync_requests_total", labels, "code", service.statuses, status_class_name);
        });
        of_services("lync_unauthorized_total", "Requests answered with 401.",
                    &Service::unauthorized);
        of_services("lync_received_bytes_total", "Bytes of requests, heads included.",
                    &Service::received);
        of_services("lync_sent_bytes_total", "Bytes of answers, heads included.", &Service::sent);
        family("lync_request_duration_seconds", "histogram",
               "Time of whole requests that passed, without pending GETs.");
        each_service([&](const Service& service, const Labels& labels) {
            histogram("lync_request_duration_seconds", labels, service.duration);
        });
    }

    void write_servers() {
        family("lync_pool_panic", "gauge",
               "1 if no server passes its check and those that answer are used all the same.");
        each_pool([&](const Pool& pool, const Labels& labels) {
            sample("lync_pool_panic", labels, pool.panic);
        });
        family("lync_server_up", "gauge",
               "Whether a server takes requests: 1, or 0 if it is down or draining.");
        each_server([&](const Server& server, const Labels& labels) {
            sample("lync_server_up", labels,
                   server.state != ServerState::down && server.state != ServerState::draining);
        });
        family("lync_server_state", "gauge",
               "The state that a server is in: 1 for one of unknown, up, down, draining.");
        each_server([&](const Server& server, const Labels& labels) {
            for (const ServerState state : {ServerState::unknown, ServerState::up,
                                            ServerState::down, ServerState::draining}) {
                sample("lync_server_state", Labels(labels, {{"state", state_name(state)}}),
                       server.state == state);
            }
        });
        family("lync_server_state_change_timestamp_seconds", "gauge",
               "When a server came into its state, in Unix time; 0 if that isn't known.");
        each_server([&](const Server& server, const Labels& labels) {
            sample("lync_server_state_change_timestamp_seconds", labels, server.since);
        });
        of_servers("lync_server_requests_in_flight", "gauge",
                   "Requests that a server is answering.", &Server::in_flight);
        of_servers("lync_server_pending_gets", "gauge",
                   "Event channels of UCWA that a server holds.", &Server::pending_gets);
        of_servers("lync_server_owned_connections", "gauge",
                   "Connections to a server that belong to one client each.",
                   &Server::owned_connections);
        of_servers("lync_server_requests_total", "counter",
                   "Requests given to a server, each try counted.", &Server::requests);
        of_servers("lync_server_failures_total", "counter",
                   "Tries that ended without an answer of the server.", &Server::failures);
        of_servers("lync_server_unauthorized_total", "counter", "Answers of a server with 401.",
                   &Server::unauthorized);
        family("lync_server_responses_total", "counter",
               "Answers of a server by class of the status.");
        each_server([&](const Server& server, const Labels& labels) {
            counts("lync_server_responses_total", labels, "code", server.statuses,
                   status_class_name, 1);
        });
        of_servers("lync_server_tls_handshakes_total", "counter",
                   "TLS sessions begun with a server, resumed ones included.", &Server::handshakes);
        of_servers("lync_server_tls_resumptions_total", "counter",
                   "TLS sessions with a server that were resumed.", &Server::resumptions);
        family("lync_server_extended_protection", "gauge",
               "Whether clients can sign in at Exchange with Extended Protection: 0 if they are "
               "presented another certificate than the server's.");
        each_server([&](const Server& server, const Labels& labels) {
            if (server.extended_protection != balance::Binding::unknown) {
                sample("lync_server_extended_protection", labels,
                       server.extended_protection == balance::Binding::works);
            }
        });
        family("lync_server_build_info", "gauge", "The build that a server has last reported.");
        each_server([&](const Server& server, const Labels& labels) {
            if (server.build != 0) {
                sample("lync_server_build_info",
                       Labels(labels, {{"build", build_text(server.build)}}), "1");
            }
        });
        family("lync_server_missing_fixes", "gauge",
               "Known attacks that an update fixes which a server doesn't have.");
        each_server([&](const Server& server, const Labels& labels) {
            if (server.build != 0) {
                sample("lync_server_missing_fixes", labels, server.missing_fixes.size());
            }
        });
        family("lync_server_response_duration_seconds", "histogram",
               "Time from the request to the end of a server's answer, without pending GETs.");
        each_server([&](const Server& server, const Labels& labels) {
            histogram("lync_server_response_duration_seconds", labels, server.response_time);
        });
    }

    void write_lockout() {
        if (!snapshot_.lockout) {
            return;
        }
        const LockoutCounts& lockout = *snapshot_.lockout;
        family("lync_lockout_held", "gauge", "Accounts and sources that are held now.");
        sample("lync_lockout_held", {{"kind", "account"}}, lockout.accounts);
        sample("lync_lockout_held", {{"kind", "source"}}, lockout.sources);
        single("lync_lockout_failures_total", "counter", "Wrong passwords that servers have seen.",
               lockout.failures);
        single("lync_lockout_answered_total", "counter",
               "Attempts of held accounts and sources, which no server has seen.",
               lockout.answered);
        if (lockout.store) {
            single("lync_lockout_store_up", "gauge",
                   "Whether lockout_store is there; 0: this proxy counts alone.",
                   lockout.store->connected);
        }
    }

    void of_certificates(
        std::string_view name, std::string_view help,
        const std::function<std::optional<std::int64_t>(const Certificate&)>& value_of) {
        family(name, "gauge", help);
        each_publication([&](const Publication& publication, const Labels& labels) {
            for (const Certificate& one : publication.published->certificates) {
                if (const auto value = value_of(one)) {
                    sample(name, Labels(labels, {{"file", one.file}, {"key", one.key}}), *value);
                }
            }
        });
    }

    void write_certificates() {
        of_certificates("lync_certificate_start_timestamp_seconds",
                        "When a certificate that listeners present begins, in Unix time.",
                        [](const Certificate& one) { return one.not_before; });
        of_certificates("lync_certificate_expiry_timestamp_seconds",
                        "When a certificate that listeners present ends, in Unix time.",
                        [](const Certificate& one) { return one.not_after; });
        of_certificates("lync_certificate_renewal",
                        "Whether a certificate has to be renewed: 1 less than a third of its "
                        "lifetime is left, 2 less than a tenth or a day.",
                        [now = snapshot_.time / 1000](const Certificate& one) {
                            return static_cast<std::int64_t>(one.renewal_at(now));
                        });
        of_certificates("lync_certificate_not_loaded",
                        "Whether a certificate was renewed on disk and isn't loaded; absent where "
                        "the file can't be read.",
                        [](const Certificate& one) {
                            return one.on_disk == config::OnDisk::unknown
                                       ? std::nullopt
                                       : std::optional<std::int64_t>(one.on_disk ==
                                                                     config::OnDisk::renewed);
                        });
        family("lync_published_names", "gauge", "Names that a publication publishes.");
        each_publication([&](const Publication& publication, const Labels& labels) {
            sample("lync_published_names", labels, publication.published->names.size());
        });
        family("lync_uncovered_names", "gauge",
               "Names published by https that no certificate covers.");
        each_publication([&](const Publication& publication, const Labels& labels) {
            sample("lync_uncovered_names", labels,
                   std::ranges::count(publication.published->names, Coverage::uncovered,
                                      &Name::coverage));
        });
    }

    const Snapshot& snapshot_;
    std::string out_;
};

} // namespace

std::string to_prometheus(const Snapshot& snapshot) {
    return Text(snapshot).write();
}

} // namespace lync::status
