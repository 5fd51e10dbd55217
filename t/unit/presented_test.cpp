// Which certificates are presented for a name.

#include "config/presented.h"

#include "catch.h"
#include "table.h"

#include <sstream>
#include <string>
#include <vector>

using namespace lync;
using namespace lync::config;
using lync::testing::rows;

namespace {

constexpr std::chrono::sys_seconds now{std::chrono::seconds(1000)};

/// Certificates written one after the other: "RSA 5 a.com *.b.com / EC 9 c.com", the number being
/// the seconds left; "early": not valid yet, and long from then on.
std::vector<Certificate> certificates(const std::string& text) {
    std::vector<Certificate> all;
    std::istringstream in(text);
    for (std::string word; in >> word;) {
        if (word == "/") {
            continue;
        }
        Certificate& certificate = all.emplace_back();
        certificate.key_kind = word == "RSA" ? KeyKind::rsa : KeyKind::ecdsa;
        in >> word;
        const bool early = word == "early";
        certificate.not_before = now + std::chrono::seconds(early ? 1 : -1);
        certificate.not_after = now + std::chrono::seconds(early ? 9999 : std::stoi(word));
        while (in >> word && word != "/") {
            certificate.names.push_back(word);
        }
    }
    return all;
}

template <typename Set>
std::string text_of(const Set& set) {
    std::string text;
    for (const std::uint32_t index : set) {
        text += (text.empty() ? "" : " ") + std::to_string(index);
    }
    return text;
}

} // namespace

TEST_CASE("of the certificates that cover a name one of each kind is presented", "[presented]") {
    for (const auto& [files, name, covering, presented] : rows<4>(R"(
        RSA 5 a.com                                 | a.com         | 0   | 0
        RSA 5 a.com                                 | b.com         |     | 0
        RSA 5 a.com                                 |               |     | 0
        RSA 5 a.com / RSA 5 b.com                   | A.Com         | 0   | 0
        RSA 5 a.com / RSA 5 B.COM                   | b.com         | 1   | 1
        RSA 5 a.com / RSA 5 b.com                   | c.com         |     | 0    # the first of its kind
        RSA 5 a.com / EC 5 b.com / EC 5 c.com       | d.com         |     | 0 1
        RSA 5 a.com / EC 5 a.com                    | a.com         | 0 1 | 0 1
        RSA 5 a.com / EC 5 b.com                    | a.com         | 0   | 0
        EC 5 x.a.com / RSA 5 *.a.com                | x.a.com       | 0 1 | 0 1  # each kind by itself
        RSA 9 *.a.com / RSA 5 x.a.com               | x.a.com       | 1   | 1    # exact before a wildcard
        RSA 9 *.a.com / RSA 5 x.a.com               | y.a.com       | 0   | 0
        RSA 9 *.a.com / RSA 5 x.a.com               | z.y.a.com     |     | 0
        RSA 5 a.com / RSA 9 a.com / RSA 7 a.com     | a.com         | 1   | 1    # lasts longest
        RSA 5 *.a.com / RSA 9 *.a.com               | x.a.com       | 1   | 1
        RSA 5 a.com / RSA 5 a.com                   | a.com         | 0   | 0    # then the first
        RSA -1 x.a.com / RSA 5 *.a.com              | x.a.com       | 1   | 1    # valid before expired
        RSA 5 a.com / RSA early a.com               | a.com         | 0   | 0
        RSA 5 a.com / EC -1 a.com                   | a.com         | 0   | 0    # an expired kind is left out
        RSA -5 a.com / RSA -1 a.com                 | a.com         | 1   | 1    # where there is another
        RSA -1 a.com / EC -1 a.com                  | a.com         | 0 1 | 0 1
        RSA -1 a.com / RSA 5 b.com                  | c.com         |     | 1
        RSA 5 a.com.evil *.com bad..name / RSA 5 b.com | b.com      | 1   | 1    # "*.com" covers nothing
    )")) {
        INFO(files << " for " << name);
        const PresentedCertificates choice(certificates(files), now);
        CHECK(text_of(choice.covering(name)) == covering);
        CHECK(text_of(choice.sets()[choice.set_for(name)]) == presented);
    }
}

TEST_CASE("the names of a pattern that certificates cover", "[presented]") {
    for (const auto& [files, pattern, expected] : rows<3>(R"(
        RSA 5 meet.a.com *.b.com www.c.com          | meet.*        | meet.a.com meet.b.com
        RSA 5 meet.a.com *.a.com                    | meet.*        | meet.a.com
        RSA 5 meet.x.a.com *.x.b.com                | meet.*        | meet.x.a.com meet.x.b.com
        RSA 5 meet meet. meeting.a.com              | meet.*        |
        RSA 5 meet.eu.com *.eu.com *.us.com         | meet.eu.*     | meet.eu.com
    )")) {
        INFO(files << " for " << pattern);
        std::string found;
        for (const std::string& name :
             PresentedCertificates(certificates(files), now).names_of_pattern(pattern)) {
            found += (found.empty() ? "" : " ") + name;
        }
        CHECK(found == expected);
    }
}

TEST_CASE("certificates with the same names are one set", "[presented]") {
    std::string files = "RSA 5 www.example.com";
    for (int i = 0; i < 10000; i++) {
        files += " n" + std::to_string(i) + ".example.com";
    }
    CHECK(PresentedCertificates(certificates(files), now).sets().size() == 1);
    CHECK(
        PresentedCertificates(certificates(files + " / RSA 6 n7.example.com"), now).sets().size() ==
        2);
    CHECK(PresentedCertificates().sets().size() == 1);
}
