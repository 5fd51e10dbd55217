// Later versions of c-ares have event loops of their own and call these functions deprecated; what
// is used here is in all of them.
#define CARES_NO_DEPRECATED

#include "lyncctl/doctor/net.h"

#include <algorithm>
#include <ares.h>
#include <array>
#include <cstring>
#include <poll.h>
#include <stdexcept>

namespace lync::lyncctl::doctor {

namespace {

constexpr int tries = 2; ///< per server, within the deadline of a step

struct Answer {
    bool done = false;
    int status = ARES_ECANCELLED;
    Resolution resolution;
};

Resolution::Outcome outcome_of(int status) {
    switch (status) {
    case ARES_ENOTFOUND:
        return Resolution::Outcome::no_such_name;
    case ARES_ENODATA:
        return Resolution::Outcome::no_address;
    case ARES_ETIMEOUT:
    case ARES_ECONNREFUSED:
    case ARES_ECANCELLED:
    case ARES_EDESTRUCTION:
        return Resolution::Outcome::no_answer;
    default:
        return Resolution::Outcome::failed;
    }
}

void take(void* data, int status, int /* timeouts */, ares_addrinfo* result) {
    auto& answer = *static_cast<Answer*>(data);
    answer.done = true;
    answer.status = status;
    Resolution& found = answer.resolution;
    if (status != ARES_SUCCESS) {
        found.outcome = outcome_of(status);
        found.detail = ares_strerror(status);
        return;
    }
    for (const ares_addrinfo_node* node = result->nodes; node != nullptr; node = node->ai_next) {
        Address address;
        address.family = node->ai_family;
        const void* bytes = nullptr;
        if (node->ai_family == AF_INET) {
            bytes = &reinterpret_cast<const sockaddr_in*>(node->ai_addr)->sin_addr;
        } else if (node->ai_family == AF_INET6) {
            bytes = &reinterpret_cast<const sockaddr_in6*>(node->ai_addr)->sin6_addr;
        } else {
            continue;
        }
        std::memcpy(address.bytes.data(), bytes, address.is_v6() ? 16 : 4);
        if (std::find(found.addresses.begin(), found.addresses.end(), address) ==
            found.addresses.end()) {
            found.addresses.push_back(address);
        }
    }
    for (const ares_addrinfo_cname* cname = result->cnames; cname != nullptr; cname = cname->next) {
        const std::string target = cname->name == nullptr ? "" : cname->name;
        if (std::find(found.aliases.begin(), found.aliases.end(), target) == found.aliases.end()) {
            found.aliases.push_back(target);
        }
    }
    found.outcome =
        found.addresses.empty() ? Resolution::Outcome::no_address : Resolution::Outcome::found;
    ares_freeaddrinfo(result);
}

/// One round of waiting for c-ares' sockets. It looks at its own time-outs whenever it is called,
/// and wants to be called often enough.
void turn(ares_channel channel, const Deadline& deadline) {
    std::array<ares_socket_t, ARES_GETSOCK_MAXNUM> sockets{};
    const int wanted = ares_getsock(channel, sockets.data(), sockets.size());
    std::vector<pollfd> set;
    for (int i = 0; i < static_cast<int>(sockets.size()); i++) {
        const int events = (ARES_GETSOCK_READABLE(wanted, i) ? POLLIN : 0) |
                           (ARES_GETSOCK_WRITABLE(wanted, i) ? POLLOUT : 0);
        if (events != 0) {
            set.push_back({sockets[static_cast<std::size_t>(i)], static_cast<short>(events), 0});
        }
    }
    wait_for(set, Deadline(std::chrono::milliseconds(100)).or_sooner(deadline));
    for (const pollfd& socket : set) {
        const bool in = (socket.revents & (POLLIN | POLLERR | POLLHUP)) != 0;
        const bool out = (socket.revents & (POLLOUT | POLLERR | POLLHUP)) != 0;
        ares_process_fd(channel, in ? socket.fd : ARES_SOCKET_BAD,
                        out ? socket.fd : ARES_SOCKET_BAD);
    }
    ares_process_fd(channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

/// `literal`: a failure that a server reports is the answer, no other server is asked.
ares_channel make_channel(const std::string& servers, bool literal) {
    static const int once = ares_library_init(ARES_LIB_INIT_ALL);
    (void)once;

    ares_options options{};
    options.flags = ARES_FLAG_NOSEARCH | (literal ? ARES_FLAG_NOCHECKRESP : 0);
    options.timeout = 2000;
    options.tries = tries;
    int given = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES;
    char lookups[] = "b";
    if (!servers.empty()) {
        options.lookups = lookups; // not /etc/hosts: what these servers say is the question
        given |= ARES_OPT_LOOKUPS;
    }
    ares_channel channel = nullptr;
    const int status = ares_init_options(&channel, &options, given);
    if (status != ARES_SUCCESS) {
        throw std::runtime_error(std::string("the DNS resolver can't be started: ") +
                                 ares_strerror(status));
    }
    if (!servers.empty() && ares_set_servers_ports_csv(channel, servers.c_str()) != ARES_SUCCESS) {
        ares_destroy(channel);
        throw std::invalid_argument("invalid DNS server \"" + servers +
                                    "\": write ADDRESS or ADDRESS:PORT");
    }
    return channel;
}

Answer ask_channel(ares_channel channel, const std::string& name, const Deadline& deadline) {
    ares_addrinfo_hints hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_flags = ARES_AI_NOSORT;
    // Outlives the query: whatever ends this function, the query is cancelled before.
    Answer answer;
    struct Cancel {
        ares_channel channel;
        ~Cancel() { ares_cancel(channel); }
    } cancel{channel};

    ares_getaddrinfo(channel, name.c_str(), nullptr, &hints, take, &answer);
    while (!answer.done && !deadline.passed()) {
        turn(channel, deadline);
    }
    if (!answer.done) {
        ares_cancel(channel); // calls take
    }
    return answer;
}

} // namespace

Resolver::Resolver(const std::string& servers)
    : servers_(servers), channel_(make_channel(servers, false)) {}

Resolver::~Resolver() {
    for (void* channel : {channel_, literal_}) {
        if (channel != nullptr) {
            ares_destroy(static_cast<ares_channel>(channel));
        }
    }
}

Resolution Resolver::ask(const std::string& name, const Deadline& deadline) {
    Answer answer = ask_channel(static_cast<ares_channel>(channel_), name, deadline);
    if (answer.status == ARES_ECONNREFUSED && !deadline.passed()) {
        // c-ares says so, too, when all servers reported failures. What did they say?
        if (literal_ == nullptr) {
            literal_ = make_channel(servers_, true);
        }
        answer = ask_channel(static_cast<ares_channel>(literal_), name, deadline);
    }
    return answer.resolution;
}

} // namespace lync::lyncctl::doctor
