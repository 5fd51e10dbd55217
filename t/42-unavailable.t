# A pool that can't be reached is a 503 with Retry-After: on a 502 clients throw away the addresses
# they know and begin again with autodiscover. What a pool itself says stays as it is.

use LyncTest;
use LyncTest::Scene;

use Time::HiRes qw(sleep time);

our $Rest = <<'END';
    sip_domain         contoso.com;
    http_autodiscover  on;
    %%CERTIFICATE%%
    %%TRUSTED_CA%%
    simple_url         meet https://meet.contoso.com;
END

our $Own = <<"END";
$Rest
    pool fepool.contoso.local {
        server                 127.0.0.11;
        external_web_services  lyncwebext.contoso.com;
        listening_ports        http=%%PORT_NOBODY_HTTP%% https=%%PORT_OWN%%;
        health_check           off;
    }
END

our $Two = <<"END";
$Rest
    pool fepool.contoso.local {
        server                 127.0.0.11  max_fails=0;
        server                 127.0.0.21  max_fails=0;
        external_web_services  lyncwebext.contoso.com;
        listening_ports        https=%%PORT_OWN%%;
        health_check           off;
    }
END

sub pool_server { server(port => port('OWN'), tls => 'fepool.contoso.local', @_) }

sub is_unavailable {
    my ($answer, $what) = @_;
    is_deeply([$answer->{status}, $answer->all('Retry-After')], [503, 30], $what);
}

# A server that takes a request and says nothing, or not enough.
scene speechless => sub {
    my $server = pool_server(sub { $_[0]->message });
    is_unavailable(client('https://lyncwebext.contoso.com')->ask('GET /abs/handler')->answer,
        'a server that closes instead of answering');
    $server->stop;

    $server = pool_server(sub { $_[0]->message; $_[0]->write("HTTP/1.1 200 OK\r\nContent-") });
    is_unavailable(client('https://lyncwebext.contoso.com')->ask('GET /abs/handler')->answer,
        'one that breaks off within its head');
    $server->stop;

    my %nonsense = (
        'one that speaks no HTTP'            => "SSH-2.0-OpenSSH_9.2\r\n\r\n",
        'one that answers with status 000'   => "HTTP/1.1 000 X\r\nContent-Length: 0\r\n\r\n",
        'one that switches protocols unasked' =>
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\nhello",
        'one that never comes to its answer' => "HTTP/1.1 102 Processing\r\n\r\n" x 100,
    );
    for my $what (sort keys %nonsense) {
        $server = pool_server(sub { $_[0]->message; $_[0]->write($nonsense{$what}) });
        is_unavailable(client('https://lyncwebext.contoso.com')
            ->ask('GET /abs/handler', Connection => 'upgrade', Upgrade => 'websocket')->answer, $what);
        $server->stop;
    }

    $server = server(port => port('OWN'), sub { $_[0]->more; $_[0]->write("HTTP/1.1 400 \r\n\r\n") });
    is_unavailable(client('https://lyncwebext.contoso.com')->ask('GET /abs/handler')->answer,
        'one without TLS');
};

# The client's connection isn't to blame for the pool.
scene connection_stays => sub {
    my $client = client('https://lyncwebext.contoso.com');
    is_unavailable($client->ask('GET /abs/handler')->answer, 'the first request');
    my $server = pool_server(sub {
        $_[0]->message;
        $_[0]->write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    });
    is($client->ask('GET /abs/handler')->answer->{body}, 'ok', 'the second, on the same connection');
};

scene too_slow => sub {
    my $server = pool_server(sub { $_[0]->message; $_[0]->is_closed(20) });
    my $start = time;
    is_unavailable(client('https://lyncwebext.contoso.com')->ask('GET /ucwa/v1/events')->answer,
        'a pool that says nothing for pending_get_timeout');
    my $waited = time - $start;
    ok($waited > 1.8 && $waited < 8, "it waited so long: $waited s");
};

scene waits => sub {
    my $server = pool_server(sub {
        $_[0]->message;
        sleep 2.5;
        $_[0]->write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nevent");
    });
    is(client('https://lyncwebext.contoso.com')->ask('GET /ucwa/v1/events')->answer->{body}, 'event',
        'a pending GET waits for its event');
};

