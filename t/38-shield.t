# shield: each row of the table stops its attack however it is spelt, before a server sees any of it, and
# passes its neighbour; rows from a file; what is logged and counted. Spellings and ordinary requests in
# their breadth are in t/unit/shield_test.cpp; here is what travels, headers and bodies as they come.

use LyncTest;
use LyncTest::Scene qw(:DEFAULT arrived logged lync_status lyncctl status_text);

use JSON::PP ();
use List::Util qw(sum);

master_on();

my $rows = JSON::PP->new->utf8->decode(scalar `$LyncTest::Paths::BUILD/lyncctl shields --built-in --format json`);

sub host_of { $_[0]{on} =~ /^(?:exchange|owa)$/ ? 'mail.contoso.com' : 'lyncwebext.contoso.com' }

# A request as bytes: the example is a target or a header line.
sub bytes_of {
    my ($row, $example, @headers) = @_;
    my ($target, @more) = $example =~ m{^/} ? ($example) : (host_of($row) =~ /^mail/ ? '/owa/' : '/ucwa/', $example);
    return "GET $target HTTP/1.1\r\nHost: " . host_of($row) . "\r\n" . join('', map { "$_\r\n" } @more, @headers) . "\r\n";
}

my %sessions;
sub send_bytes {
    my ($host, @bytes) = @_;
    my $client = client("https://$host", sessions => \%sessions);
    $client->write($_) for @bytes;
    my $answer = eval { $client->answer }; # of HTTP/0.9 there is no head
    $client->close;
    return $answer && $answer->{status};
}
sub status_of { send_bytes(host_of($_[0]), bytes_of(@_)) }

my $Log = "$Test::Nginx::Util::ServRoot/logs";

# Its letters escaped, of a target's query where there is one, else of its path; of a header's value.
sub escaped {
    my ($front, $text) = $_[0] =~ m{^(/[^?]*\?|/|\S+ )(.*)};
    return $front . $text =~ s/([A-Za-z])/sprintf '%%%02x', ord $1/ger;
}

scene 'each attack, and its neighbour', timeout => 120, sub {
    cmp_ok(scalar @$rows, '>=', 8, 'rows');
    for my $row (grep { $_->{where} ne 'answer' } @$rows) { # that one is in t/39-patch-watch.t
        my $before = () = arrived 0;
        is(status_of($row, $_), 404, "$row->{shield}: $_") for $row->{stops}, escaped($row->{stops});
        is(status_of($row, $row->{passes}), 200, "$row->{shield}: the neighbour passes");
        is(scalar(() = arrived($before + 1)), $before + 1, "$row->{shield}: and nothing else has arrived");
        my @lines = logged(verdict => 1, qr/\|refuse:(?:shield:\Q$row->{shield}\E|meeting_url)$/);
        cmp_ok(scalar @lines, '>=', 1, "$row->{shield}: the access log names it");
    }
    ok(log_lines(qr/\[error\] .*lync_refused: lync_publish "contoso" refused: shield, shield "CVE-2021-\d+", client:/),
        'the error log does');
    my ($row) = grep { $_->{shield} eq 'CVE-2021-26855' } @$rows;
    is(status_of($row, 'Cookie: a=b', 'Cookie: c=d; X-BEResource=a/b~1'), 404, 'in the second of two Cookie headers');
    is(status_of($row, 'Cookie: a=b', '  X-BEResource=a~1'), 400, 'in a folded one, which nginx refuses');
    is(send_bytes('mail.contoso.com', "GET /owa/\r\n"), undef, 'HTTP/0.9 has no headers');
};

scene 'what HTTP/0.9 and broken heads leave', sub {
    is(send_bytes('mail.contoso.com', "GET https://mail.contoso.com/owa/?\${jndi:x}\r\n"), undef, 'no head') for 1 .. 3;
    is(send_bytes('mail.contoso.com', "GET /owa/ HTTP/1.1\r\nHost: mail.contoso.com\r\nX\x00: y\r\n\r\n"), 400, 'a broken one');
};

