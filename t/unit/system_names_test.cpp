// /etc/resolv.conf and /etc/hosts, as the system itself reads them.

#include "config/system_names.h"

#include "catch.h"

using namespace lync;
using namespace lync::config;

using Strings = std::vector<std::string>;

TEST_CASE("resolv.conf: name servers", "[system_names]") {
    CHECK(parse_resolv_conf("").addresses.empty());
    CHECK(parse_resolv_conf("nameserver 10.0.0.1").addresses == Strings{"10.0.0.1"});
    CHECK(parse_resolv_conf("# a comment\n"
                            "; another\n"
                            "\n"
                            "nameserver\t 10.0.0.1 # the first\r\n"
                            "nameserver 2001:db8::1\n"
                            "options ndots:2\n")
              .addresses == Strings{"10.0.0.1", "[2001:db8::1]"});
    // As many as the system asks.
    CHECK(parse_resolv_conf("nameserver 10.0.0.1\nnameserver 10.0.0.2\nnameserver 10.0.0.3\n"
                            "nameserver 10.0.0.4\n")
              .addresses == Strings{"10.0.0.1", "10.0.0.2", "10.0.0.3"});
    // What nginx couldn't use.
    CHECK(parse_resolv_conf("nameserver fe80::1%eth0\nnameserver\nnameserver dns.contoso.com\n"
                            "nameserver 10.0.0\nnameservers 10.0.0.9\n#nameserver 10.0.0.9\n")
              .addresses.empty());
}

TEST_CASE("resolv.conf: the search domain", "[system_names]") {
    CHECK(parse_resolv_conf("nameserver 10.0.0.1").search.empty());
    CHECK(parse_resolv_conf("search contoso.local fabrikam.local\n").search == "contoso.local");
    CHECK(parse_resolv_conf("domain contoso.local\n").search == "contoso.local");
    CHECK(parse_resolv_conf("domain a.local\nsearch b.local\n").search == "b.local");
    CHECK(parse_resolv_conf("search\n").search.empty());
}

TEST_CASE("hosts: whether it names a name", "[system_names]") {
    const char* hosts = "127.0.0.1\tlocalhost\n"
                        "# 10.0.0.1 fe01.contoso.local\n"
                        "10.0.0.2 fe02.contoso.local fe02 # fe03.contoso.local\r\n"
                        "  10.0.0.4   FE04.contoso.local\n"
                        "10.0.0.5\n"
                        "10.0.0.6 last";
    CHECK(hosts_file_has(hosts, "localhost"));
    CHECK(hosts_file_has(hosts, "fe02"));
    CHECK(hosts_file_has(hosts, "fe02.contoso.local"));
    CHECK(hosts_file_has(hosts, "fe04.CONTOSO.local"));
    CHECK(hosts_file_has(hosts, "last"));
    CHECK_FALSE(hosts_file_has(hosts, "fe01.contoso.local"));
    CHECK_FALSE(hosts_file_has(hosts, "fe03.contoso.local"));
    CHECK_FALSE(hosts_file_has(hosts, "10.0.0.2"));
    CHECK_FALSE(hosts_file_has(hosts, "fe0"));
    CHECK_FALSE(hosts_file_has(hosts, ""));
    CHECK_FALSE(hosts_file_has("", "localhost"));
}
