# A reload: connections and what they wait for outlive it, and a configuration that is wrong leaves
# the old one running.

use LyncTest;
use LyncTest::Scene;

use IO::Socket::IP;

master_on();

sub site { client("https://$_[0]")->ask('GET /abs/handler')->answer->{status} }

# An upload that is half way goes on, as a pending GET does (t/43-waiting.t).
scene 'an upload', publication => '%%OWN%%', sub {
    my $server = pool_server(sub {
        my ($connection, $report) = @_;
        $report->(length $connection->message->{body});
        $connection->write(http_answer('ok'));
    });
    my $client = client('https://lyncwebext.contoso.com');
    $client->ask('PUT /collabcontent/x', 'Content-Length' => 2_000_000);
    $client->write('u' x 1_000_000);
    is(reload(), 'reloaded', 'a reload in the middle of an upload');
    $client->write('u' x 1_000_000);
    is($client->answer->{body}, 'ok', 'which is answered');
    is($server->report, 2_000_000, 'and complete');
};

# New configuration for new connections, names, servers and all.
scene 'another configuration', sub {
    like(client('https://lyncwebext.contoso.com')->ask('GET /abs/handler')->answer->{body}, qr/127\.0\.0\.11/, 'before');
    ok(client('https://lyncwebext.fabrikam.com')
        ->write(request('GET https://lyncwebext.fabrikam.com/abs/handler')), 'a name that is unknown yet');
    edit { s/lyncwebext\.contoso\.com/lyncwebext.fabrikam.com/g; s/127\.0\.0\.11/127.0.0.21/ };
    is(reload(), 'reloaded', 'it is put in the place of another, and so is the server');
    like(client('https://lyncwebext.fabrikam.com')->ask('GET /abs/handler')->answer->{body}, qr/127\.0\.0\.21/,
        'now it is published, and asked');
    my $client = client('https://lyncwebext.contoso.com');
    $client->ask('GET /abs/handler');
    ok($client->is_closed && $client->{buffer} eq '', 'and the other one is not');
};

