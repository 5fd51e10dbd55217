# Which server of a pool a request goes to: one view of all workers, passive failures, slow start,
# drain, and what is shared.

use LyncTest;
use LyncTest::Scene;
use LyncTest::FrontEnds;

use Time::HiRes qw(sleep time);

master_on();

my $three = join ' ', map { "server 127.0.0.1$_ fail_timeout=1s slow_start=0;" } 1 .. 3;
my $patient = $three =~ s/fail_timeout=1s/fail_timeout=1h/gr;

sub counts { my ($who) = @_; join ' ', map { "$_=$who->{$_}" } sort keys %$who }

sub refusals { scalar(() = log_lines(qr/connect\(\) failed/)) }

scene 'weights', servers => 'server 127.0.0.11 weight=3; server 127.0.0.12; server 127.0.0.13;', sub {
    front_ends(3);
    is(counts(ask_times(10)), '127.0.0.11=6 127.0.0.12=2 127.0.0.13=2', 'by weight');
};

# A pending GET counts for as long as it is held.
sub least_outstanding {
    my @fe = front_ends(3);
    my $held = held(30);
    ok((wait_until { grep { $_->seen->{waiting} } @fe }), 'one server holds a request');
    my ($busy) = grep { $_->seen->{waiting} } @fe;
    my $who = ask_times(8);
    is($who->{ $busy->address } // 0, 0, 'the next requests go to the others');
    is(scalar(keys %$who), 2, 'to both of them');
    $held->close;
    ok((wait_until { !$busy->seen->{waiting} }), 'its client goes');
    $who = ask_times(9);
    is(counts($who), '127.0.0.11=3 127.0.0.12=3 127.0.0.13=3', 'and it takes its turns again');
}
scene 'least outstanding requests', \&least_outstanding;
scene 'least outstanding requests, also where shared memory has no room for a key so long',
    publication => word('FRONT_ENDS') =~ s{%%TRUSTED_CA%%}{trusted_ca %%PKI%%/@{['./' x 400]}internal-ca.pem;}r, \&least_outstanding;

# Workers don't count each for themselves.
scene 'counted over all workers', workers => 3, sub {
    my @fe = front_ends(3);
    is(scalar(worker_pids()), 3, 'three workers');
    my @held = held_in_turn(30, 300, @fe);
    is(join(' ', map { $_->seen->{waiting} } @fe), '10 10 10', 'ten by each server');
    $_->close for @held;
};

scene 'backup', servers => $three =~ s/(\.13) [^;]*/$1 backup/r, sub {
    my @fe = front_ends(3);
    is(ask_times(6)->{'127.0.0.13'}, undef, 'a backup has nothing to do');
    $_->kill for @fe[0, 1];
    is(counts(ask_times(5)), '127.0.0.13=5', 'until nobody else is there');
    $fe[1]->start;
    ok((wait_until { ask_times(1)->{'127.0.0.12'} }), 'or is there again');
    is(ask_times(4)->{'127.0.0.13'}, undef, 'and then no more');
};

# Of more than sixteen servers each request looks at some.
scene 'a large group', servers => join(' ', map { "server 127.0.0.$_ "
        . ($_ == 31 ? 'max_conns=1' : $_ == 50 ? 'backup' : 'down') . ';' } 11 .. 50), sub {
    my @fe = map { LyncTest::FrontEnds->new(address => "127.0.0.$_") } 31, 50;
    is(counts(ask_times(45)), '127.0.0.31=45', 'who takes requests is found wherever it stands');
    my $held = held(30);
    ok((wait_until { $fe[0]->seen->{waiting} }), 'it is full');
    is(counts(ask_times(5)), '127.0.0.50=5', 'only then a backup is asked');
    $held->close;
};

scene 'max_conns', servers => 'server 127.0.0.11 max_conns=2; server 127.0.0.12 max_conns=1;', sub {
    my @fe = front_ends(2);
    my @held = held_in_turn(3, 30, @fe);
    is(join(' ', map { $_->seen->{waiting} } @fe), '2 1', 'as many as each takes');
    my $answer = asked();
    is_deeply([$answer->{status}, $answer->one('Retry-After')], [503, 30], 'the next one gets 503');
    (pop @held)->close;
    ok((wait_until { !ask_times(1)->{503} }), 'until one is done');
    $_->close for @held;
};

# Failures of real requests.
scene 'failures of requests', servers => $three =~ s/fail_timeout=1s/fail_timeout=5s/gr, sub {
    my @fe = front_ends(3);
    ask_times(3);
    $fe[0]->kill;
    my $before = refusals();
    is(counts(ask_times(12)), '127.0.0.12=6 127.0.0.13=6', 'nobody notices that one is dead');
    is(refusals() - $before, 1, 'one request found out for all');
    is(scalar(() = log_lines(qr/lync_balance: server 127\.0\.0\.11:\d+ .*is left out for 5000 ms/)), 1,
        'and says so');
    sleep 5.1;
    ask_times(6);
    is(refusals() - $before, 2, 'after fail_timeout one request tries it');
    $fe[0]->start;
    ok((wait_until { ask_times(1)->{'127.0.0.11'} }), 'back again');
    is(wait_until { scalar(() = log_lines(qr/lync_balance: server 127\.0\.0\.11:\d+ .*answers again/)) }, 1, 'said, too');
};

scene 'max_fails',
    servers => 'server 127.0.0.11 max_fails=0; server 127.0.0.12 max_fails=3 fail_timeout=1h;', sub {
    my @fe = front_ends(2);
    $fe[1]->kill;
    ask_times(12);
    is(refusals(), 3, 'max_fails requests find out');
};

scene 'slow start', servers => 'server 127.0.0.11; server 127.0.0.12 fail_timeout=1s slow_start=60s;', sub {
    my @fe = front_ends(2);
    ask_times(2);
    $fe[1]->kill;
    is(ask_times(4)->{'127.0.0.11'}, 4, 'one is out');
    $fe[1]->start;
    ok((wait_until { ask_times(1)->{'127.0.0.12'} }), 'and back');
    cmp_ok(ask_times(20)->{'127.0.0.12'} // 0, '<=', 4, 'a fifth at most when it begins');
    edit { s/slow_start=60s/slow_start=2s/ };
    is(reload(), 'reloaded', 'a shorter one');
    ok((wait_until { (ask_times(20)->{'127.0.0.12'} // 0) == 10 }), 'half of all when it is over');
};

# `down` at a reload: what is under way ends in its own time.
scene 'drain', servers => 'server 127.0.0.11; server 127.0.0.12;', sub {
    my @fe = front_ends(2);
    my @held = held_in_turn(4, 8 * $SLOW, @fe);
    is($fe[0]->seen->{waiting}, 2, 'two requests each');
    edit { s/server 127\.0\.0\.11;/server 127.0.0.11 down;/ };
    is(reload(), 'reloaded', 'one is drained');
    is(counts(ask_times(6)), '127.0.0.12=6', 'no new requests');
    is($fe[0]->seen->{waiting}, 2, 'it still has the old ones');
    is(join(' ', sort map { $_->answer->{body} } @held),
        '127.0.0.11 127.0.0.11 127.0.0.12 127.0.0.12', 'which are answered');
};

# Nobody is there: one probe at a time finds out when somebody is.
scene 'all servers down', servers => $patient, sub {
    my @fe = front_ends(3);
    ask_times(3);
    $_->kill for @fe;
    asked();
    my $before = refusals();
    my $start  = time;
    my $who    = ask_times(40);
    is(counts($who), '503=40', 'everybody gets 503');
    cmp_ok(refusals() - $before, '<=', 2 + (time - $start) / 0.1, 'and the servers are left alone');
    $fe[2]->start;
    ok((wait_until { ask_times(1)->{'127.0.0.13'} }), 'one comes back, and is found without waiting for fail_timeout');
    is(counts(ask_times(5)), '127.0.0.13=5', 'all go there');
};

# A single server is never left out: there is no other.
scene 'a single server', servers => 'server 127.0.0.11;', sub {
    my ($fe) = front_ends(1);
    $fe->kill;
    is(counts(ask_times(5)), '503=5', 'down');
    is(refusals(), 5, 'each request asks');
    $fe->start;
    is(counts(ask_times(5)), '127.0.0.11=5', 'up');
};

my $two = 'server 127.0.0.11 fail_timeout=1h; server 127.0.0.12 fail_timeout=1h;';
scene 'publications that share a pool', servers => $two, after => front_ends_of(name => 'fabrikam', servers => $two), sub {
    my @fe = front_ends(2);
    my $who = ask_times(4);
    my $connections = $fe[0]->seen->{connections} + $fe[1]->seen->{connections};
    is($connections, 2, 'one connection to each server');
    ask_times(4, host => 'lyncwebext.fabrikam.com');
    is($fe[0]->seen->{connections} + $fe[1]->seen->{connections}, 2,
        'another publication uses them, too');
    $fe[0]->kill;
    is(counts(ask_times(4)), '127.0.0.12=4', 'one server goes');
    is(counts(ask_times(4, host => 'lyncwebext.fabrikam.com')), '127.0.0.12=4', 'for both');
    is(refusals(), 1, 'and one request found out for both');
};

# What is known of a server is so to both; connections aren't, which may carry credentials.
scene 'publications of which one binds connections',
    servers => 'server 127.0.0.11 max_conns=3 fail_timeout=5s; server 127.0.0.12 down;',
    after   => front_ends_of(name => 'fabrikam', beside => 'connection_auth off;',
        servers => 'server 127.0.0.11 max_conns=3 fail_timeout=5s; server 127.0.0.12 backup;'), sub {
    my @fe = front_ends(2);
    my @held = map { held(30) } 1 .. 3;
    ok((wait_until { $fe[0]->seen->{waiting} == 3 }), 'the server is full');
    is(counts(ask_times(2, host => 'lyncwebext.fabrikam.com')), '127.0.0.12=2',
        'for the other publication, too');
    $_->close for @held;
    ok((wait_until { $fe[0]->seen->{waiting} == 0 }), 'they go');
    is(counts(ask_times(1)), '127.0.0.11=1', 'a request, whose connection is kept');
    my $connections = $fe[0]->seen->{connections};
    is(counts(ask_times(1, host => 'lyncwebext.fabrikam.com')), '127.0.0.11=1',
        'one of the other publication');
    is($fe[0]->seen->{connections}, $connections + 1, 'has a connection of its own');
};

# What a killed worker had under way is nobody's any more.
scene 'a killed worker', servers => 'server 127.0.0.11 max_conns=3;', workers => 2, sub {
    my ($fe) = front_ends(1);
    my @held = held_in_turn(3, 30, $fe);
    is($fe->seen->{waiting}, 3, 'the server is full');
    is(asked()->{status}, 503, 'so nobody else may in');
    my @old = worker_pids();
    kill KILL => @old;
    ok((wait_until { my @now = worker_pids(); @now == @old && !grep { my $p = $_; grep { $p == $_ } @old } @now }),
        'all workers are killed, others take their place');
    ok((wait_until { $fe->seen->{waiting} == 0 }), 'the connections are gone');
    is(counts(ask_times(3)), '127.0.0.11=3', 'and the places are free');
    my @again = held_in_turn(3, 30, $fe);
    is($fe->seen->{waiting}, 3, 'three of them');
    is(asked()->{status}, 503, 'and no more');
    $_->close for @held, @again;
    provoked_lines(qr/\[alert\].*worker process \d+ exited on signal 9/);
};

# What is known of a server outlives a reload, also one for which the memory has to grow.
scene 'over a reload', servers => $patient, sub {
    my @fe = front_ends(3);
    $fe[0]->kill;
    is(counts(ask_times(6)), '127.0.0.12=3 127.0.0.13=3', 'one is out');
    is(refusals(), 1, 'after one failure');
    is(reload(), 'reloaded', 'reloaded');
    is(counts(ask_times(6)), '127.0.0.12=3 127.0.0.13=3', 'still out');
    is(refusals(), 1, 'nobody had to try');
    edit {
        my ($one) = /(lync_publish contoso \{.*?\n    \}\n)/s or die "no publication\n";
        for my $n (1 .. 40) {
            my $more = $one =~ s/contoso \{/more$n {/r =~ s/contoso\.com/more$n.com/gr
                =~ s/fepool\.contoso\.local/fepool$n.contoso.local/gr;
            s/(\n\}\s*)\z/\n$more$1/;
        }
    };
    is(reload(), 'reloaded', '40 publications more');
    is(counts(ask_times(6)), '127.0.0.12=3 127.0.0.13=3', 'still out');
    is(refusals(), 1, 'and still nobody had to try');
};

# Turns are each worker's own, so one worker unless a block is about several.
run_suite(publication => '%%FRONT_ENDS%%', servers => $three, workers => 1);
