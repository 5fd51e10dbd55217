# Simple URLs, in the three ways Microsoft's documentation names them, and the admin URL, which is
# declared so that it is blocked.

use LyncTest;

our $Rest = <<'END';
    sip_domain  contoso.com fabrikam.com;
    %%CERTIFICATE%%
    %%TRUSTED_CA%%
    %%POOL%%
END

# One host for each URL.
our $HostPerUrl = <<"END";
$Rest
    simple_url  meet       https://meet.contoso.com;
    simple_url  meet       https://meet.fabrikam.com/;
    simple_url  dialin     https://dialin.contoso.com;
    simple_url  scheduler  https://scheduler.contoso.com;
    simple_url  admin      https://admin.contoso.com;
END

# A shared host with a path.
our $SharedHost = <<"END";
$Rest
    simple_url  meet    https://lync.contoso.com/Meet;
    simple_url  dialin  https://lync.contoso.com/Dialin/;
    simple_url  admin   https://lync.contoso.com/Admin;
END

# A shared host with a label for each SIP domain and a path.
our $SharedByDomains = <<"END";
$Rest
    simple_url  meet    https://lync.contoso.com/contosoSIPdomain/Meet;
    simple_url  meet    https://lync.contoso.com/fabrikamSIPdomain/Meet;
    simple_url  dialin  https://lync.contoso.com/contosoSIPdomain/Dialin;
    simple_url  admin   https://lync.contoso.com/contosoSIPdomain/Admin;
END

run_suite();

__DATA__

=== TEST 1: a host for each URL
--- publication eval: $::HostPerUrl
--- request eval
["GET https://meet.contoso.com/alice/7322994", "GET https://meet.fabrikam.com/bob/1234567?sl=1",
 "GET https://dialin.contoso.com/", "GET https://scheduler.contoso.com/"]
--- response_body_like eval
[qr/^GET \/alice\/7322994 HTTP\/1\.1\nHost: meet\.contoso\.com$/m,
 qr/^GET \/bob\/1234567\?sl=1 HTTP\/1\.1\nHost: meet\.fabrikam\.com$/m,
 qr/^GET \/ HTTP\/1\.1\nHost: dialin\.contoso\.com$/m,
 qr/^GET \/ HTTP\/1\.1\nHost: scheduler\.contoso\.com$/m]
--- response_headers eval
[("X-Site: external") x 4]



=== TEST 2: such a host serves all its paths
--- publication eval: $::HostPerUrl
--- request eval
["GET https://meet.contoso.com/", "POST https://meet.contoso.com/any/where",
 "GET https://meet.contoso.com/meet/Resources/x.js", "GET https://dialin.contoso.com/Conference.aspx"]
--- response_headers eval
[("X-Site: external") x 4]



=== TEST 3: a shared host serves the declared prefixes
--- publication eval: $::SharedHost
--- request eval
["GET https://lync.contoso.com/Meet/alice/7322994", "GET https://lync.contoso.com/meet/alice/7322994",
 "GET https://lync.contoso.com/MEET", "GET https://lync.contoso.com/Dialin",
 "GET https://lync.contoso.com/%4deet/alice/7322994"]
--- response_headers eval
[("X-Site: external") x 5]



=== TEST 4: and what the pages of these services fetch from their own host
--- publication eval: $::SharedHost
--- request eval
["GET https://lync.contoso.com/meet/Resources/x.js", "GET https://lync.contoso.com/fonts/segoe.woff",
 "GET https://lync.contoso.com/lwa/WebPages/LwaClient.aspx",
 "POST https://lync.contoso.com/webticket/webticketservice.svc"]
--- response_headers eval
[("X-Site: external") x 4]



=== TEST 5: and nothing else: prefixes are whole segments
--- publication eval: $::SharedHost
--- request eval
["GET https://lync.contoso.com/", "GET https://lync.contoso.com/Meeting/alice",
 "GET https://lync.contoso.com/scheduler", "GET https://lync.contoso.com/abs/handler",
 "GET https://lync.contoso.com/Meet/../abs/handler", "GET https://lync.contoso.com/x/Meet",
 "POST https://lync.contoso.com/ucwa/v1/applications"]
--- error_code eval
[(404) x 7]
--- response_body_unlike eval
[(qr/external|internal/) x 7]



=== TEST 6: a shared host with a label for each SIP domain
--- publication eval: $::SharedByDomains
--- request eval
["GET https://lync.contoso.com/contosoSIPdomain/Meet/alice/1",
 "GET https://lync.contoso.com/fabrikamsipdomain/meet/bob/2",
 "GET https://lync.contoso.com/contosoSIPdomain/Dialin",
 "GET https://lync.contoso.com/fabrikamSIPdomain/Dialin",
 "GET https://lync.contoso.com/contosoSIPdomain",
 "GET https://lync.contoso.com/northwindSIPdomain/Meet"]
--- error_code eval
[200, 200, 200, 404, 404, 404]



=== TEST 7: labels are free: the path is configuration
--- publication
    sip_domain  contoso.com;
    %%CERTIFICATE%%
    %%TRUSTED_CA%%
    %%POOL%%
    simple_url  meet  https://lync.contoso.com/ID;
--- request eval
["GET https://lync.contoso.com/ID/alice/1", "GET https://lync.contoso.com/id/alice/1",
 "GET https://lync.contoso.com/IDs"]
--- error_code eval
[200, 200, 404]



=== TEST 8: URLs of a shared host may lead to different pools, each verified under its own name
--- publication
    sip_domain  contoso.com;
    %%CERTIFICATE%%
    %%TRUSTED_CA%%
    %%POOL%%
    pool fepool2.fabrikam.local {
        server                 127.0.0.12;
        external_web_services  lyncwebext.fabrikam.com;
        %%PORTS%%
    }
    simple_url  meet    https://lync.contoso.com/Meet;
    simple_url  meet    https://lync.contoso.com/fabrikam/Meet  pool=fepool2.fabrikam.local;
    simple_url  dialin  https://lync.contoso.com/Dialin         pool=fepool2.fabrikam.local;
