#include "balance/choice.h"

namespace lync::balance {

bool Failures::fail(const ServerSettings& settings, std::uint64_t now) noexcept {
    if (settings.max_fails == 0) {
        return false;
    }
    if (out != 0) {
        out = now; // a trial that failed: for another fail_timeout
        return false;
    }
    if (count == 0 || now - first > settings.fail_timeout) {
        count = 0;
        first = now;
    }
    count++;
    if (count < settings.max_fails) {
        return false;
    }
    out = now;
    return true;
}

bool Failures::succeed(std::uint64_t began, std::uint64_t now) noexcept {
    if (out == 0 || began < out) {
        return false;
    }
    out = 0;
    count = 0;
    recovered = now;
    return true;
}

std::size_t choose_least_outstanding(std::span<const Candidate> servers, bool backup) noexcept {
    std::size_t best = no_server;
    std::size_t equals = 0;

    const auto load_of = [&](std::size_t a, std::size_t b) {
        return servers[a].in_flight * servers[b].effective_weight();
    };
    for (std::size_t i = 0; i < servers.size(); i++) {
        if (!servers[i].takes() || servers[i].backup != backup) {
            continue;
        }
        if (best == no_server || load_of(i, best) < load_of(best, i)) {
            best = i;
            equals = 1;
        } else if (load_of(i, best) == load_of(best, i)) {
            equals++;
        }
    }
    if (equals < 2) {
        return best;
    }

    // Smooth weighted round robin, as nginx's: who has waited longest for its weight.
    std::size_t next = no_server;
    std::int64_t total = 0;
    for (std::size_t i = best; i < servers.size(); i++) {
        const Candidate& server = servers[i];
        if (!server.takes() || server.backup != backup || load_of(i, best) != load_of(best, i)) {
            continue;
        }
        const auto weight = static_cast<std::int64_t>(server.effective_weight());
        total += weight;
        *server.turn += weight;
        if (next == no_server || *server.turn > *servers[next].turn) {
            next = i;
        }
    }
    *servers[next].turn -= total;
    return next;
}

std::size_t choose_probe(std::span<const Candidate> servers, std::size_t turn) noexcept {
    for (std::size_t n = 0; n < servers.size(); n++) {
        const std::size_t i = (turn + n) % servers.size();
        if (!servers[i].tried && (servers[i].availability == Availability::failed ||
                                  servers[i].availability == Availability::trial)) {
            return i;
        }
    }
    return no_server;
}

} // namespace lync::balance
