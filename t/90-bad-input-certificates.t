# Certificates, keys and CAs that would fail at the first handshake. Every kind of file is tested in
# t/unit/certificate_test.cpp; here is that the block is refused, and with which line.

use strict;
use warnings;

use LyncTest::ConfTest;
use LyncTest::Paths;

system("$LyncTest::Paths::SOURCE/t/pki", $LyncTest::Paths::PKI) == 0
    or die "the certificates for the tests can't be made\n";

# A date of a certificate as messages write it.
sub date {
    my ($name, $which) = @_;
    my ($date) = `openssl x509 -noout -$which -in $LyncTest::Paths::PKI/$name.pem` =~ /=(.*)/;
    my ($month, $day, $time, $year) = split ' ', $date;
    my %month;
    @month{qw(Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec)} = 1 .. 12;
    return sprintf '%d-%02d-%02d %s UTC', $year, $month{$month}, $day, substr $time, 0, 5;
}

sub certificate {
    my ($title, $name, $why) = @_;
    return {
        title       => $title,
        certificate => "certificate %%PKI%%/$name.pem %%PKI%%/$name.key;  # here\n",
        says        => "certificate \"%%PKI%%/$name.pem\" $why in %%HERE%%",
    };
}

run_conf_tests(
    certificate('an expired certificate', 'expired',
        'expired on ' . date('expired', 'enddate') . ': renew it'),
    certificate('a certificate of the future', 'not-yet-valid',
        'is not valid before ' . date('not-yet-valid', 'startdate')
            . ': use another one until then, or check the clock of this system'),
    certificate('an RSA key of 1024 bits', 'rsa1024',
        'has an RSA key of 1024 bits, clients need 2048: have it issued again for a longer key'),
    certificate('a certificate signed with SHA-1', 'sha1',
        'is signed with SHA-1, which clients refuse: have it issued again with SHA-256'),
    {
        title       => 'a certificate of 20 days more',
        certificate => "certificate %%PKI%%/20-days-left.pem %%PKI%%/20-days-left.key;  # here\n",
        warns       => 'certificate "%%PKI%%/20-days-left.pem" expires on '
            . date('20-days-left', 'enddate') . ', in 20 days: renew it in %%HERE%%',
    },
    {
        title      => 'a trusted_ca that has expired',
        trusted_ca => "trusted_ca %%PKI%%/fepool-expired.pem;  # here\n",
        says       => 'trusted CA "%%PKI%%/fepool-expired.pem" expired on '
            . date('fepool-expired', 'enddate')
            . ': write the CA that issued the servers\' current certificates in %%HERE%%',
    },
);

__DATA__

# --- files

=== a certificate that isn't there
--- certificate
certificate missing.pem %%PKI%%/public.key;  # here
--- says
cannot load certificate "%%DIR%%/missing.pem": open() failed (2: No such file or directory), check
the path in %%HERE%%

=== a key that isn't there
--- certificate
certificate %%PKI%%/public.pem missing.key;  # here
--- says
cannot load certificate key "%%DIR%%/missing.key": open() failed (2: No such file or directory),
check the path in %%HERE%%

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

=== a certificate that nobody may read
--- without_dac
--- certificate
certificate unreadable %%PKI%%/public.key;  # here
--- file unreadable
--- says
cannot load certificate "%%DIR%%/unreadable": open() failed (13: Permission denied), the user that
starts nginx must be able to read it in %%HERE%%

=== a directory
--- certificate
certificate %%PKI%% %%PKI%%/public.key;  # here
--- says
cannot load certificate "%%PKI%%": it is a directory, write the path of a file in %%HERE%%

=== an empty certificate
--- certificate
certificate %%PKI%%/empty.pem %%PKI%%/public.key;  # here
--- says
cannot load certificate "%%PKI%%/empty.pem": it is empty in %%HERE%%

=== an empty key
--- certificate
certificate %%PKI%%/public.pem %%PKI%%/empty.key;  # here
--- says
cannot load certificate key "%%PKI%%/empty.key": it is empty in %%HERE%%

=== a certificate that is garbage
--- certificate
certificate %%PKI%%/garbage.pem %%PKI%%/public.key;  # here
--- says
cannot load certificate "%%PKI%%/garbage.pem": it is not PEM, no line in it is "-----BEGIN
CERTIFICATE-----" in %%HERE%%

=== a certificate that is nginx.conf
--- certificate
certificate nginx.conf %%PKI%%/public.key;  # here
--- says
cannot load certificate "%%DIR%%/nginx.conf": it is not PEM, no line in it is "-----BEGIN
CERTIFICATE-----" in %%HERE%%

=== a key that is garbage
--- certificate
certificate %%PKI%%/public.pem %%PKI%%/garbage.key;  # here
--- says
cannot load certificate key "%%PKI%%/garbage.key": it is not PEM, no line in it is "-----BEGIN
PRIVATE KEY-----" in %%HERE%%

=== an encrypted key
--- certificate
certificate %%PKI%%/encrypted.pem %%PKI%%/encrypted.key;  # here
--- says
cannot load certificate key "%%PKI%%/encrypted.key": it is encrypted and nobody is there to type the
passphrase, decrypt it with "openssl pkey -in %%PKI%%/encrypted.key -out FILE" in %%HERE%%

=== the key of another certificate
--- certificate
certificate %%PKI%%/mismatched.pem %%PKI%%/mismatched.key;  # here
--- says
certificate key "%%PKI%%/mismatched.key" does not match certificate "%%PKI%%/mismatched.pem": write
the key that the certificate was requested with in %%HERE%%

