# http_listen and https_listen: the defaults, what may be said of a socket, and one socket in several
# publications and servers.

use LyncTest;
use LyncTest::Scene;
use LyncTest::Files qw(preload);

use IO::Socket::IP ();

# A Standard Edition server on the default sockets, or on others.
sub smallest {
    my ($sockets) = (@_, '');
    return LyncTest::expand("    lync_publish contoso { $sockets\n%%STANDARD%%\n}\n");
}

# Whether nginx -t may bind the ports below 1024. Somebody may sit on them: that is no mistake to it.
sub may_bind {
    return 1 if IO::Socket::IP->new(LocalHost => '0.0.0.0', LocalPort => 80, Listen => 1) || !$!{EACCES};
    Test::More::skip('ports 80 and 443 are not for us', $_[0]);
}

# Not started: nobody is to take the machine's ports 80 and 443.
scene 'the defaults', http_config => '', sub {
  SKIP: {
    may_bind(2);
    my ($status, $text) = nginx('-T', smallest());
    is($status, 0, 'the smallest publication loads') or diag($text);
    my %listens = map { $_ => 1 } $text =~ /^\s*listen ([^;]+);/mg;
    my @sockets = sort keys %listens;

    my @six = IO::Socket::IP->new(LocalHost => '::', LocalPort => 0, Proto => 'tcp', Listen => 1)
        ? ('[::]:443 ssl', '[::]:80') : ();
    is_deeply(\@sockets, ['443 ssl', '80', @six], 'it listens on 80 and 443 of IPv4, and of IPv6 where that is');
    unlike($text, qr/no IPv6/, 'of which it has nothing to say then') if @six;
    }
};

# A system without IPv6, played by a library that refuses its sockets.
scene 'a system without IPv6', http_config => '', sub {
    my $dir = scene_dir();
    my $library = preload("$dir/no-ipv6", <<'END');
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <sys/socket.h>

int socket(int domain, int type, int protocol)
{
    int (*real)(int, int, int) = dlsym(RTLD_NEXT, "socket");
    if (domain == AF_INET6) {
        errno = EAFNOSUPPORT;
        return -1;
    }
    return real(domain, type, protocol);
}
END
  SKIP: {
        may_bind(3);
        Test::More::skip('no C compiler', 3) if !$library;
        local $ENV{LD_PRELOAD} = $library;
        my ($status, $text) = nginx('-T', smallest());
        is($status, 0, 'without IPv6 the smallest publication loads') or diag($text);
        my %listens = map { $_ => 1 } $text =~ /^\s*listen ([^;]+);/mg;
        is(join(', ', sort keys %listens), '443 ssl, 80', 'and listens on IPv4');
        my @notices = log_lines(qr/\[notice\].*IPv6/, "$dir/logs/error.log");
        is_deeply([map { /no IPv6.* port (\d+) .* in \Q$dir\E\/nginx\.conf:5$/ } @notices], [80, 443],
            'which it says, once for each port');
    }
};

scene 'addresses of IPv6', http_config => '', sub {
  SKIP: {
        IO::Socket::IP->new(LocalHost => '::1', LocalPort => 0, Proto => 'tcp', Listen => 1)
            or Test::More::skip('no IPv6 here', 2);
        my ($status, $text) = nginx('-t', smallest("http_listen   [::1]:@{[port('V6_HTTP')]}; https_listen  [0:0::1]:@{[port('V6_HTTPS')]} ipv6only=on;"));
        is($status, 0, 'addresses of IPv6') or diag($text);
    }
};

# Before nginx 1.25.1 its handshakes would find servers without certificates.
scene 'a default server that makes a socket of plain HTTP speak TLS', http_config => '', sub {
    my ($http, $https, $pki) = (port('ON_HTTP'), port('ON_HTTPS'), $LyncTest::Paths::PKI);
    my ($status, $text) = nginx('-t', smallest("http_listen 127.0.0.1:$http; https_listen 127.0.0.1:$https;")
        . "server { listen 127.0.0.1:$http default_server; ssl on; ssl_certificate $pki/public.pem; ssl_certificate_key $pki/public.key; }");
  SKIP: {
        Test::More::skip('this nginx knows no "ssl on"', 2) if $text =~ /unknown directive "ssl"/;
        isnt($status, 0, 'refused');
        like($text, qr/\[emerg\] 127\.0\.0\.1:$http is plain HTTP in lync_publish "contoso", but a server outside of it says "ssl on": a socket speaks one/, 'with the reason');
    }
};

# What the kernel says of the publication's sockets: the backlog stands where ss shows it.
scene backlog => sub {
    my $port = port('HTTPS');
    my @lines = grep { /127\.0\.0\.1:$port\b/ } `ss -Hltn 2>/dev/null`;
  SKIP: {
        Test::More::skip('no ss here', 1) if !@lines;
        is((split ' ', $lines[0])[2], 77, 'backlog');
    }
};

