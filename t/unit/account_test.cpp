// Whom a credential names: every form that clients have, what is one account, and what can't be
// read.

#include "accounts/account.h"
#include "base/utf8.h"
#include "catch.h"
#include "ntlm_messages.h"
#include "table.h"

#include <string>

using namespace lync;
using namespace lync::accounts;
using lync::policy::AccountForm;
using lync::testing::base64;
using lync::testing::rows;
using lync::testing::type3;
using lync::testing::utf16;

namespace {

Domains contoso() {
    Domains domains;
    domains.add("CONTOSO", "contoso.com");
    domains.add("contoso.local", "contoso.com");
    return domains;
}

/// The account, "-" for nobody, "?" for what can't be read.
std::string read(AccountForm form, std::string_view written, const Domains& domains = contoso()) {
    Account account;
    switch (read_account(form, written, domains, account)) {
    case Finding::none:
        return "-";
    case Finding::unreadable:
        return "?";
    case Finding::named:
        break;
    }
    return std::string(account.text());
}

std::string ntlm(const std::string& message, const Domains& domains = contoso()) {
    return read(AccountForm::ntlm, base64(message), domains);
}

} // namespace

TEST_CASE("accounts: what is one account", "[accounts]") {
    for (const auto& [name, expected] : rows(R"(
        CONTOSO\alice            | alice@contoso.com
        contoso\ALICE            | alice@contoso.com
        contoso.com\alice        | alice@contoso.com
        contoso.local\alice      | alice@contoso.com
        alice@contoso.com        | alice@contoso.com
        Alice@CONTOSO            | alice@contoso.com
        sip:alice@contoso.com    | alice@contoso.com
        alice                    | alice@contoso.com       # the only domain there is
        .\alice                  | alice@contoso.com
        CONTOSO/alice            | alice@contoso.com
        alice@contoso.com.       | alice@contoso.com       # as DNS writes it
        CONTOSO.\alice           | alice@contoso.com
        CONTOSO\alice@fabrikam.com | alice@fabrikam.com
        FABRIKAM\alice           | alice@fabrikam          # not known to be fabrikam.com
        alice@fabrikam.com       | alice@fabrikam.com
        a@b@contoso.com          | a@b@contoso.com
        al\xc3\xafce             | alice@contoso.com       # a mark on the i
        ALI\xcc\x88CE            | alice@contoso.com       # the same, on its own
        al\xefce                 | alice@contoso.com       # the same in a code page
        \xef\xbd\x81lice         | alice@contoso.com       # full width
        \xd0\x98\xd0\xb2         | \xd0\xb8\xd0\xb2@contoso.com
        \xd0\x99\xd0\xb2         | \xd0\xb8\xd0\xb2@contoso.com  # marks on other alphabets
        \xce\x86\xce\xbd         | \xce\xb1\xce\xbd@contoso.com
        Nguy\xe1\xbb\x84n         | nguyen@contoso.com
        Stra\xc3\x9fe\xc3\x86\xc5\x93      | strasseaeoe@contoso.com  # Windows compares the letters
        \xef\xac\x81n              | fin@contoso.com
        \xe1\xbe\xb0             | \xce\xb1@contoso.com
        al\xe2\x80\x8bice        | alice@contoso.com       # nothing that is seen
        n\xc8\x9b\xc8\x99\xc6\xa1\xc7\x86  | ntsodz@contoso.com     # marks beyond U+0180
        \xe1\xb5\x8f\xe2\x82\x91n\xc2\xb2  | ken2@contoso.com       # raised, lowered
        \xe2\x85\xb9\xe2\x91\xa0      | x1@contoso.com         # numerals
        a\xcd\xb8lice\xe1\xb7\x80       | alice@contoso.com      # without weight: a mark,
        alice\xef\xb7\x90\xf0\x9f\x98\x80   | alice@contoso.com      # and what isn't assigned
        alice@conto\xcd\xb8so.com  | alice@contoso.com
        \x8aam                   | sam@contoso.com        # code page 1252
        \xc2\xa8ken               | ken@contoso.com        # a mark of its own, which has a space
        \xd2\x90\xd2\x91           | \xd2\x91\xd2\x91@contoso.com
        \xd7\xa9\xd6\xb8\xd7\x9c       | \xd7\xa9\xd7\x9c@contoso.com  # points of Hebrew
        \xe3\x82\xb1\xe3\x82\x93       | \xe3\x81\x91\xe3\x82\x93@contoso.com  # Katakana
        CONTOSO\\xe0\xa6\x95       | \xe0\xa6\x95@contoso.com  # an alphabet that isn't known
                                 | ?
        CONTOSO\                 | ?
        @contoso.com             | ?
    )")) {
        INFO(name);
        CHECK(read(AccountForm::text, name) == expected);
    }
    CHECK(read(AccountForm::text, std::string(600, 'a')) == "?");
    CHECK(read(AccountForm::text, "alice", {}) == "alice");
    CHECK(read(AccountForm::text, "CONTOSO\\alice", {}) == "alice@contoso");

    Domains two = contoso();
    two.add("FABRIKAM", "fabrikam.com");
    CHECK(read(AccountForm::text, "alice", two) == "alice"); // whose, isn't known
}

