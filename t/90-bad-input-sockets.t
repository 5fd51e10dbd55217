# Sockets, switches, times and sizes: values whose rules are nginx's, said in the words of the
# block.

use strict;
use warnings;

use LyncTest::ConfTest;

my $socket  = 'a socket is written [ADDRESS:]PORT, with a port from 1 to 65535';
my $address = 'the address is an IPv4 address, an IPv6 address in brackets, "*" or a host name';
my $time    = 'a time is written as "960s", "16m" or "1h"';
my $size    = 'a size is written as "512m", "2g" or in bytes, and isn\'t zero';
my $flag    = 'it is "on" or "off"';

# Directive, value, why it is refused.
my @values = (
    ['https_listen',        '0',                  $socket],
    ['https_listen',        '65536',              $socket],
    ['https_listen',        'https',              $socket],
    ['https_listen',        '10.0.0.1',           $socket],
    ['https_listen',        '10.0.0.1:',          $socket],
    ['https_listen',        '443x',               $socket],
    ['https_listen',        '-443',               $socket],
    ['https_listen',        '[::]',               $socket],
    ['https_listen',        ':443',               $address],
    ['https_listen',        '2001:db8::1:443',    $address],
    ['https_listen',        '[2001:db8::1:443',   $address],
    ['https_listen',        '[10.0.0.1]:443',     $address],
    ['https_listen',        '10.0.0.300:443',     $address],
    ['https_listen',        'off',                $socket],
    ['http_listen',         'on',                 $socket],
    ['http_listen',         'unix:/run/lync.sock', 'clients come by TCP, write [ADDRESS:]PORT'],
    ['product',             'sfb_2017',
        'the products are sfb_se, sfb_2019, sfb_2015, lync_2013, lync_2010, ocs_2007_r2, ocs_2007'],
    ['product',             'Lync_2013',
        'the products are sfb_se, sfb_2019, sfb_2015, lync_2013, lync_2010, ocs_2007_r2, ocs_2007'],
    ['backend_verify',      'yes',                $flag],
    ['backend_verify',      'ON',                 $flag],
    ['https_redirect',      '1',                  $flag],
    ['meeting_url_guard',   'maybe',              $flag],
    ['hide_server_names',   'true',               $flag],
    ['log_sip_uri',         'true',               $flag],
    ['http_autodiscover',   'always',             'it is "auto", "on" or "off"'],
    ['unknown_host',        'close',              'it is "refuse" or "ignore"'],
    ['path_policy',         'lax',                'it is "strict" or "vendor"'],
    ['pending_get_timeout', '15min',              $time],
    ['pending_get_timeout', '-1',                 $time],
    ['pending_get_timeout', '500ms',              qq{a second is the least, $time}],
    ['pending_get_timeout', '1s1m',               $time],
    ['pending_get_timeout', '1.5h',               $time],
    ['pending_get_timeout', '99999999999999999s', $time],
    ['pending_get_timeout', '0',                  'it can\'t be zero'],
    ['pending_get_timeout', '8d',                 'more than a week is a mistake'],
    ['max_upload',          '512mb',              $size],
    ['max_upload',          '0',                  $size],
    ['max_upload',          '-1',                 $size],
    ['max_upload',          'm',                  $size],
    ['max_upload',          'unlimited',          $size],
    ['max_upload',          '99999999999g',       $size],
);

# Parameters of a socket.
my $http11     = 'NTLM needs HTTP/1.1, so published names offer nothing else';
my @parameters = (
    ['https_listen', 'ssl',            '"https_listen" implies it, and "http_listen" is plain HTTP'],
    ['http_listen',  'ssl',            '"https_listen" implies it, and "http_listen" is plain HTTP'],
    ['https_listen', 'http2',          $http11],
    ['https_listen', 'quic',           $http11],
    ['https_listen', 'default_server', '"unknown_host" chooses the default server of a socket'],
    ['https_listen', 'accept_filter=httpready', 'the parameters of "listen" that concern the socket'
        . ' may stand here, such as proxy_protocol, backlog= or reuseport'],
    ['https_listen', 'proxy',          'the parameters of "listen" that concern the socket may stand'
        . ' here, such as proxy_protocol, backlog= or reuseport'],
);

my @rows;
for my $value (@values) {
    my ($directive, $written, $why) = @$value;
    push @rows, {
        title => "$directive $written",
        ($directive =~ /_listen/ ? 'sockets' : 'more') => "$directive $written;  # here\n",
        says  => "invalid value \"$written\" in \"$directive\" directive of lync_publish"
               . " \"contoso\": $why in %%HERE%%",
    };
}
for my $parameter (@parameters) {
    my ($directive, $written, $why) = @$parameter;
    push @rows, {
        title   => "$directive 18443 $written",
        sockets => "$directive 18443 $written;  # here\n",
        says    => "invalid parameter \"$written\" in \"$directive\" directive of lync_publish"
                 . " \"contoso\": $why in %%HERE%%",
    };
}

