# Each published name leads to one port of one group of servers: 443 becomes 4443 of the pool that
# the name belongs to, and nothing ever becomes a port of an internal web site.

use LyncTest;

our $Deployment = <<'END';
    sip_domain  contoso.com fabrikam.com;
    %%CERTIFICATE%%
    %%TRUSTED_CA%%

    pool fepool.contoso.local {
        server                 127.0.0.11;
        external_web_services  lyncwebext.contoso.com;
        %%PORTS%%
    }
    pool fepool2.fabrikam.local {
        server                 127.0.0.12;
        external_web_services  lyncwebext.fabrikam.com;
        %%PORTS%%
    }

    simple_url  meet    https://meet.contoso.com;
    simple_url  meet    https://meet.fabrikam.com  pool=fepool2.fabrikam.local;
    simple_url  dialin  https://dialin.contoso.com;

    office_web_apps wacext.contoso.com {
        server            127.0.0.14;
        certificate_name  wac.contoso.local;
        listening_ports   https=%%PORT_443%%;
    }
    exchange mail.contoso.com autodiscover.contoso.com {
        server            127.0.0.15;
        certificate_name  mail.contoso.local;
        listening_ports   https=%%PORT_443%%;
    }
END


run_suite();

__DATA__

=== TEST 1: the external web services FQDN of a pool leads to that pool's 4443
--- publication eval: $::Deployment
--- request
GET https://lyncwebext.contoso.com/abs/handler
--- response_headers
X-Site: external
--- response_body_like
\Aexternal https fepool\.contoso\.local 127\.0\.0\.11\n



=== TEST 2: another pool's name leads to that one
--- publication eval: $::Deployment
--- request
GET https://lyncwebext.fabrikam.com/abs/handler
--- response_body_like
\Aexternal https fepool2\.fabrikam\.local 127\.0\.0\.12\n



=== TEST 3: lyncdiscover leads to the default pool, the first one
--- publication eval: $::Deployment
--- request
GET https://lyncdiscover.contoso.com/?sipuri=alice@contoso.com
--- response_body_like
\Aexternal https fepool\.contoso\.local 127\.0\.0\.11
GET /\?sipuri=alice\@contoso\.com HTTP/1\.1



=== TEST 4: lyncdiscover of another SIP domain, too
--- publication eval: $::Deployment
--- request
GET https://lyncdiscover.fabrikam.com/?sipuri=bob@fabrikam.com
--- response_body_like
\Aexternal https fepool\.contoso\.local 127\.0\.0\.11\n



=== TEST 5: a meet URL leads to the default pool
--- publication eval: $::Deployment
--- request
GET https://meet.contoso.com/alice/7322994
--- response_body_like
\Aexternal https fepool\.contoso\.local 127\.0\.0\.11\n



=== TEST 6: a meet URL with pool= leads to that pool
--- publication eval: $::Deployment
--- request
GET https://meet.fabrikam.com/bob/1234567
--- response_body_like
\Aexternal https fepool2\.fabrikam\.local 127\.0\.0\.12\n



=== TEST 7: the dial-in page
--- publication eval: $::Deployment
--- request
GET https://dialin.contoso.com/
--- response_body_like
\Aexternal https fepool\.contoso\.local 127\.0\.0\.11\n



=== TEST 8: an Office Web Apps farm, 443 to 443
--- publication eval: $::Deployment
--- request
GET https://wacext.contoso.com/m/Presenter.aspx?a=%2520b
--- response_body_like
\Aoffice_web_apps https wac\.contoso\.local 127\.0\.0\.14
GET /m/Presenter\.aspx\?a=%2520b HTTP/1\.1



=== TEST 9: Exchange, 443 to 443
--- publication eval: $::Deployment
--- request
POST https://mail.contoso.com/EWS/Exchange.asmx
--- response_body_like
\Aexchange https mail\.contoso\.local 127\.0\.0\.15\n



=== TEST 10: Exchange under its other name
--- publication eval: $::Deployment
--- request
POST https://autodiscover.contoso.com/autodiscover/autodiscover.xml
--- response_body_like
\Aexchange https mail\.contoso\.local 127\.0\.0\.15\n



=== TEST 11: of Exchange, only the services named
--- publication eval: $::Deployment
--- request eval
["GET https://mail.contoso.com/owa/", "GET https://mail.contoso.com/ecp/",
 "GET https://mail.contoso.com/", "GET https://mail.contoso.com/abs/handler"]
--- error_code eval
[404, 404, 404, 404]
--- response_body_unlike eval
[("exchange|internal") x 4]



=== TEST 12: the other services of Exchange, if named
--- publication
    sip_domain  contoso.com;
    %%CERTIFICATE%%
    %%TRUSTED_CA%%
    %%POOL%%
    exchange mail.contoso.com {
        server            127.0.0.15;
        certificate_name  mail.contoso.local;
        listening_ports   https=%%PORT_443%%;
        services          owa activesync;
        services          oab;
    }
