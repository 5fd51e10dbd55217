#pragma once

// What the doctor can find: one table of everything that has an id, a cause and a remedy, and the
// findings of one run. docs/doctor.md is held against the table by a test; an id keeps its name.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lync::lyncctl::doctor {

enum class Severity : std::uint8_t {
    error,   ///< clients fail, or something is open that has to be closed
    warning, ///< some clients fail, or all will before long
};
std::string_view severity_name(Severity severity) noexcept;

/// One thing that can be found. The order of the table is how bad it is, within a severity.
enum class Id : std::uint8_t {
    control_panel_reachable,
    autodiscover_internal,
    server_internal_site,
    dns_no_such_name,
    dns_no_address,
    dns_no_answer,
    dns_failed,
    dns_past_proxy,
    dns_elsewhere,
    port_closed,
    port_timed_out,
    port_unreachable,
    tls_not_tls,
    tls_closed,
    tls_timed_out,
    tls_old_only,
    tls_failed,
    certificate_self_signed,
    certificate_untrusted,
    certificate_chain,
    certificate_expired,
    certificate_not_yet_valid,
    certificate_name,
    certificate_weak,
    certificate_invalid,
    http2_only,
    http_closed,
    http_timed_out,
    http_malformed,
    http_too_large,
    http_unavailable,
    http_bad_gateway,
    http_gateway_timeout,
    http_server_error,
    http_preauthentication,
    http_redirect,
    http_refused,
    http_foreign_page,
    autodiscover_malformed,
    autodiscover_incomplete,
    autodiscover_loop,
    link_not_published,
    link_not_https,
    http_autodiscover_redirected,
    challenge_missing,
    challenge_without_ntlm,
    ticket_url_missing,
    server_dns,
    server_closed,
    server_timed_out,
    server_unreachable,
    server_tls,
    server_tls_old,
    server_certificate_self_signed,
    server_certificate_untrusted,
    server_certificate_expired,
    server_certificate_not_yet_valid,
    server_certificate_name,
    server_certificate_invalid,
    server_answer,
    server_link,
    sign_in_refused,
    sign_in_broken,
    sign_in_skipped,
    // warnings
    dns_cname_foreign,
    dns_internal_visible,
    http_port_closed,
    http_redirect_missing,
    certificate_expires_soon,
    http2_chosen,
    tls_old_accepted,
    oauth_challenge_incomplete,
    server_http_closed,
    server_certificate_expires_soon,
};

struct Kind {
    Id id;
    std::string_view name; ///< "dns-no-such-name": stable, scripts may compare it
    Severity severity;
    std::string_view cause;  ///< what it means, whole sentences without the final full stop
    std::string_view remedy; ///< what to do about it, likewise
};

/// All kinds, worst first.
std::span<const Kind> kinds() noexcept;
const Kind& kind_of(Id id) noexcept;

/// One finding. What has the same cause in many places is one finding with many places.
struct Finding {
    const Kind* kind = nullptr;
    std::string key;                ///< findings of one kind with the same key are the same thing
    std::vector<std::string> where; ///< names, URLs or servers, in the order they were met
    std::string what;               ///< what was seen, a sentence without the final full stop
};

/// The findings of one run.
class Findings {
public:
    /// Adds a finding, or a place to one that is known. `key` is what makes it the same.
    void add(Id id, std::string_view where, std::string_view key, std::string what);

    bool has(Id id, std::string_view key) const noexcept;

    /// Worst first; those of one kind in the order they were met.
    std::vector<Finding> worst_first() const;

    bool empty() const noexcept { return findings_.empty(); }
    std::size_t size() const noexcept { return findings_.size(); }

private:
    std::vector<Finding> findings_;
};

/// Text that came from outside, fit for a terminal: bytes that aren't printable ASCII become "?",
/// what is longer than `most` is cut.
std::string shown(std::string_view text, std::size_t most = 160);

} // namespace lync::lyncctl::doctor
