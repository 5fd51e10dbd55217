# Names that are no names: SIP domains, FQDNs of pools and web services, farms. The rules
# themselves, case by case, are tested in t/unit/names_test.cpp; here is what an administrator
# reads, and at which line.

use strict;
use warnings;

use LyncTest::ConfTest;

run_conf_tests();

__DATA__

=== a SIP domain that is none
--- refused: sip_domain
sip_domain lync.*.com;                 | invalid domain "lync.*.com" in "sip_domain" directive of lync_publish "contoso": a wildcard can only
sip_domain *.contoso.com;              | a wildcard can only stand alone
sip_domain sip:alice@contoso.com;      | a SIP URI
sip_domain alice@contoso.com;          | contains "@"
sip_domain contoso;                    | one label only
sip_domain "";                         | invalid domain "" ... empty
sip_domain %%a*60%%.%%b*60%%.%%c*60%%.%%d*60%%.%%e*52%%.com;  | 300 characters long
sip_domain %%a*60%%.%%b*60%%.%%c*60%%.%%d*60%%.com;           | 247 characters long ... lyncdiscover
sip_domain xn--a.contoso.com;          | label "xn--a" ... not a valid A-label
sip_domain b%%xfc%%ro.contoso.com;     | "b\xfcro.contoso.com" ... not valid UTF-8
sip_domain 10.0.0.1;                   | an address
sip_domain con_toso.com;               | contains "_"
sip_domain contoso..com;               | empty label
sip_domain contoso.com.;               | ends in a dot
sip_domain $domain;                    | "$domain" ... contains "$"
sip_domain %%x01%%%%xff%%%%x00%%;      | "\x01\xff\x00" ... byte 0x01

=== a SIP domain named twice
--- refused: sip_domain
sip_domain contoso.com fabrikam.com;
sip_domain contoso.com;                | domain "contoso.com" is duplicate in "sip_domain" directive of lync_publish "contoso"
sip_domain contoso.com;
sip_domain CONTOSO.com;                | domain "CONTOSO.com" (contoso.com in DNS) is duplicate
sip_domain xn--bro-hoa.contoso.com;
sip_domain büro.contoso.com;           | domain "büro.contoso.com" (xn--bro-hoa.contoso.com in DNS) is duplicate

=== a pool's own name that is none
--- refused: pool
pool fepool { external_web_services lyncwebext.contoso.com; }                          | invalid FQDN "fepool" in "pool" directive ... one label only
pool 10.0.0.11 { external_web_services lyncwebext.contoso.com; }                       | an address
pool fepool.contoso.local:4443 { external_web_services lyncwebext.contoso.com; }       | contains a port

=== external_web_services that clients couldn't use
--- refused: pool
pool fepool.contoso.local { external_web_services fepool.contoso.local; }         | "fepool.contoso.local" is published as external_web_services of pool "fepool.contoso.local": clients must be able
pool fepool.contoso.local { external_web_services FEPOOL.contoso.local; }         | "fepool.contoso.local" is published ... pool's own
pool fepool.contoso.local { external_web_services https://lyncwebext.contoso.com; } | a URL
pool fepool.contoso.local { external_web_services lyncwebext.contoso.com:443; }   | contains a port
pool fepool.contoso.local { external_web_services lyncwebext.contoso.com/abs; }   | contains a path
pool fepool.contoso.local { external_web_services *.contoso.com; }                | contains a wildcard
pool fepool.contoso.local { external_web_services "lyncwebext.contoso.com "; }    | contains a space
pool fepool.contoso.local { external_web_services 2001:db8::11; }                 | an address
pool fepool.contoso.local { external_web_services lyncdiscoverinternal.contoso.com; } | clients ask for it first
pool fepool.contoso.local { external_web_services %%x1b%%[31mred.contoso.com; }   | "\x1b[31mred.contoso.com" ... byte 0x1b

=== external_web_services that is another pool's own name
--- refused: more
pool fepool2.contoso.local { external_web_services fepool.contoso.local; }        | external_web_services of pool "fepool2.contoso.local" but is the own name of pool "fepool.contoso.local"

=== a farm's names
--- refused: more
office_web_apps 10.0.0.14 { server 10.0.0.14; }                                   | invalid FQDN "10.0.0.14" in "office_web_apps" directive ... an address
exchange mail.contoso.com https://autodiscover.contoso.com { server 10.0.0.15; }  | invalid FQDN "https://autodiscover.contoso.com" in "exchange" directive ... a URL

=== a certificate_name, and services of Exchange
--- refused: in exchange
certificate_name 10.0.0.15;            | "certificate_name" directive of exchange "mail.contoso.com" ... an address
services ews oof;                      | invalid value "oof" ... it may be ews, autodiscover, owa, ecp, activesync, mapi, oab, rpc, timeout=TIME or max_upload=SIZE
services owa powershell;               | invalid value "powershell" ... never published
services ews timeout=0;                | invalid value "0" in "services" directive ... can't be zero
services ews timeout=1h timeout=2h;    | parameter "timeout" is duplicate in "services"
services ews max_upload=10x;           | invalid value "10x" ... a size is written as
services timeout=1h;                   | no service in "services" directive ... write before the limits which services they are for
services ews idle=1h;                  | invalid value "idle=1h" ... timeout=TIME or max_upload=SIZE
services ews owa;
services ews;                          | invalid value "ews" ... duplicate

=== a certificate_name of Office Web Apps
--- refused: in office_web_apps
certificate_name *.contoso.local;      | office_web_apps "wacext.contoso.com" ... contains a wildcard
