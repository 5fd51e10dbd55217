# server_include: plain nginx directives in every generated server.

use LyncTest;
use LyncTest::Scene;

our $Deployment = <<'END';
    sip_domain      contoso.com;
    %%CERTIFICATE%%
    %%TRUSTED_CA%%
    %%POOL%%
    simple_url      meet https://meet.contoso.com;
    server_include  %%SERVROOT%%/html/extra.conf;
END

run_suite();

__DATA__

=== TEST 1: a header, HSTS for instance, on what is proxied
--- publication eval: $::Deployment
--- user_files
>>> extra.conf
add_header Strict-Transport-Security "max-age=31536000" always;
--- request
GET https://lyncwebext.contoso.com/abs/handler
--- response_headers
X-Site: external
Strict-Transport-Security: max-age=31536000



=== TEST 2: on what is redirected and on what is refused
--- publication eval: $::Deployment
--- user_files
>>> extra.conf
add_header X-Extra "yes" always;
--- request eval
["GET http://meet.contoso.com/alice", "GET https://lyncwebext.contoso.com/cscp"]
--- error_code eval
[301, 404]
--- response_headers eval
["X-Extra: yes", "X-Extra: yes"]



=== TEST 3: an access log
--- publication eval: $::Deployment
--- user_files
>>> extra.conf
access_log %%SERVROOT%%/logs/extra.log lync;
--- request
GET https://lyncwebext.contoso.com/abs/handler
--- response_headers
X-Site: external



=== TEST 4: limit_req
--- http_config eval
"   limit_req_zone \$lync_publication zone=everybody:64k rate=1r/m;
    lync_publish contoso {
        %%SOCKETS%%
$::Deployment
    }
"
--- user_files
>>> extra.conf
limit_req zone=everybody;
limit_req_status 429;
--- request eval
["GET https://lyncwebext.contoso.com/abs/handler", "GET https://lyncwebext.contoso.com/abs/handler"]
--- error_code eval
[200, 429]



=== TEST 5: access rules
--- publication eval: $::Deployment
--- user_files
>>> extra.conf
deny 127.0.0.1;
--- request
GET https://lyncwebext.contoso.com/abs/handler
--- error_code: 403
--- error_log
access forbidden by rule



=== TEST 6: a location is the administrator's own, also on a host whose paths are refused
--- publication eval: $::Deployment
--- user_files
>>> extra.conf
location = /robots.txt { return 200 "User-agent: *\nDisallow: /\n"; }
--- request eval
["GET https://lyncwebext.contoso.com/robots.txt", "GET http://lyncwebext.contoso.com/robots.txt",
 "GET https://lyncwebext.contoso.com/cscp"]
--- error_code eval
[200, 200, 404]



=== TEST 7: a body limit of its own
--- publication eval: $::Deployment =~ s/(?=%%POOL)/max_upload 1m;\n/r
--- user_files
>>> extra.conf
location /nothing { }
--- request
GET https://lyncwebext.contoso.com/abs/handler
--- response_headers
X-Site: external



=== TEST 8: several files
--- publication eval: "$::Deployment    server_include %%SERVROOT%%/html/two.conf %%SERVROOT%%/html/three.conf;\n"
--- user_files
>>> extra.conf
add_header X-Extra one always;
>>> two.conf
add_header X-Extra two always;
>>> three.conf
add_header X-Extra three always;
--- request
GET https://lyncwebext.contoso.com/abs/handler
--- raw_response_headers_like
X-Extra: one\r
X-Extra: two\r
X-Extra: three\r



=== TEST 9: a relative path is relative to nginx.conf, as in include
--- publication eval: $::Deployment =~ s{%%SERVROOT%%/html}{../html}r
--- user_files
>>> extra.conf
add_header X-Extra relative always;
--- request
GET https://lyncwebext.contoso.com/abs/handler
--- response_headers
X-Extra: relative



