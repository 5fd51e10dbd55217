# http_autodiscover: which autodiscover requests travel over plain HTTP to a pool's 8080. Nothing
# else ever does.

use LyncTest;
use LyncTest::Scene;

use File::Path qw(make_path);

# A certificate without a subject alternative name, whose common name is a lyncdiscover name.
our $CommonName = "$LyncTest::Paths::RUN/t/common-name-$$";
END { unlink "$CommonName.pem", "$CommonName.key" if $CommonName }
system("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 90 "
    . "-config /dev/null -subj /CN=lyncdiscover.contoso.com -keyout $CommonName.key -out $CommonName.pem "
    . ">$CommonName.log 2>&1") == 0 or die "openssl failed, see $CommonName.log\n";
unlink "$CommonName.log";

# A listener whose certificate has no lyncdiscover name.
our $Uncovered = <<'END';
    sip_domain   contoso.com;
    certificate  %%PKI%%/no-lyncdiscover.pem %%PKI%%/no-lyncdiscover.key;
    %%TRUSTED_CA%%
    %%POOL%%
    simple_url   meet https://meet.contoso.com;
END

# And one that has it.
our $Covered = $Uncovered =~ s/certificate  .*/%%CERTIFICATE%%/r;

# A server that repeats the request line, since phones write it in their own way.
scene phone => sub {
    my $server = server(port => port('OWN'), sub {
        my ($connection, $report) = @_;
        my $request = $connection->message;
        $report->($request->{first}, $request->all('Host'));
        $connection->write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfound");
    });

    my $client = client('http://lyncdiscover.contoso.com');
    $client->write("GET http://lyncdiscover.contoso.com?sipuri=alice\@contoso.com HTTP/1.1\r\n"
        . "Host: lyncdiscover.contoso.com\r\n\r\n");
    is($client->answer->{body}, 'found', 'a phone finds its server');
    is($server->report, 'GET /?sipuri=alice@contoso.com HTTP/1.1 lyncdiscover.contoso.com',
        'the pool reads a request line it understands');
};

repeat_each(2);
run_suite();

__DATA__

=== TEST 1: the certificate lacks the name: autodiscover goes to 8080
--- publication eval: $::Uncovered
--- request
GET http://lyncdiscover.contoso.com/?sipuri=alice@contoso.com
--- response_headers
X-Site: external
--- response_body_like
\Aexternal http fepool\.contoso\.local 127\.0\.0\.11
GET /\?sipuri=alice@contoso\.com HTTP/1\.1
Host: lyncdiscover\.contoso\.com
X-Forwarded-For: 127\.0\.0\.1
X-Forwarded-Proto: http



=== TEST 2: without a query
--- publication eval: $::Uncovered
--- request
GET http://lyncdiscover.contoso.com/
--- response_headers
X-Site: external



=== TEST 3: HEAD
--- publication eval: $::Uncovered
--- request
HEAD http://lyncdiscover.contoso.com/
--- response_headers
X-Site: external
--- response_body



=== TEST 4: by path, in any case
--- publication eval: $::Uncovered
--- request eval
["GET http://lyncdiscover.contoso.com/autodiscover/autodiscoverservice.svc/root?sipuri=a\@contoso.com",
 "GET http://lyncdiscover.contoso.com/Autodiscover/AutodiscoverService.svc/root/domain",
 "GET http://LyncDiscover.Contoso.com/AUTODISCOVER/xframe/xframe.html"]
--- response_headers eval
[("X-Site: external") x 3]
--- response_body_like eval
[qr/^GET \/autodiscover\/autodiscoverservice\.svc\/root\?sipuri=a\@contoso\.com HTTP\/1\.1$/m,
 qr/^GET \/Autodiscover\/AutodiscoverService\.svc\/root\/domain HTTP\/1\.1$/m,
 qr/^GET \/AUTODISCOVER\/xframe\/xframe\.html HTTP\/1\.1$/m]



=== TEST 5: as phones write it
--- publication
    sip_domain   contoso.com;
    certificate  %%PKI%%/no-lyncdiscover.pem %%PKI%%/no-lyncdiscover.key;
    %%TRUSTED_CA%%
    pool fepool.contoso.local {
        server                 127.0.0.11;
        external_web_services  lyncwebext.contoso.com;
        listening_ports        http=%%PORT_OWN%%;
    }
--- scene: phone



=== TEST 6: other paths of a lyncdiscover name are redirected: they may carry credentials
--- publication eval: $::Uncovered
--- request eval
["GET http://lyncdiscover.contoso.com/webticket/webticketservice.svc",
 "GET http://lyncdiscover.contoso.com/autodiscovery",
 "GET http://lyncdiscover.contoso.com/autodiscover/../abs/handler",
 "GET http://lyncdiscover.contoso.com/index.html"]
--- error_code eval
[(301) x 4]
--- response_headers eval
["Location: https://lyncdiscover.contoso.com/webticket/webticketservice.svc",
 "Location: https://lyncdiscover.contoso.com/autodiscovery",
 "Location: https://lyncdiscover.contoso.com/autodiscover/../abs/handler",
 "Location: https://lyncdiscover.contoso.com/index.html"]



=== TEST 7: so are other methods, which keep themselves
--- publication eval: $::Uncovered
--- request
POST http://lyncdiscover.contoso.com/autodiscover/autodiscoverservice.svc/root
body
--- error_code: 308
--- response_headers
Location: https://lyncdiscover.contoso.com/autodiscover/autodiscoverservice.svc/root



