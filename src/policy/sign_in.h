#pragma once

// Which requests are sign-ins, and by which of the four doors. Pure: `sign_in` and `lockout`
// ask the same functions.
//
// A credential stands in the Authorization field, or in what a form, a SOAP message or the query
// says on the few paths that take one (`sign_in_body`). Tickets that the pool has given for a
// credential (X-MS-WebTicket, SAML in SOAP to other services, "Bearer cwt=...") are none.
//
// If the door isn't known, the more dangerous one is assumed: `windows` for any scheme but Bearer,
// every possible door for a body that can't be read.

#include "policy/services.h"

#include <array>
#include <bit>
#include <cstdint>
#include <string_view>

namespace lync::policy {

/// The ways into the organisation, as `sign_in` names them.
enum class Door : std::uint8_t {
    none,        ///< no credential: anonymous, a guest, or a ticket of an earlier sign-in
    windows,     ///< NTLM, Negotiate, Basic: Authorization, of whichever service
    password,    ///< tokens for a password, UsernameToken, forms
    certificate, ///< certificates of certprov, and tickets for them [MS-OCAUTHWS, 3.1 and 3.2]
    oauth,       ///< tokens of AD FS or Entra ID: Bearer, passive, Live ID
};

inline constexpr std::array doors{Door::windows, Door::password, Door::certificate, Door::oauth};

/// The word of `sign_in` and `$lync_sign_in`; "" for none.
std::string_view door_name(Door door) noexcept;

/// A set of doors; `Door::none` is in none.
using Doors = std::uint8_t;
inline constexpr Doors no_door = 0;
inline constexpr Doors all_doors = 0xf;

/// `sign_in` of a name.
struct SignInRule {
    Doors open = all_doors;
    bool reads_bodies = false; ///< the doors are named: bodies that may sign in are read
};

constexpr Doors bit(Door door) noexcept {
    return static_cast<Doors>(1U << static_cast<unsigned>(door) >> 1);
}
/// The one of a set that is written first above; none if it is empty.
constexpr Door first_of(Doors set) noexcept {
    return set == no_door ? Door::none : static_cast<Door>(std::countr_zero(set) + 1);
}

/// How the account's name is written in `SignIn::account`.
enum class AccountForm : std::uint8_t {
    none,  ///< there is none that is sure: a token says who it is, several are named, unreadable
    ntlm,  ///< base64 of an NTLM message or of SPNEGO around one: only a type 3 names an account
    basic, ///< base64 of "user:password"
    field, ///< a form's value: "+" is a space, percent escapes
    text,  ///< an element's text: character references; no CDATA, no comments
};

/// The credentials in a part of a request.
struct SignIn {
    Doors doors = no_door; ///< of each of them: one must not hide another
    AccountForm form = AccountForm::none;
    std::string_view account{}; ///< part of what was given: not decoded, nothing copied
};

/// What the Authorization field carries. nginx refuses a second one.
SignIn sign_in_of_header(std::string_view authorization) noexcept;

/// The door that a scheme belongs to, in any letter case: of a credential or of a challenge.
Door door_of_scheme(std::string_view scheme) noexcept;

/// The door of an OAuth grant of the token endpoint [UCWA, "Authentication in UCWA"]; none for
/// guests (anonmeeting).
Door door_of_grant(std::string_view grant) noexcept;

/// What kind of body, or query, may sign in. Part of a verdict: judged with the path's readings.
enum class SignInBody : std::uint8_t {
    none,
    page,      ///< a form with a password: dial-in, scheduler, meet, OWA; or with AD FS' answer
    token,     ///< a form or SOAP message to the web ticket service
    certprov,  ///< a request for a certificate
    federated, ///< passive sign-in
};

/// For a path in normal form (path.h) of a service; asked by `Site::judge`.
SignInBody sign_in_body(Service service, std::string_view path) noexcept;

/// Longer bodies are no sign-in: these requests have some kilobytes.
inline constexpr std::size_t max_sign_in_body = 65536;

/// What a request may sign in with beside its Authorization field.
struct SignInText {
    SignInBody kind = SignInBody::none; ///< of the verdict
    bool readable = true; ///< one Content-Type at most, UTF-8, no Content-Encoding; read whole
    bool posts = false;   ///< the method is POST, or there is a body
    std::string_view content_type{}; ///< "application/x-www-form-urlencoded; charset=utf-8"
    std::string_view query{};        ///< "a=b&c=d": ASP.NET's Request["x"] takes it for a form's
    std::string_view body{};         ///< empty while it isn't read
};

/// Whether the body has to be read before `sign_in_of_text` can be asked: reading is to be bounded
/// by `max_sign_in_body`, and what is longer isn't `readable`.
bool needs_body(SignInBody kind) noexcept;

/// What the body or the query carries.
SignIn sign_in_of_text(const SignInText& text) noexcept;

} // namespace lync::policy