run_conf_tests(@rows);

__DATA__

=== sockets in every spelling
--- sockets
http_listen  off;
https_listen 127.0.0.1:18443 backlog=100 deferred rcvbuf=32k;
https_listen localhost:18444 proxy_protocol;
https_listen *:18445 reuseport so_keepalive=on;
--- warns

=== a socket twice
--- sockets
https_listen 18443;    # first
https_listen *:18443;  # here
--- says
socket "*:18443" is duplicate in "https_listen" directive of lync_publish "contoso", the first
stands at %%FIRST%% in %%HERE%%

=== a socket twice: IPv6 in two spellings
--- sockets
https_listen [::1]:18443;              # first
https_listen [0:0:0:0:0:0:0:1]:18443;  # here
--- says
socket "[0:0:0:0:0:0:0:1]:18443" is duplicate in "https_listen" directive of lync_publish "contoso",
the first stands at %%FIRST%% in %%HERE%%

=== a socket for http and for https
--- sockets
http_listen  18443;  # first
https_listen 18443;  # here
--- says
socket "18443" in lync_publish "contoso" is for https, but for http at %%FIRST%% of lync_publish
"contoso": a socket speaks one of them in %%HERE%%

=== off beside a socket
--- sockets
http_listen 18080;
http_listen off;  # here
https_listen 18443;
--- says
invalid value "off" in "http_listen" directive of lync_publish "contoso": there are other
"http_listen" lines in %%HERE%%

=== off with a parameter
--- sockets
http_listen off reuseport;  # here
--- says
invalid value "off" in "http_listen" directive of lync_publish "contoso": it takes no parameters in
%%HERE%%

=== a value that only nginx knows to be wrong
--- sockets
https_listen 127.0.0.1:18443 backlog=many;  # here
--- says
invalid backlog "backlog=many" in %%HERE%%

=== a socket whose name nobody resolves
--- sockets
https_listen localhost.invalid:18443;  # here
--- says
host not found in "localhost.invalid:18443" of the "listen" directive in %%HERE%%

=== a name that a pattern of somebody else's takes from one of ours
--- before
server {
    listen       127.0.0.1:18443 ssl;
    listen       127.0.0.1:18080;
    server_name  www.contoso.com *.contoso.com .fabrikam.com;
    ssl_certificate %%PKI%%/public.pem;
    ssl_certificate_key %%PKI%%/public.key;
}
--- more
simple_url meet https://meet.*;  # here
simple_url meet https://meet.fabrikam.com;
--- warns
"meet.contoso.com" goes to the server outside of lync_publish with server_name "*.contoso.com", which
nginx prefers to "meet.*" of lync_publish "contoso": to publish it, write its full name in the block
as well in %%HERE%%

=== http_autodiscover where nobody listens
--- sockets
http_listen off;
https_listen 127.0.0.1:18443;
--- more
http_autodiscover on;  # here
--- warns
"http_autodiscover" does nothing in lync_publish "contoso": "http_listen" is off, so nobody listens
for plain HTTP in %%HERE%%

=== http_autodiscover of a product that has none
--- sip_domain
--- more
product ocs_2007;
http_autodiscover on;  # here
--- warns
"http_autodiscover" does nothing in lync_publish "contoso": product ocs_2007 has no lyncdiscover in
%%HERE%%

=== a sip_domain of a product that has no lyncdiscover
--- sip_domain
sip_domain contoso.com;  # here
--- more
product ocs_2007_r2;
--- warns
"sip_domain" publishes nothing in lync_publish "contoso": product ocs_2007_r2 has no lyncdiscover
in %%HERE%%

=== a time that phones don't bear
--- more
pending_get_timeout 60s;  # here
--- warns
"pending_get_timeout" 60s in lync_publish "contoso" is shorter than the 920 seconds for which phones
wait for an answer: 960s is right where there are mobile clients in %%HERE%%

=== a path allowed that is never published
--- more
allow_path /CscP;  # here
--- says
invalid value "/CscP" in "allow_path" directive of lync_publish "contoso": it is an administrative
path, which is never published: remove it in %%HERE%%

=== a path both allowed and denied
--- more
allow_path /passiveauth;  # first
deny_path  /PassiveAuth/;  # here
--- says
invalid value "/PassiveAuth/" in "deny_path" directive of lync_publish "contoso": the same path
stands at %%FIRST%% in %%HERE%%

=== every path allowed
--- more
allow_path /;  # here
--- says
invalid value "/" in "allow_path" directive of lync_publish "contoso": it would allow every path:
say "path_policy vendor" in %%HERE%%
