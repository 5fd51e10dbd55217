#include "balance/check_answer.h"

#include "base/ascii.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace lync::balance {

namespace {

constexpr std::string_view blank = " \t";

/// Whether one of the words of a list ("keep-alive, Upgrade") is `word`.
bool lists(std::string_view list, std::string_view word) noexcept {
    while (!list.empty()) {
        if (equal_ignore_case(trimmed(take_until(list, ','), blank), word)) {
            return true;
        }
    }
    return false;
}

std::optional<std::uint64_t> number(std::string_view text, int base) noexcept {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (text.empty() || error != std::errc{} || end != text.data() + text.size()) {
        return std::nullopt;
    }
    return value;
}

/// `https://HOST[:PORT]/...` without everything around HOST.
std::string_view host_of(std::string_view url) noexcept {
    const std::size_t scheme = url.find("://");
    if (scheme == std::string_view::npos) {
        return {};
    }
    url.remove_prefix(scheme + 3);
    return url.substr(0, std::min(url.find_first_of(":/?#"), url.size()));
}

constexpr std::string_view healthy = "200 OK";
constexpr std::string_view before_body = " \t\r\n\xef\xbb\xbf"; // a byte order mark

} // namespace

void CheckAnswer::begin(Document document, std::string_view internal) noexcept {
    *this = CheckAnswer{};
    document_ = document;
    internal_ = internal;
}

void CheckAnswer::settle(Reason reason, std::uint32_t detail) noexcept {
    if (!settled_) {
        settled_ = true;
        finding_ = {reason, detail};
    }
}

bool CheckAnswer::take(std::string_view bytes) noexcept {
    while (!bytes.empty() && !settled_) {
        std::size_t used = 1;
        switch (part_) {
        case Part::length:
        case Part::chunk_data:
            used = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size()));
            take_body(bytes.substr(0, used));
            left_ -= used;
            if (left_ == 0 && !settled_) {
                if (part_ == Part::length) {
                    body_ends();
                } else {
                    part_ = Part::chunk_end;
                }
            }
            break;
        case Part::till_close:
            used = bytes.size();
            take_body(bytes);
            break;
        case Part::head:
        case Part::chunk_size:
        case Part::chunk_end:
        case Part::trailer:
            take_line_byte(bytes.front());
            break;
        }
        bytes.remove_prefix(used);
    }
    // A server that sends more than its answer is out of step.
    at_end_ = at_end_ && bytes.empty();
    return settled_;
}

void CheckAnswer::end(bool broken) noexcept {
    if (part_ == Part::till_close && !broken) {
        body_ends();
        keeps_ = false;
        return;
    }
    settle(Reason::broken_off);
}

void CheckAnswer::take_line_byte(char c) noexcept {
    if (++head_size_ > longest_head) {
        settle(Reason::no_answer);
        return;
    }
    if (c != '\n') {
        if (line_length_ < line_.size()) {
            line_[line_length_] = c;
        }
        line_length_++;
        // No HTTP at all, such as TLS on a plain port, shows at once.
        constexpr std::string_view begin = "HTTP/1.";
        if (first_line_ && line_length_ <= begin.size() && c != begin[line_length_ - 1]) {
            settle(Reason::no_answer);
        }
        return;
    }
    take_line();
    line_length_ = 0;
}

void CheckAnswer::take_line() noexcept {
    std::string_view line(line_.data(), std::min(line_length_, line_.size()));
    if (line_length_ <= line_.size() && line.ends_with('\r')) {
        line.remove_suffix(1);
    }
    switch (part_) {
    case Part::head:
        if (first_line_) {
            take_status_line(line);
        } else if (line.empty()) {
            head_ends();
        } else {
            take_header(line);
        }
        return;
    case Part::chunk_size:
        take_chunk_size(line);
        return;
    case Part::chunk_end:
        part_ = Part::chunk_size;
        if (!line.empty()) {
            settle(Reason::no_answer);
        }
        return;
    default: // trailer
        if (line.empty()) {
            body_ends();
        }
        return;
    }
}

