#pragma once

// Judging what services answer: the same for a client outside and for the proxy that asks a server.

#include "lyncctl/doctor/examiner.h"

namespace lync::lyncctl::doctor {

/// Judges the answers of one name, or of one server.
class Judge {
public:
    /// `key` keeps findings of servers that stand for each other together: the farm's name.
    Judge(Findings& findings, const PublishedNames& published, std::string key, bool is_server)
        : findings_(findings), published_(published), key_(std::move(key)), is_server_(is_server) {}

    /// Where the answers judged from now on come from: a URL, or a server with port and path.
    void at(std::string where) { where_ = std::move(where); }

    void add(Id id, std::string_view key, std::string what);

    /// Whether there is an objection to the answer; it has been added then. What can't be asked
    /// any further because of it is told by `hopeless`.
    bool objects(const HttpAnswer& answer, std::initializer_list<int> expected);
    bool hopeless() const noexcept { return hopeless_; }

    /// Whether autodiscover was answered with 403. Then 403 is no service's answer but that of
    /// something in front of all of them.
    bool refused() const noexcept { return refused_; }
    void set_refused(bool refused) noexcept { refused_ = refused; }

    /// A document with External in it, or nothing and a finding. `internal` is set for one that
    /// says Internal.
    std::optional<AutodiscoverDocument> autodiscover(const HttpAnswer& answer);

    /// A link that a client would follow: https, published, covered.
    bool link(std::string_view href, std::string_view token);

    void windows_challenge(const HttpAnswer& answer);
    void user_challenge(const HttpAnswer& answer);
    void oauth_challenge(const HttpAnswer& answer);
    void service_metadata(const HttpAnswer& answer);
    void page(const HttpAnswer& answer, const std::string& host);
    void office_discovery(const HttpAnswer& answer);
    void refusal(const HttpAnswer& answer);

private:
    void links(const std::vector<Link>& links);
    void foreign(const HttpAnswer& answer, std::string_view expected, std::string_view why);

    Findings& findings_;
    const PublishedNames& published_;
    std::string key_;
    std::string where_;
    bool is_server_;
    bool hopeless_ = false;
    bool refused_ = false;
};

/// The token names something for clients inside: its address isn't meant for anybody else.
bool is_for_inside(std::string_view token) noexcept;

} // namespace lync::lyncctl::doctor
