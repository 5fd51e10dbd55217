# connection_auth where something ends too early: a handshake, an upload, an answer, a connection on
# either side, the configuration. Each has a defined outcome, and in none does an identity cross.
# The server is t/auth/toy.py; each scene is also played against plain nginx (t/auth/AuthToy.pm).

use FindBin ();
use lib "$FindBin::Bin/auth";

use LyncTest;
use LyncTest::Scene qw(lyncctl scene nginx_pid reload wait_until worker_pids);
use AuthPlain;
use AuthToy;

use Time::HiRes qw(sleep);

my $One = publication('server 127.0.0.11;');
# A server that fails on purpose isn't down, but for the one test that wants it.
my $TwoThatFail = publication("server 127.0.0.11;\n        server 127.0.0.21;");
my $Two = publication("server 127.0.0.11 max_fails=0;\n        server 127.0.0.21 max_fails=0;");

# The server closes in the middle of a handshake.
sub broken_handshake {
    my ($front, $toy) = @_;

    # after the challenge
    for my $query ('after', 'vanish') {
        my $alice = $front->client("A-$query");
        my $first = $alice->begin($query);
        is($first->{status}, 401, 'challenged');
        gone($front, owner => "A-$query");
        my $last = $alice->finish('alice');
        is($last->{status}, 401, "the answer to it comes too late ($query)");
        is($last->{server}, $first->{server}, 'at the same server');
        is($alice->ntlm('alice')->{user}, 'alice', 'a new handshake');
    }

    # with the challenge
    my $anna = $front->client('Anna');
    is($anna->begin('close')->{status}, 401, 'challenged, and "Connection: close"');
    is($anna->finish('anna')->{status}, 401, 'too late as well');
    is($anna->ntlm('anna')->{user}, 'anna', 'a new handshake');

    # in place of an answer, or in its middle: asked once, and only once
    my $n = 0;
    for my $query ('drop', 'half') {
        for my $message (1, 2) {
            my $bob = $front->client('B' . ++$n);
            $bob->begin if $message == 2;
            my $before = $toy->stats->{requests};
            my $broken = $message == 1 ? $bob->begin($query) : $bob->finish('bob', $query);
            like($broken->{status}, qr/^50[234]$/, "message $message, $query: $broken->{status}");
            is($toy->stats->{requests} - $before, 1, 'asked once');
            $bob->reconnect_if_closed;
            is($bob->ntlm('bob')->{user}, 'bob', 'a new handshake');
            is($bob->get->{user}, 'bob', 'holds');
        }
    }
    and_strangers($front);
}
both 'the server closes in the middle of a handshake', \&broken_handshake;
both "the same with two servers: a credential isn't sent twice", publication => $Two, \&broken_handshake;

# An owned connection that breaks off under a request without a credential. It may be asked again,
# and is a stranger's request then, but by the same server only.
sub broken_later {
    my ($front, $toy) = @_;
    my $n = 0;
    for my $query ('drop', 'half') {
        my $alice = $front->client('A' . ++$n);
        is($alice->ntlm('alice')->{user}, 'alice', 'alice signs in');
        my $before = $toy->stats->{requests};
        my $broken = $alice->get($query);
        like($broken->{status}, qr/^50[234]$/, "no answer: $broken->{status}");
        my $stats = $toy->stats;
        my %asked = map { $_ => 1 } @{ $stats->{servers} }[$before - $stats->{requests} .. -1];
        is(scalar keys %asked, 1, 'one server was asked');
        $alice->reconnect_if_closed;
        is($alice->get->{status}, 401, 'asked to sign in again');
        is($alice->ntlm('alice')->{user}, 'alice', 'and does');
    }
    and_strangers($front);
}
both 'an owned connection breaks off', \&broken_later;
both 'the same with two servers: nothing is asked elsewhere', publication => $Two, \&broken_later;