TEST_CASE("accounts: a name that has been read is read as itself", "[accounts]") {
    std::string others;
    for (std::uint32_t character = 0x80; character < 0x10000; character++) {
        char bytes[3];
        const std::string name =
            "x" + std::string(bytes, put_utf8(bytes, character)) + "x@contoso.com";
        Account once;
        Account twice;
        if (contoso().read(name, "", once) && once.text().starts_with("x") &&
            once.text().ends_with("x@contoso.com") &&
            !(contoso().read(once.text(), "", twice) && twice.text() == once.text())) {
            others += name + " ";
        }
    }
    CHECK(others == "");
}

TEST_CASE("accounts: Basic, forms and elements", "[accounts]") {
    for (const auto& [text, expected] : rows(R"(
        alice:secret             | alice@contoso.com
        CONTOSO\alice:a:b        | alice@contoso.com
        alice                    | alice@contoso.com
        :secret                  | ?
    )")) {
        CHECK(read(AccountForm::basic, base64(text)) == expected);
    }
    CHECK(read(AccountForm::basic, "YWxpY2U6eA==") == "alice@contoso.com");
    CHECK(read(AccountForm::basic, "YWxpY2U6eA") == "alice@contoso.com");
    CHECK(read(AccountForm::basic, "YWxp Y2U6eA==") == "?");
    CHECK(read(AccountForm::basic, "") == "?");
    CHECK(read(AccountForm::none, "alice") == "?");

    for (const auto& [value, expected] : rows(R"(
        alice%40contoso.com      | alice@contoso.com
        CONTOSO%5calice          | alice@contoso.com
        %41l%u0069ce             | alice@contoso.com
        +alice+                  | alice@contoso.com
        al%C3%AFce               | alice@contoso.com
        al%EFce                  | alice@contoso.com
    )")) {
        INFO(value);
        CHECK(read(AccountForm::field, value) == expected);
    }
    for (const auto& [value, expected] : rows(R"(
        &#97;lice                | alice@contoso.com
        &#x61;l&#X69;ce          | ?    # no reference of XML's
        CONTOSO&#92;alice        | alice@contoso.com
        a&amp;b                  | a&b@contoso.com
        Q09OVE9TT1xhbGljZQ==     | alice@contoso.com    # base64, as lyncsmash and clients write
        Y29udG9zb1xBTElDRQ==     | alice@contoso.com    # in another case
        Q09OVE9T T1xhbGljZQ&#61;= | alice@contoso.com
        YWxpY2U=                 | alice@contoso.com
        kenmyer1                 | kenmyer1@contoso.com  # not base64 of a text
        john                     | john@contoso.com
        a&unknown;b              | ?    # nor is it one without zeros:
        &#x0000000000000061;lice | ?
    )")) {
        INFO(value);
        CHECK(read(AccountForm::text, value) == expected);
    }
}

TEST_CASE("accounts: NTLM is found wherever it stands in SPNEGO", "[accounts]") {
    for (std::size_t before = 0; before < 48; before++) {
        INFO(before);
        CHECK(ntlm("\xa1" + std::string(before, '\x5a') +
                   type3(utf16("CONTOSO"), utf16("alice"))) == "alice@contoso.com");
    }
    const std::string ticket = base64(std::string(2001, '\x60'));
    for (std::size_t i = 1; i + 1 < ticket.size(); i++) {
        for (const char c : {'\0', ' ', '*', '=', '@', '[', '`', '{', '.', ':', '\x80', '\xff'}) {
            std::string other = ticket;
            other[i] = c;
            REQUIRE(read(AccountForm::ntlm, other) == "?");
        }
    }
    CHECK(read(AccountForm::ntlm, ticket) == "-");
}

