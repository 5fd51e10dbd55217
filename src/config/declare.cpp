// From a block tree to the declaration: one lync_publish block, directive by directive. Names are
// checked in names.cpp, sockets in sockets.cpp, certificates in certificates.cpp.

#include "config/declare.h"

#include "base/ascii.h"
#include "base/names.h"
#include "policy/services.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <stdexcept>
#include <system_error>
#include <tuple>
#include <unordered_map>
#include <unordered_set>

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
    /// Leaves `into` alone if the directive is absent.
    template <typename T>
    void read_word_of(std::string_view name, T& into,
                      std::initializer_list<std::pair<std::string_view, T>> words) const {
        if (const Directive* directive = find(block_, name)) {
            into = read_word(*directive, words);
        }
    }

    void read_name();
    void read_sip_domains();

    void read_certificates();
    void read_farms();
    void read_switches();
    void read_paths();
    policy::Pattern read_pattern(const Directive& directive) const;
    void read_limits();
    void read_includes();
    void read_acme_challenge();
    void read_edges();
    void check_path(std::string_view path, const Directive& directive, std::string_view what,
                    bool variables = true) const;
    void remark_challenge_directory(const Directive& directive);
    void remark_idle();
    void report_missing(std::string_view directive, const Directive& block,
                        std::string_view remedy);
    [[noreturn]] void missing(std::string_view directive, std::string_view remedy) const;

    const Directive& block_;
    const Environment& environment_;
    std::vector<Diagnostic>& remarks_;
    Publication publication_;
};

void Declaration::missing(std::string_view directive, std::string_view remedy) const {
    throw mistake(block_.place, "no {} in {}: {}", lync::quoted(directive), block_.title(), remedy);
}

void Declaration::report_missing(std::string_view directive, const Directive& block,
                                 std::string_view remedy) {
    config::report_missing(environment_, remarks_, block.place,
                           formatted("no {} in {}{}: {}", lync::quoted(directive), block.title(),
                                     &block == &block_ ? "" : " of " + block_.title(), remedy));
}

/// A path that a line of nginx.conf can hold, in some directives without a "$", which would be a
/// variable.
void Declaration::check_path(std::string_view path, const Directive& directive,
                             std::string_view what, bool variables) const {
    const auto is_odd = [&](char c) {
        return static_cast<unsigned char>(c) < 0x20 || (c == '$' && !variables);
    };
    if (path.empty() || std::ranges::any_of(path, is_odd)) {
        invalid_value(path, directive, what);
    }
}

void Declaration::read_name() {
    constexpr std::string_view allowed =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";

    if (block_.arguments.size() != 1) {
        throw mistake(block_.place, "invalid number of arguments in \"lync_publish\" directive, it "
                                    "is written \"lync_publish NAME {{ ... }}\"");
    }
    const std::string& name = block_.arguments.front();
    if (name.empty() || name.size() > 64 || name.front() == '-' ||
        name.find_first_not_of(allowed) != std::string::npos) {
        throw mistake(block_.place,
                      "invalid name {} in \"lync_publish\" directive: it is made of up to 64 "
                      "letters, digits, \"_\" and \"-\", and doesn't begin with \"-\"",
                      lync::quoted(name));
    }
    publication_.name = name;
    publication_.place = block_.place;
}

void Declaration::read_sip_domains() {
    std::unordered_set<std::string> known; // there may be twenty thousand
    each(block_, "sip_domain", [&](const Directive& directive) {
        publication_.sip_domain_places.emplace_back(publication_.sip_domains.size(),
                                                    directive.place);
        for (const std::string& text : directive.arguments) {
            std::string domain = valid("domain", text, parse_sip_domain(text), directive);
            if (!known.insert(domain).second) {
                throw mistake(directive.place, "domain {}{} is duplicate in {}", lync::quoted(text),
                              text == domain ? "" : formatted(" ({} in DNS)", domain),
                              title(directive));
            }
            publication_.sip_domains.push_back(std::move(domain));
        }
    });

    if (is_ocs(publication_.product)) {
        if (!publication_.sip_domains.empty()) {
            warn(remarks_, find(block_, "sip_domain")->place,
                 "\"sip_domain\" publishes nothing in {}: product {} has no lyncdiscover",
                 block_.title(), product_name(publication_.product));
            publication_.sip_domains.clear();
            publication_.sip_domain_places.clear();
        }
    } else if (publication_.sip_domains.empty()) {
        missing("sip_domain", "write the SIP domains of your users, or \"*\" for any");
    }
}

