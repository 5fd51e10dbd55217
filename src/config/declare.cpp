// From a block tree to the declaration: one lync_publish block, directive by directive. What
// only the whole shows is checked in checks.cpp and certificates in certificates.cpp.

#include "config/declare.h"

#include "base/ascii.h"
#include "base/names.h"
#include "policy/services.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <stdexcept>
#include <system_error>
#include <unordered_map>

namespace lync::config {

namespace {

std::string_view without_slash(std::string_view path) noexcept {
    return path.size() > 1 && path.ends_with('/') ? path.substr(0, path.size() - 1) : path;
}

class Declaration {
public:
    Declaration(const Directive& block, const Environment& environment,
                std::vector<Diagnostic>& remarks)
        : block_(block), environment_(environment), remarks_(remarks) {}

    Publication read();

private:
    template <typename Function>
    void each(std::string_view name, Function&& function) {
        for (const auto& child : block_.children) {
            if (child->name == name) {
                function(*child);
            }
        }
    }

    void read_name();
    void read_sip_domains();
    void read_certificates();
    void read_farms();
    void read_sockets(std::string_view directive, std::string_view port,
                      std::vector<Socket>& sockets);
    void read_switches();
    void read_paths();
    policy::Pattern read_pattern(const Directive& directive) const;
    void read_limits();
    void read_acme_challenge();
    void read_edges();
    void check_path(std::string_view path, const Directive& directive, std::string_view what) const;
    void remark_challenge_directory(const Directive& directive);
    void remark_idle();
    void remark_drained(const Directive& farm_block);
    void remark_internal_ports(const Directive& pool);
    void missing_yet(std::string_view directive, const Directive& block, std::string_view remedy);
    [[noreturn]] void missing(std::string_view directive, std::string_view remedy) const;
    void remark(Severity severity, std::string text, const Place& place) {
        remarks_.push_back({severity, std::move(text), place});
    }

