package Pools;

# What the suites of pools play with: servers that behave as they are asked to (servers.py), and a
# publication in front of them.
#
#     use lib "$FindBin::Bin/pools";
#     use Pools;
#
#     my $servers = servers('ONE', qw(127.0.0.11 127.0.0.21));    # on %%PORT_ONE%%
#     our $One = publication('ONE', 'server 127.0.0.11; server 127.0.0.21;');
#
#     scene dies => sub {
#         behave('127.0.0.11', ONE => listens => 0);
#         ...stats('127.0.0.11', 'ONE')->{requests}
#
# A port has the same name in all of a suite's blocks, so each block takes one of its own: what the
# module knows of a server outlives a reload.

use strict;
use warnings;

use Exporter qw(import);
use JSON::PP ();

use LyncTest ();
use LyncTest::Paths ();
use LyncTest::Ports ();
use LyncTest::Program ();
use LyncTest::Scene qw(client log_lines wait_until);

our @EXPORT = qw(servers publication behave stats forget_stats ask_once health_logged health_lines);

our $HOST = 'lyncwebext.contoso.com';

# A check that takes its time on a busy machine isn't late; one that never comes is.
our $PATIENCE = 30;

my (@wanted, $program);

# Servers on the port of that name at these addresses. They start with the suite, before nginx.
# "ADDRESS=CERTIFICATE" presents another certificate; "ADDRESS=" speaks plain TCP.
sub servers {
    my ($port, @addresses) = @_;
    die "the servers run already\n" if $program;
    for my $word (@addresses) {
        my ($address, $certificate) = split /=/, $word, 2;
        push @wanted, "$address:" . LyncTest::Ports::port($port) . '='
            . ($certificate // 'fepool.contoso.local');
    }
}

sub start { $program //= LyncTest::Program->start('pools/servers.py', $LyncTest::Paths::PKI, @wanted) }

# Test::Nginx starts nginx in each block; the servers are to be there before.
Test::Nginx::Util::add_block_preprocessor(sub { start() }) if defined &Test::Nginx::Util::add_block_preprocessor;

sub command { my (%command) = @_; return start()->command(\%command) }

sub name { "$_[0]:" . LyncTest::Ports::port($_[1]) }

# Changes how a server behaves: behave(ADDRESS, PORT_NAME, check => 'internal', ...).
sub behave {
    my ($address, $port, %how) = @_;
    $how{listens} = $how{listens} ? JSON::PP::true() : JSON::PP::false() if exists $how{listens};
    command(server => name($address, $port), %how);
}

sub stats { command(stats => 1)->{ name(@_) } }

sub forget_stats { command(forget => 1) }

# One request on a new connection: the answer.
sub ask_once {
    my ($path, $host) = @_;
    return client('https://' . ($host // $HOST))->ask('GET ' . ($path // '/abs/handler'))->answer;
}

# Lines about health in nginx's error log, without what stands in front of their text.
sub health_lines {
    my ($pattern) = @_;
    return map { s/^.*?(?=lync_(?:health|dns): )//r }
        grep { /lync_(?:health|dns): / && (!defined $pattern || $_ =~ $pattern) }
        log_lines(qr/lync_/);
}

# Whether nginx logs such a line about health, in time.
sub health_logged {
    my ($pattern) = @_;
    return wait_until { scalar(my @lines = health_lines($pattern)) } $PATIENCE;
}

# The inside of a publication whose pool has these servers on the port of that name.
sub publication {
    my ($port, $servers, $more) = @_;
    return LyncTest::word('FRONT_ENDS') =~ s/%%SERVERS%%/$servers/r =~ s/PORT_OWN/PORT_$port/r
        =~ s/health_check +off;/$more \/\/ ''/er;
}

1;
