# What the block meets in nginx: addresses and names that nginx itself reads, servers and
# directives beside it on the same sockets and at http level, lync_status and lync_control. The rules
# of the block's own directives, case by case, are in t/unit.

use strict;
use warnings;

use LyncTest::ConfTest;

run_conf_tests();

__DATA__

# --- what nginx reads

=== sockets that nginx refuses
--- refused: sockets
https_listen 127.0.0.1:18443 backlog=many;   | invalid backlog "backlog=many"
https_listen 127.0.0.1:18443 backlogs=1;     | invalid parameter "backlogs=1"
https_listen 127.0.0.1:18443; https_listen 127.0.0.1:18443; | socket "127.0.0.1:18443" is duplicate

=== sockets in every spelling
--- accepted: sockets
http_listen  off;
https_listen 127.0.0.1:18443 backlog=100 deferred rcvbuf=32k;
https_listen 127.0.0.2:18444 proxy_protocol;
https_listen *:18445 reuseport so_keepalive=on;  |

=== a server whose name doesn't resolve
--- pool
pool fepool.contoso.local {
    external_web_services lyncwebext.contoso.com;
    server 10.0.0.11;
    server fe02.contoso.invalid;  # here
}
--- says
host not found in upstream "fe02.contoso.invalid:4443": make the name resolve, write the
server's address, or "resolve_at_start off" if nginx has to start without DNS in %%HERE%%

=== a server in an included file whose name doesn't resolve
--- file servers.conf
server 10.0.0.11;
server fe02.contoso.invalid;  # file
--- refused: in pool
include servers.conf;                      | host not found in upstream "fe02.contoso.invalid:4443" in %%FILE%%

=== a pool without a server whose own name doesn't resolve
--- refused: pool
pool fepool.contoso.invalid { external_web_services lyncwebext.contoso.com; } | host not found in upstream "fepool.contoso.invalid:4443"

=== resolve_at_start off: a warning for each server, however many ports are asked
--- more
resolve_at_start off;
http_autodiscover on;
--- accepted: pool
pool fepool.contoso.local { external_web_services lyncwebext.contoso.com; server 10.0.0.11; server fe02.contoso.invalid; } | lync_dns: server "fe02.contoso.invalid" can't be resolved yet (Name or service not known), it takes no requests until it is
pool fepool.contoso.local { external_web_services lyncwebext.contoso.com; server fe02.contoso.invalid; } | server "fe02.contoso.invalid" can't be resolved yet
pool fepool.contoso.invalid { external_web_services lyncwebext.contoso.com; } | server "fepool.contoso.invalid" can't be resolved yet
pool fepool.contoso.local { external_web_services lyncwebext.contoso.com; server 10.0.0.11; server [2001:db8::11]; } |

=== secrets of a lockout_store
--- refused: more
lockout on;
lockout_store redis://127.0.0.1 key=/dev/zero; | "lockout_store" can't be used: "/dev/zero": it is not a regular file
lockout on;
lockout_store redis://127.0.0.1 key=/; | "lockout_store" can't be used: "/": it is a directory
lockout on;
lockout_store redis://127.0.0.1 key=%%PKI%%/chain.pem password=%%PKI%%/empty.key; | "lockout_store" can't be used: "%%PKI%%/empty.key": it is empty

=== every directive of an edge block
--- more
product ocs_2007_r2;
edge redmond {
    topology               scaled_single_site;
    internal_network       10.0.0.0/8 fd00::/8;
    reverse_proxy          external=203.0.113.10 internal=172.16.0.10;
    access_edge            external=203.0.113.21 internal=172.16.0.21;
    access_edge            vip external=203.0.113.20;
    web_conferencing_edge  external=203.0.113.31 internal=172.16.0.31;
    web_conferencing_edge  vip external=203.0.113.30;
    av_edge                external=203.0.113.41 internal=172.16.0.41;
    av_edge                vip external=203.0.113.40 internal=172.16.0.40;
    next_hop               10.0.0.14;
}
--- sip_domain
--- warns

# --- two publications

=== the second publication is wrong, or isn't
--- refused: after
lync_publish fabrikam { sip_domain fabrikam.com; }    | no "certificate" in lync_publish "fabrikam"
lync_publish fabrikam {
    sip_domain   fabrikam.com;
    certificate  %%PKI%%/public.pem %%PKI%%/public.key;
    trusted_ca   %%PKI%%/internal-ca.pem;
    http_listen  off;
    https_listen 127.0.0.1:18080;                     # here
    pool fepool2.fabrikam.local { external_web_services lyncwebext.fabrikam.com; server 10.0.0.12; }
}                                                     | socket "127.0.0.1:18080" in lync_publish "fabrikam" is for https

