# lyncctl doctor: no finding in a healthy deployment, and exactly the right ones in each of the
# deliberate faults. The work is done by tool/doctor_test, which writes TAP itself.

use strict;
use warnings;

use LyncTest::Paths;

my $lyncctl = "$LyncTest::Paths::BUILD/lyncctl";
if (!-x $lyncctl) {
    print "1..0 # SKIP $lyncctl isn't built\n";
    exit 0;
}

$ENV{BUILD}        = $LyncTest::Paths::BUILD;
$ENV{LYNC_MODULE}  = $LyncTest::Paths::MODULE;
$ENV{NGINX_BINARY} = $ENV{TEST_NGINX_BINARY} if $ENV{TEST_NGINX_BINARY};

my $script = "$LyncTest::Paths::SOURCE/t/tool/doctor_test";
exec $script or die "$script: $!";
