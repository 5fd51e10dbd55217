# Certificates, keys and CAs that would fail at the first handshake: that the block is refused, at
# which line and level. Every kind of file is in t/unit/certificate_test.cpp, the names that no
# certificate covers in t/unit/declare_checks_test.cpp.

use strict;
use warnings;

use LyncTest::ConfTest;

run_conf_tests();

__DATA__

=== files of a certificate
--- refused: certificate
certificate missing.pem %%PKI%%/public.key;       | cannot load certificate "%%DIR%%/missing.pem": open() failed (2: No such file or directory)
certificate %%PKI%%/public.pem missing.key;       | cannot load certificate key "%%DIR%%/missing.key": open() failed (2: No such file or directory)
certificate %%PKI%%/encrypted.pem %%PKI%%/encrypted.key;    | certificate key "%%PKI%%/encrypted.key": it is encrypted
certificate %%PKI%%/mismatched.pem %%PKI%%/mismatched.key;  | "%%PKI%%/mismatched.key" does not match certificate "%%PKI%%/mismatched.pem"
certificate %%PKI%%/rsa1024.pem %%PKI%%/rsa1024.key;        | certificate "%%PKI%%/rsa1024.pem" has an RSA key of 1024 bits
certificate %%PKI%%/public.pem %%PKI%%/public.key;
certificate %%PKI%%/empty.pem  %%PKI%%/empty.key;           | "%%PKI%%/empty.pem": it is empty

=== what comes with time doesn't keep nginx from starting, nor does a name that isn't covered
--- accepted: certificate
certificate %%PKI%%/20-days-left.pem %%PKI%%/20-days-left.key;   | certificate "%%PKI%%/20-days-left.pem" expires on ... in 20 days: renew it
certificate %%PKI%%/expired.pem %%PKI%%/expired.key;             | crit: certificate "%%PKI%%/expired.pem" expired on
certificate %%PKI%%/not-yet-valid.pem %%PKI%%/not-yet-valid.key; | crit: certificate "%%PKI%%/not-yet-valid.pem" is not valid before
certificate %%PKI%%/public.pem       %%PKI%%/public.key;
certificate %%PKI%%/idn.pem          %%PKI%%/idn.key;            | certificate "%%PKI%%/idn.pem" covers no name ... "lyncwebext.xn--bro-hoa.contoso.com", ... and 1 more
certificate %%PKI%%/public.pem       %%PKI%%/public.key;
certificate %%PKI%%/public-ecdsa.pem %%PKI%%/public-ecdsa.key;   |
simple_url meet https://join.contoso.com;                        # here
certificate %%PKI%%/public.pem       %%PKI%%/public.key;         | "join.contoso.com" is not covered

=== a certificate that nobody may read
--- without_dac
--- file unreadable
--- refused: certificate
certificate unreadable %%PKI%%/public.key;            | open() failed (13: Permission denied)

=== a certificate in an included file that isn't there
--- certificate
include certificates.conf;
--- file certificates.conf
certificate
    missing.pem
    missing.key;  # here
--- says
cannot load certificate "%%DIR%%/missing.pem": open() failed (2: No such file or directory), check
the path in %%HERE%%

=== the servers' CA
--- refused: trusted_ca
trusted_ca missing.pem;                               | cannot load trusted CA "%%DIR%%/missing.pem": open() failed (2: No such file or directory)
trusted_ca %%PKI%%/garbage.pem;                       | trusted CA "%%PKI%%/garbage.pem": it is not PEM

=== and where it isn't missed
--- accepted: trusted_ca
backend_verify off;                                   | "backend_verify" is off in lync_publish "contoso"
trusted_ca %%PKI%%/fepool-expired.pem;                | crit: trusted CA "%%PKI%%/fepool-expired.pem" expired on

=== a certificate of http level, which servers of plain HTTP would inherit, and load
--- before
ssl_certificate      %%PKI%%/encrypted.pem;
ssl_certificate_key  %%PKI%%/encrypted.key;
ssl_password_file    %%DIR%%/passwords;
--- file passwords
wrong
--- warns
