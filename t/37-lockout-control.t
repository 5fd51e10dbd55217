# Whom lockout holds: lync_control, lyncctl, the status. And real NTLM: Apache with gss-ntlmssp.

use FindBin ();
use lib "$FindBin::Bin/auth";

use LyncTest;
use LyncTest::Scene qw(:DEFAULT lync_status lyncctl status_text);
use LyncTest::Doors;
use AuthPlain;
use AuthReal;

my $LIMITS = 'lockout on failures=3 window=600s hold=600s source_accounts=2;'
    . ' account_domain CONTOSO=contoso.com;';

scene 'held, shown and released', publication => '%%OWN%%', more => $LIMITS,
    after => '%%STATUS%% %%CONTROL%%', sub {
    my $server = doors_server();
    like(lyncctl(qw(lockout list --format csv)), qr/^0 kind,who,seconds\s*$/, 'nobody');
    try('basic', 'CONTOSO\alice', 'wrong') for 1 .. 3;
    try('token', 'bob', 'wrong') for 1 .. 3;
    my ($hash) = map { /account (\w{16}) is held/ } log_lines(qr/lync_lockout/);
    my $list = lyncctl(qw(lockout list --format csv));
    like($list, qr/^account,$hash,\d+\r?$/m, 'the account, by its hash') or diag($list);
    like($list, qr/^source,127\.0\.0\.1,\d+\r?$/m, 'the source');
    unlike($list, qr/alice|bob/, 'no name');
    my $json = lync_status();
    is($json->{lockout}{sources_held}, 1, 'JSON: a source');
    is($json->{lockout}{accounts_held}, 1, 'and an account');
    like(status_text('prometheus'), qr/^lync_lockout_held\{kind="source"\} 1$/m, 'metrics');
    like(lyncctl('lockout release nobody@contoso.com'), qr/^2 lyncctl: "nobody\@contoso\.com" isn't held$/, 'not held');
    is(lyncctl('lockout release 127.0.0.1'), qq{0 "127.0.0.1" is released\n}, 'the source');
    is(try('basic', 'alice', 'right'), 401, 'not the account');
    is(lyncctl(q{lockout release 'contoso\\Alice'}), qq{0 "contoso\\Alice" is released\n}, 'the account');
    is(try('basic', 'alice', 'right'), 200, 'it signs in');
    try('basic', 'carol', 'wrong') for 1 .. 3;
    like(lyncctl('lockout release --all'), qr/^0 \d accounts and sources are released$/, 'all');
    is(try('basic', 'carol', 'right'), 200, 'carol signs in');
    try('basic', 'dave', 'wrong') for 1 .. 3;
    ($hash) = reverse map { /account (\w{16}) is held/ } log_lines(qr/lync_lockout/);
    is(lyncctl("lockout release $hash"), qq{0 "$hash" is released\n}, 'by its hash');
    is(try('basic', 'dave', 'right'), 200, 'dave signs in');
    like(lyncctl('lockout release 2001:db8::7'), qr/^2 lyncctl: "2001:db8::7" isn't held$/, 'no IPv6 source');
    like(lyncctl('lockout release'), qr/^2 lyncctl: nothing to release/, 'whom');
    is(scalar(grep { /lync_control/ } log_lines(qr/is released|are released/)), 4, 'the log says so');
};

scene 'off', publication => '%%OWN%%', after => '%%CONTROL%%', sub {
    like(lyncctl('lockout list'), qr/^2 lyncctl: no publication has "lockout on": nothing is held$/, 'so it says');
};

start_ntlm();

scene 'real NTLM', publication => publication('server 127.0.0.11;'), more => $LIMITS, sub {
    my $port = port('HTTPS');
    my $wrong = sub { command({ client => $_[0], url => "https://$AuthPlain::HOST:$port$AuthReal::PATH",
        ntlm => ["CONTOSO\\alice", 'no secret'] }) };
    is("@{ ask('A', $port, ntlm => 'alice')->{statuses} }", '401 401 200', 'alice signs in');
    is("@{ $wrong->(qq{W$_})->{statuses} }", '401 401 401', 'a wrong password') for 1 .. 3;
    is(scalar(log_lines(qr/lync_lockout: account \w+ is held/)), 1, 'held at three');
    my $held = ask('B', $port, ntlm => 'alice');
    is("@{ $held->{statuses} }", '401 401 401', 'the right one is refused');
    is($held->{headers}{'x-connection'}, undef, 'by the proxy');
    my $next = ask('B', $port, ntlm => 'bob');
    is("@{ $next->{statuses} } " . user($next), '401 401 200 bob', 'bob, on the same connection');
    is(user(ask('A', $port)), 'alice', 'who is signed in stays');
    leave('A', 'B', map { "W$_" } 1 .. 3);
};

# Exchange is Apache, the pool takes the other doors.
scene 'real NTLM mixed with the others', publication => exchange_publication(), after => '%%CONTROL%%',
    more => 'lockout on failures=4 window=600s hold=600s source_accounts=0; account_domain CONTOSO=contoso.com;', sub {
    my $server = doors_server(address => '127.0.0.31', tls => $AuthPlain::OTHER_POOL);
    my $port = port('HTTPS');
    my $url = $EXCHANGE[0] =~ s{(//[^/]+)}{$1:$port}r;
    my $wrong = sub { join ' ', @{ command({ client => $_[0], url => $url,
        ntlm => ['CONTOSO\alice', 'no secret'] })->{statuses} } };
    is($wrong->('W1'), '401 401 401', 'a wrong password by NTLM');
    is(try('token', 'Alice@contoso.com', 'wrong'), 400, 'for a token');
    is($wrong->('W2'), '401 401 401', 'by NTLM');
    is(scalar(log_lines(qr/is held/)), 0, 'three');
    is(try('page', 'contoso\alice', 'wrong'), 200, 'in a form');
    is(scalar(log_lines(qr/account \w+ is held/)), 1, 'held at four');
    my $held = ask('A', $port, ntlm => 'alice', url => $EXCHANGE[0]);
    is("@{ $held->{statuses} }", '401 401 401', 'the right one is refused');
    is($held->{headers}{'x-connection'}, undef, 'by the proxy');
    is(try('soap', 'alice', 'right'), 500, 'and a ticket');
    is(scalar(arrived), 2, 'nothing more arrives');
    is(user(ask('B', $port, ntlm => 'bob', url => $EXCHANGE[0])), 'bob', 'bob signs in');
    like(lyncctl('lockout release alice@contoso.com'), qr/^0 /, 'released');
    is(user(ask('C', $port, ntlm => 'alice', url => $EXCHANGE[0])), 'alice', 'alice signs in');
    leave('A', 'B', 'C', 'W1', 'W2');
};

run_suite();
