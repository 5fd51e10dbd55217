# Retries that can't hurt: another server is tried only if nothing of the request can have been acted
# on. And what clients get when nobody is there.

use LyncTest;
use LyncTest::Scene;
use LyncTest::FrontEnds;

use Time::HiRes qw(sleep);

master_on();

# Failures aren't counted, so that each request meets the same servers.
sub servers { join ' ', map { "server 127.0.0.1$_ max_fails=0;" } 1 .. $_[0] }

sub front_end { LyncTest::FrontEnds->new(address => $_[0], @_[1 .. $#_]) }

sub requests { my $n = 0; $n += $_->seen->{requests} for @_; return $n }

sub answered { my ($answer) = @_; return [$answer->{status}, scalar $answer->one('Retry-After')] }

my $sorry = [503, 30];

# No connection, or no TLS on it: nothing was sent, so any request may go to another server.
scene 'no connection', servers => servers(5), sub {
    front_end('127.0.0.15');
    for my $method (qw(GET POST PUT DELETE)) {
        is(asked(method => $method, headers => ['Content-Length' => 0])->{body}, '127.0.0.15',
            "$method: four servers of five are dead") for 1 .. 5;
    }
};

scene 'TLS', servers => servers(4), sub {
    front_end('127.0.0.11', tls => 'untrusted');
    front_end('127.0.0.12', tls => 'fepool2.fabrikam.local');
    front_end('127.0.0.13', tls => undef);
    front_end('127.0.0.14');
    for my $method (qw(GET POST)) {
        is(asked(method => $method, headers => ['Content-Length' => 0])->{body}, '127.0.0.14',
            "$method: one certificate isn't trusted, one is another pool's, one server speaks no TLS") for 1 .. 4;
    }
    ok(scalar(log_lines(qr/upstream SSL certificate verify error|does not match/)), 'the log says why');
};

scene 'frozen', sub {
    my @fe = front_ends(2);
    $fe[0]->freeze;
    is(join(' ', sort map { asked()->{body} } 1 .. 2), '127.0.0.12 127.0.0.12', 'a frozen server');
    $fe[0]->thaw;
};

# A request that was sent on a fresh connection is sent once.
scene 'sent on a fresh connection', servers => servers(3), sub {
    my @fe = front_ends(3);
    for my $method (qw(GET HEAD POST PUT)) {
        for my $query (qw(drop half)) {
            my $before = requests(@fe);
            my $client = client('https://lyncwebext.contoso.com');
            $client->ask("$method /ucwa/v1/x?$query", 'Content-Length' => 0);
            is_deeply(answered($client->answer($method eq 'HEAD')), $sorry, "$method, $query");
            is(requests(@fe) - $before, 1, 'one server was asked');
        }
    }
};

# On a kept connection: a server may close it at any time, and what is safe may be asked again.
scene 'sent on a kept connection', sub {
    my @fe = front_ends(2);
    my %again = (GET => 1, HEAD => 1, OPTIONS => 1, POST => 0, PUT => 0, DELETE => 0);
    for my $method (sort keys %again) {
        is(asked()->{status}, 200, 'connections are there') for 1 .. 4;
        my $before = requests(@fe);
        my $client = client('https://lyncwebext.contoso.com');
        $client->ask("$method /ucwa/v1/x?drop", 'Content-Length' => 0);
        my $answer = $client->answer($method eq 'HEAD');
        next if $answer->{status} == 404 || $answer->{status} == 405; # not published
        is_deeply(answered($answer), $sorry, "$method: no server answers");
        is(requests(@fe) - $before, $again{$method} + 1,
            $again{$method} ? "$method: was asked again, once, on a fresh connection"
                            : "$method: was asked once");
    }
};

# A server that has closed its kept connections while nginx was not looking.
scene 'a kept connection that was closed before', servers => 'server 127.0.0.11;', sub {
    my @fe = front_ends(1);
    is(asked()->{status}, 200, 'a connection is there') for 1 .. 2;
    my ($worker) = worker_pids();
    for my $round (1 .. 3) {
        my $client = client('https://lyncwebext.contoso.com');
        is($client->ask('GET /ucwa/v1/x')->answer->{status}, 200, 'before');
        # The request comes first, and the end of the server's connection right after it.
        kill STOP => $worker;
        $client->ask('GET /ucwa/v1/x');
        $fe[0]->restart;
        kill CONT => $worker;
        is($client->answer->{status}, 200, 'a GET is answered all the same');
        $client->close;
    }
};

# The event channel: asked twice, the first is answered 409.
scene 'pending GETs', sub {
    my @fe = front_ends(2);
    is(asked()->{status}, 200, 'connections are there') for 1 .. 4;
    my $before = requests(@fe);
    my $answer = asked(path => '/ucwa/oauth/v1/applications/1/events?ack=1&drop');
    is_deeply(answered($answer), $sorry, 'accepted and then dropped');
    is(requests(@fe) - $before, 1, 'asked once');

};

# Whatever is held for long, GET or not.
for my $how (['a pending GET', '/ucwa/oauth/v1/applications/1/events?ack=1&hold=30', 0], ['what is held', undef, 1.2]) {
    my ($what, $path, $long) = @$how;
    scene "the server of $what is killed", sub {
        my @fe = front_ends(2);
        is(asked()->{status}, 200, 'connections are there') for 1 .. 4;
        my $client = $path ? client('https://lyncwebext.contoso.com')->ask("GET $path") : held(30);
        ok((wait_until { grep { $_->seen->{waiting} } @fe }), 'one is held');
        my ($busy, $other) = sort { $b->seen->{waiting} <=> $a->seen->{waiting} } @fe;
        my $others = $other->seen->{requests};
        sleep $long;
        $busy->kill;
        is_deeply(answered($client->answer), $sorry, 'its server is killed');
        is($other->seen->{requests} - $others, 0, 'nobody else is asked');
    };
}

# Half an upload is more than none.
scene 'half an upload', sub {
    my @fe = front_ends(2);
    my $client = client('https://lyncwebext.contoso.com');
    $client->ask('POST /ucwa/v1/x', 'Content-Length' => 2_000_000);
    $client->write('u' x 1_000_000);
    my $busy;
    wait_until { ($busy) = grep { $_->seen->{heads} } @fe };
    my ($other) = grep { $_ != $busy } @fe;
    $busy->kill;
    $client->write('u' x 1_000_000);
    is_deeply(answered($client->answer), $sorry, 'its server is killed in the middle');
    is($other->seen->{connections}, 0, 'nobody else hears of it');
};

# A body that nobody has begun to send is another matter.
scene 'an upload not begun', sub {
    my $fe = front_end('127.0.0.12');
    for (1 .. 2) {
        my $client = client('https://lyncwebext.contoso.com');
        $client->ask('POST /ucwa/v1/x', 'Content-Length' => 300_000);
        $client->write('u' x 300_000);
        is($client->answer->{body}, '127.0.0.12', 'a dead server costs no upload');
    }
};

# What the pool itself says passes, and nobody else is asked.
scene "the pool's own errors", servers => servers(3), sub {
    my @fe = front_ends(3);
    for my $status (502, 503, 403, 504, 404, 500) {
        my $before = requests(@fe);
        my $answer = asked(path => "/ucwa/v1/x?status=$status");
        is_deeply(answered($answer), [$status, undef], "the pool's own $status");
        like($answer->{body}, qr/^127\.0\.0\.1/, 'with its body');
        is(requests(@fe) - $before, 1, 'one server was asked');
    }
};

scene 'nobody is there', servers => servers(3), sub { is_deeply(answered(asked()), $sorry, 'nobody is there') };

# Figures under load: t/pools/faults.py, shortened. It says what it found and fails if a request
# failed that mustn't.
scene 'faults under load', servers => 'server 127.0.0.11;', sub {
    my $dir = scene_dir();
    my $command = join ' ', "python3 $LyncTest::Paths::SOURCE/t/pools/faults.py --short",
        "--dir $dir/faults --nginx $LyncTest::Paths::NGINX --module $LyncTest::Paths::MODULE",
        "--pki $LyncTest::Paths::PKI";
    my $out = `$command 2>&1`;
    is($?, 0, 'no fault of a server fails a request that may be retried');
    note($out);
    diag($out) if $?;
};

run_suite(publication => '%%FRONT_ENDS%%', servers => servers(2), workers => 1);
