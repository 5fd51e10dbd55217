#include "accounts/account.h"

#include "base/ascii.h"
#include "base/base64.h"
#include "base/utf8.h"
#include "policy/decode.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <unicase.h>
#include <uninorm.h>
#include <unistr.h>
#include <utility>

namespace lync::accounts {

namespace {

using policy::AccountForm;

/// Text of a bounded size. Text that doesn't fit is too long for an account.
class Text {
public:
    void add(char c) noexcept {
        if (size_ < text_.size()) {
            text_[size_] = c;
        }
        size_++;
    }
    void add(std::string_view text) noexcept {
        std::ranges::for_each(text, [&](char c) { add(c); });
    }
    /// In UTF-8. Characters beyond U+FFFF, and their halves, are dropped: see `alphabets`.
    void add_character(std::uint32_t c) noexcept {
        char bytes[3];
        add({bytes, put_utf8(bytes, c)});
    }
    bool is_too_long() const noexcept { return size_ > text_.size(); }
    std::string_view view() const noexcept { return {text_.data(), is_too_long() ? 0 : size_}; }
    char* data() noexcept { return text_.data(); }
    void resize(std::size_t size) noexcept { size_ = size; }

private:
    std::array<char, Account::most> text_;
    std::size_t size_ = 0;
};

// --- what is one name

// Windows compares names without marks: the first of each row stands for the others, which Unicode
// doesn't decompose; so do the letters of ligatures.
constexpr std::string_view letters[] = {
    "aⱥ",  "bƀƃɓ", "cƈȼ", "dðƌȡɗ", "eɇ", "fƒ", "gǥɠɡ", "hħ",     "iɨ", "jɉ",  "kƙ",
    "lƚȴ", "nƞȵɲ", "oøɵ", "pƥ",    "qɋ", "rɍ", "sȿ",   "tƫƭȶʈⱦ", "vʋ", "yƴɏ", "zƶȥɀ",
};
constexpr std::pair<std::string_view, std::string_view> ligatures[] = {
    {"æ", "ae"}, {"œ", "oe"}, {"þ", "th"}};

// Letters of other alphabets, which are distinct. Windows ignores everything else when it compares
// names [MS-UCODEREF, 3.1.5.2.4]: marks, and characters not in its tables. If these counted, an
// attacker would have as many accounts as spellings.
constexpr std::array<ucs4_t, 2> alphabets[] = {
    {0xc0, 0x2af},    {0x391, 0x3c9},   {0x430, 0x481},   {0x48a, 0x513},   {0x561, 0x586},
    {0x5d0, 0x5ea},   {0x621, 0x63a},   {0x641, 0x64a},   {0x671, 0x6d3},   {0x905, 0x939},
    {0x93e, 0x94c},   {0xe01, 0xe3a},   {0xe40, 0xe46},   {0x10d0, 0x10f6}, {0x1100, 0x11ff},
    {0x3041, 0x3096}, {0x3400, 0x4db5}, {0x4e00, 0x9fa5},
};

// Letters among the bytes from 0x80 on of code page 1252.
constexpr char32_t code_page[] = {0, 0, 0, U'ƒ', 0, 0, 0, 0, 0, 0, U'Š', 0, U'Œ', 0, U'Ž', 0,
                                  0, 0, 0, 0,    0, 0, 0, 0, 0, 0, U'š', 0, U'œ', 0, U'ž', U'Ÿ'};

const std::uint8_t* as_bytes(std::string_view text) noexcept {
    return reinterpret_cast<const std::uint8_t*>(text.data());
}

/// What is beyond ASCII and in none of the tables above. Where it is kept, nothing is taken apart.
enum class Weightless : bool { dropped, kept };

void add_weighed(Text& text, std::string_view character) noexcept {
    ucs4_t c = 0;
    u8_mbtouc(&c, as_bytes(character), character.size());
    const auto* ligature =
        std::ranges::find_if(ligatures, [&](const auto& row) { return row.first == character; });
    const auto* letter = std::ranges::find_if(
        letters, [&](std::string_view row) { return row.find(character) != row.npos; });
    if (ligature != std::end(ligatures)) {
        text.add(ligature->second);
    } else if (letter != std::end(letters)) {
        text.add(letter->front());
    } else if (c >= 0x30a1 && c <= 0x30f6) { // Katakana: Hiragana
        text.add_character(c - 96);
    } else if (c < 0x80 || std::ranges::any_of(alphabets, [c](const auto& range) {
                   return c >= range[0] && c <= range[1];
               })) {
        text.add(character);
    }
}

/// A name in UTF-8, or else in code page 1252, without what stands for nothing.
Text read_text(std::string_view name) noexcept {
    const bool is_utf8 = u8_check(as_bytes(name), name.size()) == nullptr;
    Text text;
    for (const char c : name) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '%') { // nothing is escaped any more, and it stands in no name
            text.add('_');
        } else if (is_utf8 || byte < 0x80) {
            text.add(c);
        } else {
            text.add_character(byte < 0xa0 ? code_page[byte - 0x80] : byte);
        }
    }
    if (!text.is_too_long()) {
        text.resize(
            policy::decode_once(text.data(), text.view().size(), policy::Decoding::forgiving).size);
        std::replace(text.data(), text.data() + text.view().size(), '%', '_'); // its look-alikes
    }
    return text;
}

