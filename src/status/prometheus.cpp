#include "status/prometheus.h"

#include "base/utf8.h"
#include "status/json.h"

#include <charconv>
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
        text_ += text_.empty() ? "" : ",";
        text_ += name;
        text_ += "=\"";
        while (!value.empty()) {
            const char c = value.front();
            std::size_t size = 1;
            if (c == '\\') {
                text_ += "\\\\";
            } else if (c == '"') {
                text_ += "\\\"";
            } else if (c == '\n') {
                text_ += "\\n";
            } else if (const std::size_t length = utf8_length(value); length != 0) {
                text_ += value.substr(0, length);
                size = length;
            } else {
                text_ += "\xef\xbf\xbd"; // U+FFFD: Prometheus wants UTF-8
            }
            value.remove_prefix(size);
        }
        text_ += '"';
    }

    std::string text_;
};

std::string digits(std::uint64_t value) {
    char text[24];
    return {text, std::to_chars(text, text + sizeof(text), value).ptr};
}

std::string digits(std::int64_t value) {
    char text[24];
    return {text, std::to_chars(text, text + sizeof(text), value).ptr};
}

/// Milliseconds in seconds: "0.005", "1", "12.5".
std::string in_seconds(std::uint64_t milliseconds) {
    std::string text = digits(milliseconds / 1000);
    if (const std::uint64_t rest = milliseconds % 1000; rest != 0) {
        std::string fraction = digits(rest + 1000).substr(1);
        fraction.erase(fraction.find_last_not_of('0') + 1);
        text += "." + fraction;
    }
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
            sample(name + "_bucket", Labels(labels, {{"le", in_seconds(bucket_limits[i])}}),
                   digits(below));
        }
        const std::string count = digits(times.count());
        sample(name + "_bucket", Labels(labels, {{"le", "+Inf"}}), count);
        sample(name + "_sum", labels, in_seconds(times.sum));
        sample(name + "_count", labels, count);
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
                const std::string port = digits(static_cast<std::uint64_t>(pool.port));
                write(pool, Labels(labels, {{"pool", pool.name}, {"port", port}}));
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
    void server_values(std::string_view name, std::string_view type, std::string_view help,
                       std::uint64_t Server::*value) {
        family(name, type, help);
        each_server([&](const Server& server, const Labels& labels) {
            sample(name, labels, digits(server.*value));
        });
    }

    void write_process() {
        family("lync_build_info", "gauge", "Versions, as labels.");
        sample("lync_build_info",
               {{"nginx_version", snapshot_.nginx}, {"version", snapshot_.module}}, "1");
        family("lync_config_load_timestamp_seconds", "gauge",
               "When the configuration was loaded, in Unix time.");
        sample("lync_config_load_timestamp_seconds", {}, digits(snapshot_.loaded));
        family("lync_workers", "gauge", "Worker processes, those that are ending included.");
        sample("lync_workers", {}, digits(snapshot_.workers));
    }

    void write_requests() {
        family("lync_verdicts_total", "counter",
               "Requests by the verdict of the publication's rules.");
        each_publication([&](const Publication& publication, const Labels& labels) {
            for (std::size_t i = 0; i < verdict_count; i++) {
                const auto verdict = verdict_name(static_cast<CountedVerdict>(i));
                sample("lync_verdicts_total", Labels(labels, {{"verdict", verdict}}),
                       digits(publication.verdicts[i]));
            }
        });
        family("lync_refusals_total", "counter", "Refused requests by reason.");
        each_publication([&](const Publication& publication, const Labels& labels) {
            for (std::size_t i = 1; i < reason_count; i++) {
                const auto reason = policy::reason_name(static_cast<policy::Reason>(i));
                sample("lync_refusals_total", Labels(labels, {{"reason", reason}}),
                       digits(publication.refusals[i]));
            }
        });
        family("lync_sign_ins_total", "counter",
               "Requests with a credential by door: accepted without an error, or refused.");
        each_publication([&](const Publication& publication, const Labels& labels) {
            for (std::size_t i = 0; i < policy::doors.size(); i++) {
                const auto door = policy::door_name(policy::doors[i]);
                sample("lync_sign_ins_total",
                       Labels(labels, {{"door", door}, {"result", "accepted"}}),
                       digits(publication.sign_ins[i]));
                sample("lync_sign_ins_total",
                       Labels(labels, {{"door", door}, {"result", "refused"}}),
                       digits(publication.sign_ins_refused[i]));
            }
        });
        family("lync_shield_hits_total", "counter",
               "Requests that a row of the shield has stopped, or would have (action log).");
        each_publication([&](const Publication& publication, const Labels& labels) {
            for (const ShieldRow& shield : publication.shields) {
                const auto action = policy::shield_action_name(shield.row->action);
                sample("lync_shield_hits_total",
                       Labels(labels, {{"shield", shield.row->name}, {"action", action}}),
                       digits(shield.hits));
            }
        });

        family("lync_requests_total", "counter", "Requests by service and class of the status.");
        each_service([&](const Service& service, const Labels& labels) {
            for (std::size_t i = 0; i < status_class_count; i++) {
                const auto code = status_class_name(static_cast<StatusClass>(i));
                sample("lync_requests_total", Labels(labels, {{"code", code}}),
                       digits(service.statuses[i]));
            }
        });
        family("lync_unauthorized_total", "counter", "Requests answered with 401.");
        each_service([&](const Service& service, const Labels& labels) {
            sample("lync_unauthorized_total", labels, digits(service.unauthorized));
        });
        family("lync_received_bytes_total", "counter", "Bytes of requests, heads included.");
        each_service([&](const Service& service, const Labels& labels) {
            sample("lync_received_bytes_total", labels, digits(service.received));
        });
        family("lync_sent_bytes_total", "counter", "Bytes of answers, heads included.");
        each_service([&](const Service& service, const Labels& labels) {
            sample("lync_sent_bytes_total", labels, digits(service.sent));
        });
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
            sample("lync_pool_panic", labels, pool.panic ? "1" : "0");
        });
        family("lync_server_up", "gauge",
               "Whether a server takes requests: 1, or 0 if it is down or draining.");
        each_server([&](const Server& server, const Labels& labels) {
            const bool takes_none =
                server.state == ServerState::down || server.state == ServerState::draining;
            sample("lync_server_up", labels, takes_none ? "0" : "1");
        });
        family("lync_server_state", "gauge",
               "The state that a server is in: 1 for one of unknown, up, down, draining.");
        each_server([&](const Server& server, const Labels& labels) {
            for (const ServerState state : {ServerState::unknown, ServerState::up,
                                            ServerState::down, ServerState::draining}) {
                sample("lync_server_state", Labels(labels, {{"state", state_name(state)}}),
                       server.state == state ? "1" : "0");
            }
        });
        family("lync_server_state_change_timestamp_seconds", "gauge",
               "When a server came into its state, in Unix time; 0 if that isn't known.");
        each_server([&](const Server& server, const Labels& labels) {
            sample("lync_server_state_change_timestamp_seconds", labels, digits(server.since));
        });
        server_values("lync_server_requests_in_flight", "gauge",
                      "Requests that a server is answering.", &Server::in_flight);
        server_values("lync_server_pending_gets", "gauge",
                      "Event channels of UCWA that a server holds.", &Server::pending_gets);
        server_values("lync_server_owned_connections", "gauge",
                      "Connections to a server that belong to one client each.",
                      &Server::owned_connections);
        server_values("lync_server_requests_total", "counter",
                      "Requests given to a server, each try counted.", &Server::requests);
        server_values("lync_server_failures_total", "counter",
                      "Tries that ended without an answer of the server.", &Server::failures);
        server_values("lync_server_unauthorized_total", "counter", "Answers of a server with 401.",
                      &Server::unauthorized);
        family("lync_server_responses_total", "counter",
               "Answers of a server by class of the status.");
        each_server([&](const Server& server, const Labels& labels) {
            for (std::size_t i = 1; i < status_class_count; i++) {
                const auto code = status_class_name(static_cast<StatusClass>(i));
                sample("lync_server_responses_total", Labels(labels, {{"code", code}}),
                       digits(server.statuses[i]));
            }
        });
        server_values("lync_server_tls_handshakes_total", "counter",
                      "TLS sessions begun with a server, resumed ones included.",
                      &Server::handshakes);
        server_values("lync_server_tls_resumptions_total", "counter",
                      "TLS sessions with a server that were resumed.", &Server::resumptions);
        family("lync_server_extended_protection", "gauge",
               "Whether clients can sign in at Exchange with Extended Protection: 0 if they are "
               "presented another certificate than the server's.");
        each_server([&](const Server& server, const Labels& labels) {
            if (server.extended_protection != balance::Binding::unknown) {
                sample("lync_server_extended_protection", labels,
                       server.extended_protection == balance::Binding::works ? "1" : "0");
            }
        });
        family("lync_server_build_info", "gauge", "The build that a server has told last.");
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
                sample("lync_server_missing_fixes", labels, digits(server.missing_fixes.size()));
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
        sample("lync_lockout_held", Labels({}, {{"kind", "account"}}), digits(lockout.accounts));
        sample("lync_lockout_held", Labels({}, {{"kind", "source"}}), digits(lockout.sources));
        family("lync_lockout_failures_total", "counter", "Wrong passwords that servers have seen.");
        sample("lync_lockout_failures_total", {}, digits(lockout.failures));
        family("lync_lockout_answered_total", "counter",
               "Attempts of held accounts and sources, which no server has seen.");
        sample("lync_lockout_answered_total", {}, digits(lockout.answered));
        if (lockout.store) {
            family("lync_lockout_store_up", "gauge",
                   "Whether lockout_store is there; 0: this proxy counts alone.");
            sample("lync_lockout_store_up", {}, lockout.store->connected ? "1" : "0");
        }
    }

    void write_certificates() {
        const auto write = [this](std::string_view name, std::string_view help, auto&& value) {
            family(name, "gauge", help);
            each_publication([&](const Publication& publication, const Labels& labels) {
                for (const Certificate& certificate : publication.published->certificates) {
                    if (const std::optional<std::int64_t> of = value(certificate)) {
                        sample(
                            name,
                            Labels(labels, {{"file", certificate.file}, {"key", certificate.key}}),
                            digits(*of));
                    }
                }
            });
        };
        using Value = std::optional<std::int64_t>;
        write("lync_certificate_start_timestamp_seconds",
              "When a certificate that listeners present begins, in Unix time.",
              [](const Certificate& one) { return Value(one.not_before); });
        write("lync_certificate_expiry_timestamp_seconds",
              "When a certificate that listeners present ends, in Unix time.",
              [](const Certificate& one) { return Value(one.not_after); });
        write("lync_certificate_renewal",
              "Whether a certificate has to be renewed: 1 less than a third of its lifetime is "
              "left, 2 less than a tenth or a day.",
              [now = snapshot_.time / 1000](const Certificate& one) {
                  return Value(static_cast<std::int64_t>(one.renewal_at(now)));
              });
        write("lync_certificate_not_loaded",
              "Whether a certificate was renewed on disk and isn't loaded; absent where the file "
              "can't be read.",
              [](const Certificate& one) {
                  return one.on_disk == config::OnDisk::unknown
                             ? Value()
                             : Value(one.on_disk == config::OnDisk::renewed);
              });
        family("lync_published_names", "gauge", "Names that a publication publishes.");
        each_publication([&](const Publication& publication, const Labels& labels) {
            sample("lync_published_names", labels,
                   digits(static_cast<std::uint64_t>(publication.published->names.size())));
        });
        family("lync_uncovered_names", "gauge",
               "Names published by https that no certificate covers.");
        each_publication([&](const Publication& publication, const Labels& labels) {
            std::uint64_t uncovered = 0;
            for (const Name& name : publication.published->names) {
                uncovered += name.coverage == Coverage::uncovered;
            }
            sample("lync_uncovered_names", labels, digits(uncovered));
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
