# Names that are no names: SIP domains, FQDNs of pools and web services, farms. The rules
# themselves, case by case, are tested in t/unit/names_test.cpp; here is what an administrator
# reads, with the directive, the block and the line.

use strict;
use warnings;

use LyncTest::ConfTest;

run_conf_tests();

__DATA__

# --- SIP domains

=== a SIP domain with a wildcard in the middle
--- sip_domain
sip_domain lync.*.com;  # here
--- says
invalid domain "lync.*.com" in "sip_domain" directive of lync_publish "contoso": a wildcard can only
stand alone: sip_domain * in %%HERE%%

=== a SIP domain with a wildcard before it
--- sip_domain
sip_domain *.contoso.com;  # here
--- says
invalid domain "*.contoso.com" in "sip_domain" directive of lync_publish "contoso": a wildcard can
only stand alone: sip_domain * in %%HERE%%

=== a SIP address
--- sip_domain
sip_domain sip:alice@contoso.com;  # here
--- says
invalid domain "sip:alice@contoso.com" in "sip_domain" directive of lync_publish "contoso": it is a
SIP URI: write the domain only in %%HERE%%

=== an e-mail address
--- sip_domain
sip_domain alice@contoso.com;  # here
--- says
invalid domain "alice@contoso.com" in "sip_domain" directive of lync_publish "contoso": it contains
"@": write only what follows it in %%HERE%%

=== a SIP domain of one label
--- sip_domain
sip_domain contoso;  # here
--- says
invalid domain "contoso" in "sip_domain" directive of lync_publish "contoso": it has one label only:
write the full name, such as contoso.contoso.com in %%HERE%%

=== an empty SIP domain
--- sip_domain
sip_domain "";  # here
--- says
invalid domain "" in "sip_domain" directive of lync_publish "contoso": it is empty: write a name,
such as lyncwebext.contoso.com in %%HERE%%

=== a SIP domain of 300 characters
--- sip_domain
sip_domain %%a*60%%.%%b*60%%.%%c*60%%.%%d*60%%.%%e*52%%.com;  # here
--- says
invalid domain "%%a*60%%.%%b*60%%.%%c*60%%.%%d*60%%.%%e*11%%..." in "sip_domain" directive of
lync_publish "contoso": it is 300 characters long, a name has at most 253 in %%HERE%%

=== a SIP domain that leaves no room for lyncdiscover
--- sip_domain
sip_domain %%a*60%%.%%b*60%%.%%c*60%%.%%d*60%%.com;  # here
--- says
invalid domain "%%a*60%%.%%b*60%%.%%c*60%%.%%d*60%%.com" in "sip_domain" directive of lync_publish
"contoso": it is 247 characters long, a SIP domain has at most 240 so that lyncdiscover can stand
before it in %%HERE%%

=== a SIP domain named twice
--- sip_domain
sip_domain contoso.com fabrikam.com;
sip_domain contoso.com;  # here
--- says
domain "contoso.com" is duplicate in "sip_domain" directive of lync_publish "contoso" in %%HERE%%

=== a SIP domain named twice, in capital letters
--- sip_domain
sip_domain contoso.com;
sip_domain CONTOSO.com;  # here
--- says
domain "CONTOSO.com" (contoso.com in DNS) is duplicate in "sip_domain" directive of lync_publish
"contoso" in %%HERE%%

=== an internationalized SIP domain in both spellings
--- sip_domain
sip_domain xn--bro-hoa.contoso.com;
sip_domain büro.contoso.com;  # here
--- says
domain "büro.contoso.com" (xn--bro-hoa.contoso.com in DNS) is duplicate in "sip_domain" directive of
lync_publish "contoso" in %%HERE%%

=== a SIP domain that claims to be internationalized
--- sip_domain
sip_domain xn--a.contoso.com;  # here
--- says
invalid domain "xn--a.contoso.com" in "sip_domain" directive of lync_publish "contoso": the label
"xn--a" starts with "xn--" and is not a valid A-label: write the name in UTF-8, or copy it from DNS
in %%HERE%%

