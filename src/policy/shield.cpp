#include "policy/shield.h"

#include "base/ascii.h"
#include "base/words.h"
#include "policy/decode.h"
#include "policy/meeting_url.h"
#include "policy/path.h"

#include <algorithm>
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
/// Those that take files, or names of files.
constexpr ServiceSet uploads =
    set_of({Service::datacollab, Service::collabcontent, Service::device_update,
            Service::conferencing, Service::persistent_chat, Service::storage});

struct PlaceWord {
    ShieldPlaces place;
    std::string_view word;
};
constexpr PlaceWord place_words[] = {
    {in_path, "path"},     {in_query, "query"},     {in_url, "url"},
    {in_header, "header"}, {in_cookie, "cookie"},   {in_file, "file"},
    {in_form, "form"},     {in_meeturl, "meeturl"}, {in_answer, "answer"},
};

/// Bytes that may be encoded, or aren't ASCII.
std::uint64_t is_of_layers(Word word) noexcept {
    return word.above_ascii() | word.is('%');
}

bool may_have_layers(std::string_view text) noexcept {
    return any_byte(text, is_of_layers);
}

/// As Windows reads a name: "\\" is "/", and blanks in front of it don't count.
void read_as_name(char* text, std::size_t& size) noexcept {
    const auto has = [&](char c) { return std::memchr(text, c, size) != nullptr; };
    if (!has('\\') && !has(' ') && !has('+')) {
        return; // nearly always
    }
    char* end = text;
    for (const char c : std::string_view(text, size)) {
        const bool leads = (c == ' ' || c == '+') && end != text && end[-1] == '=';
        *end = c == '\\' ? '/' : c;
        end += leads ? 0 : 1;
    }
    size = static_cast<std::size_t>(end - text);
}

/// Takes one layer of encoding off; false if there was none.
bool take_layer(char* text, std::size_t& size) noexcept {
    const std::size_t before = size;
    size = decode_once(text, before, Decoding::generous).size;
    return size != before;
}

/// The longest request line or header that nginx accepts here, with a path in front of it.
constexpr std::size_t max_query = max_parameters + 8192;

} // namespace

