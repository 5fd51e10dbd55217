# health_check: what is asked, what each answer means, when a server goes out and comes back, and who
# asks. The servers are t/pools/servers.py; times are counted in checks, so that a busy machine makes
# a test slow but not wrong.

use FindBin ();
use lib "$FindBin::Bin/pools";

use LyncTest;
use LyncTest::Scene;
use Pools;

use Time::HiRes qw(sleep time);

# Two workers: one asks, both know.
master_on();
workers(2);

my ($A, $B, $C) = qw(127.0.0.11 127.0.0.21 127.0.0.31);

servers($_, $A) for qw(KINDS OFF REASONS UNVERIFIED WORKERS);
servers($_, $A, $B) for qw(COUNT DOWN PANIC RELOAD SHARED PASSIVE ALONE NAMES SILENT BLAMED);
servers('SIP', "$A=", "$B=");
servers('TCP', $A, $B);
servers('OFFICE', "$A=wac.contoso.local", "$B=mail.contoso.local");

my $both = "server $A; server $B;";
my $fast = 'health_check autodiscover interval=1s fails=2 passes=2;';

my $Shared = "lync_publish one {\n    %%SOCKETS%%\n"
    . publication('SHARED', $both, $fast)
    . "}\nlync_publish two {\n    %%SOCKETS%%\n"
    . publication('SHARED', $both, $fast)
        =~ s/contoso\.com/fabrikam.com/gr
    . "}\n";

# The checks that a server has seen: what was asked, or when.
sub asked { map { $_->[1] } @{ stats(@_)->{checks} } }
sub moments { map { $_->[0] } @{ stats(@_)->{checks} } }