=== an internationalized name in both spellings
--- certificate
certificate %%PKI%%/idn.pem %%PKI%%/idn.key;
--- sip_domain
sip_domain büro.contoso.com;
--- pool
pool fepool.contoso.local { external_web_services lyncwebext.büro.contoso.com; server 10.0.0.11; }  # first
--- refused: more
simple_url meet https://LyncWebExt.xn--bro-hoa.contoso.com;        | "lyncwebext.xn--bro-hoa.contoso.com" is published twice ... at %%FIRST%%

# --- sockets shared with other servers

=== a server with a name that is published, on the same socket
--- after
server {
    listen      127.0.0.1:18080;
    server_name meet.fabrikam.com;
    server_name lyncdiscover.contoso.com;
}
--- warns
conflicting server name "lyncdiscover.contoso.com" on 127.0.0.1:18080, ignored

=== a server before the block with a name that is published, on the same socket
--- before
server {  # server
    listen      127.0.0.1:18080;
    server_name lyncdiscover.contoso.com;
}
--- says
"lyncdiscover.contoso.com" is published by lync_publish "contoso" and is a server_name of the server
in %%SERVER%% on the same socket: remove it from one of them in %%BLOCK%%

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

=== a server whose listen makes a socket of plain HTTP speak something else
--- refused: before
server { listen 127.0.0.1:18080 ssl; server_name www.contoso.com; ssl_certificate %%PKI%%/public.pem; ssl_certificate_key %%PKI%%/public.key; } | 127.0.0.1:18080 is plain HTTP in lync_publish "contoso", but a server outside of it says "listen ... ssl": a socket speaks one of them, take another for that server in %%BLOCK%%

=== a server that becomes the default of a socket for https, and has no certificate
--- more
unknown_host ignore;
--- refused: after
server { listen 127.0.0.1:18443 ssl; server_name www.contoso.com; } | this server has no "ssl_certificate", and "unknown_host ignore" makes it the default one of 127.0.0.1:18443, which is for https: write a certificate into it, or a server that has one before it

=== a server that states parameters of the same socket
--- sockets
http_listen  127.0.0.1:18080 backlog=100;  # ours
https_listen 127.0.0.1:18443;
--- refused: after
server { listen 127.0.0.1:18080 backlog=200; }   | duplicate listen options for 127.0.0.1:18080

=== a server before the block that states parameters of the same socket
--- sockets
http_listen  127.0.0.1:18080 backlog=100;  # ours
https_listen 127.0.0.1:18443;
--- refused: before
server { listen 127.0.0.1:18080 backlog=200; }   | duplicate listen options for 127.0.0.1:18080 in %%OURS%%

# --- lync_status

=== where the status may stand
--- refused: before
lync_status;                                                                          | "lync_status" directive is not allowed here
server { listen 127.0.0.1:18081; lync_status; }                                       | "lync_status" directive is not allowed here
server { listen 127.0.0.1:18081; location / { if ($arg_x) { lync_status; } } }        | "lync_status" directive is not allowed here
server { listen 127.0.0.1:18081; location / { lync_status on; } }                     | invalid number of arguments in "lync_status" directive
server { listen 127.0.0.1:18081; location / { lync_status { } } }                     | directive "lync_status" is not terminated by ";"
server { listen 127.0.0.1:18081; location / { lync_status; lync_status; } }           | "lync_status" directive is duplicate
server { listen 127.0.0.1:18081; location / { lync_status; return 200; } }            | "lync_status" directive needs a location of its own: another directive answers in this one
server { listen 127.0.0.1:18081; location / { try_files $uri $uri/ =404; lync_status; } } | "lync_status" directive needs a location of its own

=== the status outside of http
--- refused: main
lync_status;                                                                          | "lync_status" directive is not allowed here

=== the status in a publication
--- file status.conf
lync_status;  # file
--- refused: more
lync_status;                                                                          | "lync_status" directive is not allowed in lync_publish "contoso"
server_include status.conf;                                                           | "lync_status" directive is not allowed here in %%FILE%%