/// As Active Directory compares names, or less strictly: it finds "José" by "jose". Without memory
/// for it, no account.
Text folded(std::string_view name, Weightless weightless) noexcept {
    const Text text = read_text(name);
    const std::string_view plain = text.view();
    if (plain.empty()) {
        return text;
    }
    Text result;
    if (weightless == Weightless::kept) {
        std::ranges::for_each(plain, [&](char c) { result.add(ascii_lower(c)); });
        return result;
    }
    using Utf8 = std::unique_ptr<std::uint8_t, void (*)(void*)>;
    std::size_t size = 0;
    // Decomposed first: a superscript K has a small letter once it is a K.
    const Utf8 parts(u8_normalize(UNINORM_NFKD, as_bytes(plain), plain.size(), nullptr, &size),
                     std::free);
    const Utf8 small(parts ? u8_casefold(parts.get(), size, nullptr, UNINORM_NFKD, nullptr, &size)
                           : nullptr,
                     std::free);
    if (!small) {
        result.resize(Account::most + 1);
        return result;
    }
    const std::string_view taken{reinterpret_cast<const char*>(small.get()), size};
    for (std::string_view rest = trimmed(taken, " "); !rest.empty();) { // a mark alone has a space
        const std::size_t length = utf8_length(rest);
        add_weighed(result, rest.substr(0, length));
        rest.remove_prefix(length);
    }
    return result;
}

// --- base64

/// nginx accepts no longer header line here.
constexpr std::size_t longest_token = 72 * 1024;
using Bytes = std::array<char, longest_token / 4 * 3>;

std::string_view digits_of(std::string_view token) noexcept {
    token = trimmed(token, " \t");
    return token.substr(0, token.find_last_not_of('=') + 1);
}

std::optional<std::string_view> decoded(std::string_view token, Bytes& bytes) noexcept {
    const std::string_view digits = digits_of(token);
    return digits.size() > longest_token ? std::nullopt : decode_base64(digits, bytes.data());
}

// --- NTLM [MS-NLMP, 2.2.1.3]

constexpr std::string_view signature{"NTLMSSP\0", 8};

/// In little-endian order.
std::uint32_t number_at(std::string_view bytes, std::size_t at, std::size_t size) noexcept {
    std::uint32_t value = 0;
    for (std::size_t i = size; i-- > 0;) {
        value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
    }
    return value;
}

/// The name to which 8 bytes at `field` of a message point: UTF-16, or a code page if the flags
/// don't say Unicode. ASCII is recognised in either, since the server's reading was negotiated
/// earlier.
std::optional<Text> read_name(std::string_view message, std::size_t field, bool unicode) noexcept {
    const std::size_t length = number_at(message, field, 2);
    const std::size_t offset = number_at(message, field + 4, 4);
    if (offset > message.size() || length > message.size() - offset) {
        return std::nullopt;
    }
    const std::string_view name = message.substr(offset, length);
    const auto is_ascii = [&](std::size_t step) {
        for (std::size_t i = 0; i < length; i++) {
            if (i % step == 0 ? name[i] < 0x20 || name[i] > 0x7e : name[i] != 0) {
                return false;
            }
        }
        return length % step == 0;
    };
    const std::size_t step = is_ascii(2) ? 2 : is_ascii(1) || !unicode ? 1 : 2;
    Text text;
    for (std::size_t i = 0; i < length; i += step) {
        if (i + step <= length && step == 2) {
            text.add_character(number_at(name, i, 2));
        } else {
            text.add(name[i]);
        }
    }
    return text;
}

Finding read_authenticate(std::string_view message, const Domains& domains,
                          Account& account) noexcept {
    constexpr std::size_t domain_field = 28;
    constexpr std::size_t user_field = 36;
    constexpr std::size_t flags_field = 60;
    if (message.size() < 52) {
        return Finding::unreadable;
    }
    const bool unicode =
        message.size() < flags_field + 4 || (number_at(message, flags_field, 4) & 1) != 0;
    const auto domain = read_name(message, domain_field, unicode);
    const auto user = read_name(message, user_field, unicode);
    if (!domain || !user || domain->is_too_long() || user->is_too_long()) {
        return Finding::unreadable;
    }
    if (user->view().empty()) {
        return Finding::none;
    }
    return domains.read(user->view(), domain->view(), account) ? Finding::named
                                                               : Finding::unreadable;
}