=== TEST 10: a pattern
--- publication eval: $::Deployment =~ s{extra\.conf}{extra-*.conf}r
--- user_files
>>> extra-1.conf
add_header X-One yes always;
>>> extra-2.conf
add_header X-Two yes always;
--- request
GET https://lyncwebext.contoso.com/abs/handler
--- response_headers
X-One: yes
X-Two: yes



=== TEST 11: a file that isn't there
--- publication
    sip_domain      contoso.com;
    %%CERTIFICATE%%
    %%TRUSTED_CA%%
    %%POOL%%
    server_include  %%SERVROOT%%/html/absent.conf;    # here
--- must_die
--- error_log
open() "%%SERVROOT%%/html/absent.conf" failed (2: No such file or directory) in %%CONF%%:%%HERE%%



=== TEST 12: a mistake in the file is the file's own
--- publication eval: $::Deployment
--- user_files
>>> extra.conf
add_header X-Extra one;
add_headr X-Extra two;
--- must_die
--- error_log
unknown directive "add_headr" in %%SERVROOT%%/html/extra.conf:2



=== TEST 13: a directive that is generated already: the block's line and the reason
--- publication
    sip_domain      contoso.com;
    %%CERTIFICATE%%
    %%TRUSTED_CA%%
    %%POOL%%
    server_include  %%SERVROOT%%/html/extra.conf;
--- user_files
>>> extra.conf

client_max_body_size 1m;
--- must_die
--- error_log
"client_max_body_size" directive is duplicate: generated servers of lync_publish "contoso" state it already, by "max_upload" of the block: take it out of server_include in %%SERVROOT%%/html/extra.conf:2



=== TEST 19: one that the block has no word for
--- publication eval: $::Deployment
--- user_files
>>> extra.conf
gzip on;
--- must_die
--- error_log
"gzip" directive is duplicate: generated servers of lync_publish "contoso" state it themselves: take it out of server_include in %%SERVROOT%%/html/extra.conf:1



=== TEST 20: one that is the file's own, twice
--- publication eval: $::Deployment
--- user_files
>>> extra.conf
root /srv;
root /var;
--- must_die
--- error_log
"root" directive is duplicate in %%SERVROOT%%/html/extra.conf:2



=== TEST 14: an error page is never asked of a pool, nor redirected, after a refusal
--- publication eval: $::Deployment
--- user_files
>>> extra.conf
error_page 404 /abs/handler;
add_header X-Lync $lync_verdict always;
--- request eval
["GET https://lyncwebext.contoso.com/cscp/", "POST https://lyncwebext.contoso.com/cscp/",
 "GET http://meet.contoso.com/cscp/", "GET https://lyncwebext.contoso.com/abs/handler",
 "GET http://meet.contoso.com/alice"]
--- error_code eval
[404, 404, 404, 200, 301]
--- response_headers eval
["!X-Site\nX-Lync: refuse:admin", "!X-Site\nX-Lync: refuse:admin",
 "!Location\nX-Lync: refuse:admin", "X-Site: external\nX-Lync: pass",
 "Location: https://meet.contoso.com/alice\nX-Lync: redirect"]



=== TEST 15: the administrator's own location answers it
--- publication eval: $::Deployment
--- user_files
>>> extra.conf
error_page 404 /own.html;
location = /own.html { return 200 "own page\n"; }
--- request eval
["GET https://lyncwebext.contoso.com/cscp/", "GET http://meet.contoso.com/cscp/"]
--- error_code eval
[404, 404]
--- response_body eval
["own page\n", "own page\n"]



=== TEST 16: a header that generated servers state themselves
--- publication
    sip_domain      contoso.com;
    %%CERTIFICATE%%
    %%TRUSTED_CA%%
    %%POOL%%
    server_include  %%SERVROOT%%/html/proxy_params;    # here
