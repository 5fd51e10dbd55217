# Where there is a Director, first contact goes to it: simple URLs and lyncdiscover. A pool's own
# external web services FQDN still leads to that pool.

use LyncTest;

our $Deployment = <<'END';
    sip_domain         contoso.com;
    http_autodiscover  on;
    %%CERTIFICATE%%
    %%TRUSTED_CA%%

    pool fepool.contoso.local {
        server                 127.0.0.11;
        external_web_services  lyncwebext.contoso.com;
        %%PORTS%%
    }
    director dirpool.contoso.local {
        server                 127.0.0.13;
        external_web_services  dirwebext.contoso.com;
        %%PORTS%%
    }
    pool fepool2.fabrikam.local {
        server                 127.0.0.12;
        external_web_services  lyncwebext.fabrikam.com;
        %%PORTS%%
    }

    simple_url  meet    https://meet.contoso.com;
    simple_url  dialin  https://dialin.contoso.com;
    simple_url  meet    https://meet.fabrikam.com  pool=fepool2.fabrikam.local;
END

run_suite();

__DATA__

=== TEST 1: a meet URL
--- publication eval: $::Deployment
--- request
GET https://meet.contoso.com/alice/7322994
--- response_body_like
\Aexternal https dirpool\.contoso\.local 127\.0\.0\.13\n



=== TEST 2: the dial-in page
--- publication eval: $::Deployment
--- request
GET https://dialin.contoso.com/
--- response_body_like
\Aexternal https dirpool\.contoso\.local 127\.0\.0\.13\n



=== TEST 3: lyncdiscover
--- publication eval: $::Deployment
--- request
GET https://lyncdiscover.contoso.com/
--- response_body_like
\Aexternal https dirpool\.contoso\.local 127\.0\.0\.13\n



=== TEST 4: lyncdiscover over plain HTTP, to the Director's 8080
--- publication eval: $::Deployment
--- request
GET http://lyncdiscover.contoso.com/?sipuri=alice@contoso.com
--- response_body_like
\Aexternal http dirpool\.contoso\.local 127\.0\.0\.13\n



=== TEST 5: the Director's own external name
--- publication eval: $::Deployment
--- request
GET https://dirwebext.contoso.com/webticket/webticketservice.svc/mex
--- response_body_like
\Aexternal https dirpool\.contoso\.local 127\.0\.0\.13\n



=== TEST 6: a pool's own external name leads to the pool
--- publication eval: $::Deployment
--- request
GET https://lyncwebext.contoso.com/abs/handler
--- response_body_like
\Aexternal https fepool\.contoso\.local 127\.0\.0\.11\n



=== TEST 7: another pool's, too
--- publication eval: $::Deployment
--- request
GET https://lyncwebext.fabrikam.com/ucwa/v1/applications
--- response_body_like
\Aexternal https fepool2\.fabrikam\.local 127\.0\.0\.12\n



=== TEST 8: pool= wins over the Director
--- publication eval: $::Deployment
--- request
GET https://meet.fabrikam.com/bob/1234567
--- response_body_like
\Aexternal https fepool2\.fabrikam\.local 127\.0\.0\.12\n



=== TEST 9: pool= may name the Director, and ports of its own are the Director's
--- publication
    sip_domain  contoso.com;
    %%CERTIFICATE%%
    %%TRUSTED_CA%%
    director dirpool.contoso.local {
        server                 127.0.0.13;
        external_web_services  dirwebext.contoso.com;
        listening_ports        https=%%PORT_4443%%;
    }
    simple_url  meet  https://meet.contoso.com  pool=dirpool.contoso.local;
    pool fepool.contoso.local {
        server                 127.0.0.11;
        external_web_services  lyncwebext.contoso.com;
    }
--- request
GET https://meet.contoso.com/alice/7322994
--- response_body_like
\Aexternal https dirpool\.contoso\.local 127\.0\.0\.13\n
--- nginx_T
server 127.0.0.11:4443;