my $file = <<'END';
# name        place              fields                             pattern
CVE-2027-1    url                on=exchange source=https://e.example  ~*  /owa/[^?]*evil=\d
two           header:X-Thing     on=ucwa                            ~* ^.*evil thing
three         path,query                                            ~* /evil/
four          cookie             action=log                         ~* ^evilcookie=
five          path                                                  ~* \.svc$
seven         form               on=ucwa                            ~* ^field=.*evil$
six           url                on=owa                            ~* /six/.*evil
CVE-2021-44228 log
END

my %of_file = (
    'GET mail.contoso.com /owa/a/evil=1'                                      => '404 shield:CVE-2027-1',
    'GET mail.contoso.com /owa/a/%2565vil=1'                                  => '404 shield:CVE-2027-1',
    'GET mail.contoso.com /owa/a?b/evil=1'                                    => '200 pass',
    'GET lyncwebext.contoso.com /ucwa/owa/evil=1'                             => '200 pass',
    "GET lyncwebext.contoso.com /ucwa/\r\nx-thing: an Evil%20thing"            => '404 shield:two',
    "GET lyncwebext.contoso.com /abs/\r\nX-Thing: an evil thing"              => '200 pass',
    "GET lyncwebext.contoso.com /ucwa/\r\nX-Other: an evil thing"             => '200 pass',
    'GET lyncwebext.contoso.com /ucwa/evil/x'                                 => '404 shield:three',
    'GET lyncwebext.contoso.com /ucwa/?x=%5cevil%5cy'                         => '404 shield:three',
    'GET lyncwebext.contoso.com /ucwa/?' . ('x' x 600) . '/evil/'             => '404 shield:three',
    "GET lyncwebext.contoso.com /ucwa/\r\nCookie: a=b; evilcookie=1"          => '200 pass',
    'GET lyncwebext.contoso.com /groupexpansion/service.svc'                  => '404 shield:five',
    "GET lyncwebext.contoso.com /ucwa/\r\nX: \${jndi:ldap://x}"                => '200 pass',
);