    const Directive& block_;
    const Environment& environment_;
    std::vector<Diagnostic>& remarks_;
    Publication publication_;
};

void Declaration::missing(std::string_view directive, std::string_view remedy) const {
    throw Mistake("no " + lync::quoted(directive) + " in " + block_.title() + ": " +
                      std::string(remedy),
                  block_.place);
}

/// What nginx needs and a plan doesn't.
void Declaration::missing_yet(std::string_view directive, const Directive& block,
                              std::string_view remedy) {
    std::string text = "no " + lync::quoted(directive) + " in " + block.title() +
                       (&block == &block_ ? "" : " of " + block_.title()) + ": " +
                       std::string(remedy);
    if (environment_.needs_everything) {
        throw Mistake(text, block.place);
    }
    remark(Severity::error, std::move(text), block.place);
}

/// A path that a line of nginx.conf can hold.
void Declaration::check_path(std::string_view path, const Directive& directive,
                             std::string_view what) const {
    const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20; };
    if (path.empty() || std::any_of(path.begin(), path.end(), is_control)) {
        config::invalid_value(path, directive, block_, what);
    }
}

void Declaration::read_name() {
    constexpr std::string_view allowed =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";

    if (block_.arguments.size() != 1) {
        throw Mistake("invalid number of arguments in \"lync_publish\" directive, it is written "
                      "\"lync_publish NAME { ... }\"",
                      block_.place);
    }
    const std::string& name = block_.arguments.front();
    if (name.empty() || name.size() > 64 || name.find_first_not_of(allowed) != std::string::npos) {
        throw Mistake("invalid name " + lync::quoted(name) +
                          " in \"lync_publish\" directive: it is made of up to 64 letters, digits, "
                          "\"_\" and \"-\"",
                      block_.place);
    }
    publication_.name = name;
    publication_.place = block_.place;
}

void Declaration::read_sip_domains() {
    each("sip_domain", [this](const Directive& directive) {
        publication_.sip_domain_places.emplace_back(publication_.sip_domains.size(),
                                                    directive.place);
        for (const std::string& text : directive.arguments) {
            ParsedName domain = parse_sip_domain(text);
            if (!domain) {
                throw Mistake("invalid domain " + lync::quoted(text) +
                                  config::in_directive(directive, block_) + ": " +
                                  config::remedy(text, block_, domain.error),
                              directive.place);
            }
            publication_.sip_domains.push_back(std::move(domain.name));
        }
    });

    std::vector<std::string_view> sorted(publication_.sip_domains.begin(),
                                         publication_.sip_domains.end());
    std::sort(sorted.begin(), sorted.end());
    if (const auto twin = std::adjacent_find(sorted.begin(), sorted.end()); twin != sorted.end()) {
        // Found in one pass over twenty thousand domains; its place is looked up only now.
        unsigned times = 0;
        each("sip_domain", [&](const Directive& directive) {
            for (const std::string& text : directive.arguments) {
                if (parse_sip_domain(text).name == *twin && ++times == 2) {
                    const std::string as =
                        text == *twin ? "" : " (" + std::string(*twin) + " in DNS)";
                    throw Mistake("domain " + lync::quoted(text) + as + " is duplicate" +
                                      config::in_directive(directive, block_),
                                  directive.place);
                }
            }
        });
    }

    if (is_ocs(publication_.product)) {
        if (!publication_.sip_domains.empty()) {
            remark(Severity::warning,
                   "\"sip_domain\" publishes nothing in " + block_.title() + ": product " +
                       std::string(product_name(publication_.product)) + " has no lyncdiscover",
                   config::find(block_, "sip_domain")->place);
            publication_.sip_domains.clear();
            publication_.sip_domain_places.clear();
        }
    } else if (publication_.sip_domains.empty()) {
        missing("sip_domain", "write the SIP domains of your users, or \"*\" for any");
    }
}

void Declaration::read_certificates() {
    std::unordered_map<std::string, Place> known;
    each("certificate", [&](const Directive& directive) {
        for (const std::string& file : directive.arguments) {
            check_path(file, directive, "it is the path of a PEM file");
            if (file.find('$') != std::string::npos) {
                config::invalid_value(file, directive, block_, "it is the path of a PEM file");
            }
        }
        std::string certificate = environment_.full_path(directive.arguments[0]);
        const auto [first, is_new] = known.emplace(certificate, directive.place);
        if (!is_new) {
            throw Mistake("certificate " + lync::quoted(certificate) + " is duplicate in " +
                              block_.title() + ", the first stands at " + at(first->second),
                          directive.place);
        }
        publication_.certificates.push_back({std::move(certificate),
                                             environment_.full_path(directive.arguments[1]),
                                             directive.place});
    });
    if (publication_.certificates.empty()) {
        missing_yet("certificate", block_,
                    "write the PEM files that the listener presents, \"certificate FILE KEY\"");
    }

    if (const Directive* ca = config::find(block_, "trusted_ca")) {
        check_path(ca->arguments.front(), *ca, "it is the path of a PEM file");
        publication_.trusted_ca = environment_.full_path(ca->arguments.front());
        publication_.trusted_ca_place = ca->place;
    }
    if (publication_.backend_verify && publication_.trusted_ca.empty()) {
        missing_yet("trusted_ca", block_,
                    "write the file of the CA that issued the servers' own certificates");
    }
}

void Declaration::read_farms() {
    // First contact and `pool=` need all of them, so the order of the block doesn't matter.
    for (const std::string_view kind : {"pool", "director", "office_web_apps", "exchange"}) {
        each(kind, [&](const Directive& directive) {
            publication_.farms.push_back(read_farm(directive, block_, publication_.product));
            remark_services(publication_.farms.back(), remarks_);
            remark_drained(directive);
            if (is_web_services(publication_.farms.back().role)) {
                remark_internal_ports(directive);
            } else if (config::find(directive, "server") == nullptr) {
                // The published name resolves to this very proxy and can't stand for the servers.
                missing_yet("server", directive,
                            "write the address of each server, or of their load balancer");
            }
        });
        if (kind == "pool" && publication_.farms.empty()) {
            missing("pool", "declare the Front End pool or Standard Edition server, "
                            "\"pool FQDN { ... }\"");
        }
    }
}

void Declaration::read_sockets(std::string_view directive, std::string_view port,
                               std::vector<Socket>& sockets) {
    const Directive* off = nullptr;
    const Directive* first = config::find(block_, directive);

    each(directive, [&](const Directive& line) {
        if (line.name == "http_listen" && line.arguments.front() == "off") {
            if (line.arguments.size() > 1) {
                config::invalid_value("off", line, block_, "it takes no parameters");
            }
            off = &line;
            return;
        }
        Socket socket = read_socket(line, block_);
        for (const Socket& other : sockets) {
            if (other.address == socket.address) {
                throw Mistake("socket " + lync::quoted(line.arguments.front()) + " is duplicate" +
                                  config::in_directive(line, block_) + ", the first stands at " +
                                  at(other.place),
                              line.place);
            }
        }
        sockets.push_back(std::move(socket));
    });

    if (off != nullptr && !sockets.empty()) {
        config::invalid_value("off", *off, block_, "there are other \"http_listen\" lines");
    }
    if (first != nullptr) {
        return;
    }

    sockets.push_back({std::string(port), "", false, false, false, block_.place});
    if (environment_.has_ipv6) {
        sockets.push_back({"[::]:" + std::string(port), "", false, false, false, block_.place});
    } else {
        remark(Severity::notice,
               "this system has no IPv6, so " + block_.title() + " listens on port " +
                   std::string(port) + " of IPv4 only",
               block_.place);
    }
}

void Declaration::read_switches() {
    if (const Directive* directive = config::find(block_, "product")) {
        const auto product = product_from_name(directive->arguments.front());
        if (!product) {
            config::invalid_value(directive->arguments.front(), *directive, block_,
                                  "the products are " + std::string(product_names()));
        }
        publication_.product = *product;
    }
    if (const Directive* directive = config::find(block_, "backend_verify")) {
        publication_.backend_verify = read_flag(*directive, block_);
        if (!publication_.backend_verify) {
            remark(Severity::warning,
                   "\"backend_verify\" is off in " + block_.title() +
                       ": answers of the servers can be read and changed in transit",
                   directive->place);
        }
    }
    for (const auto& [name, flag] :
         {std::pair<std::string_view, bool*>{"https_redirect", &publication_.https_redirect},
          {"meeting_url_guard", &publication_.meeting_url_guard},
          {"hide_server_names", &publication_.hide_server_names},
          {"log_sip_uri", &publication_.log_sip_uri},
          {"resolve_at_start", &publication_.resolve_at_start}}) {
        if (const Directive* directive = config::find(block_, name)) {
            *flag = read_flag(*directive, block_);
        }
    }
    if (const Directive* directive = config::find(block_, "http_autodiscover")) {
        const std::string& value = directive->arguments.front();
        if (value != "auto" && value != "on" && value != "off") {
            config::invalid_value(value, *directive, block_, "it is \"auto\", \"on\" or \"off\"");
        }
        publication_.http_autodiscover = value == "auto" ? HttpAutodiscover::automatic
                                         : value == "on" ? HttpAutodiscover::on
                                                         : HttpAutodiscover::off;
    }
    if (const Directive* directive = config::find(block_, "unknown_host")) {
        const std::string& value = directive->arguments.front();
        if (value != "refuse" && value != "ignore") {
            config::invalid_value(value, *directive, block_, "it is \"refuse\" or \"ignore\"");
        }
        publication_.unknown_host = value == "refuse" ? UnknownHost::refuse : UnknownHost::ignore;
    }
}

/// `~* PATTERN`, as nginx's location has it.
policy::Pattern Declaration::read_pattern(const Directive& directive) const {
    if (directive.arguments.front() != "~*" || directive.arguments.size() != 2) {
        config::invalid_value(directive.arguments.front(), directive, block_,
                              "a pattern is written \"~* PATTERN\", one in a directive");
    }
    const std::string& text = directive.arguments.back();
    try {
        return policy::Pattern::probed(text, policy::Pattern::Needs::nothing);
    } catch (const std::invalid_argument& error) {
        config::invalid_value(text, directive, block_, std::string("it ") + error.what());
    }
}

void Declaration::read_paths() {
    if (const Directive* directive = config::find(block_, "path_policy")) {
        const std::string& value = directive->arguments.front();
        if (value != "strict" && value != "vendor") {
            config::invalid_value(value, *directive, block_, "it is \"strict\" or \"vendor\"");
        }
        publication_.strict_paths = value == "strict";
    }

    std::unordered_map<std::string, Place> known;
    const auto read = [&](std::string_view name, auto& paths, auto& patterns, const auto& check) {
        each(name, [&](const Directive& directive) {
            if (directive.arguments.front().starts_with('~')) {
                patterns.push_back(read_pattern(directive));
                return;
            }
            for (const std::string& path : directive.arguments) {
                if (const std::string why = check(path); !why.empty()) {
                    config::invalid_value(path, directive, block_, "it " + why);
                }
                const auto [first, is_new] =
                    known.try_emplace(to_ascii_lower(without_slash(path)), directive.place);
                if (!is_new) {
                    config::invalid_value(path, directive, block_,
                                          "the same path stands at " + at(first->second));
                }
                paths.emplace_back(path, directive.place);
            }
        });
    };
    read("allow_path", publication_.allow_paths, publication_.allow_patterns,
         [this](std::string_view path) {
             return policy::check_allow_path(path, publication_.product);
         });
    read("deny_path", publication_.deny_paths, publication_.deny_patterns, policy::check_deny_path);
}

void Declaration::read_limits() {
    if (const Directive* directive = config::find(block_, "pending_get_timeout")) {
        // Phones ask a pool to hold a request for 900 seconds and wait 920 themselves.
        constexpr std::chrono::seconds longest_pending_get{920};
        publication_.pending_get_timeout = directive->arguments.front();
        const std::chrono::seconds waits =
            read_time(publication_.pending_get_timeout, *directive, block_);
        publication_.connection_auth.idle = waits;
        if (waits < longest_pending_get) {
            remark(Severity::warning,
                   "\"pending_get_timeout\" " + publication_.pending_get_timeout + " in " +
                       block_.title() +
                       " is shorter than the 920 seconds for which phones wait for an answer: "
                       "960s is right where there are mobile clients",
                   directive->place);
        }
    }
    if (const Directive* directive = config::find(block_, "max_upload")) {
        publication_.max_upload = read_size(directive->arguments.front(), *directive, block_);
    }
    if (const Directive* directive = config::find(block_, "connection_auth")) {
        publication_.connection_auth =
            read_connection_auth(*directive, block_, publication_.connection_auth);
    }
    if (const Directive* directive = config::find(block_, "sign_in")) {
        publication_.sign_in = read_sign_in(*directive, block_);
    }
    publication_.lockout = read_lockout(block_, remarks_);
    each("server_include", [this](const Directive& directive) {
        for (const std::string& file : directive.arguments) {
            check_path(file, directive, "it is the path of a file");
            std::string path = environment_.full_path(file);
            if (struct stat info{}; stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) {
                config::invalid_value(file, directive, block_,
                                      "it is a directory, write the path of a file, or of several "
                                      "with \"*\"");
            }
            publication_.includes.emplace_back(std::move(path), directive.place);
        }
    });
}

void Declaration::read_acme_challenge() {
    constexpr std::string_view what = "it is the path of a directory";
    const Directive* directive = config::find(block_, "acme_challenge");
    if (directive == nullptr) {
        return;
    }
    const std::string& path = directive->arguments.front();
    check_path(path, *directive, what);
    if (path.find('$') != std::string::npos) {
        config::invalid_value(path, *directive, block_, what);
    }
    std::string& directory = publication_.acme_challenge;
    directory = environment_.full_path(path);
    while (directory.size() > 1 && directory.ends_with('/')) {
        directory.pop_back();
    }
    publication_.acme_challenge_place = directive->place;
    remark_challenge_directory(*directive);
}

/// Warnings, since all but renewing goes on without the directory.
void Declaration::remark_challenge_directory(const Directive& directive) {
    const std::string& directory = publication_.acme_challenge;
    const auto warn = [&](const std::string& text) {
        remark(Severity::warning,
               lync::quoted(directory) + config::in_directive(directive, block_) + " " + text,
               directive.place);
    };
    for (std::size_t end = 0; end != std::string::npos;) {
        end = directory.find('/', end + 1);
        const std::string part = directory.substr(0, end);
        struct stat info {};
        if (stat(part.c_str(), &info) != 0) {
            return warn(errno == ENOENT ? "does not exist: \"mkdir -p " + directory + "\""
                                        : "can't be looked at (" + std::to_string(errno) + ": " +
                                              std::generic_category().message(errno) + ")");
        }
        if (!S_ISDIR(info.st_mode)) {
            return warn("is not a directory: write the one that the ACME client is told, "
                        "\"certbot --webroot -w DIR\"");
        }
        const mode_t enters = info.st_uid == environment_.worker         ? S_IXUSR
                              : info.st_gid == environment_.worker_group ? S_IXGRP
                                                                         : S_IXOTH;
        if (environment_.worker != 0 && (info.st_mode & enters) == 0) {
            return warn("can't be read by nginx's workers: \"chmod o+x " + part + "\"");
        }
    }
}

void Declaration::read_edges() {
    each("edge", [this](const Directive& directive) {
        Edge edge = read_edge(directive, block_, publication_.product, remarks_);
        for (const Edge& other : publication_.edges) {
            if (other.site == edge.site) {
                throw Mistake(directive.title() + " is duplicate in " + block_.title() +
                                  ", the first stands at " + at(other.place) +
                                  ": each site has a name of its own",
                              directive.place);
            }
        }
        publication_.edges.push_back(std::move(edge));
    });
}

/// Legal, but what was written does nothing.
void Declaration::remark_idle() {
    const Directive* directive = config::find(block_, "http_autodiscover");
    const bool wanted = directive != nullptr && directive->arguments.front() == "on";
    if (wanted && is_ocs(publication_.product)) {
        remark(Severity::warning,
               "\"http_autodiscover\" does nothing in " + block_.title() + ": product " +
                   std::string(product_name(publication_.product)) + " has no lyncdiscover",
               directive->place);
    } else if (wanted && publication_.http_sockets.empty()) {
        remark(Severity::warning,
               "\"http_autodiscover\" does nothing in " + block_.title() +
                   ": \"http_listen\" is off, so nothing listens for plain HTTP",
               directive->place);
    }
    if (!publication_.acme_challenge.empty() && publication_.http_sockets.empty()) {
        remark(Severity::warning,
               "\"acme_challenge\" does nothing in " + block_.title() +
                   ": a CA asks by plain HTTP, on port 80, take \"http_listen off\" out",
               publication_.acme_challenge_place);
    }
}

/// Right for a while, as before work on the servers; and easily forgotten.
void Declaration::remark_drained(const Directive& farm_block) {
    const Farm& farm = publication_.farms.back();
    if (std::all_of(farm.servers.begin(), farm.servers.end(),
                    [](const Server& server) { return server.down; })) {
        remark(Severity::warning,
               "every \"server\" of " + farm_block.title() +
                   " is down: all its clients get 503 until \"down\" is taken away",
               farm.servers.front().place);
    }
}

/// The internal web site must not be published. Its ports are 80 and 443, unless they were changed
/// in Topology Builder or a load balancer flips the ports once more.
void Declaration::remark_internal_ports(const Directive& pool) {
    const Ports& ports = publication_.farms.back().ports;
    const auto internal = [](std::uint16_t port) { return port == 443 || port == 80; };
    const std::uint16_t port = internal(ports.https) ? ports.https : ports.http;
    const Directive* directive = config::find(pool, "listening_ports");
    if (directive == nullptr || is_ocs(publication_.product) || !internal(port)) {
        return;
    }
    remark(Severity::warning,
           "\"listening_ports\" of " + pool.title() + " names port " + std::to_string(port) +
               ", which is the internal web site's by default: write the listening ports of the "
               "external web site, 8080 and 4443 by default",
           directive->place);
}

Publication Declaration::read() {
    read_name();
    config::check_grammar(block_);
    read_switches();
    read_sip_domains();
    read_certificates();
    read_farms();
    if (config::find(block_, "simple_url") != nullptr) {
        SimpleUrlReader urls(block_, publication_);
        each("simple_url", [&](const Directive& directive) { urls.read(directive); });
    }
    read_sockets("http_listen", "80", publication_.http_sockets);
    read_sockets("https_listen", "443", publication_.https_sockets);
    read_paths();
    read_redirects(block_, publication_);
    read_shields(block_, environment_, publication_, remarks_);
    read_limits();
    read_acme_challenge();
    read_edges();
    remark_idle();
    check_sign_in(publication_, block_, remarks_);
    return std::move(publication_);
}

} // namespace

