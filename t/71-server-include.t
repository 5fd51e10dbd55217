# server_include: plain nginx directives in every generated server. What may not stand there is in
# t/90-bad-input-grammar.t.

use LyncTest;

run_suite(publication => '%%STANDARD%%');

__DATA__

=== a header, HSTS for instance: on what is proxied, redirected and refused
--- included
add_header Strict-Transport-Security "max-age=31536000" always;
--- asks
GET https://lyncwebext.contoso.com/abs/handler  -> external | Strict-Transport-Security: max-age=31536000
GET http://meet.contoso.com/alice               -> 301 | Strict-Transport-Security: max-age=31536000
GET https://lyncwebext.contoso.com/cscp         -> 404 | Strict-Transport-Security: max-age=31536000

=== an access log
--- included
access_log %%SERVROOT%%/logs/extra.log lync %%LATE%%;
--- asks
GET https://lyncwebext.contoso.com/abs/handler  -> external

=== limit_req, whose 503 doesn't say when to come again
--- before
limit_req_zone $lync_publication zone=everybody:64k rate=1r/m;
--- included
limit_req zone=everybody;
--- asks
GET https://lyncwebext.contoso.com/abs/handler  -> external
GET https://lyncwebext.contoso.com/abs/handler  -> 503 | !Retry-After

=== limit_req with another status
--- before
limit_req_zone $lync_publication zone=anybody:64k rate=1r/m;
--- included
limit_req zone=anybody;
limit_req_status 429;
--- asks
GET https://lyncwebext.contoso.com/abs/handler  -> external
GET https://lyncwebext.contoso.com/abs/handler  -> 429

=== access rules
--- included
deny 127.0.0.1;
--- asks
GET https://lyncwebext.contoso.com/abs/handler  -> 403
--- error_log
access forbidden by rule

=== a location is the administrator's own, also on a host whose paths are refused
--- included
location = /robots.txt { return 200 "User-agent: *\nDisallow: /\n"; }
--- asks
GET https://lyncwebext.contoso.com/robots.txt   -> User-agent: *
GET http://lyncwebext.contoso.com/robots.txt    -> User-agent: *
GET https://lyncwebext.contoso.com/cscp         -> 404

=== a location beside max_upload
--- more: max_upload 1m;
--- included
location /nothing { }
--- asks
GET https://lyncwebext.contoso.com/abs/handler  -> external

=== several files
--- more: server_include %%SERVROOT%%/html/extra.conf; server_include %%SERVROOT%%/html/two.conf %%SERVROOT%%/html/three.conf;
--- user_files
>>> extra.conf
add_header X-Extra one always;
>>> two.conf
add_header X-Extra two always;
>>> three.conf
add_header X-Extra three always;
--- asks
GET https://lyncwebext.contoso.com/abs/handler  -> external | X-Extra: one | X-Extra: two | X-Extra: three

=== a relative path is relative to nginx.conf, as in include; and a pattern
--- publication: %%STANDARD%% server_include ../html/extra-*.conf;
--- user_files
>>> extra-1.conf
add_header X-One yes always;
>>> extra-2.conf
add_header X-Two yes always;
--- asks
GET https://lyncwebext.contoso.com/abs/handler  -> external | X-One: yes | X-Two: yes

=== an error page is never asked of a pool, nor redirected, after a refusal
--- included
error_page 404 /abs/handler;
add_header X-Lync $lync_verdict always;
--- asks
GET https://lyncwebext.contoso.com/cscp/        -> 404 | X-Lync: refuse:admin
POST https://lyncwebext.contoso.com/cscp/       -> 404 | X-Lync: refuse:admin
GET http://meet.contoso.com/cscp/               -> 404 | X-Lync: refuse:admin | !Location
GET https://lyncwebext.contoso.com/abs/handler  -> external | X-Lync: pass
GET http://meet.contoso.com/alice               -> 301 https://meet.contoso.com/alice | X-Lync: redirect

=== the administrator's own location answers it
--- included
error_page 404 /own.html;
location = /own.html { return 200 "own page\n"; }
--- asks
GET https://lyncwebext.contoso.com/cscp/        -> 404 own page
GET http://meet.contoso.com/cscp/               -> 404 own page

=== another header, and the same one in a location of the administrator's
--- included
proxy_set_header X-Real-IP $remote_addr;
location /own {
    proxy_set_header Host www.contoso.com;
    proxy_set_header X-Forwarded-For $remote_addr;
    return 200 "own page\n";
}
--- asks
GET https://lyncwebext.contoso.com/abs/handler  -> external
GET https://lyncwebext.contoso.com/own          -> own page

=== a rewrite behind a variable that was asked before: the rules are asked about what is sent
--- included
set $asked $lync_service;
if ($lync_verdict = "pass") {
    rewrite ^/abs/(cscp|nothing|ucwa)(/.*)$ /$1$2;
}
add_header X-Verdict $lync_service/$lync_verdict always;
--- asks
GET https://lyncwebext.contoso.com/abs/cscp/    -> 404 | X-Verdict: control_panel/refuse:admin
GET https://lyncwebext.contoso.com/abs/nothing/ -> 404 | X-Verdict: unknown/refuse:path
GET https://lyncwebext.contoso.com/abs/ucwa/v1  -> external | X-Verdict: ucwa/pass
GET https://lyncwebext.contoso.com/abs/handler  -> external | X-Verdict: abs/pass

=== a header on the 503 of a pool that can't be reached, and on it alone when to come again
--- publication: %%OWN%%
--- included
add_header Strict-Transport-Security "max-age=31536000" always;
if ($arg_closed) { return 503; }
--- asks
GET https://lyncwebext.contoso.com/abs/handler          -> 503 | Retry-After: 30 | Strict-Transport-Security: max-age=31536000
GET https://lyncwebext.contoso.com/cscp/                -> 404 | !Retry-After | Strict-Transport-Security: max-age=31536000
GET https://lyncwebext.contoso.com/abs/handler?closed=1 -> 503 | !Retry-After | Strict-Transport-Security: max-age=31536000