// --- Kerberos

/// Whether a token is Kerberos's [RFC 4121, 4.1], alone or as the first in SPNEGO [RFC
/// 4178, 4.2.1], with each element extending to the end of the token. Every request may bring
/// kilobytes of it, so its beginning must show that a server finds no NTLM in it.
class KerberosToken {
public:
    bool reads(std::string_view digits) noexcept {
        constexpr std::string_view spnego = "\x06\x06\x2b\x06\x01\x05\x05\x02";
        constexpr std::string_view kerberos = "\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02";
        size_ = digits.size() * 3 / 4;
        const auto has = [digits](char c) { return digits.find(c) != std::string_view::npos; };
        return size_ >= head_.size() && !has(' ') && !has('\t') && // each is one memchr
               decode_base64(digits.substr(0, head_.size() / 3 * 4), head_.data()) && enter(0x60) &&
               (skip(kerberos) || (skip(spnego) && enter(0xa0) && enter(0x30) && begin(0xa0) &&
                                   (at_ += length_) < head_.size() && enter(0xa2) && enter(0x04) &&
                                   enter(0x60) && skip(kerberos)));
    }

private:
    /// The head of an element.
    bool begin(unsigned char tag) noexcept {
        constexpr std::size_t most = 4;
        if (at_ + most > head_.size() || byte(0) != tag) {
            return false;
        }
        const std::size_t first = byte(1);
        const std::size_t low = byte(2);
        length_ = first < 0x80 ? first : first == 0x81 ? low : low << 8 | byte(3);
        at_ += first < 0x80 ? 2 : first == 0x81 ? 3 : 4;
        return first < 0x80 || first == 0x81 || first == 0x82;
    }
    unsigned char byte(std::size_t i) const noexcept {
        return static_cast<unsigned char>(head_[at_ + i]);
    }
    bool enter(unsigned char tag) noexcept { return begin(tag) && at_ + length_ == size_; }
    bool skip(std::string_view text) noexcept {
        const bool is = at_ + text.size() <= head_.size() &&
                        std::memcmp(&head_[at_], text.data(), text.size()) == 0;
        at_ += is ? text.size() : 0;
        return is;
    }

    std::array<char, 96> head_; ///< of Windows' four mechanisms, too
    std::size_t size_ = 0;
    std::size_t at_ = 0;
    std::size_t length_ = 0;
};

/// The NTLM message, alone or anywhere in SPNEGO [RFC 4178]; unreadable if there are two, since
/// either might count.
Finding read_windows(std::string_view token, const Domains& domains, Account& account) noexcept {
    constexpr std::uint32_t authenticate = 3;
    constexpr char answer_tag = '\xa1';         // NegTokenResp, which carries the type 3
    constexpr std::size_t shortest_answer = 64; // with one in it, however it is cut
    if (KerberosToken().reads(digits_of(token))) {
        return Finding::none;
    }
    Bytes buffer;
    const auto bytes = decoded(token, buffer);
    if (!bytes) {
        return Finding::unreadable;
    }
    const std::size_t begin = bytes->find(signature);
    if (begin == std::string_view::npos) {
        return bytes->size() >= shortest_answer && bytes->front() == answer_tag
                   ? Finding::unreadable
                   : Finding::none;
    }
    const std::string_view message = bytes->substr(begin);
    if (message.size() < signature.size() + 4 ||
        message.find(signature, 1) != std::string_view::npos) {
        return Finding::unreadable;
    }
    return number_at(message, signature.size(), 4) == authenticate
               ? read_authenticate(message, domains, account)
               : Finding::none;
}

// --- the others

/// "user:password" in base64 [RFC 7617].
Text read_basic(std::string_view token) noexcept {
    Bytes buffer;
    const std::string_view bytes = decoded(token, buffer).value_or("");
    Text text;
    text.add(bytes.substr(0, bytes.find(':')));
    return text;
}

Text read_field(std::string_view value) noexcept {
    Text text;
    for (std::size_t i = 0; i < value.size();) {
        long code = 0;
        const std::size_t length = policy::escape_at(value.data() + i, value.size() - i, code);
        if (length == 6) {
            text.add_character(static_cast<std::uint32_t>(code));
        } else {
            text.add(length != 0 ? static_cast<char>(code) : value[i] == '+' ? ' ' : value[i]);
        }
        i += std::max<std::size_t>(length, 1);
    }
    return text;
}