=== TEST 8: and autodiscover of other hosts
--- publication eval: $::Uncovered
--- request eval
["GET http://lyncwebext.contoso.com/autodiscover/autodiscoverservice.svc/root",
 "GET http://meet.contoso.com/autodiscover/autodiscoverservice.svc/root"]
--- error_code eval
[301, 301]



=== TEST 9: what is closed on https is closed here
--- publication eval: $::Uncovered
--- request eval
["GET http://lyncdiscover.contoso.com/autodiscover/../cscp/",
 "GET http://lyncdiscover.contoso.com/%63scp",
 "GET http://lyncdiscover.contoso.com/autodiscover/web.config"]
--- error_code eval
[404, 404, 404]
--- response_body_unlike eval
[(qr/external|internal/) x 3]



=== TEST 10: the certificate has the name: https it is
--- publication eval: $::Covered
--- request
GET http://lyncdiscover.contoso.com/?sipuri=alice@contoso.com
--- error_code: 301
--- response_headers
Location: https://lyncdiscover.contoso.com/?sipuri=alice@contoso.com



=== TEST 11: decided for each name by itself
--- publication
    sip_domain   contoso.com northwind.example;
    %%CERTIFICATE%%
    %%TRUSTED_CA%%
    %%POOL%%
--- request eval
["GET http://lyncdiscover.contoso.com/", "GET http://lyncdiscover.northwind.example/"]
--- error_code eval
[301, 200]



=== TEST 12: http_autodiscover on, though the certificate has the name
--- publication eval: "$::Covered    http_autodiscover on;\n"
--- request
GET http://lyncdiscover.contoso.com/?sipuri=alice@contoso.com
--- response_headers
X-Site: external



=== TEST 13: http_autodiscover off, though it hasn't
--- publication eval: "$::Uncovered    http_autodiscover off;\n"
--- request
GET http://lyncdiscover.contoso.com/?sipuri=alice@contoso.com
--- error_code: 301



=== TEST 14: a wildcard covers one label
--- publication
    sip_domain   contoso.com emea.contoso.com;
    certificate  %%PKI%%/wildcard.pem %%PKI%%/wildcard.key;
    %%TRUSTED_CA%%
    %%POOL%%
--- request eval
["GET http://lyncdiscover.contoso.com/", "GET http://lyncdiscover.emea.contoso.com/"]
--- error_code eval
[301, 200]



=== TEST 15: two certificates, each with names of its own
--- publication
    sip_domain   contoso.com xn--bro-hoa.contoso.com;
    %%CERTIFICATE%%
    certificate  %%PKI%%/idn.pem %%PKI%%/idn.key;
    %%TRUSTED_CA%%
    %%POOL%%
--- request eval
["GET http://lyncdiscover.contoso.com/", "GET http://lyncdiscover.xn--bro-hoa.contoso.com/"]
--- error_code eval
[301, 301]



=== TEST 16: an internationalised domain is the same in both spellings
--- publication
    sip_domain   büro.contoso.com;
    certificate  %%PKI%%/idn.pem %%PKI%%/idn.key;
    %%TRUSTED_CA%%
    %%POOL%%
--- request
GET http://lyncdiscover.xn--bro-hoa.contoso.com/
--- error_code: 301



=== TEST 17: a common name counts where there is no subject alternative name
--- publication eval
"   sip_domain   contoso.com;
    certificate  $::CommonName.pem $::CommonName.key;
    %%TRUSTED_CA%%
    %%POOL%%
"
--- request
GET http://lyncdiscover.contoso.com/
--- error_code: 301



=== TEST 18: sip_domain *, each name is looked up when it's asked for
--- publication
    sip_domain   *;
    %%CERTIFICATE%%
    %%TRUSTED_CA%%
    %%POOL%%
--- request eval
["GET http://lyncdiscover.contoso.com/", "GET http://LYNCDISCOVER.contoso.com/",
 "GET http://lyncdiscover.hoster.example/", "GET http://lyncdiscover.a.b.example/"]
--- error_code eval
[301, 301, 200, 200]



=== TEST 19: sip_domain * and http_autodiscover on
--- publication
    sip_domain   *;
    http_autodiscover on;
    %%CERTIFICATE%%
    %%TRUSTED_CA%%
    %%POOL%%
--- request eval
["GET http://lyncdiscover.contoso.com/", "GET http://lyncdiscover.hoster.example/"]
--- error_code eval
[200, 200]



=== TEST 20: sip_domain * publishes lyncdiscover names and no other
--- publication
    sip_domain   *;
    %%CERTIFICATE%%
    %%TRUSTED_CA%%
    %%POOL%%
--- request
GET http://lyncdiscoverinternal.hoster.example/
--- refused: closed



=== TEST 21: sip_domain *, over https
--- publication
    sip_domain   *;
    %%CERTIFICATE%%
    %%TRUSTED_CA%%
    %%POOL%%
--- request
GET https://lyncdiscover.hoster.example/?sipuri=a@hoster.example
--- response_headers
X-Site: external
--- insecure



=== TEST 22: http_listen off
--- http_config
    lync_publish contoso {
        http_listen   off;
        https_listen  127.0.0.1:%%PORT_HTTPS%%;
        sip_domain    contoso.com;
        %%CERTIFICATE%%
        %%TRUSTED_CA%%
        %%POOL%%
    }
--- request
GET https://lyncdiscover.contoso.com/
--- response_headers
X-Site: external
--- nginx_T_unlike: listen 127\.0\.0\.1:%%PORT_HTTP%%
