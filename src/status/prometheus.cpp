#include "status/forms.h"

#include "base/format.h"
#include "base/utf8.h"

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
    Labels() = default;
    Labels(std::initializer_list<Label> labels) : Labels(Labels(), labels) {}
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
        write_server_states();
        write_server_traffic();
        write_server_builds();
        write_certificates();
        write_lockout();
        return std::move(out_);
    }

private:
    template <typename Element>
    using Write = std::function<void(const Element&, const Labels&)>;

    /// Prometheus wants all samples of a family together, after its head.
    void family(std::string_view name, std::string_view type, std::string_view help) {
        family_ = name;
        out_.append("# HELP ").append(name).append(" ").append(help).append("\n# TYPE ");
        out_.append(name).append(" ").append(type).append("\n");
    }
    /// With a sample for each element.
    template <typename Element, typename Value>
    void family(std::string_view name, std::string_view type, std::string_view help,
                void (Text::*each)(const Write<Element>&), Value&& value_of) {
        family(name, type, help);
        (this->*each)([&](const Element& element, const Labels& labels) {
            sample(labels, std::invoke(value_of, element));
        });
    }

    void sample(const Labels& labels, std::string_view value, std::string_view part = {}) {
        out_.append(family_).append(part);
        if (!labels.text().empty()) {
            out_.append("{").append(labels.text()).append("}");
        }
        out_.append(" ").append(value).append("\n");
    }
    template <std::integral Integer>
    void sample(const Labels& labels, Integer value, std::string_view part = {}) {
        sample(labels, formatted("{}", value + Integer{}), part); // true is 1
    }
    void sample(const Labels& labels, const Cell& value) { sample(labels, read(value)); }
    template <typename Value>
    void sample(const Labels& labels, const std::optional<Value>& value) {
        if (value) {
            sample(labels, *value);
        }
    }
    void sample(const Labels& labels, const Histogram& times) {
        std::uint64_t below = 0;
        for (std::size_t i = 0; i < bucket_limits.size(); i++) {
            below += times.buckets[i];
            sample(Labels(labels, {{"le", in_seconds(bucket_limits[i])}}), below, "_bucket");
        }
        const std::uint64_t count = times.count();
        sample(Labels(labels, {{"le", "+Inf"}}), count, "_bucket");
        sample(labels, in_seconds(times.sum), "_sum");
        sample(labels, count, "_count");
    }
    /// A sample for each value of an enumeration, from `first` on.
    template <typename Enum, std::size_t size>
    void counts(const Labels& labels, std::string_view label, const std::array<Cell, size>& counts,
                std::string_view (*name_of)(Enum) noexcept, std::size_t first = 0) {
        for (std::size_t i = first; i < size; i++) {
            sample(Labels(labels, {{label, name_of(static_cast<Enum>(i))}}), counts[i]);
        }
    }

    void each_publication(const Write<Publication>& write) {
        for (const Publication& publication : snapshot_.publications) {
            write(publication, {{"publication", publication.published->name}});
        }
    }
    void each_service(const Write<Service>& write) {
        each_publication([&](const Publication& publication, const Labels& labels) {
            for (const Service& service : publication.services) {
                write(service,
                      Labels(labels, {{"service", policy::service_name(service.service)}}));
            }
        });
    }
    void each_pool(const Write<Pool>& write) {
        each_publication([&](const Publication& publication, const Labels& labels) {
            for (const Pool& pool : publication.pools) {
                write(pool,
                      Labels(labels, {{"pool", pool.name}, {"port", std::to_string(pool.port)}}));
            }
        });
    }
    void each_server(const Write<Server>& write) {
        each_pool([&](const Pool& pool, const Labels& labels) {
            for (const Server& server : pool.servers) {
                write(server,
                      Labels(labels, {{"server", server.name}, {"address", server.address}}));
            }
        });
    }
    void each_certificate(const Write<Certificate>& write) {
        each_publication([&](const Publication& publication, const Labels& labels) {
            for (const Certificate& one : publication.published->certificates) {
                write(one, Labels(labels, {{"file", one.file},
                                           {"key", key_kind_name(one.loaded->key_kind)}}));
            }
        });
    }

    void write_process() {
        family("lync_build_info", "gauge", "Versions, as labels.");
        sample({{"nginx_version", snapshot_.nginx}, {"version", snapshot_.module}}, "1");
        family("lync_config_load_timestamp_seconds", "gauge",
               "When the configuration was loaded, in Unix time.");
        sample({}, snapshot_.loaded);
        family("lync_workers", "gauge", "Worker processes, those that are ending included.");
        sample({}, snapshot_.workers);
    }

    void write_requests() {
        family("lync_verdicts_total", "counter",
               "Requests by the verdict of the publication's rules.");
        each_publication([&](const Publication& publication, const Labels& labels) {
            counts(labels, "verdict", publication.verdicts, verdict_name);
        });
        family("lync_refusals_total", "counter", "Refused requests by reason.");
        each_publication([&](const Publication& publication, const Labels& labels) {
            counts(labels, "reason", publication.refusals, policy::reason_name, 1);
        });
        family("lync_sign_ins_total", "counter",
               "Requests with a credential by door: accepted without an error, or refused.");
        each_publication([&](const Publication& publication, const Labels& labels) {
            for (std::size_t i = 0; i < policy::doors.size(); i++) {
                const Labels door(labels, {{"door", policy::door_name(policy::doors[i])}});
                sample(Labels(door, {{"result", "accepted"}}), publication.sign_ins[i]);
                sample(Labels(door, {{"result", "refused"}}), publication.sign_ins_refused[i]);
            }
        });
        family("lync_shield_hits_total", "counter",
               "Requests that a row of the shield has stopped, or would have (action log).");
        each_publication([&](const Publication& publication, const Labels& labels) {
            for (const ShieldRow& shield : publication.shields) {
                const auto action = policy::shield_action_name(shield.row->action);
                sample(Labels(labels, {{"shield", shield.row->name}, {"action", action}}),
                       shield.hits);
            }
        });

        family("lync_requests_total", "counter", "Requests by service and class of the status.");
        each_service([&](const Service& service, const Labels& labels) {
            counts(labels, "code", service.statuses, status_class_name);
        });
        constexpr auto each = &Text::each_service;
        family("lync_unauthorized_total", "counter", "Requests answered with 401.", each,
               &Service::unauthorized);
        family("lync_received_bytes_total", "counter", "Bytes of requests, heads included.", each,
               &Service::received);
        family("lync_sent_bytes_total", "counter", "Bytes of answers, heads included.", each,
               &Service::sent);
        family("lync_request_duration_seconds", "histogram",
               "Time of whole requests that passed, without pending GETs.", each,
               &Service::duration);
    }

    void write_server_states() {
        constexpr auto each = &Text::each_server;
        family("lync_pool_panic", "gauge",
               "1 if no server passes its check and those that answer are used all the same.",
               &Text::each_pool, &Pool::panic);
        family("lync_server_up", "gauge",
               "Whether a server takes requests: 1, or 0 if it is down or draining.", each,
               [](const Server& server) {
                   return server.state != ServerState::down &&
                          server.state != ServerState::draining;
               });
        family("lync_server_state", "gauge",
               "The state that a server is in: 1 for one of unknown, up, down, draining.");
        each_server([&](const Server& server, const Labels& labels) {
            for (const ServerState state : {ServerState::unknown, ServerState::up,
                                            ServerState::down, ServerState::draining}) {
                sample(Labels(labels, {{"state", state_name(state)}}), server.state == state);
            }
        });
        family("lync_server_state_change_timestamp_seconds", "gauge",
               "When a server came into its state, in Unix time; 0 if that isn't known.", each,
               &Server::since);
    }

    void write_server_traffic() {
        constexpr auto each = &Text::each_server;
        family("lync_server_requests_in_flight", "gauge", "Requests that a server is answering.",
               each, &Server::in_flight);
        family("lync_server_pending_gets", "gauge", "Event channels of UCWA that a server holds.",
               each, &Server::pending_gets);
        family("lync_server_owned_connections", "gauge",
               "Connections to a server that belong to one client each.", each,
               &Server::owned_connections);
        family("lync_server_requests_total", "counter",
               "Requests given to a server, each try counted.", each, &Server::requests);
        family("lync_server_failures_total", "counter",
               "Tries that ended without an answer of the server.", each, &Server::failures);
        family("lync_server_unauthorized_total", "counter", "Answers of a server with 401.", each,
               &Server::unauthorized);
        family("lync_server_responses_total", "counter",
               "Answers of a server by class of the status.");
        each_server([&](const Server& server, const Labels& labels) {
            counts(labels, "code", server.statuses, status_class_name, 1);
        });
        family("lync_server_tls_handshakes_total", "counter",
               "TLS sessions begun with a server, resumed ones included.", each,
               &Server::handshakes);
        family("lync_server_tls_resumptions_total", "counter",
               "TLS sessions with a server that were resumed.", each, &Server::resumptions);
        family("lync_server_response_duration_seconds", "histogram",
               "Time from the request to the end of a server's answer, without pending GETs.", each,
               &Server::response_time);
    }

    void write_server_builds() {
        constexpr auto each = &Text::each_server;
        family("lync_server_extended_protection", "gauge",
               "Whether clients can sign in at Exchange with Extended Protection: 0 if they are "
               "presented another certificate than the server's.",
               each, [](const Server& server) {
                   return known(server.extended_protection == balance::Binding::works,
                                server.extended_protection != balance::Binding::unknown);
               });
        family("lync_server_build_info", "gauge", "The build that a server has last reported.");
        each_server([&](const Server& server, const Labels& labels) {
            if (server.build != 0) {
                sample(Labels(labels, {{"build", build_text(server.build)}}), "1");
            }
        });
        family("lync_server_missing_fixes", "gauge",
               "Known attacks that an update fixes which a server doesn't have.", each,
               [](const Server& server) {
                   return known(server.missing_fixes.size(), server.build != 0);
               });
    }

    void write_lockout() {
        if (!snapshot_.lockout) {
            return;
        }
        const LockoutCounts& lockout = *snapshot_.lockout;
        family("lync_lockout_held", "gauge", "Accounts and sources that are held now.");
        sample({{"kind", "account"}}, lockout.accounts);
        sample({{"kind", "source"}}, lockout.sources);
        family("lync_lockout_failures_total", "counter", "Wrong passwords that servers have seen.");
        sample({}, lockout.failures);
        family("lync_lockout_answered_total", "counter",
               "Attempts of held accounts and sources, which no server has seen.");
        sample({}, lockout.answered);
        if (lockout.store) {
            family("lync_lockout_store_up", "gauge",
                   "Whether lockout_store is there; 0: this proxy counts alone.");
            sample({}, lockout.store->connected);
        }
    }

    void write_certificates() {
        constexpr auto each = &Text::each_certificate;
        family("lync_certificate_start_timestamp_seconds", "gauge",
               "When a certificate that listeners present begins, in Unix time.", each,
               [](const Certificate& one) { return unix_time(one.loaded->not_before); });
        family("lync_certificate_expiry_timestamp_seconds", "gauge",
               "When a certificate that listeners present ends, in Unix time.", each,
               [](const Certificate& one) { return unix_time(one.loaded->not_after); });
        family("lync_certificate_renewal", "gauge",
               "Whether a certificate has to be renewed: 1 less than a third of its lifetime is "
               "left, 2 less than a tenth or a day.",
               each, [this](const Certificate& one) {
                   return static_cast<int>(one.loaded->renewal_at(snapshot_.now()));
               });
        family("lync_certificate_not_loaded", "gauge",
               "Whether a certificate was renewed on disk and isn't loaded; absent where the file "
               "can't be read.",
               each, [](const Certificate& one) {
                   return known(one.on_disk == config::OnDisk::renewed,
                                one.on_disk != config::OnDisk::unknown);
               });
        family("lync_published_names", "gauge", "Names that a publication publishes.",
               &Text::each_publication,
               [](const Publication& one) { return one.published->names.size(); });
        family("lync_uncovered_names", "gauge",
               "Names published by https that no certificate covers.", &Text::each_publication,
               [](const Publication& one) {
                   return std::ranges::count(one.published->names, Coverage::uncovered,
                                             &Name::coverage);
               });
    }

    const Snapshot& snapshot_;
    std::string out_;
    std::string_view family_;
};

} // namespace

std::string to_prometheus(const Snapshot& snapshot) {
    return Text(snapshot).write();
}

} // namespace lync::status
