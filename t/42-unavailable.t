# A pool that can't be reached is a 503 with Retry-After: on a 502 clients throw away the addresses
# they know and begin again with autodiscover. What a pool itself says stays as it is.

use LyncTest;
use LyncTest::Scene;

use Time::HiRes qw(sleep time);

my $two = 'server 127.0.0.11 max_fails=0; server 127.0.0.21 max_fails=0;';

sub is_unavailable {
    my ($answer, $what) = @_;
    is_deeply([$answer->{status}, $answer->all('Retry-After')], [503, 30], $what);
}

# A server that takes a request and says nothing, or not enough.
scene "servers that don't behave", sub {
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
scene "a client's connection outlives a pool's", sub {
    my $client = client('https://lyncwebext.contoso.com');
    is_unavailable($client->ask('GET /abs/handler')->answer, 'the first request');
    my $server = pool_server(sub {
        $_[0]->message;
        $_[0]->write(http_answer('ok'));
    });
    is($client->ask('GET /abs/handler')->answer->{body}, 'ok', 'the second, on the same connection');
};

scene 'pending_get_timeout', more => 'pending_get_timeout 2s;', sub {
    my $server = pool_server(sub { $_[0]->message; $_[0]->is_closed(20) });
    my $start = time;
    is_unavailable(client('https://lyncwebext.contoso.com')->ask('GET /ucwa/v1/events')->answer,
        'a pool that says nothing for pending_get_timeout');
    my $waited = time - $start;
    ok($waited > 1.8 && $waited < 8, "it waited so long: $waited s");
};

scene 'a request that waits less', more => 'pending_get_timeout 1m;', sub {
    my $server = pool_server(sub {
        $_[0]->message;
        sleep 2.5;
        $_[0]->write(http_answer('event'));
    });
    is(client('https://lyncwebext.contoso.com')->ask('GET /ucwa/v1/events')->answer->{body}, 'event',
        'a pending GET waits for its event');
};

# The client goes away: the pool hears of it.
scene 'a client that goes away', sub {
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
scene 'another server of the pool', publication => '%%FRONT_ENDS%%', servers => $two, sub {
    my $other = server(address => '127.0.0.21', port => port('OWN'), tls => 'fepool.contoso.local',
        sub {
            $_[0]->message;
            $_[0]->write(http_answer('ok'));
        });
    for my $method ('GET', 'POST') {
        for (1 .. 2) {
            is(client('https://lyncwebext.contoso.com')->ask("$method /webticket/x", 'Content-Length' => 0)
                ->answer->{body}, 'ok', "$method: a server that is down is passed over");
        }
    }
};

scene 'nothing is done twice', publication => '%%FRONT_ENDS%%', servers => $two, sub {
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

run_suite(publication => '%%OWN%%');

__DATA__

=== nobody listens
--- publication eval: main::word('OWN') =~ s/%%OWN_POOL%%/main::word('OWN_POOL') =~ s{https=}{http=%%PORT_NOBODY_HTTP%% https=}r/re
--- more: http_autodiscover on;
--- asks
GET https://lyncwebext.contoso.com/abs/handler -> 503 The service is temporarily unavailable, please try again. | Retry-After: 30 | Content-Type: text/plain
POST https://meet.contoso.com/alice/1          -> 503 The service | Retry-After: 30
GET http://lyncdiscover.contoso.com/           -> 503 The service | Retry-After: 30
--- error_log
connect() failed

=== sixteen minutes, unless said otherwise
--- nginx_T
proxy_read_timeout 960s;

=== the pool's own 502, 503, 504, 403 and 500
--- publication: %%STANDARD%%
--- asks
GET https://meet.contoso.com/status/502 -> 502 502 from the server | !Retry-After
GET https://meet.contoso.com/status/503 -> 503 503 from the server | !Retry-After
GET https://meet.contoso.com/status/504 -> 504 504 from the server | !Retry-After
GET https://meet.contoso.com/status/403 -> 403 403 from the server | !Retry-After
GET https://meet.contoso.com/status/500 -> 500 500 from the server | !Retry-After
