# What stands between a client and the pool's connections: a load balancer that sends several
# people's requests on one connection, a location that no publication judges, a server that says more
# than its answer, a client that wants connections tied up.

use FindBin ();
use lib "$FindBin::Bin/auth";

use LyncTest;
use LyncTest::Scene qw(scene client server pool_server log_lines wait_until);
use AuthPlain;
use AuthToy;

use Net::SSLeay ();

my $One = publication('server 127.0.0.11;');

my $Realip = <<'END';
set_real_ip_from 127.0.0.1;
real_ip_header   X-Forwarded-For;
END

# Two people on one connection, as a load balancer has them.
sub together {
    my ($front, @names) = @_;
    my ($first, @others) = map { $front->client($_) } @names;
    for (@others) {
        $_->close;
        $_->{connection} = $first->{connection};
    }
    return ($first, @others);
}

# It is seen that a multiplexing balancer is there by the address that realip takes from its header.
sub nobody_signs_in {
    my ($front, $toy, $alice_at, $bob_at) = @_;
    my ($alice, $bob) = together($front, qw(A B));
    my @from = ('X-Forwarded-For' => $alice_at);
    my $first = $alice->get('', @from, Authorization => 'NTLM ' . type1());
    my ($challenge) = map { /NTLM (\S+)/ } @{ $first->{challenges} };
    $alice->is_also('alice');
    isnt($alice->get('', @from, Authorization => 'NTLM ' . type3($challenge, 'alice'))->{status}, 200,
        'NTLM needs a connection of its own');
    is($alice->get('', @from, Authorization => 'Negotiate ' . kerberos('alice'))->{user}, 'alice',
        'one message is enough for its own request');
    is($bob->get('anonymous', 'X-Forwarded-For' => $bob_at)->{user}, '-', 'bob is nobody');
    is($alice->get('anonymous', @from)->{user}, '-', 'as alice is, without a credential');
    is(scalar(grep { defined $_->{owner} } @{ $toy->stats->{open} }), 0, 'nothing is kept');
    ok(log_lines(qr/\[warn\].*upstream "contoso_.*client's address comes from a request header/),
        'the log says why') if !$ENV{TEST_NGINX_USE_HUP};
}

alone 'a load balancer, clients with addresses of their own', before => $Realip, sub { nobody_signs_in(@_[0, 1], '192.0.2.1', '192.0.2.2') };
alone 'a load balancer, clients with the same address', before => $Realip, sub { nobody_signs_in(@_[0, 1], '192.0.2.1', '192.0.2.1') };

# A PROXY header speaks for the whole connection.
sub proxy_protocol {
    my ($front) = @_;
    for my $from ('TCP4 192.0.2.1 127.0.0.1', 'TCP6 2001:db8::1 ::1') {
        my ($alice, $bob) = map { $front->client("$_ $from", first => "PROXY $from 1234 443\r\n") } qw(A B);
        is($alice->ntlm('alice')->{user}, 'alice', "alice signs in, $from");
        is($bob->get('anonymous')->{user}, '-', 'bob is nobody');
        is($bob->ntlm('bob')->{user}, 'bob', 'until he signs in');
        is($alice->get->{user}, 'alice', 'alice stays');
    }
}
my $sockets = 'http_listen off; https_listen 127.0.0.1:%%PORT_HTTPS%% proxy_protocol;';
alone 'the PROXY protocol', sockets => $sockets, \&proxy_protocol;
alone 'the PROXY protocol, and realip by it', sockets => $sockets,
    before => "set_real_ip_from 127.0.0.1;\nreal_ip_header proxy_protocol;\n", \&proxy_protocol;

# A client that asks for every host on one connection, to have a server connection of each pool.
my $Many = join '', "sip_domain contoso.com;\n%%CERTIFICATE%%\nbackend_verify off;\n",
    map { <<"END" } 'lyncwebext', 'lyncwebext2', map { "lyncwebext.r$_" } 1 .. 6;
    pool fe-$_.contoso.local {
        server                 127.0.0.11;
        external_web_services  $_.contoso.com;
        listening_ports        https=%%PORT_POOL%%;
        health_check           off;
    }
END

alone 'no more than four server connections for a client connection', publication => $Many, sub {
    my ($front, $toy) = @_;
    my $alice = $front->client('A');
    for my $host ('lyncwebext', 'lyncwebext2', map { "lyncwebext.r$_" } 1 .. 6) {
        $alice->{connection}{host} = "$host.contoso.com";
        is($alice->begin->{status}, 401, "a handshake begins at $host");
    }
    ok(wait_until { 4 == grep { defined $_->{owner} } @{ $toy->stats->{open} } },
        'four connections are held');
    is($alice->finish('alice')->{user}, 'alice', 'the last one among them');
    $alice->{connection}{host} = 'lyncwebext.r4.contoso.com';
    is($alice->ntlm('alice')->{user}, 'alice', 'another one goes on');
};

# Whatever is left of a handshake that has failed isn't kept for the client.
alone 'nothing is kept after a 401 without a token', sub {
    my ($front, $toy) = @_;
    my $alice = $front->client('A');
    is($alice->begin->{status}, 401, 'a challenge');
    ok($toy->open_of(owner => 'A'), 'on a connection that is kept');
    my $wrong = $alice->get('', Authorization => 'NTLM ' . type3(undef, 'alice'));
    is_deeply([$wrong->{status}, $wrong->{challenges}], [401, ['Negotiate', 'NTLM']],
        'the answer to it is wrong');
    ok(gone($front, owner => 'A'), 'the connection is closed');
    is($alice->ntlm('alice')->{user}, 'alice', 'she may try again');
    is($alice->get->{user}, 'alice', 'and stays');
};

# --- a location that isn't a publication's

my $Foreign = <<'END';
server {
    listen 127.0.0.1:%%PORT_FOREIGN%%;
    location / {
        proxy_pass https://contoso_fepool.contoso.local_%%PORT_OWN%%;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        proxy_ssl_verify off;
    }
}
END
my $Own = $One =~ s/PORT_POOL/PORT_OWN/r . "server_include %%SERVROOT%%/html/own.conf;\n";
my $Files = <<'END';
>>> own.conf
location /own/ {
    proxy_pass https://contoso_fepool.contoso.local_%%PORT_OWN%%;
    proxy_ssl_verify off;
}
END

sub numbered {
    my ($connection, $report) = @_;
    for (my $n = 1; my $request = $connection->message; $n++) {
        $connection->write("HTTP/1.1 200 OK\r\nX-Connection: $$-$n\r\nContent-Length: 2\r\n\r\nok");
    }
}

# Its certificate is another server's, so only those who don't verify get an answer.
scene "connections and TLS sessions of those who don't verify",
    before => $Foreign, publication => $Own, user_files => $Files, sub {
    my $server = server(port => port('OWN'), tls => 'mail.contoso.local', parallel => 1, \&numbered);
    my $status = sub { client('https://lyncwebext.contoso.com')->ask("GET $_[0]")->answer->{status} };
    is($status->('/abs/handler'), 503, 'a server with a wrong certificate');
    for my $round (1, 2) {
        is($status->('/own/'), 200, 'a location of a server_include, which does not verify');
        is(client('http://foreign.example.com:' . port('FOREIGN'))->ask('GET /')->answer->{status}, 200,
            'a foreign server, which does not verify');
        is($status->('/abs/handler'), 503, 'is of no help to the publication');
    }
};

# Nor do they get what the publication has.
scene 'connections of a publication',
    before => $Foreign, publication => $Own, user_files => $Files, sub {
    my $server = pool_server(parallel => 1, \&numbered);
    my $connection = sub {
        my ($answer) = client($_[0])->ask("GET $_[1]")->answer->all('X-Connection');
        return $answer;
    };
    my @judged = ('https://lyncwebext.contoso.com', '/abs/handler');
    my ($first) = $connection->(@judged) =~ /^(\d+)-1$/ or fail('a connection');
    for my $other (['https://lyncwebext.contoso.com', '/own/'],
        ['http://foreign.example.com:' . port('FOREIGN'), '/'])
    {
        like($connection->(@$other), qr/^(?!\Q$first\E)\d+-1$/, 'a connection of its own') for 1, 2;
    }
    is($connection->(@judged), "$first-2", 'the first one is still there')
        if ($ENV{LYNC_WORKERS} || 1) == 1;
};

# --- more than an answer

# What is sent behind the answer, all of it or its first part, must never be the next one's answer.
my $Evil = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil";

my @Answers = (
    HEAD => "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n",
    GET  => "HTTP/1.1 204 No Content\r\n\r\n",
    GET  => "HTTP/1.1 304 Not Modified\r\n\r\n",
    GET  => "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    GET  => "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    GET  => "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
);

scene 'bytes behind an answer', publication => $One =~ s/PORT_POOL/PORT_OWN/r, sub {
    my $server = pool_server(parallel => 1, sub {
        my ($connection) = @_;
        my ($n) = $connection->message->{first} =~ /\?(\d+)/;
        $connection->write($Answers[$n] . substr $Evil, 0, 20);
        $connection->message;
        $connection->write(substr $Evil, 20);
    });
    for my $n (grep { $_ % 2 } 0 .. $#Answers) {
        my ($what) = $Answers[$n] =~ m{^HTTP/1.1 (.*?)\r\n\r\n}s;
        for my $time (1, 2) {
            my $client = client('https://lyncwebext.contoso.com');
            $client->ask("$Answers[$n - 1] /abs/handler?$n");
            $client->more while $client->{buffer} !~ /\r\n\r\n/ && !$client->{ended} && !$client->{silent};
            unlike($client->{buffer}, qr/HTTP.*evil/s, "of its own: $what");
            my ($status) = $what =~ /^(\d+)/;
            like($client->{buffer}, qr/^HTTP\S+ $status /, 'the whole of it');
        }
    }
};

# The same in half a TLS record, which OpenSSL has read off the socket and can't show yet.
scene 'half a TLS record behind an answer', publication => $One =~ s/PORT_POOL/PORT_OWN/r, sub {
    my $server = pool_server(parallel => 1, sub {
        my ($connection, $report) = @_;
        my $socket = $connection->{socket};
        $connection->message;
        my $ssl = $socket->_get_ssl_object;
        my $records = Net::SSLeay::BIO_new(Net::SSLeay::BIO_s_mem());
        Net::SSLeay::set_bio($ssl, Net::SSLeay::BIO_new(Net::SSLeay::BIO_s_mem()), $records);
        my $record = sub { Net::SSLeay::write($ssl, $_[0]); Net::SSLeay::BIO_read($records) };
        my $answer = $record->("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        my $more = $record->($Evil);
        my $fd = $socket->fileno;
        POSIX::write($fd, $answer . substr($more, 0, 20), length($answer) + 20);
        my $next = (POSIX::read($fd, my $bytes, 65536) || 0) > 100; # not TLS's farewell
        $report->($next ? 'asked again' : 'closed');
        POSIX::write($fd, substr($more, 20), length($more) - 20) if $next;
        POSIX::_exit(0);
    });
    for (1 .. 2) {
        is(client('https://lyncwebext.contoso.com')->ask('GET /abs/handler')->answer->{body}, 'ok',
            'an answer of its own');
    }
    is($server->report, 'closed', 'the connection is of no more use') for 1 .. 2;
};

run_suite(publication => $One);