/// A reference at the beginning of a text: its length, 0 if there is none.
std::size_t read_reference(std::string_view text, std::uint32_t& character) noexcept {
    struct Entity {
        std::string_view name;
        char character;
    };
    static constexpr Entity entities[] = {
        {"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}};
    const std::size_t end = text.substr(0, 16).find(';');
    if (end == std::string_view::npos) {
        return 0;
    }
    const std::string_view name = text.substr(1, end - 1);
    for (const Entity& entity : entities) {
        if (entity.name == name) {
            character = static_cast<unsigned char>(entity.character);
            return end + 1;
        }
    }
    const bool hex = name.starts_with("#x");
    if (!name.starts_with('#')) {
        return 0;
    }
    const char* const last = name.data() + name.size();
    const auto [behind, error] =
        std::from_chars(name.data() + (hex ? 2 : 1), last, character, hex ? 16 : 10);
    return error == std::errc() && behind == last ? end + 1 : 0;
}

/// Empty if an "&" can't be read: an entity of the document's own, a number with many zeros.
Text read_element(std::string_view written) noexcept {
    Text text;
    for (std::size_t i = 0; i < written.size();) {
        std::uint32_t character = 0;
        const std::size_t length =
            written[i] == '&' ? read_reference(written.substr(i), character) : 0;
        if (length == 0 && written[i] == '&') {
            return {};
        }
        if (length == 0) {
            text.add(written[i++]);
        } else {
            text.add_character(character);
            i += length;
        }
    }
    return text;
}

/// Clients of the web ticket service send the name in base64 or plain, and the server accepts
/// either. If these, or the case of base64, made a difference, an attacker would have as many
/// accounts as spellings. White space is ignored.
Text read_base64_or_plain(const Text& name) noexcept {
    Text digits;
    for (const char c : name.view()) {
        if (std::string_view(" \t\r\n").find(c) == std::string_view::npos) {
            digits.add(c);
        }
    }
    std::array<char, Account::most> buffer;
    const auto bytes = decode_base64(digits_of(digits.view()), buffer.data());
    const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20; };
    if (!bytes || digits.view().size() % 4 != 0 || std::ranges::any_of(*bytes, is_control) ||
        u8_check(as_bytes(*bytes), bytes->size()) != nullptr) {
        return name;
    }
    Text text;
    text.add(*bytes);
    return text;
}

} // namespace

void Domains::add(std::string_view name, std::string_view domain) {
    const Text folded_name = folded(name, Weightless::dropped);
    const Text folded_domain = folded(domain, Weightless::dropped);
    const std::string means(folded_domain.view());
    usual_ = names_.empty() || usual_ == means ? means : "";
    names_.emplace_back(folded_name.view(), means);
}

std::string_view Domains::known(std::string_view name) const noexcept {
    if (name.empty()) {
        return usual_;
    }
    const auto found = std::ranges::find(names_, name, &std::pair<std::string, std::string>::first);
    return found == names_.end() ? name : std::string_view(found->second);
}

bool Domains::read_folded(std::string_view user, std::string_view domain,
                          Account& account) const noexcept {
    if (user.starts_with("sip:")) {
        user.remove_prefix(4);
    }
    if (const std::size_t slash = user.find_first_of("\\/"); slash != std::string_view::npos) {
        domain = user.substr(0, slash);
        user.remove_prefix(slash + 1);
    }
    if (const std::size_t at = user.rfind('@'); at != std::string_view::npos) {
        domain = user.substr(at + 1);
        user = user.substr(0, at);
    }
    user = trimmed(user, " ");
    domain = known(trimmed(domain, " .")); // "." is this machine, "contoso.com." the same domain
    if (user.empty() || user.size() + 1 + domain.size() > Account::most) {
        return false;
    }
    char* out = std::ranges::copy(user, account.text_.data()).out;
    if (!domain.empty()) {
        *out++ = '@';
        out = std::ranges::copy(domain, out).out;
    }
    account.size_ = static_cast<std::size_t>(out - account.text_.data());
    return true;
}

bool Domains::read(std::string_view name, std::string_view domain,
                   Account& account) const noexcept {
    // A name that has nothing else is in an alphabet that isn't known here.
    return std::ranges::any_of(std::array{Weightless::dropped, Weightless::kept}, [&](auto which) {
        const Text user = folded(name, which);
        const Text where = folded(domain, which);
        return !user.is_too_long() && !where.is_too_long() &&
               read_folded(user.view(), where.view(), account);
    });
}

Finding read_account(AccountForm form, std::string_view written, const Domains& domains,
                     Account& account) noexcept {
    Text name;
    switch (form) {
    case AccountForm::none:
        return Finding::unreadable;
    case AccountForm::ntlm:
        return read_windows(written, domains, account);
    case AccountForm::basic:
        name = read_basic(written);
        break;
    case AccountForm::field:
        name = read_field(written);
        break;
    case AccountForm::text:
        name = read_base64_or_plain(read_element(written));
        break;
    }
    return !name.is_too_long() && domains.read(name.view(), "", account) ? Finding::named
                                                                         : Finding::unreadable;
}

} // namespace lync::accounts