void Declaration::read_certificates() {
    std::unordered_map<std::string, Place> known;
    each(block_, "certificate", [&](const Directive& directive) {
        for (const std::string& file : directive.arguments) {
            check_path(file, directive, "it is the path of a PEM file", false);
        }
        std::string certificate = environment_.full_path(directive.arguments[0]);
        const auto [first, is_new] = known.emplace(certificate, directive.place);
        if (!is_new) {
            throw mistake(directive.place,
                          "certificate {} is duplicate in {}, the first stands at {}",
                          lync::quoted(certificate), block_.title(), at(first->second));
        }
        publication_.certificates.push_back({std::move(certificate),
                                             environment_.full_path(directive.arguments[1]),
                                             directive.place});
    });
    if (publication_.certificates.empty()) {
        report_missing("certificate", block_,
                       "write the PEM files that the listener presents, \"certificate FILE KEY\"");
    }

    if (const Directive* ca = find(block_, "trusted_ca")) {
        check_path(ca->arguments.front(), *ca, "it is the path of a PEM file");
        publication_.trusted_ca = environment_.full_path(ca->arguments.front());
        publication_.trusted_ca_place = ca->place;
    }
    if (publication_.backend_verify && publication_.trusted_ca.empty()) {
        report_missing("trusted_ca", block_,
                       "write the file of the CA that issued the servers' own certificates");
    }
}

void Declaration::read_farms() {
    // First contact and `pool=` need all of them, so the order of the block doesn't matter.
    for (const std::string_view kind : {"pool", "director", "office_web_apps", "exchange"}) {
        each(block_, kind, [&](const Directive& directive) {
            publication_.farms.push_back(read_farm(directive, publication_.product));
            const Farm& farm = publication_.farms.back();
            remark_farm(farm, directive, publication_.product, remarks_);
            if (!is_web_services(farm.role) && find(directive, "server") == nullptr) {
                // The published name resolves to this very proxy.
                report_missing("server", directive,
                               "write the address of each server, or of their load balancer");
            }
        });
        if (kind == "pool" && publication_.farms.empty()) {
            missing("pool",
                    "declare the Front End pool or Standard Edition server, \"pool FQDN { ... }\"");
        }
    }
}

void Declaration::read_switches() {
    if (const Directive* directive = find(block_, "product")) {
        const auto product = product_from_name(directive->arguments.front());
        if (!product) {
            invalid_value(directive->arguments.front(), *directive,
                          formatted("the products are {}", product_names()));
        }
        publication_.product = *product;
    }
    if (const Directive* directive = find(block_, "backend_verify")) {
        publication_.backend_verify = read_flag(*directive);
        if (!publication_.backend_verify) {
            warn(remarks_, directive->place,
                 "\"backend_verify\" is off in {}: answers of the servers can be read and changed "
                 "in transit",
                 block_.title());
        }
    }
    for (const auto& [name, flag] :
         {std::pair<std::string_view, bool*>{"https_redirect", &publication_.https_redirect},
          {"meeting_url_guard", &publication_.meeting_url_guard},
          {"hide_server_names", &publication_.hide_server_names},
          {"log_sip_uri", &publication_.log_sip_uri},
          {"resolve_at_start", &publication_.resolve_at_start}}) {
        read_word_of<bool>(name, *flag, {{"on", true}, {"off", false}});
    }
    read_word_of<HttpAutodiscover>("http_autodiscover", publication_.http_autodiscover,
                                   {{"auto", HttpAutodiscover::automatic},
                                    {"on", HttpAutodiscover::on},
                                    {"off", HttpAutodiscover::off}});
    read_word_of<UnknownHost>("unknown_host", publication_.unknown_host,
                              {{"refuse", UnknownHost::refuse}, {"ignore", UnknownHost::ignore}});
}

