package DNS;

# A real DNS server (dnsmasq) on loopback, for suites whose servers are given by name.
#
#     use lib "$FindBin::Bin/pools";
#     use DNS;
#
#     dns_start(ttl => 1);                              # on %%PORT_DNS%%, or address =>, port =>
#     dns_says('fe01.pool.test' => '127.0.0.11', ...);  # all there is from now on
#     dns_asked('fe01.pool.test')                       # how often it was asked
#     dns_stop();
#
# It is authoritative for .test: what it hasn't been given doesn't exist.

use strict;
use warnings;

use Exporter qw(import);
use File::Path qw(make_path remove_tree);

use LyncTest ();
use LyncTest::Paths ();
use LyncTest::Ports ();
use LyncTest::Program ();

our @EXPORT = qw(dns_start dns_stop dns_says dns_asked dns_pid);

my $dir = "$LyncTest::Paths::RUN/t/dns_$$";
my ($owner, $pid) = ($$);

sub dns_pid { $pid }

sub dns_start {
    my (%o) = @_;
    dns_stop();
    make_path($dir);
    dns_says() if !-e "$dir/hosts";
    my $address = $o{address} // '127.0.0.1';
    my $port = $o{port} // LyncTest::Ports::port('DNS');
    my @command = ('dnsmasq', '--keep-in-foreground', '--conf-file=/dev/null', '--no-resolv',
        '--no-hosts', '--no-poll', "--port=$port", "--listen-address=$address",
        '--bind-interfaces', '--local=/test/', "--addn-hosts=$dir/hosts", "--local-ttl=$o{ttl}",
        "--pid-file=$dir/pid", '--log-queries', "--log-facility=$dir/log",
        $> == 0 ? ('--user=root', '--group=root') : ());
    local $ENV{PATH} = "$ENV{PATH}:/usr/sbin:/sbin";
    $pid = LyncTest::Program::spawn("$dir/stderr", @command);
    LyncTest::Program::wait_for_port($address, $port, "dnsmasq ($dir/stderr)"); # on TCP, too
}

sub dns_stop {
    my $running = $pid // return;
    undef $pid;
    return if $owner != $$;
    local $?;
    kill CONT => $running;
    kill TERM => $running;
    waitpid $running, 0;
}

sub dns_says {
    my @all = @_;
    make_path($dir);
    open my $out, '>', "$dir/hosts.new" or die "can't write $dir/hosts.new: $!\n";
    while (my ($name, $address) = splice @all, 0, 2) {
        print $out "$address $name\n";
    }
    close $out;
    rename "$dir/hosts.new", "$dir/hosts" or die "can't write $dir/hosts: $!\n";
    kill HUP => $pid if $pid;
}

sub dns_asked {
    my ($name) = @_;
    open my $in, '<', "$dir/log" or return 0;
    return scalar grep { /query\[A\] \Q$name\E from/ } <$in>;
}

END {
    dns_stop();
    remove_tree($dir) if $owner == $$ && !$?;
}

1;