=== a SIP domain in Latin-1
--- sip_domain
sip_domain b%%xfc%%ro.contoso.com;  # here
--- says
invalid domain "b\xfcro.contoso.com" in "sip_domain" directive of lync_publish "contoso": it is not
valid UTF-8: save the file in UTF-8, or write A-labels ("xn--...") in %%HERE%%

=== a SIP domain that is an address
--- sip_domain
sip_domain 10.0.0.1;  # here
--- says
invalid domain "10.0.0.1" in "sip_domain" directive of lync_publish "contoso": it is an address, and
an FQDN is needed: certificates and Host headers carry names in %%HERE%%

=== a SIP domain with an underscore
--- sip_domain
sip_domain con_toso.com;  # here
--- says
invalid domain "con_toso.com" in "sip_domain" directive of lync_publish "contoso": it contains "_":
a name is made of letters, digits, "-" and "." in %%HERE%%

=== a SIP domain with two dots
--- sip_domain
sip_domain contoso..com;  # here
--- says
invalid domain "contoso..com" in "sip_domain" directive of lync_publish "contoso": it has an empty
label: one dot stands between two labels, none before the first in %%HERE%%

=== a SIP domain with the dot of a zone file
--- sip_domain
sip_domain contoso.com.;  # here
--- says
invalid domain "contoso.com." in "sip_domain" directive of lync_publish "contoso": it ends in a dot:
leave the dot out in %%HERE%%

=== a variable
--- sip_domain
sip_domain $domain;  # here
--- says
invalid domain "$domain" in "sip_domain" directive of lync_publish "contoso": it contains "$": a
name is made of letters, digits, "-" and "." in %%HERE%%


# --- pools and their external names

=== a pool named by one label
--- pool
pool fepool {  # here
    external_web_services lyncwebext.contoso.com;
}
--- says
invalid FQDN "fepool" in "pool" directive of lync_publish "contoso": it has one label only: write
the full name, such as fepool.contoso.com in %%HERE%%

=== a pool named by its address
--- pool
pool 10.0.0.11 {  # here
    external_web_services lyncwebext.contoso.com;
}
--- says
invalid FQDN "10.0.0.11" in "pool" directive of lync_publish "contoso": it is an address, and an
FQDN is needed: certificates and Host headers carry names in %%HERE%%

=== a pool with a port
--- pool
pool fepool.contoso.local:4443 {  # here
    external_web_services lyncwebext.contoso.com;
}
--- says
invalid FQDN "fepool.contoso.local:4443" in "pool" directive of lync_publish "contoso": it contains
a port: leave it out, ports belong to the rule in %%HERE%%

=== external equal to internal
--- pool
pool fepool.contoso.local {
    external_web_services fepool.contoso.local;  # here
}
--- says
"fepool.contoso.local" is published as external_web_services of pool "fepool.contoso.local": clients
must be able to tell the external name from the pool's own in %%HERE%%

=== external equal to internal, in capital letters
--- pool
pool fepool.contoso.local {
    external_web_services FEPOOL.contoso.local;  # here
}
--- says
"fepool.contoso.local" is published as external_web_services of pool "fepool.contoso.local": clients
must be able to tell the external name from the pool's own in %%HERE%%

=== external equal to the internal name of another pool
--- more
pool fepool2.contoso.local {
    external_web_services fepool.contoso.local;  # here
}
--- says
"fepool.contoso.local" is published as external_web_services of pool "fepool2.contoso.local" but is
the own name of pool "fepool.contoso.local": clients must be able to tell the external name from the
pool's own in %%HERE%%

=== external_web_services as a URL
--- pool
pool fepool.contoso.local {
    external_web_services https://lyncwebext.contoso.com;  # here
}
--- says
invalid FQDN "https://lyncwebext.contoso.com" in "external_web_services" directive of pool
"fepool.contoso.local": it is a URL: write the host name only in %%HERE%%

=== external_web_services with a port
--- pool
pool fepool.contoso.local {
    external_web_services lyncwebext.contoso.com:443;  # here
}
--- says
invalid FQDN "lyncwebext.contoso.com:443" in "external_web_services" directive of pool
"fepool.contoso.local": it contains a port: leave it out, ports belong to the rule in %%HERE%%

