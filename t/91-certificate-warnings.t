# What is legal but deserves a warning when nginx loads it: names that no certificate covers. The
# whole wording, and that a thousand of them are no flood, is in t/unit/declare_checks_test.cpp.

use strict;
use warnings;

use LyncTest::ConfTest;

run_conf_tests();

__DATA__

=== one warning for each name that no certificate covers, of pools first
--- certificate
certificate %%PKI%%/no-lyncdiscover.pem %%PKI%%/no-lyncdiscover.key;
--- sip_domain
sip_domain  contoso.com;
--- pool
pool fepool.contoso.local { server 10.0.0.11; external_web_services lyncwebext2.contoso.com; }    # pool
--- more
simple_url  meet       https://meet.contoso.com;
simple_url  meet       https://meet.fabrikam.com;      # meet
simple_url  scheduler  https://scheduler.contoso.com;  # scheduler
--- warns
"lyncwebext2.contoso.com" is not covered by a certificate of lync_publish "contoso": clients refuse it, add the name to
the certificate's subject alternative names in %%POOL%%

"meet.fabrikam.com" is not covered by a certificate of lync_publish "contoso": clients refuse it, add the name to the
certificate's subject alternative names in %%MEET%%

"scheduler.contoso.com" is not covered by a certificate of lync_publish "contoso": clients refuse it, add the name to
the certificate's subject alternative names in %%SCHEDULER%%

=== of two certificates each covers what it can
--- certificate
certificate %%PKI%%/public.pem %%PKI%%/public.key;
certificate %%PKI%%/idn.pem %%PKI%%/idn.key;
--- sip_domain
sip_domain  contoso.com xn--bro-hoa.contoso.com northwind.example;
--- warns

=== a common name beside subject alternative names covers nothing
--- certificate
certificate %%PKI%%/cn-ignored.pem %%PKI%%/cn-ignored.key;
--- sip_domain
sip_domain *;
--- more
simple_url meet https://meet.contoso.com;
--- accepted: pool
pool fepool.contoso.local { server 10.0.0.11; external_web_services lyncwebext.contoso.com; } | "lyncwebext.contoso.com" is not covered by a certificate

=== and counts where there is none
--- certificate
certificate %%PKI%%/cn-only.pem %%PKI%%/cn-only.key;
--- more
http_autodiscover off;
--- accepted: sip_domain
sip_domain *;                        |
sip_domain contoso.com;              | "lyncdiscover.contoso.com" is not covered by a certificate

=== lyncdiscover names: plain HTTP serves what no certificate covers
--- accepted: sip_domain
sip_domain contoso.com;              |
sip_domain northwind.example;        |
sip_domain northwind.example; http_autodiscover on;  |
sip_domain northwind.example; http_autodiscover off; | "lyncdiscover.northwind.example" is not covered ... phones drop the connection ... or set "http_autodiscover" to "auto"

=== a wildcard covers one label, and an internationalised name counts as DNS has it
--- certificate
certificate %%PKI%%/wildcard.pem %%PKI%%/wildcard.key;
--- more
http_autodiscover off;
--- accepted: sip_domain
sip_domain emea.contoso.com;         | "lyncdiscover.emea.contoso.com" is not covered
sip_domain büro.contoso.com;         | "lyncdiscover.xn--bro-hoa.contoso.com" is not covered

=== without a socket for plain HTTP
--- sockets
http_listen  off;
https_listen 127.0.0.1:18443;
--- accepted: sip_domain
sip_domain northwind.example;        | phones drop the connection ... or take "http_listen off" out

=== names of simple URLs, farms, each of them, and of Directors
--- accepted: more
simple_url admin https://lsadmin.contoso.com; simple_url meet https://meet.*; sip_domain *;                      |
simple_url meet https://join.contoso.com;                                                                        | "join.contoso.com" is not covered
director dirpool.contoso.local { server 10.0.0.13; external_web_services dir.contoso.com; }                      | "dir.contoso.com" is not covered
office_web_apps owa.contoso.com { server 10.0.0.14; }                                                            | "owa.contoso.com" is not covered
exchange mail.contoso.com mail2.contoso.com { server 10.0.0.15; }                                                | "mail2.contoso.com" is not covered

=== the servers are taken at their word
--- trusted_ca
--- accepted: more
backend_verify off;                  | "backend_verify" is off in lync_publish "contoso"
