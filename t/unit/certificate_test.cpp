// What is read from a certificate, and the whole text of every refusal and warning about it.

#include "config/certificate.h"

#include "base/name_set.h"
#include "catch.h"
#include "certificate_files.h"
#include "config/certificate_on_disk.h"
#include "config/certificate_pem.h"
#include "table.h"

#include <openssl/err.h>

#include <chrono>
#include <ctime>
#include <filesystem>

using namespace lync;
using namespace lync::config;
using namespace lync::testing;
using namespace std::literals;

TEST_CASE("a certificate tells its names, dates, key and subject", "[certificate]") {
    const Files files;
    const auto key = rsa_key(2048);
    files.put(names({"LyncWebExt.contoso.com", "*.fabrikam.com"}), key);

    ERR_put_error(ERR_LIB_USER, 0, 1, "somewhere", 1); // somebody else's, left behind
    const Certificate loaded = files.load();
    CHECK(loaded.error.empty());
    CHECK(static_cast<bool>(loaded));
    CHECK(loaded.warnings.empty());
    CHECK(loaded.names == Strings{"lyncwebext.contoso.com", "*.fabrikam.com"});
    CHECK(loaded.subject == "CN=lyncwebext.contoso.com");
    CHECK(loaded.not_before == test_now - 24h);
    CHECK(loaded.not_after == test_now + std::chrono::days(365));
    CHECK(loaded.key_kind == KeyKind::rsa);
    CHECK(loaded.key_bits == 2048);
    CHECK(sk_X509_num(loaded.pair->intermediates.get()) == 0);
}

TEST_CASE("every kind of key that nginx presents is known", "[certificate]") {
    const Files files;
    const struct {
        const char* type;
        KeyKind kind;
        int bits;
        std::string_view name;
    } rows[] = {
        {"EC", KeyKind::ecdsa, 256, "ECDSA"},
        {"RSA-PSS", KeyKind::rsa_pss, 2048, "RSA-PSS"},
        {"ED25519", KeyKind::ed25519, 256, "Ed25519"},
        {"ED448", KeyKind::ed448, 456, "Ed448"},
    };
    for (const auto& row : rows) {
        INFO(row.type);
        const auto key = row.kind == KeyKind::ecdsa ? ec_key() : key_of_type(row.type);
        files.put(Request(), key);
        const Certificate loaded = files.load();
        CHECK(loaded.error.empty());
        CHECK(loaded.key_kind == row.kind);
        CHECK(loaded.key_bits == row.bits);
        CHECK(key_kind_name(loaded.key_kind) == row.name);
    }
    CHECK(key_kind_name(KeyKind::rsa) == "RSA");
    CHECK(key_kind_name(KeyKind::other) == "unknown");

    const auto strange = key_of_type("X25519");
    const auto signer = ec_key();
    const auto issuer = issue(called("CA"), signer.get());
    files.put(pem(issue({}, strange.get(), issuer.get(), signer.get())), pem(strange));
    CHECK(files.error() == "certificate \"" + files.certificate +
                               "\" has a kind of key that TLS clients don't know: have it issued "
                               "for an RSA or ECDSA key");
}

TEST_CASE("a common name, which clients ignore, doesn't count", "[certificate]") {
    const Files files;
    const auto key = ec_key();
    Request request = names({});
    for (const bool has_ip : {false, true}) {
        request.has_ip = has_ip;
        files.put(request, key);
        const Certificate loaded = files.load();
        CHECK(loaded.error.empty());
        CHECK(loaded.names.empty());
        CHECK(loaded.warnings ==
              Strings{"certificate \"" + files.certificate +
                      "\" has no subject alternative name that is a DNS name, and clients ignore "
                      "the common name: have it issued with the published names there"});
    }
}

TEST_CASE("names made to deceive cover nothing", "[certificate]") {
    const Files files;
    const auto key = ec_key();
    files.put(names({"meet.contoso.com\0.evil.example"s, "meet.contoso.com\0"s, "\0"s, "", "*",
                     "*.com", "f*.contoso.com", "meet.contoso.com.", "b\xc3\xbcro.contoso.com",
                     "meet.contoso.com\n"}),
              key);
    const Certificate loaded = files.load();
    CHECK(loaded.error.empty());
    CHECK(loaded.names == Strings{"*", "*.com", "f*.contoso.com", "meet.contoso.com."});

    NameSet set;
    for (const std::string& name : loaded.names) {
        set.add(name);
    }
    CHECK(set.entries().empty());
    CHECK_FALSE(set.covers("meet.contoso.com"));
    CHECK_FALSE(set.covers("lyncwebext.contoso.com"));

    files.put(names({"\0"s}), key);
    CHECK(files.load().names.empty());
}

