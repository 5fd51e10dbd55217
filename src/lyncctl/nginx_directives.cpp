#include "lyncctl/nginx_directives.h"

#include "base/diagnostic.h"
#include "lyncctl/failure.h"
#include "lyncctl/files.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>

extern char** environ;

namespace lync::lyncctl {

namespace {

constexpr NginxDirective table[] = {
#include "lyncctl/nginx_directives.inc"
};

constexpr bool by_name(const NginxDirective& a, const NginxDirective& b) noexcept {
    return a.name < b.name;
}
static_assert(std::is_sorted(std::begin(table), std::end(table), by_name));

/// What a program writes to stderr (nginx -V does), at most 64 KB of it; empty if it can't be run.
std::string stderr_of(const std::string& program, const char* argument) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) {
        return {};
    }
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
    const char* arguments[] = {program.c_str(), argument, nullptr};
    pid_t pid = 0;
    const int failed = ::posix_spawn(&pid, program.c_str(), &actions, nullptr,
                                     const_cast<char* const*>(arguments), environ);
    posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);

    std::string text;
    char buffer[4096];
    ssize_t got = 0;
    while (failed == 0 && text.size() < 65536 &&
           (got = ::read(ends[0], buffer, sizeof(buffer))) > 0) {
        text.append(buffer, static_cast<std::size_t>(got));
    }
    ::close(ends[0]);
    if (failed == 0) {
        int status = 0;
        ::waitpid(pid, &status, 0);
    }
    return text;
}

/// The words of configure's arguments, as `nginx -V` quotes them: 'with spaces', or plain.
std::vector<std::string> words_of(std::string_view text) {
    std::vector<std::string> words;
    std::string word;
    bool quoted = false;
    for (const char c : text) {
        if (c == '\'') {
            quoted = !quoted;
        } else if (!quoted && (c == ' ' || c == '\n')) {
            if (!word.empty()) {
                words.push_back(std::move(word));
                word.clear();
            }
        } else {
            word += c;
        }
    }
    if (!word.empty()) {
        words.push_back(std::move(word));
    }
    return words;
}

/// What configure's arguments don't tell: directives that distributions have put into older
/// versions, and whose modules were compiled in. The names of directives stand in the program
/// between two NUL bytes. No other later name is looked for: "http2" is a parameter of listen, too.
void look_into(const std::string& binary, NginxBuild& build) {
    constexpr std::string_view candidates[] = {"max_headers"};
    constexpr std::size_t largest = 256 * 1024 * 1024;
    const std::string bytes = read_file(binary, largest);
    const auto has = [&bytes](std::string_view name) {
        return bytes.find('\0' + std::string(name) + '\0') != std::string::npos;
    };
    for (const std::string_view candidate : candidates) {
        if (has(candidate)) {
            build.backported.emplace_back(candidate);
        }
    }
    build.has_our_module = has("lync_publish");
}

bool contains(const std::vector<std::string>& words, std::string_view word) noexcept {
    return std::find(words.begin(), words.end(), word) != words.end();
}

/// configure's word for leaving out the module of a directive that is there by default. Only those
/// matter that a publication states directives of.
std::string_view module_of(std::string_view directive) noexcept {
    constexpr std::pair<std::string_view, std::string_view> modules[] = {
        {"gzip", "http_gzip_module"},
        {"ssi", "http_ssi_module"},
        {"charset", "http_charset_module"},
        {"userid", "http_userid_module"},
        {"allow", "http_access_module"},
        {"auth_basic", "http_auth_basic_module"},
        {"mirror", "http_mirror_module"},
        {"limit_req", "http_limit_req_module"},
        {"limit_req_dry_run", "http_limit_req_module"},
        {"limit_conn", "http_limit_conn_module"},
        {"limit_conn_dry_run", "http_limit_conn_module"},
        {"least_conn", "http_upstream_least_conn_module"},
    };
    for (const auto& [name, module] : modules) {
        if (name == directive) {
            return module;
        }
    }
    return {};
}

} // namespace

std::span<const NginxDirective> find_nginx_directives(std::string_view name) noexcept {
    NginxDirective key{};
    key.name = name;
    const auto [first, last] = std::equal_range(std::begin(table), std::end(table), key, by_name);
    return {first, last};
}

bool NginxBuild::has(const NginxDirective& row) const noexcept {
    return (row.since <= version || contains(backported, row.name)) &&
           (row.option.empty() || contains(options, row.option)) &&
           !contains(left_out, module_of(row.name));
}

bool NginxBuild::has(std::string_view directive) const noexcept {
    const std::span<const NginxDirective> rows = find_nginx_directives(directive);
    return std::any_of(rows.begin(), rows.end(), [this](const NginxDirective& row) {
        return row.contexts != elsewhere && has(row);
    });
}

bool NginxBuild::knows(std::string_view directive) const noexcept {
    const std::span<const NginxDirective> rows = find_nginx_directives(directive);
    return std::any_of(rows.begin(), rows.end(),
                       [this](const NginxDirective& row) { return has(row); });
}

NginxBuild NginxBuild::debian_12() {
    return {1022001,
            {"http_ssl_module", "http_stub_status_module", "http_realip_module",
             "http_auth_request_module", "http_v2_module", "http_dav_module", "http_slice_module",
             "http_addition_module", "http_flv_module", "http_gunzip_module",
             "http_gzip_static_module", "http_mp4_module", "http_random_index_module",
             "http_secure_link_module", "http_sub_module"},
            {},
            {"max_headers"}};
}

NginxBuild NginxBuild::of(const std::string& binary) {
    const std::string said = stderr_of(binary, "-V");
    const std::string_view version_mark = "nginx version: nginx/";
    const std::string_view arguments_mark = "configure arguments:";
    const std::size_t version = said.find(version_mark);
    const std::size_t arguments = said.find(arguments_mark);

    NginxBuild build;
    build.version = version == std::string::npos
                        ? 0
                        : parse_nginx_version(std::string_view(said).substr(
                              version + version_mark.size(),
                              said.find_first_not_of("0123456789.", version + version_mark.size()) -
                                  version - version_mark.size()));
    if (build.version == 0 || arguments == std::string::npos) {
        throw Failure(lync::quoted(binary) + " doesn't say on \"-V\" which nginx it is");
    }
    for (const std::string& word :
         words_of(std::string_view(said).substr(arguments + arguments_mark.size()))) {
        if (word.starts_with("--with-") && !word.ends_with("=dynamic")) {
            build.options.push_back(word.substr(7));
        } else if (word.starts_with("--without-")) {
            build.left_out.push_back(word.substr(10));
        }
    }
    look_into(binary, build);
    return build;
}

unsigned parse_nginx_version(std::string_view text) noexcept {
    unsigned parts[3] = {};
    const char* at = text.data();
    const char* const end = text.data() + text.size();
    for (unsigned& part : parts) {
        const auto [next, error] = std::from_chars(at, end, part);
        if (error != std::errc{} || part > 999) {
            return 0;
        }
        const bool last = &part == &parts[2];
        if (last ? next != end : next == end || *next != '.') {
            return 0;
        }
        at = next + 1;
    }
    return parts[0] * 1000000 + parts[1] * 1000 + parts[2];
}

} // namespace lync::lyncctl
