# What travels back: the pool's own answers, header by header and byte by byte, as soon as they come.

use LyncTest;
use LyncTest::Scene;

use Time::HiRes qw(sleep);

# A pool that gives this answer to everything. Whatever path is asked for under a meet URL of its own
# host travels.
sub pool_that_says {
    my ($answer) = @_;
    return pool_server(sub {
        my ($connection) = @_;
        $connection->message;
        $connection->write($answer);
    });
}

# An answer's headers without those of the connection itself, in their order.
sub headers {
    my ($answer) = @_;
    return join "\n", map { "$_->[0]: $_->[1]" }
        grep { $_->[0] !~ /^(?:Connection|Keep-Alive|Transfer-Encoding)$/i } @{ $answer->{headers} };
}

# The user document of autodiscover without a ticket, with all a pool says [MS-OCDISCWS].
scene 'a challenge, header by header', sub {
    my $server = pool_that_says("HTTP/1.1 401 Unauthorized\r\n"
        . "Date: Tue, 15 Nov 1994 08:12:31 GMT\r\n"
        . "Content-Type: text/html\r\n"
        . "Server: Microsoft-IIS/10.0\r\n"
        . "Content-Length: 9\r\n"
        . "Cache-Control: no-cache\r\n"
        . "Expires: -1\r\n"
        . "WWW-Authenticate: Bearer trusted_issuers=\"00000002\@contoso.com\", client_id=\"00000004\"\r\n"
        . "WWW-Authenticate: MsRtcOAuth href=\"https://lyncwebext.contoso.com/WebTicket/oauthtoken\"\r\n"
        . "WWW-Authenticate: Negotiate\r\n"
        . "WWW-Authenticate: NTLM\r\n"
        . "Set-Cookie: one=1; path=/; secure\r\n"
        . "Set-Cookie: two=2; domain=lyncwebext.contoso.com\r\n"
        . "Set-Cookie: three=3; path=/lwa; HttpOnly\r\n"
        . "X-MS-WebTicketURL: https://lyncwebext.contoso.com/WebTicket/WebTicketService.svc\r\n"
        . "X-MS-Server-Fqdn: fe01.contoso.local\r\n"
        . "X-Ms-diagnostics: 28020;source=\"fe01.contoso.local\"\r\n"
        . "X-AspNet-Version: 4.0.30319\r\n"
        . "X-Powered-By: ASP.NET\r\n"
        . "X-Content-Type-Options: nosniff\r\n"
        . "Strict-Transport-Security: max-age=315360000\r\n\r\n"
        . "challenge");

    my $answer = client('https://lyncwebext.contoso.com')
        ->ask('GET /autodiscover/autodiscoverservice.svc/root/user')->answer;

    is($answer->{first}, 'HTTP/1.1 401 Unauthorized', 'the status');
    is($answer->{body}, 'challenge', 'the body');
    is_deeply([$answer->all('WWW-Authenticate')], [
        'Bearer trusted_issuers="00000002@contoso.com", client_id="00000004"',
        'MsRtcOAuth href="https://lyncwebext.contoso.com/WebTicket/oauthtoken"',
        'Negotiate', 'NTLM',
    ], 'all challenges, in their order');
    is_deeply([$answer->all('Set-Cookie')], [
        'one=1; path=/; secure', 'two=2; domain=lyncwebext.contoso.com',
        'three=3; path=/lwa; HttpOnly',
    ], 'all cookies, in their order');
    is_deeply([$answer->all('Strict-Transport-Security')], ['max-age=315360000'], 'one HSTS header');
    is_deeply([$answer->all('Server')], ['Microsoft-IIS/10.0'], 'the pool\'s Server header');
    is_deeply([$answer->all('Date')], ['Tue, 15 Nov 1994 08:12:31 GMT'], 'and its Date');
    is_deeply([$answer->all('Cache-Control'), $answer->all('Expires')], ['no-cache', '-1'],
        'what it says of caching');
    for my $name (qw(X-MS-WebTicketURL X-MS-Server-Fqdn X-Ms-diagnostics X-AspNet-Version
        X-Powered-By X-Content-Type-Options Content-Type Content-Length)) {
        is(scalar(my @once = $answer->all($name)), 1, "$name, once");
    }
    is(scalar @{ $answer->{headers} },
        20 + ($answer->all('Connection') ? 1 : 0), 'and nothing else') or diag(headers($answer));
};