--- request eval
["GET https://mail.contoso.com/owa/", "POST https://mail.contoso.com/Microsoft-Server-ActiveSync",
 "GET https://mail.contoso.com/OAB/", "POST https://mail.contoso.com/ews/exchange.asmx"]
--- error_code eval
[200, 200, 200, 404]



=== TEST 13: a pool's own name isn't published, the name in TLS or not
--- publication eval: $::Deployment
--- request
GET https://fepool.contoso.local/abs/handler
--- insecure
--- refused: closed



=== TEST 14: nor under a published name's TLS
--- publication eval: $::Deployment
--- to: https://lyncwebext.contoso.com
--- raw_request eval
"GET /abs/handler HTTP/1.1\r\nHost: fepool.contoso.local\r\nConnection: close\r\n\r\n"
--- refused: closed



=== TEST 15: nor in a request line that names another host than the Host header
--- publication eval: $::Deployment
--- to: https://lyncwebext.contoso.com
--- raw_request eval
"GET https://lyncwebext.contoso.com/abs/handler HTTP/1.1\r\nHost: fepool.contoso.local\r\n" .
"Connection: close\r\n\r\n"
--- error_code: 400
--- response_body_unlike: external|internal



=== TEST 16: a port in the Host header doesn't choose a port of the pool
--- publication eval: $::Deployment
--- to: https://lyncwebext.contoso.com
--- raw_request eval
"GET /abs/handler HTTP/1.1\r\nHost: lyncwebext.contoso.com:443\r\nConnection: close\r\n\r\n"
--- response_body_like
\Aexternal https fepool\.contoso\.local 127\.0\.0\.11\n



=== TEST 17: clients ask for lyncdiscoverinternal first, and get nothing
--- publication eval: $::Deployment
--- request
GET https://lyncdiscoverinternal.contoso.com/
--- insecure
--- refused: closed



=== TEST 18: of two Front Ends both serve
--- publication
    sip_domain  contoso.com;
    %%CERTIFICATE%%
    %%TRUSTED_CA%%
    pool fepool.contoso.local {
        server                 127.0.0.11  weight=1;
        server                 127.0.0.21  weight=1;
        external_web_services  lyncwebext.contoso.com;
        %%PORTS%%
    }
--- request eval
[("GET https://lyncwebext.contoso.com/abs/handler") x 2]
--- response_body_like eval
[(qr/^external https fepool\.contoso\.local 127\.0\.0\.[12]1$/m) x 2]



=== TEST 19: a Front End that is down is left out, a backup is not asked
--- publication
    sip_domain  contoso.com;
    %%CERTIFICATE%%
    %%TRUSTED_CA%%
    pool fepool.contoso.local {
        server                 127.0.0.11  down;
        server                 127.0.0.21  max_conns=100 max_fails=2 fail_timeout=20s;
        server                 127.0.0.12  backup;
        external_web_services  lyncwebext.contoso.com;
        %%PORTS%%
    }
--- request eval
[("GET https://lyncwebext.contoso.com/abs/handler") x 3]
--- response_body_like eval
[(qr/^external https fepool\.contoso\.local 127\.0\.0\.21$/m) x 3]



=== TEST 20: without listening_ports, the ports are 4443 and 8080
--- http_config
    lync_publish contoso {
        sip_domain  contoso.com;
        http_listen 127.0.0.1:%%PORT_HTTP%%;
        https_listen 127.0.0.1:%%PORT_HTTPS%%;
        %%CERTIFICATE%%
        %%TRUSTED_CA%%
        http_autodiscover  on;
        pool fepool.contoso.local {
            server                 10.0.0.11;
            server                 10.0.0.12  weight=2;
            external_web_services  lyncwebext.contoso.com;
        }
        office_web_apps wacext.contoso.com { server 10.0.0.20; }
        exchange mail.contoso.com { server 10.0.0.30; }
    }
--- nginx_T
server 10.0.0.11:4443;
server 10.0.0.12:4443 weight=2;
server 10.0.0.11:8080;
server 10.0.0.20:443;
server 10.0.0.30:443;
--- nginx_T_unlike: server 10\.0\.0\.1[12]:(?:80|443)\b



=== TEST 21: without a server, the pool's own name is the address
--- publication
    sip_domain  contoso.com;
    %%CERTIFICATE%%
    %%TRUSTED_CA%%
    pool fepool.contoso.invalid {    # here
        external_web_services  lyncwebext.contoso.com;
    }
--- must_die
--- error_log
host not found in upstream "fepool.contoso.invalid:4443": see to it that the name resolves, write the server's address, or "resolve_at_start off" if nginx has to start without DNS in %%CONF%%:%%HERE%%
