# Servers given by name: looked up again when the record expires, without a reload; a name that
# vanishes keeps its last addresses; nginx starts without DNS where it is allowed to. The DNS server
# is dnsmasq (t/pools/DNS.pm).

use FindBin ();
use lib "$FindBin::Bin/pools";

use LyncTest;
use LyncTest::Scene qw(:DEFAULT logged lync_status lyncctl);
use DNS;
use Pools;

use Time::HiRes qw(sleep time);

master_on();

# What is freed is overwritten at once: an address is freed when it has left DNS and its last request
# ends, and logs are written after that.
$ENV{GLIBC_TUNABLES} = 'glibc.malloc.perturb=165:glibc.malloc.tcache_count=0';

my ($A, $B, $C) = qw(127.0.0.11 127.0.0.21 127.0.0.31);

servers($_, $A, $B, $C) for qw(CHANGE GONE RELOAD PENDING TTL LATE HEALTH TWO SYSTEM);
servers('HOSTS', '127.0.0.1');

dns_start(ttl => 1);

sub named {
    my ($port, $server, $more) = @_;
    return "resolve_at_start off;\n"
        . publication($port, $server, $more // 'health_check off;');
}

# The servers that answer now.
sub answers {
    my %seen;
    for (1 .. $_[0] // 6) {
        my $answer = ask_once();
        $seen{ $answer->{body} =~ /from ([\d.]+):/ ? $1 : $answer->{status} } = 1;
    }
    return join ' ', sort keys %seen;
}

# Whether these answer, and nobody else, in time.
sub answer_is {
    my ($wanted, $what) = @_;
    my $got = '';
    wait_until { ($got = answers()) eq $wanted or !sleep 0.1 } $Pools::PATIENCE;
    is($got, $wanted, $what);
}

scene 'a record changes', publication => named('CHANGE', 'server fe.change.test;'), sub {
    dns_says('fe.change.test' => $A);
    answer_is($A, 'the address of the record');
    dns_says('fe.change.test' => $B);
    answer_is($B, 'another one');
    ok(health_logged(qr/lync_dns: server "fe\.change\.test" resolves to 127\.0\.0\.21, previously 127\.0\.0\.11$/),
        'and a line in the log');
    dns_says('fe.change.test' => $B, 'fe.change.test' => $C, 'fe.change.test' => $A);
    answer_is("$A $B $C", 'all addresses of a record are servers');
    dns_says('fe.change.test' => $C);
    answer_is($C, 'one is left');
    is(scalar(my @lines = health_lines(qr/lync_dns.*previously \d/)), 3, 'one line for each change')
        or diag(health_lines());
};

# Sinkholes answer with 0.0.0.0, which is this machine; ::ffff:0.0.0.0 is the same.
scene 'addresses that are no server', publication => named('CHANGE', 'server fe.none.test;'),
    before => "resolver 127.0.0.1:%%PORT_DNS%%;\n", sub {
    dns_says(map { ('fe.none.test' => $_) } '0.0.0.0', $A, '0.1.2.3', "::ffff:$B");
    answer_is($A, 'are left out');
    dns_says('fe.none.test' => '0.0.0.0');
    ok(health_logged(qr/lync_dns: server "fe\.none\.test" can't be resolved \(no address of a server\), its last/),
        'and are none if there are no others');
    is(answers(), $A, 'so the last one stays');
};

sub site_is_counted {
    my ($server) = @_;
    ask_once() for 1 .. 8; # to read the status of so many servers takes longer
    return grep { $_->{address} =~ /^\Q$B\E:/ && $_->{requests} > 0 } @{ $server->() };
}

# Counters of addresses that are gone make room for those that come: there is room for 1024,
# and the publication has one or two ports.
scene 'counters of addresses that come and go',
    publication => named('CHANGE', join(' ', map { "server fe$_.many.test fail_timeout=1h weight=" . ($_ == 1 ? 100 : 1) . ';' } 1 .. 20)),
    after => '%%STATUS%%', sub {
    my $server = sub { lync_status()->{publications}[0]{pools}[0]{servers} };
    is($server->()->[0]{reason}, "can't be resolved", 'no address yet');
    for my $net (1 .. 3) {
        dns_says(map { my $n = $_; map { ("fe$n.many.test" => "127.$net.$n.$_") } 1 .. 23 } 1 .. 20);
        ok(wait_until(sub { 460 == grep({ $_->{address} =~ /^127\.$net\./ } @{ $server->() }) or !sleep 0.1 }, $Pools::PATIENCE),
            "460 addresses, $net");
    }
    dns_says('fe1.many.test' => $B);
    ok(wait_until(sub { site_is_counted($server) }, $Pools::PATIENCE), 'another one is counted');
    is(scalar(my @full = log_lines(qr/places for servers/)), 0, 'there was room all the time');
};

scene 'a name vanishes', publication => named('GONE', 'server fe.gone.test;'), sub {
    dns_says('fe.gone.test' => $A);
    answer_is($A, 'the address of the record');
    dns_says();
    ok(health_logged(qr/lync_dns: server "fe\.gone\.test" can't be resolved \(Host not found\), its last addresses stay in use: 127\.0\.0\.11$/),
        'the name vanishes');
    is(answers(), $A, 'its last address is asked on');
    dns_says('fe.gone.test' => $B);
    answer_is($B, 'it is back elsewhere');
    ok(health_logged(qr/server "fe\.gone\.test" resolves again, to 127\.0\.0\.21, previously 127\.0\.0\.11$/), 'and it is logged');

    # Nobody answers at all.
    kill STOP => dns_pid();
    ok(health_logged(qr/server "fe\.gone\.test" can't be resolved \(Operation timed out\), its last addresses stay in use: 127\.0\.0\.21$/),
        'the DNS server falls silent');
    is(answers(), $B, 'the last address is asked on');
    kill CONT => dns_pid();
    dns_says('fe.gone.test' => $C);
    answer_is($C, 'and it goes on');
    is(scalar(my @lines = health_lines(qr/its last addresses stay/)), 2, 'one line for each time')
        or diag(health_lines());
};

# The names are known to the `resolver` only, and workers of a new configuration have no address yet
# when requests come: those that were found last.
scene 'reloads', publication => named('RELOAD', 'server fe01.reload.test; server fe02.reload.test;'), sub {
    dns_says('fe01.reload.test' => $A, 'fe02.reload.test' => $B);
    answer_is("$A $B", 'up');
    kill STOP => dns_pid();
    for my $time (1, 2) {
        is(reload(), 'reloaded', "reload $time while the DNS server is silent");
        is(answers(12), "$A $B", 'the last addresses are asked on');
    }
    like(join("\n", log_lines(qr/lync_dns.* in .*nginx\.conf/)),
        qr/server "fe01\.reload\.test" can't be resolved \(.+\), its last addresses stay in use: 127\.0\.0\.11 in /,
        'and it is logged');
    kill KILL => $_ for worker_pids();
    ok(wait_until(sub { (eval { answers() } // '') eq "$A $B" }, $Pools::PATIENCE),
        'killed workers have such successors');
    provoked_lines(qr/exited on signal 9/);
    kill CONT => dns_pid();
    dns_says('fe01.reload.test' => $C, 'fe02.reload.test' => $B);
    answer_is("$B $C", 'it goes on');

    # Answers that take their time, as those of a DNS server far away.
    my ($asked, $failed) = (0, 0);
    for (1 .. 3) {
        kill STOP => dns_pid();
        is(reload(), 'reloaded', 'a reload while the DNS server is slow');
        for (my $until = time + 0.4; time < $until; $asked++) {
            $failed++ if answers(1) !~ /^(?:\Q$B\E|\Q$C\E)$/;
        }
        kill CONT => dns_pid();
    }
    is($failed, 0, "none of $asked requests fails");
    answer_is("$B $C", 'the younger ones');
};

# A request that waits at an address that the record has lost gets its answer.
scene 'requests in flight', publication => named('PENDING', 'server fe.pending.test;'), before => <<'END', sub {
%%CONTROL%%
resolver   127.0.0.1:%%PORT_DNS%% ipv6=off;
log_format servers '$uri $upstream_addr';
access_log %%SERVROOT%%/logs/servers.log servers %%LATE%%;
END
    dns_says('fe.pending.test' => $A);
    answer_is($A, 'up');
    behave($A, PENDING => request => 'hold');
    my @waiting = map { client('https://lyncwebext.contoso.com')->ask('GET /ucwa/v1/events') } 1 .. 5;
    ok(wait_until(sub { stats($A, 'PENDING')->{held} == 5 }), 'requests wait');
    behave($A, PENDING => request => 'fine');    # others, from now on
    dns_says('fe.pending.test' => $B);
    answer_is($B, 'the record changes');
    sleep 2;
    is(stats($A, 'PENDING')->{held}, 5, 'they wait on');
    like(lyncctl('drain fe.pending.test --wait --timeout 1'),
        qr/still 5 requests .* 5 pending GETs/, 'drain waits for them');
    unlike(lyncctl('undrain fe.pending.test'), qr/lyncctl:/, 'and back');
    ok(wait_until(sub { stats($A, 'PENDING')->{open} == 5 }), 'idle connections are closed');
    my $releaser = IO::Socket::SSL->new(PeerHost => $A, PeerPort => port('PENDING'),
        SSL_verify_mode => IO::Socket::SSL::SSL_VERIFY_NONE());
    print $releaser "GET /release HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    is(scalar(grep { $_->answer->{body} =~ /from \Q$A\E/ } @waiting), 5, 'and are answered');
    my $server = "$A:" . port('PENDING');
    is(scalar(logged(servers => 5, qr/events \Q$server\E$/)), 5, 'under the address that they were sent to')
        or diag(logged(servers => 0, qr/events/));
    is(answers(), $B, 'new ones go to the new address');
    ok(wait_until(sub { stats($A, 'PENDING')->{open} == 0 }),
        'and no connection to the earlier one is left');
};

# As often as the record says, and no more often.
scene "the record's time", publication => named('TTL', 'server fe.ttl.test;'), sub {
    dns_start(ttl => 4);
    dns_says('fe.ttl.test' => $A);
    answer_is($A, 'up');
    my @workers = worker_pids();
    my $begin = time;
    my $enough = dns_asked('fe.ttl.test') + 3 * @workers;
    ok(wait_until(sub { dns_asked('fe.ttl.test') >= $enough }, $Pools::PATIENCE), 'asked again');
    # By one of the workers three times at least: two whole lives of the record lie between.
    cmp_ok(time - $begin, '>=', 8, 'after its time');
    dns_start(ttl => 1);
};

# nginx starts without DNS, and finds the servers later.
scene 'a start without DNS', publication => named('LATE', 'server fe.late.test;'), sub {
    is(ask_once()->{status}, 503, 'no server yet');
    dns_says('fe.late.test' => $A);
    answer_is($A, 'found later');
    ok(health_logged(qr/lync_dns: server "fe\.late\.test" resolves (?:again, )?to 127\.0\.0\.11, previously none$/), 'and it is logged');
};

# Checks follow the record.
scene 'checks',
    publication => named('HEALTH', 'server fe.health.test;', 'health_check autodiscover interval=1s fails=2 passes=1;'), sub {
    dns_says('fe.health.test' => $A, 'fe.health.test' => $B);
    answer_is("$A $B", 'up');
    behave($A, HEALTH => check => '503');
    ok(health_logged(qr/lync_health: server 127\.0\.0\.11:\d+ .* is down: GET \S+: 503$/), 'one is down');
    is(answers(), $B, 'the other one answers');
    dns_says('fe.health.test' => $B, 'fe.health.test' => $C);
    answer_is("$B $C", 'the record has another one');
    behave($C, HEALTH => check => 'internal');
    ok(health_logged(qr/lync_health: server 127\.0\.0\.31:\d+ .* is down: answers as the internal web site/), 'which is asked, too');
    forget_stats();
    sleep 3;
    is(scalar @{ stats($A, 'HEALTH')->{checks} }, 0, 'and the one that is gone is not');
    cmp_ok(scalar @{ stats($B, 'HEALTH')->{checks} }, '>=', 1, 'others are');
};

# Several names and an address, each for itself.
scene 'several servers',
    publication => named('TWO', 'server fe01.two.test; server fe02.two.test; server 127.0.0.31;'), sub {
    dns_says('fe01.two.test' => $A, 'fe02.two.test' => $B);
    answer_is("$A $B $C", 'all answer');
    dns_says('fe02.two.test' => $B);
    ok(health_logged(qr/"fe01\.two\.test" can't be resolved/), 'one name vanishes');
    is(answers(12), "$A $B $C", 'and all answer');
};

# The name servers of /etc/resolv.conf, where nginx.conf names none: an nginx that sees another such
# file.
scene "the system's name servers", config => '', sub {
    if ($> != 0 || system('unshare -m true 2>/dev/null') != 0) {
        pass('only root can give a process another /etc/resolv.conf');
        return;
    }
    my $address = '127.53.53.53';
    dns_start(ttl => 1, address => $address, port => 53);
    dns_says('fe.system.test' => $A);
    my $dir = scene_dir();
    my $port = port('SYSTEM_HTTPS');
    write_file("$dir/resolv.conf", "search system.test\nnameserver $address\n");
    write_file("$dir/hosts", "127.0.0.1 localhost\n");
    my $inside = LyncTest::expand(publication('SYSTEM', 'server fe;', 'health_check off;'));
    my $nginx = LyncTest::Nginx->start($dir, "lync_publish contoso { http_listen off; https_listen 127.0.0.1:$port; $inside }",
        wrapper => ['unshare', '-m', 'sh', '-c', "mount --bind $dir/resolv.conf /etc/resolv.conf &&
            mount --bind $dir/hosts /etc/hosts && exec \"\$\@\"", 'sh']);
    my $site = sub {
        my $got = eval { client("https://lyncwebext.contoso.com:$port")->ask('GET /abs/handler')->answer->{body} } // '';
        return $got =~ /from ([\d.]+):/ ? $1 : '';
    };
    ok(wait_until(sub { $site->() eq $A }, $Pools::PATIENCE), 'found when nginx starts');
    dns_says('fe.system.test' => $B);
    ok(wait_until(sub { $site->() eq $B }, $Pools::PATIENCE), 'and found again');
    $nginx->stop;
    is(scalar(my @bad = log_lines(qr/\[(?:alert|crit|emerg)\]/, "$dir/logs/error.log")), 0, 'nothing was wrong');
    dns_start(ttl => 1);
};

# What the system's own file says is not DNS's business.
sub hosts {
    dns_says('localhost' => $B);
    is(answers(), '127.0.0.1', 'as /etc/hosts says');
    sleep 3;
    is(dns_asked('localhost'), 0, 'DNS is not asked');
    is(answers(), '127.0.0.1', 'nor later');
}
scene 'a name of /etc/hosts', publication => publication('HOSTS', 'server localhost;', 'health_check off;'), \&hosts;
scene 'and with resolve_at_start off', publication => named('HOSTS', 'server localhost;'), \&hosts;

run_suite(before => "resolver 127.0.0.1:%%PORT_DNS%% ipv6=off;\n");
