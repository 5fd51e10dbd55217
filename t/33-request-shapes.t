# The shape of requests: what can't be parsed, smuggling, bodies larger than their service takes, and
# clients that take their time.

use LyncTest;
use LyncTest::Scene;

# What the pool reports of each request that arrives whole.
my $lengths = sub { "$_[0]{first} " . length $_[0]{body} };

# What a client gets for these bytes, waited for.
sub status {
    my ($bytes) = @_;
    my $client = client('https://lyncwebext.contoso.com');
    $client->write($bytes);
    return $client->answer->{status};
}

# What it gets within a moment, which may be nothing: the statuses of all answers.
sub statuses {
    my ($bytes) = @_;
    my $client = client('https://lyncwebext.contoso.com');
    $client->write($bytes);
    my @statuses;
    until ($client->is_closed(0.3)) {
        last if $client->{buffer} !~ /\r\n\r\n/ && !@statuses;
        last if $client->{buffer} eq '';
        push @statuses, $client->answer->{status};
    }
    while ($client->{buffer} =~ m{HTTP/1\.1 (\d+)}g) {
        push @statuses, $1;
    }
    $client->close;
    return join ' ', @statuses;
}

my $host = "Host: lyncwebext.contoso.com\r\n";
my $smuggled = "GET /abs/smuggled HTTP/1.1\r\n$host\r\n";
my $post = "POST /webticket/webticketservice.svc HTTP/1.1\r\n$host";

# Sent as they stand. None may reach the pool, nor what is hidden in them.
my %refused = (
    'two lengths'              => "${post}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello$smuggled",
    'two equal lengths'        => "${post}Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
    'a list of lengths'        => "${post}Content-Length: 5, 5\r\n\r\nhello",
    'a signed length'          => "${post}Content-Length: +5\r\n\r\nhello",
    'a negative length'        => "${post}Content-Length: -1\r\n\r\n",
    'a length in hex'          => "${post}Content-Length: 0x5\r\n\r\nhello",
    'a length beyond counting' => "${post}Content-Length: 99999999999999999999\r\n\r\n",
    'length and chunked'       => "${post}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n$smuggled",
    'chunked and length'       => "${post}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n$smuggled",
    'chunked twice'            => "${post}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    'chunked and identity'     => "${post}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n$smuggled",
    'another encoding'         => "${post}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n$smuggled",
    'chunked in HTTP/1.0'      => "POST /webticket/x HTTP/1.0\r\n${host}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n$smuggled",
    'a bad chunk size'         => "${post}Transfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n$smuggled",
    'a chunk beyond counting'  => "${post}Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nhello\r\n0\r\n\r\n",
    'a chunk too long'         => "${post}Transfer-Encoding: chunked\r\n\r\n3\r\nhello\r\n0\r\n\r\n$smuggled",
    'obsolete folding'         => "GET /abs/handler HTTP/1.1\r\n${host}X-A: b\r\n Content-Length: 5\r\n\r\n",
    'folding with a tab'       => "GET /abs/handler HTTP/1.1\r\n${host}X-A: b\r\n\tTransfer-Encoding: chunked\r\n\r\n",
    'a space before the colon' => "${post}Content-Length : 5\r\n\r\nhello",
    'two hosts'                => "GET /abs/handler HTTP/1.1\r\n${host}Host: fepool.contoso.local\r\n\r\n",
    'no host'                  => "GET /abs/handler HTTP/1.1\r\n\r\n",
    'an absolute target of another name' =>
        "GET https://meet.contoso.com/abs/handler HTTP/1.1\r\n$host\r\n",
    'a zero byte'              => "GET /abs/\0 HTTP/1.1\r\n$host\r\n",
    'an encoded zero'          => "GET /abs/%00 HTTP/1.1\r\n$host\r\n",
    'a bad escape'             => "GET /abs/%zz HTTP/1.1\r\n$host\r\n",
    'a raw fragment'           => "GET /abs/#x HTTP/1.1\r\n$host\r\n",
    'a control character'      => "GET /abs/%01 HTTP/1.1\r\n$host\r\n",
    'a path over 8 KB'         => 'GET /abs/' . 'x' x 9000 . " HTTP/1.1\r\n$host\r\n",
    'a method in lower case'   => "get /abs/handler HTTP/1.1\r\n$host\r\n",
    'no version of HTTP/1'     => "GET /abs/handler HTTP/9.9\r\n$host\r\n",
    'HTTP/0.9'                 => "GET /abs/handler\r\n",
    'HTTP/0.9, absolute'       => "GET https://lyncwebext.contoso.com/abs/handler\r\n",
    'HTTP/0.9, no path'        => "GET https://lyncwebext.contoso.com\r\n",
    'junk for a port'          => "GET /abs/handler HTTP/1.1\r\nHost: lyncwebext.contoso.com:4443\@evil.example\r\n\r\n",
    'two ports'                => "GET /abs/handler HTTP/1.1\r\nHost: lyncwebext.contoso.com:443:80\r\n\r\n",
    'a port beyond all'        => "GET /abs/handler HTTP/1.1\r\nHost: lyncwebext.contoso.com:99999\r\n\r\n",
    'a port beyond counting'   => "GET /abs/handler HTTP/1.1\r\nHost: lyncwebext.contoso.com:000443\r\n\r\n",
    'junk for a port, absolute' =>
        "GET https://lyncwebext.contoso.com/abs/handler HTTP/1.1\r\nHost: lyncwebext.contoso.com:x\r\n\r\n",
    'TRACE'                    => "TRACE /abs/handler HTTP/1.1\r\n$host\r\n",
    'CONNECT'                  => "CONNECT fepool.contoso.local:443 HTTP/1.1\r\n$host\r\n",
    'PROPFIND'                 => "PROPFIND /abs/handler HTTP/1.1\r\n$host\r\n",
    'DEBUG'                    => "DEBUG /abs/handler HTTP/1.1\r\n$host\r\n",
    'an asterisk'              => "OPTIONS * HTTP/1.1\r\n$host\r\n",
);

