// What stands where a certificate or a key should: the whole text of every refusal of a file.

#include "config/certificate.h"

#include "catch.h"
#include "certificate_files.h"
#include "config/certificate_pem.h"

#include <openssl/err.h>

#include <sys/stat.h>
#include <unistd.h>

#include <regex>

using namespace lync;
using namespace lync::config;
using namespace lync::testing;
using namespace std::literals;

TEST_CASE("the key may stand in the file of the certificate", "[certificate]") {
    const Files files;
    const auto key = rsa_key(2048);
    const auto issuer_key = ec_key();
    const auto issuer = issue(called("Issuing CA"), issuer_key.get());
    const auto leaf = issue({}, key.get(), issuer.get(), issuer_key.get());

    for (const std::string& text :
         {pem(key) + pem(leaf) + pem(issuer), pem(leaf) + pem(key) + pem(issuer),
          "Bag Attributes\n    friendlyName: x\n" + pem(leaf) + "\n\n" + pem(issuer) + pem(key)}) {
        files.directory.write("cert.pem", text);
        const Certificate loaded = load_certificate(files.certificate, files.certificate, test_now);
        CHECK(loaded.error.empty());
        CHECK(sk_X509_num(loaded.pair->intermediates.get()) == 1);
        CHECK(ERR_peek_error() == 0);
    }
}

TEST_CASE("files that can't be opened are named with the reason", "[certificate]") {
    const Files files;
    const auto key = ec_key();
    const std::string good = pem(issue({}, key.get()));

    CHECK(files.error() ==
          files.cannot_load("open() failed (2: No such file or directory), check the path"));
    files.directory.write("cert.pem", good);
    CHECK(files.error() ==
          files.cannot_load_key("open() failed (2: No such file or directory), check the path"));

    CHECK(load_certificate(files.certificate + "/x", files.key, test_now).error ==
          "cannot load certificate \"" + files.certificate +
              "/x\": open() failed (20: Not a directory), check the path");
    CHECK(load_certificate(files.directory.path(""), files.key, test_now).error ==
          "cannot load certificate \"" + files.directory.path("") +
              "\": it is a directory, write the path of a file");
    CHECK(load_certificate(files.certificate + "\0.pem"s, files.key, test_now).error ==
          files.cannot_load("the path contains the byte 0x00"));

    REQUIRE(mkfifo(files.key.c_str(), 0600) == 0); // reading it would wait for ever
    CHECK(files.error() == files.cannot_load_key("it is not a regular file"));
    std::filesystem::remove(files.key);

    files.directory.write("cert.key", "");
    std::filesystem::resize_file(files.key, 16 * 1024 * 1024 + 1);
    CHECK(files.error() ==
          files.cannot_load_key("it is 16777217 bytes long, more than the 16777216 that are read"));

    if (geteuid() != 0) { // root reads everything
        std::filesystem::permissions(files.key, std::filesystem::perms::none);
        CHECK(files.error() ==
              files.cannot_load_key("open() failed (13: Permission denied), the user that starts "
                                    "nginx must be able to read it"));
    }
}

TEST_CASE("files that hold no certificate say what they hold", "[certificate]") {
    const Files files;
    const auto key = ec_key();
    const auto certificate = issue({}, key.get());
    const std::string begin = "-----BEGIN CERTIFICATE-----";

    const auto error_of = [&](std::string_view bytes) {
        files.put(bytes, pem(key));
        return files.error();
    };

    CHECK(error_of("") == files.cannot_load("it is empty"));
    CHECK(error_of(pem(key)) == files.cannot_load("it holds a private key and no certificate"));
    CHECK(error_of("\0\x01\xff\x30\x82 garbage"sv) ==
          files.cannot_load("it is not PEM, no line in it is \"" + begin + "\""));
    CHECK(error_of("  " + pem(certificate)) ==
          files.cannot_load("\"" + begin +
                            "\" isn't a line of its own: remove what stands before it, or copy the "
                            "file again with its line breaks"));
    CHECK(error_of(std::regex_replace(pem(certificate), std::regex("\n"), ""))
              .ends_with("isn't a line of its own: remove what stands before it, or copy the file "
                         "again with its line breaks"));
    CHECK(
        error_of(der(certificate)) ==
        files.cannot_load("it is not PEM but DER, convert it with \"openssl x509 -inform DER -in " +
                          files.certificate + " -out FILE\""));

    const Owned<PKCS12> pfx(
        PKCS12_create("secret", "x", key.get(), certificate.get(), nullptr, 0, 0, 0, 0, 0));
    const std::string pfx_bytes = written([&](BIO* bio) { return i2d_PKCS12_bio(bio, pfx.get()); });
    CHECK(
        error_of(pfx_bytes) ==
        files.cannot_load("it is not PEM but PKCS#12 (PFX), convert it with \"openssl pkcs12 -in " +
                          files.certificate + " -nokeys -out FILE\""));

    // An older Windows encrypts by RC2, which this OpenSSL doesn't: 3DES with the other's number.
    const Owned<PKCS12> old(PKCS12_create("x", "x", key.get(), certificate.get(), nullptr,
                                          NID_pbe_WithSHA1And3_Key_TripleDES_CBC,
                                          NID_pbe_WithSHA1And3_Key_TripleDES_CBC, 1, 1, 0));
    std::string old_bytes = written([&](BIO* bio) { return i2d_PKCS12_bio(bio, old.get()); });
    const std::size_t number = old_bytes.find("\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x01\x03");
    REQUIRE(number != std::string::npos);
    old_bytes[number + 9] = '\x06';
    CHECK(error_of(old_bytes).ends_with(files.certificate + " -legacy -nokeys -out FILE\""));
    files.put(pem(certificate), old_bytes);
    CHECK(files.error().ends_with(files.key + " -legacy -nocerts -nodes -out FILE\""));

    // What PowerShell's ">" writes. (OpenSSL 3 itself skips a byte order mark of UTF-8.)
    CHECK(error_of("\xff\xfe" + pem(certificate)) ==
          files.cannot_load("the file is UTF-16, save it as UTF-8 without a byte order mark"));
    files.put(pem(certificate), "\xff\xfe" + pem(key));
    CHECK(files.error() ==
          files.cannot_load_key("the file is UTF-16, save it as UTF-8 without a byte order mark"));

    const Owned<PKCS7> p7(PKCS7_new());
    PKCS7_set_type(p7.get(), NID_pkcs7_signed);
    PKCS7_content_new(p7.get(), NID_pkcs7_data);
    PKCS7_add_certificate(p7.get(), certificate.get());
    CHECK(error_of(written([&](BIO* bio) { return i2d_PKCS7_bio(bio, p7.get()); })) ==
          files.cannot_load("it is not PEM but PKCS#7, convert it with \"openssl pkcs7 -inform DER "
                            "-in " +
                            files.certificate + " -print_certs -out FILE\""));
    CHECK(error_of(written([&](BIO* bio) { return PEM_write_bio_PKCS7(bio, p7.get()); })) ==
          files.cannot_load("it holds PKCS#7, convert it with \"openssl pkcs7 -in " +
                            files.certificate + " -print_certs -out FILE\""));

    const Owned<X509_REQ> request(X509_to_X509_REQ(certificate.get(), key.get(), EVP_sha256()));
    CHECK(error_of(written([&](BIO* bio) { return PEM_write_bio_X509_REQ(bio, request.get()); })) ==
          files.cannot_load("it holds a certificate request, write the certificate that the CA "
                            "made of it"));
}

