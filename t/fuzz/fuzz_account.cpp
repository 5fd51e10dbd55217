// Asks whom a credential names, in each form: the first byte says which. Another spelling of the
// same name is the same account, and what is read is read again as itself.

#include "accounts/account.h"
#include "base/ascii.h"
#include "frame.h"

#include <algorithm>
#include <cctype>
#include <cstring>
#include <string>

using namespace lync;
using accounts::Finding;
using policy::AccountForm;

FUZZ(written) {
    const auto form = static_cast<AccountForm>(fuzz::choice(written) % 5);
    static const accounts::Domains domains = [] {
        accounts::Domains made;
        made.add("CONTOSO", "contoso.com");
        return made;
    }();
    accounts::Account account;
    if (accounts::read_account(form, written, domains, account) != Finding::named) {
        return;
    }
    const std::string text(account.text());
    fuzz::require(!text.empty() && text.size() <= accounts::Account::most, "a name has a size",
                  written);
    fuzz::require(std::ranges::none_of(text, [](char c) { return c >= 'A' && c <= 'Z'; }),
                  "letter case doesn't matter", written);

    accounts::Account again;
    const bool plain = text.find_first_of("\\/") == std::string::npos &&
                       text.find('@') == text.rfind('@') && !text.starts_with("sip:");
    fuzz::require(!plain || (domains.read(text, "", again) && again.text() == text),
                  "a name that was read is the same one", text);
    if (form == AccountForm::text) {
        std::string upper(written);
        // Base64 in capitals is base64 of another text.
        const bool may_be_base64 = std::ranges::all_of(upper, [](char c) {
            return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
                   std::strchr("+/= \t\r\n", c) != nullptr;
        });
        if (upper.find('&') == std::string::npos && !may_be_base64) {
            std::ranges::transform(upper, upper.begin(), [](char c) {
                return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
            });
            fuzz::require(accounts::read_account(form, upper, domains, again) == Finding::named &&
                              again.text() == text,
                          "a name in capitals is the same one", written);
        }
    }
}