scene 'shapes that are refused', timeout => 60, sub {
    my $server = reporting_pool($lengths);
    for my $shape (sort keys %refused) {
        my $got = statuses($refused{$shape});
        like($got, qr/^(?:4\d\d|501|505)?(?: 4\d\d)*$/, "$shape: $got");
        my $arrived = $server->report(0.05);
        is($arrived, undef, "$shape: nothing is forwarded");
    }
    is(status("GET /abs/handler HTTP/1.1\r\n$host\r\n"), 200, 'a request in order passes');
    is($server->report, 'GET /abs/handler HTTP/1.1 0', 'and arrives');
    ok(log_lines(qr/lync_publish "contoso" refused: malformed,/), 'the log says which it refuses');
};

# An error_page brings requests of which nginx never read a head: they aren't made into others, and
# nothing of the module touches what isn't there.
scene broken_heads => sub {
    my $server = reporting_pool($lengths);
    my $absolute = 'GET https://lyncwebext.contoso.com';
    for my $line (
        "$absolute/%zz HTTP/1.1\r\n\r\n", "$absolute/%zz\r\n", "$absolute/abs/handler HTTP/1.1x\r\n\r\n",
        "$absolute/abs/handler HTTP/1.1\r\n${host}X-Zero: \0\r\n\r\n", "$absolute/" . 'x' x 80000,
        "$absolute/abs/handler HTTP/1.1\r\nX-Long: " . 'x' x 80000,
    ) {
        like(statuses($line), qr/^(?:4\d\d)?$/, substr $line, 26, 40);
        is($server->report(0.05), undef, 'nothing is forwarded');
    }
    is(status("GET /abs/handler HTTP/1.1\r\n$host\r\n"), 200, 'a request in order passes');
};

sub sent {
    my ($line, $length, $chunked) = @_;
    my $client = client('https://lyncwebext.contoso.com');
    $client->ask($line, $chunked ? ('Transfer-Encoding' => 'chunked') : ('Content-Length' => $length));
    if ($chunked) {
        $client->write(sprintf "%x\r\n%s\r\n0\r\n\r\n", $length, 'x' x $length);
    } else {
        $client->write('x' x $length);
    }
    return $client->answer->{status};
}

