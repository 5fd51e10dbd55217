# Simple URLs, in the three ways Microsoft's documentation names them, and the admin URL, which is
# declared so that it is blocked.

use LyncTest;

run_suite(publication => "sip_domain contoso.com fabrikam.com;\n%%CERTIFICATE%%\n%%TRUSTED_CA%%\n%%POOL%%\n");

__DATA__

=== a host for each URL, which serves all its paths but the administrative ones
--- insecure
--- more
    simple_url  meet       https://meet.contoso.com;
    simple_url  meet       https://meet.fabrikam.com/;
    simple_url  dialin     https://dialin.contoso.com;
    simple_url  scheduler  https://scheduler.contoso.com;
    simple_url  admin      https://admin.contoso.com;
--- asks
GET https://meet.contoso.com/alice/7322994          -> external | GET /alice/7322994 HTTP/1.1 | Host: meet.contoso.com
GET https://meet.fabrikam.com/bob/1234567?sl=1      -> external | GET /bob/1234567?sl=1 HTTP/1.1 | Host: meet.fabrikam.com
GET https://dialin.contoso.com/                     -> external | GET / HTTP/1.1 | Host: dialin.contoso.com
GET https://scheduler.contoso.com/                  -> external | GET / HTTP/1.1 | Host: scheduler.contoso.com
GET https://meet.contoso.com/                       -> external
POST https://meet.contoso.com/any/where             -> external
GET https://meet.contoso.com/meet/Resources/x.js    -> external
GET https://dialin.contoso.com/Conference.aspx      -> external
GET https://admin.contoso.com/                      -> 404
GET https://admin.contoso.com/cscp                  -> 404
GET https://admin.contoso.com/meet/x                -> 404
POST https://admin.contoso.com/                     -> 404

=== a shared host serves the declared prefixes, what their pages fetch from it, and nothing else
--- more
    simple_url  meet    https://lync.contoso.com/Meet;
    simple_url  dialin  https://lync.contoso.com/Dialin/;
    simple_url  admin   https://lync.contoso.com/Admin;
    simple_url  meet    https://meet.contoso.com;
--- asks
GET https://lync.contoso.com/Meet/alice/7322994      -> external
GET https://lync.contoso.com/meet/alice/7322994      -> external
GET https://lync.contoso.com/Dialin                  -> external
GET https://lync.contoso.com/%4deet/alice/7322994    -> external
GET https://lync.contoso.com/meet/Resources/x.js     -> external
POST https://lync.contoso.com/webticket/webticketservice.svc -> external
GET https://lync.contoso.com/                        -> 404
GET https://lync.contoso.com/Meeting/alice           -> 404
POST https://lync.contoso.com/ucwa/v1/applications   -> 404
GET https://lync.contoso.com/Admin                   -> 404
GET https://lync.contoso.com/admin/x                 -> 404
GET https://lyncwebext.contoso.com/Admin             -> 404
GET https://meet.contoso.com/ADMIN/                  -> 404
GET https://lyncdiscover.contoso.com/admin           -> 404
GET http://lyncdiscover.contoso.com/admin            -> 404
GET https://meet.contoso.com/administrator/7322994   -> external

=== a shared host with a label for each SIP domain
--- more
    simple_url  meet    https://lync.contoso.com/contosoSIPdomain/Meet;
    simple_url  meet    https://lync.contoso.com/fabrikamSIPdomain/Meet;
    simple_url  dialin  https://lync.contoso.com/contosoSIPdomain/Dialin;
    simple_url  admin   https://lync.contoso.com/contosoSIPdomain/Admin;
--- asks
GET https://lync.contoso.com/contosoSIPdomain/Meet/alice/1    -> external
GET https://lync.contoso.com/fabrikamsipdomain/meet/bob/2     -> external
GET https://lync.contoso.com/contosoSIPdomain/Dialin          -> external
GET https://lync.contoso.com/fabrikamSIPdomain/Dialin         -> 404
GET https://lync.contoso.com/contosoSIPdomain                 -> 404
GET https://lync.contoso.com/northwindSIPdomain/Meet          -> 404

=== URLs of a shared host may lead to different pools, each verified under its own name
--- more
    %%POOL2%%
    simple_url  meet    https://lync.contoso.com/Meet;
    simple_url  meet    https://lync.contoso.com/fabrikam/Meet  pool=fepool2.fabrikam.local;
    simple_url  dialin  https://lync.contoso.com/Dialin         pool=fepool2.fabrikam.local;
--- asks
GET https://lync.contoso.com/Meet/a%2Fb?c=%41  -> external https fepool.contoso.local | GET /Meet/a%2Fb?c=%41 HTTP/1.1 | Host: lync.contoso.com | SNI: fepool.contoso.local
GET https://lync.contoso.com/fabrikam/meet/b   -> external https fepool2.fabrikam.local | GET /fabrikam/meet/b HTTP/1.1 | SNI: fepool2.fabrikam.local
GET https://lync.contoso.com/dialin            -> external https fepool2.fabrikam.local
GET https://lync.contoso.com/Meet              -> external https fepool.contoso.local

=== any domain: meet.*, as hosters publish it; it isn't meeting.*, nor something in front of meet
--- insecure
--- more
    simple_url  meet    https://meet.*;
    simple_url  dialin  https://dialin.contoso.com;
--- asks
GET https://meet.contoso.com/alice/1     -> external | GET /alice/1 HTTP/1.1 | Host: meet.contoso.com
GET https://meet.hoster.example/bob/2    -> external | GET /bob/2 HTTP/1.1 | Host: meet.hoster.example
GET https://meeting.contoso.com/alice/1  -> closed

=== an admin URL with a path closes the path, not a host that a pattern publishes
--- more
    simple_url  meet   https://meet.*;
    simple_url  admin  https://meet.contoso.com/Admin;
--- asks
GET https://meet.contoso.com/alice/7322994   -> external
GET https://meet.fabrikam.com/alice/7322994  -> external
GET http://meet.contoso.com/alice/7322994    -> 301
GET https://meet.contoso.com/admin           -> 404
GET https://meet.fabrikam.com/Admin/x        -> 404
