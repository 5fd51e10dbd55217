package AuthPlain;

# What the suites of connection-bound authentication have in common: the publication they test, and
# plain nginx in front of the same servers, as the recipes of the web have it, to be seen leaking.
#
# The servers of the pool are on 127.0.0.11 and 127.0.0.21, port PORT_POOL.

use strict;
use warnings;

use Exporter qw(import);
use File::Path qw(make_path remove_tree);
use IO::Socket::IP ();
use POSIX ();
use Time::HiRes qw(sleep time);

use LyncTest::Files;
use LyncTest::Paths ();
use LyncTest::Ports ();

our @EXPORT = qw(publication exchange_publication @EXCHANGE);

our $HOST = 'lyncwebext.contoso.com';

# The inside of a publication whose pool has these servers.
sub publication {
    my ($servers) = @_;
    return LyncTest::word('FRONT_ENDS') =~ s/%%SERVERS%%/$servers/r =~ s/PORT_OWN/PORT_POOL/r;
}

# The same servers as Exchange's, and a URL of each of its services. The pool is another one, on PORT_OWN.
our @EXCHANGE = map { "https://mail.contoso.com/$_" }
    qw(EWS/Exchange.asmx mapi/emsmdb/ Microsoft-Server-ActiveSync owa/auth/logon.aspx ecp/default.aspx);
our $OTHER_POOL = 'fepool2.fabrikam.local';
sub exchange_publication {
    return publication('server 127.0.0.31;') =~ s/fepool\.contoso\.local/$OTHER_POOL/gr =~ s/PORT_POOL/PORT_OWN/r
        . "    exchange mail.contoso.com {\n        server 127.0.0.11;\n        server 127.0.0.21;\n"
        . "        certificate_name fepool.contoso.local;\n        listening_ports https=%%PORT_POOL%%;\n"
        . "        health_check off;\n        services ews mapi activesync owa ecp;\n    }\n"
        . "    simple_url dialin https://dialin.contoso.com;\n";
}

my $owner = $$;
my ($dir, $pid);

# Starts plain nginx if it doesn't run: a worker, a cache of connections for everybody. Returns its
# port in front of "one" server or "two", pid => N and dir => DIR.
sub start {
    my ($servers) = @_;
    my %port = (
        one => LyncTest::Ports::port('PLAIN_ONE'),
        two => LyncTest::Ports::port('PLAIN_TWO'),
    );
    run(%port) if !$pid;
    return (port => $port{$servers}, pid => $pid, dir => $dir);
}

sub run {
    my (%port) = @_;
    my $pool = LyncTest::Ports::port('POOL');
    my $pki  = $LyncTest::Paths::PKI;
    my $user = $> == 0 ? 'user root;' : '';
    $dir = "$LyncTest::Paths::RUN/t/plain_$$";
    make_path("$dir/logs");
    write_file("$dir/nginx.conf", <<"END_CONF");
daemon off;
worker_processes 1;
$user
pid $dir/nginx.pid;
error_log $dir/logs/error.log info;
events { worker_connections 512; }
http {
    $LyncTest::Files::TEMPORARY
    upstream one {
        server 127.0.0.11:$pool;
        keepalive 64;
    }
    upstream two {
        server 127.0.0.11:$pool max_fails=0;
        server 127.0.0.21:$pool max_fails=0;
        keepalive 64;
    }
    ssl_certificate               $pki/public.pem;
    ssl_certificate_key           $pki/public.key;
    keepalive_requests            10000;
    client_max_body_size          0;
    proxy_http_version            1.1;
    proxy_set_header              Connection "";
    proxy_set_header              Host \$host;
    proxy_request_buffering       off;
    proxy_buffering               off;
    proxy_ssl_name                fepool.contoso.local;
    proxy_ssl_trusted_certificate $pki/internal-ca.pem;
    proxy_ssl_verify              on;
    server {
        listen 127.0.0.1:$port{one} ssl http2;
        location / { proxy_pass https://one; }
    }
    server {
        listen 127.0.0.1:$port{two} ssl http2;
        location / { proxy_pass https://two; }
    }
}
END_CONF
    $pid = spawn("$dir/logs/start.log", $LyncTest::Paths::NGINX, '-p', "$dir/",
        '-e', "$dir/logs/error.log", '-c', "$dir/nginx.conf");
    wait_for_port('127.0.0.1', $port{two}, "plain nginx ($dir)");
}

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

sub wait_for_port {
    my ($address, $port, $what) = @_;
    my $until = time + 10;
    until (IO::Socket::IP->new(PeerHost => $address, PeerPort => $port)) {
        die "$what doesn't start\n" if time > $until;
        sleep 0.02;
    }
}

# Only in the process that started it: Test::Nginx forks.
sub stop {
    return if !$pid || $$ != $owner;
    local $?;
    kill TERM => $pid;
    waitpid $pid, 0;
    remove_tree($dir);
    undef $pid;
}

END { stop() }

1;
