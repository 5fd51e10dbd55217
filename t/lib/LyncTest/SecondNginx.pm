package LyncTest::SecondNginx;

# A second nginx that knows nothing of the first: the block's publication on other ports.

use strict;
use warnings;

use Exporter qw(import);
use LyncTest::Scene;
use LyncTest::Ports qw();

our @EXPORT = qw(second_nginx);

# second_nginx(PORT, sub { change the configuration, $_ }) has it listen for https there. Returns what
# stops it, and its directory.
sub second_nginx {
    my ($https, $change) = @_;
    my $port = \&LyncTest::Ports::port;
    my $dir = scene_dir() . '/second';
    mkdir $dir;
    mkdir "$dir/logs";
    open my $in, '<', $Test::Nginx::Util::ConfFile or die "no configuration: $!\n";
    local $_ = do { local $/; <$in> };
    my %port = ($port->('HTTPS') => $https, $port->('HTTP') => $port->('SECOND_HTTP'));
    s/(https?_listen 127\.0\.0\.1):(\d+)/$1:$port{$2}/g;
    s/listen\s+$Test::Nginx::Util::ServerPort\b/'listen ' . $port->('SECOND_OTHER')/ge;
    s/^\s*(pid|error_log|access_log)\s[^;]*;//mg;
    s/^(\s*)http \{/pid logs\/nginx.pid;\nerror_log logs\/error.log info;\nhttp {\naccess_log off;/m;
    $change->() if $change;
    open my $out, '>', "$dir/nginx.conf" or die "can't write: $!\n";
    print $out $_;
    close $out;
    my $said = `$LyncTest::Paths::NGINX -p $dir/ -e logs/error.log -c nginx.conf 2>&1`;
    wait_until { -s "$dir/logs/nginx.pid" } or die "the second nginx doesn't start: $said\n";
    my $stop = sub {
        open my $pid, '<', "$dir/logs/nginx.pid" or return;
        kill QUIT => scalar(<$pid>) =~ /(\d+)/;
        wait_until { !-e "$dir/logs/nginx.pid" };
    };
    return wantarray ? ($stop, $dir) : $stop;
}

1;
