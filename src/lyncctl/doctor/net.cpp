// Later versions of c-ares have event loops of their own and call these functions deprecated; what
// is used here is in all of them.
#define CARES_NO_DEPRECATED

#include "lyncctl/doctor/net.h"

#include "base/ascii.h"
#include "base/format.h"
#include "base/host_addresses.h"
#include "base/names.h"
#include "lyncctl/addresses.h"

#include <ares.h>
#include <csignal>
#include <ranges>
#include <regex>
#include <stdexcept>
#include <sys/select.h>

namespace lync::lyncctl::doctor {

namespace {

volatile std::sig_atomic_t interrupted = 0;

extern "C" void lync_doctor_interrupt(int) {
    interrupted = 1;
}

} // namespace

void catch_interrupts() noexcept {
    struct sigaction action {};
    action.sa_handler = lync_doctor_interrupt;
    action.sa_flags = static_cast<int>(SA_RESETHAND); // and no SA_RESTART
    sigaction(SIGINT, &action, nullptr);
    sigaction(SIGTERM, &action, nullptr);
}

bool is_interrupted() noexcept {
    return interrupted != 0;
}

void throw_if_interrupted() {
    if (is_interrupted()) {
        throw Interrupted{};
    }
}

std::string Endpoint::text() const {
    const bool ipv6 = address.find(':') != address.npos;
    return formatted("{}{}{}:{}", ipv6 ? "[" : "", address, ipv6 ? "]" : "", port);
}

namespace {

[[noreturn]] void refuse(std::string_view what, std::string_view text, std::string_view remedy) {
    throw std::invalid_argument(formatted("invalid {} \"{}\": {}", what, text, remedy));
}

/// 0 where nothing is written.
std::uint16_t read_port(const std::string& text) {
    const std::uint16_t port = port_of(text);
    if (port == 0 && !text.empty()) {
        refuse("port", text, "a number from 1 to 65535");
    }
    return port;
}

} // namespace

Rule parse_connect_to(const std::string& text) {
    static const std::regex written(R"((\[[^\]]*\]|[^:]*):([^:]*):(\[[^\]]*\]|[^:]*):([^:]*))");
    constexpr std::size_t longest = 600; // std::regex takes stack for each character
    std::smatch parts;
    if (text.size() > longest || !std::regex_match(text, parts, written)) {
        refuse("value", text, "it is written NAME:PORT:ADDRESS:PORT, any part may be empty");
    }
    Rule rule{to_ascii_lower(parts.str(1)), read_port(parts.str(2)), normal_address(parts.str(3)),
              read_port(parts.str(4))};
    if (rule.address.empty() && parts.length(3) != 0) {
        refuse("address", parts.str(3), "write an IPv4 address, or an IPv6 address in brackets");
    }
    return rule;
}

Rule parse_resolve(const std::string& text) {
    const Rule rule = parse_connect_to((text.starts_with("*:") ? text.substr(1) : text) + ":");
    if (text.starts_with(':') || rule.port == 0 || rule.address.empty()) {
        refuse("value", text, "it is written NAME:PORT:ADDRESS, an IPv6 address in brackets");
    }
    return rule;
}

std::pair<Address, std::uint16_t> redirected(const std::vector<Rule>& rules, std::string_view host,
                                             std::uint16_t port) {
    Address address;
    std::uint16_t to_port = 0;
    for (const Rule& rule : rules) {
        if ((rule.name.empty() || rule.name == host) && (rule.port == 0 || rule.port == port)) {
            address = address.empty() ? rule.address : address;
            to_port = to_port == 0 ? rule.to_port : to_port;
        }
    }
    return {address, to_port == 0 ? port : to_port};
}

namespace {

Fault fault_of(int status) {
    return status == ARES_SUCCESS || status == ARES_ENODATA
               ? Fault{Id::dns_no_address, "address for it"}
           : status == ARES_ENOTFOUND ? Fault{Id::dns_no_address, "such name"}
           : status == ARES_ECANCELLED || status == ARES_ETIMEOUT
               ? Fault{Id::dns_failed, "it is silent"}
           : status == ARES_ECONNREFUSED
               ? Fault{Id::dns_failed, "no server answers, or all report failures"}
               : Fault{Id::dns_failed, ares_strerror(status)};
}

extern "C" void lync_doctor_resolved(void* data, int status, int /* timeouts */,
                                     ares_addrinfo* result) {
    Resolution& found = static_cast<std::optional<Resolution>*>(data)->emplace();
    Address useless; // 0.0.0.0 of a sinkhole would be this very machine
    for (const auto* node = result == nullptr ? nullptr : result->nodes; node != nullptr;
         node = node->ai_next) {
        const Address address = address_text(node->ai_addr, node->ai_addrlen);
        if (is_server_address(*node->ai_addr)) {
            add_once(found.addresses, address);
        } else {
            useless = address;
        }
    }
    for (const auto* cname = result == nullptr ? nullptr : result->cnames; cname != nullptr;
         cname = cname->next) {
        add_once(found.aliases, cname->name == nullptr ? "" : cname->name);
    }
    ares_freeaddrinfo(result);
    if (found.addresses.empty() && !useless.empty()) {
        found.fault = {Id::dns_no_address, formatted("address for it but {}", useless)};
    } else if (found.addresses.empty()) {
        found.fault = fault_of(status);
    }
}

/// One round of waiting for c-ares' sockets. c-ares checks its timeouts only when it is called, so
/// it must be called often enough.
void turn(ares_channel channel, const Deadline& deadline) {
    fd_set in, out;
    FD_ZERO(&in);
    FD_ZERO(&out);
    const int highest = ares_fds(channel, &in, &out);
    timeval slice{0, 1000 * deadline.slice()};
    if (select(highest, &in, &out, nullptr, &slice) <= 0) {
        FD_ZERO(&in);
        FD_ZERO(&out);
    }
    throw_if_interrupted();
    ares_process(channel, &in, &out);
}

/// Whether each ":N" behind an IPv4 address, or an IPv6 address in brackets, is a port.
bool has_ports(std::string_view servers) {
    for (const auto part : std::views::split(servers, ',')) {
        const std::string_view server(part.begin(), part.end());
        const std::size_t colon = server.rfind(':');
        const bool has_port = colon != std::string_view::npos && colon > 0 &&
                              (server.find(':') == colon || server[colon - 1] == ']');
        if (has_port && port_of(server.substr(colon + 1)) == 0) {
            return false;
        }
    }
    return true;
}

Resolver::Channel make_channel(const std::string& servers) {
    static const int once = ares_library_init(ARES_LIB_INIT_ALL);
    (void)once;

    ares_options options{};
    options.flags = ARES_FLAG_NOSEARCH;
    options.timeout = 2000;
    options.tries = 2; // per server, within the deadline of a step
    int given = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES;
    char lookups[] = "b";
    if (!servers.empty()) {
        options.lookups = lookups; // not /etc/hosts: what these servers say is the question
        given |= ARES_OPT_LOOKUPS;
    }
    ares_channel made = nullptr;
    if (const int status = ares_init_options(&made, &options, given); status != ARES_SUCCESS) {
        throw std::runtime_error(
            formatted("the DNS resolver can't be started: {}", ares_strerror(status)));
    }
    Resolver::Channel channel(made, ares_destroy);
    if (!servers.empty() && (!has_ports(servers) || // c-ares takes any number for one
                             ares_set_servers_ports_csv(made, servers.c_str()) != ARES_SUCCESS)) {
        throw std::invalid_argument(
            formatted("invalid DNS server \"{}\": write ADDRESS or ADDRESS:PORT", servers));
    }
    return channel;
}

} // namespace

Resolver::Resolver(const std::string& servers) : channel_(make_channel(servers)) {}

Resolution Resolver::ask(const std::string& name, const Deadline& deadline) {
    ares_channel channel = channel_.get();
    ares_addrinfo_hints hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_flags = ARES_AI_NOSORT;
    // Outlives the query: whatever ends this function, the query is cancelled before.
    std::optional<Resolution> answer;
    struct Cancel {
        ares_channel channel;
        ~Cancel() { ares_cancel(channel); }
    } cancel{channel};

    ares_getaddrinfo(channel, name.c_str(), nullptr, &hints, lync_doctor_resolved, &answer);
    while (!answer && !deadline.passed()) {
        turn(channel, deadline);
    }
    ares_cancel(channel); // answers a query that has none yet
    return answer.value();
}

} // namespace lync::lyncctl::doctor
