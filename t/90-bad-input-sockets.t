# Sockets, switches, times and sizes: values whose rules are nginx's, said in the words of the
# block.

use strict;
use warnings;

use LyncTest::ConfTest;

run_conf_tests();

__DATA__

=== an address to listen on that is none
--- refused: sockets
https_listen 0;                      | invalid value "0" in "https_listen" directive of lync_publish "contoso": a socket is written [ADDRESS:]PORT, with a port from 1 to 65535
https_listen 65536;                  | a socket is written
https_listen https;                  | a socket is written
https_listen 10.0.0.1;               | a socket is written
https_listen 10.0.0.1:;              | a socket is written
https_listen 443x;                   | a socket is written
https_listen -443;                   | a socket is written
https_listen [::];                   | a socket is written
https_listen off;                    | a socket is written
http_listen on;                      | invalid value "on" in "http_listen" directive ... a socket is written
https_listen :443;                   | the address is an IPv4 address, an IPv6 address in brackets, "*" or a host name
https_listen 2001:db8::1:443;        | an IPv6 address in brackets
https_listen [2001:db8::1:443;       | an IPv6 address in brackets
https_listen [10.0.0.1]:443;         | the address is an IPv4 address
https_listen 10.0.0.300:443;         | the address is an IPv4 address
http_listen unix:/run/lync.sock;     | clients come by TCP, write [ADDRESS:]PORT
https_listen localhost.invalid:18443;   | host not found in "localhost.invalid:18443" of the "listen" directive

=== parameters of a socket
--- refused: sockets
https_listen 18443 ssl;              | invalid parameter "ssl" in "https_listen" directive of lync_publish "contoso": "https_listen" implies it, and "http_listen" is plain HTTP
http_listen 18443 ssl;               | invalid parameter "ssl" in "http_listen" directive ... plain HTTP
https_listen 18443 http2;            | invalid parameter "http2" ... NTLM needs HTTP/1.1
https_listen 18443 quic;             | invalid parameter "quic" ... NTLM needs HTTP/1.1
https_listen 18443 default_server;   | invalid parameter "default_server" ... "unknown_host" chooses the default server of a socket
https_listen 18443 accept_filter=httpready;  | invalid parameter "accept_filter=httpready" ... that concern the socket
https_listen 18443 proxy;            | invalid parameter "proxy" ... that concern the socket
https_listen 127.0.0.1:18443 backlog=many;   | invalid backlog "backlog=many"
http_listen off reuseport;           | invalid value "off" ... it takes no parameters

=== sockets beside each other
--- refused: sockets
https_listen 18443;                  # first
https_listen *:18443;                | socket "*:18443" is duplicate ... the first stands at %%FIRST%%
https_listen [::1]:18443;            # first
https_listen [0:0:0:0:0:0:0:1]:18443;  | socket "[0:0:0:0:0:0:0:1]:18443" is duplicate ... the first stands at %%FIRST%%
http_listen  18443;                  # first
https_listen 18443;                  | socket "18443" in lync_publish "contoso" is for https, but for http at %%FIRST%%
http_listen 18080;
http_listen off;                     | invalid value "off" in "http_listen" directive ... there are other

=== sockets in every spelling
--- accepted: sockets
http_listen  off;
https_listen 127.0.0.1:18443 backlog=100 deferred rcvbuf=32k;
https_listen localhost:18444 proxy_protocol;
https_listen *:18445 reuseport so_keepalive=on;  |

=== switches, times and sizes
--- refused: more
product sfb_2017;                    | invalid value "sfb_2017" in "product" directive of lync_publish "contoso": the products are
product Lync_2013;                   | the products are
backend_verify yes;                  | invalid value "yes" in "backend_verify" directive ... "on" or "off"
backend_verify ON;                   | "on" or "off"
https_redirect 1;                    | "on" or "off"
meeting_url_guard maybe;             | "on" or "off"
hide_server_names true;              | "on" or "off"
log_sip_uri true;                    | "on" or "off"
http_autodiscover always;            | "auto", "on" or "off"
unknown_host close;                  | "refuse" or "ignore"
path_policy lax;                     | "strict" or "vendor"
pending_get_timeout 15min;           | invalid value "15min" ... a time is written
pending_get_timeout -1;              | a time is written
pending_get_timeout 500ms;           | a second is the least
pending_get_timeout 1s1m;            | a time is written
pending_get_timeout 1.5h;            | a time is written
pending_get_timeout 99999999999999999s;  | a time is written
pending_get_timeout 0;               | can't be zero
pending_get_timeout 8d;              | more than a week
max_upload 512mb;                    | invalid value "512mb" ... a size is written as "512m", "2g" or in bytes, and isn't zero
max_upload 0;                        | a size is written
max_upload -1;                       | a size is written
max_upload m;                        | a size is written
max_upload unlimited;                | a size is written
max_upload 99999999999g;             | a size is written

=== what is legal but risky, or does nothing
--- accepted: more
pending_get_timeout 60s;             | "pending_get_timeout" 60s in lync_publish "contoso" is shorter than the 920 seconds

=== http_autodiscover of a product that has no lyncdiscover
--- sip_domain
--- accepted: more
product ocs_2007; http_autodiscover on;  | "http_autodiscover" does nothing ... product ocs_2007 has no lyncdiscover

=== http_autodiscover where nobody listens
--- sockets
http_listen off;
https_listen 127.0.0.1:18443;
--- accepted: more
http_autodiscover on;                | "http_autodiscover" does nothing ... "http_listen" is off

=== a sip_domain of a product that has no lyncdiscover
--- more
product ocs_2007_r2;
--- accepted: sip_domain
sip_domain contoso.com;              | "sip_domain" publishes nothing ... product ocs_2007_r2 has no lyncdiscover

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

# --- lync_control

=== lync_control where it may stand
--- accepted: after
server { listen unix:/tmp/lync-bad-input-1.sock; listen unix:/tmp/lync-bad-input-2.sock proxy_protocol; location / { lync_control; } } |

=== lync_control where others can reach it, or something else answers
--- refused: after
server { listen unix:/tmp/lync-bad-input-1.sock; listen 127.0.0.1:18090; location / { location /inner { lync_control; } } } | "lync_control" directive in a server that listens on 127.0.0.1:18090: whoever reaches it may drain servers, write it into a server of its own that listens on a Unix-domain socket alone
server { listen unix:/tmp/lync-bad-input-1.sock; location / { lync_control; lync_control; } } | "lync_control" directive is duplicate
server { listen unix:/tmp/lync-bad-input-1.sock; location / { lync_status; lync_control; } }  | "lync_control" directive needs a location of its own: another directive answers in this one
server { listen unix:/tmp/lync-bad-input-1.sock; location / { lync_control; lync_status; } }  | "lync_status" directive needs a location of its own
server { listen unix:/tmp/lync-bad-input-1.sock; location / { lync_control; proxy_pass http://127.0.0.1; } }  | "lync_control" directive needs a location of its own
server { listen 127.0.0.1:1; location / { lync_status; proxy_pass http://127.0.0.1; } }  | "lync_status" directive needs a location of its own

=== lync_control in a server without a socket
--- only: $root
--- refused: after
server { location / { lync_control; } } | "lync_control" directive in a server that listens on 0.0.0.0:80

=== lync_control in a publication
--- file control.conf
location /control { lync_control; } # included
--- refused: more
server_include %%DIR%%/control.conf; | "lync_control" directive in a server that listens on 127.0.0.1:18080 in %%INCLUDED%%