--- request eval
["GET https://lync.contoso.com/Meet/a%2Fb?c=%41", "GET https://lync.contoso.com/fabrikam/meet/b",
 "GET https://lync.contoso.com/dialin", "GET https://lync.contoso.com/Meet"]
--- response_body_like eval
[qr/^external https fepool\.contoso\.local .*\nGET \/Meet\/a%2Fb\?c=%41 HTTP\/1\.1\nHost: lync\.contoso\.com\n(?:.*\n){2}SNI: fepool\.contoso\.local$/m,
 qr/^external https fepool2\.fabrikam\.local .*\nGET \/fabrikam\/meet\/b HTTP\/1\.1\n(?:.*\n){3}SNI: fepool2\.fabrikam\.local$/m,
 qr/^external https fepool2\.fabrikam\.local /m,
 qr/^external https fepool\.contoso\.local /m]



=== TEST 9: any domain: meet.*, as hosters publish it
--- publication
    sip_domain  contoso.com;
    %%CERTIFICATE%%
    %%TRUSTED_CA%%
    %%POOL%%
    simple_url  meet    https://meet.*;
    simple_url  dialin  https://dialin.contoso.com;
--- request eval
["GET https://meet.contoso.com/alice/1", "GET https://meet.hoster.example/bob/2"]
--- response_body_like eval
[qr/^GET \/alice\/1 HTTP\/1\.1\nHost: meet\.contoso\.com$/m,
 qr/^GET \/bob\/2 HTTP\/1\.1\nHost: meet\.hoster\.example$/m]
--- insecure



=== TEST 10: meet.* isn't meeting.*, nor something in front of meet
--- publication
    sip_domain  contoso.com;
    %%CERTIFICATE%%
    %%TRUSTED_CA%%
    %%POOL%%
    simple_url  meet  https://meet.*;
--- request
GET https://meeting.contoso.com/alice/1
--- insecure
--- refused: closed



=== TEST 11: the admin URL's own host is refused, on every path
--- publication eval: $::HostPerUrl
--- request eval
["GET https://admin.contoso.com/", "GET https://admin.contoso.com/cscp",
 "GET https://admin.contoso.com/meet/x", "POST https://admin.contoso.com/"]
--- insecure
--- error_code eval
[(404) x 4]
--- response_body_unlike eval
[(qr/external|internal/) x 4]



=== TEST 12: an admin path is refused on its host
--- publication eval: $::SharedHost
--- request eval
["GET https://lync.contoso.com/Admin", "GET https://lync.contoso.com/admin/x",
 "GET https://lync.contoso.com/Meet/../Admin", "GET https://lync.contoso.com/%41dmin",
 "GET https://lync.contoso.com/Meet/..%5cAdmin"]
--- error_code eval
[(404) x 5]
--- response_body_unlike eval
[(qr/external|internal/) x 5]



=== TEST 13: and on every other
--- publication eval: $::SharedHost . "    simple_url meet https://meet.contoso.com;\n"
--- request eval
["GET https://lyncwebext.contoso.com/Admin", "GET https://meet.contoso.com/ADMIN/",
 "GET https://lyncdiscover.contoso.com/admin", "GET http://lyncdiscover.contoso.com/admin"]
--- error_code eval
[(404) x 4]
--- response_body_unlike eval
[(qr/external|internal/) x 4]



=== TEST 14: a path that only begins like it is none
--- publication eval: $::SharedHost . "    simple_url meet https://meet.contoso.com;\n"
--- request
GET https://meet.contoso.com/administrator/7322994
--- response_headers
X-Site: external



=== TEST 15: the Control Panel, PowerShell and their kin are refused on every host, also undeclared
--- publication eval: $::HostPerUrl
--- request eval
["GET https://lyncwebext.contoso.com/cscp/", "GET https://meet.contoso.com/Cscp",
 "GET https://meet.contoso.com/OcsPowershell", "GET https://dialin.contoso.com/rgsconfig/",
 "GET https://lyncwebext.contoso.com/locationinformation/liservice.svc",
 "GET https://lyncdiscover.contoso.com/macp", "GET https://meet.contoso.com/a/..\\cscp"]
--- error_code eval
[(404) x 7]
--- response_body_unlike eval
[(qr/external|internal/) x 7]



=== TEST 16: an admin URL with a path closes the path, not a host that a pattern publishes
--- publication
    sip_domain  contoso.com fabrikam.com;
    %%CERTIFICATE%%
    %%TRUSTED_CA%%
    %%POOL%%
    simple_url  meet   https://meet.*;
    simple_url  admin  https://meet.contoso.com/Admin;
--- request eval
["GET https://meet.contoso.com/alice/7322994", "GET https://meet.fabrikam.com/alice/7322994",
 "GET http://meet.contoso.com/alice/7322994", "GET https://meet.contoso.com/admin",
 "GET https://meet.fabrikam.com/Admin/x"]
--- error_code eval
[200, 200, 301, 404, 404]



=== TEST 17: several URLs in one line
--- publication eval
$::Rest . <<'END'
    simple_url  meet   https://meet.contoso.com https://meet.fabrikam.com/;
    simple_url  admin  https://admin.contoso.com https://lync.contoso.com/Admin;
END
--- request eval
["GET https://meet.contoso.com/alice/1", "GET https://meet.fabrikam.com/bob/2",
 "GET http://admin.contoso.com/", "GET https://meet.fabrikam.com/admin/"]
--- error_code eval
[200, 200, 404, 404]
