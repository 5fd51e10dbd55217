# TLS towards clients: TLS 1.2 and 1.3, sessions resumed, RSA and ECDSA side by side, clients without
# SNI, and HTTP/1.1 alone in ALPN.

use LyncTest;
use LyncTest::Scene qw(:DEFAULT logged);

# RSA and ECDSA side by side: what a client offers, and what comes of it.
scene 'handshakes', more => 'certificate %%PKI%%/public-ecdsa.pem %%PKI%%/public-ecdsa.key;', sub {
    my $refused = 'refused';
    for my $row (
        [{}                                                => 'version=TLSv1.3 trusted=yes alpn=none'],
        [{ version => 'TLSv1_2' }                          => 'version=TLSv1.2 trusted=yes'],
        [{ version => 'TLSv1_1', ciphers => 'ALL:@SECLEVEL=0' } => $refused],
        [{ version => 'TLSv1_2', ciphers => 'aNULL:eNULL:@SECLEVEL=0' } => $refused],
        [{ version => 'TLSv1_2', ciphers => 'ECDHE-RSA-AES128-GCM-SHA256' } => 'key=RSA trusted=yes'],
        [{ version => 'TLSv1_2', ciphers => 'ECDHE-ECDSA-AES128-GCM-SHA256' } => 'key=EC trusted=yes'],
        [{ sni => '' }                                     => 'trusted=yes subject=lyncwebext.contoso.com'],
        [{ sni => 'meet.contoso.com' }                     => 'trusted=yes'],
        [{ sni => 'LyncWebExt.Contoso.COM' }               => 'trusted=yes'],
        [{ alpn => 'h2,http/1.1' }                         => 'alpn=http/1.1'],
        [{ alpn => 'http/1.1,h2' }                         => 'alpn=http/1.1'],
        [{ alpn => 'h2' }                                  => $refused],
    ) {
        my ($offer, $expected) = @$row;
        my $what = join(' ', map { "$_ $offer->{$_}" } sort keys %$offer) || 'as clients are';
        my $client = eval { client('https://lyncwebext.contoso.com', %$offer) };
        is(join(' ', map { $client ? "$_=" . $client->facts->{$_} : $refused } $expected =~ /(\w+)=/g), $expected, $what)
            if $expected ne $refused;
        is($client, undef, "$what: $refused") if $expected eq $refused;
        # The Host header decides, with whatever SNI.
        like($client->ask('GET /abs/handler')->answer->{body}, qr/^external .*^Host: lyncwebext\.contoso\.com$/ms,
            "$what: routed by Host") if $client;
    }
};

# OpenSSL begins with the settings of the socket's default server.
for my $protocols ('TLSv1.3', 'TLSv1 TLSv1.1') {
    scene "a foreign default server with ssl_protocols $protocols",
        before => word('FOREIGN') =~ s/ ssl;/ ssl default_server;/r =~ s/(?=return)/ssl_protocols $protocols; ssl_ciphers ALL:\@SECLEVEL=0; /r, sub {
        for my $version (qw(TLSv1_2 TLSv1_3)) {
            my $client = eval { client('https://lyncwebext.contoso.com', version => $version) };
            is($client && $client->facts->{version}, $version =~ tr/_/./r, "a published name has $version");
        }
        my %old = (version => 'TLSv1_1', ciphers => 'ALL:@SECLEVEL=0');
        is(eval { client('https://lyncwebext.contoso.com', %old) }, undef, 'and nothing older');
        is(client('https://www.contoso.com', %old)->facts->{version}, 'TLSv1.1', 'which the foreign server takes')
            if $protocols =~ /1\.1/;
    };
}

# What a client sends before it hears anything, up to its early data, as somebody between records it.
sub recorder {
    return server(address => '127.0.0.1', port => port('OWN'), sub {
        my ($connection, $report) = @_;
        my ($flight, $type) = ('', 0);
        while ($type != 23) { # application data
            my $head = $connection->need(5);
            ($type, my $length) = unpack 'C x2 n', $head;
            $flight .= $head . $connection->need($length);
        }
        $report->(unpack 'H*', $flight);
    });
}

# Early data may have been recorded, and anybody can send the record, but not the handshake's end,
# which has to follow it. (Of the client itself the end may well be there by the time that nginx
# looks at the request, which is a request like any other then.)
scene 'early data that a foreign default server accepts goes no further',
    before => <<'END' . word('FOREIGN') =~ s/ ssl;/ ssl default_server;/r
    log_format early  '$host $status ssl_early_data="$ssl_early_data" pool="$upstream_addr"';
    access_log %%SERVROOT%%/logs/early.log early %%LATE%%;