# The same where the server may count as failed by it: an owned connection's request is for nobody
# else.
alone 'nor where the server counts as failed', publication => $TwoThatFail, sub {
    my ($front, $toy) = @_;
    my $alice = $front->client('A');
    my $signed = $alice->ntlm('alice');
    is($signed->{user}, 'alice', 'alice signs in');
    my $before = $toy->stats->{requests};
    like($alice->get('drop')->{status}, qr/^50[234]$/, 'no answer');
    my $stats = $toy->stats;
    my %asked = map { s/:.*//r => 1 } @{ $stats->{servers} }[$before - $stats->{requests} .. -1];
    is(join(' ', sort keys %asked), $signed->{server}, 'no other server was asked');
    $alice->reconnect_if_closed;
    is($alice->ntlm('alice')->{user}, 'alice', 'alice signs in again');
};

both 'the client goes away', sub {
    my ($front) = @_;
    for my $round (1 .. 3) {
        # in the middle of a handshake
        my $alice = $front->client("A$round");
        $alice->begin;
        $alice->close;
        # while the server thinks about a message of it
        my $bob = $front->client("B$round");
        $bob->begin;
        $bob->send_last('bob', 'wait=0.2');
        sleep 0.02;
        $bob->close;
        # while an answer comes
        my $carol = $front->client("C$round");
        $carol->ntlm('carol');
        $carol->send('size=3000000');
        sleep 0.02;
        $carol->close;
        is($_->{user}, '-', 'strangers') for $front->strangers(2);
    }
    and_strangers($front);
};

both 'aborted uploads', sub {
    my ($front) = @_;
    my $length = 300_000;
    my $n = 0;
    for my $kind ('POST ', 'POST early') {
        my $alice = $front->client('A' . ++$n);
        is($alice->ntlm('alice')->{user}, 'alice', 'alice signs in');
        $alice->send('POST ', 'Content-Length' => $length);
        $alice->connection->write('x' x $length);
        is($alice->answer->{user}, 'alice', 'uploads');
        is($alice->get->{user}, 'alice', 'and stays');

        # and breaks off
        $alice->send($kind, 'Content-Length' => $length);
        $alice->connection->write('x' x 1000);
        sleep 0.05;
        $alice->close;
        ok(gone($front, owner => "A$n"), 'her connection is closed');

        # in chunks, in the middle of one
        my $bob = $front->client("B$n");
        is($bob->ntlm('bob')->{user}, 'bob', 'bob signs in');
        $bob->send($kind, 'Transfer-Encoding' => 'chunked');
        $bob->connection->write("400\r\n" . 'x' x 1000);
        sleep 0.05;
        $bob->close;
        ok(gone($front, owner => "B$n"), 'his connection is closed');

        # with the credential itself
        my $carl = $front->client("C$n");
        $carl->is_also('carl')->send($kind, 'Content-Length' => $length,
            Authorization => 'NTLM ' . kerberos('carl'));
        $carl->connection->write('x' x 1000);
        sleep 0.05;
        $carl->close;
        is($_->{user}, '-', 'strangers') for $front->strangers(2);
    }
    and_strangers($front);
};

# "Expect: 100-continue", and the server answers before it has the body: nginx has asked the client
# for it already. The server's connection can't be used again then, so a handshake with such a body
# doesn't come to its end; one without does, and the body follows.
both 'an answer before the body', sub {
    my ($front) = @_;
    my $length = 200_000;
    my $n = 0;
    for my $sends (1, 0) {
        for my $message (1, 2) {
            my $name = 'A' . ++$n;
            my $alice = $front->client($name);
            $alice->begin if $message == 2;
            my $token = $message == 1 ? type1() : type3($alice->{challenge}, 'alice');
            $alice->is_also('alice')->send('POST early', 'Content-Length' => $length,
                Expect => '100-continue', Authorization => "NTLM $token");
            my $connection = $alice->connection;
            my $answer = $alice->answer;
            if ($answer->{status} == 100) {
                $connection->write('x' x $length) if $sends;
                $answer = $sends || !$connection->is_silent(0.1) ? $alice->answer : undef;
            }
            if ($answer) {
                is($answer->{status}, $message == 1 ? 401 : 200,
                    "the answer comes ($sends, $message)");
            }
            $sends ? $alice->reconnect_if_closed : $alice->reconnect;
            is($alice->ntlm('alice')->{user}, 'alice', 'a handshake without a body');
            $alice->send('POST ', 'Content-Length' => 5);
            $alice->connection->write('hello');
            is($alice->answer->{user}, 'alice', 'then the body');
            is($_->{user}, '-', 'strangers') for $front->strangers(2);
            $alice->close;
            gone($front, owner => $name);
        }
    }
    is($_->{user}, '-', 'strangers') for $front->strangers(2);
};

both 'pipelining', sub {
    my ($front) = @_;
    my ($alice, $bob) = map { $front->client($_) } qw(A B);
    my $first = $alice->ntlm('alice');
    is($bob->ntlm('bob')->{user}, 'bob', 'bob signs in');
    for my $client ($alice, $bob) {
        $client->connection->write(join '', map { $client->text($_) }
            '', 'wait=0.02', 'chunked', '', 'size=100000');
    }
    for my $client ($alice, $bob) {
        my $user = $client->{name} eq 'A' ? 'alice' : 'bob';
        is($client->answer->{user}, $user, "$user, pipelined") for 1 .. 5;
    }
    is($alice->get->{connection}, $first->{connection}, 'on her connection');

    # The first message of a handshake, and another request right behind it.
    my $carol = $front->client('C');
    $carol->connection->write(
        $carol->text('', Authorization => 'NTLM ' . type1()) . $carol->text('anonymous'));
    my $challenge = $carol->challenged;
    is($carol->answer->{connection}, $challenge->{connection}, 'the next one follows it');
    is($carol->finish('carol')->{user}, 'carol', 'carol signs in');

    # A credential, and requests behind it, then away without reading.
    my $dora = $front->client('D')->is_also('dora');
    $dora->connection->write(join '',
        $dora->text('wait=0.05', Authorization => 'Negotiate ' . kerberos('dora')),
        map { $dora->text('') } 1 .. 5);
    $dora->close;
    is($_->{user}, '-', 'strangers') for $front->strangers(3);
    $_->close for $alice, $bob, $carol;
    gone($front, owner => 'A');
    is($_->{user}, '-', 'strangers') for $front->strangers(3);
};

both 'keep-alive ends, on either side', publication => $Two, sub {
    my ($front, $toy) = @_;
    # The server's: closed after each third answer.
    $toy->command('limit', 3);
    my $alice = $front->client('A');
    for (1 .. 3) {
        my $last = $alice->ntlm('alice');
        is($last->{user}, 'alice', 'alice signs in');
        if ($last->{request} && $last->{request} == 2) {
            is($alice->get->{user}, 'alice', 'the last answer of the connection');
        }
        my $next = $alice->get;
        is($next->{status}, 401, 'asked again');
        is($next->{server}, $last->{server}, 'by the same server');
        $toy->command('close', $_->{number}) for @{ $toy->stats->{open} };
        wait_until { !@{ $toy->stats->{open} } };
    }
    # After each answer: nobody can sign in.
    $toy->command('limit', 1);
    my $anna = $front->client('Anna');
    is($anna->ntlm('anna')->{status}, 401, 'no handshake comes to its end') for 1 .. 3;
    $toy->command('limit', 0);
    is($anna->ntlm('anna')->{user}, 'anna', 'until the server relents');

    # The client's: it closes.
    my $bob = $front->client('B');
    is($bob->ntlm('bob')->{user}, 'bob', 'bob signs in');
    is($bob->get('', Connection => 'close')->{user}, 'bob', 'with his last request');
    ok($bob->connection->is_closed, 'closed');
    ok(gone($front, owner => 'B'), 'his connection, too');
    is($_->{user}, '-', 'strangers') for $front->strangers(3);

    # HTTP/1.0: a connection for one request.
    my $carol = $front->client('C')->is_also('carol');
    $carol->connection->write("GET $AuthToy::PATH?quiet HTTP/1.0\r\nHost: $AuthToy::HOST\r\n"
        . "X-Client: C\r\nAuthorization: Negotiate " . kerberos('carol') . "\r\n\r\n");
    is($carol->answer->{user}, 'carol', 'carol, over HTTP/1.0');
    ok($carol->connection->is_closed, 'closed');
    ok(gone($front, owner => 'C'), 'gone with the answer');
    is($_->{user}, '-', 'strangers') for $front->strangers(3);
};

both 'half-closed clients', sub {
    my ($front) = @_;
    my $n = 0;
    for my $query ('', 'wait=0.1', 'chunked&wait=0.1') {
        my $alice = $front->client('A' . ++$n);
        is($alice->ntlm('alice')->{user}, 'alice', 'alice signs in');
        $alice->send($query);
        shutdown $alice->connection->{socket}, 1;
        my $outcome = $alice->outcome;
        like($outcome, qr/^(?:closed|200)$/, "half-closed: $outcome");
        ok(gone($front, owner => "A$n"), 'her connection is closed');
        is($_->{user}, '-', 'strangers') for $front->strangers(2);

        # between the messages of a handshake
        my $bob = $front->client("B$n");
        $bob->begin;
        shutdown $bob->connection->{socket}, 1;
        ok($bob->connection->is_closed, 'nothing to wait for');
        ok(gone($front, owner => "B$n"), 'his connection is closed');
        is($_->{user}, '-', 'strangers') for $front->strangers(2);
    }
    and_strangers($front);
};

both 'chunked answers cut short', sub {
    my ($front) = @_;
    for my $round (1 .. 2) {
        my $alice = $front->client("A$round");
        is($alice->ntlm('alice')->{user}, 'alice', 'alice signs in');
        $alice->send('cut');
        is($alice->outcome, 'closed', 'an answer cut short is not a whole one');
        ok(gone($front, owner => "A$round"), 'her connection is closed');
        is($_->{user}, '-', 'strangers') for $front->strangers(2);

        my $bob = $front->client("B$round");
        $bob->send('cut', Authorization => 'NTLM ' . type1());
        is($bob->outcome, 'closed', 'a challenge cut short');
        $bob->reconnect;
        is($bob->ntlm('bob')->{user}, 'bob', 'a new handshake');
        is($bob->get('chunked')->{user}, 'bob', 'with chunks');
    }
    and_strangers($front);
};

# What comes of handshakes that were open when the processes changed: whoever finds his connection
# closed signs in anew.
sub go_on {
    my ($front, @clients) = @_;
    my %outcomes;
    for my $client (@clients) {
        my $user = "user-$client->{name}";
        my $answer = eval { $client->finish($user) };
        $outcomes{ $answer ? $answer->{status} : 'closed' }++;
        is($client->reconnect->ntlm($user)->{user}, $user, 'signs in after it');
    }
    note(join ', ', map { "$outcomes{$_} $_" } sort keys %outcomes);
    is(join(' ', grep { !/^(?:closed|401|200)$/ } keys %outcomes), '',
        'closed, asked again or signed in');
    is($_->{user}, '-', 'strangers') for $front->strangers(4);
    and_strangers($front);
}

# So many in the middle of a handshake, and before them one who has signed in and waits for an answer.
sub in_the_middle {
    my ($front, $count, $query, $toy) = (@_, AuthToy::toy());
    my ($late, @clients) = map { $front->client("H$_") } 0 .. $count;
    is($_->begin->{status}, 401, 'challenged') for @clients;
    is($late->ntlm('late')->{user}, 'late', 'signs in');
    my $before = $toy->stats->{requests};
    $late->send($query);
    wait_until { $toy->stats->{requests} > $before };
    return ($late, @clients);
}

# The master reads its configuration while forty handshakes are open. The old workers close what is
# idle, so most clients find their connection closed.
both 'a reload in the middle of handshakes', sub {
    my ($front) = @_;
    my $bob = $front->client('B');
    is($bob->ntlm('user-B')->{user}, 'user-B', 'bob signs in');
    my ($late, @clients) = in_the_middle($front, 40, 'wait=1');
    if ($front->is_publication) {
        is(reload(), 'reloaded', 'a new configuration');
    } else {
        kill HUP => $front->{pid};
        sleep 0.3;
    }
    is($late->outcome, 200, 'the answer that was waited for comes');

    go_on($front, $bob, @clients);
};

# An old worker that may only stay for so long breaks off what still waits, on both sides.
alone 'workers that are shut down while clients wait',
    main_config => 'worker_shutdown_timeout 1s;', sub {
    my ($front, $toy) = @_;
    my ($late, @clients) = in_the_middle($front, 10, 'wait=30');
    ok(wait_until { $toy->open_of(owner => 'H0') }, 'waits for its answer');

    my %old = map { $_ => 1 } worker_pids();
    is(reload(), 'reloaded', 'a new configuration');
    is($late->outcome, 'closed', 'the answer is waited for no longer');
    ok(gone($front, owner => 'H0'), 'and its server connection is closed');
    ok(wait_until { !grep { kill 0 => $_ } keys %old }, 'the old workers are gone');
    go_on($front, @clients);
};

# A new nginx takes the sockets over, and the old one goes.
alone 'an upgrade in the middle of handshakes', sub {
    my ($front) = @_;
    my ($late, @clients) = in_the_middle($front, 20, 'wait=1');
    my $old = nginx_pid();
    kill USR2 => $old;
    my $is_new = wait_until {
        my $pid = nginx_pid();
        $pid && $pid != $old && worker_pids();
    };
    ok($is_new, 'a new nginx');
    kill QUIT => $old;
    is($late->outcome, 200, 'the answer that was waited for comes');
    go_on($front, @clients);
};

# Those who have signed in stay at a drained server, nobody comes, and the place that they leave is
# nobody's.
alone 'a server that is drained', publication => $Two,
    after => '%%CONTROL%%', sub {
    my ($front) = @_;
    my $alice = $front->client('A');
    my $signed_in = $alice->ntlm('alice');
    is($signed_in->{user}, 'alice', 'alice signs in');
    my $server = $signed_in->{server} =~ s/:\d+$//r;
    my $anna;
    for my $n (1 .. 8) { # one in the middle of a handshake there
        $anna = $front->client("Anna$n");
        last if $anna->begin->{server} eq $signed_in->{server};
        $anna->close;
    }
    like(lyncctl(drain => $server), qr/is drained/, 'her server is drained');
    is($anna->finish('anna')->{user}, 'anna', 'a handshake that has begun ends there');
    for my $n (1 .. 4) {
        my $answer = $alice->get;
        is("$answer->{user} $answer->{connection}", "alice $signed_in->{connection}", 'alice stays, on her connection');
        my $bob = $front->client("B$n");
        isnt($bob->ntlm('bob')->{server}, $signed_in->{server}, 'bob signs in elsewhere');
        isnt($_->{server}, $signed_in->{server}, 'strangers are sent elsewhere') for $front->strangers(2);
    }
    ok(wait_until { lyncctl(servers => '--format', 'csv') =~ /,draining,[^,]+,0,0,2,drained/ }, 'two have signed in there');
    $_->close for $alice, $anna;
    ok(gone($front, owner => 'A'), 'she goes, and her connection with her');
    isnt($alice->reconnect->ntlm('alice')->{server}, $signed_in->{server}, 'and comes back elsewhere');
    like(lyncctl(undrain => $server), qr/is taken back/, 'taken back');
};

# A reload needs a master.
master_on();
run_suite(publication => $One);