scene 'a foreign server with an address of its own takes all who come there, and a notice says so',
    sockets => 'http_listen %%PORT_ALL_HTTP%%; https_listen %%PORT_ALL_HTTPS%%;',
    after   => <<'END', sub {
    server {
        listen       127.0.0.1:%%PORT_ALL_HTTP%%;
        listen       127.0.0.1:%%PORT_ELSE%%;
        return       200 foreign;
    }
END
    my $port = port('ALL_HTTP');
    is(client("http://meet.contoso.com:$port")->ask('GET /')->answer->{body}, 'foreign', 'nginx prefers it');
    my %said = map { s/^.*?\[notice\] \d+#\d+: //r => 1 } log_lines(qr/\[notice\].*very address/);
    is_deeply([map { s/:\d+$/:LINE/r } keys %said], ["connections to 127.0.0.1:$port go to servers outside of "
        . "lync_publish alone, since these have that very address, not 0.0.0.0:$port: to publish names there as "
        . "well, write \"http_listen 127.0.0.1:$port;\" beside \"http_listen 0.0.0.0:$port;\" in $Test::Nginx::Util::ConfFile:LINE"], 'once');
};

run_suite(publication => '%%STANDARD%%');

__DATA__

=== several sockets
--- sockets
        http_listen   127.0.0.1:%%PORT_HTTP%%;
        http_listen   127.0.0.1:%%PORT_HTTP2%%;
        https_listen  127.0.0.1:%%PORT_HTTPS%%;
        https_listen  127.0.0.1:%%PORT_HTTPS2%%;
--- asks
GET https://lyncwebext.contoso.com/abs/handler                       -> external
GET https://lyncwebext.contoso.com:%%PORT_HTTPS2%%/abs/handler       -> external
GET http://lyncwebext.contoso.com/                                   -> 301
GET http://lyncwebext.contoso.com:%%PORT_HTTP2%%/                    -> 301

=== parameters of a socket are said to nginx once
--- sockets
        http_listen   127.0.0.1:%%PORT_HTTP%%;
        https_listen  127.0.0.1:%%PORT_HTTPS%% backlog=77 so_keepalive=30m::10;
--- asks
GET https://lyncwebext.contoso.com/abs/handler -> external
--- nginx_T_unlike
(?s)backlog=77.*backlog=77.*backlog=77
--- scene: backlog

=== several publications on one socket
--- after: %%FABRIKAM%%
--- asks
GET https://lyncwebext.contoso.com/abs/handler  -> external https fepool.contoso.local
GET https://lyncwebext.fabrikam.com/abs/handler -> external https fepool2.fabrikam.local
GET https://lyncdiscover.contoso.com/           -> external https fepool.contoso.local
GET https://lyncdiscover.fabrikam.com/          -> external https fepool2.fabrikam.local

=== each with a certificate of its own, chosen by SNI
--- after eval: main::word('FABRIKAM') =~ s{%%CERTIFICATE%%}{certificate %%PKI%%/public-ecdsa.pem %%PKI%%/public-ecdsa.key;}r
--- request
GET https://lyncwebext.fabrikam.com/abs/handler
--- tls
key: EC
--- response_headers
X-Site: external

=== the same socket written in two ways
--- sockets: http_listen %%PORT_ALL_HTTP%%; https_listen *:%%PORT_ALL_HTTPS%%;
--- after eval
main::word('FABRIKAM') =~ s{%%SOCKETS%%}{http_listen *:%%PORT_ALL_HTTP%%; https_listen 0.0.0.0:%%PORT_ALL_HTTPS%%;}r
--- asks
GET https://lyncwebext.contoso.com:%%PORT_ALL_HTTPS%%/abs/handler  -> external
GET https://lyncwebext.fabrikam.com:%%PORT_ALL_HTTPS%%/abs/handler -> external

=== a socket of one address beside one of all
--- sockets: http_listen %%PORT_ALL_HTTP%%; https_listen %%PORT_ALL_HTTPS%%;
--- after eval
main::word('FABRIKAM') =~ s{%%SOCKETS%%}{http_listen 127.0.0.1:%%PORT_ALL_HTTP%%; https_listen 127.0.0.1:%%PORT_ALL_HTTPS%%;}r
--- asks
GET https://lyncwebext.fabrikam.com:%%PORT_ALL_HTTPS%%/abs/handler -> external

=== the second publication may be the one that has parameters
--- after eval
main::word('FABRIKAM') =~ s{%%SOCKETS%%}{http_listen 127.0.0.1:%%PORT_HTTP%%; https_listen 127.0.0.1:%%PORT_HTTPS%% backlog=77;}r
--- asks
GET https://lyncwebext.contoso.com/abs/handler -> external
--- scene: backlog

=== reuseport
--- sockets
        http_listen   127.0.0.1:%%PORT_REUSE_HTTP%% reuseport;
        https_listen  127.0.0.1:%%PORT_REUSE_HTTPS%% reuseport;
--- asks
GET https://lyncwebext.contoso.com:%%PORT_REUSE_HTTPS%%/abs/handler -> external
