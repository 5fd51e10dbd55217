# What travels to the servers: the Host header and the request line as the client wrote them, large
# headers, bodies of any size as they come; and X-Forwarded-*, which is ours to write.

use LyncTest;
use LyncTest::Scene;

use Digest::MD5 ();

my $ok = http_answer('ok');

scene 'the head of a request, line by line', sub {
    my $server = pool_server(sub {
        my ($connection, $report) = @_;
        my $head = $connection->head;
        $report->(join '|', $head->{first}, map { "$_->[0]: $_->[1]" } @{ $head->{headers} });
        $connection->write($ok);
    });

    my $client = client('https://lyncwebext.contoso.com');
    $client->write("POST /UCWA/v1/Applications/%31?A=%2f&b=c+d HTTP/1.1\r\n"
        . "Host: LyncWebExt.Contoso.com\r\n"
        . "Authorization: Bearer cwt=AAEB\r\n"
        . "Cookie: a=1; b=2\r\n"
        . "If-Match: \"17\"\r\n"
        . "Content-Type: application/json\r\n"
        . "Content-Length: 0\r\n"
        . "X-Ms-Origin: https://lyncdiscover.contoso.com\r\n"
        . "Accept-Encoding: gzip, deflate\r\n"
        . "Range: bytes=0-1\r\n"
        . "User-Agent: UCCAPI/16.0.13328.20130 OC/16.0.13426.20234\r\n"
        . "Connection: keep-alive\r\n"
        . "Keep-Alive: 300\r\n\r\n");
    is($client->answer->{status}, 200, 'answered');

    my @lines = split /\|/, $server->report;
    is(shift @lines, 'POST /UCWA/v1/Applications/%31?A=%2f&b=c+d HTTP/1.1', 'the request line');
    my %header = map { /^([^:]+): (.*)$/ } @lines;
    has_fields(\%header, 'the headers as the client wrote them, and who it is',
        Host => 'LyncWebExt.Contoso.com', 'X-Forwarded-For' => '127.0.0.1', 'X-Forwarded-Proto' => 'https',
        Authorization => 'Bearer cwt=AAEB', Cookie => 'a=1; b=2', 'If-Match' => '"17"',
        'Content-Type' => 'application/json', 'Content-Length' => 0, Range => 'bytes=0-1',
        'X-Ms-Origin' => 'https://lyncdiscover.contoso.com', 'Accept-Encoding' => 'gzip, deflate',
        'User-Agent' => 'UCCAPI/16.0.13328.20130 OC/16.0.13426.20234');
    ok(!exists $header{Connection} || lc $header{Connection} ne 'close',
        'the server is asked to keep the connection');
    ok(!grep(/^X-(?:Real-IP|Original|Accel)|^Via|^Forwarded/i, @lines), 'nothing else is added');
};

