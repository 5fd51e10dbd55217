# path_policy, allow_path and deny_path: what reaches a server, what the client
# gets, and what is logged. Breadth is in t/unit/policy_*_test.cpp and in
# t/34-differential.t.

use LyncTest;
use LyncTest::Scene qw(:DEFAULT logged);

my $hosts = <<'END';
%%STANDARD%%
    simple_url  admin  https://admin.contoso.com;
    simple_url  admin  https://lync.contoso.com/Admin;
END

# Sends the requests, on as few connections as they allow, and holds the access log against what is
# expected: "GET /path" => "status service verdict". What doesn't pass shows no server.
sub judged {
    my ($origin, %expected) = @_;
    my $before = () = logged(lync => 0);
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
    my @lines = logged(lync => $before + keys %expected);
    my %seen = map { m{^(.*) HTTP/1\.1\|(\d+)\|([^|]*)\|(.*)$} ? ($1 => "$2 $3 $4") : () }
        @lines[$before .. $#lines];
    is_deeply(\%seen, \%expected, "$origin: status, service, verdict");
    is(join("\n", @leaks), '', "$origin: what passes arrives as it was written, nothing else does");
}

# Closed under both policies. On every host and in all spellings: t/34-differential.t and the units.
my %never = (
    'GET /%63scp/'                            => '404 control_panel refuse:admin',
    'POST /powershell'                        => '404 powershell refuse:admin',
    'GET /abs/Int/handler'                    => '404 internal_twin refuse:internal',
    'GET /lwa/web.config'                     => '404 server_files refuse:internal',
    'GET /LWA/ap%33f2c%7e1/'                  => '404 server_files refuse:internal',
    'GET /Admin/x'                            => '404 control_panel refuse:admin',
);

scene 'strict publishes what the product declares external', sub {
    judged('https://lyncwebext.contoso.com', %never,
        'GET /abs/handler'                          => '200 abs pass',
        'GET /ucwa/v1/a/people/jdoe@contoso.com:x'  => '200 ucwa pass',
        'DELETE /ucwa/v1/applications/101'          => '200 ucwa pass',
        'HEAD /abs/handler'                         => '200 abs pass',
        'DELETE /abs/handler'                       => '404 abs refuse:method',
        'get /abs/handler'                          => '400 unknown refuse:method',
        'GET /'                                     => '404 unknown refuse:path',
        'GET /passiveauth/x'                        => '404 passiveauth refuse:path',
        'GET /abs/x%2f..%2f..%2fucwa'               => '404 unknown refuse:ambiguous_path',
        'GET /abs/%c0%af'                           => '404 unknown refuse:ambiguous_path',
    );
    judged('https://meet.contoso.com',
        'GET /alice/1234'    => '200 meet pass',
        'GET /passiveauth/x' => '404 passiveauth refuse:path',
    );
    judged('https://admin.contoso.com', map { $_ => '404 control_panel refuse:admin' } 'GET /', 'GET /meet/x', 'POST /anything');
};

scene 'vendor publishes everything but the never-list', more => 'path_policy vendor;', sub {
    judged('https://lyncwebext.contoso.com', %never,
        'GET /abs/handler'          => '200 abs pass',
        'DELETE /abs/handler'       => '200 abs pass',
        'GET /'                     => '200 unknown pass',
        'GET /nothing'              => '200 unknown pass',
        'GET /passiveauth/x'        => '200 passiveauth pass',
        'GET /abs/%c0%af'           => '404 unknown refuse:ambiguous_path',
    );
};

scene 'allow_path', more => 'allow_path /passiveauth /LocationInformation/; allow_path /private/app;', sub {
    judged('https://lyncwebext.contoso.com',
        'GET /passiveauth/x'    => '200 passiveauth pass',
        'DELETE /passiveauth'   => '404 passiveauth refuse:method',
        'GET /locationinformation'  => '200 location_information pass',
        'PATCH /private/app/x'  => '200 unknown pass',
        'GET /private'          => '404 unknown refuse:path',
        'GET /private/app/bin'  => '404 server_files refuse:internal',
    );
};

scene 'deny_path wins over allow_path and vendor',
    more => 'path_policy vendor; deny_path /Scheduler /ucwa/v1/private; allow_path /scheduler/open;', sub {
    judged('https://lyncwebext.contoso.com',
        'GET /scheduler'          => '404 scheduler refuse:denied',
        'GET /scheduler/open'     => '404 scheduler refuse:denied',
        'GET /%73cheduler'        => '404 scheduler refuse:denied',
        'GET /ucwa/v1/private/x'  => '404 ucwa refuse:denied',
    );
};

# An answer reveals nothing: closed and absent look the same.
scene 'a refusal reveals nothing to the client', sub {
    my %answers;
    for my $path (qw(/cscp /nothing /passiveauth /abs/web.config /abs/%c0%af)) {
        my $answer = client('https://lyncwebext.contoso.com')->ask("GET $path")->answer;
        my @names = map { lc $_->[0] } grep { $_->[0] ne 'Date' } @{ $answer->{headers} };
        $answers{"$answer->{first}|@names|$answer->{body}"}++;
    }
    is(keys %answers, 1, 'all refusals are the same bytes') or diag(join "\n", keys %answers);
    unlike((keys %answers)[0], qr/lync|policy|admin|refuse|path/i, 'and give no reason');
};

# The error log has one line for each kind and second, with the remedy where there is one.
scene 'a refusal is logged with its reason, once for each kind and second', sub {
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
    my %logged;
    my $seconds = 0;
    my %second;
    for my $line (log_lines(qr/\[error\].*refused: /)) {
        my ($at, $pid, $kind) = $line =~ /^\S+ (\S+) \[error\] (\d+)#.*refused: (\w+)/;
        $logged{$kind}{"$at $pid"}++;
    }
    is_deeply([sort keys %logged], [qw(admin ambiguous_path internal path)], 'each kind is logged');
    is(join(' ', map { my $k = $_; map { "$k $_" } grep { $logged{$k}{$_} > 1 } keys %{ $logged{$k} } } keys %logged),
        '', 'once in a second');
    my ($line) = log_lines(qr/refused: path/);
    like($line // '', qr/lync_publish "contoso" refused: path, "allow_path \/passiveauth" would publish it,/,
        'with the remedy');
    like($line // '', qr/client: 127\.0\.0\.1.*request: "GET \/passiveauth\/x HTTP\/1\.1"/, 'and the request');
    ($line) = log_lines(qr/refused: admin/);
    unlike($line // '', qr/allow_path/, 'where there is no remedy, none is logged');
};

run_suite(
    before => <<'END', publication => $hosts);
log_format verdict '$request|$status|$lync_service|$lync_verdict';
access_log %%SERVROOT%%/logs/lync.log verdict if=$lync_publication %%LATE%%;
END
