# Reloads under load with pending GETs held, in small; "make soak" is the large one. The program is
# t/pools/reloads.py; it runs an nginx of its own.

use strict;
use warnings;

use LyncTest::Paths;
use LyncTest::Program ();
use Test::More;

my $slow = $ENV{TEST_NGINX_USE_VALGRIND};

my @command = (
    $LyncTest::Program::PYTHON, "$LyncTest::Paths::SOURCE/t/pools/reloads.py",
    '--module', $LyncTest::Paths::MODULE, '--nginx', $LyncTest::Paths::NGINX,
    '--pki', $LyncTest::Paths::PKI, '--dir', "$LyncTest::Paths::RUN/t/reloads_$$",
    '--pending', 50, '--reloads', 5, '--pause', 0.5, '--hold', 3,
    '--shutdown', $slow ? 20 : 12,
);

open my $out, '-|', @command or die "can't run $command[1]: $!\n";
my @said = <$out>;
close $out;
is($?, 0, 'no request fails, and old workers go') or diag(@said);
is($said[-1], "nothing was wrong\n", 'it says so');
like("@said", qr/\b0 failed/, 'none');

done_testing();
