# lockout: exactly as many wrong passwords reach the servers as may, by whatever doors; the others
# are answered as a server answers them.

use LyncTest;
use LyncTest::Scene qw(:DEFAULT logged);
use LyncTest::Doors;

use IO::Select;
use MIME::Base64 qw(encode_base64);
use Socket qw(SOL_SOCKET SO_LINGER);
use Time::HiRes qw(sleep time);

my $LIMITS = 'lockout on failures=4 window=600s hold=600s source_accounts=0;';
my $DOMAIN = 'account_domain CONTOSO=contoso.com;';
my %WRONG = (ntlm => 401, spnego => 401, basic => 401, token => 400, soap => 500, page => 200);
my %RIGHT = (ntlm => 200, spnego => 200, basic => 200, token => 200, soap => 200, page => 302);

sub held_lines { scalar log_lines(qr/lync_lockout: account [0-9a-f]{16} is held/) }

# Sends the head of an upload, with a password, and the beginning of its body.
sub upload {
    my ($who) = @_;
    my $client = client('https://lyncwebext.contoso.com');
    $client->ask('POST /DataCollabWeb/upload', 'Transfer-Encoding' => 'chunked',
        Authorization => 'Basic ' . encode_base64("$who:wrong", ''))->write("1\r\nx\r\n");
    return $client;
}

scene 'any mixture of doors', more => "$LIMITS $DOMAIN", sub {
    my $server = doors_server();
    my @spelt = ([ntlm => 'CONTOSO\alice'], [basic => 'alice@contoso.com'], [token => 'ALICE'],
        [soap => encode_base64('contoso\Alice', '')]);
    is(try(@$_, 'wrong'), $WRONG{ $_->[0] }, "$_->[0] reaches the server") for @spelt;
    is(scalar(arrived), 4, 'four arrive');
    is(held_lines(), 1, 'the log says so') or diag(log_lines(qr/lync_lockout/));
    is(grep(/alice/i, log_lines(qr/lync_lockout/)), 0, 'and names nobody');
    for my $door (@DOORS) {
        my $status = try($door, 'alice', 'right');
        is($status, $door eq 'page' ? 303 : $WRONG{$door}, "$door: the right one is wrong, too");
    }
    is(scalar(arrived), 4, 'nothing more arrives');
    is(try('basic', 'bob', 'wrong'), 401, 'bob is asked for');
    is((arrived)[-1], 'bob', 'at the server');
};

scene 'holds end', more => 'lockout on failures=4 window=600s hold=4s source_accounts=2;', sub {
    my $server = doors_server();
    for my $row ([alice => ('alice') x 4], [source => qw(carol dave)]) {
        my ($what, @accounts) = @$row;
        my $since = time;
        try('basic', $_, 'wrong') for @accounts;
        ok(wait_until { try('basic', $accounts[-1], 'right') == 200 }, "$what: in the end");
        cmp_ok(time - $since, '>=', 4, 'after their time');
    }
};

# The statuses, challenges and bodies of the server; nothing reveals a hold.
scene 'as the server answers', more => $LIMITS, sub {
    my $server = doors_server();
    for my $door (qw(ntlm basic token soap)) {
        my @answers = map { attempt($door, "$door-user", 'wrong')->answer } 1 .. 5;
        is(scalar(grep { $_ eq "$door-user" } arrived), 4, "$door: four arrive");
        my $shown = sub {
            my ($answer) = @_;
            join ' | ', $answer->{status}, map({ "$_->[0]: $_->[1]" } sort { "@$a" cmp "@$b" }
                grep { $_->[0] ne 'Date' } @{ $answer->{headers} }), $answer->{body};
        };
        is($shown->($answers[4]), $shown->($answers[3]), "$door: the fifth is as the fourth");
    }
};

# Only the client waits for the answer, not the server's connection.
scene 'a server waits for nobody', more => $LIMITS, sub {
    my $server = doors_server();
    my @clients;
    for my $door (qw(basic token soap page) x 2) {
        push @clients, attempt($door, "$door-user", 'wrong');
        wait_until { arrived() == @clients };
        sleep 0.05; # mostly it has been answered by then
    }
    cmp_ok(server_connections(), '<', @clients, 'a connection has served several');
    is(join(' ', map { $_->answer->{status} } @clients), '401 400 500 200 401 400 500 200', 'and all are answered');
};

