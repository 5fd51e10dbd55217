package LyncTest::Nginx;

# An nginx beside Test::Nginx's, in a directory of its own below which it writes.
#
#     my ($status, $said) = LyncTest::Nginx::try($dir, '-t', $http);
#     my $nginx = LyncTest::Nginx->start($dir, $http, port => 8080);
#     $nginx->stop('QUIT');
#
# $http stands in http { }. `main` stands outside of it, in place of the default; `module => 0` is an
# nginx without the module; `wrapper` a command in front of it. start() returns once it listens on `port`
# (of `address`), and dies with what it says if it won't.

use strict;
use warnings;

use File::Path qw(make_path);

use LyncTest::Files;
use LyncTest::Paths ();
use LyncTest::Program ();

sub write_conf {
    my ($dir, $http, %o) = @_;
    make_path("$dir/logs");
    my $load = $o{module} // 1 ? "load_module $LyncTest::Paths::MODULE;" : '';
    my $user = $> == 0 ? 'user root;' : '';
    write_file("$dir/nginx.conf", "$load $user daemon off; pid nginx.pid; error_log logs/error.log info;\n",
        $o{main} // '', "\nevents { worker_connections 512; }\nhttp {\n$http\n$LyncTest::Files::TEMPORARY}\n");
    return ('-p', "$dir/", '-e', 'logs/error.log', '-c', 'nginx.conf');
}

# Its exit status, and what it says. `limits` are prlimit's.
sub try {
    my ($dir, $option, $http, %o) = @_;
    my $command = join ' ', $o{limits} // (), $LyncTest::Paths::NGINX, $option, write_conf($dir, $http, %o);
    my $said = `$command 2>&1`;
    return ($?, $said);
}

sub start {
    my ($class, $dir, $http, %o) = @_;
    return $class->run($dir, [write_conf($dir, $http, %o)], %o);
}

# With options of its own.
sub run {
    my ($class, $dir, $options, %o) = @_;
    my $said = "$dir/logs/start.log";
    my $pid = LyncTest::Program::spawn($said, @{ $o{wrapper} // [] }, $LyncTest::Paths::NGINX, @$options);
    my $self = bless { pid => $pid, dir => $dir, owner => $$ }, $class;
    my $mistake = !$o{port} || eval { LyncTest::Program::wait_for_port($o{address} // '127.0.0.1', $o{port}, "nginx in $dir", $pid) } ? '' : $@;
    if ($mistake) {
        $self->stop('KILL');
        die $mistake, slurp($said) // '';
    }
    return $self;
}

sub pid { $_[0]{pid} }

# Only in the process that started it: Test::Nginx forks. Its exit status.
sub stop {
    my ($self, $signal) = @_;
    return if $$ != $self->{owner};
    my $pid = delete $self->{pid} or return;
    local $?;
    kill $signal // 'TERM' => $pid;
    waitpid $pid, 0;
    return $?;
}

1;
