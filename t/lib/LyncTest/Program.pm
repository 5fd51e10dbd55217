package LyncTest::Program;

# A Python program below t/ that plays servers or clients: it says one line when it is ready, answers
# each line of its standard input with one of JSON, and ends with it.
#
#     my $toy = LyncTest::Program->start('auth/toy.py', @arguments);
#     $toy->command('close', 'all')->{closed}
#     $toy->command({ stats => 1 })

use strict;
use warnings;

use IO::Handle ();
use IO::Socket::IP ();
use IPC::Open2 qw(open2);
use JSON::PP ();
use POSIX ();
use Time::HiRes qw(sleep time);

use LyncTest::Paths ();

# The interpreter that Debian's packages are for.
our $PYTHON = -x '/usr/bin/python3' ? '/usr/bin/python3' : 'python3';

my $json = JSON::PP->new->canonical;
my @running;

sub start {
    my ($class, $path, @arguments) = @_;
    my $pid = open2(my $out, my $in, $PYTHON, "$LyncTest::Paths::SOURCE/t/$path", @arguments);
    my $self = bless { path => $path, pid => $pid, owner => $$, in => $in, out => $out }, $class;
    push @running, $self;
    $self->reply;
    return $self;
}

sub command {
    my ($self, @words) = @_;
    $self->{in}->printflush(join(' ', map { ref $_ ? $json->encode($_) : $_ } @words) . "\n");
    return $self->reply;
}

sub reply {
    my ($self) = @_;
    my $line = readline $self->{out};
    die "t/$self->{path} has ended\n" if !defined $line;
    return JSON::PP::decode_json($line);
}

# By a signal, or by the end of its input. Only in the process that started it: Test::Nginx forks.
sub stop {
    my ($self, $signal) = @_;
    return if $self->{owner} != $$;
    my $pid = delete $self->{pid} or return;
    local $?;
    kill $signal => $pid if $signal;
    close $self->{$_} for qw(in out);
    waitpid $pid, 0;
    @running = grep { $_ != $self } @running;
}

# --- other programs

# A child that ends with this process at the latest, however that ends; what it says is written to
# the file.
sub spawn {
    my ($file, @command) = @_;
    my $child = fork // die "fork: $!\n";
    if ($child == 0) {
        open STDOUT, '>>', $file;
        open STDERR, '>&', \*STDOUT;
        open STDIN, '<', '/dev/null';
        exec 'setpriv', '--pdeathsig', 'TERM', @command or POSIX::_exit(127);
    }
    return $child;
}

# Dies after a while, or when the process given has ended.
sub wait_for_port {
    my ($address, $port, $what, $pid) = @_;
    my $until = time + 30;
    until (IO::Socket::IP->new(PeerHost => $address, PeerPort => $port)) {
        die "$what doesn't start\n" if time > $until || $pid && waitpid $pid, POSIX::WNOHANG();
        sleep 0.01;
    }
    return 1;
}

END { $_->stop for @running }

1;
