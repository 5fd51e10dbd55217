#include "status/snapshot.h"

namespace lync::status {

std::string_view status_class_name(StatusClass status) noexcept {
    constexpr std::string_view names[] = {"other", "1xx", "2xx", "3xx", "4xx", "5xx"};
    return names[static_cast<std::size_t>(status)];
}

std::string_view verdict_name(CountedVerdict verdict) noexcept {
    constexpr std::string_view names[] = {"pass", "redirect", "refuse", "none"};
    return names[static_cast<std::size_t>(verdict)];
}

std::string_view state_name(ServerState state) noexcept {
    constexpr std::string_view names[] = {"unknown", "up", "down", "draining"};
    return names[static_cast<std::size_t>(state)];
}

std::string_view binding_name(balance::Binding binding) noexcept {
    constexpr std::string_view names[] = {"unknown", "works", "refused"};
    return names[static_cast<std::size_t>(binding)];
}

Summary summarize(const Snapshot& snapshot) noexcept {
    Summary summary;
    for (const Publication& publication : snapshot.publications) {
        for (const Pool& pool : publication.pools) {
            for (const Server& server : pool.servers) {
                summary.servers++;
                summary.servers_up += server.state == ServerState::up;
                summary.servers_down += server.state == ServerState::down;
                summary.servers_draining += server.state == ServerState::draining;
            }
        }
        summary.names += publication.published->names.size();
        for (const Name& name : publication.published->names) {
            summary.names_uncovered += name.coverage == Coverage::uncovered;
        }
        for (const Certificate& certificate : publication.published->certificates) {
            summary.certificates_expiring +=
                certificate.loaded->renewal_at(snapshot.now()) != config::Renewal::later;
            summary.certificates_not_loaded += certificate.on_disk == config::OnDisk::renewed;
        }
    }
    return summary;
}

} // namespace lync::status
