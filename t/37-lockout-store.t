# lockout_store: two proxies count together in a real Redis, which is killed, frozen and emptied.

use LyncTest;
use LyncTest::Scene;
use LyncTest::SecondNginx;
use LyncTest::Doors;
use LyncTest::Files qw(slurp preload);

use IO::Socket::IP;
use File::Temp ();
use JSON::PP ();
use Time::HiRes qw(sleep time);

master_on();
workers(2);
worker_connections(4096);

my $DIR = File::Temp::tempdir('lync-XXXXXX', TMPDIR => 1, CLEANUP => 1);
chmod 0755, $DIR;
my $LIMITS = 'lockout on failures=4 window=600s hold=600s source_accounts=0;';
my $PORT = port('REDIS');
my $STORE = "lockout_store redis://127.0.0.1:$PORT key=$DIR/key;";
my $CONTROL = "server { listen unix:$DIR/first; location / { lync_control; } }";

sub file { my ($name, $text) = @_; open my $out, '>', "$DIR/$name" or die; print $out $text; close $out; "$DIR/$name" }
file('key', "0123456789abcdef0123456789abcdef\n");
file('password', "s3cret of Redis\n");

# --- Redis

my @redis;
my $password; # that it wants

# A library in front of its clock, which is ahead by the seconds in the file "clock", if that is there.
my $clock = preload("$DIR/clock", <<"END");
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

int gettimeofday(struct timeval *now, void *zone)
{
    long ahead = 0;
    FILE *file = fopen("$DIR/clock", "r");
    if (file) {
        fscanf(file, "%ld", &ahead);
        fclose(file);
    }
    syscall(SYS_gettimeofday, now, zone);
    now->tv_sec += ahead;
    return 0;
}
END

sub redis {
    my (@options) = @_;
    my $pid = fork // die "fork: $!\n";
    if ($pid == 0) {
        open STDOUT, '>', "$DIR/redis.log";
        chdir $DIR;
        local $ENV{LD_PRELOAD} = $clock if $clock && -e "$DIR/clock";
        no warnings 'exec';
        exec 'redis-server', '--port', $PORT, '--bind', '127.0.0.1', '--save', '', '--dir', $DIR,
            '--unixsocket', "$DIR/redis.sock", '--unixsocketperm', '777', @options;
    }
    ($password) = "@options" =~ /--requirepass (another|s3cret of Redis)/;
    push @redis, $pid;
    wait_until { IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => $PORT) } or die "no Redis\n";
    return $pid;
}
sub stop { my ($pid) = @_; local $?; unlink "$DIR/clock"; kill KILL => $pid; waitpid $pid, 0; @redis = grep { $_ != $pid } @redis }
END { local $?; stop($_) for @redis }

sub cli { my $as = defined $password ? "--no-auth-warning -a '$password'" : ''; `redis-cli -s $DIR/redis.sock $as @_ 2>&1` }

# The names of the accounts' and sources' records; all failures in them; waited for until there are so many.
sub records { grep { !/:(?:changes|probe|s0{20}ffffc00002\w\w)$/ } split /\n/, cli('--scan') }
sub failures { my @f = map { cli("hkeys '$_'") =~ /^f/mg } records(); return scalar @f }
sub knows { my ($failures) = @_; return wait_until { failures() == $failures } }
sub prefix { return wait_until { cli('--scan') =~ /^(\S+:)changes$/m && $1 } }

# --- the proxies

my $second = port('SECOND_HTTPS');
my $second_nginx;

