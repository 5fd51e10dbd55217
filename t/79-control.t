# lync_control and lyncctl: servers are drained and taken back at once, by name, for all workers,
# over reloads; what is under way there ends in its own time, and nobody else comes.

use FindBin ();
use lib "$FindBin::Bin/auth";

use LyncTest;
use LyncTest::Scene;
use LyncTest::FrontEnds;

use IO::Socket::UNIX ();
use JSON::PP ();
use List::Util qw(uniq);
use Time::HiRes qw(sleep time);

master_on();
add_block_preprocessor(sub { workers($_[0]->workers // 3) });

# What nginx knows of a server outlives the reload from block to block.
my $blocks = 100;
add_block_preprocessor(sub {
    my ($block) = @_;
    return if !defined $block->http_config;
    $blocks++;
    my $host = "127.0.$blocks";
    $block->set_value(http_config => $block->http_config =~ s/127\.0\.0\.(?=1[1-9])/$host./gr);
});
sub host { "127.0.$blocks.$_[0]" }
sub fes { map { LyncTest::FrontEnds->new(address => host(10 + $_)) } 1 .. $_[0] }

# A path of a socket is at most 107 bytes long.
my $Dir = "/tmp/lync-control-$$";
mkdir $Dir, 0700 or die "can't make $Dir: $!\n";
my $owner = $$;
END { if ($owner == $$) { local $?; unlink glob "$Dir/*"; rmdir $Dir } }

my $Control = "server { listen unix:$Dir/sock; location / { lync_control; } }\n"
    . "server { listen 127.0.0.1:%%PORT_STATUS%%; location / { lync_status; } }\n";

sub publication { front_ends_of(servers => join(' ', map { "server 127.0.0.1$_ name=fe$_ slow_start=0;" } 1 .. 3), @_) }

my $Three  = publication() . $Control;
my $Two    = publication(servers => 'server 127.0.0.11 name=fe1 slow_start=0; server 127.0.0.12 name=fe2 slow_start=0;') . $Control;
my $Slow   = publication(servers => 'server 127.0.0.11 name=fe1 slow_start=60s; server 127.0.0.12 name=fe2;') . $Control;
my $Cookie = publication(more => 'affinity cookie;') . $Control;
my $Backups = publication(more => 'affinity cookie;', servers => 'server 127.0.0.11 name=fe1 slow_start=0; server 127.0.0.12 name=fe2 backup; server 127.0.0.13 name=fe3 backup;') . $Control;
my $Source = publication(more => 'affinity source;') . $Control;
my $Shared = publication(servers => 'server 127.0.0.11 name=fe1; server 127.0.0.12 name=FE2;')
    . publication(name => 'fabrikam', servers => 'server 127.0.0.11; server 127.0.0.13 name=fe2;',
        pool => 'fepool.contoso.local')
    . publication(name => 'litware', servers => 'server 127.0.0.14 name=fe1; server 127.0.0.11 name=one;',
        pool => 'other.contoso.local') . $Control;
my $Out = "resolver 127.0.0.1:1; " . publication(more => '', servers => 'server 127.0.0.11 name=fe1 slow_start=0 fail_timeout=1h; server 127.0.0.12 name=fe2 slow_start=0; server fe3.contoso.invalid name=fe3;')
    =~ s/(?=sip_domain)/resolve_at_start off; /r . $Control;
my $Names = publication(servers => 'server 127.0.0.1 name=one;')
    . publication(name => 'fabrikam', servers => 'server localhost name=two;') . $Control;
my $Twelve = publication(servers => join ' ', (map { "server 127.0.0.1$_ name=fe$_;" } 1 .. 9), (map { "server 127.0.1.1$_ name=fe1$_;" } 0 .. 1), 'server [::1] name=fe12;') . $Control;
my $Checked = publication(servers => 'server 127.0.0.11 name=fe1 down; server 127.0.0.12 name=fe2; server 127.0.0.13 name=fe3;')
    =~ s/health_check           off/health_check autodiscover interval=1s fails=1 passes=1/r . $Control;

sub lyncctl {
    my $words = join ' ', map { "'$_'" } @_;
    my $text = `$LyncTest::Paths::BUILD/lyncctl $words --socket $Dir/sock 2>&1`;
    return ($? >> 8) . " $text";
}

# One request to the socket: "STATUS body".
sub say_to {
    my ($line, @headers) = @_;
    my $socket = IO::Socket::UNIX->new(Peer => "$Dir/sock") or die "can't connect to $Dir/sock: $!\n";
    print $socket LyncTest::Scene::request($line, Host => 'localhost', Connection => 'close', @headers);
    my $answer = do { local $/; <$socket> };
    my ($status, $body) = $answer =~ m{^HTTP/1\.1 (\d+) .*?\r\n\r\n(.*)$}s or die "no answer: $answer\n";
    return "$status $body";
}

sub status {
    my ($name) = @_;
    my $answer = client('http://127.0.0.1:' . port('STATUS'))->ask('GET /?format=json')->answer;
    my ($publication) = @{ JSON::PP->new->utf8->decode($answer->{body})->{publications} };
    return { map { $_->{name} => $_ } @{ $publication->{pools}[0]{servers} } };
}

sub cookie_of { my ($answer) = @_; return ($answer->one('Set-Cookie') // '') =~ /^(MS-WSMAN=\w+)/ ? $1 : undef }

sub who { join ' ', map { s/.*\.//r } sort keys %{ ask_times(@_) } }

# At once, by whichever worker, for all of them; a reload and a killed worker change nothing.
scene 'drained and taken back', http_config => $Three, sub {
    my @fe = fes(3);
    is(who(9), '11 12 13', 'all three');
    is(lyncctl(drain => 'fe1'), '0 server fe1 (' . host(11) . ') of pool fepool.contoso.local is drained: no new clients' . "\n", 'one is drained');
    is(who(12), '12 13', 'and gets nothing more');
    is(lyncctl(drain => 'FE1'), '0 server fe1 (' . host(11) . ') of pool fepool.contoso.local is drained already' . "\n", 'twice');
    my $fe1 = status()->{fe1};
    is("$fe1->{state} ($fe1->{reason})", 'draining (drained)', 'the status says so');
    like($fe1->{since}, qr/^\d{4}-/, 'and since when');
    my $metrics = client('http://127.0.0.1:' . port('STATUS'))->ask('GET /?format=prometheus')->answer->{body};
    like($metrics, qr/^lync_server_state\{[^}]*server="fe1",[^}]*state="draining"\} 1$/m, 'so do the metrics');
    is(scalar(log_lines(qr/\[warn\].*lync_control: server fe1 .* is drained/)), 2, 'the log, too');

    is(reload(), 'reloaded', 'a reload');
    is(who(12), '12 13', 'changes nothing');
    my %old = map { $_ => 1 } worker_pids();
    kill KILL => keys %old;
    ok((wait_until { my @now = worker_pids(); @now == 3 && !grep { $old{$_} } @now }), 'nor do workers that are killed');
    is(who(12), '12 13', 'their successors know');
    provoked_lines(qr/exited on signal 9/);

    is(lyncctl(undrain => host(11)), '0 server fe1 (' . host(11) . ') of pool fepool.contoso.local is taken back' . "\n", 'back, by its address');
    is(who(12), '11 12 13', 'all three');
    is(lyncctl(undrain => 'fe1'), '0 server fe1 (' . host(11) . ") of pool fepool.contoso.local isn't drained\n", 'once more');
};

# The last one: done, and said. A drained server is used by no way round.
scene 'the last one', http_config => $Two, sub {
    my @fe = fes(2);
    is((split ' ', lyncctl(drain => 'fe1'))[0], 0, 'the first');
    # The other one is the only one now, and never left out for failures.
    $fe[1]->kill;
    is(join(' ', map { asked()->{status} } 1 .. 3), '503 503 503', 'the other one fails');
    is(scalar(() = log_lines(qr/connect\(\) failed/)), 3, 'each request asks it, and none the drained one');
    $fe[1]->start;
    is(who(4), '12', 'it is back at once');
    my $said = lyncctl(drain => 'fe2');
    like($said, qr/^1 server fe2 .* is drained: no new clients\n/, 'the last one, too');
    like($said, qr/^lyncctl: pool fepool\.contoso\.local now has no server that takes new clients: they get 503$/m, 'with a word about it');
    my $answer = asked();
    is("$answer->{status} " . $answer->one('Retry-After'), '503 30', 'clients are asked to come back');
    ok((wait_until { asked(); log_lines(qr/none of its 2 servers takes requests, drained: 2/) }), 'the log says why');
    is($fe[0]->seen->{requests}, 0, 'nobody came to the first one');
    lyncctl(undrain => $_) for qw(fe1 fe2);
    is(who(8), '11 12', 'both are back');
};

# What is under way ends in its own time; --wait waits for it.
scene '--wait', http_config => $Two, sub {
    my @fe = fes(2);
    my @held = held_in_turn(2, 8, @fe);
    is(join(' ', map { $_->seen->{waiting} } @fe), '1 1', 'a request at each');
    like(lyncctl(qw(drain fe1 --wait --timeout 1)), qr/^1 .* is drained.*\nlyncctl: still 1 requests in flight, of which 0 pending GETs/, 'not within a second');
    like(lyncctl(qw(drain fe1 --wait)), qr/^0 .* is drained already\nnothing is in flight; 0 connections/, 'later');
    is(join(' ', sort map { $_->answer->{status} } @held), '200 200', 'and both were answered');
    is($fe[0]->seen->{waiting}, 0, 'indeed');
    my @hold = held_in_turn(1, 60, $fe[1]);
    my $ctl = sub { "$LyncTest::Paths::BUILD/lyncctl $_[0] --socket $Dir/sock" };
    system("(until @{[$ctl->('servers --format csv')]} | grep fe2,.*draining; do sleep 0.1; done; sleep 1; @{[$ctl->('undrain fe2')]}) >/dev/null 2>&1 &");
    like(lyncctl(qw(drain fe2 --wait)), qr/lyncctl: fe2 is no longer drained: it was taken back/, 'taken back meanwhile');
    lyncctl(undrain => 'fe1');
    @held = held_in_turn(2, 10 * $SLOW, @fe);
    lyncctl(drain => 'fe1');
    edit { s/(?=sip_domain)/backend_verify off; / };
    is(reload(), 'reloaded', 'servers are spoken to otherwise');
    like(lyncctl(qw(drain fe1 --wait --timeout 1)), qr/^1 .*\nlyncctl: still 1 requests/, 'requests of before count');
    like(lyncctl(qw(drain fe1 --wait)), qr/^0 /, 'to their end');
    is($fe[0]->seen->{waiting}, 0, 'indeed');
    lyncctl(undrain => 'fe1');
};

# A cookie's clients go elsewhere at once, as from one that is "down", and come back afterwards. Only
# a server's answer sets a cookie: nginx's own 503 would choose a server for its client.
scene 'clients with a cookie', http_config => $Cookie, sub {
    my @fe = fes(3);
    my %cookie;
    for (1 .. 60) {
        my $answer = asked();
        $cookie{ $answer->{body} } //= cookie_of($answer);
    }
    my $of = sub { my ($n) = @_; join ' ', map { asked(headers => [Cookie => $cookie{ host($n) }])->{body} } 1 .. 4 };
    my $stays = sub { join ' ', (host($_[0])) x 4 };
    is($of->($_), $stays->($_), "clients of $_") for 11 .. 13;
    lyncctl(drain => 'fe1');
    my $before = $fe[0]->seen->{requests};
    is($of->(12), $stays->(12), 'those of another stay');
    my $elsewhere = $of->(11);
    $fe[1]->kill;
    is($of->(12), $stays->(13), 'of a lost server: not to the drained one');
    $fe[2]->kill;
    my @answers = map { asked() } 1 .. 6;
    is(join(' ', map { $_->{status} } @answers), join(' ', (503) x 6), 'the others are lost');
    is(join('', map { cookie_of($_) // '' } @answers), '', 'no cookie with it');
    is($fe[0]->seen->{requests}, $before, 'nobody came to the drained one');
    like($elsewhere, qr/^(\S+)( \1)*$/, 'its own are together');
    lyncctl(undrain => 'fe1');
    is($of->(11), $stays->(11), 'and back');
};

# Nor does the home of others' cookies matter, which a reload moves, nor backups.
scene 'a drained backup', http_config => $Backups, sub {
    my @fe = fes(3);
    my @cookies = map { cookie_of(asked()) } 1 .. 10;
    lyncctl(drain => 'fe2');
    $fe[0]->kill;
    is(join(' ', uniq(map { asked(headers => [Cookie => $_])->{body} } @cookies)), host(13), 'the other backup has them all');
    edit { s/name=fe2 backup/name=fe2 backup weight=9/ };
    is(reload(), 'reloaded', 'more weight for the drained one');
    is(join(' ', uniq(map { asked(headers => [Cookie => $_])->{body} } @cookies)), host(13), 'so it is');
    lyncctl(undrain => 'fe2');
};

scene 'clients by address', http_config => $Source, sub {
    my @fe = fes(3);
    my $mine = who(3);
    lyncctl(drain => 'fe' . ($mine - 10));
    isnt(who(3), $mine, 'elsewhere');
    lyncctl(undrain => 'fe' . ($mine - 10));
    is(who(3), $mine, 'and back');
};

# One that is taken back gets its share bit by bit.
scene 'slow start', http_config => $Slow, workers => 1, sub {
    my @fe = fes(2);
    lyncctl(drain => 'fe1');
    is(who(4), '12', 'drained');
    lyncctl(undrain => 'fe1');
    cmp_ok(ask_times(12)->{ host(11) } // 0, '<=', 2, 'slow_start begins');
};

# Which server a word means: a machine is drained in all publications that name it.
scene 'which server is meant', http_config => $Shared, suppress_stderr => '', sub {
    my ($one, $two, $three, $four) = map { host(10 + $_) } 1 .. 4;
    like(lyncctl(drain => 'fe9'), qr/^2 lyncctl: no server is called "fe9", there are fe1, FE2, \Q$one\E, fe2, one\n$/, 'none');
    like(lyncctl(drain => 'fe1'), qr{^2 lyncctl: "fe1" means several servers: write \Q$one\E \(pool fepool\.contoso\.local\), \Q$four\E \(pool other\.contoso\.local\)\n$}, 'two pools have it');
    like(lyncctl(drain => 'fepool.contoso.local/fe2'),
        qr{^2 lyncctl: "fepool\.contoso\.local/fe2" means several servers: write \Q$two\E \(pool fepool\.contoso\.local\), \Q$three\E \(}, 'one pool of two publications');
    like(lyncctl(drain => 'other.contoso.local/one'),
        qr/^0 server one \(\Q$one\E\) of pool fepool\.contoso\.local, pool other\.contoso\.local is drained/, 'one machine, in both');
    my $all = JSON::PP->new->utf8->decode(say_to('GET /servers') =~ s/^200 //r);
    my @states = map { map { map { "$_->{name} $_->{state}" } @{ $_->{servers} } } grep { $_->{scheme} eq 'https' } @{ $_->{pools} } } @{ $all->{publications} };
    is(join(', ', @states), "fe1 draining, FE2 unknown, $one draining, fe2 unknown, fe1 unknown, one draining", 'under each of its names');
    like(lyncctl(drain => "fepool.contoso.local/$two"), qr/^1 server FE2 .* is drained/, 'by its address');
    my $part = say_to("GET /servers?server=$one");
    like($part, qr/^200 \{"machine":\{"drained":true,"in_flight":0,.*"name":"fe1".*"name":"\Q$one\E".*"name":"one"/, 'a part of the list');
    unlike($part, qr/FE2/, 'no more');
    my $completed = `bash -c 'source $LyncTest::Paths::SOURCE/src/lyncctl/lyncctl.bash; lyncctl() { $LyncTest::Paths::BUILD/lyncctl "\$@" --socket $Dir/sock; };
        COMP_WORDS=(lyncctl drain f); COMP_CWORD=2; _lyncctl; echo "\${COMPREPLY[@]}"'`;
    is(join(' ', sort { $a cmp $b } split ' ', $completed), 'fe1 fe1 fe1 fe2', 'the shell knows names');
    my $table = lyncctl('servers');
    like($table, qr/^0 .*^contoso +FE2 .* draining +\d{4}-\d\d-\d\d .* \d\d:\d\dZ\b/ms, 'the table') or diag($table);
    my $csv = lyncctl(servers => '--format', 'csv');
    like($csv, qr/,FE2,\Q@{[host(12)]}\E:\d+,draining,\S+Z,0,0,0,drained\r?$/m, 'a row of it') or diag($csv);
    lyncctl(undrain => $_) for $two, $one;
};

# What is under way at a place is seen by each of its addresses.
scene 'a name and its address', http_config => $Names, suppress_stderr => '', sub {
    my $fe = LyncTest::FrontEnds->new(address => '127.0.0.1');
    my ($held) = held_in_turn(1, 30, $fe);
    like(say_to("GET /servers?server=$_"), qr/^200 \{"machine":\{"drained":false,"in_flight":1,/, $_) for qw(one two);
    $held->close;
};

# Left out of the configuration for a while: forgotten.
scene 'out of the configuration and in again', http_config => $Three, sub {
    my @fe = fes(3);
    lyncctl(drain => 'fe1');
    lyncctl(drain => 'fe2');
    my $line = '';
    edit { s/(server \S+ name=fe1 slow_start=0;)// and $line = $1 };
    is(reload(), 'reloaded', 'without the line');
    is(who(6), '13', 'the others stay as they are');
    like(lyncctl(undrain => 'fe1'), qr/^2 lyncctl: no server is called "fe1"/, 'there is none');
    edit { s/(?=server \S+ name=fe2)/$line / };
    is(reload(), 'reloaded', 'with it again');
    is(who(9), '11 13', 'it is as new; the other one is still drained');

    # A configuration that wasn't served counts for nothing: its sockets can't be had.
    edit { s/(server \S+ name=fe2 slow_start=0;)// and $line = $1; s/(lync_publish)/server { listen 192.0.2.1:1; } $1/ };
    is(reload(), 'refused', 'a reload without the other line that fails');
    provoked_lines(qr/\[emerg\]/);
    edit { s/server \{ listen 192\.0\.2\.1:1; \} //; s/(?=server \S+ name=fe3)/$line / };
    is(reload(), 'reloaded', 'with it again');
    is(who(9), '11 13', 'it was never gone');
    lyncctl(undrain => 'fe2');
};

# What undrain can't bring back, it says.
scene 'what undrain can\'t do', http_config => $Checked, sub {
    my @fe = fes(3);
    ok((wait_until { status()->{fe2}{state} eq 'up' && status()->{fe3}{state} eq 'up' }), 'two are up');
    is(status()->{fe1}{state}, 'draining', 'one is down in the configuration');
    like(lyncctl(undrain => 'fe1'), qr/^1 .* isn't drained\nlyncctl: "down" stands on its line in \S+:\d+: it takes no requests/, 'undrain does not help there');
    lyncctl(drain => 'fe2');
    $fe[1]->kill;
    ok((wait_until { status()->{fe2}{reason} =~ /^drained, and down: / }), 'checks go on while it is drained');
    ok((wait_until { log_lines(qr/lync_health: server fe2 \(\Q@{[host(12)]}\E:\d+\) of pool "fepool\.contoso\.local" is down/) }), 'logged by name');
    provoked_lines(qr/lync_health/);
    like(lyncctl(undrain => 'fe2'), qr/^1 .* is taken back\nlyncctl: it fails its health check, and takes no requests until it passes: connection refused$/m, 'too early');
    is(status()->{fe2}{state}, 'down', 'down');
    lyncctl(drain => 'fe3');
    is(asked()->{status}, 503, 'down and drained: nobody takes requests');
    lyncctl(undrain => 'fe3');
};

# What was held against it is forgotten: it was looked after.
scene 'left out, drained and back', http_config => $Out, workers => 1, sub {
    my @fe = fes(2);
    $fe[0]->kill;
    asked() for 1 .. 4;
    is(status()->{fe1}{state}, 'down', 'left out');
    lyncctl(drain => 'fe1');
    $fe[0]->start;
    like(lyncctl(undrain => 'fe1'), qr/^0 .* is taken back\n$/, 'back');
    is(who(6), '11 12', 'at once');
    like(lyncctl(undrain => 'fe3'), qr/^1 .* isn't drained\nlyncctl: its name can't be resolved, and it takes no requests until it can$/, 'one without an address');
    provoked_lines(qr/connect\(\) failed|lync_balance|could not be resolved|lync_resolve/);
};

# Wrong requests get a line each; nothing is changed.
scene 'wrong requests', http_config => $Twelve, sub {
    like(say_to('GET /drain?server=fe1'), qr{^405 /drain takes POST\n$}, 'GET');
    like(say_to('PUT /undrain?server=fe1', 'Content-Length' => 0), qr{^405 /undrain takes POST\n$}, 'PUT');
    like(say_to('POST /servers', 'Content-Length' => 0), qr{^405 /servers takes GET, HEAD\n$}, 'POST');
    like(say_to('POST /drain'), qr{^400 which server: /drain\?server=NAME\n$}, 'no server');
    like(say_to('POST /drain?server='), qr{^400 which server}, 'an empty one');
    like(say_to('POST /drain?server=fepool.contoso.local%2F'), qr{^404 no server is called}, 'a pool alone');
    like(say_to('POST /drain?server=f%65x%'), qr{^404 no server is called "fex"}, 'a broken one');
    like(say_to('GET /servers?server=nobody'), qr{^404 no server is called "nobody"}, 'a part that nobody has');
    like(say_to('GET /'), qr{^404 there are GET /servers, GET /shields, POST /drain\?server=NAME, POST /undrain\?server=NAME, GET /lockout and POST }, 'nothing there');
    like(say_to('POST /undrain?server=::1'), qr{^200 server fe12 \(\[::1\]\)}, 'IPv6 without brackets');
    like(say_to('POST /drain?server=x'), qr/ there are (fe\w+, ){9}fe\w+ and 2 more$/, 'no more than ten names');
    like(say_to('GET /drain/'), qr{^404 there are}, 'nor there');
    is(say_to('HEAD /servers'), '200 ', 'HEAD');
    is(join(' ', grep { /^drain/ } map { $_->{state} } values %{ status() }), '', 'nothing is drained');
    my $mode = (stat "$Dir/sock")[2] & 0777;
    is(sprintf('%o', $mode), '666', 'nginx opens the socket itself to all: the directory decides');
    is(`$LyncTest::Paths::BUILD/lyncctl servers --socket $Dir/none 2>&1`,
        qq{lyncctl: socket "$Dir/none": No such file or directory: write a server with "lync_control" for it into nginx.conf, or name it with --socket (lyncctl(8))\n},
        'no socket');
};

# What isn't nginx's is no success; one lost answer ends no wait.
scene 'other sockets', http_config => $Three, sub {
    my $ask = sub {
        my ($answers, @words) = @_;
        my $path = "$Dir/other";
        unlink $path;
        my $listener = IO::Socket::UNIX->new(Local => $path, Listen => 5) or die "can't listen at $path: $!\n";
        my $pid = fork // die "can't fork: $!\n";
        if ($pid == 0) {
            for my $answer (@$answers) {
                my $c = $listener->accept or last;
                sysread $c, my $request, 65536;
                print $c ref $answer ? $answer->($request) : $answer;
                close $c;
            }
            require POSIX;
            POSIX::_exit(0);
        }
        close $listener;
        my $said = `$LyncTest::Paths::BUILD/lyncctl @words --socket $path 2>&1`;
        my $status = $? >> 8;
        waitpid $pid, 0;
        return "$status $said";
    };
    my $answer = sub { my ($status, $body, $more) = @_; "HTTP/1.1 $status\r\nContent-Type: text/plain\r\nConnection: close\r\n" . ($more // "Lync-Control: 1\r\n") . "\r\n$body" };
    for my $status ('200 OK', '302 Found') {
        my ($code) = $status =~ /(\d+)/;
        like($ask->([$answer->($status, "hello\n", '')], 'drain', 'fe1'), qr/^2 lyncctl: socket "\S+" answers $code: that isn't "location \/ \{ lync_control; \}"\n$/, "$code of another server");
    }
    is($ask->([sub { $answer->('200 OK', $_[0] =~ /^(User-Agent: .*)\r$/m ? "$1\n" : '') }], 'drain', 'fe1'), "0 User-Agent: lyncctl\n", 'who asks');
    my $machine = sub { JSON::PP->new->canonical->encode({ machine => { drained => JSON::PP::true, in_flight => $_[0], pending_gets => 0, owned_connections => 0 }, publications => [] }) };
    like($ask->([$answer->('200 OK', "drained\n"), $answer->('200 OK', $machine->(1)), '', $answer->('200 OK', $machine->(0))], qw(drain fe1 --wait)),
        qr/^0 drained\nnothing is in flight/, 'a lost answer');
    my $servers = JSON::PP->new->encode({ publications => [{ name => 'c', pools => [{ name => 'p', port => 443,
        servers => [map { { name => "fe$_", address => '10.0.0.1:443', state => 'up', since => undef, reason => '', in_flight => 0, pending_gets => 0, owned_connections => 0 } } 1 .. 5000] }] }] });
    like($ask->([$answer->('200 OK', $servers)], 'servers'), qr/^0 .*\bfe5000\b/s, 'a long answer');
    like($ask->([$answer->('200 OK', "drained\n"), $answer->('200 OK', '{"machine": {}}')], qw(drain fe1 --wait)),
        qr/^2 drained\nlyncctl: socket "\S+" answers what this lyncctl doesn't understand: /, 'another JSON');
    like($ask->(["nonsense\n"], 'servers'), qr/^2 lyncctl: socket "\S+" doesn't answer as nginx does: /, 'no HTTP');
    like($ask->([''], 'servers'), qr/^2 lyncctl: socket "\S+" doesn't answer, is nginx running\?\n$/, 'nothing');
    like(`$LyncTest::Paths::BUILD/lyncctl drain fe1 --timeout 5 2>&1`, qr/--timeout requires --wait/, 'no time without a wait');
};

run_suite();
