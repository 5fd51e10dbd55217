#include "policy/sign_in.h"

#include "base/auth_scheme.h"
#include "policy/decode.h"

#include <algorithm>
#include <cstring>

namespace lync::policy {

namespace {

constexpr std::array<std::string_view, 5> names{"", "windows", "password", "certificate", "oauth"};

constexpr std::string_view blanks = " \t\r\n";

// --- forms

/// A decoded name or value; the product has no longer names.
class Decoded {
public:
    static constexpr std::size_t most = 512;

    explicit Decoded(std::string_view encoded) noexcept {
        if (encoded.size() > most) {
            fits_ = false;
            return;
        }
        std::ranges::replace_copy(encoded, text_, '+', ' ');
        size_ = decode_once(text_, encoded.size(), Decoding::forgiving).size;
    }
    std::string_view text() const noexcept { return trimmed({text_, size_}, blanks); }
    bool fits() const noexcept { return fits_; }

private:
    char text_[most];
    std::size_t size_ = 0;
    bool fits_ = true;
};

/// Calls `field(name, value)` for each of "a=b&c=d": the name decoded, the value as it is. Of a
/// name that is longer the end counts, where ASP.NET has the page's own name of the field.
template <typename Function>
void for_each_field(std::string_view form, Function&& field) noexcept {
    while (!form.empty()) {
        std::string_view value = take_until(form, '&');
        const std::string_view name = take_until(value, '=');
        field(Decoded(name.substr(name.size() - std::min(name.size(), Decoded::most))).text(),
              value);
    }
}

/// The field or element that names the account. ASP.NET joins fields of one name, and of two
/// elements it is unknown which one counts: then no account is known. Nor is one beside another
/// credential, whose success would be taken for this one's.
class Account {
public:
    void take(std::string_view account) noexcept { account_ = count_++ == 0 ? account : ""; }
    bool is_named() const noexcept { return count_ != 0; }
    SignIn by(Doors doors, AccountForm form) const noexcept {
        return account_.empty() || doors != bit(Door::password) ? SignIn{.doors = doors}
                                                                : SignIn{doors, form, account_};
    }

private:
    std::string_view account_;
    int count_ = 0;
};

/// In a form: the credential for Windows authentication is in the header.
Door door_of_field(std::string_view value) noexcept {
    const Decoded grant(value);
    const Door door = grant.fits() ? door_of_grant(grant.text()) : Door::password;
    return door == Door::windows ? Door::none : door;
}

SignIn sign_in_of_grant(std::string_view form) noexcept {
    Doors found = no_door;
    int grants = 0; // that of a guest has no door, but an answer
    Account account;
    for_each_field(form, [&](std::string_view name, std::string_view value) {
        if (equal_ignore_case(name, "grant_type")) {
            found |= bit(door_of_field(value));
            grants++;
        } else if (equal_ignore_case(name, "username")) {
            account.take(value);
        }
    });
    return grants > 1 ? SignIn{.doors = found} : account.by(found, AccountForm::field);
}

/// The pages' own names of their fields aren't documented, and ASP.NET puts the containers' before
/// them ("ctl00$Body$txtPassword").
SignIn sign_in_of_page(std::string_view form) noexcept {
    bool signs_in = false;
    bool federated = false; // WS-Federation: the answer of AD FS
    Account user;
    Account account; // where no field is called after a user
    for_each_field(form, [&](std::string_view name, std::string_view value) {
        name = name.substr(name.rfind('$') + 1);
        if (equal_ignore_case(name, "wresult")) {
            federated = true;
        } else if (contains_ignore_case(name, "passw") || contains_ignore_case(name, "pwd")) {
            signs_in |= !value.empty();
        } else if (contains_ignore_case(name, "user")) {
            user.take(value);
        } else if (contains_ignore_case(name, "login") || contains_ignore_case(name, "account")) {
            account.take(value);
        }
    });
    const Doors found = static_cast<Doors>((signs_in ? bit(Door::password) : no_door) |
                                           (federated ? bit(Door::oauth) : no_door));
    return (user.is_named() ? user : account).by(found, AccountForm::field);
}

// --- JSON and SOAP

/// Whether a JSON object has a password among its members. Blanks at its beginning aren't trimmed:
/// that would be repeated for each colon.
bool has_password_member(std::string_view json) noexcept {
    for (std::size_t colon = json.find(':'); colon != std::string_view::npos;
         colon = json.find(':', colon + 1)) {
        const std::string_view before =
            json.substr(0, json.substr(0, colon).find_last_not_of(blanks) + 1);
        if (before.ends_with('"')) {
            const std::string_view name = before.substr(0, before.size() - 1);
            const std::size_t quote = name.rfind('"');
            const std::string_view member = name.substr(quote + 1);
            if (contains_ignore_case(member, "passw") || member.find("\\u") != member.npos ||
                name.substr(0, quote).ends_with('\\')) { // it begins before that one
                return true;
            }
        }
    }
    return false;
}

/// Calls `element(name, tag)` for each start tag: its name without a prefix, and all that follows
/// its "<". Elements in comments and CDATA sections count, too: better one too many.
template <typename Function>
void for_each_element(std::string_view xml, Function&& element) noexcept {
    for (std::size_t open = xml.find('<'); open != std::string_view::npos;
         open = xml.find('<', open + 1)) {
        const std::string_view tag = xml.substr(open + 1);
        std::string_view name = tag.substr(0, tag.find_first_of(" \t\r\n/><"));
        name.remove_prefix(name.find(':') == std::string_view::npos ? 0 : name.find(':') + 1);
        element(name, tag);
    }
}

/// A start tag without the text behind it; empty if its end isn't clear: a ">" in an attribute. It
/// ends before the next one, so each is searched once.
std::string_view start_tag(std::string_view tag) noexcept {
    const std::string_view start = tag.substr(0, tag.find_first_of("<>"));
    return tag.substr(start.size()).starts_with('>') && std::ranges::count(start, '"') % 2 == 0 &&
                   std::ranges::count(start, '\'') % 2 == 0
               ? start
               : std::string_view();
}

/// The text of an element that has nothing else in it, or nothing.
std::string_view text_of(std::string_view tag) noexcept {
    const std::string_view start = start_tag(tag);
    const std::string_view rest =
        start.empty() ? start : tag.substr(std::min(start.size() + 1, tag.size()));
    const std::size_t end = std::min(rest.find('<'), rest.size());
    return rest.substr(end).starts_with("</") ? trimmed(rest.substr(0, end), blanks) : "";
}

/// The credential in a message to the web ticket service [MS-OCAUTHWS, 3.2.4.1.1.1]: a
/// UsernameToken, a certificate that certprov has issued, or another issuer's token.
SignIn sign_in_of_soap(std::string_view xml) noexcept {
    Doors found = no_door;
    std::string_view named; // the first one: each is looked for the end of only once
    Account account;
    for_each_element(xml, [&](std::string_view name, std::string_view tag) {
        if (name == "UsernameToken") {
            found |= bit(Door::password);
        } else if (name == "Username") {
            named = named.empty() ? tag : named;
            account.take(named.data() == tag.data() ? text_of(tag) : "");
        } else if (name == "BinarySecurityToken") {
            // The token's kind is its ValueType, an attribute, if that can be read.
            const std::string_view start = start_tag(tag);
            const bool is_plain =
                contains_ignore_case(start, "valuetype") && start.find('&') == start.npos;
            found |= contains_ignore_case(start, "x509v3") || !is_plain ? bit(Door::certificate)
                                                                        : no_door;
            found |=
                !contains_ignore_case(start, "x509v3") || !is_plain ? bit(Door::oauth) : no_door;
        } else if (name == "Assertion" || name == "EncryptedData") {
            found |= bit(Door::oauth);
        }
    });
    return account.by(found, AccountForm::text);
}

bool is_text(std::string_view body) noexcept {
    return std::ranges::none_of(body, [](char c) {
        return (static_cast<unsigned char>(c) < 0x20 && blanks.find(c) == std::string_view::npos);
    });
}

bool is_xml(std::string_view body) noexcept {
    const std::string_view text =
        body.starts_with("\xef\xbb\xbf") ? body.substr(3) : body; // a byte order mark
    return trimmed(text, blanks).starts_with('<');
}

SignIn sign_in_of(SignInBody kind, std::string_view text) noexcept {
    // A text may be read in two ways: what either finds counts, and of two accounts none is known.
    SignIn found = kind == SignInBody::token ? sign_in_of_grant(text) : sign_in_of_page(text);
    const SignIn other =
        kind != SignInBody::token
            ? SignIn{.doors = has_password_member(text) ? bit(Door::password) : no_door}
        : is_xml(text) ? sign_in_of_soap(text)
                       : SignIn{};
    if (other.doors != no_door) {
        const Doors doors = found.doors | other.doors;
        found = found.doors == no_door ? other : SignIn{};
        found.doors = doors;
    }
    return found;
}

} // namespace

std::string_view door_name(Door door) noexcept {
    return names[static_cast<std::size_t>(door)];
}

Door door_of_scheme(std::string_view scheme) noexcept {
    return equal_ignore_case(scheme, "bearer") ? Door::oauth : Door::windows;
}

Door door_of_grant(std::string_view grant) noexcept {
    if (contains_ignore_case(grant, "password")) {
        return Door::password;
    }
    if (contains_ignore_case(grant, "urn:microsoft.rtc:windows")) {
        return Door::windows;
    }
    return grant.empty() || contains_ignore_case(grant, "urn:microsoft.rtc:anonmeeting")
               ? Door::none
               : Door::oauth;
}

SignIn sign_in_of_header(std::string_view authorization) noexcept {
    constexpr std::string_view ticket = "cwt="; // the pool's own [UCWA]
    const std::string_view text = trimmed(authorization, " \t");
    const std::string_view scheme = auth_scheme(text);
    const std::string_view token = trimmed(text.substr(scheme.size()), " \t");
    if (token.empty()) { // Outlook's "Bearer" asks where tokens come from
        return {};
    }
    const Door door = door_of_scheme(scheme);
    if (door == Door::oauth) {
        return {.doors = equal_ignore_case(token.substr(0, ticket.size()), ticket) ? no_door
                                                                                   : bit(door)};
    }
    return {bit(door), equal_ignore_case(scheme, "basic") ? AccountForm::basic : AccountForm::ntlm,
            token};
}

SignInBody sign_in_body(Service service, std::string_view path) noexcept {
    switch (service) {
    case Service::webticket:
        return SignInBody::token;
    case Service::certprov:
        return SignInBody::certprov;
    case Service::passiveauth:
        return SignInBody::federated;
    case Service::dialin:
    case Service::scheduler:
    case Service::meet:
    case Service::persistent_chat:
    case Service::conferencing:
        return SignInBody::page;
    // One module of Exchange takes forms under both: auth.owa, auth/owaauth.dll before 2010, and
    // auth/expiredpassword.aspx, which tries the old password and asks for no session. Attachments
    // go to other paths, which aren't to be held up.
    case Service::owa:
    case Service::exchange_admin:
        return path == "/owa" || path.find("/auth") != std::string_view::npos ? SignInBody::page
                                                                              : SignInBody::none;
    default:
        return SignInBody::none;
    }
}

bool needs_body(SignInBody kind) noexcept {
    return kind == SignInBody::page || kind == SignInBody::token;
}

SignIn sign_in_of_text(const SignInText& text) noexcept {
    switch (text.kind) {
    case SignInBody::none:
        return {};
    case SignInBody::certprov: // but for the metadata, which is asked for with GET
        return {.doors = text.posts ? bit(Door::certificate) : no_door};
    case SignInBody::federated:
        return {.doors = bit(Door::oauth)};
    case SignInBody::page:
    case SignInBody::token:
        break;
    }
    const bool readable = text.readable && is_text(text.body) &&
                          !equal_ignore_case(text.content_type.substr(0, 10), "multipart/");
    const Doors of_unreadable = bit(Door::password) | bit(Door::oauth) |
                                (text.kind == SignInBody::token ? bit(Door::certificate) : no_door);
    SignIn found = !text.posts ? SignIn{}
                   : readable  ? sign_in_of(text.kind, text.body)
                               : SignIn{.doors = of_unreadable};
    // No client has one in the query, and whether the server reads it there is unknown: its answer
    // (to OPTIONS, to a guest's grant in the body) proves nothing about an account.
    if (const Doors queried = sign_in_of(text.kind, text.query).doors; queried != no_door) {
        found = {.doors = static_cast<Doors>(found.doors | queried)};
    }
    return found;
}

} // namespace lync::policy