/// `~* PATTERN`, as nginx's location has it.
policy::Pattern Declaration::read_pattern(const Directive& directive) const {
    if (directive.arguments.front() != "~*" || directive.arguments.size() != 2) {
        invalid_value(directive.arguments.front(), directive,
                      "a pattern is written \"~* PATTERN\", one in a directive");
    }
    const std::string& text = directive.arguments.back();
    try {
        return policy::Pattern::probed(text, policy::Pattern::Needs::nothing);
    } catch (const std::invalid_argument& error) {
        invalid_value(text, directive, formatted("it {}", error.what()));
    }
}

void Declaration::read_paths() {
    read_word_of<bool>("path_policy", publication_.strict, {{"strict", true}, {"vendor", false}});

    std::unordered_map<std::string, Place> known;
    const auto read = [&](std::string_view name, auto& paths, auto& patterns, const auto& check) {
        each(block_, name, [&](const Directive& directive) {
            if (directive.arguments.front().starts_with('~')) {
                patterns.push_back(read_pattern(directive));
                return;
            }
            for (const std::string& path : directive.arguments) {
                if (const std::string why = check(path); !why.empty()) {
                    invalid_value(path, directive, why);
                }
                const auto [first, is_new] =
                    known.try_emplace(to_ascii_lower(without_slash(path)), directive.place);
                if (!is_new) {
                    invalid_value(path, directive,
                                  formatted("the same path stands at {}", at(first->second)));
                }
                paths.push_back(path);
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
    if (const Directive* directive = find(block_, "pending_get_timeout")) {
        // Phones ask a pool to hold a request for 900 seconds and wait 920 themselves.
        constexpr std::chrono::seconds longest_pending_get{920};
        publication_.pending_get_timeout = directive->arguments.front();
        const std::chrono::seconds waits = read_time(publication_.pending_get_timeout, *directive);
        publication_.connection_auth.idle = waits;
        if (waits < longest_pending_get) {
            warn(remarks_, directive->place,
                 "\"pending_get_timeout\" {} in {} is shorter than the 920 seconds for which "
                 "phones wait for an answer: 960s is right where there are mobile clients",
                 publication_.pending_get_timeout, block_.title());
        }
    }
    if (const Directive* directive = find(block_, "max_upload")) {
        publication_.max_upload = read_size(directive->arguments.front(), *directive);
        constexpr unsigned megabyte = 1024 * 1024;
        if (parse_number(publication_.max_upload, 1, megabyte - 1)) {
            warn(remarks_, directive->place,
                 "\"max_upload\" {} in {} is so many bytes: \"{}m\" is megabytes, 512m are right "
                 "for meeting content",
                 publication_.max_upload, block_.title(), publication_.max_upload);
        }
    }
    if (const Directive* directive = find(block_, "connection_auth")) {
        ConnectionAuth& auth = publication_.connection_auth;
        auth.on = read_flag(*directive);
        read_parameters(*directive, 1,
                        {{"idle", &auth.idle},
                         {"age", &auth.age},
                         {"max", ParameterRule::Number{&auth.most, 1, 10000000}}});
    }
    if (const Directive* directive = find(block_, "sign_in")) {
        publication_.sign_in = read_sign_in(*directive);
    }
    publication_.lockout = read_lockout(block_, remarks_);
}

void Declaration::read_includes() {
    each(block_, "server_include", [this](const Directive& directive) {
        for (const std::string& file : directive.arguments) {
            check_path(file, directive, "it is the path of a file");
            std::string path = environment_.full_path(file);
            if (struct stat info{}; stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) {
                invalid_value(
                    file, directive,
                    "it is a directory, write the path of a file, or of several with \"*\"");
            }
            publication_.includes.emplace_back(std::move(path), directive.place);
        }
    });
}

void Declaration::read_acme_challenge() {
    const Directive* directive = find(block_, "acme_challenge");
    if (directive == nullptr) {
        return;
    }
    const std::string& path = directive->arguments.front();
    check_path(path, *directive, "it is the path of a directory", false);
    std::string& directory = publication_.acme_challenge;
    directory = environment_.full_path(path);
    while (directory.size() > 1 && directory.ends_with('/')) {
        directory.pop_back();
    }
    publication_.acme_challenge_place = directive->place;
    remark_challenge_directory(*directive);
}

/// Warnings only: nothing but renewing needs the directory.
void Declaration::remark_challenge_directory(const Directive& directive) {
    const std::string& directory = publication_.acme_challenge;
    const auto warn = [&](const std::string& text) {
        lync::warn(remarks_, directive.place, "{} in {} {}", lync::quoted(directory),
                   title(directive), text);
    };
    for (std::size_t end = 0; end != std::string::npos;) {
        end = directory.find('/', end + 1);
        const std::string part = directory.substr(0, end);
        struct stat info {};
        if (stat(part.c_str(), &info) != 0) {
            return warn(errno == ENOENT ? formatted("does not exist: \"mkdir -p {}\"", directory)
                                        : formatted("can't be looked at ({}: {})", errno,
                                                    std::generic_category().message(errno)));
        }
        if (!S_ISDIR(info.st_mode)) {
            return warn("is not a directory: write the one that the ACME client has, \"certbot "
                        "--webroot -w DIR\"");
        }
        const mode_t enters = info.st_uid == environment_.worker         ? S_IXUSR
                              : info.st_gid == environment_.worker_group ? S_IXGRP
                                                                         : S_IXOTH;
        if (environment_.worker != 0 && (info.st_mode & enters) == 0) {
            return warn(formatted("can't be read by nginx's workers: \"chmod o+x {}\"", part));
        }
    }
}

void Declaration::read_edges() {
    each(block_, "edge", [this](const Directive& directive) {
        Edge edge = read_edge(directive, publication_.product, remarks_);
        for (const Edge& other : publication_.edges) {
            if (other.site == edge.site) {
                throw mistake(directive.place,
                              "{} is duplicate in {}, the first stands at {}: each site has a name "
                              "of its own",
                              directive.title(), block_.title(), at(other.place));
            }
        }
        publication_.edges.push_back(std::move(edge));
    });
}

/// Directives that are legal, but have no effect.
void Declaration::remark_idle() {
    const Directive* directive = find(block_, "http_autodiscover");
    const bool wanted = directive != nullptr && directive->arguments.front() == "on";
    const bool ocs = is_ocs(publication_.product);
    const bool no_http = publication_.http_sockets.empty();
    const std::tuple<bool, std::string_view, std::string> rows[] = {
        {wanted && ocs, "http_autodiscover",
         formatted("product {} has no lyncdiscover", product_name(publication_.product))},
        {wanted && !ocs && no_http, "http_autodiscover",
         "\"http_listen\" is off, so nothing listens for plain HTTP"},
        {!publication_.acme_challenge.empty() && no_http, "acme_challenge",
         "a CA asks by plain HTTP, on port 80, remove \"http_listen off\""}};
    for (const auto& [idle, name, why] : rows) {
        if (idle) {
            warn(remarks_, find(block_, name)->place, "\"{}\" does nothing in {}: {}", name,
                 block_.title(), why);
        }
    }
}

Publication Declaration::read() {
    read_name();
    check_grammar(block_);
    read_switches();
    read_sip_domains();
    read_certificates();
    read_farms();
    read_simple_urls(block_, publication_);
    publication_.http_sockets = read_sockets(block_, "http_listen", "80", environment_, remarks_);
    publication_.https_sockets =
        read_sockets(block_, "https_listen", "443", environment_, remarks_);
    read_paths();
    read_redirects(block_, publication_);
    read_shields(block_, environment_, publication_, remarks_);
    read_limits();
    read_includes();
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
    return std::ranges::find(sip_domains, "*") != sip_domains.end();
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

    // In lower case, as nginx compares the names of upstreams.
    const auto [other, is_new] =
        registry.publications.emplace(to_ascii_lower(publication.name), block.place);
    if (!is_new) {
        throw mistake(
            block.place,
            "publication {} is duplicate in \"lync_publish\" directive, the first stands at {}",
            lync::quoted(publication.name), at(other->second));
    }

    if (const auto& store = publication.lockout.store) {
        if (registry.store && *registry.store != *store) {
            throw mistake(store->place,
                          "\"lockout_store\" in {} differs from that at {}: all publications count "
                          "together",
                          block.title(), at(registry.store->place));
        }
        registry.store = store;
    }
    check_sockets(publication, registry);
    check_names(publication, registry);
    check_servers(publication, registry, remarks);
    check_certificates(publication, environment, remarks);
    return publication;
}

} // namespace lync::config
