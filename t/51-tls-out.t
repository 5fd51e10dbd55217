# TLS towards the servers: verified against trusted_ca under the pool's name, SNI sent, sessions
# resumed; and connections that are kept for whoever comes next.

use LyncTest;
use LyncTest::Scene;

# A server that presents another certificate than the pool's.
sub impostor {
    my ($certificate) = @_;
    return server(port => port('OWN'), tls => $certificate, sub {
        my ($connection, $report) = @_;
        $report->($connection->message->{first});
        $connection->write(http_answer('impostor'));
    });
}

scene "whoever isn't the pool gets no request", publication => '%%OWN%%', sub {
    my %why = (
        'wrong-name'          => qr/upstream SSL certificate does not match "fepool\.contoso\.local"/,
        'fepool2.fabrikam.local' => qr/upstream SSL certificate does not match "fepool\.contoso\.local"/,
        'untrusted'           => qr/upstream SSL certificate verify error: \(21:/,
        'fepool-expired'      => qr/upstream SSL certificate verify error: \(10:certificate has expired\)/,
        'public'              => qr/upstream SSL certificate verify error: \(19:/,
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
    publication => word('OWN') =~ s/%%TRUSTED_CA%%/backend_verify off;/r, sub {
    my $server = impostor('untrusted');
    my $answer = client('https://lyncwebext.contoso.com')->ask('GET /abs/handler')->answer;
    is("$answer->{status} $answer->{body}", '200 impostor', 'backend_verify off: anybody may answer');
};

# Which connection of the server's a request came on, and the how-manieth there.
sub connection {
    my ($answer) = @_;
    return $answer->one('X-Connection') =~ /^(\d+)-(\d+)$/;
}

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

run_suite(publication => '%%STANDARD%% %%OFFICE_WEB_APPS%% %%EXCHANGE%% http_autodiscover on;');

__DATA__

=== the pool's name is asked for and verified
--- asks
GET https://lyncwebext.contoso.com/abs/handler      -> external | SNI: fepool.contoso.local
GET https://meet.contoso.com/alice                  -> external | SNI: fepool.contoso.local
GET https://wacext.contoso.com/m/x                  -> office_web_apps | SNI: wac.contoso.local
POST https://mail.contoso.com/ews/exchange.asmx     -> exchange | SNI: mail.contoso.local

=== TLS 1.3 where the server has it
--- stand_in: ssl_protocols TLSv1.3;
--- asks
GET https://lyncwebext.contoso.com/abs/handler -> external | TLS: TLSv1.3

=== TLS 1.2 where it hasn't
--- stand_in: ssl_protocols TLSv1.2;
--- asks
GET https://lyncwebext.contoso.com/abs/handler -> external | TLS: TLSv1.2

=== nothing older, whatever http level says
--- before
proxy_ssl_protocols TLSv1 TLSv1.1;
proxy_ssl_ciphers   ALL:@SECLEVEL=0;
--- stand_in
    ssl_protocols TLSv1.1;
    ssl_ciphers   ALL:@SECLEVEL=0;
--- asks
GET https://lyncwebext.contoso.com/abs/handler -> 503

=== a farm's published name is expected on its certificate, unless certificate_name says otherwise
--- publication eval: "%%STANDARD%%" . main::word('OFFICE_WEB_APPS') =~ s/certificate_name \S+//r
--- asks
GET https://wacext.contoso.com/m/x -> 503
--- error_log
upstream SSL certificate does not match "wacext.contoso.com"

=== another CA
--- publication eval: main::word('STANDARD') =~ s/%%TRUSTED_CA%%/trusted_ca %%PKI%%\/other-ca.pem;/r
--- asks
GET https://lyncwebext.contoso.com/abs/handler -> 503
--- error_log
upstream SSL certificate verify error: (21:unable to verify the first certificate)
