#pragma once

// The accounts room: which account a credential names, and when it has failed too often. Pure;
// nothing throws or allocates once a configuration is read.
//
//     account.h    the account that a credential names
//     lockout.h    failures of an account and of a source, and what follows from them

#include "policy/sign_in.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lync::accounts {

/// An account as it is counted: "user@domain", or "user" where no domain is known. Letter case,
/// marks on letters and look-alikes don't matter, as Active Directory compares names.
class Account {
public:
    static constexpr std::size_t most = 512; ///< bytes of both parts; Active Directory has 256 + 64

    std::string_view text() const noexcept { return {text_.data(), size_}; }

private:
    friend class Domains;
    std::array<char, most> text_{};
    std::size_t size_ = 0;
};

/// Which names of a domain mean the same one: `account_domain CONTOSO=contoso.com`.
class Domains {
public:
    /// Both as an administrator writes them. `name` is what clients may say, `domain` what counts.
    void add(std::string_view name, std::string_view domain);

    /// The account of "DOMAIN\user", "user@domain" (also with "sip:" before it) or "user", UTF-8 or
    /// else a Windows code page. `domain` is that of a name that brings none itself. False if there
    /// is no user in it or it is longer than any.
    bool read(std::string_view name, std::string_view domain, Account& account) const noexcept;

private:
    bool read_folded(std::string_view user, std::string_view domain,
                     Account& account) const noexcept;
    std::string_view known(std::string_view name) const noexcept;

    std::vector<std::pair<std::string, std::string>> names_; ///< folded
    std::string usual_; ///< of names without one: the only `domain` there is; else ""
};

enum class Finding : std::uint8_t {
    none,       ///< no account is named: the start of a handshake, Kerberos, a null session
    named,      ///< a sign-in to this account
    unreadable, ///< perhaps a sign-in, in a form that no client sends
};

/// The account named by the credential that `sign_in` has found. Kerberos is no attempt: the
/// ticket's owner has given the password to the domain controller.
Finding read_account(policy::AccountForm form, std::string_view written, const Domains& domains,
                     Account& account) noexcept;

} // namespace lync::accounts