# In any spelling; an absolute target travels as its path, and servers are spoken to in HTTP/1.1.
scene 'heads as they may be written', publication => '%%STANDARD%%', sub {
    for my $row (
        ["GET /abs/handler HTTP/1.1\r\nHost: LYNCWEBEXT.contoso.com.:443\r\n", "GET /abs/handler HTTP/1.1\nHost: LYNCWEBEXT.contoso.com.:443\n"],
        ["GET https://meet.contoso.com/a%20b?c HTTP/1.1\r\nHost: meet.contoso.com\r\n", "GET /a%20b?c HTTP/1.1\nHost: meet.contoso.com\n"],
        ["GET https://Meet.contoso.com/alice?b HTTP/1.0\r\n", "GET /alice?b HTTP/1.1\nHost: meet.contoso.com\n"],
    ) {
        my $client = client($row->[0] =~ /meet/i ? 'https://meet.contoso.com' : 'https://lyncwebext.contoso.com');
        $client->write("$row->[0]\r\n");
        like($client->answer->{body}, qr/^.*\n\Q$row->[1]\E/, $row->[0] =~ s/\r\n.*//sr);
    }
};

# A chunked upload arrives in chunks, and while it is being sent.
scene 'a chunked upload is streamed', sub {
    my $server = pool_server(sub {
        my ($connection, $report) = @_;
        my $head = $connection->head;
        $report->(join ' ', $head->{first}, map { $head->one($_) // 'none' }
            qw(Transfer-Encoding Content-Length));
        while ((my $chunk = $connection->chunk) ne '') {
            $report->($chunk);
        }
        $connection->write($ok);
    });

    my $client = client('https://lyncwebext.contoso.com');
    $client->ask('POST /collabcontent/x', 'Transfer-Encoding' => 'chunked');
    $client->write("5\r\nfirst\r\n");
    is($server->report, 'POST /collabcontent/x HTTP/1.1 chunked none',
        'the request is there before its body is');
    is($server->report, 'first', 'so is the first chunk');
    $client->write("6\r\nsecond\r\n");
    is($server->report, 'second', 'and the second, before the last');
    $client->write("0\r\n\r\n");
    is($client->answer->{body}, 'ok', 'answered');
};

# Nothing is asked twice for its body: who expects 100 gets it at once.
scene 'Expect: 100-continue', sub {
    my $server = pool_server(sub {
        my ($connection, $report) = @_;
        $report->($connection->message->{body});
        $connection->write($ok);
    });

    my $client = client('https://lyncwebext.contoso.com');
    $client->ask('POST /collabcontent/x', 'Expect' => '100-continue', 'Content-Length' => 4);
    is($client->answer->{status}, 100, 'go on');
    $client->write('body');
    is($client->answer->{status}, 200, 'done');
    is($server->report, 'body', 'the body');
};

# Megabytes written to disk by nginx: neither a file of its own nor any other.
sub written {
    my $bytes = 0;
    for my $pid (worker_pids()) {
        open my $in, '<', "/proc/$pid/io" or return undef;
        /^write_bytes: (\d+)/ and $bytes += $1 while <$in>;
    }
    return int($bytes / 1024 / 1024);
}

sub spool_files { grep { -f } glob "$Test::Nginx::Util::ServRoot/{client_body,proxy}_temp/*" }

# An upload as large as max_upload allows: 512 MB, the largest meeting content.
scene '512 MB of meeting content, and nothing of it on disk', sub {
    my $megabytes = 512;
    my $server = pool_server(sub {
        my ($connection, $report) = @_;
        my $head = $connection->head;
        my $left = $head->one('Content-Length');
        my $received = length $connection->{buffer};
        my $digest = Digest::MD5->new->add($connection->{buffer});
        while ($received < $left) {
            $connection->{buffer} = '';
            $connection->more(60) or last;
            $received += length $connection->{buffer};
            $digest->add($connection->{buffer}) if $received <= 16 * 1024 * 1024;
        }
        $connection->{buffer} = '';
        $report->($received, $head->one('Content-Length'));
        $connection->write($ok);
    });

    my $before = written();
    my $client = client('https://lyncwebext.contoso.com');
    $client->ask('PUT /collabcontent/x', 'Content-Length' => $megabytes * 1024 * 1024);
    my $block = join '', map { chr($_ % 256) } 1 .. 65536;
    my ($sent, @files) = (0);
    for my $part (1 .. $megabytes) {
        $sent += $client->write($block x 16);
        push @files, spool_files() if $part % 64 == 0;
    }
    is($sent, $megabytes * 1024 * 1024, 'all of it is sent');
    is($client->answer->{body}, 'ok', 'answered');
    is($server->report, "$sent $sent", 'all of it arrived');
    is("@files", '', 'no file meanwhile');
    ok(!log_lines(qr/buffered to a temporary file/), 'no word of one in the log');
  SKIP: {
        Test::More::skip('/proc/PID/io is not for us', 1) if !defined $before;
        cmp_ok(written() - $before, '<', 8, 'nginx wrote no megabytes to disk');
    }
};

# Nobody knows beforehand how long a chunked body will be: it ends where the limit does.
scene 'max_upload, of a body without a length', more => 'max_upload 1m;', sub {
    my $server = pool_server(sub {
        my ($connection, $report) = @_;
        $connection->head;
        my $received = 0;
        while ($connection->more) {
            $received += length $connection->{buffer};
            $connection->{buffer} = '';
        }
        $report->($received < 1024 * 1024 + 65536 ? 'no more than the limit' : $received);
    });
    my $client = client('https://lyncwebext.contoso.com');
    $client->ask('PUT /collabcontent/x', 'Transfer-Encoding' => 'chunked');
    my $chunk = sprintf "%x\r\n%s\r\n", 65536, 'x' x 65536;
    for (1 .. 40) {
        last if $client->write($chunk) < length $chunk;
    }
    is($client->answer->{status}, 413, 'refused');
    $client->close;
    is($server->report, 'no more than the limit', 'travelled');
};

# A server challenges an upload without waiting for its end, and reads on, as IIS does.
scene 'an answer before the end of the request', sub {
    my $server = pool_server(sub {
        my ($connection, $report) = @_;
        my $head = $connection->head;
        $connection->write("HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: NTLM\r\n"
            . "Content-Length: 9\r\n\r\nchallenge");
        $connection->need($head->one('Content-Length'));
        $report->('read to the end');
        $connection->is_closed(5);
    });
    my $client = client('https://lyncwebext.contoso.com');
    $client->ask('POST /collabcontent/x', 'Content-Length' => 3_000_000);
    $client->write('u' x 1_000_000);
    my $answer = $client->answer;
    is_deeply([$answer->{status}, $answer->all('WWW-Authenticate'), $answer->{body}],
        [401, 'NTLM', 'challenge'], 'the challenge comes in the middle of the upload');
};

# A PROXY header comes in front of TLS.
scene 'X-Forwarded-For of a socket with proxy_protocol', http_config => <<'END', sub {
    lync_publish contoso {
        http_listen   127.0.0.1:%%PORT_HTTP%% proxy_protocol;
        https_listen  127.0.0.1:%%PORT_HTTPS%% proxy_protocol;
        http_autodiscover on;
        %%STANDARD%%
    }
END
    my $body = client('https://lyncwebext.contoso.com',
        first => "PROXY TCP4 192.0.2.77 203.0.113.5 50000 443\r\n")
        ->ask('GET /abs/handler', 'X-Forwarded-For' => '198.51.100.9')->answer->{body};
    like($body, qr/^X-Forwarded-For: 192\.0\.2\.77$/m, 'https: the sender of the PROXY header');

    $body = client('http://lyncdiscover.contoso.com',
        first => "PROXY TCP6 2001:db8::7 2001:db8::5 50000 80\r\n")
        ->ask('GET /', 'X-Forwarded-For' => '198.51.100.9')->answer->{body};
    like($body, qr/^X-Forwarded-For: 2001:db8::7$/m, 'http: likewise');

    $body = client('http://lyncdiscover.contoso.com', first => "PROXY UNKNOWN\r\n")
        ->ask('GET /', 'X-Forwarded-For' => '198.51.100.9')->answer->{body};
    like($body, qr/^X-Forwarded-For: 127\.0\.0\.1$/m, 'a balancer\'s own check has no sender');

    my $client = client('http://lyncdiscover.contoso.com', first => "GET / HTTP/1.1\r\n");
    ok($client->is_closed && $client->{buffer} eq '', 'a client without a PROXY header is none');
    ok(log_lines(qr/broken header: "GET \/ HTTP\/1\.1/), 'the log says why');
};

run_suite(publication => '%%OWN%%', data => { publication => '%%STANDARD%%' });

__DATA__

=== the request line as the client wrote it
--- asks
GET https://meet.contoso.com/a%20b/%7Ealice//./c/%C3%BC/@:,;=?x=%41&y=%2525&&z#f -> external | GET /a%20b/%7Ealice//./c/%C3%BC/@:,;=?x=%41&y=%2525&&z#f HTTP/1.1
GET https://meet.contoso.com/alice? -> external | GET /alice? HTTP/1.1

=== a client that writes X-Forwarded-* itself isn't believed
--- more_headers
X-Forwarded-For: 10.1.2.3
X-Forwarded-For: 10.4.5.6
X-Forwarded-Proto: ftp
X-Forwarded-Host: evil.example
Forwarded: for=10.1.2.3
--- more: http_autodiscover on;
--- stand_in
    location = /abs/handler { return 200 "$http_x_forwarded_for|$http_x_forwarded_proto|$http_x_forwarded_host|$http_forwarded|"; }
--- asks
GET https://lyncwebext.contoso.com/abs/handler -> 127.0.0.1|https|||
GET http://lyncdiscover.contoso.com/           -> external | X-Forwarded-For: 127.0.0.1 | X-Forwarded-Proto: http

=== nor is what IIS would take for another target, method or transport
--- more_headers
X-Original-URL: /cscp/
X-Rewrite-URL: /cscp/
X-Original-Host: fepool.contoso.local
X-Forwarded-Port: 4443
X-Forwarded-Prefix: /cscp
X-HTTP-Method-Override: DELETE
X-HTTP-Method: DELETE
X-Method-Override: DELETE
X-ARR-SSL: 2048|256|C=US
X-ARR-ClientCert: MIIC
Front-End-Https: on
X-UP-Devcap-Post-Charset: ibm037
X-Other: stays
--- stand_in
    location = /abs/handler { return 200 "$http_x_original_url$http_x_rewrite_url$http_x_original_host$http_x_forwarded_port$http_x_forwarded_prefix$http_x_http_method_override$http_x_http_method$http_x_method_override$http_x_arr_ssl$http_x_arr_clientcert$http_front_end_https$http_x_up_devcap_post_charset|$http_x_other"; }
--- asks
GET https://lyncwebext.contoso.com/abs/handler -> |stays

=== a server_include may state it
--- included
proxy_set_header X-Original-URL $request_uri;
--- more_headers
X-Original-URL: /cscp/
--- stand_in
    location = /abs/handler { return 200 "$http_x_original_url"; }
--- asks
GET https://lyncwebext.contoso.com/abs/handler?a -> /abs/handler?a

=== realip of the administrator decides who the client is
--- before
    set_real_ip_from  127.0.0.1;
    real_ip_header    X-Forwarded-For;
--- more_headers
X-Forwarded-For: 192.0.2.55
--- asks
GET https://lyncwebext.contoso.com/abs/handler -> external | X-Forwarded-For: 192.0.2.55 | X-Forwarded-Proto: https

=== a header of 64 KB
--- request
GET https://lyncwebext.contoso.com/autodiscover/autodiscoverservice.svc/root/user
--- more_headers eval
"X-MS-WebTicket: opaque=" . "x" x (64 * 1024 - 30)
--- stand_in
    location /autodiscover/ { return 200 $http_x_ms_webticket; }
--- response_body eval
"opaque=" . "x" x (64 * 1024 - 30)

=== several large headers
--- request
GET https://lyncwebext.contoso.com/autodiscover/autodiscoverservice.svc/root/user
--- more_headers eval
CORE::join "\n", map { "X-Large-$_: " . "x" x (32 * 1024) } 1 .. 4
--- stand_in
    location /autodiscover/ { return 200 "$http_x_large_1$http_x_large_2$http_x_large_3$http_x_large_4"; }
--- response_body eval
"x" x (128 * 1024)

=== a query of 64 KB
--- request eval
"GET https://meet.contoso.com/alice?" . "q" x (64 * 1024)
--- stand_in
    location = /alice { return 200 $args; }
--- response_body eval
"q" x (64 * 1024)

=== a header past all measure
--- request
GET https://lyncwebext.contoso.com/abs/handler
--- more_headers eval
"X-Large: " . "x" x (100 * 1024)
--- error_code: 400
--- response_body_unlike: external|internal
