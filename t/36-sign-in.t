# sign_in: credentials for closed doors are refused before a server sees them, challenges that lead
# there don't come out. What is a credential in its breadth is in t/unit/policy_sign_in_test.cpp;
# here is what travels, what clients are answered, and a real NTLM server behind a closed door.

use FindBin ();
use lib "$FindBin::Bin/auth";

use LyncTest;
use LyncTest::Scene qw(:DEFAULT logged lync_status status_text);
use AuthPlain;
use AuthReal;

use JSON::PP ();

our $web = 'lyncwebext.contoso.com';
my $sts = '/WebTicket/WebTicketService.svc';
my $form = 'application/x-www-form-urlencoded';

# The pool: reports what arrives, and answers as the request's X-Answer says.
sub answering_pool {
    pool_server(sub {
        my ($connection, $report) = @_;
        my $request = $connection->message;
        $report->("$request->{first}|$request->{body}");
        my $status = $request->one('X-Status') // '200 OK';
        my @headers = map { s/\A([^=]+)=/$1: /r } $request->all('X-Answer');
        $connection->write(http_answer('ok', @headers, 'Connection: close') =~ s/200 OK/$status/r);
    });
}

# One request on a connection of its own: its answer, `arrived` if the pool has seen it as it was.
sub answer_to {
    my ($server, $line, $body, @headers) = @_;
    (my $chunk, $body) = ref $body ? @$body : (0, $body);
    my $client = client("https://$web");
    $client->write($_) for join('', "$line HTTP/1.1\r\nHost: $web\r\n", map({ "$_\r\n" } @headers)),
        defined $body ? framed($body, $chunk) : "\r\n";
    my $answer = $client->answer;
    $client->close;
    my $seen = $server->report($answer->{status} == 200 ? undef : 0.05) // 'nothing';
    $answer->{arrived} = $seen eq "$line HTTP/1.1|" . ($body // '');
    $answer->{changed} = !$answer->{arrived} && $seen ne 'nothing';
    return $answer;
}

sub outcome {
    my $answer = answer_to(@_);
    return $answer->{status} . ($answer->{arrived} ? ' arrived' : $answer->{changed} ? ' changed' : '');
}

sub soap {
    my ($token) = @_;
    return '<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/">'
        . "<s:Header><wsse:Security>$token</wsse:Security></s:Header><s:Body/></s:Envelope>";
}

my $username = soap('<wsse:UsernameToken><wsse:Username>contoso\ken</wsse:Username>'
    . '<wsse:Password>x</wsse:Password></wsse:UsernameToken>');
my $x509 = soap('<wsse:BinarySecurityToken ValueType="x#X509v3">MII</wsse:BinarySecurityToken>');
my $live = soap('<saml:Assertion/>');
my $xml = 'Content-Type: text/xml; charset=utf-8';
my $xml12 = 'Content-Type: application/soap+xml; charset=utf-8; action="urn:x"';

# What of each door travels, and what is said to the rest.
my @credentials = (
    # door, what, answer where it is closed, request
    ['windows', 'NTLM',              403, 'GET /abs/handler', undef, 'Authorization: NTLM TlRM'],
    ['windows', 'Basic',             403, 'GET /abs/handler', undef, 'Authorization: Basic a2VuOng='],
    ['windows', 'on HTTP/1.1 paths spelt oddly', 403, 'GET /%61bs/./handler', undef, 'Authorization: NTLM x'],
    ['windows', 'at the token endpoint', 400, 'POST /webticket/oauthtoken',
        'grant_type=urn:microsoft.rtc:windows', "Content-Type: $form", 'Authorization: NTLM TlRM'],
    ['windows', 'at the web ticket service', 403, "POST $sts", soap(''), $xml, 'Authorization: NTLM TlRM'],
    ['password', 'a grant',          400, 'POST /webticket/oauthtoken',
        'grant_type=password&username=ken&password=x', "Content-Type: $form"],
    ['password', 'a grant in chunks', 400, 'POST /WebTicket/oauthtoken',
        [3, 'username=ken&grant_type=%70assword&password=x'], "Content-Type: $form"],
    ['password', 'a grant in the query', 403, 'GET /webticket/oauthtoken?grant_type=password', undef],
    ['password', 'a UsernameToken',  500, "POST $sts/Auth", $username, $xml],
    ['password', 'a UsernameToken in chunks', 500, "POST $sts/Auth", [7, $username], $xml],
    ['password', 'a UsernameToken without a type', 403, "POST $sts/Auth", $username],
    ['password', 'a form',           403, 'POST /dialin/Conference.aspx', 'user=ken&password=x', "Content-Type: $form"],
    ['password', 'a form by GET',    403, 'GET /dialin/Conference.aspx', 'user=ken&password=x', "Content-Type: $form"],
    ['certificate', 'a certificate is asked for', 403, 'POST /certprov/CertProvisioningService.svc', soap(''), $xml],
    ['certificate', 'a certificate', 500, "POST $sts/cert", $x509, $xml],
    ['oauth', 'a token',             403, 'GET /ucwa/v1/applications', undef, 'Authorization: Bearer eyJ0'],
    ['oauth', 'a passive grant',     400, 'POST /webticket/oauthtoken',
        'grant_type=urn:microsoft.rtc:passive', "Content-Type: $form"],
    ['oauth', 'Live ID',             500, "POST $sts/fedbearer", $live, $xml],
    ['oauth', 'passive sign-in',     403, 'GET /passiveauth/PassiveAuth.aspx', undef],
    ['none', 'nothing',              0, 'GET /abs/handler', undef],
    ['none', 'nothing in it',        0, 'GET /abs/handler', undef, 'Authorization: Bearer'],
    ['none', 'a ticket',             0, 'GET /ucwa/v1/applications', undef, 'Authorization: Bearer cwt=AAEB'],
    ['none', 'a guest',              0, 'POST /webticket/oauthtoken',
        'grant_type=urn:microsoft.rtc:anonmeeting&password=5LB7', "Content-Type: $form"],
    ['none', 'metadata',             0, "GET $sts/mex", undef],
    ['none', 'an upload',            0, 'POST /datacollabweb/x', 'password=x', "Content-Type: $form"],
    ['none', 'another form',         0, 'POST /dialin/Conference.aspx', 'language=de', "Content-Type: $form"],
);

my %others = (
    windows => 'password certificate oauth', password => 'windows certificate oauth',
    certificate => 'windows password oauth', oauth => 'windows password certificate',
);
for my $closed (sort keys %others) {
    scene "$closed closed", more => "sign_in $others{$closed}; allow_path /passiveauth;", sub {
        my $server = answering_pool();
        for (@credentials) {
            my ($door, $what, $status, @request) = @$_;
            is(outcome($server, @request), $door eq $closed ? $status : '200 arrived', "$door: $what");
        }
        ok(log_lines(qr/lync_publish "contoso" refused: sign_in, which closes "$closed",/), 'the error log says so');
    };
}

scene 'any', more => 'sign_in any; allow_path /passiveauth;', sub {
    my $server = answering_pool();
    is(outcome($server, @$_[3 .. $#$_]), '200 arrived', "$_->[0]: $_->[1]") for @credentials;
};

# What can't be read could be anything.
scene 'what can\'t be read', more => 'sign_in windows;', sub {
    my $server = answering_pool();
    my $path = "POST $sts/Auth";
    my $utf16 = join '', map { "$_\0" } split //, $username;
    is(outcome($server, $path, $utf16, 'Content-Type: text/xml; charset=utf-16'), 400, 'UTF-16: the shield reads ASCII');
    is(outcome($server, $path, $utf16, 'Content-Type: text/xml'), 500, 'that isn\'t said to be');
    is(outcome($server, $path, soap(''), $xml, 'Content-Encoding: gzip'), 500, 'compressed');
    is(outcome($server, $path, "--x\r\n", 'Content-Type: multipart/related; boundary=x'), 403, 'in parts');
    is(outcome($server, $path, soap(''), $xml, $xml12), 500, 'of two types');
    is(outcome($server, $path, soap('') . ' ' x 66000, $xml), 500, 'too long');
    is(outcome($server, $path, [4000, soap('') . ' ' x 80000], $xml), 413, 'too long, in chunks');
    is(outcome($server, $path, soap(''), $xml12), '200 arrived', 'what can be and has no credential');
    is(outcome($server, 'GET /abs/handler', undef, 'Authorization: Bearer', 'Authorization: Basic x'),
        400, 'two credentials');

    # 8 connections that send no body hold nothing up
    my @slow = map { client("https://$web") } 1 .. 8;
    $_->write("$path HTTP/1.1\r\nHost: $web\r\n$xml\r\nContent-Length: 900\r\n\r\n<") for @slow;
    is(outcome($server, 'GET /abs/handler'), '200 arrived', 'others wait for nobody');
    $_->close for @slow;
    is(outcome($server, 'GET /abs/handler'), '200 arrived', 'nor for bodies that break off');
};

# In chunks, nobody knows how much more comes: nothing is written to disk until it is too much.
scene 'bodies without an end', more => 'sign_in windows password certificate oauth; shield log;', sub {
    for my $path ('/dialin/x', '/datacollabweb/x', '/lwa/x') {
        for my $size (10, 3000, 100_000) {
            my $client = client("https://$web")->ask("POST $path", 'Content-Type' => $form, 'Transfer-Encoding' => 'chunked');
            my $chunk = sprintf "%x\r\n%s\r\n", $size, 'x' x $size;
            eval { $client->write($chunk x (200_000 / $size)) };
            is($client->answer->{status}, 413, "$path: chunks of $size");
        }
    }
    is(scalar(() = log_lines(qr/buffered to a temporary file/)), 0, 'nothing was written to disk');
};

scene 'what clients are answered', more => 'sign_in windows;', sub {
    my $server = answering_pool();
    my $grant = answer_to($server, 'POST /webticket/oauthtoken', 'grant_type=password', "Content-Type: $form");
    is(JSON::PP::decode_json($grant->{body})->{error}, 'unsupported_grant_type', 'RFC 6749');
    is($grant->one('Content-Type'), 'application/json', 'in JSON');
    for (['1.1', $xml, 'text/xml'], ['1.2', $xml12, 'application/soap\+xml']) {
        my ($version, $type, $like) = @$_;
        my $fault = answer_to($server, "POST $sts/Auth", $username, $type);
        like($fault->one('Content-Type'), qr/^$like; charset=utf-8$/, "SOAP $version");
        like($fault->{body}, qr/<s:Fault>.*>o:UnsupportedSecurityToken</, 'a fault of WS-Security');
    }
    my $page = answer_to($server, 'POST /dialin/', 'password=x', "Content-Type: $form");
    is($page->one('WWW-Authenticate'), undef, 'nobody is asked for a password again');
    my $client = client("https://$web");
    $client->ask('GET /abs/handler', Authorization => 'NTLM TlRM');
    is($client->answer->{status}, 200, 'windows is open') if $server;
    is($server->report, 'GET /abs/handler HTTP/1.1|', 'and its credential arrives');
    $client->close;
};

scene 'challenges', more => 'sign_in password oauth;', sub {
    my $server = answering_pool();
    my $rtc = 'MsRtcOAuth href="https://x/WebTicket/oauthtoken",grant_type="urn:microsoft.rtc:windows,password"';
    for (
        ['401 No', ['Negotiate', 'NTLM', 'Basic realm="x, y"'], 403, ''],
        ['401 No', ['Negotiate, Bearer x', 'Basic'], 401, 'Bearer x'],
        ['401 No', [$rtc], 401, 'MsRtcOAuth href="https://x/WebTicket/oauthtoken", grant_type="password"'],
        ['401 No', [], 401, ''],
        ['200 OK', ['NTLM TlRM'], 200, ''],
        ['403 No', ['NTLM'], 403, ''],
    ) {
        my ($status, $given, $expected, $kept) = @$_;
        my $answer = answer_to($server, 'GET /abs/handler', undef, "X-Status: $status",
            map { "X-Answer: WWW-Authenticate=$_" } @$given);
        is("$answer->{status} " . join('; ', $answer->all('WWW-Authenticate')), "$expected $kept",
            "$status " . join '; ', @$given);
    }
    my $answer = answer_to($server, 'GET /abs/handler', undef, 'X-Status: 401 No', 'X-Answer: WWW-Authenticate=NTLM',
        'X-Answer: X-MS-WebTicketURL=https://x/');
    is($answer->{status}, 401, 'a web ticket is another way in');
    is($answer->one('WWW-Authenticate'), undef, 'and the only one');
};

scene 'a password in a query', more => 'sign_in windows; log_sip_uri on;', sub {
    my $server = reporting_pool();
    is(outcome($server, 'GET /webticket/oauthtoken?grant_type=password&password=hunter2'), 403, 'is refused');
    is(scalar(log_lines(qr/refused: sign_in.*oauthtoken"/)), 1, 'the error log says where');
    is(scalar(log_lines(qr/hunter2/)), 0, 'and not what');
};

scene 'exchange has doors of its own',
    publication => "%%OWN%%    sign_in windows;\n    exchange mail.contoso.com { server 127.0.0.11; sign_in oauth password;"
        . ' certificate_name fepool.contoso.local; health_check off; services ews owa activesync; listening_ports https=%%PORT_OWN%%; }',
    sub {
    my $server = answering_pool();
    my $lync = $web;
    for my $each (['mail.contoso.com', 403, '200 arrived'], [$lync, '200 arrived', 403]) {
        local $web = $each->[0];
        my $path = $web eq $lync ? '/abs/handler' : '/EWS/Exchange.asmx';
        is(outcome($server, "GET $path", undef, 'Authorization: Basic x'), $each->[1], "Basic at $web");
        is(outcome($server, "GET $path", undef, 'Authorization: Bearer eyJ0'), $each->[2], "Bearer at $web");
    }
    local $web = 'mail.contoso.com';
    is(outcome($server, 'POST /owa/auth.owa', 'username=ken&password=x', "Content-Type: $form"), '200 arrived', 'OWA\'s form');
    is(outcome($server, 'OPTIONS /Microsoft-Server-ActiveSync', undef, 'Authorization: Basic a2VuOng='), 403, 'ActiveSync');
};

scene 'who signs in by which door', named => 'counts', more => 'sign_in password windows;', after => '%%STATUS%%', sub {
    my $server = answering_pool();
    my @requests = (
        ['windows', 'GET /abs/handler', undef, 'Authorization: NTLM TlRM'],
        ['windows', 'GET /abs/handler', undef, 'Authorization: NTLM TlRM', 'X-Status: 401 No'],
        ['password', 'POST /webticket/oauthtoken', 'grant_type=password', "Content-Type: $form"],
        ['oauth', 'GET /ucwa/v1/x', undef, 'Authorization: Bearer eyJ0'],
        ['-', 'GET /ucwa/v1/x', undef, 'Authorization: Bearer cwt=x'],
    );
    answer_to($server, @$_[1 .. $#$_]) for @requests;
    my @logged = logged(doors => scalar(@requests), qr/^counts /);
    is_deeply([map { (split / /)[1] } @logged], [map { $_->[0] } @requests], '$lync_sign_in');
    is_deeply(lync_status()->{publications}[0]{sign_ins}, {
        windows => { accepted => 1, refused => 0 }, password => { accepted => 1, refused => 0 },
        certificate => { accepted => 0, refused => 0 }, oauth => { accepted => 0, refused => 1 },
    }, 'the status counts what was accepted and refused');
    like(status_text('prometheus'), qr/^lync_sign_ins_total\{publication="counts",door="oauth",result="refused"\} 1$/m, 'Prometheus');
};

# A real server that wants NTLM (t/86-ntlm-apache.t), and real clients.
start_ntlm();

scene 'real NTLM, windows open', publication => publication('server 127.0.0.11;') . "    sign_in windows certificate;\n", sub {
    my $alice = ask('A', port('HTTPS'), ntlm => 'alice');
    is("@{ $alice->{statuses} } " . user($alice), '401 401 200 alice', 'alice signs in');
    leave('A');
};

scene 'real NTLM, windows closed', publication => publication('server 127.0.0.11;') . "    sign_in password oauth;\n", sub {
    my $asked = ask('A', port('HTTPS'));
    is("@{ $asked->{statuses} }", '403', 'nobody is asked to');
    is($asked->{headers}{'www-authenticate'}, undef, 'not by a word');
    my $alice = ask('A', port('HTTPS'), ntlm => 'alice');
    is("@{ $alice->{statuses} } " . user($alice), '403 -', 'a client that would isn\'t asked for a password');
    leave('A');
};

run_suite(publication => '%%OWN%%', before => <<'END_CONF');
log_format doors '$lync_publication $lync_sign_in $request';
access_log %%SERVROOT%%/logs/doors.log doors %%LATE%%;
END_CONF
