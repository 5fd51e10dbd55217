# path_policy, allow_path, deny_path and hide_server_names: what reaches a server, what the client is
# told, and what is told to the administrator. Breadth is in t/unit/policy_*_test.cpp and in
# t/34-differential.t.

use LyncTest;
use LyncTest::Scene;

sub deployment {
    my ($more) = @_;
    return <<"END";
    log_format verdict '\$request|\$status|\$lync_service|\$lync_verdict';
    access_log %%SERVROOT%%/logs/lync.log verdict;
    lync_publish contoso {
        %%SOCKETS%%
        sip_domain  contoso.com;
        %%CERTIFICATE%%
        %%TRUSTED_CA%%
        %%POOL%%
        simple_url  meet   https://meet.contoso.com;
        simple_url  admin  https://admin.contoso.com;
        simple_url  meet   https://lync.contoso.com/Meet;
        simple_url  admin  https://lync.contoso.com/Admin;
        $more
    }
END
}
our $Strict = deployment('');
our $Vendor = deployment('path_policy vendor;');
our $Allow  = deployment('allow_path /passiveauth /Mcx/; allow_path /private/app;');
our $Deny   = deployment('path_policy vendor; deny_path /Scheduler /ucwa/v1/private;'
                       . ' allow_path /scheduler/open;');
our $Hide   = deployment('hide_server_names on;');

