# What no directive shows by itself: names that are published twice, in one publication or in two of
# them, and sockets that publications and other servers don't agree on.

use strict;
use warnings;

use LyncTest::ConfTest;

run_conf_tests();

__DATA__

# --- one publication

=== two pools with one external name
--- pool
pool fepool.contoso.local {
    external_web_services lyncwebext.contoso.com;  # first
    server 10.0.0.11;
}
pool fepool2.contoso.local {
    external_web_services lyncwebext.contoso.com;  # here
    server 10.0.0.12;
}
--- says
"lyncwebext.contoso.com" is published twice in lync_publish "contoso": as external_web_services of
pool "fepool2.contoso.local" and as external_web_services of pool "fepool.contoso.local" at %%FIRST%%
in %%HERE%%

=== two pools of one name
--- pool
pool fepool.contoso.local {  # first
    external_web_services lyncwebext.contoso.com;
    server 10.0.0.11;
}
pool FEPOOL.contoso.local {  # here
    external_web_services lyncwebext2.contoso.com;
    server 10.0.0.12;
}
--- says
pool "fepool.contoso.local" is duplicate in lync_publish "contoso", the first stands at %%FIRST%% in
%%HERE%%

=== a pool and a Director of one name
--- pool
pool fepool.contoso.local {  # first
    external_web_services lyncwebext.contoso.com;
    server 10.0.0.11;
}
--- more
director fepool.contoso.local {  # here
    external_web_services dirwebext.contoso.com;
    server 10.0.0.13;
}
--- says
director "fepool.contoso.local" is duplicate in lync_publish "contoso", the first stands at %%FIRST%%
in %%HERE%%

=== an Office Web Apps farm with the name of a pool's web services
--- pool
pool fepool.contoso.local {
    external_web_services lyncwebext.contoso.com;  # first
    server 10.0.0.11;
}
--- more
office_web_apps lyncwebext.contoso.com {  # here
    server 10.0.0.14;
}
--- says
"lyncwebext.contoso.com" is published twice in lync_publish "contoso": as office_web_apps
"lyncwebext.contoso.com" and as external_web_services of pool "fepool.contoso.local" at %%FIRST%% in
%%HERE%%

=== Exchange with a name twice
--- more
exchange mail.contoso.com Mail.contoso.com {  # here
    server 10.0.0.15;
}
--- says
"mail.contoso.com" is published twice in lync_publish "contoso": as exchange "mail.contoso.com" and
as exchange "mail.contoso.com" at %%HERE%% in %%HERE%%

=== an Office Web Apps farm under the own name of a pool
--- more
office_web_apps fepool.contoso.local {  # here
    server 10.0.0.14;
}
--- says
"fepool.contoso.local" is published as office_web_apps "fepool.contoso.local" but is the own name of
pool "fepool.contoso.local": clients must be able to tell the external name from the pool's own in
%%HERE%%

=== an internationalized name in both spellings
--- certificate
certificate %%PKI%%/idn.pem %%PKI%%/idn.key;
--- sip_domain
sip_domain büro.contoso.com;
--- pool
pool fepool.contoso.local {
    external_web_services lyncwebext.büro.contoso.com;  # first
    server 10.0.0.11;
}
--- more
simple_url meet https://LyncWebExt.xn--bro-hoa.contoso.com;  # here
--- says
"lyncwebext.xn--bro-hoa.contoso.com" is published twice in lync_publish "contoso": as simple_url
meet and as external_web_services of pool "fepool.contoso.local" at %%FIRST%% in %%HERE%%


# --- two publications

=== a name published in two publications
--- pool
pool fepool.contoso.local {
    external_web_services lyncwebext.contoso.com;  # first
    server 10.0.0.11;
}
--- after
lync_publish fabrikam {
    sip_domain   fabrikam.com;
    certificate  %%PKI%%/public.pem %%PKI%%/public.key;
    trusted_ca   %%PKI%%/internal-ca.pem;
    http_listen  127.0.0.1:18080;
    https_listen 127.0.0.1:18443;
    pool fepool2.fabrikam.local {
        external_web_services  lyncwebext.contoso.com;  # here
        server                 10.0.0.12;
    }
}
--- says
"lyncwebext.contoso.com" is published twice: as external_web_services of pool
"fepool2.fabrikam.local" of lync_publish "fabrikam" and as external_web_services of pool
"fepool.contoso.local" of lync_publish "contoso" at %%FIRST%% in %%HERE%%

