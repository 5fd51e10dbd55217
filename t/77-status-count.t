# Counters are exact over clients, workers and reloads: a small run of t/status/count.py.

use strict;
use warnings;

use LyncTest::Paths ();
use Test::More tests => 2;

$ENV{BUILD} = $LyncTest::Paths::BUILD;
$ENV{NGINX_BINARY} = $LyncTest::Paths::NGINX;
$ENV{LYNC_MODULE} = $LyncTest::Paths::MODULE;

SKIP: {
    skip 'nginx starts without a sanitizer or valgrind here', 2
        if $ENV{TEST_NGINX_USE_VALGRIND} || $ENV{ASAN_OPTIONS};
    my $said = `python3 $LyncTest::Paths::SOURCE/t/status/count.py --requests 6000 --clients 4 2>&1`;
    is($?, 0, 'what was counted is what was sent') or diag($said);
    my $lines = () = $said =~ /^ok /mg;
    cmp_ok($lines, '>=', 12, 'in every respect');
}
