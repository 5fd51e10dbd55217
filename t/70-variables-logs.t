# $lync_publication, $lync_role, $lync_pool, $lync_service, $lync_verdict, and the log formats lync
# and lync_json made of them.

use LyncTest;
use LyncTest::Scene qw(:DEFAULT logged);

use JSON::PP ();

# An access log with this format, of every request but the block's own.
sub logs {
    my ($format) = @_;
    return <<"END";
    log_format plain '\$lync_publication|\$lync_role|\$lync_pool|\$lync_service|\$lync_verdict|\$status';
    map \$server_port \$ours { %%PORT_HTTP%% 1; %%PORT_HTTPS%% 1; }
    access_log %%SERVROOT%%/logs/lync.log $format if=\$ours %%LATE%%;
END
}

# Sends one request and returns its line of the log, which nginx writes after the answer.
sub line_of {
    my ($url, $line, @headers) = @_;
    my $before = () = logged(lync => 0);
    my $client = client($url);
    $client->ask($line, @headers, Connection => 'close');
    $client->is_closed;
    $client->close;
    return (logged(lync => $before + 1))[-1];
}

scene 'the variables', before => logs('plain'), sub {
    my %expected = (
        'https://lyncwebext.contoso.com/abs/handler'            => 'pool|fepool.contoso.local|abs|pass|200',
        'https://lyncwebext.contoso.com/web%74icket/webticketservice.svc' => 'pool|fepool.contoso.local|webticket|pass|200',
        'https://lyncdiscover.contoso.com/?sipuri=a@contoso.com' => 'director|dirpool.contoso.local|autodiscover|pass|200',
        'http://lyncdiscover.contoso.com/'                      => 'director|dirpool.contoso.local|autodiscover|pass|200',
        'https://meet.contoso.com/alice/1'                      => 'director|dirpool.contoso.local|meet|pass|200',
        'https://lync.contoso.com/meet/alice/1'                 => 'director|dirpool.contoso.local|meet|pass|200',
        'https://wacext.contoso.com/m/x'                        => 'office_web_apps|wacext.contoso.com|office_web_apps|pass|200',
        'https://mail.contoso.com/ews/exchange.asmx'            => 'exchange|mail.contoso.com|ews|pass|200',
        'https://mail.contoso.com/autodiscover/x'               => 'exchange|mail.contoso.com|exchange_autodiscover|pass|200',
        'http://meet.contoso.com/alice/1'                       => '-|-|unknown|redirect|301',
        'https://lync.contoso.com/Admin'                        => 'director|dirpool.contoso.local|control_panel|refuse:admin|404',
        'https://lyncwebext.contoso.com/cscp/'                  => 'pool|fepool.contoso.local|control_panel|refuse:admin|404',
        'https://lyncwebext.contoso.com/nothing'                => 'pool|fepool.contoso.local|unknown|refuse:path|404',
        'https://mail.contoso.com/ecp/'                         => 'exchange|mail.contoso.com|exchange_admin|refuse:admin|404',
    );
    for my $url (sort keys %expected) {
        my ($origin, $path) = $url =~ m{^(https?://[^/]+)(/.*)};
        my $want = $expected{$url};
        my $got = line_of($origin, "GET $path") // 'nothing';
        $got =~ s/^contoso\|// or fail("$url: publication");
        # Whose a host is where nothing travels is of no importance.
        s/^[^|]*\|[^|]*\|/*|*|/ for $want =~ /\|(?:redirect|refuse)/ ? ($got, $want) : ();
        is($got, $want, $url);
    }
    like(line_of('https://lyncwebext.contoso.com', 'DELETE /abs/handler'), qr/\|abs\|refuse:method\|/,
        'a method the service has no use for');
};

# A foreign server has none of them.
scene 'in a server that is none of ours',
    before => logs('plain'), after => <<'END', sub {
    server {
        listen  127.0.0.1:%%PORT_ELSE%%;
        return  200 '[$lync_publication][$lync_role][$lync_pool][$lync_service][$lync_verdict]';
    }
END
    is(client('http://www.contoso.com:' . port('ELSE'))->ask('GET /')->answer->{body},
        '[][][][][]', 'elsewhere they are empty');
};

scene 'log format lync', before => logs('lync'), sub {
    my $line = line_of('https://lyncwebext.contoso.com', 'GET /abs/handler?secret=1',
        'User-Agent' => 'OC/16.0 (Lync "2013")');
    like($line, qr{^127\.0\.0\.1 \[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [-+]\d{4}\] contoso/abs pass }, 'who, when, what');
    like($line, qr{ "GET https://lyncwebext\.contoso\.com/abs/handler" 200 \d+ \d+\.\d{3} }, 'the request');
    like($line, qr{ pool=fepool\.contoso\.local server=127\.0\.0\.11:\d+ server_status=200 server_time=\d+\.\d{3} },
        'where it went');
    unlike($line, qr/secret/, 'queries, which hold addresses of people, are left out');

    $line = line_of('https://lyncwebext.contoso.com', 'GET /cscp');
    like($line, qr{ contoso/control_panel refuse:admin "GET https://lyncwebext\.contoso\.com/cscp" 404 },
        'a refusal');
    like($line, qr{ server=- }, 'went nowhere');
};

scene 'log format lync_json', before => logs('lync_json'), sub {
    my $decode = JSON::PP->new->utf8;
    my %of = (
        'ordinary'  => ['/abs/handler', 'UCCAPI/16.0'],
        'quotes'    => ['/abs/%22,%22x%22:%22', 'a "quoted" \\ agent'],
        'control'   => ['/abs/%01%0a%7f', "tab\there"],
        'unicode'   => ['/abs/b%C3%BCro', "b\xc3\xbcro"],
        'no utf-8'  => ['/abs/%FF%C3%BC%C3', "x\xff\xed\xa0\x80"],
    );
    for my $kind (sort keys %of) {
        my ($path, $agent) = @{ $of{$kind} };
        my $line = line_of('https://lyncwebext.contoso.com', "GET $path", 'User-Agent' => $agent);
        my $entry = eval { $decode->decode($line) };
        ok($entry, "$kind: a line of JSON") or diag("$@\n$line");
        next if !$entry;
        is($entry->{publication}, 'contoso', "$kind: publication");
        is($entry->{host}, 'lyncwebext.contoso.com', "$kind: host");
        is($entry->{user_agent}, $kind eq 'unicode' ? "b\x{fc}ro"
            : $kind eq 'no utf-8' ? 'x' . "\x{fffd}" x 4 : $agent, "$kind: user_agent");
        is($entry->{path}, "/abs/\x{fffd}\x{fc}\x{fffd}", "$kind: path") if $kind eq 'no utf-8';
    }

    # A name that isn't UTF-8 in a client's own bytes.
    my $odd = eval { $decode->decode(line_of("http://b\xfcro.example", 'GET /')) };
    # Newer nginx (1.30) refuses it before it is a host: then it is the server's own.
    is($odd->{host}, $odd->{status} eq '400' ? '_lync_publish' : "b\x{fffd}ro.example", 'host');
    my $before = () = logged(lync => 0);
    my $client = client('http://lyncwebext.contoso.com');
    $client->write("GET / HTTP/1.0\r\n\r\n");
    $client->is_closed;
    my $none = $decode->decode((logged(lync => $before + 1))[-1]);
    is($none->{host}, '_lync_publish', 'no host');

    my $line = line_of('https://lyncwebext.contoso.com', 'GET /abs/handler?token=secret-query',
        Authorization => 'Bearer secret-token', Cookie => 'MS-WSMAN=secret-cookie');
    my $entry = $decode->decode($line);
    my %want = (
        publication => 'contoso', service => 'abs', verdict => 'pass', role => 'pool',
        pool => 'fepool.contoso.local', client => '127.0.0.1', method => 'GET', scheme => 'https',
        path => '/abs/handler', status => '200', server_status => '200', owned_connection => '', query => '',
    );
    is($entry->{$_}, $want{$_}, "$_ is \"$want{$_}\"") for sort keys %want;
    like($entry->{time}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[-+]\d\d:\d\d$/, 'time');
    like($entry->{server}, qr/^127\.0\.0\.11:\d+$/, 'server');
    like($entry->{$_}, qr/^\d+\.\d{3}$/, $_) for qw(time_total server_connect_time server_header_time server_time);
    unlike($line, qr/secret/, 'nothing of a credential or a query');

    $entry = $decode->decode(line_of('https://lyncwebext.contoso.com', 'GET /cscp'));
    is("$entry->{verdict} $entry->{status}", 'refuse:admin 404', 'a refusal');
    $entry = $decode->decode(line_of('http://meet.contoso.com', 'GET /alice'));
    is("$entry->{verdict} $entry->{status} $entry->{scheme}", 'redirect 301 http', 'a redirect');
    $entry = $decode->decode(line_of('http://www.example', 'GET /'));
    is("$entry->{verdict} $entry->{host}", 'refuse:unknown_host www.example', 'a name nobody publishes');
};

run_suite(publication => <<'END');
    http_autodiscover  on;
%%ENTERPRISE%%
    simple_url  meet   https://lync.contoso.com/Meet;
    simple_url  dialin https://lync.contoso.com/Dialin pool=fepool.contoso.local;
    simple_url  admin  https://lync.contoso.com/Admin;
END

__DATA__

=== the formats and variables are there without a publication
--- http_config
    access_log %%SERVROOT%%/logs/a.log lync %%LATE%%;
    access_log %%SERVROOT%%/logs/b.log lync_json %%LATE%%;
--- config
    location = /x { return 200 "[$lync_verdict]"; }
--- request
GET /x
--- response_body chomp
[]

=== and with several
--- before eval: main::logs('lync_json')
--- publication: %%STANDARD%%
--- after eval: main::word('FABRIKAM') =~ s{(?=%%POOL2)}{server_include %%SERVROOT%%/html/header.conf;\n}r
--- user_files
>>> header.conf
add_header X-Lync "$lync_publication $lync_role $lync_pool $lync_service $lync_verdict" always;
--- asks
GET https://lyncwebext.fabrikam.com/abs/handler -> external | X-Lync: fabrikam pool fepool2.fabrikam.local abs pass