ServiceSet services_of(std::string_view word) noexcept {
    ServiceSet exchange = 0;
    for (const ExchangeService& service : exchange_services()) {
        exchange |= service_bit(service.service);
    }
    if (word == "exchange") {
        return exchange;
    }
    if (word == "all") {
        return all;
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
        if (known.word == word && known.place < in_meeturl) {
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
    if (!row.pattern.empty()) {
        shield.pattern.emplace(row.pattern);
    }
    return shield;
}

Shields::Shields(std::vector<Shield> rows) : rows_(std::move(rows)) {
    for (std::size_t i = 0; i < rows_.size(); i++) {
        const ServiceSet services = services_of(rows_[i].on);
        for (std::size_t place = 0; place < shield_place_count; place++) {
            // The policy in an answer can't be logged instead.
            if ((rows_[i].places >> place & 1) == 0 || rows_[i].action == ShieldAction::off ||
                (rows_[i].places == in_answer && rows_[i].action == ShieldAction::log)) {
                continue;
            }
            looks_[place].push_back({services, static_cast<std::uint8_t>(i)});
            for (std::size_t service = 0; service < std::size(places_); service++) {
                if ((services >> service & 1) == 0) {
                    continue;
                }
                places_[service] |= static_cast<ShieldPlaces>(1U << place);
                if (rows_[i].pattern.has_value()) {
                    const bool target = (in_target >> place & 1) != 0;
                    telltales_[service][target ? 0 : place].add(rows_[i].pattern->telltale());
                }
            }
        }
    }
}

void Shields::Telltales::add(char byte) noexcept {
    const char folded = static_cast<char>(byte | 0x20);
    const auto end = bytes.begin() + count;
    if (byte == '\0' || byte == '?' || end == bytes.end()) { // "?" joins path and query
        everywhere = true;
    } else if (std::find(bytes.begin(), end, folded) == end) {
        bytes[count++] = folded;
    }
    if (byte == '/') {
        add('\\');
    }
}

bool Shields::Telltales::stand_in(std::string_view text) const noexcept {
    return everywhere || any_byte(text, [this](Word word) {
               const Word folded = word.without(0x20);
               std::uint64_t found = is_of_layers(word) | folded.is(bytes[0]);
               for (std::size_t i = 1; i < count; i++) {
                   found |= folded.is(bytes[i]);
               }
               return found;
           });
}

/// Matches a text against the rows of a place, unless one that refuses is found already.
void Shields::look_for(ShieldHit& found, std::size_t place, Service service,
                       std::string_view header, std::string_view text) const noexcept {
    if (!look(static_cast<ShieldPlaces>(1U << place), service) || refuses(found)) {
        return;
    }
    for (const Look& look : looks_[place]) {
        const Shield& row = rows_[look.row];
        if ((look.services & service_bit(service)) == 0 || !row.pattern.has_value() ||
            (!row.header.empty() && !equal_ignore_case(row.header, header))) {
            continue;
        }
        const Pattern::Result result = row.pattern->match(text);
        if (result == Pattern::Result::no) {
            continue;
        }
        if (row.action == ShieldAction::refuse || !found) {
            found = {look.row, result == Pattern::Result::limit};
        }
        if (row.action == ShieldAction::refuse) {
            return;
        }
    }
}

ShieldHit Shields::find_in_target(Service service, std::string_view path,
                                  std::string_view query) const noexcept {
    ShieldHit found;
    const Telltales& telltales = telltales_of(service, 0);
    if (!look(in_target, service) || path.size() > max_path ||
        query.size() > max_query || // nginx takes no longer ones
        !(telltales.stand_in(path) || telltales.stand_in(query))) {
        return found;
    }
    look_for(found, place_of(in_path), service, {}, path);
    if (query.empty()) {
        look_for(found, place_of(in_url), service, {}, path);
        return found;
    }
    char text[max_path + 1 + max_query];
    char* const rest = std::copy(path.begin(), path.end(), text) + 1;
    rest[-1] = '?';
    std::copy(query.begin(), query.end(), rest);
    std::size_t size = query.size();
    const bool layers = may_have_layers(query);
    for (int i = 0; i <= max_encodings && !refuses(found); i++) {
        read_as_name(rest, size);
        look_for(found, place_of(in_query), service, {}, {rest, size});
        look_for(found, place_of(in_url), service, {}, {text, path.size() + 1 + size});
        if (!layers || !take_layer(rest, size)) {
            break;
        }
    }
    return found;
}

ShieldHit Shields::find_in_layers(ShieldPlaces where, Service service, std::string_view text,
                                  std::string_view header) const noexcept {
    ShieldHit found;
    const std::size_t place = place_of(where);
    const bool is_name = where == in_file || where == in_form;
    if ((!is_name && !may_have_layers(text)) || text.size() > max_query) {
        look_for(found, place, service, header, text);
        return found;
    }
    char layer[max_query];
    std::copy(text.begin(), text.end(), layer);
    std::size_t size = text.size();
    for (int i = 0; i <= max_encodings && !refuses(found); i++) {
        if (is_name) {
            read_as_name(layer, size);
        }
        look_for(found, place, service, header, {layer, size});
        if (!take_layer(layer, size)) {
            break;
        }
    }
    return found;
}

ShieldHit Shields::find_in_each(ShieldPlaces place, Service service, std::string_view texts,
                                char separator) const noexcept {
    ShieldHit found;
    if (!telltales_of(service, place_of(place)).stand_in(texts)) {
        return found;
    }
    while (!texts.empty() && !refuses(found)) {
        const std::string_view text = trimmed(take_until(texts, separator), " \t\v\f");
        const ShieldHit hit = find_in(place, service, text);
        found = refuses(hit) || !found ? hit : found;
    }
    return found;
}

ShieldHit Shields::give_up(ShieldPlaces place, Service service) const noexcept {
    ShieldHit found;
    for (const Look& look : looks_[place_of(place)]) {
        if ((look.services & service_bit(service)) != 0 && !refuses(found)) {
            found = {look.row, true};
        }
    }
    return found;
}

ShieldHit Shields::meeting_url() const noexcept {
    const auto row = std::ranges::find(rows_, in_meeturl, &Shield::places);
    return row == rows_.end() ? ShieldHit{}
                              : ShieldHit{static_cast<std::uint8_t>(row - rows_.begin()), false};
}

} // namespace lync::policy
