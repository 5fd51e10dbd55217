package LyncTest::Scene;

# Blocks in which more happens than one request and its answer: several clients at the same time, a
# server that speaks byte by byte, a reload in the middle.
#
#     use LyncTest;
#     use LyncTest::Scene;
#
#     scene 'an answer in pieces', more => 'max_upload 1m;', sub {
#         my $server = pool_server(sub { ... });
#         my $client = client('https://lyncwebext.contoso.com');
#         ...
#         is($client->answer->{status}, 200, 'streamed');
#     };
#     run_suite(publication => '%%OWN%%');
#
# A scene is a block of that title, with the sections that stand in front of its code. Blocks of
# __DATA__ can play one as well, by its name: "--- scene: NAME"; then it is no block of its own.
#
# The scene plays while the block's nginx runs, after the block's own request if it has one.

use strict;
use warnings;

use Exporter qw(import);
use IO::Handle ();
use IO::Select ();
use IO::Socket::IP ();
use IO::Socket::SSL ();
use JSON::PP ();
use POSIX ();
use Test::More import => [qw(is isnt ok like unlike is_deeply cmp_ok diag fail pass note)];
use Test::Nginx::Util ();
use Time::HiRes qw(sleep time);

use LyncTest ();
use LyncTest::Client ();
use LyncTest::Files;
use LyncTest::Nginx ();
use LyncTest::Paths ();
use LyncTest::Ports ();

our @EXPORT = qw(
    scene scene_dir client server pool_server pool2_server http_answer request wait_until
    nginx nginx_pid worker_pids edit reload log_lines provoked_lines
    slurp write_file reporting_pool framed has_fields
    is isnt ok like unlike is_deeply cmp_ok diag fail pass note $SLOW
);
our @EXPORT_OK = qw(arrived logged lync_status status_text lyncctl exchange_server);

my (%scenes, @titles, %sections);

sub scene {
    my $play = pop;
    my ($title, %with) = @_;
    die "two scenes are called \"$title\"\n" if $scenes{$title};
    push @titles, $title;
    ($scenes{$title}, $sections{$title}) = ($play, \%with);
}

# The blocks of those scenes that no block of $text plays.
sub blocks {
    my ($text) = @_;
    my %played = map { $_ => 1 } $text =~ /^--- scene: (.+?)\s*$/mg;
    return join '', map {
        my $with = $sections{$_};
        "\n=== $_\n--- scene: $_\n" . join '', map { "--- $_\n$with->{$_}\n" } sort keys %$with
    } grep { !$played{$_} } @titles;
}

Test::Nginx::Util::add_test_cleanup_handler(sub {
    my ($block) = @_;
    my $name = $block->scene // return;
    $name =~ s/^\s+|\s+$//g;
    my $play = $scenes{$name} or Test::More::BAIL_OUT("no scene is called \"$name\"");

    local $SIG{PIPE}    = 'IGNORE';
    local $SIG{__DIE__} = 'DEFAULT';
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    eval { $play->($block); 1 } or Test::More::fail($block->name . " - the scene broke off: $@");
    LyncTest::Scene::Server::stop_all();
});

# --- nginx

our $TIMEOUT = $ENV{TEST_NGINX_TIMEOUT};
our $SLOW = $ENV{ASAN_OPTIONS} || $ENV{TEST_NGINX_USE_VALGRIND} ? 5 : 1;    # what takes that much longer there

