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
    # What comes with time must not keep nginx from starting.
    {
        title       => 'an expired certificate',
        certificate => "certificate %%PKI%%/expired.pem %%PKI%%/expired.key;  # here\n",
        alarms      => 'certificate "%%PKI%%/expired.pem" expired on ' . date('expired', 'enddate')
            . ', clients refuse it: renew it in %%HERE%%',
    },
    {
        title       => 'a certificate of the future',
        certificate => "certificate %%PKI%%/not-yet-valid.pem %%PKI%%/not-yet-valid.key;  # here\n",
        alarms      => 'certificate "%%PKI%%/not-yet-valid.pem" is not valid before '
            . date('not-yet-valid', 'startdate') . ', clients refuse it: use another one until then, '
            . 'or check the clock of this system in %%HERE%%',
    },
    {
        title       => 'which certificate is presented for which name',
        certificate => join('', map { "certificate %%PKI%%/$_.pem %%PKI%%/$_.key;  # $_\n" } qw(public chain names expired)),
        more        => "simple_url meet https://meet.contoso.com https://n1.example.com https://n2.example.com;\n",
        alarms      => 'certificate "%%PKI%%/expired.pem" expired on ' . date('expired', 'enddate')
            . ', clients refuse it: renew it in %%EXPIRED%%',
        notices     => <<'END',
certificate "%%PKI%%/public.pem" (RSA) is presented for lyncwebext.contoso.com, meet.contoso.com, lyncdiscover.contoso.com in %%PUBLIC%%

certificate "%%PKI%%/chain.pem" (ECDSA) is presented for lyncwebext.contoso.com, meet.contoso.com, lyncdiscover.contoso.com in %%CHAIN%%

certificate "%%PKI%%/names.pem" (ECDSA) is presented for n1.example.com, n2.example.com in %%NAMES%%

certificate "%%PKI%%/expired.pem" (ECDSA) is presented for no name: others are better for those that it covers in %%EXPIRED%%
END
    },
    {
        title      => 'a trusted_ca that has expired',
        trusted_ca => "trusted_ca %%PKI%%/fepool-expired.pem;  # here\n",
        alarms     => 'trusted CA "%%PKI%%/fepool-expired.pem" expired on '
            . date('fepool-expired', 'enddate') . ', no server can be verified: '
            . 'write the CA that issued the servers\' current certificates in %%HERE%%',
    },
);

__DATA__

=== files of a certificate
--- file unreadable
--- refused: certificate
certificate missing.pem %%PKI%%/public.key;       | cannot load certificate "%%DIR%%/missing.pem": open() failed (2: No such file or directory)
certificate %%PKI%%/public.pem missing.key;       | cannot load certificate key "%%DIR%%/missing.key": open() failed (2: No such file or directory)
certificate %%PKI%% %%PKI%%/public.key;           | cannot load certificate "%%PKI%%": it is a directory
certificate %%PKI%%/empty.pem %%PKI%%/public.key; | cannot load certificate "%%PKI%%/empty.pem": it is empty
certificate %%PKI%%/public.pem %%PKI%%/empty.key; | cannot load certificate key "%%PKI%%/empty.key": it is empty
certificate %%PKI%%/garbage.pem %%PKI%%/public.key;   | "%%PKI%%/garbage.pem": it is not PEM
certificate nginx.conf %%PKI%%/public.key;            | "%%DIR%%/nginx.conf": it is not PEM
certificate %%PKI%%/public.pem %%PKI%%/garbage.key;   | certificate key "%%PKI%%/garbage.key": it is not PEM
certificate %%PKI%%/encrypted.pem %%PKI%%/encrypted.key;    | certificate key "%%PKI%%/encrypted.key": it is encrypted
certificate %%PKI%%/mismatched.pem %%PKI%%/mismatched.key;  | "%%PKI%%/mismatched.key" does not match certificate "%%PKI%%/mismatched.pem"
certificate %%PKI%%/public.key %%PKI%%/public.pem;    | "%%PKI%%/public.key": it holds a private key and no certificate
certificate %%PKI%%/public.pem %%PKI%%/public.pem;    | certificate key "%%PKI%%/public.pem": it holds a certificate and no private key
certificate /etc/nginx/$host.pem /etc/nginx/$host.key;    | invalid value "/etc/nginx/$host.pem" in "certificate" directive
certificate "" %%PKI%%/public.key;                    | invalid value "" in "certificate" directive ... a PEM file

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

=== two certificates
--- refused: certificate
certificate %%PKI%%/public.pem %%PKI%%/public.key;
certificate %%PKI%%/public.pem %%PKI%%/public.key;    | certificate "%%PKI%%/public.pem" is duplicate in lync_publish "contoso", the first stands at
certificate %%PKI%%/public.pem %%PKI%%/public.key;
certificate %%PKI%%/chain.pem  %%PKI%%/public.key;    | "%%PKI%%/public.key" does not match certificate "%%PKI%%/chain.pem"
certificate %%PKI%%/public.pem %%PKI%%/public.key;
certificate %%PKI%%/missing.pem %%PKI%%/public.key;   | cannot load certificate "%%PKI%%/missing.pem": open() failed
certificate %%PKI%%/public.pem %%PKI%%/public.key;
certificate %%PKI%%/empty.pem  %%PKI%%/empty.key;     | "%%PKI%%/empty.pem": it is empty

=== two of a kind, of ten thousand names, and what covers nothing
--- accepted: certificate
certificate %%PKI%%/public-ecdsa.pem %%PKI%%/public-ecdsa.key;
certificate %%PKI%%/chain.pem        %%PKI%%/chain.key;         |
certificate %%PKI%%/public.pem       %%PKI%%/public.key;
certificate %%PKI%%/names.pem        %%PKI%%/names.key;         | certificate "%%PKI%%/names.pem" covers no name of lync_publish "contoso", it is for "n1.example.com", "n2.example.com", "n3.example.com" and 9997 more: publish one of its names
certificate %%PKI%%/public.pem       %%PKI%%/public.key;
certificate %%PKI%%/idn.pem          %%PKI%%/idn.key;           | certificate "%%PKI%%/idn.pem" covers no name of lync_publish "contoso", it is for "lyncwebext.xn--bro-hoa.contoso.com", ... and 1 more: publish one of its names, or take it out

=== RSA beside ECDSA, and an intermediate certificate in the file
--- accepted: certificate
certificate %%PKI%%/public.pem       %%PKI%%/public.key;
certificate %%PKI%%/public-ecdsa.pem %%PKI%%/public-ecdsa.key;  |
certificate %%PKI%%/chain.pem %%PKI%%/chain.key;      |

=== the servers' CA
--- refused: trusted_ca
trusted_ca missing.pem;                               | cannot load trusted CA "%%DIR%%/missing.pem": open() failed (2: No such file or directory)
trusted_ca %%PKI%%/empty.pem;                         | cannot load trusted CA "%%PKI%%/empty.pem": it is empty
trusted_ca %%PKI%%/garbage.pem;                       | trusted CA "%%PKI%%/garbage.pem": it is not PEM
trusted_ca %%PKI%%/internal-ca.key;                   | trusted CA "%%PKI%%/internal-ca.key": it holds a private key
trusted_ca "";                                        | invalid value "" in "trusted_ca" directive ... a PEM file

=== a certificate of http level, which servers of plain HTTP would inherit, and load
--- before
ssl_certificate      %%PKI%%/encrypted.pem;
ssl_certificate_key  %%PKI%%/encrypted.key;
ssl_password_file    %%DIR%%/passwords;
--- file passwords
wrong
--- warns