scene 'a success clears', more => $LIMITS, sub {
    my $server = doors_server();
    for my $door (@DOORS) {
        for (1 .. 2) {
            try($door, "$door-user", 'wrong') for 1 .. 3;
            is(try($door, "$door-user", 'right'), $RIGHT{$door}, "$door: signed in");
        }
    }
    is(scalar(arrived), 8 * @DOORS, 'all arrive');
    is(held_lines(), 0, 'nobody is held');
};

# Its path is the client's: /\evil.example/ in a Location would be another host for browsers.
scene 'a form that is answered here leads back to itself', more => $LIMITS, sub {
    my $form = 'username=a&username=b&password=wrong';
    for my $path ('/meet/x', '/%5Cevil.example/', '//evil.example/', "/\\evil.example/", '/a%20%E2%80%A8') {
        my $client = client('https://meet.contoso.com');
        $client->ask("POST $path", 'Content-Length' => length $form)->write($form);
        my $answer = $client->answer;
        is("$answer->{status} " . $answer->one('Location'), '303 ?', $path);
    }
};

# What doesn't look at a credential can't have accepted it.
scene 'anonymous pages clear nothing', more => $LIMITS, sub {
    my $server = doors_server();
    for (1 .. 4) {
        try('basic', 'alice', 'wrong');
        my $answer = client('https://meet.contoso.com')->ask('GET /meet/x',
            Authorization => 'Basic YWxpY2U6d3Jvbmc=')->answer;
        is($answer->{status}, $_ < 4 ? 200 : 401, 'an anonymous page');
        my $form = 'user=alice&password=wrong';
        my $client = client('https://lyncwebext.contoso.com');
        $client->ask('POST /scheduler/x', 'Content-Length' => length $form)->write($form);
        is($client->answer->{status}, $_ < 4 ? 302 : 303, 'a page that leads on with a cookie');
    }
    is(scalar(arrived), 4, 'four arrive');
    is(held_lines(), 1, 'alice is held');
};

# One kind of credential is looked at there, another one isn't; the path refuses one and ignores the other.
scene 'only what is refused somewhere can be accepted there', more => $LIMITS, sub {
    my $server = doors_server(ignores => qr/^HEAD|^OPTIONS \S+cors|NTLM/);
    my $asked = sub {
        client('https://lyncwebext.contoso.com')->ask($_[0], Authorization => 'Basic YWxpY2U6d3Jvbmc=')->answer->{status};
    };
    try('basic', 'alice', 'wrong') for 1 .. 2;
    is(try('ntlm', 'alice', 'wrong'), 200, 'NTLM is ignored');
    is($asked->('HEAD /abs/handler'), 200, 'HEAD, too');
    is($asked->('OPTIONS /ucwa/x'), 401, 'OPTIONS is refused');
    is($asked->('OPTIONS /ucwa/x?cors'), 200, 'but for a preflight');
    try('basic', 'alice', 'wrong') for 1 .. 3;
    is(scalar(arrived), 4, 'four arrive');
};

scene 'SPNEGO says that it rejects', more => $LIMITS, sub {
    my $server = doors_server(rejects => 'oQcwBaADCgEC');
    is(try('spnego', 'alice', 'wrong'), 401, 'refused') for 1 .. 6;
    is(scalar(arrived), 4, 'four arrive');
};

scene 'in parallel', more => $LIMITS, sub {
    my $server = doors_server(delay => 0.3);
    my @clients = map { attempt($DOORS[$_ % @DOORS], 'alice', 'wrong') } 0 .. 23;
    my @statuses = map { $_->answer->{status} } @clients;
    is(scalar(arrived), 4, 'four of 24 arrive');
    is(held_lines(), 1, 'held once');
    # Those of the owner don't stand in each other's way.
    is(join(' ', map { $_->answer->{status} } map { attempt('basic', 'bob', 'right') } 1 .. 12),
        join(' ', (200) x 12), 'twelve of bob');
};

scene 'a source that tries many accounts',
    more => 'lockout on failures=4 window=600s hold=600s source_accounts=3;', sub {
    my $server = doors_server();
    is(try('basic', "u$_", 'wrong'), 401, "u$_") for 1 .. 4;
    is(join(' ', arrived), 'u1 u2 u3', 'the fourth account is not asked for');
    is(scalar(log_lines(qr/lync_lockout: address 127.0.0.1 is held for 600 s/)), 1, 'the log');
};