sub judged {
    my (%expected) = @_;
    for my $what (sort keys %expected) {
        my ($method, $host, $rest) = split / /, $what, 3;
        my ($target, $headers) = $rest =~ /^([^\r]*)(.*)$/s;
        my $line = qr/^\Q$method $target HTTP/;
        my $before = () = logged(verdict => 0, $line);
        my $status = send_bytes($host, "$method $target HTTP/1.1\r\nHost: $host$headers\r\n\r\n");
        my ($verdict) = (logged(verdict => $before + 1, $line))[-1] =~ /\|([^|]*)$/;
        is("$status " . $verdict =~ s/^refuse://r, $expected{$what}, substr $what =~ s/\r\n/ | /gr, 0, 100);
    }
}

sub ctl { return JSON::PP->new->utf8->decode(lyncctl(qw(shields --format json)) =~ s/^0 //r) }

scene 'rows from a file, and what is counted', user_files => ">>> rows\n$file",
    more => 'shield_file %%SERVROOT%%/html/rows;', sub {
    my %before = map { $_->{shield} => $_->{hits} } @{ ctl() };
    judged(%of_file);
    ok(wait_until { # one line a second
        send_bytes('mail.contoso.com', 'GET /owa/?' . ('x' x 600) . "/six/evil HTTP/1.1\r\nHost: mail.contoso.com\r\n\r\n");
        log_lines(qr/\[error\] .*refused: shield, shield "six", whose pattern gave up, client:/);
    }, 'a pattern that gave up');
    ok(log_lines(qr/\[warn\] .*lync_shield: lync_publish "contoso" would refuse, shield "(?:four|CVE-2021-44228)", client:/), 'action=log');
    my %hits;
    my %wanted = ('CVE-2027-1' => 2, two => 1, three => 3, four => 1, five => 1, 'CVE-2021-44228' => 1);
    wait_until {
        %hits = map { $_->{shield} => $_->{hits} - ($before{ $_->{shield} } // 0) } @{ ctl() };
        $hits{six} && !grep { $hits{$_} < $wanted{$_} } keys %wanted;
    };
    cmp_ok(delete $hits{six}, '>=', 1, 'lyncctl shields counts them');
    is_deeply({ map { $_ => $hits{$_} } grep { $hits{$_} } keys %hits }, \%wanted, 'each');
    my ($one) = grep { $_->{shield} eq 'two' } @{ ctl() };
    is("$one->{action} $one->{on} $one->{where}", 'refuse ucwa header:x-thing', 'and says what each is');
    like($one->{defined}, qr{/html/rows:3$}, 'and where it stands');
    is(form('a=b&field=an%20%2565vil', to => '/ucwa/v1'), 404, 'a field of a form');
    is(form('a=b&field=nice', to => '/ucwa/v1'), 200, 'another one');
    is(form('a=b&field=evil', to => '/groupexpansion/x'), 200, 'elsewhere forms are not read');

    my ($in_status) = grep { $_->{name} eq 'two' } @{ lync_status()->{publications}[0]{shields} };
    cmp_ok($in_status->{hits}, '>=', 1, 'the status has them');
    my $metrics = status_text('prometheus');
    like($metrics, qr/^lync_shield_hits_total\{publication="contoso",shield="three",action="refuse"\} \d+$/m, 'so have the metrics');
    like($metrics, qr/^lync_refusals_total\{publication="contoso",reason="shield"\} [1-9]/m, 'and the reason');

    # Another file takes its place: the counters stay with their names.
    my ($three) = map { $_->{hits} } grep { $_->{shield} eq 'three' } @{ ctl() };
    write_file("$Test::Nginx::Util::ServRoot/html/rows", "other url ~* /owa/other\nthree query ~* /evil2/\n");
    reload();
    judged('GET lyncwebext.contoso.com /ucwa/evil/x' => '200 pass', 'GET lyncwebext.contoso.com /ucwa/?/evil2/' => '404 shield:three');
    my ($now) = grep { $_->{shield} eq 'three' } @{ ctl() };
    wait_until { ($now) = grep { $_->{shield} eq 'three' } @{ ctl() }; $now->{hits} > $three };
    is($now->{hits}, $three + 1, 'over a reload');
};

scene 'shield log', more => 'shield log;', sub {
    judged('GET mail.contoso.com /autodiscover/x/powershell' => '200 pass');
    ok(log_lines(qr/would refuse, shield "CVE-2022-41040"/), 'is logged');
    my $would = qr/would refuse, shield "CVE-2026-66302-path"/;
    for my $row (['a file', sub { upload('../x') }], ['a form', sub { form('name=../x') }]) {
        my $before = () = log_lines($would);
        is($row->[1]->(), 200, "$row->[0] passes");
        ok(wait_until { $row->[1]->(); (() = log_lines($would)) > $before }, 'and is logged'); # one line a second
    }
};
scene 'shield off', more => 'shield off;', sub {
    judged('GET mail.contoso.com /autodiscover/x/powershell' => '200 pass',
        'GET lyncwebext.contoso.com /lwa/x?meeturl=aHR0cHM6Ly9ldmlsLmV4YW1wbGUvYS8x' => '404 meeting_url');
};

scene 'deny_path and allow_path by pattern',
    more => 'deny_path ~* ^/ucwa/.*/secret(\.aspx)?$; allow_path ~* "^/custom[0-9]{2}/"; allow_path ~* ^/passiveauth;', sub {
    judged(
        'GET lyncwebext.contoso.com /ucwa/v1/SECRET'           => '404 denied',
        'GET lyncwebext.contoso.com /ucwa/v1/%73ecret.aspx'    => '404 denied',
        'GET lyncwebext.contoso.com /ucwa/v1/secret%2e;x'      => '404 denied',
        'GET lyncwebext.contoso.com /ucwa/v1/secrets'          => '200 pass',
        'GET lyncwebext.contoso.com /custom42/x'               => '200 pass',
        'GET lyncwebext.contoso.com /custom4/x'                => '404 path',
        'GET lyncwebext.contoso.com /passiveauth/x'            => '200 pass',
        'GET lyncwebext.contoso.com /custom42/cscp/../../cscp' => '404 admin',
        'GET lyncwebext.contoso.com /custom42/web.config'      => '404 internal',
    );
    ok(wait_until { # one line a second
        send_bytes('lyncwebext.contoso.com', 'GET /ucwa/' . ('x' x 600) . "/secretx HTTP/1.1\r\nHost: lyncwebext.contoso.com\r\n\r\n");
        log_lines(qr/refused: denied, whose pattern gave up, client:/);
    }, 'a long path on which a pattern gave up');
};

# Seconds that the workers have worked.
sub worker_cpu {
    return sum map { (split ' ', slurp("/proc/$_/stat") =~ s/.*\) //r)[11] / 100 } worker_pids();
}

# An upload to the pool: its body is streamed, and the name of a file refused in it.
sub upload {
    my ($name, %o) = @_;
    my $body = $o{body} // "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"$name\"\r\n\r\ndata\r\n--b--\r\n";
    my $type = $o{type} // 'multipart/form-data; boundary=b';
    my $head = 'POST ' . ($o{to} // '/datacollabweb/upload.ashx') . " HTTP/1.1\r\nHost: lyncwebext.contoso.com\r\nContent-Type: $type\r\n";
    return send_bytes('lyncwebext.contoso.com', $head, framed($body, $o{chunks}));
}

scene 'names of uploaded files', timeout => 60, sub {
    for my $how ([], [chunks => 1], [chunks => 50]) {
        is(upload('Q3..Q4 (2).pptx', @$how), 200, "an ordinary one @$how");
        is(upload($_, @$how), 404, "$_ @$how") for '..\\..\\x.aspx', 'a%2e%2e%2fx', 'x.aspx:$DATA', '\\\\evil\\x', 'C:\\x';
    }
    is(upload('../x', to => '/ucwa/v1/x'), 200, 'elsewhere bodies are not looked at');
    is(upload('../x', type => 'text/plain'), 200, 'nor what is no form');
    is(upload('x', body => "--b\r\n\r\nfilename=\"../x\"\r\n--b--\r\n"), 200, 'what stands in a file is no name');
    is(upload('x', type => 'multipart/form-data'), 400, 'no boundary');
    is(upload('x', type => "multipart/form-data; boundary=b\r\nContent-Type: multipart/form-data; boundary=c"), 400, 'two types');
    is(upload('x', body => "--b\r\n" . ('x' x 5000)), 400, 'a head without end');
    is(upload('x', body => 'x' x 300_000 . "\r\n--b\r\nContent-Disposition: x; filename=../x\r\n\r\n"), 404, 'behind 300 KB');
    is(upload('x', body => 'x' x 300_000), 200, '300 KB of nothing');
    my $quoted = "--b b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"../x\"\r\n\r\nx\r\n--b b--\r\n";
    is(upload('', type => 'multipart/form-data; boundary="b b"', body => $quoted), 404, 'a boundary in quotes');
    is(upload($_), 400, 'a name that is read in several ways') for '=?utf-8?B?Li4vLi4v?=', "\x0b../x";
    my $field = sub { "--b\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\n$_[0]\r\n--b--\r\n" };
    for my $how ([], [chunks => 1]) {
        is(upload('', body => $field->($_), @$how), 404, 'a field: ' . substr $_, 0, 20) for '..\\..\\x.aspx', ' C:\\x', 'x' x 20_000;
        is(upload('', body => $field->("a\r\n--bx\r\n../x")), 400, 'what only begins as a boundary');
        is(upload('', body => $field->($_), @$how), 200, 'a field: ' . substr $_, 0, 20) for 'Q3..Q4.pptx', 'x' x 10_000;
    }
    is(upload('', type => "multipart/form-data; boundary=b; charset=$_", body => "--b--\r\n"), 400, "charset $_") for qw(utf-7 ibm037);

    # 250 heads of 4 KB, with as many "filename" as there is room for.
    my $head = 'filename=' x 300 . "\xc3\xa9" x 300 . '%2525252541';
    my $before = worker_cpu();
    upload('x', body => "--b\r\n$head\r\n\r\n" x 250);
    cmp_ok(worker_cpu() - $before, '<', 1, 'a megabyte of names costs no second');
};

sub form {
    my ($form, %o) = @_;
    return upload('', to => '/datacollabweb/upload.ashx', type => 'application/x-www-form-urlencoded', %o, body => $form);
}

scene 'forms', timeout => 60, sub {
    for my $how ([], [chunks => 3], [type => 'Application/X-WWW-Form-Urlencoded; charset=utf-8']) {
        is(form("id=1&name=$_", @$how), 404, "$_ @$how") for '..%5c..%5cx.aspx', 'x.aspx:$DATA', '%255c%255cevil%255cx', 'C%3a%5cx';
        is(form("id=1&name=$_", @$how), 200, "$_ @$how") for 'Q3..Q4.pptx', 'https%3A%2F%2Fx', '';
    }
    is(form('name=../x', to => '/ucwa/v1/x'), 200, 'elsewhere they are not looked at');
    is(form('name=../x', type => 'application/json'), 200, 'nor what is no form');
    is(form('name=../x', type => "text/plain\r\nContent-Type: application/x-www-form-urlencoded"), 404, 'one type of two');
    is(form('a=' . 'x' x 60_000), 200, '60 KB');
    is(form('a=' . 'x' x 70_000), 404, '70 KB');
    is(form('a=' . 'x' x 70_000, chunks => 30_000), 413, '70 KB in chunks, of which nobody knows how many follow');
    ok(wait_until { # one line a second
        form('a=' . 'x' x 70_000);
        log_lines(qr/refused: shield, shield "CVE-2026-66302-path", whose pattern gave up, client:/);
    }, 'and why');
    is(form('a=' . 'x' x 70_000, to => '/ucwa/v1/x'), 200, '70 KB elsewhere');
};

# What follows a refused part in the same body is no request.
scene 'a refused body', sub {
    my $part = "--b\r\nContent-Disposition: form-data; filename=\"../x\"\r\n\r\n";
    my $next = "GET /ucwa/smuggled HTTP/1.1\r\nHost: lyncwebext.contoso.com\r\n\r\n";
    my $client = client('https://lyncwebext.contoso.com')->ask('POST /datacollabweb/x',
        'Content-Type' => 'multipart/form-data; boundary=b', 'Content-Length' => length "$part$next");
    $client->write($part);
    is($client->answer->{status}, 404, 'refused');
    $client->write($next);
    ok($client->is_closed(10), 'and nothing more is answered');
    is(client('https://lyncwebext.contoso.com')->ask('GET /ucwa/the-next')->answer->{status}, 200, 'another client');
    logged(arrived => 1, qr/the-next/);
    is(scalar(logged(arrived => 0, qr/smuggled/)), 0, 'nor does it arrive');
};

scene 'a mirrored body', included => 'location /up { mirror /datacollabweb/mirrored; proxy_pass http://unix:%%SOCKET%%:/servers; }', sub {
    upload('../x', to => '/up');
    is(client('https://lyncwebext.contoso.com')->ask('GET /ucwa/the-last')->answer->{status}, 200, 'another request');
    logged(arrived => 1, qr/the-last/);
    is(scalar(logged(arrived => 0, qr/mirrored/)), 0, 'nobody has looked at it, so it does not arrive');
};

run_suite(publication => '%%OWN%% %%OWN_EXCHANGE%%',
    services => 'services ews autodiscover owa activesync mapi oab; health_check off;', before => <<'BEFORE');
    %%LOG_ARRIVED%%
    log_format verdict '$request|$status|$lync_verdict';
    access_log %%SERVROOT%%/logs/verdict.log verdict %%LATE%%;
    %%CONTROL%%
    %%STATUS%%
    server {
        listen 127.0.0.11:%%PORT_OWN%% ssl;
        ssl_certificate %%PKI%%/fepool.contoso.local.pem;
        ssl_certificate_key %%PKI%%/fepool.contoso.local.key;
        %%LOGGED%%
        location /datacollabweb/ { proxy_pass http://127.0.0.1:%%PORT_SINK%%; } # once the body is there
    }
    server { listen 127.0.0.1:%%PORT_SINK%%; access_log off; client_max_body_size 0; location / { return 200 ok; } }
    server {
        listen 127.0.0.15:%%PORT_OWN%% ssl;
        ssl_certificate %%PKI%%/mail.contoso.local.pem;
        ssl_certificate_key %%PKI%%/mail.contoso.local.key;
        %%LOGGED%%
    }
BEFORE
