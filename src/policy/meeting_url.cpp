#include "policy/meeting_url.h"

#include "base/ascii.h"
#include "base/base64.h"
#include "base/names.h"
#include "policy/chars.h"
#include "policy/decode.h"
#include "policy/path.h"
#include "policy/services.h"

#include <algorithm>
#include <cstring>
#include <optional>

namespace lync::policy {

namespace {

constexpr std::string_view parameter_name = "meeturl";
constexpr std::size_t max_value = 4096;
constexpr std::size_t max_name = 512;

constexpr CharSet parameter_begins("&;?");
constexpr CharSet name_ends("&;?=");

/// Decodes in place until nothing changes; false if that takes too many layers.
bool decode_fully(char* text, std::size_t& size, Decoding decoding) noexcept {
    for (int i = 0; i <= max_encodings; i++) {
        const Decoded decoded = decode_once(text, size, decoding);
        if (decoded.state != TextState::fine) {
            return false;
        }
        if (decoded.size == size) {
            return true;
        }
        size = decoded.size;
    }
    return false;
}

constexpr std::string_view spaces = " +"; ///< as a query writes them

/// Whether a name, however encoded, is "meeturl". "+" is a space in a query, and spaces around a
/// name don't count. An encoded name of more than max_name characters is skipped: it is found when
/// the parameters are decoded as a whole.
bool is_parameter_name(std::string_view name) noexcept {
    char text[max_name];
    name = trimmed(name, spaces);
    if (name.size() < parameter_name.size() || name.size() > max_name) {
        return false;
    }
    std::memcpy(text, name.data(), name.size());
    std::size_t size = name.size();
    return decode_fully(text, size, Decoding::forgiving) &&
           equal_ignore_case(trimmed({text, size}, spaces), parameter_name);
}

bool value_passes(std::string_view value, std::span<const MeetUrl> published) noexcept {
    // A raw "+" reaches the page as a space, which .NET's base64 skips.
    if (value.size() > max_value || value.find('+') != std::string_view::npos) {
        return false;
    }
    char text[max_value];
    std::memcpy(text, value.data(), value.size());
    std::size_t size = value.size();
    if (!decode_fully(text, size, Decoding::exact)) {
        return false;
    }
    std::replace(text, text + size, '-', '+'); // of the alphabet for URLs
    std::replace(text, text + size, '_', '/');
    std::string_view digits(text, size);
    for (int i = 0; i < 2 && (digits.ends_with('=') || digits.ends_with('!')); i++) {
        digits.remove_suffix(1);
    }
    char decoded[max_value];
    const auto url = decode_base64(digits, decoded);
    return url && is_meeting_url(*url, published);
}

/// Calls `check(value)` for each meeturl in `text`, without a value if it has none, until it
/// returns false; true if it never did. A name begins after any of "&", ";" and "?", whichever the
/// page splits at; a value ends at "&" only, so that nothing of it is missed.
template <typename Check>
bool for_each_meeting_url(std::string_view text, Check&& check) noexcept {
    for (std::size_t start = 0; start < text.size();) {
        const std::size_t end = name_ends.find_in(text, start);
        if (is_parameter_name(text.substr(start, end - start))) {
            const bool has_value = end < text.size() && text[end] == '=';
            const std::size_t value_end = std::min(text.find('&', end), text.size());
            if (!check(has_value ? std::optional(text.substr(end + 1, value_end - end - 1))
                                 : std::nullopt)) {
                return false;
            }
        }
        // A value may hold the beginning of another parameter.
        start = parameter_begins.find_in(text, end) + 1;
    }
    return true;
}

bool host_matches(std::string_view host, std::string_view published) noexcept {
    if (!published.ends_with(".*")) {
        return equal_ignore_case(host, published);
    }
    const std::string_view label = published.substr(0, published.size() - 1); // "meet."
    return host.size() > label.size() && equal_ignore_case(host.substr(0, label.size()), label);
}

/// Whether a path as it is written lies under `prefix`, without any reading.
bool begins_with(std::string_view path, std::string_view prefix) noexcept {
    return equal_ignore_case(path.substr(0, prefix.size()), prefix) &&
           (path.size() == prefix.size() || path[prefix.size()] == '/');
}

/// Whether a reading of a meeting URL's path belongs to meet.
bool is_meet_path(std::string_view path, std::string_view prefix) noexcept {
    if (!covers(prefix, path) || find_never(path, Product::sfb_se).closed) {
        return false;
    }
    const PathRow* row = find_row(path, Product::sfb_se);
    return row == nullptr || row->service == Service::meet || !prefix.empty();
}

} // namespace

bool is_meeting_url(std::string_view url, std::span<const MeetUrl> published) noexcept {
    constexpr std::string_view scheme = "https://";
    if (url.size() <= scheme.size() || !equal_ignore_case(url.substr(0, scheme.size()), scheme)) {
        return false;
    }
    const bool odd = std::any_of(url.begin(), url.end(), [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte <= 0x20 || byte >= 0x7f || c == '\\' || c == '#';
    });
    if (odd) {
        return false;
    }
    const std::string_view rest = url.substr(scheme.size());
    const std::size_t host_end = std::min(rest.find_first_of("/?"), rest.size());
    const std::string_view host = rest.substr(0, host_end);
    if (!is_plain_name(host)) { // "@", ":", "%" and "[" among other things
        return false;
    }
    const std::string_view path =
        rest.substr(host_end, std::min(rest.find('?'), rest.size()) - host_end);

    Readings readings;
    if (read_path(path, readings) != PathState::fine || readings.second == Second::unresolved) {
        return false;
    }
    return std::any_of(published.begin(), published.end(), [&](const MeetUrl& meet) {
        return host_matches(host, meet.host) && begins_with(path, meet.prefix) &&
               is_meet_path(readings.strict.path(), meet.prefix) &&
               (readings.second == Second::none ||
                is_meet_path(readings.other.path(), meet.prefix));
    });
}

bool meeting_urls_pass(std::string_view parameters, std::span<const MeetUrl> published) noexcept {
    if (parameters.empty()) {
        return true;
    }
    if (parameters.size() > max_parameters) {
        return false;
    }
    using Value = std::optional<std::string_view>;
    const auto passes = [&](const Value& value) {
        return value.has_value() && value_passes(*value, published);
    };
    std::size_t found = 0;
    if (!for_each_meeting_url(parameters, [&](const Value& value) {
            found++;
            return passes(value);
        })) {
        return false;
    }
    const bool is_plain = std::all_of(parameters.begin(), parameters.end(), [](char c) {
        return c != '%' && static_cast<unsigned char>(c) < 0x80;
    });
    if (is_plain) {
        return true;
    }

    // A server or module that decodes the whole before it splits may see more parameters. Where it
    // sees the same number, they are the same ones.
    char text[max_parameters];
    std::memcpy(text, parameters.data(), parameters.size());
    std::size_t size = parameters.size();
    if (!decode_fully(text, size, Decoding::forgiving)) {
        return false;
    }
    std::size_t found_decoded = 0;
    for_each_meeting_url({text, size}, [&](const Value&) {
        found_decoded++;
        return true;
    });
    return found_decoded == found || for_each_meeting_url({text, size}, passes);
}

} // namespace lync::policy
