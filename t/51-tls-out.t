# TLS towards the servers: verified against trusted_ca under the pool's name, SNI sent, sessions
# resumed; and which connections serve one client after another.

use LyncTest;
use LyncTest::Scene;

our $Rest = <<'END';
    sip_domain         contoso.com;
    http_autodiscover  on;
    %%CERTIFICATE%%
END

our $Deployment = <<"END";
$Rest
    %%TRUSTED_CA%%
    %%POOL%%
    simple_url  meet  https://meet.contoso.com;
    office_web_apps wacext.contoso.com {
        server            127.0.0.14;
        certificate_name  wac.contoso.local;
        listening_ports   https=%%PORT_443%%;
    }
    exchange mail.contoso.com {
        server            127.0.0.15;
        certificate_name  mail.contoso.local;
        listening_ports   https=%%PORT_443%%;
    }
END

# A server that presents another certificate than the pool's.
sub impostor {
    my ($certificate) = @_;
    return server(port => port('OWN'), tls => $certificate, sub {
        my ($connection, $report) = @_;
        $report->($connection->message->{first});
        $connection->write("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nimpostor");
    });
}

our $Impostor = <<"END";
$Rest
    %%TRUSTED_CA%%
    %%OWN_POOL%%
END

scene "whoever isn't the pool gets no request", publication => $Impostor, sub {
    my %why = (
        'wrong-name'          => qr/upstream SSL certificate does not match "fepool\.contoso\.local"/,
        'fepool2.fabrikam.local' => qr/upstream SSL certificate does not match "fepool\.contoso\.local"/,
        'untrusted'           => qr/upstream SSL certificate verify error: \(21:/,
        'fepool-expired'      => qr/upstream SSL certificate verify error: \(10:certificate has expired\)/,
        'public'              => qr/upstream SSL certificate verify error: \(21:/,
    );
    for my $certificate (sort keys %why) {
        my $before = () = log_lines($why{$certificate});
        my $server = impostor($certificate);
        my $answer = client('https://lyncwebext.contoso.com')
            ->ask('GET /abs/handler', Authorization => 'NTLM TlRMTVNTUAAB')->answer;
        is_deeply([$answer->{status}, $answer->all('Retry-After')], [503, 30],
            "$certificate: refused");
        is($server->report(0.2), undef, "$certificate: it doesn't see the request");
        cmp_ok(scalar(my @now = log_lines($why{$certificate})), '>', $before, "$certificate: the log says why");
        $server->stop;
    }
};

scene 'backend_verify off',
    publication => "$Rest
    backend_verify off;
    %%OWN_POOL%%
", sub {
    my $server = impostor('untrusted');
    my $answer = client('https://lyncwebext.contoso.com')->ask('GET /abs/handler')->answer;
    is("$answer->{status} $answer->{body}", '200 impostor', 'backend_verify off: anybody may answer');
};

# Which connection of the server's a request came on, and the how-manieth there.
sub connection {
    my ($answer) = @_;
    return $answer->one('X-Connection') =~ /^(\d+)-(\d+)$/;
}

# Three clients in turn, each with a credential that holds for its whole connection.
scene 'a connection that a credential went over serves no other client', sub {
    for my $url ('https://lyncwebext.contoso.com/abs/handler', 'https://meet.contoso.com/alice',
        'https://mail.contoso.com/ews/exchange.asmx', 'https://lyncdiscover.contoso.com/')
    {
        my ($path) = $url =~ m{^https://[^/]+(/.*)};
        my %used;
        my @clients = map { client($url) } 1 .. 3;
        for my $client (@clients, @clients) {
            my ($connection, $count) = connection($client
                ->ask("GET $path", Authorization => 'NTLM TlRMTVNTUAADAAAA')->answer);
            push @{ $used{$connection} }, $client;
        }
        # And three more without one, who must not get in there either.
        for my $client (map { client($url) } 1 .. 3) {
            my ($connection) = connection($client->ask("GET $path")->answer);
            push @{ $used{$connection} }, $client;
        }
        my @owned = map { my $client = $_; [grep { grep { $_ == $client } @{ $used{$_} } } keys %used] }
            @clients;
        is(scalar(grep { @$_ != 1 } @owned), 0, "$url: each client stays on one connection");
        my @shared = grep {
            my %seen = map { $_ => 1 } @{ $used{ $_->[0] } };
            keys %seen > 1;
        } @owned;
        is(scalar @shared, 0, "$url: where nobody else comes");
    }
};

# Enough requests for each worker to have had two.
scene 'where none comes, connections are kept', sub {
    for my $url ('https://wacext.contoso.com/m/x', 'http://lyncdiscover.contoso.com/') {
        my ($path) = $url =~ m{^https?://[^/]+(/.*)};
        my $most = 0;
        for (1 .. 12) {
            my (undef, $count) = connection(client($url)->ask("GET $path")->answer);
            $most = $count if $count > $most;
        }
        cmp_ok($most, '>', 1, "$url: connections are kept for whoever comes next");
    }
};

# A server that closes after each answer: the next connection resumes the TLS session of the last.
scene 'TLS sessions with servers are resumed', stand_in => 'keepalive_timeout 0;', sub {
    my $client = client('https://lyncwebext.contoso.com');
    my @reused = map {
        $client->ask('GET /abs/handler')->answer->{body} =~ /^Session reused: (\S)/m ? $1 : '?';
    } 1 .. 3;
    is("@reused[1, 2]", 'r r', 'sessions with a server are resumed') or diag("@reused");
};

run_suite();

__DATA__

=== the pool's name is asked for and verified
--- request eval
["GET https://lyncwebext.contoso.com/abs/handler", "GET https://meet.contoso.com/alice",
 "GET https://wacext.contoso.com/m/x", "GET https://mail.contoso.com/ews/exchange.asmx"]
--- response_body_like eval
[(qr/^SNI: fepool\.contoso\.local$/m) x 2, qr/^SNI: wac\.contoso\.local$/m,
 qr/^SNI: mail\.contoso\.local$/m]

=== TLS 1.3 where the server has it
--- stand_in
    ssl_protocols TLSv1.3;
--- request
GET https://lyncwebext.contoso.com/abs/handler
--- response_body_like: \nTLS: TLSv1\.3\n

=== TLS 1.2 where it hasn't
--- stand_in
    ssl_protocols TLSv1.2;
--- request
GET https://lyncwebext.contoso.com/abs/handler
--- response_body_like: \nTLS: TLSv1\.2\n

=== nothing older, whatever http level says
--- http_config eval
"   proxy_ssl_protocols TLSv1 TLSv1.1;
    proxy_ssl_ciphers   ALL:\@SECLEVEL=0;
    lync_publish contoso {
        %%SOCKETS%%
$::Deployment
    }
"
--- stand_in
    ssl_protocols TLSv1.1;
    ssl_ciphers   ALL:@SECLEVEL=0;
--- request
GET https://lyncwebext.contoso.com/abs/handler
--- error_code: 503
--- no_error_log
[alert]

=== a farm's published name is expected on its certificate, unless certificate_name says otherwise
--- publication eval
"$::Rest
    %%TRUSTED_CA%%
    %%POOL%%
    office_web_apps wacext.contoso.com {
        server           127.0.0.14;
        listening_ports  https=%%PORT_443%%;
    }
"
--- request
GET https://wacext.contoso.com/m/x
--- error_code: 503
--- error_log
upstream SSL certificate does not match "wacext.contoso.com"

=== another CA
--- publication eval
"$::Rest
    trusted_ca %%PKI%%/other-ca.pem;
    %%POOL%%
"
--- request
GET https://lyncwebext.contoso.com/abs/handler
--- error_code: 503
--- error_log
upstream SSL certificate verify error: (21:unable to verify the first certificate)
