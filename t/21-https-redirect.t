# https_redirect: what comes over plain HTTP and doesn't travel is sent to https, with host, path
# and query as they were, or refused.

use LyncTest;

our $Deployment = <<'END';
    sip_domain  contoso.com;
    %%CERTIFICATE%%
    %%TRUSTED_CA%%
    %%POOL%%
    simple_url  meet   https://meet.contoso.com;
    simple_url  admin  https://admin.contoso.com;
    office_web_apps wacext.contoso.com {
        server            127.0.0.14;
        certificate_name  wac.contoso.local;
        listening_ports   https=%%PORT_443%%;
    }
    exchange mail.contoso.com {
        server            127.0.0.15;
        certificate_name  mail.contoso.local;
        listening_ports   https=%%PORT_443%%;
    }
END

repeat_each(2);
run_suite();

__DATA__

=== TEST 1: GET
--- publication eval: $::Deployment
--- request
GET http://meet.contoso.com/alice/7322994?sl=1
--- error_code: 301
--- response_headers
Location: https://meet.contoso.com/alice/7322994?sl=1



=== TEST 2: path and query to the letter
--- publication eval: $::Deployment
--- request
GET http://meet.contoso.com/a%20b/%7Ec/?q=%41+%26&q=#x
--- error_code: 301
--- response_headers
Location: https://meet.contoso.com/a%20b/%7Ec/?q=%41+%26&q=#x



=== TEST 3: HEAD
--- publication eval: $::Deployment
--- request
HEAD http://lyncwebext.contoso.com/abs/handler
--- error_code: 301
--- response_headers
Location: https://lyncwebext.contoso.com/abs/handler



=== TEST 4: methods with a body keep it
--- publication eval: $::Deployment
--- request eval
["POST http://lyncwebext.contoso.com/webticket/webticketservice.svc\nbody",
 "PUT http://lyncwebext.contoso.com/ucwa/v1/x\nbody",
 "DELETE http://lyncwebext.contoso.com/ucwa/v1/x"]
--- error_code eval
[308, 308, 308]
--- response_headers eval
["Location: https://lyncwebext.contoso.com/webticket/webticketservice.svc",
 ("Location: https://lyncwebext.contoso.com/ucwa/v1/x") x 2]



=== TEST 5: every published name
--- publication eval: $::Deployment
--- request eval
["GET http://lyncwebext.contoso.com/", "GET http://lyncdiscover.contoso.com/",
 "GET http://wacext.contoso.com/m/x", "GET http://mail.contoso.com/ews/exchange.asmx"]
--- error_code eval
[(301) x 4]
--- response_headers eval
["Location: https://lyncwebext.contoso.com/", "Location: https://lyncdiscover.contoso.com/",
 "Location: https://wacext.contoso.com/m/x", "Location: https://mail.contoso.com/ews/exchange.asmx"]



=== TEST 6: the Host header's port is plain HTTP's and stays behind
--- publication eval: $::Deployment
--- to: http://meet.contoso.com
--- raw_request eval
"GET /x HTTP/1.1\r\nHost: meet.contoso.com:80\r\nConnection: close\r\n\r\n"
--- error_code: 301
--- response_headers
Location: https://meet.contoso.com/x



=== TEST 7: an absolute request target
--- publication eval: $::Deployment
--- to: http://meet.contoso.com
--- raw_request eval
"GET http://meet.contoso.com/x?y HTTP/1.1\r\nHost: meet.contoso.com\r\nConnection: close\r\n\r\n"
--- error_code: 301
--- response_headers
Location: https://meet.contoso.com/x?y



=== TEST 8: HTTP/1.0 with a Host header
--- publication eval: $::Deployment
--- to: http://meet.contoso.com
--- raw_request eval
"GET /x HTTP/1.0\r\nHost: meet.contoso.com\r\n\r\n"
--- error_code: 301
--- response_headers
Location: https://meet.contoso.com/x



=== TEST 9: and without one, nobody knows where to
--- publication eval: $::Deployment
--- to: http://meet.contoso.com
--- raw_request eval
"GET /x HTTP/1.0\r\n\r\n"
--- refused: closed



=== TEST 10: what https refuses for good isn't sent there
--- publication eval: $::Deployment
--- request eval
["GET http://admin.contoso.com/", "GET http://lyncwebext.contoso.com/cscp/",
 "GET http://meet.contoso.com/x/../ocspowershell", "TRACE http://meet.contoso.com/x"]
--- error_code eval
[404, 404, 404, 405]



=== TEST 11: https_redirect off
--- publication eval: "$::Deployment    https_redirect off;\n"
--- request eval
["GET http://meet.contoso.com/alice/7322994", "POST http://lyncwebext.contoso.com/webticket\nbody",
 "GET http://lyncdiscover.contoso.com/"]
--- error_code eval
[404, 404, 404]
--- response_headers eval
[("Location: ") x 3]



=== TEST 12: it doesn't keep autodiscover from travelling
--- publication eval: "$::Deployment    https_redirect off; http_autodiscover on;\n"
--- request
GET http://lyncdiscover.contoso.com/
--- response_headers
X-Site: external



=== TEST 13: nobody's name is redirected
--- publication eval: $::Deployment
--- request
GET http://www.contoso.com/
--- refused: closed



=== TEST 14: the redirect tells nothing of what answers
--- publication eval: $::Deployment
--- request
GET http://meet.contoso.com/
--- error_code: 301
--- response_headers
Server: nginx
--- raw_response_headers_unlike: Lync|X-Site|Strict-Transport