# Statuses with bodies, and without: a 404 with an empty body means something to a client.
scene 'statuses and bodies, also empty ones', sub {
    my $server = pool_server(sub {
        my ($connection) = @_;
        my $request = $connection->message;
        my ($status, $empty) = $request->{first} =~ m{^GET /status/(\d+)(/empty)?};
        my $body = $empty ? '' : "the pool says $status";
        $connection->write("HTTP/1.1 $status Said by the pool\r\n"
            . "Content-Length: @{[length $body]}\r\nContent-Type: text/html\r\n\r\n$body");
    });
    for my $status (200, 201, 206, 301, 302, 400, 401, 403, 404, 405, 409, 412, 413, 414, 428, 429, 500, 502, 503, 504) {
        my $answer = client('https://meet.contoso.com')->ask("GET /status/$status")->answer;
        is("$answer->{first} $answer->{body}",
            "HTTP/1.1 $status Said by the pool the pool says $status", "$status, as the pool said it");
        is_deeply([$answer->all('Content-Length'), $answer->all('Transfer-Encoding')], [17], 'Content-Length stays');
        $answer = client('https://meet.contoso.com')->ask("GET /status/$status/empty")->answer;
        is("$answer->{first} <$answer->{body}>", "HTTP/1.1 $status Said by the pool <>",
            "$status without a body");
    }
    for my $status (204, 304) {
        my $answer = client('https://meet.contoso.com')->ask("GET /status/$status/empty")->answer;
        is($answer->{status}, $status, $status == 204 ? 'no content' : 'not modified');
    }
};

# Redirects of the pool's own lead where it says, whatever that looks like.
scene 'Location', sub {
    my $port = port('OWN');
    for my $location ('https://lyncwebext2.contoso.com/meet/alice/1', '/lwa/x?y=%20',
        "https://fepool.contoso.local:$port/x", 'http://meet.contoso.com/x',
        'https://contoso_fepool.contoso.local_4443/x')
    {
        my $server = pool_that_says("HTTP/1.1 302 Found\r\nLocation: $location\r\n"
            . "Refresh: 5; url=$location\r\nContent-Length: 0\r\n\r\n");
        my $answer = client('https://meet.contoso.com')->ask('GET /alice/1')->answer;
        is_deeply([$answer->{status}, $answer->all('Location'), $answer->all('Refresh')],
            [302, $location, "5; url=$location"], $location);
        $server->stop;
    }
};

# Headers that steer nginx itself don't when a pool sends them.
scene 'X-Accel-*', sub {
    my $server = pool_that_says("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"
        . "X-Accel-Redirect: /etc/passwd\r\nX-Accel-Limit-Rate: 1\r\nX-Accel-Buffering: yes\r\n"
        . "X-Accel-Charset: koi8-r\r\nX-Accel-Expires: 100\r\n\r\nok");
    my $answer = client('https://meet.contoso.com')->ask('GET /alice/1')->answer;
    is("$answer->{status} $answer->{body}", '200 ok', 'an answer like any other');
};

scene 'headers of 64 KB', sub {
    for my $row ([60, 40], [64, 0]) { # a large one, and small ones
        my ($size, $count) = @$row;
        my $large = 'x' x ($size * 1024);
        my $server = pool_that_says("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Large: $large\r\n"
            . join('', map { "X-Small-$_: " . 'y' x 70 . "\r\n" } 1 .. $count) . "\r\nok");
        my $answer = client('https://meet.contoso.com')->ask('GET /alice/1')->answer;
        is("$answer->{status} $answer->{body}", '200 ok', "$size KB and $count small ones");
        is(length $answer->one('X-Large'), length $large, 'a large one');
        is(scalar(grep { $_->[0] =~ /^X-Small/ } @{ $answer->{headers} }), $count, 'and small ones');
        $server->stop;
    }
};

# Each part of a long poll's answer leaves when it comes: the pool sends none before the one in front of
# it has arrived.
scene 'a slow one', sub {
    pipe my $arrived, my $signal or die "pipe: $!\n";
    my $server = pool_server(sub {
        my ($connection, $report) = @_;
        $connection->message;
        $connection->write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        for my $word (qw(one two three)) {
            $connection->write(sprintf "%x\r\n%s\r\n", length $word, $word);
            sysread $arrived, my $byte, 1;
        }
        $connection->write("0\r\n\r\n");
    });
    my $client = client('https://meet.contoso.com')->ask('GET /alice/events');
    is($client->head->one('Transfer-Encoding'), 'chunked', 'chunked stays chunked');
    for my $word (qw(one two three)) {
        is($client->chunk, $word, $word);
        syswrite $signal, '.';
    }
    is($client->chunk, '', 'the end');
};