TEST_CASE("five thousand names are read quickly", "[certificate]") {
    const Files files;
    const auto key = ec_key();
    std::vector<std::string> many;
    for (int i = 0; i < 5000; i++) {
        many.push_back("lyncdiscover.domain" + std::to_string(i) + ".example");
    }
    files.put(names(many), key);

    const std::clock_t start = std::clock();
    const Certificate loaded = files.load();
    CHECK(static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC < 5);
    CHECK(loaded.error.empty());
    CHECK(loaded.names == many);
}

TEST_CASE("a subject alternative name that can't be read is an error", "[certificate]") {
    const Files files;
    const auto key = ec_key();
    Request request;
    request.raw_alternative_names = "\x30\x7fgarbage";
    files.put(request, key);
    CHECK(files.error() == "certificate \"" + files.certificate +
                               "\" has a subject alternative name that can't be read: have it "
                               "issued again");
}

TEST_CASE("a subject is printed without anything unprintable", "[certificate]") {
    const Files files;
    const auto key = ec_key();
    files.put(called("B\xc3\xbcro\n\"x\""), key);
    CHECK(files.load().subject == "CN=B\\C3\\BCro\\0A\\\"x\\\"");
}

TEST_CASE("a key must belong to the first certificate", "[certificate]") {
    const Files files;
    const auto key = ec_key();
    const auto other = ec_key();
    const auto rsa = rsa_key(2048);
    const auto issuer = issue(called("Issuing CA"), other.get());
    const auto leaf = issue({}, key.get(), issuer.get(), other.get());
    const std::string start = "certificate key \"" + files.key +
                              "\" does not match certificate \"" + files.certificate + "\": ";

    files.put(pem(leaf), pem(other));
    CHECK(files.error() == start + "write the key that the certificate was requested with");
    files.put(pem(leaf), pem(rsa));
    CHECK(files.error() == start + "write the key that the certificate was requested with");
    files.put(pem(issuer) + pem(leaf), pem(key));
    CHECK(files.error() == start + "it belongs to certificate 2 of that file, which must stand "
                                   "first, with its intermediates after it");
}

TEST_CASE("dates are held against the time", "[certificate]") {
    const Files files;
    const auto key = ec_key();
    Request request;
    request.not_before = test_now - std::chrono::days(60);
    request.not_after = test_now;
    files.put(request, key);
    const std::string title = "certificate \"" + files.certificate + "\"";
    const std::string expires = title + " expires on 2026-06-15 12:00 UTC, ";

    // nginx starts all the same: it may be rebooted on the day after the last.
    const Certificate expired = files.load(test_now + 1s);
    CHECK(expired.error.empty());
    CHECK(expired.alarm == title + " expired on 2026-06-15 12:00 UTC, clients refuse it: renew it");
    CHECK(expired.warnings.empty());
    const Certificate early = files.load(test_now - std::chrono::days(60) - 1s);
    CHECK(early.error.empty());
    CHECK(early.alarm == title + " is not valid before 2026-04-16 12:00 UTC, clients refuse it: "
                                 "use another one until then, or check the clock of this system");
    CHECK(early.warnings.empty());

    // Less than a third of the sixty days is left, then less than a tenth.
    CHECK(files.load(test_now - std::chrono::days(60)).alarm.empty());
    CHECK(files.load(test_now - std::chrono::days(20)).warnings.empty());
    CHECK(files.load(test_now - std::chrono::days(20) + 1s).warnings ==
          Strings{expires + "in 19 days: renew it"});
    CHECK(files.load(test_now - std::chrono::days(6)).alarm.empty());
    CHECK(files.load(test_now - std::chrono::days(6) + 1s).warnings.empty());
    CHECK(files.load(test_now - std::chrono::days(6) + 1s).alarm ==
          expires + "in 5 days: renew it");
    CHECK(files.load(test_now - 30h).alarm == expires + "in 1 day: renew it");
    CHECK(files.load(test_now).alarm == expires + "in less than a day: renew it");
}