# Seconds from one to the next, on average.
sub rhythm { my @times = moments(@_); return ($times[-1] - $times[0]) / $#times }

sub wait_for_checks {
    my ($number, @server) = @_;
    return wait_until { my @all = asked(@server); @all >= $number } $Pools::PATIENCE;
}

scene 'autodiscover, in each of its dialects', publication => publication('KINDS', "server $A;", $fast), sub {
    ok(wait_for_checks(1, $A, 'KINDS'), 'asked');
    is((asked($A, 'KINDS'))[0],
        '/Autodiscover/AutodiscoverService.svc/root lyncwebext.contoso.com',
        'the root of autodiscover, by the external name');
    for my $dialect (qw(xml ucwa long external)) {
        behave($A, KINDS => check => $dialect);
        forget_stats();
        ok(wait_for_checks(3, $A, 'KINDS'), "$dialect is asked for on");
    }
    is(join("\n", health_lines(qr/down/)), '', 'all of them pass');
    ok(scalar health_lines(qr/^.*lync_health: server 127\.0\.0\.11:\d+ of pool "fepool\.contoso\.local" is up$/),
        'the first state of a server is logged once');
};

scene 'a TCP port',
    publication => publication('TCP', $both, 'health_check tcp=%%PORT_SIP%% interval=1s fails=2 passes=2;'), sub {
    ok(wait_until(sub { stats($A, 'SIP')->{connections} >= 2 }, $Pools::PATIENCE), 'connects to it');
    is_deeply([asked($A, 'SIP'), asked($A, 'TCP')], [], 'and says nothing');
    my $port = port('SIP');
    behave($A, SIP => listens => 0);
    ok(health_logged(qr/server 127\.0\.0\.11:@{[port('TCP')]} of pool "fepool\.contoso\.local" is down: connection refused on port $port$/),
        'a closed port');
    like(ask_once()->{body}, qr/from \Q$B\E/, 'its web service is not asked any more') for 1 .. 4;
    behave($A, SIP => listens => 1);
    ok(health_logged(qr/127\.0\.0\.11:.* is up again after \d+ s/), 'and back');
};

scene 'Office Web Apps and Exchange', publication => publication('OFFICE', 'server 127.0.0.99;', 'health_check off;') . <<'END', sub {
    office_web_apps wacext.contoso.com {
        server            127.0.0.11;
        listening_ports   https=%%PORT_OFFICE%%;
        certificate_name  wac.contoso.local;
        health_check      discovery interval=1s fails=2 passes=1;
    }
    exchange mail.contoso.com {
        server            127.0.0.21;
        listening_ports   https=%%PORT_OFFICE%%;
        certificate_name  mail.contoso.local;
        services          ews autodiscover;
        health_check      healthcheck interval=1s fails=2 passes=1;
    }
END
    behave($A, OFFICE => check => 'discovery');
    behave($B, OFFICE => check => 'healthcheck');
    # They were checked before they had changed.
    for my $url (['/hosting/discovery', 'wacext.contoso.com'], ['/EWS/Exchange.asmx', 'mail.contoso.com']) {
        ok(wait_until(sub { ask_once(@$url)->{status} == 200 }, $Pools::PATIENCE), "$url->[1] is up");
    }
    forget_stats();
    ok(wait_for_checks(2, $A, 'OFFICE'), 'Office Web Apps is asked');
    ok(wait_for_checks(4, $B, 'OFFICE'), 'Exchange is asked');
    is((asked($A, 'OFFICE'))[0], '/hosting/discovery wacext.contoso.com', 'for discovery');
    my @exchange = asked($B, 'OFFICE');
    is_deeply([sort @exchange[0, 1]],
        ['/Autodiscover/healthcheck.htm mail.contoso.com', '/EWS/healthcheck.htm mail.contoso.com'],
        'for the health of each service that is published');
    cmp_ok(stats($B, 'OFFICE')->{connections}, '<', scalar @exchange,
        'several of them on one connection');

    # A server may close a connection that it has kept, and needn't keep any.
    behave($A, OFFICE => keeps => 'once');
    behave($B, OFFICE => keeps => 0);
    forget_stats();
    my $lines = () = health_lines(qr/ is /);
    ok(wait_for_checks(5, $A, 'OFFICE'), 'asked again on a new connection');
    ok(wait_for_checks(4, $B, 'OFFICE'), 'one connection for each');
    my $seen = stats($B, 'OFFICE');
    cmp_ok($seen->{connections}, '>=', @{ $seen->{checks} } - 1, 'none is kept');
    is(scalar(my @same = health_lines(qr/ is /)), $lines, 'which is nothing to log');

    behave($A, OFFICE => check => 'healthcheck');
    ok(health_logged(qr/of office_web_apps "wacext\.contoso\.com" is down: GET \/hosting\/discovery: not the expected/),
        'another document than discovery');
    behave($B, OFFICE => check => '500');
    ok(health_logged(qr/of exchange "mail\.contoso\.com" is down: GET \/EWS\/healthcheck\.htm: 500/), 'a service that is ill');
    behave($B, OFFICE => check => { Autodiscover => '401' });
    ok(health_logged(qr/is still down, now: GET \/Autodiscover\/healthcheck\.htm: 401/), 'and another one');
};

scene 'none', publication => publication('OFF', "server $A;", 'health_check off;'), sub {
    sleep 2.5;
    is_deeply([asked($A, 'OFF')], [], 'nothing is asked');
    is(ask_once()->{status}, 200, 'and requests go there');
};

# One reason after the other, each the news. Their words are in t/unit/health_test.cpp.
my $root = 'GET /Autodiscover/AutodiscoverService.svc/root';
scene 'every reason', publication => publication('REASONS', "server $A;", 'health_check autodiscover interval=1s fails=1;'), sub {
    my @reasons = (
        [qr/connection refused/, listens => 0],
        [qr/certificate not trusted \(unable to verify.*/,
            listens => 1, certificate => 'untrusted'],
        [qr/certificate not trusted \(.*expired\)/, certificate => 'fepool-expired'],
        [qr/certificate not valid for .*/, certificate => 'wrong-name'],
        [qr/TLS handshake failed/, certificate => ''],
        [qr/\Q$root\E: 503/, certificate => 'fepool.contoso.local', check => '503'],
        [qr/\Q$root\E: 404/, check => '404'],
        [qr/answers as the internal web site.*/, check => 'internal'],
        [qr/\Q$root\E: not the expected.*/, check => 'garbage'],
        [qr/answers as the internal web site.*/, check => 'ucwa_internal'],
        [qr/timed out/, check => 'silent'],
        [qr/closed the connection.*/, check => 'half'],
        [qr/\Q$root\E: 500/, check => '500'],
        [qr/closed the connection.*/, check => 'reset'],
    );
    my $said = 0;
    for my $row (@reasons) {
        my ($reason, %how) = @$row;
        behave($A, REASONS => %how);
        my $state = $said++ ? 'is still down, now' : 'is down';
        my $line = qr/lync_health: server 127\.0\.0\.11:\d+ of pool "fepool\.contoso\.local" $state: $reason$/;
        ok(wait_until(sub { ((health_lines(qr/down/))[-1] // '') =~ $line }, $Pools::PATIENCE), $reason)
            or diag(health_lines());
    }
    is(ask_once()->{status}, 200, 'it can be connected to, and there is no other: it is asked all the same');
    behave($A, REASONS => check => 'internal');
    ok(wait_until(sub { (health_lines(qr/down/))[-1] =~ /still down, now: answers as the internal web site/ }, $Pools::PATIENCE),
        'the internal web site again');
    is(ask_once()->{status}, 503, 'is not');
    behave($A, REASONS => check => 'external');
    ok(health_logged(qr/is up again after \d+ s$/), 'it is up again');
    is(ask_once()->{status}, 200, 'and asked');
};

scene 'certificates that nobody verifies',
    publication => "backend_verify off;\n" . publication('UNVERIFIED', "server $A;",
    'health_check autodiscover interval=1s fails=1;') =~ s/%%TRUSTED_CA%%//r, sub {
    behave($A, UNVERIFIED => certificate => 'untrusted');
    forget_stats();
    ok(wait_for_checks(3, $A, 'UNVERIFIED'), 'asked');
    is(join("\n", health_lines(qr/certificate/)), '', 'whatever its certificate says');
    is(ask_once()->{status}, 200, 'as requests do');
};

# Out with the fifth failure in a row, back with the second pass; a failure in between is forgotten.
scene 'fails, passes and the interval',
    publication => publication('COUNT', $both, 'health_check autodiscover interval=1s fails=5 passes=2;'), sub {
    ok(wait_for_checks(2, $A, 'COUNT'), 'up');

    behave($A, COUNT => check => '503');
    ok(health_logged(qr/failed check 2 of 5: \Q$root\E: 503/), 'two failures');
    behave($A, COUNT => check => 'external');
    forget_stats();
    ok(wait_for_checks(2, $A, 'COUNT'), 'then passes');
    is(scalar(my @none = health_lines(qr/down/)), 0, 'it stays up')
        or diag(health_lines());

    forget_stats();
    behave($A, COUNT => check => '503');
    my $begin = time;
    ok(health_logged(qr/is down: \Q$root\E: 503/), 'five failures');
    my $out = time - $begin;
    cmp_ok(scalar(moments($A, 'COUNT')), '>=', 5, 'five checks were made');
    # Four intervals of at least 0.9 s lie between five checks.
    cmp_ok($out, '>=', 3, 'not before the fifth');
    my @lines = health_lines(qr/127\.0\.0\.11.*(?:failed|down)/);
    is_deeply([map { /(failed check \d of \d|is down)/ } @lines[-5 .. -1]],
        [map({ "failed check $_ of 5" } 1 .. 4), 'is down'], 'in this order');

    forget_stats();
    behave($A, COUNT => check => 'external');
    ok(health_logged(qr/is up again/), 'back');
    cmp_ok(scalar(moments($A, 'COUNT')), '>=', 2, 'with the second pass');

    # The rhythm: nginx's timers are never early, but the server may be late to see a check.
    ok(wait_for_checks(6, $A, 'COUNT'), 'checked on');
    cmp_ok(rhythm($A, 'COUNT'), '>=', 0.7, 'an interval, a tenth of it less or more');
};

# Nobody is sent to a server that is down; the other one is asked instead of it.
scene 'a server that is down', publication => publication('DOWN', $both, $fast), sub {
    ok(wait_for_checks(1, $A, 'DOWN'), 'up');
    behave($A, DOWN => check => 'internal');
    ok(health_logged(qr/is down: answers as the internal web site/), 'flipped to the INTERNAL web site');
    # The worker that didn't ask knows it from the next request on, too.
    forget_stats();
    my @answers = map { ask_once() } 1 .. 40;
    is(scalar(grep { $_->{status} == 200 && $_->{body} =~ /from \Q$B\E:/ } @answers), 40,
        'the other server answers');
    is_deeply(stats($A, 'DOWN')->{requests}, [], 'no request reaches the one that is down');

    behave($B, DOWN => check => 'silent');
    ok(health_logged(qr/127\.0\.0\.21.* is down/), 'the other one goes down, too');
    forget_stats();
    my $answer = ask_once();
    is($answer->{status}, 503, 'the proxy says so');
    ok($answer->one('Retry-After'), 'and when to come again');
    is_deeply([@{ stats($A, 'DOWN')->{requests} }, @{ stats($B, 'DOWN')->{requests} }], [],
        'nobody is asked');

    behave($_, DOWN => check => 'external') for $A, $B;
    ok(health_logged(qr/\Q$_\E.* is up again/), "$_ is up again") for $A, $B;
    ok(wait_until(sub { ask_once()->{body} =~ /from \Q$A\E:/ }), 'and asked again');
    is(scalar(my @down = health_lines(qr/ is down/)), 2, 'one line for each change');
    is(scalar(my @up = health_lines(qr/ is up again/)), 2, 'likewise');
};

# A check that is wrong doesn't take the publication away: where no server passes, those that can be
# connected to are used all the same, but for the internal web site.
scene 'no server passes', publication => publication('PANIC', $both, $fast), sub {
    ok(wait_for_checks(1, $_, 'PANIC'), "$_ is up") for $A, $B;
    behave($A, PANIC => check => 'garbage');
    behave($B, PANIC => check => 'internal');
    ok(health_logged(qr/no server of pool "fepool\.contoso\.local" passes its check: the 1 that answer otherwise get requests anyway$/), 'panic');
    forget_stats();
    is(scalar(grep { $_->{status} == 200 && $_->{body} =~ /from \Q$A\E:/ } map { ask_once() } 1 .. 20), 20,
        'what answers oddly is used');
    is_deeply(stats($B, 'PANIC')->{requests}, [], 'what answers as the internal site is not');
    behave($A, PANIC => listens => 0);
    ok(health_logged(qr/servers of pool "fepool\.contoso\.local" get requests again only if they pass their check$/),
        'what cannot be connected to is not');
    is(ask_once()->{status}, 503, 'nobody is asked');
    behave($A, PANIC => listens => 1);
    ok(wait_until(sub { health_lines(qr/get requests anyway/) == 2 }, $Pools::PATIENCE), 'panic again');
    behave($A, PANIC => check => 'external');
    ok(health_logged(qr/127\.0\.0\.11.* is up again/), 'it passes');
    ok(wait_until(sub { health_lines(qr/only if they pass/) == 2 }, $Pools::PATIENCE), 'which ends it');
};

# What is known of a server outlives a reload, and checks go on in their rhythm.
scene 'reloads', publication => publication('RELOAD', $both, $fast), sub {
    behave($A, RELOAD => check => '503');
    ok(health_logged(qr/127\.0\.0\.11.* is down/), 'down');
    forget_stats();
    for (1 .. 5) {
        is(reload(), 'reloaded', 'a reload');
        is(ask_once()->{status}, 200, 'the other one answers') for 1 .. 4;
    }
    is_deeply(stats($A, 'RELOAD')->{requests}, [], 'no request reaches the one that is down');
    is(scalar(my @lines = health_lines(qr/ is down/)), 1, 'it was logged once');
    ok(wait_for_checks(2, $A, 'RELOAD'), 'checks go on');

    # Reloads faster than the interval keep no server from being checked.
    forget_stats();
    behave($A, RELOAD => check => 'external');
    my $until = time + $Pools::PATIENCE;
    reload() until health_lines(qr/127\.0\.0\.11.* is up again/) || time > $until;
    ok(scalar health_lines(qr/127\.0\.0\.11.* is up again/), 'also while nginx does nothing but reload');
    cmp_ok(rhythm($A, 'RELOAD'), '>=', 0.5 / $SLOW, 'and none is checked at each');
};

# One worker asks; when it is killed, another one does. With a path of a thousand bytes: health was switched
# off without a word where it was part of a key.
scene 'who asks', publication => publication('WORKERS', "server $A;", 'health_check autodiscover interval=1s;')
    =~ s{%%TRUSTED_CA%%}{'trusted_ca %%PKI%%/' . './' x 500 . 'internal-ca.pem;'}er, sub {
    ok(wait_for_checks(1, $A, 'WORKERS'), 'asked');
    forget_stats();
    my $begin = time;
    ok(wait_for_checks(5, $A, 'WORKERS'), 'and again');
    # Five checks of one worker are four intervals; two workers would need half of that.
    cmp_ok(time - $begin, '>=', 2.8, "one worker asks");

    for (1, 2) {
        my @before = worker_pids();
        kill KILL => $before[0];
        ok(wait_until(sub { my @now = worker_pids(); @now == 2 && !grep { $_ == $before[0] } @now }),
            'a worker is killed, another one begins');
        forget_stats();
        ok(wait_for_checks(2, $A, 'WORKERS'), 'checks go on');
    }
    is(scalar(my @lines = health_lines(qr/down/)), 0, 'nobody noticed');
    provoked_lines(qr/exited on signal 9/);
};

# Two publications of the same servers: they are asked once, and both know.
scene 'publications that share a pool', http_config => $Shared, sub {
    ok(wait_for_checks(1, $A, 'SHARED'), 'asked');
    forget_stats();
    my $begin = time;
    ok(wait_for_checks(5, $A, 'SHARED'), 'and again');
    cmp_ok(time - $begin, '>=', 2.8, 'as often as for one publication');

    behave($A, SHARED => check => '503');
    ok(health_logged(qr/127\.0\.0\.11.* is down/), 'down');
    forget_stats();
    for my $host ('lyncwebext.contoso.com', 'lyncwebext.fabrikam.com') {
        is(scalar(grep { ask_once('/abs/handler', $host)->{body} =~ /from \Q$B\E/ } 1 .. 8), 8, $host);
    }
    is_deeply(stats($A, 'SHARED')->{requests}, [], 'for both');
    is(scalar(my @lines = health_lines(qr/ is down/)), 1, 'one line');
};

# Checks pass, requests fail: out all the same.
scene 'requests fail where checks pass',
    publication => publication('PASSIVE', $both, 'health_check autodiscover interval=1s;'), sub {
    ok(wait_for_checks(1, $A, 'PASSIVE'), 'up');
    behave($A, PASSIVE => request => 'reset');
    forget_stats();
    my @answers = map { ask_once() } 1 .. 20;
    # What the server has read it may have acted upon: such a request isn't made a second time.
    cmp_ok(scalar(grep { $_->{status} != 200 } @answers), '<=', 3, 'those sent there first get an error');
    is(scalar(grep { $_->{status} != 200 } @answers[10 .. 19]), 0, 'nobody later');
    cmp_ok(scalar @{ stats($A, 'PASSIVE')->{requests} }, '<=', 3,
        'after three in a row it is left alone');
    ok(wait_for_checks(2, $A, 'PASSIVE'), 'checks go on');
    is(scalar(my @lines = health_lines(qr/down/)), 0, 'and pass');
};

# A server that has fallen silent answers nothing any more, whatever it was asked before.
scene 'a server falls silent with requests at it', publication => publication('SILENT', $both, $fast), sub {
    ok(wait_for_checks(1, $_, 'SILENT'), 'up') for $A, $B;
    behave($A, SILENT => request => 'silent');
    my @clients = map { client('https://lyncwebext.contoso.com')->ask('GET /abs/handler') } 1 .. 4;
    wait_until { 4 == map { @{ stats($_, 'SILENT')->{requests} } } $A, $B };
    behave($A, SILENT => check => 'silent');
    my @answers = map { $_->answer } @clients;
    # The other one answers at once, so it gets most of them.
    like(join(' ', sort map { $_->{status} } @answers), qr/^(?:200 ){2,3}503(?: 503)?$/, 'nobody waits for it');
    is((grep { $_->{status} == 503 } @answers)[0]->one('Retry-After'), 30, 'who did may come again');
    ok(scalar log_lines(qr/lync_balance: server 127\.0\.0\.11:\d+ .* is down: [12] requests that it hasn't begun/), 'logged');
    provoked_lines(qr/upstream timed out/);
};

# A page that crashes, or waits too long, is no reason to take a server from everybody.
scene "failures that are no server's fault", publication => "pending_get_timeout 3s;\n"
    . publication('BLAMED', $both, 'health_check autodiscover interval=1s;'), sub {
    ok(wait_for_checks(1, $_, 'BLAMED'), 'up') for $A, $B;
    for (1 .. 3) {
        behave($_, BLAMED => request => 'close') for $A, $B;
        is(ask_once()->{status}, 503, 'broken off') for 1 .. 2;
        behave($_, BLAMED => request => 'fine') for $A, $B;
        is(ask_once()->{status}, 200, 'answered') for 1 .. 4;
    }
    my @pending = map {
        client('https://lyncwebext.contoso.com')->ask("GET /ucwa/v1/applications/$_/events?hold=8")
    } 1 .. 6;
    is(join(' ', map { $_->answer->{status} } @pending), '503 503 503 503 503 503', 'nothing happened for too long');
    is(scalar(my @out = log_lines(qr/is left out/)), 0, 'both go on');
    provoked_lines(qr/upstream timed out|prematurely closed/);
};

# What happens to one server is nothing to the other.
scene 'one silent server', publication => publication('ALONE', $both, $fast), sub {
    ok(wait_for_checks(1, $B, 'ALONE'), 'up');
    behave($A, ALONE => check => 'silent');
    forget_stats();
    ok(health_logged(qr/127\.0\.0\.11.* is down: timed out/), 'one falls silent');
    is(scalar(my @lines = health_lines(qr/127\.0\.0\.21.*down/)), 0, 'the other one does not');
    cmp_ok(scalar(moments($B, 'ALONE')), '>=', 2, 'and is asked in the meantime');
};

run_suite();