std::size_t Publication::first_contact() const noexcept {
    for (std::size_t i = 0; i < farms.size(); i++) {
        if (farms[i].role == Role::director) {
            return i;
        }
    }
    return 0;
}

bool Publication::has_wildcard_sip_domain() const noexcept {
    return std::find(sip_domains.begin(), sip_domains.end(), "*") != sip_domains.end();
}

bool Publication::serves_over_http(std::string_view lyncdiscover) const noexcept {
    return !http_sockets.empty() &&
           (http_autodiscover == HttpAutodiscover::on ||
            (http_autodiscover == HttpAutodiscover::automatic &&
             (lyncdiscover.ends_with(".*") || !presented.names()->covers(lyncdiscover))));
}

const Place& Publication::place_of_sip_domain(std::size_t index) const noexcept {
    const auto after =
        std::upper_bound(sip_domain_places.begin(), sip_domain_places.end(), index,
                         [](std::size_t at, const auto& entry) { return at < entry.first; });
    return after == sip_domain_places.begin() ? place : std::prev(after)->second;
}

Publication declare(const Directive& block, const Environment& environment, Registry& registry,
                    std::vector<Diagnostic>& remarks) {
    Publication publication = Declaration(block, environment, remarks).read();

    // nginx compares the names of upstreams so.
    const auto [other, is_new] =
        registry.publications.emplace(to_ascii_lower(publication.name), block.place);
    if (!is_new) {
        throw Mistake("publication " + lync::quoted(publication.name) +
                          " is duplicate in \"lync_publish\" directive, the first stands at " +
                          at(other->second),
                      block.place);
    }

    check_sockets(publication, registry);
    check_names(publication, registry);
    check_servers(publication, registry, remarks);
    check_certificates(publication, environment, remarks);
    return publication;
}

} // namespace lync::config
