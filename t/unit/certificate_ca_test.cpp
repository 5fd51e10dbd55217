// The CAs that servers are verified against.

#include "config/certificate.h"

#include "catch.h"
#include "certificate_files.h"

#include <openssl/err.h>

using namespace lync;
using namespace lync::config;
using namespace lync::testing;
using namespace std::literals;

namespace {

class CaFile {
public:
    Directory directory;
    std::string file = directory.path("ca.pem");

    Findings load(std::chrono::sys_seconds now = test_now) const {
        Findings ca = load_trusted_ca(file, now);
        CHECK(ERR_peek_error() == 0);
        return ca;
    }
};

Request until(std::chrono::sys_seconds not_after) {
    Request request;
    request.common_names = {"contoso-CA"};
    request.not_before = test_now - std::chrono::days(400);
    request.not_after = not_after;
    return request;
}

} // namespace

TEST_CASE("a trusted CA file may hold several certificates", "[certificate]") {
    const CaFile ca;
    const auto key = rsa_key(2048);
    Request old = until(test_now + std::chrono::days(1000));
    old.digest = EVP_sha1(); // a root's signature is never looked at
    ca.directory.write("ca.pem", pem(issue(old, key.get())) + "# a comment\n" +
                                     pem(issue(until(test_now - 1h), key.get())));

    const Findings loaded = ca.load();
    CHECK(static_cast<bool>(loaded));
    CHECK(loaded.error.empty());
    CHECK(loaded.warnings.empty());
}

TEST_CASE("a trusted CA file with servers' certificates alone is remarked upon", "[certificate]") {
    const CaFile ca;
    const auto issuer_key = ec_key();
    const auto key = ec_key();
    const auto issuer = issue(called("contoso-CA"), issuer_key.get());
    const std::string server = pem(issue({}, key.get(), issuer.get(), issuer_key.get()));

    ca.directory.write("ca.pem", server + server);
    CHECK(ca.load().error.empty());
    CHECK(ca.load().warnings ==
          Strings{"trusted CA \"" + ca.file +
                  "\" holds no CA's certificate: no server can be verified against it, write "
                  "the CA that issued the servers' certificates"});
    const auto root = issue(called("contoso-Root"), issuer_key.get());
    Request request = called("contoso-Issuing");
    request.extension = NID_basic_constraints;
    request.extension_value = "critical,CA:TRUE";
    const auto issuing = issue(request, key.get(), root.get(), issuer_key.get());
    ca.directory.write("ca.pem", pem(issuing));
    CHECK(ca.load().warnings ==
          Strings{"trusted CA \"" + ca.file +
                  "\" holds no root, only the issuing CA \"CN=contoso-Issuing\": no server can "
                  "be verified against it, append the certificate of \"CN=contoso-Root\", and "
                  "so on up to the root's"});
    ca.directory.write("ca.pem", pem(issuing) + pem(root));
    CHECK(ca.load().warnings.empty());
    ca.directory.write("ca.pem", server + pem(issuer));
    CHECK(ca.load().warnings.empty());
    ca.directory.write("ca.pem", pem(issue({}, key.get()))); // a server's own, self-signed
    CHECK(ca.load().warnings.empty());
}

TEST_CASE("trusted CA files that can verify nobody are refused", "[certificate]") {
    const CaFile ca;
    const auto key = ec_key();
    const std::string start = "cannot load trusted CA \"" + ca.file + "\": ";

    CHECK(ca.load().error ==
          start + "open() failed (2: No such file or directory), check the path");
    // What else a file may be: certificate_file_test.cpp, whose reader it is.
    ca.directory.write("ca.pem", pem(key));
    CHECK(ca.load().error.starts_with(start + "it holds a private key"));
    const std::string good = pem(issue({}, key.get()));
    ca.directory.write("ca.pem", good + good.substr(0, 200));
    CHECK(ca.load().error.starts_with(start + "certificate 2 in it is damaged"));
}

TEST_CASE("trusted CAs that have all expired are an alarm", "[certificate]") {
    const CaFile ca;
    const auto key = ec_key();
    const std::string renew = ", no server can be verified: write the CA that issued the servers' "
                              "current certificates";
    const std::string expired = pem(issue(until(test_now - 1h), key.get()));
    ca.directory.write("ca.pem", expired);
    CHECK(ca.load().error.empty());
    CHECK(ca.load().alarm ==
          "trusted CA \"" + ca.file + "\" expired on 2026-06-15 11:00 UTC" + renew);
    ca.directory.write("ca.pem",
                       expired + pem(issue(until(test_now - std::chrono::days(9)), key.get())));
    const Findings both = ca.load();
    CHECK(both.alarm == "all 2 certificates of trusted CA \"" + ca.file +
                            "\" have expired, the last one on 2026-06-15 11:00 UTC" + renew);
}

TEST_CASE("a trusted CA that ends within 30 days is a warning", "[certificate]") {
    const CaFile ca;
    const auto key = ec_key();
    ca.directory.write("ca.pem",
                       pem(issue(until(test_now + std::chrono::days(29) + 1h), key.get())));
    const Findings loaded = ca.load();
    CHECK(loaded.error.empty());
    CHECK(loaded.warnings == Strings{"trusted CA \"" + ca.file +
                                     "\" expires on 2026-07-14 13:00 UTC, in 29 days: renew it"});
}