# Every kind of mistake leaves the old configuration as it was.
scene 'a broken one leaves the old one running', sub {
    my $original;
    edit { $original = $_ };
    my %mistake = (
        'a directive nobody knows'     => [sub { s/sip_domain/sip_domian/ }, qr/unknown directive "sip_domian"/],
        'a name published twice'       => [sub { s/meet\.contoso\.com/lyncwebext.contoso.com/ }, qr/"lyncwebext\.contoso\.com" is published twice/],
        'a certificate that is gone'   => [sub { s{public\.pem}{absent.pem} }, qr/absent\.pem/],
        'a block never closed'         => [sub { s/\}[^}]*\z// }, qr/unexpected end of file/],
        'a publication without a pool' => [sub { s/pool fepool[^}]*\}// }, qr/no "pool" in lync_publish "contoso"/],
        'an unresolvable server'       => [sub { s/server 127\.0\.0\.11;/server fe.contoso.invalid;/ }, qr/host not found .*"fe\.contoso\.invalid:/],
    );
    my @workers = worker_pids();
    for my $what (sort keys %mistake) {
        my ($change, $message) = @{ $mistake{$what} };
        edit { $_ = $original; $change->() };
        is(reload(), 'refused', $what);
        my @said = provoked_lines(qr/\[emerg\]/);
        ok(@said == 1 && $said[0] =~ $message, "$what: the log says it") or diag(@said);
        is(site('lyncwebext.contoso.com'), 200, "$what: the old configuration serves");
    }
    is_deeply([sort { $a <=> $b } worker_pids()], [sort { $a <=> $b } @workers],
        'by the same workers');
    edit { $_ = $original };
    is(reload(), 'reloaded', 'mended');
    is(site('lyncwebext.contoso.com'), 200, 'and it goes on');
};

# Nothing is left behind by a reload. A leak grows each time; what the allocator keeps for later
# grows once: so the least growth of several stretches counts.
scene 'many reloads', sub {
    my $master = nginx_pid();
    my $resident = sub {
        open my $in, '<', "/proc/$master/statm" or die "no statm of $master: $!\n";
        return (split ' ', <$in>)[1] * 4;
    };
    my ($reloads, @grown) = (0);
    for (1 .. 4) {
        my $before = $resident->();
        reload() eq 'reloaded' and $reloads++ for 1 .. 8;
        push @grown, $resident->() - $before;
    }
    is($reloads, 32, 'many reloads');
    is(site('lyncwebext.contoso.com'), 200, 'it still serves');
  SKIP: {
        Test::More::skip('valgrind and sanitizers keep what was freed', 1)
            if $ENV{TEST_NGINX_USE_VALGRIND} || $ENV{ASAN_OPTIONS};
        my ($least) = sort { $a <=> $b } @grown;
        cmp_ok($least, '<', 240, 'kilobytes grown in eight reloads') or diag("@grown");
    }
};

# A worker is forked with the chains of filters that the configuration read last has made, also if
# that one failed: after it a new worker had none of ours.
scene 'a worker after a reload that failed',
    before => '%%STATUS%%', sub {
    my $policy = sub {
        client('http://127.0.0.1:' . port('STATUS'))->ask('GET /', Connection => 'close')
            ->answer->one('Content-Security-Policy');
    };
    like($policy->(), qr/default-src/, 'the status page says what it may load');
    my $taken = IO::Socket::IP->new(LocalHost => '127.0.0.1', Listen => 1) or die "no socket: $!\n";
    my $port  = $taken->sockport;
    my $original;
    edit { $original = $_; s/(location \/ \{ lync_status)/listen 127.0.0.1:$port; $1/ };
    my @workers = worker_pids();
    is(reload(), 'refused', 'an address that is in use');
    ok(wait_until { scalar(my @said = log_lines(qr/still could not bind/)) }, 'for good');
    provoked_lines(qr/\[emerg\]/);
    kill KILL => @workers;
    ok(wait_until {
        my @new = grep { my $pid = $_; !grep { $_ == $pid } @workers } worker_pids();
        @new && scalar(my @said = log_lines(qr/exited on signal 9/));
    }, 'the worker is killed, another one comes');
    provoked_lines(qr/exited on signal 9/);
    like($policy->(), qr/default-src/, 'whose status page says it as well');
    edit { $_ = $original };
    is(reload(), 'reloaded', 'a reload that is right');
    like($policy->(), qr/default-src/, 'and so do the next ones');
};

# Without a master nginx itself has no connections after a reload: it is refused, and what the failed
# configuration has made anew, the chains of filters, is as it was.
scene 'no master', sub {
    my $dir = scene_dir();
    my ($http, $https, $status) = map { port("ALONE_$_") } qw(HTTP HTTPS STATUS);
    my $nginx = LyncTest::Nginx->start($dir, LyncTest::expand(<<"END"), main => 'master_process off;');
    lync_publish contoso { http_listen 127.0.0.1:$http; https_listen 127.0.0.1:$https; %%OWN%% }
    server { listen 127.0.0.1:$status; location / { lync_status; } }
END
    my $policy = sub {
        my $client = eval { client("http://127.0.0.1:$status") } or return '';
        $client->ask('GET /', Connection => 'close')->answer->one('Content-Security-Policy') // '';
    };
    ok(wait_until { $policy->() =~ /default-src/ }, 'the status page says what it may load');
    kill HUP => $nginx->pid;
    my $refused = wait_until { (log_lines(qr/\[emerg\]/, "$dir/logs/error.log"))[0] };
    like($refused, qr/"master_process off" takes no reload, nginx would have no connections after it: restart nginx/, 'no reload');
    like($policy->(), qr/default-src/, 'it serves as before');
    is($nginx->stop('QUIT'), 0, 'and ends in order');
};

run_suite(publication => '%%STANDARD%%');
