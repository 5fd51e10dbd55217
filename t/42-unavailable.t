# A pool that can't be reached is a 503 with Retry-After: on a 502 clients throw away the addresses
# they know and begin again with autodiscover. What a pool itself says stays as it is.

use LyncTest;
use LyncTest::Scene;

use Time::HiRes qw(time);

sub is_unavailable {
    my ($answer, $what) = @_;
    is_deeply([$answer->{status}, $answer->all('Retry-After')], [503, 30], $what);
}

# A server that takes a request and says nothing, or not enough.
scene "servers that don't behave", sub {
    my $asked = sub {
        is_unavailable(client('https://lyncwebext.contoso.com')
            ->ask('GET /abs/handler', Connection => 'upgrade', Upgrade => 'websocket')->answer, $_[0]);
    };
    my %says = (
        'one that closes instead of answering' => '',
        'one that breaks off within its head'  => "HTTP/1.1 200 OK\r\nContent-",
        'one that speaks no HTTP'              => "SSH-2.0-OpenSSH_9.2\r\n\r\n",
        'one that answers with status 000'     => "HTTP/1.1 000 X\r\nContent-Length: 0\r\n\r\n",
        'one that switches protocols unasked'  =>
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\nhello",
        'one that never comes to its answer'   => "HTTP/1.1 102 Processing\r\n\r\n" x 100,
    );
    for my $what (sort keys %says) {
        my $server = pool_server(sub { $_[0]->message; $_[0]->write($says{$what}) });
        $asked->($what);
        $server->stop;
    }
    my $server = server(port => port('OWN'), sub { $_[0]->more; $_[0]->write("HTTP/1.1 400 \r\n\r\n") });
    $asked->('one without TLS');
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
    my $server = pool_server(sub { $_[0]->message; $_[0]->is_closed(60) });
    my $start = time;
    is_unavailable(client('https://lyncwebext.contoso.com')->ask('GET /ucwa/v1/events')->answer,
        'a pool that says nothing for pending_get_timeout');
    cmp_ok(time - $start, '>', 1.8, 'it waited so long');
    ok(log_lines(qr/upstream timed out/), 'the log says so');
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