TEST_CASE("when a certificate has to be renewed goes by its lifetime", "[certificate]") {
    // hours of lifetime, hours left
    for (const auto& [lifetime, left, expected] : rows<3>(R"(
        4800 | 4799 | later   # 200 days
        4800 | 1600 | later
        4800 | 1599 | due
        4800 |  480 | due
        4800 |  479 | urgent
        160  |   80 | later   # short ones of six days
        160  |   54 | later
        160  |   53 | due
        160  |   24 | due
        160  |   23 | urgent
        24   |   23 | later   # a CA inside
        24   |    8 | later
        24   |    7 | urgent
        4800 |    0 | urgent
        4800 |   -1 | urgent
        0    |    0 | urgent
    )")) {
        CAPTURE(lifetime, left);
        const auto end = test_now + std::chrono::hours(std::stoi(left));
        CHECK(renewal_name(renewal_at(test_now, end - std::chrono::hours(std::stoi(lifetime)),
                                      end)) == expected);
    }
}

TEST_CASE("a file that holds another certificate by now", "[certificate]") {
    const Files files;
    const auto key = ec_key();
    const auto put = [&](int days) {
        Request request;
        request.not_before = test_now + std::chrono::days(days);
        files.put(request, key);
    };
    put(-2);
    const Certificate loaded = files.load();
    CertificateOnDisk on_disk;
    CHECK(on_disk.state() == OnDisk::unknown);
    on_disk.note_loaded(files.certificate, std::time(nullptr) - 1); // it may have changed since
    CHECK(on_disk.state() == OnDisk::unknown);
    const auto look = [&] {
        const bool read = on_disk.look(loaded, files.certificate);
        return std::string(on_disk_name(on_disk.state())) + (read ? ", read" : "");
    };
    CHECK(look() == "loaded, read");
    CHECK(look() == "loaded");
    on_disk = {};
    on_disk.note_loaded(files.certificate, std::time(nullptr) + 1);
    CHECK(look() == "loaded");
    put(-1);
    CHECK(look() == "renewed, read");
    CHECK(look() == "renewed");
    put(-3);
    CHECK(look() == "changed, read");
    files.directory.write("cert.pem", "nothing");
    CHECK(look() == "unknown, read");
    put(-1);
    CHECK(look() == "renewed, read");
    std::filesystem::remove(files.certificate);
    CHECK(look() == "unknown");
}

TEST_CASE("short RSA keys and old digests are refused", "[certificate]") {
    const Files files;
    const auto short_key = rsa_key(1024);
    const auto key = rsa_key(2048);
    const auto pss_key = key_of_type("RSA-PSS");
    const auto other = rsa_key(2048);
    const std::string title = "certificate \"" + files.certificate + "\"";

    files.put(Request(), short_key);
    CHECK(files.error() == title +
                               " has an RSA key of 1024 bits, clients need 2048: have it issued "
                               "again for a longer key");

    Request sha1;
    sha1.digest = EVP_sha1();
    files.put(sha1, key);
    CHECK(files.error() ==
          title + " is signed with SHA-1, which clients refuse: have it issued again with SHA-256");

    Request md5;
    md5.digest = EVP_md5();
    files.put(md5, key);
    CHECK(files.error() ==
          title + " is signed with MD5, which clients refuse: have it issued again with SHA-256");

    // Here the digest stands inside the parameters of the signature algorithm.
    files.put(sha1, pss_key);
    CHECK(files.error() ==
          title + " is signed with SHA-1, which clients refuse: have it issued again with SHA-256");

    // The chain: an intermediate counts, a root doesn't.
    Request old_root = called("Old Root");
    old_root.digest = EVP_sha1();
    const auto root = issue(old_root, other.get());
    Request old_issuer = called("Issuing CA");
    old_issuer.digest = EVP_sha1();
    const auto middle_key = ec_key();
    const auto middle = issue(old_issuer, middle_key.get(), root.get(), other.get());
    const auto sound_middle =
        issue(called("Issuing CA"), middle_key.get(), root.get(), other.get());
    const auto leaf = issue({}, key.get(), middle.get(), middle_key.get());

    files.put(pem(leaf) + pem(middle) + pem(root), pem(key));
    CHECK(files.error() == "intermediate certificate \"CN=Issuing CA\" in \"" + files.certificate +
                               "\" is signed with SHA-1, which clients refuse: get the current one "
                               "of the CA");
    files.put(pem(leaf) + pem(sound_middle) + pem(root), pem(key));
    CHECK(files.error().empty());
    CHECK(sk_X509_num(files.load().pair->intermediates.get()) == 2);

    const auto short_middle = issue(called("Short CA"), short_key.get(), root.get(), other.get());
    files.put(pem(leaf) + pem(short_middle), pem(key));
    CHECK(files.error() == "intermediate certificate \"CN=Short CA\" in \"" + files.certificate +
                               "\" has an RSA key of 1024 bits, clients need 2048: get the current "
                               "one of the CA");
}