--- user_files
>>> proxy_params
proxy_set_header X-Real-IP $remote_addr;
proxy_set_header host $http_host;
--- must_die
--- error_log
"proxy_set_header" of "Host" in a server_include of lync_publish "contoso": generated servers state this header themselves, and servers would get two: take it out in %%CONF%%:%%HERE%%



=== TEST 18: a socket: generated servers have those that the block says, or one by http would reach a pool's https
--- publication
    sip_domain      contoso.com;
    %%CERTIFICATE%%
    %%TRUSTED_CA%%
    %%POOL%%
    server_include  %%SERVROOT%%/html/extra.conf;    # here
--- user_files
>>> extra.conf
listen 127.0.0.1:18999;
--- must_die
--- error_log
"listen" in a server_include of lync_publish "contoso": all generated servers would listen there, those of plain HTTP and those of https: sockets are opened by the block's own "http_listen" and "https_listen" in %%CONF%%:%%HERE%%



=== TEST 17: another header, and the same one in a location of the administrator's
--- publication eval: $::Deployment
--- user_files
>>> extra.conf
proxy_set_header X-Real-IP $remote_addr;
location /own {
    proxy_set_header Host www.contoso.com;
    proxy_set_header X-Forwarded-For $remote_addr;
    return 200 "own page\n";
}
--- request
GET https://lyncwebext.contoso.com/abs/handler
--- response_headers
X-Site: external



=== TEST 19: a rewrite behind a variable that was asked before: the rules are asked about what is sent
--- publication eval: $::Deployment
--- user_files
>>> extra.conf
set $asked $lync_service;
if ($lync_verdict = "pass") {
    rewrite ^/abs/(cscp|nothing|ucwa)(/.*)$ /$1$2;
}
add_header X-Verdict $lync_service/$lync_verdict always;
--- request eval
["GET https://lyncwebext.contoso.com/abs/cscp/", "GET https://lyncwebext.contoso.com/abs/nothing/",
 "GET https://lyncwebext.contoso.com/abs/ucwa/v1", "GET https://lyncwebext.contoso.com/abs/handler"]
--- error_code eval
[404, 404, 200, 200]
--- response_headers eval
["X-Verdict: control_panel/refuse:admin", "X-Verdict: unknown/refuse:path", "X-Verdict: ucwa/pass", "X-Verdict: abs/pass"]



=== TEST 21: a header on the 503 of a pool that can't be reached, and on it alone when to come again
--- publication
    sip_domain      contoso.com;
    %%CERTIFICATE%%
    %%TRUSTED_CA%%
    %%OWN_POOL%%
    simple_url      meet https://meet.contoso.com;
    server_include  %%SERVROOT%%/html/extra.conf;
--- user_files
>>> extra.conf
add_header Strict-Transport-Security "max-age=31536000" always;
if ($arg_closed) { return 503; }
--- request eval
["GET https://lyncwebext.contoso.com/abs/handler", "GET https://lyncwebext.contoso.com/cscp/",
 "GET https://lyncwebext.contoso.com/abs/handler?closed=1"]
--- error_code eval
[503, 404, 503]
--- response_headers eval
["Retry-After: 30\nStrict-Transport-Security: max-age=31536000",
 "!Retry-After\nStrict-Transport-Security: max-age=31536000",
 "!Retry-After\nStrict-Transport-Security: max-age=31536000"]



=== TEST 22: but not on the 503 of limit_req
--- http_config eval
"   limit_req_zone \$lync_publication zone=everybody:64k rate=1r/m;
    lync_publish contoso {
        %%SOCKETS%%
$::Deployment
    }
"
--- user_files
>>> extra.conf
limit_req zone=everybody;
--- request eval
["GET https://lyncwebext.contoso.com/abs/handler", "GET https://lyncwebext.contoso.com/abs/handler"]
--- error_code eval
[200, 503]
--- response_headers eval
["X-Site: external", "!Retry-After"]
