# What no directive shows by itself: names that are published twice, in one publication or in two of
# them, and sockets that publications and other servers don't agree on.

use strict;
use warnings;

use LyncTest::ConfTest;

# A second publication, with what differs.
sub fabrikam {
    my (%o) = @_;
    return join "\n", 'lync_publish fabrikam {', $o{domain} // 'sip_domain fabrikam.com;',
        'certificate %%PKI%%/public.pem %%PKI%%/public.key;', 'trusted_ca %%PKI%%/internal-ca.pem;',
        $o{sockets} // "http_listen 127.0.0.1:18080;\nhttps_listen 127.0.0.1:18443;",
        'pool fepool2.fabrikam.local {', 'server 10.0.0.12;',
        $o{name} // 'external_web_services lyncwebext.fabrikam.com;', '}', "}\n";
}

my $pool = "pool fepool.contoso.local {\nexternal_web_services lyncwebext.contoso.com;  # first\nserver 10.0.0.11;\n}\n";

# Title, what the first publication is, what the second is, the words of the message.
my @rows = map {
    my ($title, $first, $second, $words) = @$_;
    +{ title => "two publications: $title", @$first, after => fabrikam(@$second), table => 'refused', place => 'here', words => $words }
} (
    ['a name', [pool => $pool], [name => 'external_web_services lyncwebext.contoso.com;  # here'],
        '"lyncwebext.contoso.com" is published twice: as external_web_services of pool "fepool2.fabrikam.local" of'
        . ' lync_publish "fabrikam" and as external_web_services of pool "fepool.contoso.local" of lync_publish "contoso" at %%FIRST%%'],
    ['a SIP domain', [sip_domain => "sip_domain contoso.com;  # first\n"],
        [domain => "sip_domain fabrikam.com;\nsip_domain example.com contoso.com;  # here"],
        '"lyncdiscover.contoso.com" is published twice: as lyncdiscover of a sip_domain of lync_publish "fabrikam" ... at %%FIRST%%'],
    ['any SIP domain', [sip_domain => "sip_domain *;  # first\n"], [domain => 'sip_domain *;  # here'],
        '"lyncdiscover.*" is published twice ... at %%FIRST%%'],
    ['a socket that is plain in one and TLS in the other',
        [sockets => "http_listen 127.0.0.1:18080;  # first\nhttps_listen 127.0.0.1:18443;\n"],
        [sockets => "http_listen off;\nhttps_listen 127.0.0.1:18080;  # here"],
        'socket "127.0.0.1:18080" in lync_publish "fabrikam" is for https, but for http at %%FIRST%%'],
    ['a socket with the PROXY protocol in one only',
        [sockets => "http_listen 127.0.0.1:18080;\nhttps_listen 127.0.0.1:18443 proxy_protocol;  # first\n"],
        [sockets => "http_listen off;\nhttps_listen 127.0.0.1:18443;  # here"],
        'socket "127.0.0.1:18443" in lync_publish "fabrikam" lacks "proxy_protocol", unlike at %%FIRST%%'],
    ['a socket with other parameters',
        [sockets => "http_listen 127.0.0.1:18080;\nhttps_listen 127.0.0.1:18443 backlog=100;  # first\n"],
        [sockets => "http_listen off;\nhttps_listen 127.0.0.1:18443 backlog=200;  # here"],
        'socket "127.0.0.1:18443" in lync_publish "fabrikam" has other parameters than at %%FIRST%%'],
);
run_conf_tests(@rows, {
    title   => 'two publications that agree',
    sockets => "http_listen 127.0.0.1:18080;\nhttps_listen 127.0.0.1:18443 backlog=100;\n",
    after   => fabrikam(),
    warns   => '',
});

__DATA__

=== the second publication is wrong, or has the first one's name
--- refused: after
lync_publish fabrikam { sip_domain fabrikam.com; }    | no "certificate" in lync_publish "fabrikam"
lync_publish contoso {                                # here
    sip_domain   fabrikam.com;
    certificate  %%PKI%%/public.pem %%PKI%%/public.key;
    trusted_ca   %%PKI%%/internal-ca.pem;
    pool fepool2.fabrikam.local { external_web_services lyncwebext.fabrikam.com; server 10.0.0.12; }
}                                                     | publication "contoso" is duplicate ... the first stands at %%BLOCK%%

# --- one publication

=== names that are published twice
--- refused: pool
pool fepool.contoso.local { external_web_services lyncwebext.contoso.com; server 10.0.0.11; }   # first
pool fepool2.contoso.local { external_web_services lyncwebext.contoso.com; server 10.0.0.12; }  | "lyncwebext.contoso.com" is published twice ... of pool "fepool2.contoso.local" and as external_web_services of pool "fepool.contoso.local" at %%FIRST%%
pool fepool.contoso.local { external_web_services lyncwebext.contoso.com; server 10.0.0.11; }   # first
pool FEPOOL.contoso.local { external_web_services lyncwebext2.contoso.com; server 10.0.0.12; }  | pool "fepool.contoso.local" is duplicate ... the first stands at %%FIRST%%
pool fepool.contoso.local { external_web_services lyncwebext.contoso.com; server 10.0.0.11; }   # first
director fepool.contoso.local { external_web_services dirwebext.contoso.com; server 10.0.0.13; } | director "fepool.contoso.local" is duplicate ... the first stands at %%FIRST%%
pool fepool.contoso.local { external_web_services lyncwebext.contoso.com; server 10.0.0.11; }   # first
office_web_apps lyncwebext.contoso.com { server 10.0.0.14; }                                    | "lyncwebext.contoso.com" is published twice ... as office_web_apps "lyncwebext.contoso.com" and as external_web_services ... at %%FIRST%%

=== of one farm, or a pool's own
--- refused: more
exchange mail.contoso.com Mail.contoso.com { server 10.0.0.15; }   | "mail.contoso.com" is published twice ... at %%HERE%%
office_web_apps fepool.contoso.local { server 10.0.0.14; }         | "fepool.contoso.local" is published as office_web_apps "fepool.contoso.local" but is the own name

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
--- refused: before
proxy_set_body "";    | "proxy_set_body" directive at http level replaces what clients send, also in lync_publish "contoso": move it into the servers that need it in %%BLOCK%%

=== an upstream of the administrator with a generated name
--- before
upstream contoso_fepool.contoso.local_4443 {
    server 10.0.0.99;
}
--- refused: pool
pool fepool.contoso.local { external_web_services lyncwebext.contoso.com; server 10.0.0.11; } | duplicate upstream "contoso_fepool.contoso.local_4443"
