package LyncTest::Ports;

# Ports that no other suite uses, however many run at the same time.
#
# A process takes whole ranges of ports, each guarded by a lock file for as long as the process
# lives, and hands them out by name: the same name is the same port throughout a suite, so that a
# reload meets the sockets it had. The ranges lie below the kernel's ephemeral ports; a client
# connection can't sit on one of them.

use strict;
use warnings;

use Fcntl qw(O_CREAT O_RDWR LOCK_EX LOCK_NB);
use File::Path qw(make_path);
use File::Spec ();
use IO::Socket::INET ();

use constant {
    FIRST  => 10_000,
    RANGE  => 32,
    RANGES => 680,
};

my (%named, @free, @locks);

# The port called NAME: taken at the first call.
sub port {
    my ($name) = @_;
    return $named{$name} //= take();
}

# A port without a name, or the first of $count adjacent ones.
sub take {
    my ($count) = @_;
    $count //= 1;

    while (1) {
        take_range() while @free < $count;
        my @taken = splice @free, 0, $count;
        next if $taken[-1] - $taken[0] != $count - 1;
        return $taken[0] if !grep { !is_free($_) } @taken;
    }
}

sub take_range {
    my $dir = File::Spec->catdir(File::Spec->tmpdir, "lync-test-ports-$<");
    make_path($dir);

    for my $try (0 .. 4 * RANGES) {
        my $range = int rand RANGES;

        sysopen my $lock, "$dir/$range", O_CREAT | O_RDWR, 0600
            or die "can't open $dir/$range: $!\n";
        next if !flock $lock, LOCK_EX | LOCK_NB;

        push @locks, $lock;
        my $first = FIRST + $range * RANGE;
        @free = $first .. $first + RANGE - 1;
        return;
    }

    die "no range of test ports is free: remove $dir if nothing runs\n";
}

# Somebody outside the suites may listen on any address of the machine.
sub is_free {
    my ($port) = @_;
    my $socket = IO::Socket::INET->new(
        LocalAddr => '0.0.0.0',
        LocalPort => $port,
        Proto     => 'tcp',
        Listen    => 1,
        ReuseAddr => 1,
    );
    return defined $socket;
}

1;