# The client goes away: the pool hears of it.
scene gone => sub {
    my $server = pool_server(sub {
        my ($connection, $report) = @_;
        $report->($connection->message->{first});
        $report->($connection->is_closed ? 'closed' : 'still open');
    });
    my $client = client('https://lyncwebext.contoso.com')->ask('GET /ucwa/v1/events');
    is($server->report, 'GET /ucwa/v1/events HTTP/1.1', 'a pending GET');
    $client->close;
    is($server->report, 'closed', 'ends when its client does');
};

# What one server refuses to accept, another may; but nothing that may have been done is done again.
scene next_server => sub {
    my $other = server(address => '127.0.0.21', port => port('OWN'), tls => 'fepool.contoso.local',
        sub {
            $_[0]->message;
            $_[0]->write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        });
    for my $method ('GET', 'POST') {
        for (1 .. 2) {
            is(client('https://lyncwebext.contoso.com')->ask("$method /webticket/x", 'Content-Length' => 0)
                ->answer->{body}, 'ok', "$method: a server that is down is passed over");
        }
    }
};

scene not_twice => sub {
    my @servers = map {
        server(address => $_, port => port('OWN'), tls => 'fepool.contoso.local', sub {
            my ($connection, $report) = @_;
            $report->($connection->message->{first});
        });
    } qw(127.0.0.11 127.0.0.21);
    is_unavailable(client('https://lyncwebext.contoso.com')
        ->ask('POST /webticket/x', 'Content-Length' => 0)->answer, 'a POST whose server breaks off');
    my @asked = grep { defined } map { $_->report(0.5) } @servers;
    is(scalar @asked, 1, 'is not sent again');
};

run_suite();

__DATA__

=== TEST 1: nobody listens
--- publication eval: $::Own
--- request
GET https://lyncwebext.contoso.com/abs/handler
--- error_code: 503
--- response_headers
Retry-After: 30
Content-Type: text/plain
--- response_body
The service is temporarily unavailable, please try again.
--- error_log
connect() failed



=== TEST 2: for a simple URL, too, whatever the method
--- publication eval: $::Own
--- request
POST https://meet.contoso.com/alice/1
a body
--- error_code: 503
--- response_headers
Retry-After: 30



=== TEST 3: and over plain HTTP
--- publication eval: $::Own
--- request
GET http://lyncdiscover.contoso.com/
--- error_code: 503
--- response_headers
Retry-After: 30



=== TEST 4: servers that don't behave
--- publication eval: $::Own
--- scene: speechless



=== TEST 5: a client's connection outlives a pool's
--- publication eval: $::Own
--- scene: connection_stays



=== TEST 6: pending_get_timeout
--- publication eval: "$::Own    pending_get_timeout 2s;\n"
--- suppress_stderr
--- scene: too_slow



=== TEST 7: a request that waits less
--- publication eval: "$::Own    pending_get_timeout 1m;\n"
--- suppress_stderr
--- scene: waits



=== TEST 8: sixteen minutes, unless said otherwise
--- publication eval: $::Own
--- nginx_T
proxy_read_timeout 960s;



=== TEST 9: a client that goes away
--- publication eval: $::Own
--- scene: gone



=== TEST 10: another server of the pool
--- publication eval: $::Two
--- scene: next_server



=== TEST 11: nothing is done twice
--- publication eval: $::Two
--- scene: not_twice



=== TEST 12: the pool's own 502, 503, 504, 403 and 500
--- publication eval: "$::Rest %%POOL%%\n"
--- request eval
["GET https://meet.contoso.com/status/502", "GET https://meet.contoso.com/status/503",
 "GET https://meet.contoso.com/status/504", "GET https://meet.contoso.com/status/403",
 "GET https://meet.contoso.com/status/500"]
--- error_code eval
[502, 503, 504, 403, 500]
--- response_body eval
["502 from the server", "503 from the server", "504 from the server", "403 from the server",
 "500 from the server"]
--- response_headers eval
[("Retry-After: ") x 5]