=== external_web_services with a path
--- pool
pool fepool.contoso.local {
    external_web_services lyncwebext.contoso.com/abs;  # here
}
--- says
invalid FQDN "lyncwebext.contoso.com/abs" in "external_web_services" directive of pool
"fepool.contoso.local": it contains a path: write the host name only in %%HERE%%

=== external_web_services with a wildcard
--- pool
pool fepool.contoso.local {
    external_web_services *.contoso.com;  # here
}
--- says
invalid FQDN "*.contoso.com" in "external_web_services" directive of pool "fepool.contoso.local": it
contains a wildcard: write the name itself in %%HERE%%

=== external_web_services with a space
--- pool
pool fepool.contoso.local {
    external_web_services "lyncwebext.contoso.com ";  # here
}
--- says
invalid FQDN "lyncwebext.contoso.com " in "external_web_services" directive of pool
"fepool.contoso.local": it contains a space: a name is made of letters, digits, "-" and "." in
%%HERE%%

=== an IPv6 literal for external_web_services
--- pool
pool fepool.contoso.local {
    external_web_services 2001:db8::11;  # here
}
--- says
invalid FQDN "2001:db8::11" in "external_web_services" directive of pool "fepool.contoso.local": it
is an address, and an FQDN is needed: certificates and Host headers carry names in %%HERE%%

=== the name that clients ask for from the inside
--- pool
pool fepool.contoso.local {
    external_web_services lyncdiscoverinternal.contoso.com;  # here
}
--- says
"lyncdiscoverinternal.contoso.com" is published as external_web_services of pool
"fepool.contoso.local": clients ask for it first and take its answer for the inside, it must not be
reachable from outside in %%HERE%%

=== an escape sequence for the terminal
--- pool
pool fepool.contoso.local {
    external_web_services %%x1b%%[31mred.contoso.com;  # here
}
--- says
invalid FQDN "\x1b[31mred.contoso.com" in "external_web_services" directive of pool
"fepool.contoso.local": it contains the byte 0x1b: a name is made of letters, digits, "-" and "." in
%%HERE%%


# --- farms

=== an Office Web Apps farm named by an address
--- more
office_web_apps 10.0.0.14 {  # here
    server 10.0.0.14;
}
--- says
invalid FQDN "10.0.0.14" in "office_web_apps" directive of lync_publish "contoso": it is an address,
and an FQDN is needed: certificates and Host headers carry names in %%HERE%%

=== Exchange with a name that is a URL
--- more
exchange mail.contoso.com https://autodiscover.contoso.com {  # here
    server 10.0.0.15;
}
--- says
invalid FQDN "https://autodiscover.contoso.com" in "exchange" directive of lync_publish "contoso":
it is a URL: write the host name only in %%HERE%%

=== a certificate_name that is an address
--- more
exchange mail.contoso.com {
    server 10.0.0.15;
    certificate_name 10.0.0.15;  # here
}
--- says
invalid FQDN "10.0.0.15" in "certificate_name" directive of exchange "mail.contoso.com": it is an
address, and an FQDN is needed: certificates and Host headers carry names in %%HERE%%

=== a certificate_name with a wildcard
--- more
office_web_apps wacext.contoso.com {
    server 10.0.0.14;
    certificate_name *.contoso.local;  # here
}
--- says
invalid FQDN "*.contoso.local" in "certificate_name" directive of office_web_apps
"wacext.contoso.com": it contains a wildcard: write the name itself in %%HERE%%

=== a service of Exchange that nobody knows
--- more
exchange mail.contoso.com {
    server 10.0.0.15;
    services ews oof;  # here
}
--- says
invalid value "oof" in "services" directive of exchange "mail.contoso.com": the services are ews,
autodiscover, owa, activesync, mapi and oab in %%HERE%%

=== the administrative surface of Exchange
--- more
exchange mail.contoso.com {
    server 10.0.0.15;
    services owa ecp;  # here
}
--- says
invalid value "ecp" in "services" directive of exchange "mail.contoso.com": administrative surfaces
are never published in %%HERE%%

=== a service of Exchange named twice
--- more
exchange mail.contoso.com {
    server 10.0.0.15;
    services ews owa;
    services ews;  # here
}
--- says
invalid value "ews" in "services" directive of exchange "mail.contoso.com": it is duplicate in
%%HERE%%
