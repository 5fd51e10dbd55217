# unknown_host: who answers for names that nobody publishes.

use LyncTest;
use LyncTest::Scene;

our $Contoso = <<'END';
        sip_domain contoso.com;
        %%CERTIFICATE%%
        %%TRUSTED_CA%%
        %%POOL%%
END

our $Publication = <<"END";
    lync_publish contoso {
        %%SOCKETS%%
$Contoso
    }
END

our $Ignoring = $Publication =~ s/(?=%%CERTIFICATE)/unknown_host ignore;\n        /r;

our $Fabrikam = <<'END';
    lync_publish fabrikam {
        %%SOCKETS%%
        sip_domain fabrikam.com;
        %%CERTIFICATE%%
        %%TRUSTED_CA%%
        pool fepool2.fabrikam.local {
            server                 127.0.0.12;
            external_web_services  lyncwebext.fabrikam.com;
            %%PORTS%%
        }
    }
END

# As in Debian's sites-enabled/default, or as somebody else's server.
sub foreign {
    my ($default) = @_;
    return <<"END";
    server {
        listen               127.0.0.1:%%PORT_HTTP%% $default;
        listen               127.0.0.1:%%PORT_HTTPS%% ssl $default;
        server_name          www.contoso.com;
        ssl_certificate      %%PKI%%/wildcard.pem;
        ssl_certificate_key  %%PKI%%/wildcard.key;
        return               200 foreign;
    }
END
}

our $Foreign = foreign('');
our $Default = foreign('default_server');

# Closed without a byte, on a connection that has been of use before, too.
scene 'nor does a connection that has served one', sub {
    my $client = client('https://lyncwebext.contoso.com');
    is($client->ask('GET /abs/handler')->answer->{status}, 200, 'a published name');
    $client->write("GET /abs/handler HTTP/1.1\r\nHost: www.example\r\n\r\n");
    ok($client->is_closed, 'then another one: closed');
    is($client->{buffer}, '', 'without a byte');
};

# The notices of a load, whole.
scene notices => sub {
    my ($block) = @_;
    open my $in, '<', $Test::Nginx::Util::ConfFile or die "no configuration: $!\n";
    my $line;
    while (<$in>) {
        $line = $. if /listen .*default_server;/ && !$line;
    }
    # The number of the line where the foreign server begins.
    $line--;
    my @said = map { s/^.*?\[notice\] \d+#\d+: //r } log_lines(qr/default_server/);
    my %once = map { $_ => 1 } @said;
    is_deeply([sort keys %once], [sort map {
        my $port = port($_);
        "requests to 127.0.0.1:$port for names that no lync_publish publishes go to the server "
            . "that says \"default_server\" in $Test::Nginx::Util::ConfFile:$line"
    } qw(HTTP HTTPS)], 'a notice for each socket');
};

run_suite();

__DATA__

=== refuse, which is the default: https
--- request
GET https://www.example/
--- insecure
--- refused: closed

=== plain HTTP
--- request
GET http://www.example/
--- refused: closed

=== by address
--- to: https://127.0.0.1
--- sni: none
--- insecure
--- raw_request eval
"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
--- refused: closed

=== without a Host header
--- to: https://lyncwebext.contoso.com
--- sni: none
--- raw_request eval
"GET /abs/handler HTTP/1.0\r\n\r\n"
--- refused: closed

=== a published name in SNI doesn't help
--- to: https://lyncwebext.contoso.com
--- raw_request eval
"GET /abs/handler HTTP/1.1\r\nHost: www.example\r\nConnection: close\r\n\r\n"
--- refused: closed

=== whatever is asked for
--- request eval
["POST http://www.example/abs/handler\nbody", "OPTIONS http://www.example/",
 "GET http://www.example/autodiscover/autodiscoverservice.svc/root"]
--- refused: closed

=== a foreign server before the publication has its own name and no other
--- http_config eval: $::Foreign . $::Publication
--- request eval
["GET https://www.contoso.com/", "GET https://lyncwebext.contoso.com/abs/handler"]
--- response_body_like eval
["foreign", "external"]

=== names that nobody has are refused nevertheless: no order of includes matters
--- http_config eval: $::Foreign . $::Publication
--- request
GET http://www.example/
--- refused: closed

=== nor does the other one
--- http_config eval: $::Publication . $::Foreign
--- request
GET http://www.example/
--- refused: closed

=== a server that says default_server stays the default
--- http_config eval: $::Default . $::Publication
--- request eval
["GET http://www.example/", "GET https://www.contoso.com/", "GET https://lyncwebext.contoso.com/abs/handler"]
--- response_body_like eval
["foreign", "foreign", "external"]

=== which a notice says, with its place
--- http_config eval: $::Default . $::Publication
--- scene: notices

=== also when it stands behind the publication
--- http_config eval: $::Publication . $::Default
--- request
GET http://www.example/
--- response_body: foreign
--- scene: notices

=== ignore: the rest of nginx.conf decides, here its first server
--- http_config eval: $::Foreign . $::Ignoring
--- request
GET http://www.example/
--- response_body: foreign

=== wherever that stands
--- http_config eval: $::Ignoring . $::Foreign
--- request
GET http://www.example/
--- response_body: foreign

=== ignore, and a default_server: no notice, that is what was asked for
--- http_config eval: $::Default . $::Ignoring
--- request
GET http://www.example/
--- response_body: foreign
--- no_error_log
for names that no lync_publish publishes

=== ignore, and no other server: a pool is nobody's default
--- http_config eval: $::Ignoring
--- request
GET http://www.example/
--- refused: closed

=== two publications on a socket, one of them refuses
--- http_config eval: $::Ignoring . $::Fabrikam . $::Foreign
--- request
GET http://www.example/
--- refused: closed

=== and both are served
--- http_config eval: $::Ignoring . $::Fabrikam . $::Foreign
--- request eval
["GET https://lyncwebext.contoso.com/abs/handler", "GET https://lyncwebext.fabrikam.com/abs/handler",
 "GET https://www.contoso.com/"]
--- response_body_like eval
["fepool\\.contoso\\.local", "fepool2\\.fabrikam\\.local", "foreign"]

=== a socket that others have alone is theirs
--- http_config eval
"$::Publication
    server {
        listen  127.0.0.1:%%PORT_ELSE%%;
        return  200 else;
    }
    server {
        listen       127.0.0.1:%%PORT_ELSE%%;
        server_name  other.example;
        return       200 other;
    }
"
--- request
GET http://www.example:%%PORT_ELSE%%/
--- response_body: else