=== a SIP domain in two publications
--- sip_domain
sip_domain contoso.com;  # first
--- after
lync_publish fabrikam {
    sip_domain   fabrikam.com;
    sip_domain   example.com contoso.com;  # here
    certificate  %%PKI%%/public.pem %%PKI%%/public.key;
    trusted_ca   %%PKI%%/internal-ca.pem;
    http_listen  127.0.0.1:18080;
    https_listen 127.0.0.1:18443;
    pool fepool2.fabrikam.local {
        external_web_services  lyncwebext.fabrikam.com;
        server                 10.0.0.12;
    }
}
--- says
"lyncdiscover.contoso.com" is published twice: as lyncdiscover of a sip_domain of lync_publish
"fabrikam" and as lyncdiscover of a sip_domain of lync_publish "contoso" at %%FIRST%% in %%HERE%%

=== any SIP domain in two publications
--- sip_domain
sip_domain *;  # first
--- after
lync_publish fabrikam {
    sip_domain   *;  # here
    certificate  %%PKI%%/public.pem %%PKI%%/public.key;
    trusted_ca   %%PKI%%/internal-ca.pem;
    http_listen  127.0.0.1:18080;
    https_listen 127.0.0.1:18443;
    pool fepool2.fabrikam.local {
        external_web_services  lyncwebext.fabrikam.com;
        server                 10.0.0.12;
    }
}
--- says
"lyncdiscover.*" is published twice: as lyncdiscover of a sip_domain of lync_publish "fabrikam" and
as lyncdiscover of a sip_domain of lync_publish "contoso" at %%FIRST%% in %%HERE%%

=== the second publication is wrong
--- after
lync_publish fabrikam {  # here
    sip_domain fabrikam.com;
}
--- says
no "certificate" in lync_publish "fabrikam": write the PEM files that the listener presents,
"certificate FILE KEY" in %%HERE%%


# --- sockets shared by two publications

=== a socket that is plain in one publication and TLS in the other
--- sockets
http_listen  127.0.0.1:18080;  # first
https_listen 127.0.0.1:18443;
--- after
lync_publish fabrikam {
    sip_domain   fabrikam.com;
    certificate  %%PKI%%/public.pem %%PKI%%/public.key;
    trusted_ca   %%PKI%%/internal-ca.pem;
    http_listen  off;
    https_listen 127.0.0.1:18080;  # here
    pool fepool2.fabrikam.local {
        external_web_services  lyncwebext.fabrikam.com;
        server                 10.0.0.12;
    }
}
--- says
socket "127.0.0.1:18080" in lync_publish "fabrikam" is for https, but for http at %%FIRST%% of
lync_publish "contoso": a socket speaks one of them in %%HERE%%

=== a socket with the PROXY protocol in one publication only
--- sockets
http_listen  127.0.0.1:18080;
https_listen 127.0.0.1:18443 proxy_protocol;  # first
--- after
lync_publish fabrikam {
    sip_domain   fabrikam.com;
    certificate  %%PKI%%/public.pem %%PKI%%/public.key;
    trusted_ca   %%PKI%%/internal-ca.pem;
    http_listen  off;
    https_listen 127.0.0.1:18443;  # here
    pool fepool2.fabrikam.local {
        external_web_services  lyncwebext.fabrikam.com;
        server                 10.0.0.12;
    }
}
--- says
socket "127.0.0.1:18443" in lync_publish "fabrikam" lacks "proxy_protocol", unlike at %%FIRST%% of
lync_publish "contoso": it is the same socket in %%HERE%%

=== a socket with other parameters in the other publication
--- sockets
http_listen  127.0.0.1:18080;
https_listen 127.0.0.1:18443 backlog=100;  # first
--- after
lync_publish fabrikam {
    sip_domain   fabrikam.com;
    certificate  %%PKI%%/public.pem %%PKI%%/public.key;
    trusted_ca   %%PKI%%/internal-ca.pem;
    http_listen  off;
    https_listen 127.0.0.1:18443 backlog=200;  # here
    pool fepool2.fabrikam.local {
        external_web_services  lyncwebext.fabrikam.com;
        server                 10.0.0.12;
    }
}
--- says
socket "127.0.0.1:18443" in lync_publish "fabrikam" has other parameters than at %%FIRST%% of
lync_publish "contoso": it is the same socket in %%HERE%%