sub start_second {
    $second_nginx = second_nginx($second, sub { s{unix:$DIR/first}{unix:$DIR/second}g });
}
# Each worker of these proxies: one that has no connection counts alone, whatever the others have.
sub connected {
    my @proxies = @_;
    return wait_until {
        my @workers = split ' ', `pgrep -P ${\nginx_pid()}`; # none of a reload before
        my @connections = cli('client list') =~ / cmd=evalsha /g;
        @workers == 2 && @connections == 2 * @proxies && @proxies == grep { store($_) } @proxies;
    } 30;
}
sub are_there { # both; what they have said about it until then isn't looked at
    my $there = connected(qw(first second));
    provoked_lines(qr/lync_lockout: lockout_store/);
    return $there;
}
sub store { # whether a proxy has its store
    my $json = eval { JSON::PP::decode_json(control($_[0], '/lockout')) } or return;
    return $json->{store}{connected};
}
sub control {
    my ($proxy, $path) = @_;
    return `curl -s --unix-socket $DIR/$proxy http://x$path`;
}
sub lyncctl { my ($proxy, @words) = @_; my $said = `$LyncTest::Paths::BUILD/lyncctl lockout @words --socket $DIR/$proxy 2>&1`; ($? >> 8) . " $said" }
sub at { # attempt() at one of the proxies
    my ($proxy, $door, $who, $password) = @_;
    return attempt($door, $who, $password, client('https://lyncwebext.contoso.com' . ($proxy eq 'first' ? '' : ":$second")));
}
sub status { at(@_)->answer->{status} }
sub away { log_lines(qr/lync_lockout: lockout_store .* is away/, @_) }
sub away_at_second { away("$second_nginx->{dir}/logs/error.log") }
sub lists { my ($proxy, $line) = @_; return wait_until { lyncctl($proxy, qw(list --format csv)) =~ $line } }