scene 'a source that tries many at once',
    more => 'lockout on failures=4 window=600s hold=600s source_accounts=3;', sub {
    my $server = doors_server(delay => 0.3);
    my @clients = map { attempt('basic', "u$_", 'wrong') } 1 .. 24;
    is(join(' ', map { $_->answer->{status} } @clients), join(' ', (401) x 24), 'all are answered alike');
    # One on its way counts for the source for a second only, which a busy machine may take to answer.
    cmp_ok(scalar(arrived), '<', 12, 'few arrive');
};

scene 'exemptions', more => "$LIMITS lockout_exempt 127.0.0.0/8 ::1;", sub {
    my $server = doors_server();
    try('token', 'alice', 'wrong') for 1 .. 6;
    is(scalar(arrived), 6, 'a network');
};

scene 'an account that is exempt', more => "$LIMITS $DOMAIN lockout_exempt CONTOSO\\\\room;", sub {
    my $server = doors_server();
    try('token', 'room@contoso.com', 'wrong') for 1 .. 6;
    is(scalar(arrived), 6, 'by its other name, too');
};

scene 'log_accounts', more => "$LIMITS $DOMAIN log_accounts on;", sub {
    my $server = doors_server();
    try('basic', 'alice', 'wrong') for 1 .. 4;
    is(scalar(log_lines(qr/lync_lockout: account "alice\@contoso\.com" is held for 600 s/)), 1, 'the name');
    try('page', 'x", client: 192.0.2.1', 'wrong') for 1 .. 4;
    is(scalar(log_lines(qr/lync_lockout: account "x_, client: 192\.0\.2\.1\@contoso\.com" is held/)), 1,
        'which ends where its quotes do');
};

