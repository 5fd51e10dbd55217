#include "policy/shield.h"

#include "base/ascii.h"
#include "policy/decode.h"
#include "policy/meeting_url.h"
#include "policy/path.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace lync::policy {

namespace {

constexpr ServiceSet set_of(std::initializer_list<Service> services) noexcept {
    ServiceSet set = 0;
    for (const Service service : services) {
        set |= service_bit(service);
    }
    return set;
}

constexpr std::size_t last_service = static_cast<std::size_t>(Service::internal_twin);
static_assert(last_service < 64);
constexpr ServiceSet all = (ServiceSet{1} << (last_service + 1)) - 1;
constexpr ServiceSet exchange = set_of({Service::ews, Service::exchange_autodiscover, Service::owa,
                                        Service::activesync, Service::mapi, Service::oab});
/// Those that take files, or names of files.
constexpr ServiceSet uploads =
    set_of({Service::datacollab, Service::collabcontent, Service::device_update,
            Service::conferencing, Service::persistent_chat, Service::storage});

struct PlaceWord {
    ShieldPlaces place;
    std::string_view word;
};
constexpr PlaceWord place_words[] = {
    {in_path, "path"},     {in_query, "query"}, {in_url, "url"},         {in_header, "header"},
    {in_cookie, "cookie"}, {in_file, "file"},   {in_meeturl, "meeturl"},
};

/// What may be encoded, or isn't ASCII.
bool may_have_layers(std::string_view text) noexcept {
    return std::memchr(text.data(), '%', text.size()) != nullptr ||
           std::any_of(text.begin(), text.end(),
                       [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
}

/// As Windows reads a name.
void turn_backslashes(char* text, std::size_t size) noexcept {
    while (auto* found = static_cast<char*>(std::memchr(text, '\\', size))) {
        *found = '/';
        size -= static_cast<std::size_t>(found + 1 - text);
        text = found + 1;
    }
}

/// Takes one layer of encoding off; false if there was none.
bool take_layer(char* text, std::size_t& size) noexcept {
    const std::size_t before = size;
    size = decode_once(text, before, Decoding::generous).size;
    return size != before;
}

/// What nginx takes of a request line or a header here, and a path in front of it.
constexpr std::size_t max_query = max_parameters + 8192;
constexpr std::size_t max_target = max_path + 1 + max_query;

} // namespace

ServiceSet services_of(std::string_view word) noexcept {
    if (word == "all") {
        return all;
    }
    if (word == "exchange") {
        return exchange;
    }
    if (word == "uploads") {
        return uploads;
    }
    if (word == "lync") {
        return all & ~exchange & ~service_bit(Service::office_web_apps);
    }
    for (std::size_t i = 0; i <= last_service; i++) {
        if (const auto service = static_cast<Service>(i); service_name(service) == word) {
            return service_bit(service);
        }
    }
    return 0;
}

ShieldPlaces shield_place(std::string_view word) noexcept {
    for (const PlaceWord& known : place_words) {
        if (known.word == word && known.place != in_meeturl) {
            return known.place;
        }
    }
    return 0;
}

std::string_view shield_action_name(ShieldAction action) noexcept {
    constexpr std::string_view names[] = {"off", "log", "refuse"};
    return names[static_cast<std::size_t>(action)];
}

std::string shield_place_words(ShieldPlaces places) {
    std::string words;
    for (const PlaceWord& known : place_words) {
        if ((places & known.place) != 0) {
            words.append(words.empty() ? "" : ",").append(known.word);
        }
    }
    return words;
}

Shield make_shield(const ShieldRow& row) {
    Shield shield;
    shield.name = row.name;
    shield.on = row.on;
    shield.places = row.places;
    shield.pattern_text = row.pattern;
    shield.source = row.source;
    shield.defined = "built in";
    if (row.places != in_meeturl) {
        shield.pattern.emplace(row.pattern);
    }
    return shield;
}

Shields::Shields(std::vector<Shield> rows) : rows_(std::move(rows)) {
    for (const Shield& row : rows_) {
        services_.push_back(row.action == ShieldAction::off ? 0 : services_of(row.on));
        for (std::size_t place = 0; place < std::size(looking_); place++) {
            if ((row.places >> place & 1) != 0) {
                looking_[place] |= services_.back();
            }
        }
    }
}

/// `text_of(place)` is what a row for this place is asked about.
template <typename Texts>
ShieldHit Shields::find(ShieldPlaces places, Service service, std::string_view header,
                        Texts&& text_of) const noexcept {
    ShieldHit logged;
    for (std::size_t i = 0; i < rows_.size(); i++) {
        const Shield& row = rows_[i];
        if ((row.places & places) == 0 || (services_[i] & service_bit(service)) == 0 ||
            (!row.header.empty() && !equal_ignore_case(row.header, header))) {
            continue;
        }
        auto result = Pattern::Result::no;
        for (ShieldPlaces place = 1; place <= in_file && result == Pattern::Result::no;
             place = static_cast<ShieldPlaces>(place << 1)) {
            if ((row.places & places & place) != 0) {
                result = row.pattern->match(text_of(place));
            }
        }
        if (result == Pattern::Result::no) {
            continue;
        }
        const ShieldHit hit{static_cast<std::uint8_t>(i), result == Pattern::Result::limit};
        if (row.action == ShieldAction::refuse) {
            return hit;
        }
        logged = logged ? logged : hit;
    }
    return logged;
}

ShieldHit Shields::find_in_target(Service service, std::string_view path,
                                  std::string_view query) const noexcept {
    if (!look(in_target, service)) {
        return {};
    }
    char text[max_target];
    if (path.size() > max_path || query.size() > max_query) {
        return {}; // nginx takes no such request
    }
    std::memcpy(text, path.data(), path.size());
    char* const rest = text + path.size() + 1;
    rest[-1] = '?';
    std::memcpy(rest, query.data(), query.size());

    const bool layers = may_have_layers(query);
    std::size_t size = query.size();
    const auto text_of = [&](ShieldPlaces place) {
        return place == in_query              ? std::string_view(rest, size)
               : place == in_url && size != 0 ? std::string_view(text, path.size() + 1 + size)
                                              : path;
    };
    ShieldHit logged;
    for (int i = 0; i <= max_encodings; i++) {
        turn_backslashes(rest, size);
        const ShieldHit hit = find(in_target, service, {}, text_of);
        if (refuses(hit)) {
            return hit;
        }
        logged = logged ? logged : hit;
        if (!layers || !take_layer(rest, size)) {
            break;
        }
    }
    return logged;
}

ShieldHit Shields::find_in_layers(ShieldPlaces place, Service service, std::string_view header,
                                  std::string_view text) const noexcept {
    const bool as_it_is = place != in_file && !may_have_layers(text);
    if (as_it_is || text.size() > max_query) {
        return find(place, service, header, [&](ShieldPlaces) { return text; });
    }
    char layer[max_query];
    std::memcpy(layer, text.data(), text.size());
    std::size_t size = text.size();
    ShieldHit logged;
    for (int i = 0; i <= max_encodings; i++) {
        if (place == in_file) {
            turn_backslashes(layer, size);
        }
        const ShieldHit hit = find(place, service, header,
                                   [&](ShieldPlaces) { return std::string_view(layer, size); });
        if (refuses(hit)) {
            return hit;
        }
        logged = logged ? logged : hit;
        if (!take_layer(layer, size)) {
            break;
        }
    }
    return logged;
}

ShieldHit Shields::find_in_header(Service service, std::string_view name,
                                  std::string_view value) const noexcept {
    return find_in_layers(in_header, service, name, value);
}

ShieldHit Shields::find_in_cookies(Service service, std::string_view header) const noexcept {
    ShieldHit logged;
    while (!header.empty()) {
        const std::size_t end = std::min(header.find(';'), header.size());
        const ShieldHit hit =
            find_in_layers(in_cookie, service, {}, trimmed(header.substr(0, end), " \t"));
        if (refuses(hit)) {
            return hit;
        }
        logged = logged ? logged : hit;
        header.remove_prefix(std::min(end + 1, header.size()));
    }
    return logged;
}

ShieldHit Shields::find_in_file_name(Service service, std::string_view name) const noexcept {
    return find_in_layers(in_file, service, {}, name);
}

ShieldHit Shields::meeting_url() const noexcept {
    for (std::size_t i = 0; i < rows_.size(); i++) {
        if (rows_[i].places == in_meeturl) {
            return {static_cast<std::uint8_t>(i), false};
        }
    }
    return {};
}

} // namespace lync::policy
