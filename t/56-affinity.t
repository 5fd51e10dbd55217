# Affinity by the client's address and by the cookie MS-WSMAN: Microsoft's four rules, and that
# separate proxies choose alike without telling each other anything.

use LyncTest;
use LyncTest::Scene;
use LyncTest::SecondNginx;
use LyncTest::FrontEnds;

master_on();

my $three = join ' ', map { "server 127.0.0.1$_ fail_timeout=2s slow_start=0;" } 1 .. 3;

# With affinity by address clients come through a balancer.
my @source = (
    servers => "$three affinity source;",
    sockets => 'http_listen off; https_listen 127.0.0.1:%%PORT_HTTPS%% proxy_protocol;',
);

# The second one has the servers in another order.
sub second {
    return second_nginx($_[0],
        sub { s/(server 127\.0\.0\.11[^;]*;)(.*)(server 127\.0\.0\.13[^;]*;)/$3$2$1/ });
}

sub from { return "PROXY TCP4 $_[0] 127.0.0.1 40000 443\r\n" }
sub from6 { return "PROXY TCP6 $_[0] ::1 40000 443\r\n" }

sub who { my $answer = asked(@_); return $answer->{status} == 200 ? $answer->{body} : $answer->{status} }

sub set_cookies { my ($answer) = @_; return grep { /^MS-WSMAN/ } $answer->all('Set-Cookie') }