=== who may see the status: what opens it further than meant, or not at all
--- before
auth_basic status;
server {
    listen 127.0.0.1:18081;
    location /1 { lync_status; auth_basic status; }  # nofile
    location /2 {
        allow 10.0.0.0/8;
        lync_status;  # allow
    }
    location /3 { lync_status; deny 192.0.2.1; auth_basic off; }  # deny
    location /4 { lync_status; allow 10.0.0.0/8; auth_basic status; }  # both
    location /5 { lync_status; allow 10.0.0.0/8; deny all; }
    location /6 { lync_status; allow all; }
    location /7 { lync_status; allow 10.0.0.0/8; auth_basic status; auth_basic_user_file users; }
    location /8 { lync_status; allow 10.0.0.0/8; deny 0.0.0.0/0; deny ::/0; }
    location /9 {
        auth_basic_user_file  users;
        location /9/status { lync_status; allow 10.0.0.0/8; }
        location /9/open { lync_status; allow 10.0.0.0/8; deny ::/0; auth_basic off; }  # open
        location /9/inherits { lync_status; }
    }
}
server {
    listen 127.0.0.1:18082;
    deny   10.0.0.0/8;
    location / { lync_status; }
}
--- warns
"auth_basic" without "auth_basic_user_file" requires no password, so it doesn't open the status:
write "auth_basic_user_file" in %%NOFILE%%

the rules of "allow" and "deny" open the status to all that they don't name: end them with "deny all",
or with "allow all" if that is meant in %%ALLOW%%

the rules of "allow" and "deny" open the status to all that they don't name: end them with "deny all",
or with "allow all" if that is meant in %%DENY%%

"auth_basic" without "auth_basic_user_file" requires no password, so it doesn't open the status:
write "auth_basic_user_file" in %%BOTH%%

the rules of "allow" and "deny" open the status to all that they don't name: end them with "deny all",
or with "allow all" if that is meant in %%BOTH%%

the rules of "allow" and "deny" open the status to all that they don't name: end them with "deny all",
or with "allow all" if that is meant in %%OPEN%%


# --- http level

=== a directive of http level that no server can undo
--- refused: before
proxy_set_body "";    | "proxy_set_body" directive at http level replaces what clients send, also in lync_publish "contoso": move it into the servers that need it in %%BLOCK%%

=== an upstream of the administrator with a generated name
--- before
upstream contoso_fepool.contoso.local_4443 {
    server 10.0.0.99;
}
--- refused: pool
pool fepool.contoso.local { external_web_services lyncwebext.contoso.com; server 10.0.0.11; } | duplicate upstream "contoso_fepool.contoso.local_4443"

# --- lync_control

=== lync_control where it may stand
--- accepted: after
server { listen unix:/tmp/lync-bad-input-1.sock; listen unix:/tmp/lync-bad-input-2.sock proxy_protocol; location / { lync_control; } } |

=== lync_control where others can reach it, or something else answers
--- refused: after
server { listen unix:/tmp/lync-bad-input-1.sock; listen 127.0.0.1:18090; location / { location /inner { lync_control; } } } | "lync_control" directive in a server that listens on 127.0.0.1:18090: anyone who reaches it could drain servers, write it into a server of its own that listens on a Unix-domain socket only
server { listen unix:/tmp/lync-bad-input-1.sock; location /control { lync_control; } } | "lync_control" directive in a location of "/control": lyncctl asks for it in "location / { }"
server { listen unix:/tmp/lync-bad-input-1.sock; location = / { lync_control; } } | "lync_control" directive in a location of "/": lyncctl asks for it in "location / { }"
server { listen unix:/tmp/lync-bad-input-1.sock; location / { lync_control; lync_control; } } | "lync_control" directive is duplicate
server { listen unix:/tmp/lync-bad-input-1.sock; location / { lync_status; lync_control; } }  | "lync_control" directive needs a location of its own: another directive answers in this one
server { listen unix:/tmp/lync-bad-input-1.sock; location / { lync_control; lync_status; } }  | "lync_status" directive needs a location of its own
server { listen unix:/tmp/lync-bad-input-1.sock; location / { lync_control; proxy_pass http://127.0.0.1; } }  | "lync_control" directive needs a location of its own
server { listen 127.0.0.1:1; location / { lync_status; proxy_pass http://127.0.0.1; } }  | "lync_status" directive needs a location of its own

=== lync_control in a server without a socket
--- root
--- refused: after
server { location / { lync_control; } } | "lync_control" directive in a server that listens on 0.0.0.0:80

=== lync_control in a publication
--- file control.conf
location /control { lync_control; } # included
--- refused: more
server_include %%DIR%%/control.conf; | "lync_control" directive in a server that listens on 127.0.0.1:18080 in %%INCLUDED%%
