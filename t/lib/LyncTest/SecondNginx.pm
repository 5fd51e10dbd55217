package LyncTest::SecondNginx;

# A second nginx that knows nothing of the first: the block's publication on other ports.

use strict;
use warnings;

use Exporter qw(import);
use File::Path qw(make_path);
use LyncTest::Scene;
use LyncTest::Ports qw();

our @EXPORT = qw(second_nginx);

# second_nginx(PORT, sub { change the configuration, $_ }) has it listen for https there: a LyncTest::Nginx,
# whose options may follow.
sub second_nginx {
    my ($https, $change, %o) = @_;
    my $port = \&LyncTest::Ports::port;
    my $dir = scene_dir() . '/second';
    make_path("$dir/logs");
    local $_ = slurp($Test::Nginx::Util::ConfFile);
    my %port = ($port->('HTTPS') => $https, $port->('HTTP') => $port->('SECOND_HTTP'));
    s/(https?_listen 127\.0\.0\.1):(\d+)/$1:$port{$2}/g;
    s/listen\s+$Test::Nginx::Util::ServerPort\b/'listen ' . $port->('SECOND_OTHER')/ge;
    s/^\s*(daemon|pid|error_log|access_log)\s[^;]*;//mg;
    s/^(\s*)http \{/daemon off;\npid logs\/nginx.pid;\nerror_log logs\/error.log info;\nhttp {\naccess_log off;/m;
    $change->();
    write_file("$dir/nginx.conf", $_);
    return LyncTest::Nginx->run($dir, ['-p', "$dir/", '-e', 'logs/error.log', '-c', 'nginx.conf'], port => $https, %o);
}

1;