# An answer without a length ends with the connection.
scene 'one that ends with the connection', sub {
    my $server = pool_that_says("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n" . 'z' x 300_000);
    my $answer = client('https://meet.contoso.com')->ask('GET /alice/1')->answer;
    is(length $answer->{body}, 300_000, 'all of it');
};

# A download larger than all buffers, to a client that takes its time.
scene 'a large one', sub {
    my $size = 24 * 1024 * 1024;
    my $server = pool_server(sub {
        my ($connection, $report) = @_;
        $connection->message;
        $connection->write("HTTP/1.1 200 OK\r\nContent-Length: $size\r\n\r\n");
        my $sent = 0;
        $sent += $connection->write('d' x (1024 * 1024)) for 1 .. $size / 1024 / 1024;
        $report->($sent);
    });
    my $client = client('https://meet.contoso.com')->ask('GET /alice/1');
    is($client->head->one('Content-Length'), $size, 'the client knows how much it will be');
    is($server->report(0.7), undef, 'the pool waits for the client: nothing is stored between them');
    is(join(' ', glob "$Test::Nginx::Util::ServRoot/proxy_temp/*"), '', 'no file');
    my $got = length $client->{buffer};
    $client->{buffer} = '';
    while ($got < $size && $client->more) {
        $got += length $client->{buffer};
        $client->{buffer} = '';
    }
    is($got, $size, 'all of it arrives');
    is($server->report, $size, 'and all of it was sent');
};

# An interim answer is none. nginx takes 100 and 102 for the answer and the real one for its body, up to the
# end of the pool's connection, and so it did 103, before 1.29.0; since then it passes any number of them on.
scene 'interim answers', sub {
    my $interim = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n"
        . "Set-Cookie: early=1\r\nContent-Length: 7\r\n\r\n";
    my $server = pool_server(sub {
        my ($connection) = @_;
        while (my $request = eval { $connection->message }) {
            my $length = length $request->{body};
            my $answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nSet-Cookie: late=1\r\n\r\nok $length\n";
            my ($how) = $request->{first} =~ m{/(\w+) };
            if ($how eq 'apart') {
                for my $part ("HTTP/1.", "1 100 Continue\r\n", "\r\n", "HTTP/1.1 102 P\r\n\r", "\n", $answer) {
                    $connection->write($part);
                    sleep 0.1;
                }
            } else {
                $connection->write($how eq 'plain' ? $answer : "$interim$answer");
            }
        }
    });
    my $client = client('https://meet.contoso.com');
    for my $path ('together', 'apart', 'plain', 'together') {
        $client->ask("POST /$path", 'Content-Length' => 2)->write('ab');
        my $answer = $client->answer;
        is("$answer->{status} $answer->{body}", "200 ok 2\n", "$path: the answer itself");
        is(join(' ', $answer->all('Set-Cookie')), 'late=1', 'with its own headers');
    }
};

# Each takes memory until the request ends.
scene 'interim answers without an end', sub {
    for my $status (100, 103) {
        my $server = pool_server(sub {
            my ($connection) = @_;
            $connection->message;
            $connection->write("HTTP/1.1 $status Interim\r\n\r\n" x 17 . http_answer('at last'));
        });
        is(client('https://meet.contoso.com')->ask('GET /x')->answer->{status}, 503, "seventeen times $status is too often");
        $server->stop;
    }
};

run_suite(publication => '%%OWN%%', data => { publication => '%%STANDARD%%' });

__DATA__

=== nothing is cached, whatever the pool says
--- request eval
[("GET https://meet.contoso.com/alice/1") x 3]
--- stand_in
    location = /alice/1 {
        add_header Cache-Control "public, max-age=3600";
        add_header X-Id $request_id;
        return 200 $request_id;
    }
--- response_body_like eval
my %seen; [(qr/^(\w{32})$(?(?{ $seen{$1}++ })(?!))/) x 3]

=== HEAD
--- asks
HEAD https://meet.contoso.com/alice/1 -> 200 | X-Site: external

=== an answer to a client of HTTP/1.0
--- to: https://meet.contoso.com
--- raw_request eval
"GET /alice/1 HTTP/1.0\r\nHost: meet.contoso.com\r\n\r\n"
--- response_headers
X-Site: external
! Transfer-Encoding

=== nothing is compressed on the way, and what is compressed stays so
--- request
GET https://meet.contoso.com/alice/1
--- more_headers
Accept-Encoding: gzip
--- stand_in
    location = /alice/1 {
        gzip        on;
        gzip_types  *;
        gzip_min_length 1;
        add_header  Vary Accept-Encoding;
        return 200  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    }
--- response_headers
Content-Encoding: gzip
--- response_body_like eval
qr/^\x1f\x8b/