# "none" is up to 64 KB, "message" up to 4 MB, "content" max_upload.
scene 'bodies by service', timeout => 30, more => 'max_upload 6m;', sub {
    my $server = reporting_pool($lengths);
    my $mega = 1024 * 1024;
    for my $row (
        ['POST /autodiscover/x',                4 * $mega,     200],
        ['POST /autodiscover/x',                4 * $mega + 1, 413],
        ['POST /ucwa/v1/applications',          4 * $mega + 1, 413],
        ['POST /webticket/webticketservice.svc', 64 * 1024,    200],
        ['POST /webticket/webticketservice.svc', 4 * $mega + 1, 413],
        ['POST /collabcontent/x',               6 * $mega,     200],
        ['POST /collabcontent/x',               6 * $mega + 1, 413],
        ['GET /abs/handler',                    64 * 1024,     200],
        ['GET /abs/handler',                    64 * 1024 + 1, 413],
        ['POST /autodiscover/x',                4 * $mega,     200, 'chunked'],
        ['POST /autodiscover/x',                4 * $mega + 1, 413, 'chunked'],
        ['POST /webticket/webticketservice.svc', 4 * $mega + 1, 413, 'chunked'],
        ['POST /collabcontent/x',               6 * $mega,     200, 'chunked'],
        ['POST /collabcontent/x',               6 * $mega + 1, 413, 'chunked'],
        ['GET /abs/handler',                    64 * 1024 + 1, 413, 'chunked'],
    ) {
        my ($line, $length, $status, $chunked) = @$row;
        my $got = sent($line, $length, $chunked);
        is($got, $status, "$line with $length bytes" . ($chunked ? ', chunked' : ''));
        is($server->report($status == 200 ? 10 : 0.1),
            $status == 200 ? "$line HTTP/1.1 $length" : undef, '... travelled');
    }
    ok(log_lines(qr/client intended to send too large body: @{[6 * $mega + 1]} bytes/), 'the log says why');
};

# Many small chunks are one body, and the log says once what was too large.
scene 'a body in chunks without an end', timeout => 30, sub {
    my $server = pool_server(sub {
        my ($connection, $report) = @_;
        $report->($connection->head->{first});
        $report->($connection->is_closed(20) ? 'broken off' : 'held');
    });
    my $client = client('https://lyncwebext.contoso.com');
    $client->ask('POST /webticket/webticketservice.svc', 'Transfer-Encoding' => 'chunked');
    for (1 .. 4 * 1024 + 64) {
        last if !$client->write("400\r\n" . 'x' x 1024 . "\r\n");
    }
    is($client->answer->{status}, 413, 'chunks without an end');
    is($server->report, 'POST /webticket/webticketservice.svc HTTP/1.1', 'the request had begun');
    is($server->report(20), 'broken off', 'and is broken off');
    ok(wait_until { log_lines(qr/lync_publish "contoso" refused: body\b/) }, 'the log says so');
};

# The server takes longer to answer than any client may take to ask.
scene pending => sub {
    my $server = pool_server(sub {
        my ($connection, $report) = @_;
        my $message = $connection->message;
        select undef, undef, undef, 2.5;
        $connection->write(http_answer('ok'));
    });
    my $client = client('https://lyncwebext.contoso.com');
    $client->ask('GET /ucwa/v1/applications/1/events?ack=1');
    is($client->answer->{status}, 200, 'a pending GET is waited for');
};

run_suite(publication => '%%OWN%%');

__DATA__

=== heads that break off, with an error_page
--- more
server_include %%SERVROOT%%/html/extra.conf;
--- user_files
>>> extra.conf
error_page 400 408 414 494 =200 /abs/handler;
--- scene: broken_heads

=== a pending GET
--- more: pending_get_timeout 20s;
--- scene: pending
--- nginx_T
client_header_timeout 60s;
client_body_timeout 60s;
send_timeout 60s;
proxy_read_timeout 20s;