# Four are admitted, and time out while they wait; that makes no room for four more.
scene 'limit_req holds attempts up', more => $LIMITS,
    before => 'limit_req_zone $binary_remote_addr zone=slow:1m rate=4r/s;',
    included => 'limit_req zone=slow burst=200;', sub {
    my $server = doors_server();
    my @busy = map { client('https://lyncwebext.contoso.com')->ask('GET /abs/handler') } 1 .. 24;
    my @clients = map { attempt('basic', 'alice', 'wrong') } 1 .. 24;
    $_->answer for @clients;
    cmp_ok(scalar(arrived), '<=', 4, 'no more than four arrive');
    is(held_lines(), 1, 'held');
    ok(log_lines(qr/lync_lockout: a delayed sign-in isn't sent/), 'and those that would be too many are logged');
};

# Nothing can wait there, neither for other attempts nor before it is answered.
scene 'a subrequest tries no password', more => "$LIMITS lockout_exempt room;", included => <<'END', sub {
location  /own   { auth_request /ask; try_files /none =204; }
location = /ask  { internal; rewrite ^ /abs/handler last; }
location = /page { ssi on; default_type text/html; return 200 '1<!--# include virtual="/abs/handler" -->2'; }
END
    my $server = doors_server();
    for my $who ('alice', 'room') {
        my $basic = 'Basic ' . encode_base64("$who:right", '');
        my $answer = client('https://lyncwebext.contoso.com')->ask('GET /own', Authorization => $basic)->answer;
        is($answer->{status}, $who eq 'room' ? 204 : 401, $who);
        $answer = client('https://lyncwebext.contoso.com')->ask('GET /page', Authorization => $basic)->answer;
        like($answer->{body}, $who eq 'room' ? qr/^1.+2$/s : qr/^12$/, "$who: in a page");
    }
    is(join(' ', arrived), 'room room', 'who is exempt arrives');
};

# What names nobody isn't sent on; two passwords in one request neither.
scene 'what no client sends', more => $LIMITS, sub {
    my $server = doors_server();
    my $basic = 'Basic YWxpY2U6d3Jvbmc=';
    my $ask = sub {
        my ($type, $body, @headers) = @_;
        my $client = client('https://lyncwebext.contoso.com')->ask('POST /webticket/oauthtoken',
            'Content-Type' => $type, 'Content-Length' => length $body, @headers);
        $client->write($body);
        return $client->answer->{status};
    };
    my $form = 'application/x-www-form-urlencoded';
    my $good = 'grant_type=password&username=a&password=b';
    isnt($ask->($form, "$good&username=c"), 200, 'two names');
    isnt($ask->($form, $good, Authorization => $basic), 200, 'a second password in the header');
    isnt($ask->("$form; charset=utf-16", $good), 200, 'another encoding');
    isnt($ask->($form, $good, 'Content-Encoding' => 'gzip'), 200, 'something packed');
    isnt($ask->($form, $good . '&x=' . 'x' x 70000), 200, 'more than fits');
    isnt(client('https://lyncwebext.contoso.com')->ask('GET /abs/handler',
        Authorization => 'NTLM TlRMTVNTUAADAAAA')->answer->{status}, 200, 'half a message');
    is(scalar(arrived), 0, 'nothing arrives');
};

# The client's connection to the server was in the middle of a handshake.
scene 'a held handshake leaves nothing behind', more => $LIMITS, sub {
    my $server = doors_server();
    try('ntlm', 'alice', 'wrong') for 1 .. 4;
    my $client = client('https://lyncwebext.contoso.com');
    is(attempt('ntlm', 'alice', 'right', $client)->answer->{status}, 401, 'held');
    is(attempt('ntlm', 'bob', 'right', $client)->answer->{status}, 200, 'bob on the same connection');
    is(scalar(arrived), 5, 'and nobody else');
};

# nginx waits for the answer in their place.
scene 'who goes before the answer', more => $LIMITS, sub {
    my $server = doors_server(slow => 0.4);
    for my $door (@DOORS) {
        my @statuses = map {
            my $password = $_;
            my @gone = map { attempt($door, "$door-$password", $password) } 1 .. 4;
            wait_until { 4 == grep { $_ eq "$door-$password" } arrived };
            setsockopt $gone[0]{socket}, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0; # by a reset
            $_->close for @gone;
            try($door, "$door-$password", 'right');
        } qw(right wrong);
        is("@statuses", "$RIGHT{$door} " . ($door eq 'page' ? 303 : $WRONG{$door}), "$door: held after wrong ones only");
    }
    is(scalar(arrived), 9 * @DOORS, 'nothing more arrives');
};

scene 'a client that doesn\'t wait', more => $LIMITS, sub {
    my $server = doors_server();
    my $client = client('https://lyncwebext.contoso.com');
    attempt('basic', 'carol', 'wrong', $client);
    $client->ask('GET /meet/x')->ask('GET /meet/y');
    is(join(' ', map { $client->answer->{status} } 1 .. 3), '401 200 200', 'pipelined, in their order');
};

# The server has the head, and with it the password.
scene 'bodies that break off', more => $LIMITS, sub {
    my $server = doors_server();
    for (1 .. 4) {
        my $client = upload('alice');
        my $round = $_;
        wait_until { server_connections() == $round }; # each breaks off its own
        sleep 0.5;
        $client->write("no chunk\r\n");
        is($client->answer->{status}, 400, 'no chunk');
    }
    is(try('basic', 'alice', 'right'), 401, 'held');
};

# A phone waits for mail, and goes: whom the server lets wait has signed in.
scene 'who waits has signed in', more => $LIMITS, before => 'log_format status $status;',
    included => 'access_log %%SERVROOT%%/logs/status.log status %%LATE%%;', sub {
    my $server = doors_server(delay => 20);
    my @bodies = map { upload('carol') } 1 .. 4;
    my @waiting = map { attempt('basic', 'alice', 'wrong') } 1 .. 4;
    wait_until { arrived() == 4 };
    my $since = time;
    $_->close for splice @waiting, 0, 2; # it is waited for in their place, but for so long only
    is(scalar(logged(status => 2, qr/^499$/)), 2, 'two have gone');
    cmp_ok(time - $since, '>', 4, 'after the time in which a password is refused');
    $_->close for @waiting, @bodies;
    is(try('basic', $_, 'right'), 200, "$_ is not held") for qw(alice carol);
    is(held_lines(), 0, 'nor anybody');
};

scene 'a reload', more => "$LIMITS", sub {
    my $server = doors_server();
    try('token', 'alice', 'wrong') for 1 .. 3;
    edit { s/hold=600s/hold=900s/ };
    my $client = attempt('token', 'alice', 'wrong');
    is(reload(), 'reloaded', 'while an answer is kept back');
    is($client->answer->{status}, 400, 'which comes');
    is(try('token', 'alice', 'right'), 400, 'held after it');
    is(scalar(arrived), 4, 'by what was counted before');
};

scene 'off', more => '', sub {
    my $server = doors_server();
    try('token', 'alice', 'wrong') for 1 .. 6;
    is(scalar(arrived), 6, 'all arrive');
};

master_on();
run_suite(publication => '%%OWN%% simple_url dialin https://dialin.contoso.com;');