# The process that owns the configuration.
sub nginx_pid () {
    return (slurp($Test::Nginx::Util::PidFile) // '') =~ /^(\d+)/ ? $1 : undef; # or nginx is writing it
}

# The processes that serve: the workers, or the only one.
sub worker_pids () {
    my $master = nginx_pid() or return;
    my @children = split ' ', `pgrep -P $master`;
    my @workers = grep { !is_ending($_) } @children;
    return @workers ? @workers : $master;
}

# One that has been killed has no command line until its master looks.
sub is_ending { return (slurp("/proc/$_[0]/cmdline") // '') =~ /^\z|shutting down/ }

# Waits for a condition; false if it doesn't come true in time.
sub wait_until (&;$) {
    my ($condition, $seconds) = @_;
    my $until = time + ($seconds // $TIMEOUT * $SLOW);
    while (1) {
        my $value = $condition->();
        return $value if $value;
        return $value if time >= $until;
        sleep 0.02;
    }
}

# Changes the configuration file of the running block: edit { s/weight=1/weight=2/ };
sub edit (&) {
    my ($change) = @_;
    local $_ = slurp($Test::Nginx::Util::ConfFile) // die "no configuration: $!\n";
    $change->();
    write_file($Test::Nginx::Util::ConfFile, $_);
}

# Has the master read its configuration again; returns when new workers have replaced the old ones,
# or when the master has said that it won't.
sub reload () {
    my $master = nginx_pid();
    my %old = map { $_ => 1 } worker_pids();
    my $refusals = () = log_lines(qr/\[emerg\]/);
    kill HUP => $master;
    return wait_until {
        (my @now = log_lines(qr/\[emerg\]/)) > $refusals && return 'refused';
        my @new = grep { !$old{$_} } worker_pids();
        my @left = grep { $old{$_} } worker_pids();
        @new && !@left && 'reloaded';
    };
}

# Where a scene may write; emptied before the next block.
sub scene_dir () {
    my $dir = "$Test::Nginx::Util::HtmlDir/scene";
    mkdir $dir;
    return $dir;
}

# The nginx command on an http level of the scene's own: (exit status, output).
sub nginx { my ($option, $http) = @_; return LyncTest::Nginx::try(scene_dir(), $option, $http) }

# What %%STATUS%% says: the text in a form, and the JSON.
sub status_text {
    my ($form) = @_;
    return client('http://127.0.0.1:' . LyncTest::Ports::port('STATUS'))
        ->ask("GET /?format=$form", Connection => 'close')->answer->{body};
}
sub lync_status { return JSON::PP->new->utf8->decode(status_text('json')) }

# A command of lyncctl to %%CONTROL%%: "EXIT-STATUS OUTPUT".
sub lyncctl {
    my $said = `$LyncTest::Paths::BUILD/lyncctl @_ --socket @{[LyncTest::word('SOCKET')]} 2>&1`;
    return ($? >> 8) . " $said";
}

# Whether a structure has these members.
sub has_fields {
    my ($of, $what, %expected) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is_deeply({ map { $_ => $of->{$_} } keys %expected }, \%expected, $what);
}

# Lines of a log (the error log, unless another is named) that match.
sub log_lines {
    my ($pattern, $file) = @_;
    open my $in, '<', $file // $Test::Nginx::Util::ErrLogFile or return;
    my @lines = grep { $_ =~ $pattern } <$in>;
    chomp @lines;
    return @lines;
}

# Lines of the error log that a scene has provoked: returns them without what stands in front of
# their text, and takes them out of the logs, which have to be clean at the end of a suite.
sub provoked_lines {
    my ($pattern) = @_;
    my @lines = map { s/^.*?\[\w+\] \d+#\d+: //r } log_lines($pattern);

    open my $conf, '<', $Test::Nginx::Util::ConfFile or die "no configuration: $!\n";
    my @logs = ($Test::Nginx::Util::ErrLogFile, map { /^\s*error_log (\S+) / } <$conf>);
    my %seen;
    for my $file (grep { !$seen{$_}++ } @logs) {
        # In place: nginx goes on writing to its end.
        open my $log, '+<', $file or next;
        my @kept = grep { $_ !~ $pattern } <$log>;
        seek $log, 0, 0;
        truncate $log, 0;
        print $log @kept;
        close $log;
    }
    return @lines;
}

# --- a client

# A request that leaves the connection open: request('GET /path', Header => 'value', ...).
sub request {
    my ($line, @headers) = @_;
    my ($method, $target, $host) = $line =~ m{^(\S+) (?:https?://([^/]+))?(\S*)}
        ? ($1, $3, $2) : die "no request: $line\n";
    my $text = "$method $target HTTP/1.1\r\n";
    $text .= "Host: $host\r\n" if defined $host;
    while (my ($name, $value) = splice @headers, 0, 2) {
        $text .= "$name: $value\r\n";
    }
    return "$text\r\n";
}

# A connection to the publication:
#
#   client('https://lyncwebext.contoso.com')     also http, and HOST:PORT
#   sni, alpn, version, ciphers, sessions, ca    as in LyncTest::Client
#   first                                        bytes in front of everything, TLS included
#
# Dies where there is no connection or no TLS; a certificate that isn't trusted only shows in
# facts() of the connection.
sub client {
    my ($url, %o) = @_;
    my ($scheme, $host, $port) = $url =~ m{^(https?)://([^/:]+)(?::(\d+))?} or die "no URL: $url\n";

    my $socket = IO::Socket::IP->new(
        PeerHost => $o{address} // '127.0.0.1',
        PeerPort => $port // LyncTest::Ports::port(uc $scheme),
        Timeout  => $TIMEOUT,
    ) or die "can't connect to $url: $!\n";
    syswrite $socket, $o{first} if defined $o{first};

    my $facts = {};
    if ($scheme eq 'https') {
        my $tls = {
            name => $host,
            sni  => $o{sni} // $host,
            ca   => $o{ca} // "$LyncTest::Paths::PKI/public-ca.pem",
            map { $_ => $o{$_} } qw(alpn version ciphers sessions),
        };
        within($TIMEOUT, sub { LyncTest::Client::start_tls($socket, $tls) })
            or die "no TLS with $url: ", IO::Socket::SSL::errstr() // '', "\n";
        $facts = LyncTest::Client::facts($socket, $tls);
    }
    return bless { socket => $socket, host => $host, buffer => '', facts => $facts },
        'LyncTest::Scene::Connection';
}

sub within {
    my ($seconds, $work) = @_;
    local $SIG{ALRM} = sub { die "time is up\n" };
    Time::HiRes::alarm($seconds);
    my $result = eval { $work->() };
    my $error = $@;
    Time::HiRes::alarm(0);
    die $error if $error;
    return $result;
}

# --- a server

# A server of a few lines, in a process of its own, on the address of fepool.contoso.local:
#
#     server(port => N, tls => 'fepool.contoso.local', sub {
#         my ($connection, $report) = @_;    # for each connection, one after the other
#         my $request = $connection->message;
#         $report->("what the scene shall know");
#         $connection->write("HTTP/1.1 200 OK\r\n...");
#     });
#
# pool_server(sub { ... }) is that of %%OWN_POOL%%. With parallel => 1 each connection has a process of its own. The object's `report` gives the
# reports, each waited for. A client that closes in the middle of a
# message ends the work on its connection.
sub server {
    my $work = pop;
    my (%o) = @_;

    my $listener = IO::Socket::IP->new(
        LocalHost => $o{address} // '127.0.0.11',
        LocalPort => $o{port},
        Listen    => 16,
        ReuseAddr => 1,
    ) or die "can't listen on port $o{port}: $!\n";
    pipe my $reports, my $write or die "pipe: $!\n";

    my $pid = fork // die "fork: $!\n";
    if ($pid == 0) {
        close $reports;
        setpgrp if $o{parallel};
        $SIG{TERM} = 'DEFAULT';
        $SIG{CHLD} = 'IGNORE' if $o{parallel};
        my $report = sub {
            my $text = join ' ', @_;
            $text =~ s/\n/\\n/g;
            syswrite $write, "$text\n";
        };
        while (1) {
            my $socket = $listener->accept;
            next if !$socket && $!{EINTR}; # a child has ended
            last if !$socket;
            next if $o{parallel} && (fork // die "fork: $!\n");
            if ($o{tls}) {
                $socket = IO::Socket::SSL->start_SSL($socket,
                    SSL_server    => 1,
                    SSL_cert_file => "$LyncTest::Paths::PKI/$o{tls}.pem",
                    SSL_key_file  => "$LyncTest::Paths::PKI/$o{tls}.key",
                ) or next;
            }
            my $connection = bless { socket => $socket, buffer => '' },
                'LyncTest::Scene::Connection';
            eval { $work->($connection, $report); 1 } or $@ =~ /^the message breaks off/
                or $report->("died: $@");
            $connection->close;
            last if $o{parallel};
        }
        POSIX::_exit(0);
    }
    close $write;
    close $listener;
    return LyncTest::Scene::Server::remember(
        bless { pid => $pid, group => $o{parallel}, reports => $reports, buffer => '' },
        'LyncTest::Scene::Server');
}

sub pool_server { server(port => LyncTest::Ports::port('OWN'), tls => 'fepool.contoso.local', @_) }

# That of %%OWN_POOL2%%.
sub pool2_server { pool_server(address => '127.0.0.12', tls => 'fepool2.fabrikam.local', @_) }

# That of %%OWN_EXCHANGE%%.
sub exchange_server { pool_server(address => '127.0.0.15', tls => 'mail.contoso.local', @_) }

# Such a one that reports "REQUEST LINE|BODY" of what arrives whole, or what a function makes of the
# message. It keeps no connection: it serves one at a time.
sub reporting_pool {
    my ($words) = @_;
    $words //= sub { "$_[0]{first}|$_[0]{body}" };
    return pool_server(sub {
        my ($connection, $report) = @_;
        $report->($words->($connection->message));
        $connection->write(http_answer('ok', 'Connection: close'));
    });
}

# The request lines that %%LOGGED_SERVER%% has got, waited for until there are so many.
sub arrived ($) { return logged(arrived => $_[0]) }

# The lines of an access log of the suite, waited for until there are so many that match.
sub logged {
    my ($log, $expected, $pattern) = @_;
    my @lines;
    wait_until { (@lines = log_lines($pattern // qr/^/, "$Test::Nginx::Util::ServRoot/logs/$log.log")) >= $expected };
    return @lines;
}

# The end of a request's head and its body, as pieces to write: whole, or in chunks of so many bytes.
sub framed {
    my ($body, $chunk) = @_;
    return ('Content-Length: ' . length($body) . "\r\n\r\n", $body) if !$chunk;
    return ("Transfer-Encoding: chunked\r\n\r\n",
        map({ sprintf "%x\r\n%s\r\n", length, $_ } $body =~ /(.{1,$chunk})/gs), "0\r\n\r\n");
}

# A whole answer: http_answer('body', 'Header: value', ...).
sub http_answer {
    my ($body, @headers) = @_;
    return join "\r\n", 'HTTP/1.1 200 OK', @headers, 'Content-Length: ' . length($body), '', $body;
}

package LyncTest::Scene::Server;

my @running;

sub remember { push @running, $_[0]; return $_[0] }

sub stop_all { $_->stop for splice @running }

# The next thing the server reports; undef if nothing comes.
sub report {
    my ($self, $seconds) = @_;
    my $until = Time::HiRes::time() + ($seconds // $LyncTest::Scene::TIMEOUT);
    while ($self->{buffer} !~ /\n/) {
        my $left = $until - Time::HiRes::time();
        return undef if $left <= 0 || !IO::Select->new($self->{reports})->can_read($left);
        sysread($self->{reports}, $self->{buffer}, 65536, length $self->{buffer}) or return undef;
    }
    $self->{buffer} =~ s/^(.*)\n//;
    return $1;
}

sub stop {
    my ($self) = @_;
    my $pid = delete $self->{pid} or return;
    local $?;
    kill TERM => $self->{group} ? -$pid : $pid;
    waitpid $pid, 0;
}

END { stop_all() }

package LyncTest::Scene::Connection;

use Time::HiRes qw(time);

sub facts { $_[0]{facts} }

# Sends all of it, or as much as the other side takes.
sub write {
    my ($self, $bytes) = @_;
    my $sent = 0;
    while ($sent < length $bytes) {
        my $n = LyncTest::Scene::within($LyncTest::Scene::TIMEOUT, sub {
            syswrite $self->{socket}, $bytes, 65536, $sent;
        }) or last;
        $sent += $n;
    }
    return $sent;
}

# request() with the connection's own host.
sub ask {
    my ($self, $line, @headers) = @_;
    my ($method, $target) = split ' ', $line;
    $self->write(LyncTest::Scene::request("$method https://$self->{host}$target", @headers));
    return $self;
}

# Reads more into the buffer. False at the end, and when nothing comes for so many seconds.
sub more {
    my ($self, $seconds) = @_;
    my $socket = $self->{socket};
    my $pending = $socket->can('pending') ? $socket->pending : 0;
    my $until = time + ($seconds // $LyncTest::Scene::TIMEOUT);
    while (!$pending) {
        my $left = $until - time;
        if ($left <= 0 || !IO::Select->new($socket)->can_read($left)) {
            $self->{silent} = 1;
            return 0;
        }
        last;
    }
    my $n = eval {
        LyncTest::Scene::within($until - time > 0.1 ? $until - time : 0.1, sub {
            sysread $socket, $self->{buffer}, 262144, length $self->{buffer};
        });
    };
    if (!defined $n && $@ =~ /time is up/) {
        $self->{silent} = 1; # a TLS record that holds no data, such as a ticket
        return 0;
    }
    $self->{ended} = 1 if !$n;
    return $n;
}

# Whether the other side says nothing and keeps the connection for so long.
sub is_silent {
    my ($self, $seconds) = @_;
    return $self->{buffer} eq '' && !$self->more($seconds) && !$self->{ended};
}

# Whether the other side closes within some seconds.
sub is_closed {
    my ($self, $seconds) = @_;
    my $until = time + ($seconds // $LyncTest::Scene::TIMEOUT);
    $self->more($until - time) while !$self->{ended} && time < $until;
    return $self->{ended} ? 1 : 0;
}

sub need {
    my ($self, $length) = @_;
    while (length $self->{buffer} < $length) {
        $self->more or die "the message breaks off\n";
    }
    return substr $self->{buffer}, 0, $length, '';
}

sub line {
    my ($self) = @_;
    while ($self->{buffer} !~ /\r\n/) {
        $self->more or die "the message breaks off in its head\n";
    }
    $self->{buffer} =~ s/^(.*?)\r\n//s;
    return $1;
}

# The head of a message: { first, headers => [[name, value], ...], head }
sub head {
    my ($self) = @_;
    my %message = (first => $self->line, headers => [], body => '');
    while ((my $line = $self->line) ne '') {
        my ($name, $value) = $line =~ /^([^:]+):\s*(.*)$/s;
        push @{ $message{headers} }, [$name, $value];
    }
    $message{status} = $1 if $message{first} =~ m{^HTTP/\S+ (\d+)};
    return bless \%message, 'LyncTest::Scene::Message';
}

# One chunk of a chunked body; '' is the last.
sub chunk {
    my ($self) = @_;
    my $size = hex(($self->line =~ /^([0-9a-fA-F]+)/)[0]);
    my $data = $size ? $self->need($size) : '';
    my $end = $self->line;
    return $data;
}

# A whole message, by its own framing. $no_body: the answer to HEAD.
sub message {
    my ($self, $no_body) = @_;
    my $message = $self->head;
    my ($length) = $message->all('Content-Length');
    my $status = $message->{status};
    if ($no_body || (defined $status && $status =~ /^(1..|204|304)$/)) {
        return $message;
    }
    if (($message->one('Transfer-Encoding') // '') eq 'chunked') {
        while ((my $data = $self->chunk) ne '') {
            $message->{body} .= $data;
        }
    } elsif (defined $length) {
        $message->{body} = $self->need($length);
    } elsif (defined $status) {
        1 while $self->more;
        $message->{body} = $self->{buffer};
        $self->{buffer} = '';
    }
    return $message;
}

sub answer { goto &message }

sub close {
    my ($self) = @_;
    my $socket = delete $self->{socket} or return;
    $socket->can('stop_SSL') ? $socket->close(SSL_fast_shutdown => 1) : $socket->close;
}

package LyncTest::Scene::Message;

# The values of a header, in their order.
sub all {
    my ($self, $name) = @_;
    return map { $_->[1] } grep { lc $_->[0] eq lc $name } @{ $self->{headers} };
}

sub one {
    my ($self, $name) = @_;
    return ($self->all($name))[0];
}

1;