// Nothing behind the first bytes is looked at, but they have to be Kerberos's in each element.
TEST_CASE("accounts: Kerberos", "[accounts]") {
    const auto element = [](char tag, const std::string& contents) {
        const std::size_t size = contents.size();
        return std::string{tag, '\x82', static_cast<char>(size >> 8U), static_cast<char>(size)} +
               contents;
    };
    const auto spnego = [&](const std::string& message) {
        return element(
            '\x60',
            "\x06\x06\x2b\x06\x01\x05\x05\x02" +
                element('\xa0', element('\x30', "\xa0\x02\x30" + std::string(1, '\0') +
                                                    element('\xa2', element('\x04', message)))));
    };
    const std::string kerberos = "\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02";
    const std::string ntlm_message = type3(utf16("CONTOSO"), utf16("alice"));
    const std::string ticket = element('\x60', kerberos + std::string(2000, 'x') + ntlm_message);
    CHECK(ntlm(ticket) == "-");
    CHECK(ntlm(spnego(ticket)) == "-");
    CHECK(ntlm(spnego(ntlm_message)) == "alice@contoso.com");
    CHECK(ntlm(spnego(ticket) + ntlm_message) == "?"); // there are two
    CHECK(ntlm(spnego(ticket + ntlm_message)) == "?");
    const std::string good = base64(spnego(ticket));
    for (const char c : {' ', '\t'}) {
        std::string other = good;
        other[1000] = c;
        CHECK(read(AccountForm::ntlm, other) == "?");
    }
    for (std::size_t i = 0; i < 60; i++) {
        std::string other = good;
        other[i] = '*';
        CHECK(read(AccountForm::ntlm, other) == "?");
    }
    for (std::size_t size = 0; size < 100; size++) {
        const std::string found = ntlm(spnego(ticket).substr(0, size));
        CHECK((found == "-" || found == "?"));
    }
}

TEST_CASE("accounts: NTLM", "[accounts]") {
    CHECK(ntlm(type3(utf16("CONTOSO"), utf16("alice"))) == "alice@contoso.com");
    CHECK(ntlm(type3("CONTOSO", "ALICE", false)) == "alice@contoso.com");
    CHECK(ntlm(type3("", utf16("alice@contoso.com"))) == "alice@contoso.com");
    CHECK(ntlm(type3("", utf16("alice"))) == "alice@contoso.com");
    CHECK(ntlm(type3(utf16("CONTOSO"), "")) == "-"); // a null session
    CHECK(ntlm(type3("CONTOSO",
                     std::string("al\xef"
                                 "ce"),
                     false)) == "alice@contoso.com");
    CHECK(ntlm(type3(utf16("CONTOSO"), std::string("a\0l\0\xef\0c\0e\0", 10))) ==
          "alice@contoso.com");

    // What encoding the server expects was settled before, whatever the flags say.
    CHECK(ntlm(type3("CONTOSO", "alice", true)) == "alice@contoso.com");
    CHECK(ntlm(type3(utf16("CONTOSO"), utf16("alice"), false)) == "alice@contoso.com");

    // Without the flags, as the oldest clients send it.
    CHECK(ntlm(type3(utf16("CONTOSO"), utf16("alice"), true, 52)) == "alice@contoso.com");

    // The names may lie anywhere.
    CHECK(ntlm(type3(utf16("CONTOSO"), utf16("alice"), true, 50000)) == "alice@contoso.com");

    const std::string message = type3(utf16("CONTOSO"), utf16("alice"));
    CHECK(ntlm("\xa1\x81\x80" + message + "tail") == "alice@contoso.com"); // in SPNEGO
    CHECK(ntlm("\x60\x81\x80" + message) == "alice@contoso.com");
    CHECK(ntlm("\xa1" + message + message) == "?"); // which of them counts
    CHECK(ntlm(message.substr(0, 40)) == "?");
    CHECK(ntlm(message.substr(0, message.size() - 4)) == "?");
    CHECK(ntlm(std::string("NTLMSSP\0\1\0\0\0", 12)) == "-");
    CHECK(ntlm(std::string("NTLMSSP\0", 8)) == "?");
    CHECK(ntlm("\x60\x82\x08\x00 a Kerberos ticket") == "-");
    CHECK(ntlm("\xa1\x07\x30\x05\xa0\x03\x0a\x01\x01") == "-");
    CHECK(ntlm("\xa1" + std::string(80, 'x')) == "?"); // a message that was cut up
    CHECK(read(AccountForm::ntlm, "username=\"alice\"") == "?");
    CHECK(read(AccountForm::ntlm, "") == "-");

    // Offsets that point nowhere.
    std::string wrong = message;
    wrong.replace(40, 4, "\xff\xff\xff\xff");
    CHECK(ntlm(wrong) == "?");
    wrong = message;
    wrong.replace(36, 2, "\xff\xff");
    CHECK(ntlm(wrong) == "?");
}
