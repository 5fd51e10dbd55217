# meeting_url_guard: `meeturl` of the web app's first page, in the query and in a form, leads nowhere
# but to a published meet simple URL (CVE-2023-41763). Spellings in their breadth are in
# t/unit/policy_meeting_url_test.cpp; here is what travels, and bodies as they come.

use LyncTest;
use LyncTest::Scene qw(:DEFAULT logged);

use MIME::Base64 qw(encode_base64);

my $page = '/lwa/WebPages/LwaClient.aspx';
my $good = 'https://meet.contoso.com/kenmyer/7322994';
my $evil = 'https://10.137.0.26/x/y';

sub b64 { encode_base64($_[0], '') }
sub percent { join '', map { sprintf '%%%02x', ord } split //, $_[0] }

# One request on a connection of its own: "status", and "arrived" if the pool has seen it as it was.
sub outcome {
    my ($server, $bytes, $line, $body) = @_;
    my $client = client('https://lyncwebext.contoso.com');
    $client->write($_) for ref $bytes ? @$bytes : $bytes;
    my $status = $client->answer->{status};
    $client->close;
    return $status if $status != 200;
    my $seen = $server->report // 'nothing';
    return $seen eq "$line|" . ($body // '') ? "200 arrived" : "200 changed: " . substr $seen, 0, 200;
}

sub get {
    my ($server, $query) = @_;
    my $line = "GET $page?$query HTTP/1.1";
    return outcome($server, "$line\r\nHost: lyncwebext.contoso.com\r\n\r\n", $line);
}

sub post {
    my ($server, $body, %o) = @_;
    my $line = 'POST ' . ($o{page} // $page) . ' HTTP/1.1';
    my $type = $o{type} // 'application/x-www-form-urlencoded';
    my $head = "$line\r\nHost: lyncwebext.contoso.com\r\n" . ($type ? "Content-Type: $type\r\n" : '');
    return outcome($server, [$head, framed($body, $o{chunks})], $line, $body);
}

sub in_the_query {
    my $server = reporting_pool();
    my %passes = (
        'standard alphabet' => 'meeturl=' . b64($good),
        'under a path'      => 'meeturl=' . b64('https://lync.contoso.com/Meet/kenmyer/1'),
        'other parameters'  => 'a=1&meeturl=' . b64($good) . '&legacy=RegionalSettings',
        'no meeturl'        => 'a=' . b64($evil),
    );
    is(get($server, $passes{$_}), '200 arrived', "passes: $_") for sort keys %passes;

    my $guarded = {
        'another host'         => "meeturl=" . b64($evil),
        'the name encoded'     => "%6d%65eturl=" . b64($evil),
        'after a good one'     => 'meeturl=' . b64($good) . '&meeturl=' . b64($evil),
        'a line end'           => 'meeturl=' . b64("https://meet.contoso.com/\r\nX: y"),
        'empty'                => 'meeturl=',
    };
    is(get($server, $guarded->{$_}), 404, "refused: $_") for sort keys %$guarded;
    is($server->report(0.3), undef, 'and nothing of it has travelled');

    is(scalar(logged(lync => scalar(keys %$guarded), qr/\|404\|lwa\|refuse:meeting_url$/)), scalar(keys %$guarded),
        'the verdict is refuse:meeting_url for each');
    ok(log_lines(qr/\[error\].*lync_publish "contoso" refused: meeting_url,/), 'the error log says so');
}

sub in_a_form {
    my $server = reporting_pool();
    my ($pass, $refused) = ('meeturl=' . b64($good) =~ s/\+/%2b/gr, 'a=1&meeturl=' . b64($evil));
    is(post($server, $pass), '200 arrived', 'a published meeting');
    is(post($server, $pass, chunks => 7), '200 arrived', 'in chunks');
    is(post($server, 'a=1&b=2'), '200 arrived', 'none');
    is(post($server, ''), '200 arrived', 'an empty form');
    is(post($server, "a=" . 'x' x 60000), '200 arrived', 'a large form');
    is(post($server, $refused), 404, 'another host');
    is(post($server, $refused, type => 'Application/X-WWW-Form-Urlencoded; charset=utf-8'), 404,
        'with parameters of its type');
    is(post($server, $refused, type => 'text/plain'), 404, 'with another type');
    is(post($server, $refused, type => ''), 404, 'without a type');
    is(post($server, $refused, chunks => 3), 404, 'in chunks');
    is(post($server, $refused, chunks => 1), 404, 'in chunks of a byte');
    is(post($server, percent(percent('meeturl')) . '=' . percent(b64($evil))), 404, 'encoded twice');
    is(post($server, $refused, page => '/%6cwa/WebPages/LwaClient.aspx'), 404,
        'to the page in another spelling');
    is(post($server, 'a=' . ('x' x 30000) . "&meeturl=" . b64($evil)), 404, 'behind a long parameter');
    is(post($server, 'a=' . ('x' x 200000) . "&meeturl=" . b64($good)), 404, 'a form too large to be read');
    my $multipart = "--b\r\nContent-Disposition: form-data; name=\"meeturl\"\r\n\r\n" . b64($good) . "\r\n--b--\r\n";
    is(post($server, $multipart, type => 'multipart/form-data; boundary=b'), 404, 'multipart');
    is(post($server, $multipart, type => 'Multipart/Form-Data; boundary=b', chunks => 9), 404,
        'multipart, in chunks');
    # ASP.NET reads query and form in the charset of Content-Type.
    is(post($server, $pass, type => "application/x-www-form-urlencoded; $_"), 404, $_)
        for 'charset=ibm037', 'Charset = "utf-7"', 'charset=utf-16', 'a=b;charset=', 'charset=utf-8; charset=ibm037';
    is(post($server, $pass, type => "text/plain\r\nContent-Type: text/plain"), 404, 'two types');
    is(post($server, $pass, type => 'application/x-www-form-urlencoded; charset="UTF-8"'), '200 arrived', 'UTF-8');
    is(outcome($server, "GET $page?a=b HTTP/1.1\r\nHost: lyncwebext.contoso.com\r\nContent-Type: x; charset=ibm037\r\n\r\n"),
        404, 'a charset of the query');
    is($server->report(0.3), undef, 'what is refused has not travelled');
    is(post($server, 'meeturl=' . b64($evil), page => '/webticket/webticketservice.svc'), '200 arrived',
        'elsewhere a body is not looked at');
}

for my $policy (qw(strict vendor)) {
    scene "in the query, under $policy", more => "path_policy $policy;", timeout => 30, \&in_the_query;
    scene "in a form, under $policy", more => "path_policy $policy;", timeout => 30, \&in_a_form;
}

# A form of which one byte comes, then the next.
scene 'in a form that comes slowly', sub {
    my $server = reporting_pool();
    for my $url ($good, $evil) {
        my $body = 'meeturl=' . b64($url);
        my $client = client('https://lyncwebext.contoso.com');
        $client->write("POST $page HTTP/1.1\r\nHost: lyncwebext.contoso.com\r\n"
            . "Content-Type: application/x-www-form-urlencoded\r\n"
            . 'Content-Length: ' . length($body) . "\r\n\r\n");
        for my $byte (split //, $body) {
            $client->write($byte);
            select undef, undef, undef, 0.002;
        }
        is($client->answer->{status}, $url eq $good ? 200 : 404, $url);
        is($server->report($url eq $good ? 10 : 0.5), $url eq $good ? "POST $page HTTP/1.1|$body" : undef,
            'travelled');
    }
};

# Two forms on one connection: the first one's verdict is not the second one's.
scene 'in several forms on a connection', sub {
    my $server = reporting_pool();
    my $client = client('https://lyncwebext.contoso.com');
    my @statuses;
    for my $url ($good, $evil, $good) {
        my $body = 'meeturl=' . b64($url);
        $client->ask("POST $page", 'Content-Type' => 'application/x-www-form-urlencoded',
            'Content-Length' => length $body);
        $client->write($body);
        my $answer = $client->answer;
        push @statuses, $answer->{status};
        if (lc($answer->one('Connection') // '') eq 'close') {
            $client = client('https://lyncwebext.contoso.com');
        }
    }
    is("@statuses", '200 404 200', 'each for itself');
};

# What is wrong with a form, or breaks off: each ends with its connection, of which nginx has 64.
scene 'forms that break off leave nothing behind', timeout => 60,
    included => 'location = /connections { stub_status; }', sub {
    my $server = reporting_pool();
    my $head = "POST $page HTTP/1.1\r\nHost: lyncwebext.contoso.com\r\n";
    my $chunked = "${head}Transfer-Encoding: chunked\r\n\r\n";
    my %broken = (
        'no chunk'             => [$chunked, "zz\r\n"],
        'a chunk that is none' => [$chunked, "3\r\na=1\r\n", "zz\r\n"],
        'a chunk broken off'   => [$chunked, "ff\r\na=1"],
        'chunks broken off'    => [$chunked, "3\r\na=1\r\n"],
        'a chunk too large'    => [$chunked, "fffffff\r\n"],
        'nothing yet'          => ["${head}Content-Length: 5\r\n\r\n"],
        'broken off'           => ["${head}Content-Length: 5\r\n\r\n", 'a='],
        'wrong at once'        => ["${chunked}zz\r\n"],
        'broken off at once'   => ["${head}Content-Length: 5\r\n\r\na="],
        'a meeting elsewhere, broken off' => [$head . "Content-Length: 5000\r\n\r\nmeeturl=" . b64($evil)],
        'larger than it may be' => ["${head}Content-Length: 9999999\r\n\r\n", 'a='],
    );
    my %sessions;
    for (1 .. 20) {
        for my $what (sort keys %broken) {
            my $client = client('https://lyncwebext.contoso.com', sessions => \%sessions);
            for my $bytes (@{ $broken{$what} }) {
                $client->write($bytes);
                select undef, undef, undef, 0.003;
            }
            $client->close;
        }
    }
    is($server->report(0.3), undef, 'none has travelled');
    is(post($server, 'a=1'), '200 arrived', 'the next one is served');
    my $left = wait_until {
        my $client = client('https://lyncwebext.contoso.com');
        $client->ask('GET /connections');
        my ($active) = $client->answer->{body} =~ /Active connections: (\d+)/;
        $active == 1 && 'one';
    } 15;
    is($left, 'one', 'and no connection is in use but the one that asks');
};

# ASP.NET's Request["meeturl"] looks for it in cookies as well.
scene 'in a cookie', sub {
    my $server = reporting_pool();
    my $ask = sub {
        my ($path, @cookies) = @_;
        my $line = "GET $path HTTP/1.1";
        my $bytes = join '', "$line\r\nHost: lyncwebext.contoso.com\r\n", map({ "Cookie: $_\r\n" } @cookies), "\r\n";
        return outcome($server, $bytes, $line);
    };
    my ($fine, $wrong) = ('meeturl=' . b64($good), 'MeetUrl=' . b64($evil));
    is($ask->($page, 'a=1; b=2', 'MS-WSMAN=x'), '200 arrived', 'other cookies');
    is($ask->($page, "a=1; $fine"), '200 arrived', 'a published meeting');
    is($ask->($page, $wrong), 404, 'another host');
    is($ask->($page, "a=1; $wrong; b=2"), 404, 'between others');
    is($ask->($page, 'a=1', $wrong), 404, 'in a header of its own');
    is($ask->($page, "$fine; $wrong"), 404, 'behind a good one');
    is($ask->("$page?$fine", $wrong), 404, 'beside a good one in the query');
    is($server->report(0.3), undef, 'what is refused has not travelled');
    is($ask->('/abs/handler', $wrong), '200 arrived', 'elsewhere cookies are not looked at');
    ok(log_lines(qr/lync_publish "contoso" refused: meeting_url,/), 'the error log says so');
};

scene 'meeting_url_guard off', more => 'meeting_url_guard off;', sub {
    my $server = reporting_pool();
    is(get($server, 'meeturl=' . b64($evil)), '200 arrived', 'in the query');
    is(post($server, 'meeturl=' . b64($evil)), '200 arrived', 'in a form');
};

worker_connections(64);
run_suite(publication => "%%OWN%%    simple_url meet https://lync.contoso.com/Meet;\n",
    before => <<'END');
log_format verdict '$request|$status|$lync_service|$lync_verdict';
access_log %%SERVROOT%%/logs/lync.log verdict %%LATE%%;
END
