#include "lyncctl/nginx_test.h"

#include "base/ascii.h"
#include "base/descriptor.h"
#include "base/format.h"
#include "config/explain_nginx_message.h"
#include "lyncctl/failure.h"
#include "lyncctl/output.h"

#include <sys/wait.h>

#include <algorithm>
#include <cstdio>

namespace lync::lyncctl {

namespace {

struct Ended {
    int status = -1; ///< exit status; -1 if a signal ended it
    std::string text;
};

/// Runs a program and collects what it writes to stderr, at most 64 MB: a line for each of 20,000
/// names is 3, and what stops nginx comes last.
Ended run_program(const std::vector<std::string>& words) {
    std::string command = "exec 2>&1 >/dev/null </dev/null";
    for (const std::string& word : words) {
        command += (&word == &words.front() ? "; exec " : " ") + shell_word(word);
    }
    Ended ended;
    std::FILE* const pipe = ::popen(command.c_str(), "re");
    if (pipe == nullptr) {
        return ended;
    }
    std::string rest; // is read and dropped
    for (std::string* text = &ended.text;
         read_all(::fileno(pipe), 64 * 1024 * 1024, *text) == EFBIG;) {
        text = &rest;
        rest.clear();
    }
    const int status = ::pclose(pipe);
    ended.status = status != -1 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return ended;
}

/// The nginx to run; empty if none is installed.
std::string find_nginx(const std::string& wanted) {
    const bool named = !wanted.empty();
    constexpr const char* installed = "/usr/sbin/nginx";
    const std::string binary = named                            ? wanted
                               : ::access(installed, X_OK) == 0 ? installed
                                                                : "nginx";
    if (run_program({binary, "-v"}).text.find(" version: ") != std::string::npos) {
        return binary;
    }
    if (named) {
        throw Failure(formatted("{} in \"--nginx\" is no nginx that can be run", quoted(binary)));
    }
    return {};
}

/// Removes what precedes the text of "2026/11/29 06:00:00 [warn] 123#123: *1 text", and returns the
/// level; empty for any other line.
std::string take_level(std::string_view& line) {
    const std::size_t open = line.find(" [");
    const std::size_t close = line.find("] ");
    const std::size_t time = sizeof("2026/11/29 06:00:00") - 1;
    const bool logged = open == time && line.substr(0, 1).find_first_of("0123456789") == 0;
    if ((!logged && !line.starts_with("nginx: [")) || close == std::string_view::npos) {
        return {};
    }
    std::string level(line.substr(open + 2, close - open - 2));
    line.remove_prefix(close + 2);
    if (const std::size_t end = line.find(": "); logged && end != std::string_view::npos) {
        line.remove_prefix(end + 2);
    }
    return level;
}

std::vector<Diagnostic> parse_nginx_messages(std::string_view text) {
    std::vector<Diagnostic> messages;
    bool keeps = false; // the last message is kept; a word with a newline in it goes on
    while (!text.empty()) {
        std::string_view line = take_until(text, '\n');
        const std::string level = take_level(line);
        if (level.empty()) {
            keeps = keeps && !line.starts_with("nginx: "); // "configuration file ... test failed"
            if (keeps) {
                messages.back().text.append("\n").append(line);
            }
            continue;
        }
        keeps = level != "info" && level != "debug";
        if (keeps) {
            const Severity severity = level == "warn"     ? Severity::warning
                                      : level == "notice" ? Severity::notice
                                      : level == "crit"   ? Severity::critical
                                                          : Severity::error;
            messages.push_back({severity, std::string(line), {}});
        }
    }
    for (Diagnostic& diagnostic : messages) {
        const config::ParserMessage message = config::parse_message(diagnostic.text);
        diagnostic.place = {std::string(message.file), message.line};
        diagnostic.text.resize(message.text.size());
    }
    return messages;
}

} // namespace

std::optional<NginxAnswer> test_with_nginx(const CheckOptions& options, const std::string& file) {
    const std::string binary = find_nginx(options.nginx);
    if (binary.empty()) {
        return std::nullopt;
    }
    std::vector<std::string> words{binary, "-t", "-q", "-e", "stderr", "-c", file};
    if (!options.prefix.empty()) {
        words.insert(words.end(), {"-p", options.prefix});
    }
    const Ended ended = run_program(words);
    NginxAnswer answer{ended.status == 0, parse_nginx_messages(ended.text)};
    const auto has = [&](Severity severity) {
        return std::ranges::find(answer.messages, severity, &Diagnostic::severity) !=
               answer.messages.end();
    };
    if (ended.status == -1) {
        answer.messages.push_back({Severity::error, "nginx -t crashed or was killed", {}});
    } else if (!answer.accepted && !has(Severity::error)) { // "nginx: invalid option"
        const std::string first = has(Severity::critical)
                                      ? "nginx -t failed"
                                      : ended.text.substr(0, ended.text.find('\n'));
        answer.messages.push_back(
            {Severity::error, first.empty() ? "nginx -t failed without a reason" : first, {}});
    }
    return answer;
}

} // namespace lync::lyncctl
