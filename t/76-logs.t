# Logs: whose connection lync_json shows, what stands in no log, and that docs/logs.md knows every line.
# Its other fields are in t/70-variables-logs.t.

use LyncTest;
use LyncTest::Scene qw(:DEFAULT logged);

use JSON::PP ();

# The entry of the request to a path.
sub entry {
    my ($path, $number) = (@_, 1);
    return JSON::PP->new->decode((logged(json => $number, qr/"path":"\Q$path\E"/))[$number - 1]);
}

# Whose connection a request travelled on.
scene 'owned connections', sub {
    my $own = pool2_server(sub {
        my ($connection) = @_;
        my $requests = 0;
        while (my $request = eval { $connection->message }) {
            my $first = !$requests++ && ($request->one('Authorization') // '') ne '';
            $connection->write($first
                ? "HTTP/1.1 401 X\r\nWWW-Authenticate: NTLM TlRMTVNTUAAC\r\nContent-Length: 0\r\n\r\n"
                : "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        }
    });
    my $client = client('https://lyncwebext.fabrikam.com');
    is($client->ask('GET /abs/one', Authorization => 'NTLM TlRMTVNTUAAB')->answer->{status}, 401, 'a handshake');
    is($client->ask('GET /abs/two', Authorization => 'NTLM TlRMTVNTUAAD')->answer->{status}, 200, 'goes on');
    is($client->ask('GET /abs/three')->answer->{status}, 200, 'and the next request');
    my ($one, $two, $three) = map { entry("/abs/$_") } qw(one two three);
    like($one->{owned_connection}, qr/^[1-9]\d*$/, 'the connection has a number');
    is($two->{owned_connection}, $one->{owned_connection}, 'which stays the same');
    is($three->{owned_connection}, $one->{owned_connection}, 'as long as it is the client\'s');
    unlike($_, qr/TlRMTVNT/, 'no token is logged') for logged(json => 3);
    client('https://lyncwebext.contoso.com')->ask('GET /abs/other')->answer;
    is(entry('/abs/other')->{owned_connection}, '', 'another client has none');
};

my $sip = 'sipuri=alice@contoso.com';

# People's addresses stand in no log, unless one wants them.
sub discover {
    my ($shown) = @_;
    is(client('https://lyncdiscover.contoso.com')->ask("GET /?$sip")->answer->{status}, 200, 'autodiscover');
    is(entry('/')->{query}, $shown ? $sip : '', 'its query in lync_json');

    # A server that can't be reached: nginx's own words about the request and where it went.
    is(client('https://mail.contoso.com')->ask("GET /autodiscover/autodiscover.xml?$sip")->answer->{status}, 503, 'of Exchange');
    is(entry('/autodiscover/autodiscover.xml')->{query}, $shown ? $sip : '', 'its query in lync_json');
    my ($line) = log_lines(qr/connect\(\) failed/);
    like($line, qr{request: "GET /autodiscover/autodiscover\.xml}, 'the error log has the request');
    like($line, qr{upstream: "https://127\.0\.0\.15:\d+/autodiscover/autodiscover\.xml}, 'and the server');
    $shown ? like($line, qr/\Q$sip\E/, 'with the query') : unlike($line, qr/alice/, 'without the query');

    # Other services have queries, but not on their way into the log format.
    client('https://lyncwebext.contoso.com')->ask('GET /abs/handler?x=1')->answer;
    is(entry('/abs/handler')->{query}, '', 'queries of other services stand in no entry');

    # In what refers to a request, and on the way to names and paths that nobody publishes.
    my $page = "https://lyncdiscover.contoso.com/?$sip";
    client('https://mail.contoso.com')->ask('GET /autodiscover/autodiscover.json', Referer => $page)->answer;
    client('https://mail.contoso.com')->ask('GET /ews/referred?access_token=alice', Referer => $page)->answer;
    client('https://lyncdiscover.contoso.com')->ask("GET /nothing?$sip")->answer;
    client('https://lyncdiscover.example.com')->ask("GET /?$sip")->is_closed;
    ($line) = log_lines(qr/refused: path/);
    like($line, qr{"GET /nothing"}, 'a path that nobody publishes');
    ok(wait_until { ($line) = log_lines(qr/refused: unknown_host/) }, 'a name that nobody publishes');
    like($line, qr{"GET /"}, 'is logged');
    ok(wait_until { ($line) = log_lines(qr{"GET /ews/referred".* referrer: "https://lyncdiscover}) },
        'the query of another service may be a credential') or diag(log_lines(qr/referred/));

    # A subrequest's server has a query of its own, and this request none.
    client('https://lyncwebext.contoso.com')->ask('GET /page')->answer;
    ok(wait_until { ($line) = log_lines(qr/subrequest: "\/inner".* upstream: "http:\/\/127\.0\.0\.1:\d+\/x"/) },
        'nor is that of a subrequest') or diag(log_lines(qr/subrequest/));

    # nginx refuses a body that is too large before it asks the rules.
    is(client('https://lyncdiscover.contoso.com')->ask("POST /?$sip", 'Content-Length' => 99_999_999_999)->answer->{status},
        413, 'a body that is too large');
    ($line) = log_lines(qr/client intended to send too large body/);
    like($line, qr{"POST /"}, 'is logged');

    logged(json => 1, qr/"status":"?413/);
    my @said = grep { /alice/ } log_lines(qr/./), logged(json => 0);
    is(scalar @said, 0, 'the address stands nowhere') or diag(@said) if !$shown;
    is(scalar(grep { /access_token/ } log_lines(qr/./), logged(json => 0)), 0, 'nor does a token');
}
my @included = (included => <<'END');
location = /page  { ssi on; default_type text/html; return 200 '<!--# include virtual="/inner" -->'; }
location = /inner { internal; proxy_pass http://127.0.0.1:%%PORT_NOBODY%%/x?access_token=inner; }
END
scene "people's addresses, by default", @included, sub { discover(0) };
scene 'log_sip_uri off', more => 'log_sip_uri off;', @included, sub { discover(0) };
scene 'log_sip_uri on', more => 'log_sip_uri on;', @included, sub { discover(1) };

# docs/logs.md lists every line that the module can write.
scene 'the documentation', sub {
    my $doc = slurp("$LyncTest::Paths::SOURCE/docs/logs.md");
    $doc =~ s/\s+/ /g;
    my ($known, $formatted) = (0, 0);
    for my $file (glob "$LyncTest::Paths::SOURCE/src/nginx/{*,*/*}.{cpp,h}") {
        my $source = slurp($file);
        while ($source =~ /(?:ngx_log_error|log_at)\(\s*([^,"]+),([^"]*?),\s*((?:"(?:[^"\\]|\\.)*"\s*)+)/g) {
            # A refused configuration is reported on the spot, with its remedy.
            next if $1 eq 'NGX_LOG_EMERG' && $2 =~ /\bcf\b/;
            my $text = join '', $3 =~ /"((?:[^"\\]|\\.)*)"/g;
            $text =~ s/\\"/"/g;
            # The longest part without values.
            my ($part) = sort { length $b <=> length $a } split /%(?:\*s|[uzLV]*[a-zA-Z])/, $text;
            next if length($part // '') < 6;
            $part =~ s/^[ ,"]+|[ ,"]+$//g;
            $known++;
            ok(index($doc, $part) >= 0, "docs/logs.md has: $part");
        }
        # Those that {fmt} puts together first.
        while ($source =~ /formatted\(\s*((?:"(?:[^"\\]|\\.)*"\s*)+)/g) {
            my $text = join '', $1 =~ /"((?:[^"\\]|\\.)*)"/g;
            next if $text !~ /^lync_/;
            $text =~ s/\\"/"/g;
            for my $part (grep { length > 8 } split /\{\}/, $text) {
                $part =~ s/^[ ,"]+|[ ,"]+$//g;
                $formatted++;
                ok(index($doc, $part) >= 0, "docs/logs.md has: $part");
            }
        }
    }
    cmp_ok($known, '>', 20, 'lines were found');
    cmp_ok($formatted, '>', 8, 'and those of {fmt}');
};

run_suite(services => 'health_check off;', before => "access_log %%SERVROOT%%/logs/json.log lync_json %%LATE%%;\n", publication => <<'END');
%%STANDARD%%
    %%OWN_POOL2%%
    %%OWN_EXCHANGE%%
END
