# lync_status: who may see it, in which form, and that what it counts is what happened.

use LyncTest;
use LyncTest::Scene qw(:DEFAULT lync_status);
use LyncTest::Program ();

use IO::Socket::UNIX ();
use JSON::PP ();
use Time::HiRes qw(sleep);

master_on();

# Counters outlive the reload from block to block, so a block that counts is named by itself.
my $publication = "%%STANDARD%%\n%%OWN_POOL2%%\n";

my $access = <<'END';
    server {
        listen 127.0.0.1:%%PORT_STATUS%%;
        listen 127.0.0.1:%%PORT_PROXIED%% proxy_protocol;
        %%SIX%%
        allow all;

        location /default { lync_status; }
        location /allowed { lync_status; allow 127.0.0.0/8; deny all; }
        location /denied  { lync_status; deny all; }
        location /real    { lync_status; set_real_ip_from 127.0.0.1; real_ip_header proxy_protocol; }
        location /client  { lync_status; set_real_ip_from 127.0.0.1; real_ip_header X-Client; }
        location /opened  { lync_status; allow all; }
        location /basic   {
            lync_status;
            auth_basic            status;
            auth_basic_user_file  %%SERVROOT%%/html/users;
            satisfy               all;
        }
        location /nofile  { lync_status; auth_basic status; }
        location /inherited {
            auth_basic_user_file  %%SERVROOT%%/html/users;
            location /inherited/status { lync_status; auth_basic status; }
        }
        location /off     { lync_status; auth_basic off; }
        location /inner   { location /inner/status { lync_status; } allow all; }
    }
END

# Where the system has IPv6.
my $six = IO::Socket::IP->new(LocalHost => '::1', Listen => 1) ? 'listen [::1]:%%PORT_STATUS%%;' : '';
$access =~ s/%%SIX%%/$six/;

my $forms = { json => qr{^application/json$}, html => qr{^text/html; charset=utf-8$},
    prometheus => qr{^text/plain; version=0\.0\.4; charset=utf-8$} };

