# connection_auth with real Kerberos: a KDC of our own, Apache with mod_auth_gssapi behind the
# publication and over verified TLS, and "curl --negotiate". A Kerberos client needs no challenge:
# its first request carries the credential and is answered with 200. IIS keeps the user for the
# request, or, with authPersistNonNTLM, for the connection; Apache does either here
# (t/auth/AuthReal.pm).

use FindBin ();
use lib "$FindBin::Bin/auth";

use LyncTest;
use LyncTest::Scene;
use LyncTest::Doors;
use AuthPlain;
use AuthReal;

use POSIX ();

start_kerberos();

my $One = publication('server 127.0.0.11;');
my $Two = publication("server 127.0.0.11;\n        server 127.0.0.21;");
my $PerRequest = $One =~ s/PORT_POOL/PORT_REQUESTS/r;

sub connections { my %seen = map { (split)[-1] => 1 } @_; return scalar keys %seen }

sub curl {
    my ($block) = @_;
    my $port = port('HTTPS');
    my @alice = kerberos_curl($port, 'alice', 3);
    is(scalar(grep { /^200 alice / } @alice), 3, 'curl signs alice in') or diag(@alice);
    is(connections(@alice), 1, 'over one connection');
    like((kerberos_curl($port, undef, 1))[0], qr/^401 - /, 'who has no ticket is asked') for 1 .. 3;
    my @bob = kerberos_curl($port, 'bob', 2);
    is(scalar(grep { /^200 bob / } @bob), 2, 'curl signs bob in') or diag(@bob);
    like((kerberos_curl($port, undef, 1))[0], qr/^401 - /, 'who has no ticket is asked') for 1 .. 3;

    # Alice's connection waits between two of her requests, while others come.
    my $pid = fork // die "fork: $!\n";
    if ($pid == 0) {
        my @lines = kerberos_curl($port, 'alice', 3, '--rate', '80/m');
        my $hers = grep { /^200 alice / } @lines;
        POSIX::_exit($hers == 3 && connections(@lines) == 1 ? 0 : 1);
    }
    for (1 .. 12) {
        my ($line) = kerberos_curl($port, undef, 1);
        like($line, qr/^401 - /, 'nobody is nobody while she is there');
        select undef, undef, undef, 0.1;
    }
    waitpid $pid, 0;
    is($?, 0, 'she stays alice on her connection meanwhile');
}
scene 'curl --negotiate', \&curl;
scene 'curl --negotiate and two servers', publication => $Two, \&curl;
scene 'curl --negotiate where the user is kept for the request', publication => $PerRequest, \&curl;

# The same server as Exchange: its sign-ins belong to the connection as well.
scene 'Exchange', publication => exchange_publication(), sub {
    my $port = port('HTTPS');
    for my $url (@EXCHANGE) {
        my $alice = ask('A', $port, kerberos => 'alice', url => $url);
        is(user($alice), 'alice', "alice signs in to $url");
        is(user(ask('N', $port, url => $url)), '-', 'nobody is nobody');
        leave('A', 'N');
    }
};

# Who holds a ticket gave the password to the KDC: that is no attempt, and lets its owner in.
scene 'lockout', publication => exchange_publication(),
    more => 'lockout on failures=2 window=600s hold=600s; account_domain CONTOSO=contoso.com;', sub {
    my $server = doors_server(address => '127.0.0.31', tls => $AuthPlain::OTHER_POOL);
    my $port = port('HTTPS');
    my $signs_in = sub { is(user(ask('A', $port, kerberos => 'alice', url => $EXCHANGE[0])), 'alice', $_[0]); leave('A') };
    try('token', 'alice', 'wrong');
    $signs_in->('alice comes with a ticket');
    try('soap', 'alice', 'wrong');
    is(scalar(log_lines(qr/account \w+ is held/)), 1, 'which clears nothing');
    is(try('token', 'alice', 'right'), 400, 'she is held');
    is(scalar(arrived), 2, 'at two');
    $signs_in->('and comes with a ticket');
};

# The server keeps the user for the connection: nothing but a credential was ever seen.
scene 'the user is kept for the connection', sub {
    my $port = port('HTTPS');
    my $alice = ask('A', $port, kerberos => 'alice');
    is("@{ $alice->{statuses} } " . user($alice), '200 alice', 'alice signs in with one message');
    like($alice->{headers}{'www-authenticate'}, qr/^Negotiate \S{20}/, 'and gets the last token');
    is(user(ask('N', $port)), '-', 'nobody is nobody');
    for (1 .. 3) {
        my $next = ask('A', $port);
        is("@{ $next->{statuses} } " . user($next), '200 alice', 'she stays, without a header');
        is(connection($next), connection($alice), 'on her connection');
        is(user(ask('N', $port)), '-', 'nobody is nobody');
    }
    my $bob = ask('B', $port, kerberos => 'bob');
    is(user($bob), 'bob', 'bob signs in');
    leave('A');
    is(user(ask("N$_", $port)), '-', 'nobody is alice when she has gone') for 1 .. 3;
    is(connection(ask('B', $port)), connection($bob), 'bob stays on his connection');
    leave('B', 'N', map { "N$_" } 1 .. 3);
};

# It keeps the user for the request: the next one is asked again. What the proxy can't know, it
# doesn't bet on.
scene 'the user is kept for the request', publication => $PerRequest, sub {
    my $port = port('HTTPS');
    my $alice = ask('A', $port, kerberos => 'alice');
    is("@{ $alice->{statuses} } " . user($alice), '200 alice', 'alice signs in with one message');
    my $next = ask('A', $port);
    is("@{ $next->{statuses} } " . user($next), '401 -', 'the next one is asked');
    for (1 .. 3) {
        my $again = ask('A', $port, kerberos => 'alice');
        is("@{ $again->{statuses} } " . user($again), '200 alice', 'and let in with a credential');
        is(connection($again), connection($alice), 'on her connection');
        my $nobody = ask('N', $port);
        is(user($nobody), '-', 'nobody is nobody');
        isnt(connection($nobody), connection($alice), 'on another');
    }
    leave('A');
    my $nobody = ask('N2', $port);
    isnt(connection($nobody), connection($alice), 'hers is nobody else\'s when she has gone');
    leave('N', 'N2');
};

scene 'two servers', publication => $Two, sub { six_at_two_servers(port('HTTPS'), kerberos => '200') };

# The same servers behind plain nginx.
scene 'plain nginx crosses, and it is seen', sub {
    my %plain = AuthPlain::start('one');
    like((kerberos_curl($plain{port}, 'alice', 1))[0], qr/^200 alice /, 'alice, behind plain');
    like((kerberos_curl($plain{port}, undef, 1))[0], qr/^200 alice /, 'who comes next is alice');
};

run_suite(publication => $One);
