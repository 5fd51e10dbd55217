# Where there is a Director, first contact goes to it: simple URLs and lyncdiscover. A pool's own
# external web services FQDN still leads to that pool.

use LyncTest;

run_suite(publication => '%%ENTERPRISE%%');

__DATA__

=== who is asked first
--- more: http_autodiscover on;
--- asks
GET https://meet.contoso.com/alice/7322994                  -> external https dirpool.contoso.local 127.0.0.13
GET https://dialin.contoso.com/                             -> external https dirpool.contoso.local 127.0.0.13
GET https://lyncdiscover.contoso.com/                       -> external https dirpool.contoso.local 127.0.0.13
GET http://lyncdiscover.contoso.com/?sipuri=alice@contoso.com -> external http dirpool.contoso.local 127.0.0.13
GET https://dirwebext.contoso.com/webticket/webticketservice.svc/mex -> external https dirpool.contoso.local 127.0.0.13
GET https://lyncwebext.contoso.com/abs/handler              -> external https fepool.contoso.local 127.0.0.11
GET https://lyncwebext.fabrikam.com/ucwa/v1/applications    -> external https fepool2.fabrikam.local 127.0.0.12
GET https://meet.fabrikam.com/bob/1234567                   -> external https fepool2.fabrikam.local 127.0.0.12

=== pool= may name the Director, and ports of its own are the Director's
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
--- asks
GET https://meet.contoso.com/alice/7322994 -> external https dirpool.contoso.local 127.0.0.13
--- nginx_T
server 127.0.0.11:4443;
