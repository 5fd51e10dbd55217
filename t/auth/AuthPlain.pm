package AuthPlain;

# What the suites of connection-bound authentication have in common: the publication they test, and
# plain nginx in front of the same servers, as the recipes of the web have it, to be seen leaking.
#
# The servers of the pool are on 127.0.0.11 and 127.0.0.21, port PORT_POOL.

use strict;
use warnings;

use Exporter qw(import);
use File::Path qw(remove_tree);

use LyncTest::Nginx ();
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

my $nginx;

# Starts plain nginx if it doesn't run: a worker, a cache of connections for everybody. Returns its
# port in front of "one" server or "two", pid => N and dir => DIR.
sub start {
    my ($servers) = @_;
    my %port = (one => LyncTest::Ports::port('PLAIN_ONE'), two => LyncTest::Ports::port('PLAIN_TWO'));
    $nginx //= run(%port);
    return (port => $port{$servers}, pid => $nginx->pid, dir => $nginx->{dir});
}

sub run {
    my (%port) = @_;
    my $pool = LyncTest::Ports::port('POOL');
    my $pki  = $LyncTest::Paths::PKI;
    return LyncTest::Nginx->start("$LyncTest::Paths::RUN/t/plain_$$", <<"END_CONF", module => 0, port => $port{two});
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
        listen 127.0.0.1:$port{one} ssl;
        location / { proxy_pass https://one; }
    }
    server {
        listen 127.0.0.1:$port{two} ssl;
        location / { proxy_pass https://two; }
    }
END_CONF
}

END {
    if ($nginx && $nginx->{owner} == $$) {
        local $?;
        $nginx->stop;
        remove_tree($nginx->{dir});
    }
}

1;