=== certificate and key exchanged
--- certificate
certificate %%PKI%%/public.key %%PKI%%/public.pem;  # here
--- says
cannot load certificate "%%PKI%%/public.key": it holds a private key and no certificate in %%HERE%%

=== the certificate for a key
--- certificate
certificate %%PKI%%/public.pem %%PKI%%/public.pem;  # here
--- says
cannot load certificate key "%%PKI%%/public.pem": it holds a certificate and no private key, write
the certificate first and the key second in %%HERE%%

=== a path with a variable
--- certificate
certificate /etc/nginx/$host.pem /etc/nginx/$host.key;  # here
--- says
invalid value "/etc/nginx/$host.pem" in "certificate" directive of lync_publish "contoso": it is the
path of a PEM file in %%HERE%%

=== an empty path
--- certificate
certificate "" %%PKI%%/public.key;  # here
--- says
invalid value "" in "certificate" directive of lync_publish "contoso": it is the path of a PEM file
in %%HERE%%


# --- several

=== two certificates with the same kind of key
--- certificate
certificate %%PKI%%/public-ecdsa.pem %%PKI%%/public-ecdsa.key;
certificate %%PKI%%/chain.pem %%PKI%%/chain.key;  # here
--- says
certificate "%%PKI%%/chain.pem" has the same kind of key (ECDSA) as another one of lync_publish
"contoso": a listener presents one certificate of each kind in %%HERE%%

=== RSA beside ECDSA
--- certificate
certificate %%PKI%%/public.pem       %%PKI%%/public.key;
certificate %%PKI%%/public-ecdsa.pem %%PKI%%/public-ecdsa.key;
--- warns

=== the second of two is wrong
--- certificate
certificate %%PKI%%/public.pem %%PKI%%/public.key;
certificate %%PKI%%/empty.pem  %%PKI%%/empty.key;  # here
--- says
cannot load certificate "%%PKI%%/empty.pem": it is empty in %%HERE%%


# --- names that they don't cover

=== a published name that isn't in the certificate
--- pool
pool fepool.contoso.local {
    external_web_services webext.contoso.com;  # here
    server 10.0.0.11;
}
--- warns
"webext.contoso.com" is not covered by a certificate of lync_publish "contoso": clients refuse it,
add the name to the certificate's subject alternative names in %%HERE%%

=== a common name beside subject alternative names covers nothing
--- certificate
certificate %%PKI%%/cn-ignored.pem %%PKI%%/cn-ignored.key;
--- more
http_autodiscover off;
--- sip_domain
sip_domain contoso.com;  # domain
--- pool
pool fepool.contoso.local {
    external_web_services lyncwebext.contoso.com;  # here
    server 10.0.0.11;
}
--- warns
"lyncwebext.contoso.com" is not covered by a certificate of lync_publish "contoso": clients refuse
it, add the name to the certificate's subject alternative names in %%HERE%%

"lyncdiscover.contoso.com" is not covered by a certificate of lync_publish "contoso": phones drop
the connection, add the name to the certificate's subject alternative names or set
"http_autodiscover" to "auto" in %%DOMAIN%%

=== a lyncdiscover name that isn't in the certificate
--- certificate
certificate %%PKI%%/no-lyncdiscover.pem %%PKI%%/no-lyncdiscover.key;
--- sip_domain
sip_domain contoso.com;  # here
--- warns
"lyncdiscover.contoso.com" is not covered by a certificate of lync_publish "contoso": clients find
it over plain HTTP only (http_autodiscover auto), add the name to the certificate's subject
alternative names for https in %%HERE%%

=== a simple URL that isn't in the certificate
--- more
simple_url meet  https://join.contoso.com;  # here
simple_url admin https://lsadmin.contoso.com;
--- warns
"join.contoso.com" is not covered by a certificate of lync_publish "contoso": clients refuse it, add
the name to the certificate's subject alternative names in %%HERE%%

=== an intermediate certificate in the file
--- certificate
certificate %%PKI%%/chain.pem %%PKI%%/chain.key;
--- warns


# --- the servers' CA

=== a trusted_ca that isn't there
--- trusted_ca
trusted_ca missing.pem;  # here
--- says
cannot load trusted CA "%%DIR%%/missing.pem": open() failed (2: No such file or directory), check the
path in %%HERE%%

=== an empty trusted_ca
--- trusted_ca
trusted_ca %%PKI%%/empty.pem;  # here
--- says
cannot load trusted CA "%%PKI%%/empty.pem": it is empty in %%HERE%%

=== a trusted_ca that is garbage
--- trusted_ca
trusted_ca %%PKI%%/garbage.pem;  # here
--- says
cannot load trusted CA "%%PKI%%/garbage.pem": it is not PEM, no line in it is "-----BEGIN
CERTIFICATE-----" in %%HERE%%

=== a trusted_ca that is a key
--- trusted_ca
trusted_ca %%PKI%%/internal-ca.key;  # here
--- says
cannot load trusted CA "%%PKI%%/internal-ca.key": it holds a private key and no certificate in
%%HERE%%

=== an empty path of a trusted_ca
--- trusted_ca
trusted_ca "";  # here
--- says
invalid value "" in "trusted_ca" directive of lync_publish "contoso": it is the path of a PEM file
in %%HERE%%

=== a certificate of http level, which servers of plain HTTP would inherit, and load
--- before
ssl_certificate      %%PKI%%/encrypted.pem;
ssl_certificate_key  %%PKI%%/encrypted.key;
ssl_password_file    %%DIR%%/passwords;
--- file passwords
wrong
--- warns
