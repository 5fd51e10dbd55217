# Each published name leads to one port of one group of servers: 443 becomes 4443 of the pool that
# the name belongs to, and nothing ever becomes a port of an internal web site.

use LyncTest;

run_suite(publication => '%%STANDARD%%');

__DATA__

=== one pool: its own external name, simple URLs and lyncdiscover lead there
--- asks
GET https://lyncwebext.contoso.com/abs/handler                -> external https fepool.contoso.local 127.0.0.11
GET https://lyncdiscover.contoso.com/?sipuri=alice@contoso.com -> external https fepool.contoso.local | GET /?sipuri=alice@contoso.com HTTP/1.1
GET https://meet.contoso.com/alice/7322994                    -> external https fepool.contoso.local

=== several pools, Office Web Apps and Exchange, without a Director: the first pool is the default
--- publication eval: main::word('ENTERPRISE') =~ s/director.*?\}\n//sr
--- asks
GET https://lyncwebext.contoso.com/abs/handler                -> external https fepool.contoso.local 127.0.0.11
GET https://lyncwebext.fabrikam.com/abs/handler               -> external https fepool2.fabrikam.local 127.0.0.12
GET https://lyncdiscover.contoso.com/                         -> external https fepool.contoso.local 127.0.0.11
GET https://lyncdiscover.fabrikam.com/?sipuri=bob@fabrikam.com -> external https fepool.contoso.local 127.0.0.11
GET https://meet.contoso.com/alice/7322994                    -> external https fepool.contoso.local 127.0.0.11
GET https://meet.fabrikam.com/bob/1234567                     -> external https fepool2.fabrikam.local 127.0.0.12
GET https://dialin.contoso.com/                               -> external https fepool.contoso.local 127.0.0.11
GET https://wacext.contoso.com/m/Presenter.aspx?a=%2520b      -> office_web_apps https wac.contoso.local 127.0.0.14 | GET /m/Presenter.aspx?a=%2520b HTTP/1.1
POST https://mail.contoso.com/EWS/Exchange.asmx               -> exchange https mail.contoso.local 127.0.0.15
POST https://autodiscover.contoso.com/autodiscover/autodiscover.xml -> exchange https mail.contoso.local 127.0.0.15
GET https://mail.contoso.com/owa/                             -> 404
GET https://mail.contoso.com/ecp/                             -> 404
GET https://mail.contoso.com/                                 -> 404
GET https://mail.contoso.com/abs/handler                      -> 404

=== the other services of Exchange, if named
--- more
    exchange mail.contoso.com {
        server            127.0.0.15;
        certificate_name  mail.contoso.local;
        listening_ports   https=%%PORT_443%%;
        services          owa activesync;
        services          oab;
    }
--- asks
GET https://mail.contoso.com/owa/                          -> exchange
POST https://mail.contoso.com/Microsoft-Server-ActiveSync  -> exchange
GET https://mail.contoso.com/OAB/                          -> exchange
POST https://mail.contoso.com/ews/exchange.asmx            -> 404

=== a pool's own name isn't published, nor what clients ask for from the inside
--- insecure
--- asks
GET https://fepool.contoso.local/abs/handler    -> closed
GET https://lyncdiscoverinternal.contoso.com/   -> closed

=== nor under a published name's TLS
--- to: https://lyncwebext.contoso.com
--- raw_request eval
"GET /abs/handler HTTP/1.1\r\nHost: fepool.contoso.local\r\nConnection: close\r\n\r\n"
--- refused