# Sends the requests, on as few connections as they allow, and holds the access log against what is
# expected: "GET /path" => "status service verdict". What doesn't pass shows no server.
sub judged {
    my ($origin, %expected) = @_;
    my $file = "$Test::Nginx::Util::ServRoot/logs/lync.log";
    my $before = () = log_lines(qr/^/, $file);
    my ($client, @leaks);
    for my $line (sort keys %expected) {
        $client //= client($origin);
        $client->ask($line);
        my $answer = $client->answer($line =~ /^HEAD /);
        my $site = $answer->one('X-Site') // 'none';
        my $wanted = $expected{$line} =~ / pass$/ ? 'external' : 'none';
        push @leaks, "$line: site $site" if $site ne $wanted;
        push @leaks, "$line: not byte for byte"
            if $wanted eq 'external' && $line !~ /^HEAD / && index($answer->{body}, "\n$line HTTP/1.1\n") < 0;
        undef $client if lc($answer->one('Connection') // '') eq 'close';
    }
    $client->close if $client;
    my @lines;
    wait_until { @lines = log_lines(qr/^/, $file); @lines >= $before + keys %expected };
    my %seen = map { m{^(.*) HTTP/1\.1\|(\d+)\|([^|]*)\|(.*)$} ? ($1 => "$2 $3 $4") : () }
        @lines[$before .. $#lines];
    is_deeply(\%seen, \%expected, "$origin: status, service, verdict");
    is(join("\n", @leaks), '', "$origin: what passes arrives as it was written, nothing else does");
}

# Closed under both policies, on every host.
my %never = (
    'GET /cscp'                               => '404 control_panel refuse:admin',
    'GET /CsCP/'                              => '404 control_panel refuse:admin',
    'GET /%63scp/'                            => '404 control_panel refuse:admin',
    'GET /macp'                               => '404 control_panel refuse:admin',
    'POST /ocspowershell'                     => '404 powershell refuse:admin',
    'POST /powershell'                        => '404 powershell refuse:admin',
    'GET /rgsconfig'                          => '404 rgs_config refuse:admin',
    'POST /locationinformation/liservice.svc' => '404 location_information refuse:internal',
    'GET /abs/Int/handler'                    => '404 internal_twin refuse:internal',
    'GET /ecp/'                               => '404 exchange_admin refuse:admin',
    'GET /supportconsole'                     => '404 support_console refuse:admin',
    'GET /_vti_bin/shtml.dll'                 => '404 server_files refuse:internal',
    'GET /lwa/web.config'                     => '404 server_files refuse:internal',
    'GET /lwa/bin/x.dll'                      => '404 server_files refuse:internal',
    'GET /admin'                              => '404 control_panel refuse:admin',
    'GET /Admin/x'                            => '404 control_panel refuse:admin',
);
my @hosts = map { "https://$_" } qw(lyncwebext.contoso.com meet.contoso.com lync.contoso.com
    lyncdiscover.contoso.com);

scene never => sub { judged($_, %never) for @hosts };

scene admin_host => sub {
    judged('https://admin.contoso.com',
        'GET /'          => '404 control_panel refuse:admin',
        'GET /cscp'      => '404 control_panel refuse:admin',
        'GET /meet/x'    => '404 control_panel refuse:admin',
        'POST /anything' => '404 control_panel refuse:admin',
    );
};

scene strict => sub {
    judged('https://lyncwebext.contoso.com',
        'GET /abs/handler'                          => '200 abs pass',
        'GET /ABS/Handler'                          => '200 abs pass',
        'GET /ucwa/v1/a/people/jdoe@contoso.com:x'  => '200 ucwa pass',
        'DELETE /ucwa/v1/applications/101'          => '200 ucwa pass',
        'PUT /ucwa/v1/applications/101'             => '200 ucwa pass',
        'HEAD /abs/handler'                         => '200 abs pass',
        'DELETE /abs/handler'                       => '404 abs refuse:method',
        'POST /abs/handler'                         => '404 abs refuse:method',
        'PROPFIND /ucwa/v1/applications'            => '404 ucwa refuse:method',
        'DEBUG /webticket/webticketservice.svc'     => '404 webticket refuse:method',
        'get /abs/handler'                          => '400 unknown refuse:method',
        'GET /'                                     => '404 unknown refuse:path',
        'GET /nothing'                              => '404 unknown refuse:path',
        'GET /absent'                               => '404 unknown refuse:path',
        'GET /passiveauth/x'                        => '404 passiveauth refuse:path',
        'GET /mcx/x'                                => '404 mcx refuse:path',
        'GET /abs/x%2f..%2f..%2fucwa'               => '404 unknown refuse:ambiguous_path',
        'GET /x;/../abs/handler'                    => '404 unknown refuse:ambiguous_path',
        'GET /abs/%c0%af'                           => '404 unknown refuse:ambiguous_path',
    );
    judged('https://meet.contoso.com',
        'GET /alice/1234'    => '200 meet pass',
        'GET /passiveauth/x' => '404 passiveauth refuse:path',
    );
};

scene vendor => sub {
    judged('https://lyncwebext.contoso.com',
        'GET /abs/handler'          => '200 abs pass',
        'DELETE /abs/handler'       => '200 abs pass',
        'GET /'                     => '200 unknown pass',
        'GET /nothing'              => '200 unknown pass',
        'GET /passiveauth/x'        => '200 passiveauth pass',
        'PROPFIND /nothing'         => '404 unknown refuse:method',
        'GET /abs/%c0%af'           => '404 unknown refuse:ambiguous_path',
    );
};

scene allow => sub {
    judged('https://lyncwebext.contoso.com',
        'GET /passiveauth/x'    => '200 passiveauth pass',
        'GET /PassiveAuth'      => '200 passiveauth pass',
        'DELETE /passiveauth'   => '404 passiveauth refuse:method',
        'GET /mcx'              => '200 mcx pass',
        'GET /mcxyz'            => '404 unknown refuse:path',
        'PATCH /private/app/x'  => '200 unknown pass',
        'GET /private'          => '404 unknown refuse:path',
        'GET /private/app/bin'  => '404 server_files refuse:internal',
        'GET /rgsclients'       => '404 rgs refuse:path',
    );
};

scene deny => sub {
    judged('https://lyncwebext.contoso.com',
        'GET /scheduler'          => '404 scheduler refuse:denied',
        'GET /SCHEDULER/x'        => '404 scheduler refuse:denied',
        'GET /scheduler/open'     => '404 scheduler refuse:denied',
        'GET /%73cheduler'        => '404 scheduler refuse:denied',
        'GET /schedulers'         => '200 unknown pass',
        'GET /ucwa/v1/private/x'  => '404 ucwa refuse:denied',
        'GET /ucwa/v1/public'     => '200 ucwa pass',
    );
};

# An answer tells nothing: closed and absent look the same.
scene no_detail => sub {
    my %answers;
    for my $path (qw(/cscp /nothing /passiveauth /abs/web.config /abs/%c0%af)) {
        my $answer = client('https://lyncwebext.contoso.com')->ask("GET $path")->answer;
        my @names = map { lc $_->[0] } grep { $_->[0] ne 'Date' } @{ $answer->{headers} };
        $answers{"$answer->{first}|@names|$answer->{body}"}++;
    }
    is(keys %answers, 1, 'all refusals are the same bytes') or diag(join "\n", keys %answers);
    unlike((keys %answers)[0], qr/lync|policy|admin|refuse|path/i, 'and tell no reason');
};

# The error log has one line for each kind and second, with the remedy where there is one.
scene told => sub {
    # Begins with a second, so that it doesn't end in the middle.
    sleep 1 - (time - int time) + 0.05;
    for my $n (1 .. 20) {
        my $client = client('https://lyncwebext.contoso.com');
        for my $path (qw(/passiveauth/x /cscp /abs/int /abs/%c0%af)) {
            $client->ask("GET $path");
            $client->answer;
        }
        $client->close;
    }
    my %told;
    my $seconds = 0;
    my %second;
    for my $line (log_lines(qr/\[error\].*refused: /)) {
        my ($at, $pid, $kind) = $line =~ /^\S+ (\S+) \[error\] (\d+)#.*refused: (\w+)/;
        $told{$kind}{"$at $pid"}++;
    }
    is_deeply([sort keys %told], [qw(admin ambiguous_path internal path)], 'each kind is told');
    is(join(' ', map { my $k = $_; map { "$k $_" } grep { $told{$k}{$_} > 1 } keys %{ $told{$k} } } keys %told),
        '', 'once in a second');
    my ($line) = log_lines(qr/refused: path/);
    like($line // '', qr/lync_publish "contoso" refused: path, "allow_path \/passiveauth" would publish it,/,
        'with the remedy');
    like($line // '', qr/client: 127\.0\.0\.1.*request: "GET \/passiveauth\/x HTTP\/1\.1"/, 'and the request');
    ($line) = log_lines(qr/refused: admin/);
    unlike($line // '', qr/allow_path/, 'where there is no remedy, none is told');
};

my $names = "X-MS-Server-Fqdn: FE01.contoso.local\r\nX-Powered-By: ASP.NET\r\n"
    . "X-AspNet-Version: 4.0.30319\r\nServer: Microsoft-IIS/10.0\r\nX-Ms-Correlation-Id: 7\r\n";

sub names_seen {
    my $server = server(port => port('OWN'), tls => 'fepool.contoso.local', sub {
        my ($connection) = @_;
        $connection->message;
        $connection->write("HTTP/1.1 200 OK\r\n${names}Content-Length: 2\r\n\r\nok");
    });
    my $answer = client('https://lyncwebext.contoso.com')->ask('GET /abs/handler')->answer;
    return join '|', map { $answer->one($_) // '-' }
        qw(X-MS-Server-Fqdn X-Powered-By X-AspNet-Version Server X-Ms-Correlation-Id);
}

our ($Shown, $Hidden) = map { s{%%POOL%%}{%%OWN_POOL%%}r } $Strict, $Hide;

scene shown => sub {
    is(names_seen(), 'FE01.contoso.local|ASP.NET|4.0.30319|Microsoft-IIS/10.0|7', 'all of them are there');
};

scene hidden => sub {
    my $seen = names_seen();
    like($seen, qr/^-\|-\|-\|(?:nginx|-)\|7$/, 'the names are gone, nothing else is') or diag($seen);
};

run_suite();

__DATA__

=== TEST 1: strict publishes what the product declares external
--- http_config eval: $::Strict
--- scene: strict



=== TEST 2: vendor publishes everything but the never-list
--- http_config eval: $::Vendor
--- scene: vendor



=== TEST 3: the never-list under strict
--- http_config eval: $::Strict
--- scene: never



=== TEST 4: the never-list under vendor
--- http_config eval: $::Vendor
--- scene: never



=== TEST 5: the admin simple URL's own host, under strict
--- http_config eval: $::Strict
--- scene: admin_host



=== TEST 6: the admin simple URL's own host, under vendor
--- http_config eval: $::Vendor
--- scene: admin_host



=== TEST 7: allow_path
--- http_config eval: $::Allow
--- scene: allow



=== TEST 8: deny_path wins over allow_path and vendor
--- http_config eval: $::Deny
--- scene: deny



=== TEST 9: a refusal tells the client nothing
--- http_config eval: $::Strict
--- scene: no_detail



=== TEST 10: a refusal tells the administrator why, once for each kind and second
--- http_config eval: $::Strict
--- scene: told



=== TEST 11: names of servers pass by default
--- http_config eval: $::Shown
--- scene: shown



=== TEST 12: hide_server_names on
--- http_config eval: $::Hidden
--- scene: hidden