# What Redis knows is known to both, who look each second at what has changed: when they hold a
# source that is written behind it.
my $marks = 0;
sub settle {
    my $prefix = prefix();
    my $name = sprintf 's%020dffffc00002%02x', 0, ++$marks; # 192.0.2.1 and so on
    cli(qq{eval "
        local t = redis.call('TIME')
        redis.call('HSET', KEYS[1] .. '$name', 'c', 0, 'h', t[1] * 1000 + 600000, 'w', 60000, 'f' .. string.rep('1', 16), t[1] * 1000)
        redis.call('ZADD', KEYS[1] .. 'changes', t[1] * 1000000 + t[2], '$name')" 1 '$prefix'});
    my $known = 2 == grep { lists($_, qr/^source,192\.0\.2\.$marks,/m) } qw(first second);
    cli("del '$prefix$name'");
    return $known;
}

my @two = (more => "$LIMITS $STORE", after => $CONTROL);
my $redis;

sub with_both { # a scene of two proxies that have the same Redis
    my ($title, $script, %sections) = (shift, pop, @two, @_);
    my ($delay, $ahead) = delete @sections{qw(delay ahead)};
    scene $title, %sections, sub {
        file('clock', $ahead) if $ahead;
        $redis = redis();
        my $server = doors_server(delay => $delay);
        start_second();
        ok(are_there(), 'both are connected');
        $script->();
        $second_nginx->stop('QUIT');
        stop($redis);
        provoked_lines(qr/lync_lockout: lockout_store/);
    };
}

with_both 'exactly as many at two proxies', delay => 0.2, sub {
    my @clients = map { at($_ % 2 ? 'first' : 'second', $DOORS[$_ % @DOORS], 'alice', 'wrong') } 0 .. 23;
    my @statuses = map { $_->answer->{status} } @clients;
    is(scalar(arrived), 4, 'four of 24 arrive') or diag("@statuses");
    is(status($_, 'basic', 'alice', 'right'), 401, "held at the $_") for qw(first second);
    is(status($_, 'basic', 'bob', 'right'), 200, "bob isn't, at the $_") for qw(first second);
    is(scalar(grep { $_ eq 'alice' } arrived), 4, 'nothing more arrives');
    ok(lists($_, qr/^account,\w{16},\d+\r?$/m), "the $_ lists it") for qw(first second);
    my $known = cli('--scan') . join '', map { cli("hgetall '$_'") } split /\n/, cli('--scan');
    unlike($known, qr/alice|bob|contoso/i, 'Redis has no name');
    is(scalar(grep { cli("pttl '$_'") <= 0 } split /\n/, cli('--scan')), 0, 'and nothing for ever');
    # What it is greeted with isn't the time: it believed that all holds were over.
    $second_nginx->stop('QUIT');
    start_second();
    ok(lists('second', qr/^account,\w{16},\d+\r?$/m), 'a proxy that begins learns of it');
    like(lyncctl('second', qw(release alice)), qr/^0 /, 'a release at the second');
    is(wait_until { status('first', 'basic', 'alice', 'right') == 200 }, 1, 'releases at the first');
    is(status('second', 'basic', 'alice', 'right'), 200, 'and there');
    is(scalar(away()), 0, 'nothing went wrong');
};

with_both 'a success clears, a hold ends', more => "$LIMITS $STORE" =~ s/hold=600s/hold=5s/r, sub {
    for (1 .. 2) {
        status('first', 'basic', 'alice', 'wrong') for 1 .. 2;
        status('second', 'token', 'alice', 'wrong');
        is(status('first', 'token', 'alice', 'right'), 200, 'signed in');
    }
    is(scalar(arrived), 8, 'all arrive');
    status($_, 'basic', 'carol', 'wrong') for qw(first second first second);
    is(status('first', 'basic', 'carol', 'right'), 401, 'held');
    for my $proxy (qw(first second)) {
        ok(scalar(wait_until { status($proxy, 'basic', 'carol', 'right') == 200 }), "the hold ends at the $proxy");
    }
};

# What is counted alone is sent when it is back; a Redis that has lost all gets all.
for my $way (qw(killed frozen)) {
    with_both "$way in the middle", sub {
        status('first', 'basic', $_, 'wrong') for qw(alice carol);
        status('second', 'basic', 'alice', 'wrong');
        status('second', 'basic', 'dave', 'wrong') for 1 .. 4;
        ok(settle(), 'which both know');
        $way eq 'killed' ? stop($redis) : kill(STOP => $redis);
        my $since = time;
        status('first', 'basic', 'alice', 'wrong');
        cmp_ok(time - $since, '<', 5 * $SLOW, 'it is answered in time');
        status('second', 'basic', 'carol', 'wrong') for 1 .. 2;
        is(status('first', 'basic', 'dave', 'right'), 401, 'who is held stays held');
        ok(wait_until { !store('first') && !store('second') }, 'both say that they count alone');
        like(control('first', '/lockout'), qr/"connected": ?false/, 'in JSON');
        is(scalar(away()), 1, 'in one line of the first') or diag(away());
        is(scalar(away_at_second()), 1, 'and one of the second');
        $way eq 'killed' ? ($redis = redis()) : kill(CONT => $redis);
        ok(connected(qw(first second)), 'it is back');
        ok(knows(10), 'and knows all failures');
        status('second', 'basic', 'alice', 'wrong');
        is(status($_, 'basic', 'alice', 'right'), 401, "alice is held at the $_") for qw(first second);
        status('first', 'basic', 'carol', 'wrong');
        is(status($_, 'basic', 'carol', 'right'), 401, "carol is held at the $_") for qw(first second);
        my %count;
        $count{$_}++ for arrived;
        is("@count{qw(alice carol dave)}", '4 4 4', 'each after four');
        is(scalar(log_lines(qr/lync_lockout: lockout_store .* is back after \d+ s/)), 1, 'the log says that it is back');
    };
}

# More than a worker asks about at a time, of which most are gone before they are sent.
with_both 'a thousand at once', delay => 0.5, sub {
    my @workers = worker_pids();
    my @crowd = map { client('https://lyncwebext.contoso.com') } 1 .. 1000;
    my @last = map { client('https://lyncwebext.contoso.com') } 1 .. 4;
    kill STOP => @workers;
    attempt('token', "user-$_", 'wrong', $crowd[$_]) for 0 .. $#crowd;
    @crowd = ();
    attempt('token', 'alice', 'wrong', $_) for @last;
    kill STOP => $redis;
    kill CONT => @workers;
    sleep 0.1;
    kill CONT => $redis;
    my @second = map { at('second', 'token', 'alice', 'wrong') } 1 .. 4;
    $_->answer for @second, @last;
    my $arrived = grep { $_ eq 'alice' } arrived;
    ok($arrived == 4 || away() || away_at_second(), 'four arrive, unless this machine was too slow for the store to be there')
        or diag($arrived);
};

# Held up at the first for nearly as long as the store counts them, they would arrive beside the second's.
with_both 'limit_req holds attempts up', delay => 0.6,
    before => 'limit_req_zone $binary_remote_addr zone=slow:1m rate=4r/s;',
    included => 'limit_req zone=slow burst=200;', sub {
    my $began = time;
    my @busy = map { client('https://lyncwebext.contoso.com')->ask('GET /abs/handler') } 1 .. 17;
    my @clients = map { my $proxy = $_; map { at($proxy, 'basic', 'alice', 'wrong') } 1 .. 4 } qw(first second);
    my $late = time - $began > 1;
    my @statuses = map { $_->answer->{status} } @clients;
    is(scalar(arrived), 4, 'four arrive') or diag("@statuses");
    ok($late || log_lines(qr/lync_lockout: a delayed sign-in/), 'the others are logged, unless this machine was too slow to ask in time');
};

# How long an answer takes is no difference between two clocks: attempts end as they began.
scene 'a store that is fast and slow in turn', more => "$LIMITS lockout_store redis://127.0.0.1:" . port('SLOW') . " key=$DIR/key;", after => $CONTROL, sub {
    my $redis = redis();
    my $relay = server(port => port('SLOW'), address => '127.0.0.1', parallel => 1, sub {
        my ($here) = $_[0]{socket};
        my $there = IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => $PORT);
        my $select = IO::Select->new($here, $there);
        my $answers = 0;
        while (1) {
            for my $from ($select->can_read) {
                sysread $from, my $bytes, 65536 or return;
                sleep 0.15 if $from == $there && $answers++ % 3 == 0;
                syswrite $from == $there ? $here : $there, $bytes;
            }
        }
    });
    my $server = doors_server();
    ok(connected('first'), 'connected');
    # Who waits for a turn waits for a minute, which is longer than these wait for their answer.
    is(join(' ', map { status('first', 'token', 'alice', 'right') } 1 .. 16), '200 ' x 15 . '200', 'signed in');
    $relay->stop;
    stop($redis);
    provoked_lines(qr/lync_lockout: lockout_store/);
};

for my $what (['closes what is idle', '--timeout', 5], ['takes one worker alone', '--maxclients', 1]) {
    my ($title, @options) = @$what;
    scene "a store that $title", more => "$LIMITS $STORE", after => $CONTROL, sub {
        my $redis = redis(@options);
        ok(scalar(wait_until { store('first') } 15), 'connected');
        sleep 1;
        provoked_lines(qr/lync_lockout: lockout_store/);
        sleep 8; # longer than the store's time
        is(scalar(log_lines(qr/lockout_store/)), 0, 'is there') or diag(log_lines(qr/lockout_store/));
        ok(store('first'), 'all the time');
        stop($redis);
        ok(scalar(wait_until { away() == 1 }), 'until it goes, which one line says');
        provoked_lines(qr/lync_lockout: lockout_store/);
    };
}

# What isn't a record of ours in its place concerns nobody else, and makes room for one.
with_both 'other values in its keys', sub {
    status('first', 'basic', $_, 'wrong') for qw(alice bob);
    ok(knows(2), 'two failures');
    my $index = prefix() . 'changes';
    my @records = records();
    is(scalar(@records), 2, 'two records');
    cli("del '$_'"), cli("set '$_' text") for @records[0, 1];
    ok(settle(), 'others are known all the same');
    status('second', 'basic', 'alice', 'wrong') for 1 .. 2;
    status('first', 'basic', 'alice', 'wrong');
    is(status($_, 'basic', 'alice', 'right'), 401, "held at the $_") for qw(first second);
    is(scalar(grep { $_ eq 'alice' } arrived), 4, 'four arrive');
    my ($second) = grep { cli("type '$_'") =~ /string/ } @records;
    cli("del '$second'"), cli("hset '$second' c x h y fz 1 r 2 '' 3"), cli("eval 'for i = 1, 9000 do redis.call(\"hset\", KEYS[1], \"x\" .. i, i) end' 1 '$second'");
    is(status($_, 'basic', 'bob', 'right'), 200, "bob signs in at the $_") for qw(first second);
    is(scalar(away()), 0, 'and the store is there') or diag(away());
    cli("del '$index'"), cli("set '$index' text");
    wait_until { cli("type '$index'") !~ /string/ };
    ok(are_there(), 'soon again without its index');
    status('first', 'basic', 'carol', 'wrong') for 1 .. 4;
    ok(scalar(wait_until { status('second', 'basic', 'carol', 'right') == 401 }), 'which is made anew');
};

# A clock that is two hours ahead, and is put right.
with_both 'a clock that was ahead', more => "$LIMITS $STORE" =~ s/hold=600s/hold=10s/r, ahead => 7200, sub {
  SKIP: {
    Test::More::skip('no C compiler', 7) if !$clock;
    for my $row ([alice => qw(wrong right)], [bob => ('wrong') x 4], [carol => ('wrong') x 2], [dave => ('wrong') x 4]) {
        my ($who, @passwords) = @$row;
        status('first', 'basic', $who, $_) for @passwords;
    }
    like(lyncctl('second', qw(release dave)), qr/^0 /, 'dave is released');
    ok(settle(), 'which both know');
    my $begun = () = arrived();
    file('clock', 0);
    ok(lists($_, qr/^account,\w{16},(?:10|\d)\r?$/m), "bob is held for ten seconds at the $_") for qw(first second);
    is(wait_until { status($_, 'basic', 'bob', 'right') == 200 }, 1, "and signs in at the $_") for qw(first second);
    for my $who (qw(alice carol dave)) {
        status($_, 'basic', $who, 'wrong') for qw(first second first second first second);
    }
    my %count;
    $count{$_}++ for splice @{[arrived]}, $begun;
    is("@count{qw(alice carol dave)}", '4 2 4', 'what has failed still counts, what was cleared does not');
    }
};

# Somebody has had 150,000 names held, twice as many as there is room for: what can't be counted isn't tried.
scene 'where there is no room', @two, sub {
    my $redis = redis();
    my $server = doors_server();
    ok(connected('first'), 'connected');
    status('first', 'basic', 'alice', 'wrong');
    my $prefix = prefix();
    cli(qq{eval "
        local t = redis.call('TIME')
        for i = 1, 150000 do
            local name = string.format('a%08x%08x', i * 2654435761 % 4294967296, i)
            redis.call('HSET', KEYS[1] .. name, 'c', 0, 'h', t[1] * 1000 + 600000, 'w', 60000, 'f' .. name:sub(2), t[1] * 1000)
            redis.call('ZADD', KEYS[1] .. 'changes', t[1] * 1000000 + i, name)
        end" 1 '$prefix'});
    my $held = sub { eval { JSON::PP::decode_json(control('first', '/lockout'))->{count} } // 0 };
    ok(scalar(wait_until { sleep 0.5; $held->() >= 65536 } 60), 'as many as there is room for') or diag($held->());
    is(join(' ', map { status('first', 'basic', "user$_", 'right') } 1 .. 8), '401 ' x 7 . '401', 'nobody else is let in');
    is(scalar(grep { /user/ } arrived), 0, 'or tried');
    is(scalar(log_lines(qr/lync_lockout: account \w+ is refused, the table/)), 8, 'which the log says');
    like(lyncctl('first', qw(release --all)), qr/^0 /, 'all are released');
    is(status('first', 'basic', 'user9', 'right'), 200, 'and others are let in');
    stop($redis);
    provoked_lines(qr/lync_lockout: lockout_store/);
};

# --- what isn't a store

# One proxy; what is at the address changes, and what is said about it.
sub with_store {
    my ($line, $starts, $expected, $what) = @_;
    provoked_lines(qr/lync_lockout: lockout_store/);
    my @before = @redis;
    my $fake = $starts->();
    edit { s/lockout_store [^;]*;/lockout_store $line;/ };
    is(reload(), 'reloaded', $what);
    my @lines;
    ok(scalar(wait_until { @lines = log_lines(qr/lync_lockout: lockout_store .* is away.*$expected/) } 15), "$what: $expected")
        or diag(log_lines(qr/lockout_store/));
    is(status('first', 'token', "user-$what" =~ tr/ //dr, 'right'), 200, 'signed in all the same');
    ok(scalar(wait_until { !store('first') }), "$what: it counts alone");
    is(scalar(log_lines(qr/s3cret/)), 0, 'no password in the log');
    ref $fake ? $fake->stop : stop($fake);
}

sub fake { # as soon as the one before it has left the port
    my ($talk) = @_;
    return sub {
        return wait_until { eval { server(port => $PORT, address => '127.0.0.1', parallel => 1, $talk) } };
    };
}
sub says { # one thing after the other; nothing is what it waits for
    my (@said) = @_;
    return fake(sub {
        my ($connection) = @_;
        defined $_ ? $connection->write($_) : $connection->more for undef, @said;
        sleep 5;
    });
}

scene 'what is no store', more => "$LIMITS $STORE", after => $CONTROL, sub {
    my $server = doors_server();
    my $url = "redis://127.0.0.1:$PORT key=$DIR/key";
    my $secret = "$url password=$DIR/password";
    with_store($secret, sub { redis('--requirepass', 'another') }, 'it refuses the password', 'a wrong password');
    with_store($secret, sub { redis() }, 'it refuses the password', 'a password that is not asked for');
    with_store($secret, fake(sub {
        my ($connection) = @_;
        $connection->write("-ERR max number of clients reached\r\n");
    }), 'ERR max number of clients reached', 'a full house');
    with_store($secret, fake(sub {
        my ($connection) = @_;
        $connection->write("-DENIED Redis is running in protected mode\r\n");
    }), 'it refuses AUTH', 'one in protected mode');
    with_store($url, sub { redis('--requirepass', 'another') }, 'NOAUTH Authentication required', 'no password');
    with_store($url, sub { redis('--replicaof', '127.0.0.1', '1') }, "READONLY You can't write", 'a replica');
    with_store($url, sub { redis('--maxmemory', '1') }, 'OOM command not allowed', 'a full one');
    with_store("redis://127.0.0.1:$PORT/99 key=$DIR/key", sub { redis() }, 'ERR DB index is out of range', 'another database');
    # It repeats what it was sent: workers of the reload before know no password.
    with_store($secret, fake(sub {
        my ($connection) = @_;
        $connection->more;
        $connection->write('-ERR unknown command' . ($connection->{buffer} =~ /s3cret/ ? ' AUTH s3cret of Redis' : '') . "\r\n");
        sleep 5;
    }), 'it refuses the password', 'one that repeats it');
    with_store($url, says("HTTP/1.1 400 Bad Request\r\n\r\n"), "its reply can't be parsed", 'a web server');
    with_store($url, says("+OK\r\n" x 4 . "*2000000000\r\n"), "its reply can't be parsed", 'a long list');
    with_store($url, says("+OK\r\n", "\$500000000\r\n" . 'x' x 800000), "its reply can't be parsed", 'a long text');
    with_store($url, says("*4096\r\n" . ":1\r\n" x 4096 . ":1\r\n" x 4096), 'unexpected reply|be parsed', 'many numbers');
    with_store($url, says("+OK\r\n" x 600), 'unexpected reply', 'too many answers');
    with_store($url, says("+OK\r\n" x 2 . ":1\r\n" x 2, undef, "*10\r\n:1\r\n:1\r\n:0\r\n:97\r\n:5\r\n:-7\r\n" . ":0\r\n" x 4), "no reply in time", 'a record of less than nothing');
    with_store($url, fake(sub { sleep 5 }), "no reply in time", 'a silent one');
    with_store($url, fake(sub { }), 'the connection was closed', 'one that closes');
    with_store("rediss://127.0.0.1:$PORT key=$DIR/key ca=$DIR/ca.pem", sub { redis() }, "the TLS handshake fails|no reply in time", 'one without TLS');
    provoked_lines(qr/lync_lockout: lockout_store/);
};

# --- TLS and passwords

sub openssl { system("cd $DIR && openssl @_ 2>/dev/null") == 0 or die "openssl @_\n" }
sub make_certificate {
    my ($name, $san) = @_;
    openssl("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout $name.key -out $name.pem -days 2 -subj /CN=$name -addext subjectAltName=$san");
}
make_certificate('ca', 'DNS:localhost,IP:127.0.0.1');
make_certificate('other', 'DNS:redis.contoso.local');
my @tls = ('--port', 0, '--tls-port', $PORT, '--tls-auth-clients', 'no', '--requirepass', 's3cret of Redis');
sub tls { my ($name) = @_; return sub { redis(@tls, '--tls-cert-file', "$DIR/$name.pem", '--tls-key-file', "$DIR/$name.key") } }

scene 'TLS', more => "$LIMITS $STORE", after => $CONTROL, sub {
    my $server = doors_server();
    my $secret = "key=$DIR/key password=$DIR/password";
    with_store("rediss://127.0.0.1:$PORT $secret ca=$DIR/other.pem", tls('ca'), 'its certificate: self.signed certificate', 'another CA');
    with_store("rediss://127.0.0.1:$PORT $secret ca=$DIR/other.pem", tls('other'), 'its certificate: IP address mismatch', 'another name');
    with_store("rediss://localhost:$PORT $secret ca=$DIR/other.pem", tls('other'), 'its certificate: hostname mismatch', 'another host name');
    my $redis = tls('ca')->();
    for my $line ("rediss://127.0.0.1:$PORT $secret", "rediss://localhost:$PORT $secret", "rediss://default:s3cret%20of%20Redis\@localhost:$PORT key=$DIR/key") {
        edit { s/lockout_store [^;]*;/lockout_store $line ca=$DIR\/ca.pem;/ };
        is(reload(), 'reloaded', $line);
        ok(connected('first'), 'connected') or diag(log_lines(qr/lockout_store/));
        status('first', 'token', 'alice', 'wrong');
    }
    is(scalar(log_lines(qr/s3cret/)), 0, 'no password in the log');
    ok(knows(3), 'three failures');
    is(join(' ', map { s/\w{16}$//r } records()), prefix() . 'a', 'of one account: the key is what makes its hash');
    stop($redis);
    provoked_lines(qr/lync_lockout: lockout_store/);
};

# --- how it is reached

sub connects {
    my ($line, $what) = @_;
    provoked_lines(qr/lync_lockout: lockout_store/);
    edit { s/lockout_store [^;]*;/lockout_store $line key=$DIR\/key;/ };
    is(reload(), 'reloaded', $what);
    ok(connected('first'), "connected, $what") or diag(log_lines(qr/lockout_store/));
    is(status('first', 'token', 'alice', 'wrong'), 400, 'and asked');
    is(scalar(away()), 0, 'all the time') or diag(away());
}

scene 'a socket, IPv6, and a user who may do no more than the documentation says', more => "$LIMITS $STORE", after => $CONTROL, sub {
    my ($commands) = slurp("$LyncTest::Paths::SOURCE/docs/directives.md") =~ /^The user needs the commands(.*?), on keys/ms;
    my @may = map { '+' . lc =~ tr/ /|/r } $commands =~ /`([A-Z ]+)`/g;
    cmp_ok(scalar(@may), '>', 10, 'commands');
    my $ipv6 = IO::Socket::IP->new(LocalHost => '::1', LocalPort => 0, Proto => 'tcp', Listen => 1);
    my $redis = redis('--bind', '127.0.0.1', $ipv6 ? '::1' : (), '--user', 'proxies', 'on', '>secret', '~lync:*', '-@all', @may);
    my $server = doors_server();
    connects("unix:$DIR/redis.sock", 'a socket');
    connects("redis://[::1]:$PORT", 'IPv6') if $ipv6;
    connects("redis://proxies:secret\@127.0.0.1:$PORT/3", 'a user');
    stop($redis);
    provoked_lines(qr/lync_lockout: lockout_store/);
};

# Of the addresses of a name the next one is tried before it is away.
scene 'a name with two addresses', @two, sub {
  SKIP: {
        system("unshare -m true 2>/dev/null") == 0 or Test::More::skip('no namespaces', 3);
        my $redis = redis();
        my $server = doors_server();
        file('hosts', "127.0.0.77 store.test\n127.0.0.1 store.test localhost\n");
        $second_nginx = second_nginx($second, sub { s{unix:$DIR/first}{unix:$DIR/second}g; s{//127\.0\.0\.1:$PORT}{//store.test:$PORT} },
            wrapper => ['unshare', '-m', 'sh', '-c', "mount --bind $DIR/hosts /etc/hosts && exec \"\$\@\"", 'sh']);
        ok(are_there(), 'connected');
        is(scalar(away_at_second()), 0, 'at once') or diag(away_at_second());
        is(status('second', 'token', 'alice', 'wrong'), 400, 'and asked');
        $second_nginx->stop('QUIT');
        stop($redis);
        provoked_lines(qr/lync_lockout: lockout_store/);
    }
};

# --- workers come and go

with_both 'reloads and killed workers', delay => 0.5, sub {
    status('second', 'basic', 'alice', 'wrong');
    my $client = at('first', 'basic', 'alice', 'wrong');
    is(reload(), 'reloaded', 'while an attempt is on its way');
    is($client->answer->{status}, 401, 'which is answered');
    status('second', 'basic', 'alice', 'wrong');
    my @old = worker_pids();
    kill KILL => @old;
    wait_until { !grep { -d "/proc/$_" } @old };
    ok(connected(qw(first second)), 'new workers');
    status('first', 'basic', 'alice', 'wrong');
    is(status($_, 'basic', 'alice', 'right'), 401, "held at the $_") for qw(first second);
    is(scalar(arrived), 4, 'four arrive');
    provoked_lines(qr/exited on signal 9/);
};

with_both 'a source', more => 'lockout on failures=4 window=600s hold=600s source_accounts=3;' . $STORE, sub {
    status('first', 'basic', 'one', 'wrong');
    status('first', 'token', 'two', 'wrong');
    ok(knows(4) && settle(), 'of two accounts and their source');
    status('second', 'token', 'two', 'right'); # mistyped
    status('second', 'basic', 'two', 'wrong');
    status('second', 'basic', 'three', 'wrong');
    ok(lists($_, qr/^source,127\.0\.0\.1,\d+\r?$/m), "the $_ lists it") for qw(first second);
    is(status($_, 'basic', 'four', 'right'), 401, "held at the $_") for qw(first second);
    is(join(' ', arrived), 'one two two two three', 'nothing more arrives');
    like(lyncctl('first', qw(release 127.0.0.1)), qr/^0 /, 'released');
    ok(lists($_, qr/^0 (?!.*^source,127)/ms), "at the $_") for qw(first second);
    is(status($_, 'basic', 'four', 'wrong'), 401, "asked for at the $_") for qw(first second);
    is(scalar(grep { $_ eq 'four' } arrived), 2, 'and arrived');
};

run_suite(publication => '%%OWN%%');