=== two publications that agree
--- sockets
http_listen  127.0.0.1:18080;
https_listen 127.0.0.1:18443 backlog=100;
--- after
lync_publish fabrikam {
    sip_domain   fabrikam.com;
    certificate  %%PKI%%/public.pem %%PKI%%/public.key;
    trusted_ca   %%PKI%%/internal-ca.pem;
    http_listen  127.0.0.1:18080;
    https_listen 127.0.0.1:18443;
    pool fepool2.fabrikam.local {
        external_web_services  lyncwebext.fabrikam.com;
        server                 10.0.0.12;
    }
}
--- warns


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

=== a server that states parameters of the same socket
--- sockets
http_listen  127.0.0.1:18080 backlog=100;  # first
https_listen 127.0.0.1:18443;
--- after
server {
    listen 127.0.0.1:18080 backlog=200;  # here
}
--- says
duplicate listen options for 127.0.0.1:18080 in %%HERE%%

=== a server before the block that states parameters of the same socket
--- sockets
http_listen  127.0.0.1:18080 backlog=100;  # here
https_listen 127.0.0.1:18443;
--- before
server {
    listen 127.0.0.1:18080 backlog=200;
}
--- says
duplicate listen options for 127.0.0.1:18080 in %%HERE%%


# --- lync_status

=== the status at http level
--- before
lync_status;  # here
--- says
"lync_status" directive is not allowed here in %%HERE%%

=== the status in a server
--- before
server {
    listen 127.0.0.1:18081;
    lync_status;  # here
}
--- says
"lync_status" directive is not allowed here in %%HERE%%

=== the status in an "if"
--- before
server {
    listen 127.0.0.1:18081;
    location / {
        if ($arg_x) {
            lync_status;  # here
        }
    }
}
--- says
"lync_status" directive is not allowed here in %%HERE%%

=== the status outside of http
--- main
lync_status;  # here
--- says
"lync_status" directive is not allowed here in %%HERE%%

=== the status with an argument
--- before
server {
    listen 127.0.0.1:18081;
    location / {
        lync_status on;  # here
    }
}
--- says
invalid number of arguments in "lync_status" directive in %%HERE%%

=== the status as a block
--- before
server {
    listen 127.0.0.1:18081;
    location / {
        lync_status {  # here
        }
    }
}
--- says
directive "lync_status" is not terminated by ";" in %%HERE%%

=== the status twice
--- before
server {
    listen 127.0.0.1:18081;
    location / {
        lync_status;
        lync_status;  # here
    }
}
--- says
"lync_status" directive is duplicate in %%HERE%%

=== the status in a file of server_include, outside of a location
--- more
server_include status.conf;
--- file status.conf
lync_status;  # here
--- says
"lync_status" directive is not allowed here in %%HERE%%


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
"auth_basic" without "auth_basic_user_file" asks nobody for a password, so it doesn't open the status:
write "auth_basic_user_file" in %%NOFILE%%

the rules of "allow" and "deny" open the status to all that they don't name: end them with "deny all",
or with "allow all" if that is meant in %%ALLOW%%

the rules of "allow" and "deny" open the status to all that they don't name: end them with "deny all",
or with "allow all" if that is meant in %%DENY%%

"auth_basic" without "auth_basic_user_file" asks nobody for a password, so it doesn't open the status:
write "auth_basic_user_file" in %%BOTH%%

the rules of "allow" and "deny" open the status to all that they don't name: end them with "deny all",
or with "allow all" if that is meant in %%BOTH%%

the rules of "allow" and "deny" open the status to all that they don't name: end them with "deny all",
or with "allow all" if that is meant in %%OPEN%%


# --- http level

=== a directive of http level that no server can undo
--- before
proxy_set_body "";
--- says
"proxy_set_body" directive at http level replaces what clients send, also in lync_publish "contoso":
move it into the servers that need it in %%BLOCK%%

=== an upstream of the administrator with a generated name
--- before
upstream contoso_fepool.contoso.local_4443 {
    server 10.0.0.99;
}
--- pool
pool fepool.contoso.local {  # here
    external_web_services lyncwebext.contoso.com;
    server 10.0.0.11;
}
--- says
duplicate upstream "contoso_fepool.contoso.local_4443" in %%HERE%%