sub ask {
    my ($path, %o) = @_;
    my $port = port($o{port} // 'STATUS');
    my $client = client("http://127.0.0.1:$port", %{ $o{client} // {} });
    my $method = $o{method} // 'GET';
    $client->ask("$method $path", Connection => 'close', @{ $o{headers} // [] });
    return $client->answer($method eq 'HEAD');
}

sub status { lync_status() }

# The status once everything is counted: a client has its answer a moment before the log phase.
sub settled {
    my ($requests) = @_;
    my $status;
    wait_until {
        $status = status();
        my $verdicts = $status->{publications}[0]{verdicts};
        my $all = 0;
        $all += $_ for values %$verdicts;
        $all >= $requests;
    };
    return $status;
}

sub of {
    my ($list, $name) = @_;
    return (grep { $_->{name} eq $name } @$list)[0];
}

sub site { client("https://$_[0]")->ask($_[1] // 'GET /abs/handler')->answer->{status} }

sub headers_ok {
    my ($answer, $what) = @_;
    is($answer->one('Cache-Control'), 'no-store', "$what: no-store");
    is($answer->one('X-Content-Type-Options'), 'nosniff', "$what: nosniff");
    like($answer->one('Content-Security-Policy') // '', qr/^default-src 'none'/, "$what: a policy of contents");
    unlike($answer->one('Content-Security-Policy') // '', qr/unsafe/, "$what: and a strict one");
}

# Closed to everyone but loopback, unless the location itself says who may see it.
scene 'access', after => $access, user_files => ">>> users\nstatus:{PLAIN}right", sub {
    my $from_outside = { port => 'PROXIED', client => { first => "PROXY TCP4 192.0.2.7 127.0.0.1 5000 80\r\n" } };
    my $from_inside  = { port => 'PROXIED', client => { first => "PROXY TCP4 127.0.0.1 127.0.0.1 5000 80\r\n" } };
    for my $case (
        ['/default', {},            200, 'loopback'],
        ['/default', $from_outside, 403, 'somebody outside, by PROXY protocol'],
        ['/default', $from_inside,  200, 'loopback, by PROXY protocol'],
        ['/real',    $from_outside, 403, 'somebody outside, whom realip names'],
        ['/default', { headers => ['X-Forwarded-For', '192.0.2.7'] }, 403, 'a proxy on this machine'],
        ['/default', { headers => ['Forwarded', 'for=192.0.2.7'] },   403, 'a proxy on this machine, by the standard'],
        ['/default', { headers => ['X-Forwarded-For', '127.0.0.1'] }, 403, 'a forged header opens nothing'],
        ['/client',  {},            200, 'loopback, where a header could say otherwise'],
        ['/client',  { headers => ['X-Client', '127.0.0.9'] }, 403, 'nor does one of realip\'s own'],
        ['/inner/status', $from_outside, 403, 'allow in the location around it opens nothing'],
        ['/off',     $from_outside, 403, 'auth_basic off opens nothing'],
        ['/nofile',  $from_outside, 403, 'auth_basic without a file of users opens nothing'],
        ['/nofile',  {},            200, 'nor does it close it for loopback'],
        ['/inherited/status', $from_outside, 401, 'the file may be inherited'],
        ['/inherited/status', { %$from_outside, headers => [Authorization => 'Basic c3RhdHVzOnJpZ2h0'] }, 200, 'and opens it'],
        ['/opened',  $from_outside, 200, 'allow all in the location opens it'],
        ['/allowed', {},            200, 'allow of an address'],
        ['/denied',  {},            403, 'deny all shuts out loopback, too'],
        ['/basic',   {},            401, 'auth_basic without a password'],
        ['/basic',   { headers => [Authorization => 'Basic c3RhdHVzOnJpZ2h0'] }, 200, 'auth_basic with it'],
        ['/basic',   { headers => [Authorization => 'Basic c3RhdHVzOndyb25n'] }, 401, 'auth_basic with a wrong one'],
        ['/basic',   { %$from_outside, headers => [Authorization => 'Basic c3RhdHVzOnJpZ2h0'] }, 200, 'auth_basic opens it'],
    ) {
        my ($path, $options, $want, $what) = @$case;
        my $answer = ask($path, %$options);
        is($answer->{status}, $want, $what);
        unlike($answer->{body}, qr/Lync publications/, "$what: and nothing else") if $want != 200;
        headers_ok($answer, $what);
    }
    if ($six) {
        my $answer = client('http://localhost:' . port('STATUS'), address => '::1');
        is($answer->ask('GET /default')->answer->{status}, 200, 'loopback of IPv6');
    }
    ok(log_lines(qr/lync_status_closed: only this machine/), 'the log says how to open it');
};

# Only GET and HEAD, and nothing can be changed.
scene 'methods', sub {
    my $before = status();
    for my $method (qw(POST PUT DELETE PATCH OPTIONS PROPFIND)) {
        my $answer = ask('/?format=json', method => $method, headers => ['Content-Length' => 0]);
        is($answer->{status}, 405, "$method: 405");
        is($answer->one('Allow'), 'GET, HEAD', "$method: Allow");
        headers_ok($answer, $method);
    }
    for my $form (qw(json html prometheus)) {
        my $get = ask("/?format=$form");
        my $head = ask("/?format=$form", method => 'HEAD');
        is($head->{status}, 200, "HEAD, $form");
        is($head->{body}, '', "HEAD, $form: no body");
        is($head->one('Content-Type'), $get->one('Content-Type'), "HEAD, $form: the same type");
    }
    my $after = status();
    is_deeply($after->{publications}, $before->{publications}, 'the status is no request of a publication');
};

# Who gets which is a table of t/unit/status_test.cpp.
scene 'formats', sub {
    my $browser = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';
    for my $case (
        ['/',                    [Accept => $browser],           'html'],
        ['/',                    ['X-Prometheus-Scrape-Timeout-Seconds' => 10], 'prometheus'],
        ['/deep/er?a=b&format=json', [],                         'json'],
    ) {
        my ($path, $headers, $form) = @$case;
        my $answer = ask($path, headers => $headers);
        like($answer->one('Content-Type'), $forms->{$form}, "$path (@$headers): $form");
        headers_ok($answer, "$path (@$headers)");
    }
    my $answer = ask('/?format=xml');
    is($answer->{status}, 400, 'a form there is not');
    like($answer->{body}, qr/there are html, json and prometheus/, 'says which ones there are');
    headers_ok($answer, 'of a form there is not');

    my $page = ask('/')->{body};
    cmp_ok(length $page, '<', 60_000, 'the page is small');
    my $status = status();
    is($status->{schema}, 1, 'the version of the schema');
    like($status->{nginx}, qr/^\d+\.\d+\.\d+/, 'the version of nginx');
    is(scalar @{ $status->{publications} }, 1, 'one publication');
};

# What is counted is what happened.
scene 'requests are counted', named => 'counts', sub {
    my $zero = status()->{publications}[0];
    is($zero->{verdicts}{$_}, 0, "no $_ yet") for sort keys %{ $zero->{verdicts} };

    is(site('lyncwebext.contoso.com'), 200, 'one that passes') for 1 .. 5;
    is(site('lyncwebext.contoso.com', 'GET /status/401'), 404, 'a path that nobody publishes');
    is(site('lyncwebext.contoso.com', 'GET /cscp/'), 404, 'a path of the administration');
    is(site('lyncwebext.contoso.com', 'DELETE /abs/handler'), 404, 'a method nobody uses');
    is(site('meet.contoso.com', 'GET /alice/1'), 200, 'a meeting');
    is(client('http://meet.contoso.com')->ask('GET /alice/1')->answer->{status}, 301, 'a redirect');
    my $unknown = client('https://www.example');
    $unknown->ask('GET /')->is_closed;
    my $malformed = client('https://lyncwebext.contoso.com');
    $malformed->write("GET /abs/handler HTTP/1.1\r\nHost: a b\r\n\r\n");
    is($malformed->answer->{status}, 400, 'no HTTP');
    $malformed->close; # nginx lingers, and logs afterwards

    my $now = settled(12);
    my $contoso = $now->{publications}[0];
    is_deeply($contoso->{verdicts}, { pass => 6, redirect => 1, refuse => 4, none => 1 }, 'verdicts');
    my %refused = map { $_ => $contoso->{refusals}{$_} } grep { $contoso->{refusals}{$_} } keys %{ $contoso->{refusals} };
    is_deeply(\%refused, { path => 1, admin => 1, method => 1, unknown_host => 1 }, 'reasons');

    my $abs = of($contoso->{services}, 'abs');
    has_fields($abs, 'abs: requests, the refused one included', requests => 6, errors => 0);
    has_fields($abs->{statuses}, 'abs: answers', '2xx' => 5, '4xx' => 1);
    is($abs->{duration}{count}, 5, 'abs: times of those that passed');
    cmp_ok($abs->{sent}, '>', 1000, 'abs: bytes sent');
    cmp_ok($abs->{received}, '>', 300, 'abs: bytes received');
    is($abs->{history}{requests}[-1] // 0, 6, 'abs: in this minute') if ($abs->{history}{requests}[-2] // 0) == 0;
    is(of($contoso->{services}, 'meet')->{requests}, 1, 'meet');

    my $server = $contoso->{pools}[0]{servers}[0];
    has_fields($server, 'the server got those that passed', requests => 6, failures => 0, in_flight => 0);
    is($server->{statuses}{'2xx'}, 6, 'and answered all');
    cmp_ok($server->{tls_handshakes}, '>=', 1, 'over TLS');

    my @last = grep { $_->{publication} eq 'counts' } @{ $now->{refusals} };
    my @reasons = map { $_->{reason} } @last;
    is_deeply([sort @reasons], [qw(admin method path unknown_host)], 'the last refusals');
    my ($admin) = grep { $_->{reason} eq 'admin' } @last;
    is("$admin->{method} $admin->{scheme} $admin->{host} $admin->{path} $admin->{client} $admin->{service}",
        'GET https lyncwebext.contoso.com /cscp/ 127.0.0.1 control_panel', 'what was refused');

    my $text = ask('/?format=prometheus')->{body};
    like($text, qr/^lync_verdicts_total\{publication="counts",verdict="pass"\} 6$/m, 'Prometheus gets the same');
    like($text, qr/^lync_request_duration_seconds_count\{publication="counts",service="abs"\} 5$/m, 'times, too');
};

# Answers of servers: 401 and 5xx, a server that doesn't answer, and the 503 in its place.
scene 'answers are counted', named => 'answers', sub {
    my $own = pool2_server(sub {
        my ($connection) = @_;
        my ($status) = $connection->message->{first} =~ m{/abs/(\d+)};
        my $challenge = $status == 401 ? "WWW-Authenticate: Basic\r\n" : '';
        $connection->write("HTTP/1.1 $status X\r\n${challenge}Content-Length: 0\r\nConnection: close\r\n\r\n");
    });
    is(site('lyncwebext.fabrikam.com', "GET /abs/$_"), $_, "an answer $_") for 200, 401, 401, 500;
    $own->stop;
    is(site('lyncwebext.fabrikam.com', 'GET /abs/200'), 503, 'the server is gone');

    my $contoso = settled(5)->{publications}[0];
    has_fields(of($contoso->{services}, 'abs'), 'service: 401, and errors', unauthorized => 2, errors => 2);
    is($contoso->{verdicts}{pass}, 5, 'what ends in 503 was passed on, and counts once');
    my $server = of($contoso->{pools}, 'fepool2.fabrikam.local')->{servers}[0];
    has_fields($server, 'server: not checked', requests => 5, failures => 1, unauthorized => 2, state => 'unknown');
    is($server->{statuses}{'5xx'}, 1, 'server: its own 500');
};

# What checks have found, to whom comes by a socket of this machine.
my $socket = "/tmp/lync-status-$$.sock";
scene 'what checks have found', named => 'checked', publication => <<'END', after => <<"END2", sub {
    sip_domain  contoso.com;
    %%CERTIFICATE%%
    %%TRUSTED_CA%%
    pool fepool.contoso.local {
        server                 127.0.0.11;
        server                 127.0.0.21 down;
        external_web_services  lyncwebext.contoso.com;
        %%PORTS%%
        health_check           tcp=%%PORT_CLOSED%% interval=1s fails=1;
    }
    pool fepool2.fabrikam.local {
        server                 127.0.0.12;
        external_web_services  lyncwebext.fabrikam.com;
        listening_ports        https=%%PORT_OWN%%;
        health_check           autodiscover interval=1s fails=1;
    }
END
    proxy_cache_path %%SERVROOT%%/cache keys_zone=cache:1m;
    %%STATUS%%
    server { listen unix:$socket; location / { lync_status; } }
END2
    my $own = server(address => '127.0.0.12', port => port('OWN'), tls => 'untrusted', sub { $_[0]->message });
    my ($refused, $drained, $untrusted);
    is(status()->{workers}, scalar(grep { `cat /proc/$_/cmdline` =~ /worker process/ } worker_pids()),
        "nginx's cache manager is no worker");
    ok(wait_until(sub {
        my $pools = status()->{publications}[0]{pools};
        ($refused, $drained) = @{ of($pools, 'fepool.contoso.local')->{servers} };
        ($untrusted) = @{ of($pools, 'fepool2.fabrikam.local')->{servers} };
        "$refused->{state} $refused->{reason}" eq 'down connection refused'
            && "$untrusted->{state} $untrusted->{reason}" =~ /^down certificate not trusted/;
    }), 'nobody listens, and a foreign certificate') or diag("$refused->{reason}, $untrusted->{reason}");
    is("$drained->{state} $drained->{reason}", 'draining "down" in the configuration', 'taken out by hand');
    my $local = IO::Socket::UNIX->new(Peer => $socket) or die "no socket: $!\n";
    print $local "GET / HTTP/1.0\r\n\r\n";
    like(scalar <$local>, qr{^HTTP/1\.1 200 }, 'a socket of the file system is this machine');
};

# A server whose name has no address yet takes no requests, and that is shown.
scene 'a host of simple URLs on two pools', named => 'shared', more => <<'END', sub {
    simple_url  meet    https://lync.contoso.com/meet;
    simple_url  dialin  https://lync.contoso.com/dialin pool=fepool2.fabrikam.local;
END
    my $publication = status()->{publications}[0];
    my $rule = $publication->{rules}[of($publication->{names}, 'lync.contoso.com')->{https}];
    like($rule->{words}, qr{^/meet to pool fepool\.contoso\.local, port \d+; /dialin to pool fepool2\.fabrikam\.local, port \d+$}i, 'in words');
    is(join(' ', map { "$_->{path} $_->{pool}" } @{ $rule->{targets} }),
        '/meet fepool.contoso.local /dialin fepool2.fabrikam.local', 'its targets');
};

scene "servers whose names don't resolve", named => 'unresolved', more => 'resolve_at_start off;',
    publication => word('STANDARD') =~ s{%%POOL%%}{word('POOL') =~ s/server 127\.0\.0\.11;/server fe1.nowhere.invalid; server fe2.nowhere.invalid down;/r}re, sub {
    is(site('lyncwebext.contoso.com'), 503, 'nowhere to go');
    my $status = status();
    my ($pool) = @{ $status->{publications}[0]{pools} };
    is(join(' ', map { "$_->{name} $_->{address} $_->{state} ($_->{reason})" } @{ $pool->{servers} }),
        "fe1.nowhere.invalid fe1.nowhere.invalid down (can't be resolved)"
        . ' fe2.nowhere.invalid fe2.nowhere.invalid draining ("down" in the configuration)', 'its servers');
    is($status->{summary}{servers_down}, 1, 'the summary counts it');
    like(ask('/?format=prometheus')->{body}, qr/^lync_server_up\{[^}]*server="fe1\.nowhere\.invalid",[^}]*\} 0$/m, 'Prometheus gets it');
};

# A server that answers when that file is there.
sub waiting_server {
    my $go = scene_dir() . '/go';
    return (pool2_server(sub {
        my ($connection, $report) = @_;
        $connection->message;
        $report->('waits');
        wait_until(sub { -e $go }, 60);
        $connection->write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    }), $go);
}

# A pending GET is no slow answer.
scene 'pending GETs are no slow answers', named => 'pending', sub {
    my ($own, $go) = waiting_server();
    my $client = client('https://lyncwebext.fabrikam.com')->ask('GET /ucwa/oauth/v1/applications/1/events?ack=1');
    is($own->report, 'waits', 'a pending GET');
    my $server = of(status()->{publications}[0]{pools}, 'fepool2.fabrikam.local')->{servers}[0];
    has_fields($server, 'is held', pending_gets => 1, in_flight => 1);
    sleep 1.5; # which would be slow
    write_file($go);
    is($client->answer->{status}, 200, 'is answered');

    my $contoso = settled(1)->{publications}[0];
    $server = of($contoso->{pools}, 'fepool2.fabrikam.local')->{servers}[0];
    has_fields($server, 'is held no longer, was a request', pending_gets => 0, in_flight => 0, requests => 1);
    is($server->{response_time}{count}, 0, 'but no time');
    my $ucwa = of($contoso->{services}, 'ucwa');
    is($ucwa->{requests}, 1, 'ucwa: a request');
    is($ucwa->{duration}{count}, 0, 'ucwa: no time');
};

# Publications more, twelve unless told, with so many servers each.
sub more {
    my ($servers, $count) = @_;
    my ($http, $https, $pki) = (port('MORE'), port('MORES'), $LyncTest::Paths::PKI);
    return join '', map {
        my $n = $_;
        "lync_publish more$n { http_listen 127.0.0.1:$http; https_listen 127.0.0.1:$https; sip_domain more$n.example;"
        . " certificate $pki/public.pem $pki/public.key; trusted_ca $pki/internal-ca.pem;"
        . " pool pool$n.contoso.local { " . join('', map { "server 127.0.1.$_;" } 1 .. $servers)
        . " external_web_services web.more$n.example; health_check off; } }\n"
    } 1 .. $count // 12;
}

# What an old worker still answers is seen and counted, too.
scene 'a request of before a reload is counted, too', named => 'held', sub {
    my ($own, $go) = waiting_server();
    my $client = client('https://lyncwebext.fabrikam.com')->ask('GET /abs/handler');
    is($own->report, 'waits', 'a request');
    my $more = more(10);
    edit { s/(?=lync_publish held)/$more/ };
    kill HUP => nginx_pid();
    my $status;
    ok(wait_until { $status = status(); @{ $status->{publications} } == 13 }, 'a reload, with twelve more publications');
    my $server = of(of($status->{publications}, 'held')->{pools}, 'fepool2.fabrikam.local')->{servers}[0];
    is($server->{in_flight}, 1, 'still in flight');
    write_file($go);
    is($client->answer->{status}, 200, 'answered');
    my $counted = wait_until { of(status()->{publications}, 'held')->{verdicts}{pass} };
    is($counted, 1, 'and counted');
    $server = of(of(status()->{publications}, 'held')->{pools}, 'fepool2.fabrikam.local')->{servers}[0];
    has_fields($server, 'of its server as well', requests => 1, in_flight => 0);
};

# Counters go on over a reload, whatever else changes, and a name that is new begins at nothing.
scene 'counters outlive reloads', named => 'reloads', sub {
    site('lyncwebext.contoso.com') for 1 .. 3;
    is(settled(3)->{publications}[0]{verdicts}{pass}, 3, 'counted');
    is(reload(), 'reloaded', 'a reload');
    is(status()->{publications}[0]{verdicts}{pass}, 3, 'and still there');
    site('lyncwebext.contoso.com') for 1 .. 2;
    is(settled(5)->{publications}[0]{verdicts}{pass}, 5, 'goes on');

    my $more = more(60);    # more servers than there is room for
    edit { s/(?=lync_publish reloads)/$more/ };
    is(reload(), 'reloaded', 'with twelve publications more');
    my $status = status();
    is(scalar @{ $status->{publications} }, 13, 'all are there');
    is(of($status->{publications}, 'reloads')->{verdicts}{pass}, 5, 'the old counters, in a larger zone');
    is(of($status->{publications}, 'reloads')->{pools}[0]{servers}[0]{requests}, 5, 'of servers, too');
    is(of($status->{publications}, 'more1')->{verdicts}{pass}, 0, 'new ones begin at nothing');
    site('lyncwebext.contoso.com');
    ok(wait_until { of(status()->{publications}, 'reloads')->{verdicts}{pass} == 6 }, 'and go on');

    for my $net (2 .. 7) {  # more than the larger zone has room for, all in all
        edit { s/127\.0\.[1-9]\d*\./127.0.$net./g };
        is(reload(), 'reloaded', "other servers, time $net");
    }
    is(scalar(my @full = log_lines(qr/places in shared memory/)), 0, 'take the places of those that have gone');
    is(of(status()->{publications}, 'reloads')->{pools}[0]{servers}[0]{requests}, 6, 'not of those that stay');

    edit { s/lync_publish reloads/lync_publish renamed/ };
    is(reload(), 'reloaded', 'another name');
    is(of(status()->{publications}, 'renamed')->{verdicts}{pass}, 0, 'is another publication');
    edit { s/lync_publish renamed/lync_publish reloads/; s/^ *lync_publish more.*\n//mg };
    is(reload(), 'reloaded', 'all as before');
    my $before = of(status()->{publications}, 'reloads')->{verdicts}{pass};
    site('lyncwebext.contoso.com');
    ok(wait_until { of(status()->{publications}, 'reloads')->{verdicts}{pass} == $before + 1 }, 'it counts');
};

scene 'as many publications as there is room for', named => 'full', sub {
    site('lyncwebext.contoso.com') for 1 .. 3;
    settled(3);
    my $more = more(1, 63);
    edit { s/(?=lync_publish full)/$more/ };
    is(reload(), 'reloaded', '63 more');
    is(of(status()->{publications}, 'full')->{verdicts}{pass}, 3, 'still there');
    edit { s/lync_publish more1 /lync_publish first / };
    is(reload(), 'reloaded', 'a new name, before all others');
    is(of(status()->{publications}, 'full')->{verdicts}{pass}, 3, 'takes the place of none that is published');
};

# A worker that is killed takes nothing with it and leaves nothing behind.
scene 'and workers', named => 'killed', sub {
    site('lyncwebext.contoso.com') for 1 .. 4;
    settled(4);
    my @before = worker_pids();
    kill KILL => $_ for @before;
    ok(wait_until { my %old = map { $_ => 1 } @before; grep { !$old{$_} } worker_pids() }, 'workers are killed');
    ok(wait_until { eval { site('lyncwebext.contoso.com') } == 200 }, 'others serve');
    my $status = settled(5);
    cmp_ok($status->{publications}[0]{verdicts}{pass}, '>=', 5, 'and go on counting');
    ok(wait_until { status()->{workers} == worker_pids() }, 'the dead are no workers');
    provoked_lines(qr/exited on signal 9/);
};

# What nginx presents is what it has read; a worker looks what the file holds by now.
my $renewed = "$LyncTest::Paths::RUN/t/renewed-$$";
END { unlink "$renewed.pem", "$renewed.key" if $renewed }
sub issue {
    system("openssl req -x509 -newkey rsa:2048 -nodes -days 90 -config /dev/null -subj /CN=lyncwebext.contoso.com "
        . "-keyout $renewed.key -out $renewed.pem 2>/dev/null") == 0 or die "openssl failed\n";
    sleep 1.1; # another one begins later
}
issue();
scene 'a certificate that was renewed on disk', named => 'renewed', publication => <<"END", sub {
    sip_domain   contoso.com;
    certificate  $renewed.pem $renewed.key;
    %%TRUSTED_CA%%
    %%POOL%%
END
    my $certificate = sub { status()->{publications}[0]{certificates}[0] };
    # A worker looks soon after it has begun; one that takes another's place has the configuration of before.
    my $look = sub {
        my %old = map { $_ => 1 } worker_pids();
        kill TERM => keys %old if nginx_pid() && !$old{ nginx_pid() };
        wait_until { !grep { $old{$_} } worker_pids() };
    };
    ok(wait_until(sub { $certificate->()->{on_disk} eq 'loaded' }), 'the file that was loaded') or diag($certificate->()->{on_disk});
    is($certificate->()->{renewal}, 'later', 'which is fresh');
    issue();
    $look->();
    ok(wait_until(sub { $certificate->()->{on_disk} eq 'renewed' }), 'a later one') or diag($certificate->()->{on_disk});
    is(status()->{summary}{certificates_not_loaded}, 1, 'the summary counts it');
    like(ask('/?format=prometheus')->{body}, qr/^lync_certificate_not_loaded\{[^}]*\} 1$/m, 'and the metrics show it');
    is(reload(), 'reloaded', 'a reload');
    ok(wait_until(sub { $certificate->()->{on_disk} eq 'loaded' }), 'and it is loaded');
    unlink "$renewed.pem";
    $look->();
    ok(wait_until(sub { $certificate->()->{on_disk} eq 'unknown' }), 'a file that is gone says nothing');
    unlike(ask('/?format=prometheus')->{body}, qr/^lync_certificate_not_loaded\{/m, 'nor do the metrics');
};

scene "clients can't make it grow", named => 'bounded', sub {
    my $size = sub { scalar(() = ask('/?format=prometheus')->{body} =~ /\n/g) };
    site('lyncwebext.contoso.com', 'GET /cscp/');
    site('lyncwebext.contoso.com', 'GET /nothing');
    settled(2);
    my $lines = $size->();
    my $client = client('https://lyncwebext.contoso.com');
    for my $i (1 .. 200) {
        $client->ask("GET /nothing/$i?$i", 'User-Agent' => "agent $i");
        $client->answer;
    }
    for my $i (1 .. 20) {
        client("http://unknown$i.example")->ask('GET /')->is_closed;
    }
    is($size->(), $lines, 'as many lines as before');
    my %of;
    $of{ $_->{reason} }++ for @{ status()->{refusals} };
    cmp_ok($of{$_}, '<=', 20, "refusals that are kept: $_") for sort keys %of;
};

# The schema holds, whatever clients send.
scene 'the schema', named => 'schema', sub {
    site('lyncwebext.contoso.com', 'GET /abs/%22%00%ff<script>');
    site('lyncwebext.contoso.com', "GET /n\xf6/\"<b>");
    site('lyncwebext.contoso.com') for 1 .. 3;
    my $dir = scene_dir();
    write_file("$dir/status.json", ask('/?format=json')->{body});
    my $said = `$LyncTest::Program::PYTHON -c 'import json, sys, jsonschema
jsonschema.validate(json.load(open(sys.argv[1])), json.load(open(sys.argv[2])))' $dir/status.json $LyncTest::Paths::SOURCE/docs/status.schema.json 2>&1`;
  SKIP: {
        Test::More::skip('python3-jsonschema is not installed', 1) if $said =~ /No module named/;
        is($said, '', 'the JSON is as docs/status.schema.json says');
    }
};

# In a publication's own server, by a server_include.
scene "in a publication's server", named => 'included',
    included => 'location = /lync-status { lync_status; }', sub {
    my $answer;
    for (1, 2) {
        $answer = client('https://lyncwebext.contoso.com')->ask('GET /lync-status?format=json')->answer;
        is($answer->{status}, 200, 'loopback sees it there, too');
        settled($_);
    }
    has_fields(JSON::PP->new->utf8->decode($answer->{body})->{publications}[0]{verdicts},
        'as a location of the administrator, not of the rules', none => 1, pass => 0);
    $answer = client('https://lyncwebext.contoso.com')->ask('GET /lync-status', 'X-Forwarded-For' => '192.0.2.7')->answer;
    is($answer->{status}, 403, 'others do not');
};

run_suite(publication => $publication, after => '%%STATUS%%');

__DATA__

=== without a publication
--- http_config
    %%STATUS%%
--- config
    location = /status { lync_status; }
--- request
GET /status?format=json
--- response_body_like
^\{"schema":1,.*"publications":\[\],"refusals":\[\]\}$
--- error_code: 200
