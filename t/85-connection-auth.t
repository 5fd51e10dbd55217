# connection_auth: a server connection over which a credential went is its client's alone. What
# binds a connection, what doesn't, and where the owner's requests go. The server (t/auth/toy.py)
# authenticates the TCP connection and tells whom it sees; each scene is also played against plain
# nginx, which crosses (t/auth/AuthToy.pm).

use FindBin ();
use lib "$FindBin::Bin/auth";

use LyncTest;
use LyncTest::Scene qw(scene log_lines logged wait_until);
use AuthPlain;
use AuthToy;

use Time::HiRes qw(sleep);

my $One = publication('server 127.0.0.11;');
my $Two = publication("server 127.0.0.11;\n        server 127.0.0.21;");

# The addresses that so many requests of a client went to, in their order.
sub places {
    my ($client, $count) = @_;
    return map { s/^\S+ \S+ //r =~ s/:\d+//gr } logged(places => $count, qr/^\Q$client\E /);
}

# A shared connection is shared within a worker.
my $workers = $ENV{LYNC_WORKERS} || 1;
# A server that failed in the block before comes back slowly, also after a reload.
my $after_reload = $ENV{TEST_NGINX_USE_HUP};

sub connections { my %seen = map { $_->{connection} => 1 } @_; return scalar keys %seen }

both 'two clients, one after the other', sub {
    my ($front) = @_;
    my $alice = $front->client('A');
    my $challenge = $alice->get;
    is($challenge->{status}, 401, 'asked to sign in');
    is_deeply($challenge->{challenges}, ['Negotiate', 'NTLM'], 'both challenges travel, in order');

    my $first = $alice->begin;
    is($first->{status}, 401, 'a challenge with a token');
    my $last = $alice->finish('alice');
    is($last->{status}, 200, 'alice signs in');
    is($last->{connection}, $first->{connection}, 'on the connection that was challenged');
    for (1 .. 3) {
        my $answer = $alice->get;
        is($answer->{user}, 'alice', 'and stays alice without a header');
        is($answer->{connection}, $last->{connection}, 'on that connection');
    }

    is($_->{user}, '-', 'strangers, while she is there') for $front->strangers;
    my $bob = $front->client('B');
    is($bob->get->{status}, 401, 'bob is asked, too');
    is($bob->ntlm('bob')->{user}, 'bob', 'bob signs in');
    is($alice->get->{user}, 'alice', 'alice is alice');

    $alice->close;
    ok(gone($front, owner => 'A'), 'her connection is closed with her');
    is($_->{user}, '-', 'strangers, when she has gone') for $front->strangers;
    is($bob->get->{user}, 'bob', 'bob is bob');
};

both 'two clients at the same time', sub {
    my ($front) = @_;
    my ($alice, $bob, $nobody) = map { $front->client($_) } qw(A B N);
    $alice->begin;
    $nobody->get('anonymous');
    $bob->begin;
    $nobody->get('anonymous');
    my $a = $alice->finish('alice');
    $nobody->get('anonymous');
    my $b = $bob->finish('bob');
    is($a->{user}, 'alice', 'alice signs in');
    is($b->{user}, 'bob', 'bob signs in');
    isnt($a->{connection}, $b->{connection}, 'on connections of their own');
    for (1 .. 5) {
        is($alice->get->{user}, 'alice', 'alice');
        is($nobody->get('anonymous')->{user}, '-', 'nobody');
        is($bob->get->{user}, 'bob', 'bob');
    }
    $bob->close;
    is($nobody->get('anonymous')->{user}, '-', 'nobody, when bob has gone');
    is($alice->get->{connection}, $a->{connection}, 'alice keeps her connection');
};

# nginx gives a new client the structure of the one that left last.
both "a client's structure is used again", sub {
    my ($front) = @_;
    my $bob = $front->client('B');
    my $b = $bob->ntlm('bob');
    for my $round (1 .. 4) {
        my $alice = $front->client("A$round");
        is($alice->ntlm("alice$round")->{user}, "alice$round", 'alice signs in and goes');
        $alice->close;
        gone($front, owner => "A$round");

        my $next = $front->client("N$round");
        is($next->get('anonymous')->{user}, '-', 'who comes next is nobody');
        is($next->get->{status}, 401, 'and is asked to sign in');
        my $carol = $front->client("C$round");
        is($carol->ntlm("carol$round")->{user}, "carol$round", 'carol signs in');
        is($next->get('anonymous')->{user}, '-', 'nobody is nobody');
        $carol->close;
        $next->close;
        is($bob->get->{connection}, $b->{connection}, 'bob keeps his connection');
    }
    is($bob->get->{user}, 'bob', 'and is bob');
};

# A credential with 200 at once: no challenge is ever seen.
both 'a credential without a challenge', sub {
    my ($front) = @_;
    for my $query ('', 'quiet', 'per-request', 'per-request&quiet', 'chunked&quiet') {
        my $carol = $front->client("C($query)");
        my $first = $carol->negotiate('carol', $query);
        is($first->{status}, 200, "one message ($query)");
        is($_->{user}, '-', 'strangers, while she is there') for $front->strangers(2);
        my $next = $carol->get('anonymous');
        is($next->{connection}, $first->{connection}, 'she keeps her connection');
        is($next->{user}, $query =~ /per-request/ ? '-' : 'carol',
            'the server decides for how long');
        $carol->close;
        gone($front, owner => "C($query)");
        is($_->{user}, '-', 'strangers, when she has gone') for $front->strangers(2);
    }
};

# Two headers of the name: nginx 1.22 looks at the first, this server at the last. Newer versions of
# nginx refuse the request.
both 'two Authorization headers', sub {
    my ($front) = @_;
    my $n = 0;
    for my $first ('Basic eDp5', 'Bearer x', '') {
        my $dave = $front->client('D' . ++$n);
        $dave->is_also('dave');
        my $answer = $dave->get('quiet', Authorization => $first,
            Authorization => 'NTLM ' . kerberos('dave'));
        ok($answer->{status} == 400 || ($answer->{user} // '') eq 'dave', 'refused, or recognised');
        is($_->{user}, '-', 'strangers') for $front->strangers(2);
    }
    and_strangers($front);
};

# A token in an answer binds as well, wherever it stands among the challenges, and whatever the
# request was.
both 'a token in an answer', sub {
    my ($front) = @_;
    my $n = 0;
    for my $query ('merged', 'merged&basic', 'basic', 'chunked') {
        for my $scheme (qw(NTLM Negotiate)) {
            my $alice = $front->client('A' . ++$n);
            my $first = $alice->begin($query, $scheme);
            is($_->{user}, '-', 'strangers') for $front->strangers(1);
            my $last = $alice->finish("alice$n", $query, $scheme);
            is($last->{user}, "alice$n", "signs in ($query, $scheme)");
            is($last->{connection}, $first->{connection}, 'on one connection');
            $alice->close;
            gone($front, owner => "A$n");
            is($_->{user}, '-', 'strangers') for $front->strangers(1);
        }
    }
    for my $query ('token', 'token&merged', 'token&basic', 'token&basic&merged', 'token&anonymous',
        'token&chunked')
    {
        my $alice = $front->client('U' . ++$n);
        my $first = $alice->get($query);
        is($_->{client}, $_->{name}, 'strangers') for $front->strangers(2);
        is($alice->get('anonymous')->{connection}, $first->{connection},
            "hers by a token ($query)");
        $alice->close;
        gone($front, owner => "U$n");
        $front->strangers(1);
    }
};

# Anonymous probes can't tie connections up.
both 'a bare challenge binds nothing', sub {
    my ($front, $toy) = @_;
    my @clients = map { $front->client("P$_") } 1 .. 8;
    for my $query ('', 'merged', 'basic', 'merged&basic', 'chunked') {
        my @answers = map { $_->get($query) } @clients, @clients;
        is(scalar(grep { $_->{status} == 401 } @answers), 16, "sixteen challenges ($query)");
        cmp_ok(connections(@answers), '<=', $workers, 'over one shared connection');
    }
    my @basic = map { $_->is_also('x')->get('', Authorization => 'Basic eDp5') } @clients;
    is(scalar(grep { $_->{user} eq 'x' } @basic), 8, 'Basic authenticates the request');
    cmp_ok(connections(@basic), '<=', $workers, 'and binds nothing');
    my @bearer = map { $_->get('anonymous', Authorization => 'Bearer NTLM') } @clients;
    cmp_ok(connections(@bearer), '<=', $workers, 'nor does a bearer token');
    is(scalar(grep { defined $_->{owner} } @{ $toy->stats->{open} }), 0, 'nobody owns anything');

    my $alice = $clients[0];
    my $a = $alice->ntlm('alice');
    is($a->{user}, 'alice', 'alice signs in');
    my @others = map { $_->get('anonymous') } @clients[1 .. 7];
    ok(!(grep { $_->{connection} == $a->{connection} } @others), 'others share without her');
    cmp_ok(connections(@others), '<=', $workers, 'still one connection');
};

# Another name on the same connection is the same client's business.
both 'another name on the same connection', sub {
    my ($front) = @_;
    my $client = $front->client('A');
    my $first = $client->ntlm('alice');
    is($first->{user}, 'alice', 'alice signs in');
    is($client->ntlm('adele')->{user}, 'adele', 'then adele');
    is($client->get->{user}, 'adele', 'and stays');
    is($client->get->{connection}, $first->{connection}, 'on the same connection');
    $client->close;
    gone($front, owner => 'A');
    is($_->{user}, '-', 'strangers') for $front->strangers;
};

both 'two servers', publication => $Two, before => <<'END', sub {
log_format places '$http_x_client $status $upstream_addr';
access_log %%SERVROOT%%/logs/places.log places %%LATE%%;
END
    my ($front, $toy) = @_;
    my @clients = map { $front->client("T$_") } 1 .. 6;
    my %server;
    for my $client (@clients) {
        my $asked = $client->get;
        $client->begin;
        my $last = $client->finish("user-$client->{name}");
        is($last->{user}, "user-$client->{name}", "$client->{name} signs in");
        is($last->{server}, $asked->{server}, 'at the server that asked: a sign-in is one turn');
        $server{ $client->{name} } = $last->{server};
    }
    for my $round (1 .. 4) {
        for my $client (@clients, reverse @clients) {
            my $answer = $client->get;
            is($answer->{user}, "user-$client->{name}", 'stays signed in');
            is($answer->{server}, $server{ $client->{name} }, 'on its server');
        }
    }
    is($_->{user}, '-', 'strangers') for $front->strangers(4);
    if ($front->is_publication) {
        my %used = map { $_ => 1 } values %server;
        # Workers take turns each for themselves.
        $workers > 1 || $after_reload
            or is(join(' ', sort keys %used), '127.0.0.11 127.0.0.21', 'both servers are used');
        for my $client (@clients) {
            my $name = $client->{name};
            my @places = places($name, 11);
            is(scalar @places, 11, 'each request is logged once');
            my %said = map { $_ => 1 } @places;
            is(join(' ', keys %said), $server{$name}, '$upstream_addr is right');
        }
    }
};

# What goes over owned connections costs nobody a turn; that one breaks off, no server its turns.
alone 'turns and failures', publication => $Two, sub {
    my ($front, $toy) = @_;
    my ($alice, $nobody) = map { $front->client($_) } qw(A N);
    my $server = $alice->ntlm('alice')->{server};
    my %turns;
    for (1 .. 10) {
        is($alice->get->{server}, $server, 'alice stays where she is');
        $turns{ $nobody->get('anonymous')->{server} }++;
    }
    is(join(' ', sort values %turns), '5 5', 'others take turns') if $workers == 1 && !$after_reload;

    like($alice->begin('drop')->{status}, qr/^50[234]$/, 'her request breaks off');
    my %left = map { $_->get('anonymous')->{server} => 1 } ($nobody) x 4;
    ok($left{$server}, 'which may be its own doing: the server goes on') if $workers == 1;
    is($alice->reconnect_if_closed->ntlm('alice')->{user}, 'alice', 'she signs in');
};

# Autodiscover over plain HTTP, as phones ask for it, where a credential has no business: what is
# sent all the same is bound all the same.
alone 'plain HTTP',
    publication => $One =~ s/https=/http=%%PORT_POOL_HTTP%% https=/r . "http_autodiscover on;\n", sub {
    my ($front) = @_;
    my $comes = sub { $front->client($_[0], to => 'http://lyncdiscover.contoso.com', path => '/') };
    my $alice = $comes->('A');
    is($alice->ntlm('alice')->{user}, 'alice', 'alice signs in');
    is($comes->("N$_")->get('anonymous')->{user}, '-', 'nobody is nobody') for 1 .. 3;
    my $carol = $comes->('C');
    is($carol->negotiate('carol', 'quiet')->{user}, 'carol', 'carol signs in with one message');
    is($comes->("N$_")->get('anonymous')->{user}, '-', 'nobody is nobody') for 4 .. 6;
    is($alice->get->{user}, 'alice', 'alice stays');
    $_->close for $alice, $carol;
    ok(gone($front, owner => 'A'), 'her connection is closed with her');
    is($comes->("N$_")->get('anonymous')->{user}, '-', 'nobody is nobody') for 7 .. 9;
};

# The server closes a connection that waits: asked again, by the same server.
both 'the server closes an owned connection that waits', publication => $Two, sub {
    my ($front, $toy) = @_;
    my @clients = map { $front->client("I$_") } 1 .. 4;
    for my $client (@clients) {
        my $last = $client->ntlm("user-$client->{name}");
        is($last->{user}, "user-$client->{name}", 'signs in');
        for (1 .. 2) {
            $toy->command('close', $last->{connection}) if defined $last->{connection};
            gone($front, owner => $client->{name});
            sleep 0.02;
            my $next = $client->get;
            is($next->{status}, 401, 'asked again');
            is($next->{server}, $last->{server}, 'by the same server');
            my $again = $client->ntlm("user-$client->{name}");
            is($again->{user}, "user-$client->{name}", 'signs in again');
            is($again->{server}, $last->{server}, 'there');
            $last = $again;
        }
    }
    is($_->{user}, '-', 'strangers') for $front->strangers(4);
};

# The server of a client goes away altogether.
both 'the server goes away', publication => $Two, sub {
    my ($front, $toy) = @_;
    my @clients = map { $front->client("G$_") } 1 .. 4;
    my %server;
    for my $client (@clients) {
        $server{ $client->{name} } = $client->ntlm("user-$client->{name}")->{server};
    }
    my $address = "127.0.0.11:$toy->{port}";
    $toy->command('refuse', $address);
    for my $client (@clients) {
        my $stays = $server{ $client->{name} } ne '127.0.0.11';
        my $next = $client->get;
        is($next->{status}, $stays ? 200 : 401, $stays ? 'stays signed in' : 'asked again');
        is($next->{server}, '127.0.0.21', $stays ? 'there' : 'by the other server');
        is($client->ntlm("user-$client->{name}")->{user}, "user-$client->{name}", 'signs in');
    }
    $toy->command('accept', $address);
    is($_->{user}, '-', 'strangers') for $front->strangers(4);
};

# The limit is each worker's.
alone 'no more than so many', more => 'connection_auth on max=2;', sub {
    my ($front) = @_;
    my @clients = map { $front->client("M$_") } 1 .. 3;
    return if $workers > 1;
    my @answers = map { $_->begin } @clients;
    is(join(' ', map { $_->{status} } @answers), '401 401 503', 'two may own, the third gets 503');
    is($clients[2]->reconnect_if_closed->get('anonymous')->{user}, '-',
        'it may ask without a credential');
    is($clients[0]->finish('alice')->{user}, 'alice', 'the others go on');
    is($clients[1]->finish('bob')->{user}, 'bob', 'both');
    $clients[0]->close;
    gone($front, owner => 'M1');
    is($clients[2]->ntlm('carol')->{user}, 'carol', 'when one has gone, there is room');
    is($clients[1]->get->{user}, 'bob', 'bob stays');
};

alone 'no longer than so long', more => 'connection_auth on idle=3s;', sub {
    my ($front) = @_;
    my $alice = $front->client('A');
    is($alice->ntlm('alice')->{user}, 'alice', 'alice signs in');
    ok(gone($front, owner => 'A'), 'a connection that waits too long is closed');
    is($alice->get->{status}, 401, 'asked again');
    is($alice->ntlm('alice')->{user}, 'alice', 'signs in again');
};

alone 'no older than so old', more => 'connection_auth on age=3s;', sub {
    my ($front) = @_;
    my $alice = $front->client('A');
    is($alice->ntlm('alice')->{user}, 'alice', 'alice signs in');
    my $until = Time::HiRes::time() + 15;
    my $answer;
    do {
        sleep 0.1;
        $answer = $alice->get;
    } while ($answer->{status} == 200 && Time::HiRes::time() < $until);
    is($answer->{status}, 401, 'asked again when the connection is old, however busy');
    is($alice->ntlm('alice')->{user}, 'alice', 'signs in again');
};

alone 'off: nobody can sign in, and nobody is taken for somebody else',
    more => 'connection_auth off;', sub {
    my ($front) = @_;
    my ($alice, $bob) = map { $front->client($_) } qw(A B);
    $alice->ntlm('alice');
    $bob->negotiate('bob', 'quiet');
    $alice->get;
    is($_->{user}, '-', 'strangers') for $front->strangers(3);
    $_->close for $alice, $bob;
    is($_->{user}, '-', 'strangers') for $front->strangers(3);
};

run_suite(publication => $One);
