# unknown_host: who answers for names that nobody publishes.

use LyncTest;
use LyncTest::Scene;

master_on();

our $Default = word('FOREIGN') =~ s/(listen .*);/$1 default_server;/gr;
our $Nameless = word('FOREIGN') =~ s/server_name.*//r;

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

# Whatever server stands on the publication's sockets: nginx refuses the configuration, or the
# published names are answered on both.
scene 'any other server on the sockets', more => 'unknown_host ignore;', after => "    # foreign\n", sub {
    my $certificate = "ssl_certificate $LyncTest::Paths::PKI/public.pem; ssl_certificate_key $LyncTest::Paths::PKI/public.key;";
    my (%outcomes, @wrong);
    for my $listen (map { my $port = port($_); map { "127.0.0.1:$port$_" } '', ' ssl', ' default_server', ' ssl default_server' } qw(HTTP HTTPS)) {
        for my $tls ('', $certificate, 'ssl_reject_handshake on;', "ssl on; $certificate") {
            for my $unknown (qw(ignore refuse)) {
                my $server = "server { listen $listen; server_name www.example; $tls return 204; }";
                edit { s/^.*# foreign$/$server # foreign/m; s/unknown_host \w+;/unknown_host $unknown;/ };
                my $outcome = reload();
                $outcomes{$outcome}++;
                next if $outcome eq 'refused';
                my @statuses = map { eval { client($_)->ask('GET /abs/handler')->answer->{status} } // 'none' }
                    qw(https://lyncwebext.contoso.com http://lyncwebext.contoso.com);
                push @wrong, "$unknown: $server: $outcome @statuses" if "$outcome @statuses" ne 'reloaded 200 301';
            }
        }
    }
    is(join("\n", @wrong), '', 'refused, or both go on');
    ok($outcomes{refused} && $outcomes{reloaded}, 'some of each') or diag(join ' ', %outcomes);
    provoked_lines(qr/\[(?:emerg|warn)\]/);
};

run_suite(publication => '%%STANDARD%%');

__DATA__

=== refused, which is the default
--- insecure
--- asks
GET https://www.example/              -> closed
GET http://www.example/               -> closed
POST http://www.example/abs/handler   -> closed
OPTIONS http://www.example/           -> closed
GET http://www.example/autodiscover/autodiscoverservice.svc/root -> closed

=== by address
--- to: https://127.0.0.1
--- sni: none
--- insecure
--- raw_request eval
"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
--- refused

=== without a Host header
--- to: https://lyncwebext.contoso.com
--- sni: none
--- raw_request eval
"GET /abs/handler HTTP/1.0\r\n\r\n"
--- refused

=== a published name in SNI doesn't help
--- to: https://lyncwebext.contoso.com
--- raw_request eval
"GET /abs/handler HTTP/1.1\r\nHost: www.example\r\nConnection: close\r\n\r\n"
--- refused

=== a foreign server before the publication has its own name and no other
--- before: %%FOREIGN%%
--- asks
GET https://www.contoso.com/                    -> foreign
GET http://www.contoso.com/                     -> foreign
GET https://lyncwebext.contoso.com/abs/handler  -> external
GET http://lyncwebext.contoso.com/              -> 301
GET http://www.example/                         -> closed

=== nor behind it: no order of includes matters
--- after: %%FOREIGN%%
--- asks
GET http://www.example/ -> closed

=== a server that says default_server stays the default, which a notice says with its place
--- before eval: $::Default
--- asks
GET http://www.example/                         -> foreign
GET https://www.contoso.com/                    -> foreign
GET https://lyncwebext.contoso.com/abs/handler  -> external
--- scene: notices

=== also when it stands behind the publication
--- after eval: $::Default
--- asks
GET http://www.example/ -> foreign
--- scene: notices

=== nor does a nameless server collide with the catch-all
--- before eval: $::Default =~ s/server_name.*//r
--- asks
GET http://www.example/                         -> foreign
GET https://lyncwebext.contoso.com/abs/handler  -> external
--- no_error_log
[warn]

=== a nameless one that isn't the default is noted
--- before eval: $::Nameless
--- asks
GET http://www.example/                         -> closed
GET https://lyncwebext.contoso.com/abs/handler  -> external
--- error_log
a server without "server_name" gets no requests to

=== its word on underscores doesn't hold for ours, whom IIS would take for X-Original-URL
--- before eval: $::Default =~ s/return/underscores_in_headers on; return/gr
--- to: https://lyncwebext.contoso.com
--- sni: none
--- insecure
--- raw_request eval
"GET /abs/handler HTTP/1.1\r\nX_Original_URL: /cscp/\r\nHost: lyncwebext.contoso.com\r\nConnection: close\r\n\r\n"
--- error_code: 400

=== nor does it where the connection was ours from the beginning
--- before eval: $::Default =~ s/return/underscores_in_headers on; return/gr
--- more_headers
X_Other: /cscp/
--- stand_in
    location = /abs/handler { return 200 "$http_x_other|"; }
--- asks
GET https://lyncwebext.contoso.com/abs/handler -> |

=== ignore: the rest of nginx.conf decides, here its first server
--- before: %%FOREIGN%%
--- more: unknown_host ignore;
--- asks
GET http://www.example/ -> foreign

=== wherever that stands
--- after: %%FOREIGN%%
--- more: unknown_host ignore;
--- asks
GET http://www.example/ -> foreign

=== ignore, and a default_server: no notice, that is what was asked for
--- before eval: $::Default
--- more: unknown_host ignore;
--- asks
GET http://www.example/ -> foreign
--- no_error_log
for names that no lync_publish publishes

=== ignore, and no other server: a pool is nobody's default
--- more: unknown_host ignore;
--- asks
GET http://www.example/ -> closed

=== two publications on a socket, one of them refuses, and both are served
--- more: unknown_host ignore;
--- after: %%FABRIKAM%% %%FOREIGN%%
--- asks
GET http://www.example/                          -> closed
GET https://lyncwebext.contoso.com/abs/handler   -> external https fepool.contoso.local
GET https://lyncwebext.fabrikam.com/abs/handler  -> external https fepool2.fabrikam.local
GET https://www.contoso.com/                     -> foreign

=== a socket that others have alone is theirs
--- after
    server {
        listen  127.0.0.1:%%PORT_ELSE%%;
        return  200 else;
    }
    server {
        listen       127.0.0.1:%%PORT_ELSE%%;
        server_name  other.example;
        return       200 other;
    }
--- asks
GET http://www.example:%%PORT_ELSE%%/ -> else
