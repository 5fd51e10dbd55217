#include "policy/challenges.h"

#include "base/auth_scheme.h"

#include <algorithm>

namespace lync::policy {

namespace {

constexpr std::string_view blanks = " \t";

/// Takes the next part off a comma-separated list, trimmed; commas within quotes don't count. A
/// part whose quotes never end is empty.
std::string_view take_part(std::string_view& list) noexcept {
    bool quoted = false;
    std::size_t end = 0;
    for (; end < list.size() && (quoted || list[end] != ','); end++) {
        if (quoted && list[end] == '\\') {
            end = std::min(end + 1, list.size() - 1);
        } else if (list[end] == '"') {
            quoted = !quoted;
        }
    }
    const std::string_view part = quoted ? std::string_view() : list.substr(0, end);
    list.remove_prefix(std::min(end + 1, list.size()));
    return trimmed(part, blanks);
}

/// Writes a list.
class Output {
public:
    explicit Output(char* out) noexcept : begin_(out), end_(out) {}

    void add(std::string_view text) noexcept { end_ = std::copy(text.begin(), text.end(), end_); }
    void add_part(std::string_view part) noexcept {
        add(end_ == begin_ ? "" : ", ");
        add(part);
    }
    std::size_t size() const noexcept { return static_cast<std::size_t>(end_ - begin_); }
    void cut(std::size_t size) noexcept { end_ = begin_ + size; }

private:
    char* begin_;
    char* end_;
};

/// A `grant_type="a,b"` with the grants of open doors; false if none is left.
bool add_grants(std::string_view parameter, Doors open, Output& out) noexcept {
    const std::size_t equals = parameter.find('=');
    std::string_view grants = trimmed(parameter.substr(equals + 1), " \t\"");
    bool any = false;
    while (!grants.empty()) {
        const std::string_view grant = trimmed(take_until(grants, ','), blanks);
        const Door door = door_of_grant(grant);
        const bool sound = grant.find('"') == std::string_view::npos;
        if (sound && (door == Door::none || (open & bit(door)) != 0)) {
            any ? out.add(",") : out.add_part(parameter.substr(0, equals + 1));
            out.add(any ? "" : "\"");
            out.add(grant);
            any = true;
        }
    }
    out.add(any ? "\"" : "");
    return any;
}

} // namespace

std::size_t most_kept(std::string_view field) noexcept {
    return field.size() + 2 + 2 * static_cast<std::size_t>(std::ranges::count(field, ','));
}

std::size_t keep_open(std::string_view field, Doors open, char* out) noexcept {
    Output output(out);
    std::size_t began = 0; // where the challenge begins that parameters belong to
    bool kept = false;
    bool lync = false;
    while (!field.empty()) {
        std::string_view part = take_part(field);
        const std::string_view scheme = auth_scheme(part);
        const std::string_view rest = trimmed(part.substr(scheme.size()), blanks);
        const bool parameter = !scheme.empty() && rest.starts_with('=');
        if (part.empty()) {
            continue;
        }
        if (!parameter) { // a challenge, perhaps with its first parameter
            lync = equal_ignore_case(scheme, "MsRtcOAuth");
            kept = lync || (open & bit(door_of_scheme(scheme))) != 0;
            began = output.size();
        }
        const std::string_view name = parameter ? scheme : auth_scheme(rest);
        if (!kept) {
            continue;
        }
        if (!lync || !equal_ignore_case(name, "grant_type")) {
            output.add_part(part);
        } else if (!add_grants(part, open, output)) {
            output.cut(began);
            kept = false;
        }
    }
    return output.size();
}

} // namespace lync::policy