TEST_CASE("an intermediate that has expired, or will before the certificate, is a warning",
          "[certificate]") {
    const Files files;
    const auto key = ec_key();
    const auto root_key = ec_key();
    const auto root = issue(called("Root"), root_key.get());
    Request expired = called("Issuing CA");
    expired.not_after = test_now - 1h;
    const auto middle = issue(expired, root_key.get(), root.get(), root_key.get());
    const auto leaf = issue({}, key.get(), middle.get(), root_key.get());
    files.put(pem(leaf) + pem(middle), pem(key));

    const Certificate loaded = files.load();
    CHECK(loaded.error.empty());
    CHECK(loaded.warnings ==
          Strings{"intermediate certificate \"CN=Issuing CA\" in \"" + files.certificate +
                  "\" expired on 2026-06-15 11:00 UTC: get the current one of the "
                  "CA"});

    Request sooner = called("Issuing CA");
    sooner.not_after = test_now + std::chrono::days(364);
    const auto short_middle = issue(sooner, root_key.get(), root.get(), root_key.get());
    files.put(pem(leaf) + pem(short_middle), pem(key));
    CHECK(files.load().warnings ==
          Strings{
              "intermediate certificate \"CN=Issuing CA\" in \"" + files.certificate +
              "\" expires on 2027-06-14 12:00 UTC, before the certificate that it vouches for: get "
              "the current one of the CA"});
}

TEST_CASE("an intermediate that the file lacks is a warning", "[certificate]") {
    const Files files;
    const auto key = ec_key();
    const auto root_key = ec_key();
    const auto root = issue(called("Issuing CA"), root_key.get());
    const auto leaf = issue({}, key.get(), root.get(), root_key.get());

    files.put(pem(leaf), pem(key));
    CHECK(files.load().error.empty());
    const Strings lacks{"certificate \"" + files.certificate +
                        "\" comes without that of its issuer \"CN=Issuing CA\", which phones "
                        "don't fetch: append it, and the other intermediates of the CA"};
    CHECK(files.load().warnings == lacks);
    files.put(pem(leaf) + pem(issue(called("Another CA"), root_key.get())), pem(key));
    CHECK(files.load().warnings == lacks);
    files.put(pem(leaf) + pem(root), pem(key));
    CHECK(files.load().warnings.empty());
    files.put(Request(), key); // self-signed
    CHECK(files.load().warnings.empty());
}

TEST_CASE("a certificate of the wrong template is a warning", "[certificate]") {
    const Files files;
    const auto key = ec_key();
    for (const auto& [extension, value, message] : rows<3>(R"(
        extendedKeyUsage | clientAuth             | isn't for servers, which clients refuse: have it issued with the extended key usage serverAuth
        extendedKeyUsage | clientAuth,serverAuth  |
        extendedKeyUsage | anyExtendedKeyUsage    |
        keyUsage         | critical,keyCertSign   | isn't for signatures, which current clients refuse: have it issued with the key usage digitalSignature
        keyUsage         | keyEncipherment        | isn't for signatures, which current clients refuse: have it issued with the key usage digitalSignature
        keyUsage         | digitalSignature       |
        basicConstraints | critical,CA:TRUE       | is a CA's own, which some clients refuse: have it issued with CA:FALSE
        basicConstraints | CA:FALSE               |
        tlsfeature       | status_request         | requires OCSP stapling (must-staple), which is off in generated servers: have it issued without
    )")) {
        CAPTURE(extension, value);
        Request request;
        request.extension = OBJ_txt2nid(extension.c_str());
        request.extension_value = value.c_str();
        files.put(request, key);
        const Certificate loaded = files.load();
        CHECK(loaded.error.empty());
        CHECK(loaded.warnings == Strings(message.empty() ? 0 : 1,
                                         "certificate \"" + files.certificate + "\" " + message));
    }
}

TEST_CASE("a key that others can read is a warning", "[certificate]") {
    const Files files;
    const auto key = ec_key();
    files.put(Request(), key);
    files.directory.permit("cert.key", 0640);
    CHECK(files.load().warnings.empty());
    files.directory.permit("cert.key", 0644);
    CHECK(files.load().error.empty());
    CHECK(files.load().warnings == Strings{"certificate key \"" + files.key +
                                           "\" can be read by every user of this system: "
                                           "\"chmod o= " +
                                           files.key + "\""});
}