void CheckAnswer::take_status_line(std::string_view line) noexcept {
    // "HTTP/1.1 200 OK": the reason phrase may be missing, and the space before it.
    const bool is_short = line.size() < 12;
    const auto status = is_short ? std::nullopt : number(line.substr(9, 3), 10);
    if (is_short || line[8] != ' ' || !status || *status < 100 ||
        (line.size() > 12 && line[12] != ' ') || (line[7] != '0' && line[7] != '1')) {
        settle(Reason::no_answer);
        return;
    }
    first_line_ = false;
    status_ = static_cast<std::uint32_t>(*status);
    interim_ = status_ < 200 && status_ != 101;
    keeps_ = line[7] == '1';
    chunked_ = false;
    has_length_ = false;
    left_ = 0;
}

void CheckAnswer::take_header(std::string_view line) noexcept {
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) {
        // A line too long to be kept whole is none of those that matter here.
        if (line_length_ <= line_.size() && line.front() != ' ' && line.front() != '\t') {
            settle(Reason::no_answer);
        }
        return;
    }
    const std::string_view name = line.substr(0, colon);
    const std::string_view value = trimmed(line.substr(colon + 1), blank);

    if (equal_ignore_case(name, "content-length")) {
        const auto length = number(value, 10);
        if (!length || (has_length_ && *length != left_)) {
            settle(Reason::no_answer);
            return;
        }
        has_length_ = true;
        left_ = *length;
    } else if (equal_ignore_case(name, "transfer-encoding")) {
        chunked_ = equal_ignore_case(value, "chunked");
        if (!chunked_) {
            settle(Reason::no_answer);
        }
    } else if (equal_ignore_case(name, "connection")) {
        keeps_ = lists(value, "close") ? false : keeps_ || lists(value, "keep-alive");
    } else if (equal_ignore_case(name, build_header)) {
        build_ = build_of(value);
    }
}

void CheckAnswer::head_ends() noexcept {
    if (interim_) {
        first_line_ = true;
        return;
    }
    if (status_ != 200) {
        settle(Reason::status, status_);
        return;
    }
    if (chunked_) {
        part_ = Part::chunk_size;
    } else if (has_length_) {
        part_ = Part::length;
        if (left_ == 0) {
            body_ends();
        }
    } else {
        part_ = Part::till_close;
    }
}

void CheckAnswer::take_chunk_size(std::string_view line) noexcept {
    const std::size_t extension = std::min(line.find(';'), line.size());
    const auto size = number(trimmed(line.substr(0, extension), blank), 16);
    if (!size) {
        settle(Reason::no_answer);
        return;
    }
    left_ = *size;
    part_ = left_ == 0 ? Part::trailer : Part::chunk_data;
}

void CheckAnswer::take_body(std::string_view bytes) noexcept {
    body_size_ += bytes.size();
    if (body_size_ > longest_body) {
        settle(Reason::no_answer);
        return;
    }
    for (const char c : bytes) {
        if (!take_body_byte(c)) {
            settle(Reason::no_answer);
            return;
        }
    }
}

bool CheckAnswer::take_body_byte(char c) noexcept {
    if (!begun_ && before_body.find(c) != std::string_view::npos) {
        return true;
    }
    if (document_ == Document::healthcheck) {
        begun_ = true;
        return matched_ == healthy.size() || c == healthy[matched_++];
    }
    if (!begun_) {
        if (c != '<' && (c != '{' || document_ != Document::autodiscover)) {
            return false;
        }
        begun_ = true;
        found_ = CheckDocument(c == '<');
    }
    found_.take(c);
    return true;
}

void CheckAnswer::body_ends() noexcept {
    at_end_ = true;
    settle(judge());
}

Reason CheckAnswer::judge() const noexcept {
    if (document_ == Document::healthcheck) {
        return matched_ == healthy.size() ? Reason::none : Reason::no_answer;
    }
    const std::string_view root = found_.root();
    if (!found_.complete()) {
        return Reason::no_answer;
    }
    if (document_ == Document::discovery) {
        return root == "wopi-discovery" ? Reason::none : Reason::no_answer;
    }
    const std::string_view access = found_.access_location();
    if (!root.empty() && root != "AutodiscoverResponse") {
        return Reason::no_answer;
    }
    if (access == "External") {
        return Reason::none;
    }
    if (access == "Internal") {
        return Reason::internal;
    }
    if (!access.empty() || !found_.has_links()) {
        return Reason::no_answer;
    }
    // UCWA's dialect. Which names a site has beside the pool's own isn't known here, so only that
    // one convicts it.
    return !internal_.empty() && equal_ignore_case(host_of(found_.self()), internal_)
               ? Reason::internal
               : Reason::none;
}

} // namespace lync::balance