END
        =~ s/(?=return)/ssl_protocols TLSv1.2 TLSv1.3; ssl_early_data on; /r, sub {
    my $dir = scene_dir();
    my $recorder = recorder();
    my $s_client = sub {
        my ($name, $port, $options) = @_;
        return "openssl s_client -tls1_3 -ign_eof -connect 127.0.0.1:$port -servername $name $options 2>&1";
    };
    my $replay = sub {
        my ($request, $name) = @_;
        write_file("$dir/request", "$request HTTP/1.1\r\nHost: $name\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        if (!-e "$dir/$name") {
            my $client = $s_client->($name, port('HTTPS'), "-sess_out $dir/$name");
            like(scalar `(cat $dir/request; sleep 0.3) | $client`, qr{^HTTP/1\.1 200 }m,
                "$name after the handshake");
        }
        my $client = $s_client->($name, port('OWN'), "-sess_in $dir/$name -early_data $dir/request");
        `$client </dev/null`;
        my $flight = pack 'H*', $recorder->report // die "nothing was recorded\n";

        my $early = qr/early_data="1"/;
        my $before = () = logged(early => 0, $early);
        for (1 .. 2) {
            my $sender = client('http://127.0.0.1:' . port('HTTPS'));
            $sender->write($flight);
            $sender->is_closed;
        }
        return splice @{[logged(early => $before + 2, $early)]}, $before;
    };

    is_deeply([$replay->('GET /abs/handler', 'www.contoso.com')],
        [('www.contoso.com 200 ssl_early_data="1" pool="-"') x 2], "the foreign server's own matter");
    for my $request ('GET /abs/handler', 'POST /abs/handler') {
        is_deeply([$replay->($request, 'lyncwebext.contoso.com')],
            [('lyncwebext.contoso.com 425 ssl_early_data="1" pool="-"') x 2],
            "a published name has $request sent again");
    }
};

# The connection's protocol, as curl sees it: foreign names may have HTTP/2, published ones never.
sub curl {
    my (@arguments) = @_;
    my $port = port('HTTPS');
    my $resolve = join ' ', map { "--resolve $_:$port:127.0.0.1" }
        qw(www.contoso.com lyncwebext.contoso.com);
    s/%PORT%/$port/g for @arguments;
    return `curl -sS $resolve --cacert $LyncTest::Paths::PKI/public-ca.pem @arguments 2>&1`;
}

scene 'a foreign server on the same socket that speaks HTTP/2',
    before => word('FOREIGN') =~ s/ ssl;/ ssl http2;/r =~ s/200 foreign/200 "foreign over \$server_protocol\n"/r, sub {
    my $format = "-w '%{http_version} %{http_code}'";
    my ($notice) = log_lines(qr/HTTP\/2/);
    my $port = port('HTTPS');
    like($notice, qr{\[notice\].* a server outside of lync_publish switches HTTP/2 on for 127\.0\.0\.1:$port: published names go on with HTTP/1\.1 alone, which NTLM needs, and are answered 421 on HTTP/2 connections of other names in \S+nginx\.conf:\d+$},
        'a line at load');
    is(curl("--http2 $format https://www.contoso.com:%PORT%/"), "foreign over HTTP/2.0\n2 200",
        'the foreign server speaks HTTP/2');
    like(curl("--http2 $format https://lyncwebext.contoso.com:%PORT%/abs/handler"),
        qr/^external https .*^1\.1 200\z/ms, 'a published name speaks HTTP/1.1');
    is(client('https://lyncwebext.contoso.com', alpn => 'h2,http/1.1')->facts->{alpn}, 'http/1.1',
        'and says so in ALPN');
    is(client('https://www.contoso.com', alpn => 'h2,http/1.1')->facts->{alpn}, 'h2',
        'which the foreign one is free to do otherwise');

    # Browsers use a connection for every name its certificate covers. This one's protocol is not for
    # a pool, and 421 makes them open a connection of its own.
    my $said = curl("--http2 -H 'Host: lyncwebext.contoso.com' $format https://www.contoso.com:%PORT%/abs/handler");
    like($said, qr/^2 421\z/m, 'a published name asked for over somebody else\'s HTTP/2');
    unlike($said, qr/external/, 'gets nothing of the pool');
};

run_suite(publication => '%%STANDARD%%');

__DATA__

=== whatever http level says, TLS 1.2 it is
--- before
ssl_protocols TLSv1 TLSv1.1;
--- tls_version: TLSv1_2
--- request
GET https://lyncwebext.contoso.com/abs/handler
--- tls
version: TLSv1.2

=== an intermediate CA comes along
--- publication
    sip_domain  contoso.com;
    certificate %%PKI%%/chain.pem %%PKI%%/chain.key;
    %%TRUSTED_CA%%
    %%POOL%%
--- asks
GET https://lyncwebext.contoso.com/abs/handler -> external

=== plain HTTP on the TLS socket
--- asks
GET http://lyncwebext.contoso.com:%%PORT_HTTPS%%/abs/handler -> 400