TEST_CASE("damaged certificates are refused wherever they stand", "[certificate]") {
    const Files files;
    const auto key = ec_key();
    const std::string good = pem(issue({}, key.get()));
    std::string damaged = good;
    damaged.replace(damaged.size() / 2, 3, "!!!");

    files.put(damaged, pem(key));
    CHECK(files.error() ==
          files.cannot_load("certificate 1 in it is damaged, copy the file again"));
    files.put(good + damaged, pem(key));
    CHECK(files.error() ==
          files.cannot_load("certificate 2 in it is damaged, copy the file again"));
    files.put(good.substr(0, good.size() / 2), pem(key));
    CHECK(files.error() ==
          files.cannot_load("certificate 1 in it is damaged, copy the file again"));

    // An "encrypted certificate" must not ask anybody for a passphrase either.
    std::string encrypted = good;
    encrypted.insert(encrypted.find('\n') + 1, "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,"
                                               "00112233445566778899AABBCCDDEEFF\n\n");
    files.put(encrypted, pem(key));
    CHECK(files.error() ==
          files.cannot_load("certificate 1 in it is damaged, copy the file again"));
}

TEST_CASE("keys that nginx couldn't use are refused with what to do", "[certificate]") {
    const Files files;
    const auto key = rsa_key(2048);
    const auto certificate = issue({}, key.get());
    const auto error_of = [&](std::string_view key_bytes) {
        files.put(pem(certificate), key_bytes);
        return files.error();
    };
    const std::string is_encrypted = files.cannot_load_key(
        "it is encrypted and nginx can't ask for the passphrase, decrypt it with \"openssl "
        "pkey -in " +
        files.key + " -out FILE\"");

    CHECK(error_of(encrypted_pem(key, false)) == is_encrypted);
    CHECK(error_of(encrypted_pem(key, true)) == is_encrypted);
    CHECK(error_of("") == files.cannot_load_key("it is empty"));
    CHECK(error_of(pem(certificate)) ==
          files.cannot_load_key("it holds a certificate and no private key, write the certificate "
                                "first and the key second"));
    CHECK(error_of("\x30\x82\xff\xff garbage") ==
          files.cannot_load_key("it is not PEM, no line in it is \"-----BEGIN PRIVATE KEY-----\""));
    CHECK(error_of(der(key)) ==
          files.cannot_load_key("it is not PEM but DER, convert it with \"openssl pkey -inform DER "
                                "-in " +
                                files.key + " -out FILE\""));
    const std::string text = pem(key);
    CHECK(error_of(text.substr(0, text.size() / 2)) ==
          files.cannot_load_key("the private key in it is damaged or of an unknown kind, copy the "
                                "file again"));
}

TEST_CASE("any bytes get an answer and leave no errors behind", "[certificate]") {
    const Files files;
    const auto key = ec_key();
    const auto certificate = issue(names({"meet.contoso.com"}), key.get());
    const std::string good = pem(certificate);
    const std::string good_der = der(certificate);

    files.directory.write("cert.key", pem(key));
    for (std::size_t at = 0; at < good_der.size(); at += 7) {
        for (const int bit : {0, 3, 7}) {
            // Each variant once in PEM armour and once bare.
            std::string mutated = good_der;
            mutated[at] = static_cast<char>(mutated[at] ^ (1 << bit));
            files.directory.write("cert.pem", mutated);
            CHECK_FALSE(files.error().empty());

            const std::string armoured = written([&](BIO* bio) {
                return PEM_write_bio(bio, PEM_STRING_X509, "",
                                     reinterpret_cast<const unsigned char*>(mutated.data()),
                                     static_cast<long>(mutated.size())) > 0;
            });
            files.directory.write("cert.pem", armoured);
            load_certificate(files.certificate, files.key, test_now);
            load_trusted_ca(files.certificate, test_now);
            CHECK(ERR_peek_error() == 0);
        }
    }
}