sub value_of { my ($answer) = @_; return ((set_cookies($answer))[0] // '') =~ /^MS-WSMAN=([^;]+)/ ? $1 : undef }

scene "by the client's address", @source, sub {
    my @fe = front_ends(3);
    my @clients = map { "203.0.113.$_" } 1 .. 60;
    my %home = map { $_ => who(first => from($_)) } @clients;
    my %share;
    $share{$_}++ for values %home;
    is(join(' ', sort keys %share), '127.0.0.11 127.0.0.12 127.0.0.13', 'clients are spread');
    cmp_ok((sort { $a <=> $b } values %share)[0], '>=', 10, "evenly: @share{sort keys %share}");
    my @moved = grep { who(first => from($_)) ne $home{$_} } @clients;
    is("@moved", '', 'each comes back to its server');

    $fe[1]->kill;
    my (%now, @others);
    for my $client (@clients) {
        $now{$client} = who(first => from($client));
        push @others, $client if $home{$client} ne '127.0.0.12' && $now{$client} ne $home{$client};
    }
    is("@others", '', 'a server that goes moves nobody else');
    is(scalar(grep { $_ eq '127.0.0.12' || $_ eq 503 } values %now), 0, 'its own clients are served');
    cmp_ok(scalar(keys %{ { map { $now{$_} => 1 } grep { $home{$_} eq '127.0.0.12' } @clients } }),
        '==', 2, 'by both others');
    $fe[1]->start;
    my ($lost) = grep { $home{$_} eq '127.0.0.12' } @clients;
    ok((wait_until { who(first => from($lost)) eq '127.0.0.12' }), 'when it is back');
    @moved = grep { who(first => from($_)) ne $home{$_} } @clients;
    is("@moved", '', 'all are where they were');
};

scene 'IPv6 clients', @source, sub {
    front_ends(3);
    my %home;
    for my $net (1 .. 12) {
        my %servers = map { who(first => from6("2001:db8:0:${net}:$_")) => 1 }
            qw(:1 :2 :ffff:1 1234:5678:9abc:def0);
        is(scalar keys %servers, 1, "2001:db8:0:${net}::/64 is one client");
        $home{$_} = 1 for keys %servers;
    }
    cmp_ok(scalar keys %home, '>', 1, 'others are others');
};

# From a socket's own address.
my $six = IO::Socket::IP->new(LocalHost => '::1', Listen => 1) ? 'https_listen [::1]:%%PORT_HTTPS%%;' : '';
scene 'without PROXY protocol', servers => "$three affinity source;", more => $six, sub {
    front_ends(3);
    for my $address (undef, $six ? '::1' : ()) {
        my %servers = map { who(address => $address) => 1 } 1 .. 6;
        is(scalar keys %servers, 1, 'one client, one server');
    }
};

# Two instances that share nothing choose alike.
scene 'two instances, by address', @source, sub {
    front_ends(3);
    my $second = second(port('SECOND'));
    my ($differ, %used) = (0);
    for my $n (1 .. 40) {
        my $first = from("198.51.100.$n");
        my ($one, $other) = (who(first => $first), who(first => $first, port => port('SECOND')));
        $differ++ if $one ne $other;
        $used{$one}++;
    }
    is($differ, 0, '40 clients have the same server on both');
    is(scalar keys %used, 3, 'on all servers');
    $second->stop('QUIT');
};

scene 'two instances, by cookie', sub {
    front_ends(3);
    my $second = second(port('SECOND'));
    my %used;
    for my $n (1 .. 12) {
        my $first = asked();
        my $cookie = value_of($first);
        my $other = asked(port => port('SECOND'), headers => [Cookie => "MS-WSMAN=$cookie"]);
        is($other->{body}, $first->{body}, 'the other proxy knows the cookie');
        is(scalar set_cookies($other), 0, 'and sets none');
        $used{ $first->{body} }++;
    }
    is(join(' ', values %used), '4 4 4', 'new clients are balanced');
    $second->stop('QUIT');
};

# Microsoft's four rules.
scene 'the rules of MS-WSMAN', sub {
    my @fe = front_ends(3);
    my $answer = asked();
    my ($cookie) = set_cookies($answer);
    like($cookie, qr/^MS-WSMAN=[0-9a-f]{32}; path=\/$/, 'its name, a value that says nothing');
    unlike($cookie, qr/httponly/i, 'not httpOnly');
    unlike($cookie, qr/expires|max-age/i, 'no expiry');

    # On every answer of a server whose request lacked it, whatever an earlier one on the connection did.
    my $client = client('https://lyncwebext.contoso.com');
    for my $n (1 .. 3) {
        is(scalar set_cookies($client->ask('GET /abs/handler')->answer), 1, "request $n without: set");
    }
    is(scalar set_cookies($client->ask('GET /abs/handler', Cookie => 'MS-WSMAN=abc')->answer), 0,
        'with: not set');
    is(scalar set_cookies($client->ask('GET /abs/handler', Cookie => 'a=b; MS-WSMANX=1')->answer), 1,
        'with others: set');
    is(scalar set_cookies($client->ask('GET /abs/handler', Cookie => 'MS-WSMAN=')->answer), 1,
        'with an empty one: set');
    is(scalar set_cookies($client->ask('HEAD /abs/handler')->answer(1)), 1, 'HEAD: set');
    for my $status (401, 403, 404, 503) {
        my $said = $client->ask("GET /abs/handler?status=$status")->answer;
        is($said->{status}, $status, "a $status");
        is(scalar set_cookies($said), 1, "on a $status: set");
    }
    my @own = set_cookies($client->ask('GET /abs/handler?own')->answer);
    is("@own", 'MS-WSMAN=of-the-server; path=/', "the server's own: no second one");

    my $refused = $client->ask('GET /cscp/')->answer;
    is($refused->{status}, 404, 'what no pool answers');
    is(scalar set_cookies($refused), 0, 'sets none');

    $_->kill for @fe;
    my $down = asked();
    is($down->{status}, 503, 'nobody is there');
    is(scalar set_cookies($down), 0, "the proxy's own 503: no server's, none set");
};

scene 'a client stays', sub {
    my @fe = front_ends(3);
    my %client;
    for (1 .. 9) {
        my $answer = asked();
        $client{ value_of($answer) } = $answer->{body};
    }
    is(scalar keys %client, 9, 'nine clients');
    my $lost = sub {
        join ' ', grep { who(headers => [Cookie => "x=y; MS-WSMAN=$_; z=1"]) ne $client{$_} } keys %client;
    };
    is($lost->(), '', 'each stays with its server') for 1 .. 2;
    is(reload(), 'reloaded', 'a reload');
    is($lost->(), '', 'each stays');
    edit { s/(server 127\.0\.0\.11[^;]*;)(.*)(server 127\.0\.0\.13[^;]*;)/$3$2$1/ };
    is(reload(), 'reloaded', 'another order of servers');
    is($lost->(), '', 'each stays');
    $fe[0]->kill;
    my @moved = grep { who(headers => [Cookie => "MS-WSMAN=$_"]) ne $client{$_} } keys %client;
    is(join(' ', sort map { $client{$_} } @moved), '127.0.0.11 127.0.0.11 127.0.0.11',
        'a server that goes moves its own');
    $fe[0]->start;
    ok((wait_until { $lost->() eq '' }), 'and they come back');
};

scene 'forged values', sub {
    front_ends(3);
    my %used;
    for my $value ('a', '../../etc/passwd', '127.0.0.11', '%00', "'; drop table", 'x' x 4000,
        map { "forged$_" } 1 .. 20) {
        my @answers = map { asked(headers => [Cookie => "MS-WSMAN=$value"]) } 1 .. 2;
        my $short = substr $value, 0, 20;
        is(join(' ', map { $_->{status} } @answers), '200 200', "$short: answered");
        is($answers[0]->{body}, $answers[1]->{body}, 'by one server');
        is(scalar(map { set_cookies($_) } @answers), 0, 'and nothing said');
        $used{ $answers[0]->{body} }++;
    }
    is(scalar keys %used, 3, 'a value is a number like any other');
};

scene 'no affinity', servers => $three, sub {
    front_ends(3);
    is(scalar set_cookies(asked()), 0, 'no cookie since Lync 2013');
};

scene 'one server', servers => 'server 127.0.0.11; affinity cookie;', sub {
    front_ends(1);
    my $answer = asked();
    is($answer->{body}, '127.0.0.11', 'a pool of one server');
    is(scalar set_cookies($answer), 1, 'keeps the rules, too');
};

run_suite(publication => '%%FRONT_ENDS%%', servers => "$three affinity cookie;", workers => 1);
