package LyncTest::Asks;

# "--- asks": a table of requests and what comes of each, asked one after the other.
#
#     GET https://meet.contoso.com/alice  -> external https fepool.contoso.local | Host: meet.contoso.com
#     GET https://meet.contoso.com/cscp/  -> 404
#     GET http://meet.contoso.com/alice   -> 301 https://meet.contoso.com/alice
#     GET https://www.example/            -> closed
#
# Behind the arrow stand the status (200 if it isn't written) and how the body begins; of a redirect
# it is the Location. Each " | LINE" is a line of the answer, of its head or of its body; " | !NAME"
# a header that it hasn't. "closed" means that the connection is closed without a byte.
#
# An answer other than 200 of which nothing more is said has to be nginx's own: no server of a pool
# was asked. The certificate has to be trusted, unless the block says "insecure". Headers of the
# block's "more_headers" go with every request.

use strict;
use warnings;

use LyncTest::Client ();
use LyncTest::Paths ();
use LyncTest::Ports ();
use Test::More ();

our $TIMEOUT = $ENV{TEST_NGINX_TIMEOUT};

sub ask_all {
    my ($block) = @_;
    for my $row (grep { /\S/ } split /\n/, $block->asks) {
        my ($method, $scheme, $host, $port, $path, $expected)
            = $row =~ m{^\s*(\S+)\s+(https?)://([^/:?\s]+)(?::(\d+))?(\S*)\s+->\s+(.*?)\s*$}
            or Test::More::BAIL_OUT($block->name . " - no row of \"asks\": $row");

        my $headers = $block->more_headers // '';
        $headers =~ s/\s*\n/\r\n/g;
        $headers .= "Content-Length: 0\r\n" if $method =~ /^P/;
        $path = "/$path" if $path !~ m{^/};
        my $got = LyncTest::Client::exchange(
            address => '127.0.0.1',
            port    => $port // LyncTest::Ports::port(uc $scheme),
            packets => [{ value => "$method $path HTTP/1.1\r\nHost: $host\r\n${headers}Connection: close\r\n\r\n" }],
            timeout => $TIMEOUT,
            # Under valgrind nobody knows when nginx listens.
            patience => $Test::Nginx::Util::UseValgrind ? $TIMEOUT / 2 : 0,
            tls => $scheme eq 'https'
                ? { name => $host, sni => $host, ca => "$LyncTest::Paths::PKI/public-ca.pem" } : undef,
        );

        my $mistake = mistake($got, $expected);
        $mistake ||= "the certificate is not trusted: $got->{tls}{trusted}"
            if $scheme eq 'https' && !defined $block->insecure && $got->{tls}{trusted} ne 'yes';
        $row =~ s/\s+/ /g;
        Test::More::ok(!$mistake, $block->name . " - $row") or Test::More::diag("$mistake\n$got->{bytes}");
    }
}

# What is wrong with an answer; nothing if it is as expected.
sub mistake {
    my ($got, $expected) = @_;
    my ($what, @lines) = split /\s+\|\s+/, $expected;
    if ($what eq 'closed') {
        return $got->{outcome} eq 'closed' ? '' : "outcome \"$got->{outcome}\"";
    }
    return "outcome \"$got->{outcome}\" $got->{error}" if $got->{outcome} ne 'ok';

    my ($head, $body) = split /\r\n\r\n/, $got->{bytes}, 2;
    my ($status) = $head =~ m{^HTTP/1\.1 (\d+)};
    my ($wanted, $begins) = $what =~ /^(\d{3})(?: (.*))?$/ ? ($1, $2 // '') : (200, $what);
    return 'status ' . ($status // 'none') if ($status // '') ne $wanted;

    if ($begins ne '') {
        my $begin = $status =~ /^30[1278]/ ? ($head =~ /^Location: (.*?)\r?$/m)[0] : substr $body // '', 0, length $begins;
        return "not \"$begins\"" if ($begin // '') ne $begins;
    } elsif ($status != 200 && $head =~ /^X-Site:/m) {
        return 'a server of a pool has answered';
    }

    my %has = map { $_ => 1 } split /\r?\n/, $got->{bytes};
    for my $line (@lines) {
        my $fits = $line =~ /^!(.*)/ ? $head !~ /^\Q$1\E:/mi : $has{$line};
        return "no line \"$line\"" if !$fits;
    }
    return '';
}

1;
