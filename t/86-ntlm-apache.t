# connection_auth with real NTLM: Apache with mod_auth_gssapi and gss-ntlmssp, which authenticates
# the connection as IIS does, behind the publication and over verified TLS; clients are
# python3-requests-ntlm (t/auth/AuthReal.pm, t/auth/real.py).

use FindBin ();
use lib "$FindBin::Bin/auth";

use LyncTest;
use LyncTest::Scene;
use AuthPlain;
use AuthReal;

start_ntlm();

my $One = publication('server 127.0.0.11;');
my $Two = publication("server 127.0.0.11;\n        server 127.0.0.21;");

scene 'one server', sub {
    my $port = port('HTTPS');
    my $asked = ask('A', $port);
    is("@{ $asked->{statuses} }", '401', 'asked to sign in');
    like($asked->{headers}{'www-authenticate'}, qr/^(?:NTLM|Negotiate)/, 'with NTLM');

    my $alice = ask('A', $port, ntlm => 'alice');
    is("@{ $alice->{statuses} }", '401 401 200', 'a handshake: asked, challenged, answered');
    is(user($alice), 'alice', 'alice signs in');
    for (1 .. 5) {
        my $next = ask('A', $port);
        is("@{ $next->{statuses} } " . user($next), '200 alice', 'and stays, without a header');
        is(connection($next), connection($alice), 'on her connection');
    }

    my $nobody = ask('N', $port);
    is("@{ $nobody->{statuses} } " . user($nobody), '401 -', 'who has no credential is asked');
    isnt(connection($nobody), connection($alice), 'on another connection');

    my $bob = ask('B', $port, ntlm => 'bob');
    is("@{ $bob->{statuses} } " . user($bob), '401 401 200 bob', 'bob signs in');
    is(user(ask('A', $port)), 'alice', 'alice is alice');
    is(user(ask('B', $port)), 'bob', 'bob is bob');
    is(user(ask('N', $port)), '-', 'nobody is nobody');

    # Another client comes where alice was.
    leave('A');
    is(user(ask("N$_", $port)), '-', 'nobody is alice when she has gone') for 1 .. 3;
    is(user(ask('B', $port)), 'bob', 'bob stays');
    is(connection(ask('B', $port)), connection($bob), 'on his connection');
    my $again = ask('A', $port, ntlm => 'alice');
    is(user($again), 'alice', 'alice comes back');
    leave('A', 'B', 'N', map { "N$_" } 1 .. 3);
};

scene 'uploads', sub {
    my $port = port('HTTPS');
    my $alice = ask('A', $port, ntlm => 'alice');
    is(user($alice), 'alice', 'alice signs in');
    my $upload = ask('A', $port, upload => 1_000_000);
    is("@{ $upload->{statuses} } " . user($upload), '200 alice', 'and uploads without a header');
    is(connection($upload), connection($alice), 'on her connection');

    # The body goes with each message of the handshake, as this client does it.
    my $bob = ask('B', $port, ntlm => 'bob', upload => 100_000);
    is(user($bob), 'bob', 'bob signs in with his upload');
    is(user(ask('B', $port)), 'bob', 'and stays');
    is(user(ask('N', $port)), '-', 'nobody is nobody');
    leave('A', 'B', 'N');
};

scene 'two servers', publication => $Two, sub { six_at_two_servers(port('HTTPS'), ntlm => '401 401 200') };

# The same server as Exchange: its sign-ins belong to the connection as well.
scene 'Exchange', publication => exchange_publication(), sub {
    my $port = port('HTTPS');
    for my $url (@EXCHANGE) {
        my $alice = ask('A', $port, ntlm => 'alice', url => $url);
        is(join(' ', @{ $alice->{statuses} }[0, 1], user($alice)), '401 401 alice', "alice signs in to $url");
        for my $next (@EXCHANGE) {
            my $answer = ask('A', $port, url => $next);
            is(user($answer) . ' ' . connection($answer), 'alice ' . connection($alice), "and is known at $next");
        }
        is(user(ask('N', $port, url => $url)), '-', 'nobody is nobody');
        leave('A', 'N');
    }
};

# The same servers behind plain nginx.
scene 'plain nginx crosses, and it is seen', sub {
    my %plain = AuthPlain::start('one');
    my $alice = ask('A', $plain{port}, ntlm => 'alice');
    is(user($alice), 'alice', 'alice signs in behind plain nginx');
    is(user(ask('N', $plain{port})), 'alice', 'and an anonymous client is alice');
    leave('A', 'N');
    is(user(ask('N2', $plain{port})), 'alice', 'when she has gone, too');
    leave('N2');
};

run_suite(publication => $One);
