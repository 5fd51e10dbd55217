# Simple URLs as they must not be: Microsoft's rules for them, and what leads nowhere.

use strict;
use warnings;

use LyncTest::ConfTest;

run_conf_tests();

__DATA__

# --- the URL

=== a URL with a port
--- more
simple_url meet https://meet.contoso.com:443;  # here
--- says
invalid URL "https://meet.contoso.com:443" in "simple_url" directive of lync_publish "contoso": it
contains a port: leave it out, ports belong to the rule in %%HERE%%

=== a URL with http
--- more
simple_url meet http://meet.contoso.com;  # here
--- says
invalid URL "http://meet.contoso.com" in "simple_url" directive of lync_publish "contoso": its
scheme is http: simple URLs are always https in %%HERE%%

=== a URL without a scheme
--- more
simple_url meet meet.contoso.com;  # here
--- says
invalid URL "meet.contoso.com" in "simple_url" directive of lync_publish "contoso": it has no
scheme: write https://HOST or https://HOST/PATH in %%HERE%%

=== a URL with another scheme
--- more
simple_url meet sip://meet.contoso.com;  # here
--- says
invalid URL "sip://meet.contoso.com" in "simple_url" directive of lync_publish "contoso": its scheme
is not https: simple URLs are always https in %%HERE%%

=== a URL with a query
--- more
simple_url meet https://meet.contoso.com/?a=b;  # here
--- says
invalid URL "https://meet.contoso.com/?a=b" in "simple_url" directive of lync_publish "contoso": it
contains a query: leave out the "?" and what follows in %%HERE%%

=== a URL with a user
--- more
simple_url meet https://alice@meet.contoso.com;  # here
--- says
invalid URL "https://alice@meet.contoso.com" in "simple_url" directive of lync_publish "contoso": it
contains a user name: leave out the "@" and what precedes it in %%HERE%%

=== a URL with an escaped path
--- more
simple_url meet https://lync.contoso.com/m%65et;  # here
--- says
invalid URL "https://lync.contoso.com/m%65et" in "simple_url" directive of lync_publish "contoso":
it contains a percent-escape: simple URLs are written without in %%HERE%%

=== a URL with a path that climbs
--- more
simple_url meet https://lync.contoso.com/contoso/../meet;  # here
--- says
invalid URL "https://lync.contoso.com/contoso/../meet" in "simple_url" directive of lync_publish
"contoso": its path has the segment "..": write the path that it leads to in %%HERE%%

=== a URL with an address for a host
--- more
simple_url meet https://10.0.0.11/meet;  # here
--- says
invalid URL "https://10.0.0.11/meet" in "simple_url" directive of lync_publish "contoso": its host
is an address, and an FQDN is needed: certificates and Host headers carry names in %%HERE%%

=== a URL with an IPv6 literal for a host
--- more
simple_url meet https://[2001:db8::11]/meet;  # here
--- says
invalid URL "https://[2001:db8::11]/meet" in "simple_url" directive of lync_publish "contoso": its
host is an address, and an FQDN is needed: certificates and Host headers carry names in %%HERE%%

=== a URL with a wildcard in the middle
--- more
simple_url meet https://meet.*.com;  # here
--- says
invalid URL "https://meet.*.com" in "simple_url" directive of lync_publish "contoso": a wildcard can
only stand at the end of the host: https://meet.* in %%HERE%%

=== an empty URL
--- more
simple_url meet "";  # here
--- says
invalid URL "" in "simple_url" directive of lync_publish "contoso": it is empty: write https://HOST
or https://HOST/PATH in %%HERE%%


# --- what it is for

=== a simple URL of a kind that there isn't
--- more
simple_url join https://join.contoso.com;  # here
--- says
invalid value "join" in "simple_url" directive of lync_publish "contoso": a simple URL is one of
meet, dialin, scheduler and admin in %%HERE%%

=== URL and kind exchanged
--- more
simple_url https://meet.contoso.com meet;  # here
--- says
invalid value "https://meet.contoso.com" in "simple_url" directive of lync_publish "contoso": a
simple URL is one of meet, dialin, scheduler and admin in %%HERE%%

=== a mistake in the second of two URLs
--- more
simple_url meet https://meet.contoso.com https://meet.fabrikam.com:443;  # here
--- says
invalid URL "https://meet.fabrikam.com:443" in "simple_url" directive of lync_publish "contoso": it
contains a port: leave it out, ports belong to the rule in %%HERE%%

=== one URL twice in a line
--- more
simple_url meet https://meet.contoso.com https://MEET.contoso.com/;  # here
--- says
simple URL "https://meet.contoso.com" is duplicate in lync_publish "contoso", the first stands at
%%HERE%% in %%HERE%%

=== a pool between two URLs
--- more
simple_url meet https://meet.contoso.com pool=fepool.contoso.local https://meet.fabrikam.com;  # here
--- says
invalid parameter "pool=fepool.contoso.local" in "simple_url" directive of lync_publish "contoso":
it stands once, after all URLs of the line in %%HERE%%

=== two pools
--- more
simple_url meet https://meet.contoso.com pool=fepool.contoso.local pool=fepool.contoso.local;  # here
--- says
invalid parameter "pool=fepool.contoso.local" in "simple_url" directive of lync_publish "contoso":
it stands once, after all URLs of the line in %%HERE%%

=== a pool without a URL
--- more
simple_url meet pool=fepool.contoso.local;  # here
--- says
invalid parameter "pool=fepool.contoso.local" in "simple_url" directive of lync_publish "contoso":
it stands once, after all URLs of the line in %%HERE%%

=== a parameter that there isn't
--- more
simple_url meet https://meet.contoso.com director=dirpool.contoso.local;  # here
--- says
invalid parameter "director=dirpool.contoso.local" in "simple_url" directive of lync_publish
"contoso": it may be pool=FQDN in %%HERE%%

=== a semicolon missing between two lines
--- more
simple_url meet https://meet.contoso.com
simple_url dialin https://dialin.contoso.com;  # here
--- says
invalid URL "simple_url" in "simple_url" directive of lync_publish "contoso": is the ";" before it
missing? in %%HERE%%

=== a pool that there isn't
--- more
simple_url meet https://meet.contoso.com pool=fepool2.contoso.local;  # here
--- says
invalid value "pool=fepool2.contoso.local" in "simple_url" directive of lync_publish "contoso": no
pool or director of this publication has that FQDN in %%HERE%%

=== a pool by its external name
--- more
simple_url meet https://meet.contoso.com pool=lyncwebext.contoso.com;  # here
--- says
invalid value "pool=lyncwebext.contoso.com" in "simple_url" directive of lync_publish "contoso": no
pool or director of this publication has that FQDN in %%HERE%%

=== a farm that isn't a pool
--- more
office_web_apps wacext.contoso.com {
    server 10.0.0.14;
}
simple_url meet https://meet.contoso.com pool=wacext.contoso.com;  # here
--- says
invalid value "pool=wacext.contoso.com" in "simple_url" directive of lync_publish "contoso": no pool
or director of this publication has that FQDN in %%HERE%%

=== pool= without a name
--- more
simple_url meet https://meet.contoso.com pool=;  # here
--- says
invalid value "pool=" in "simple_url" directive of lync_publish "contoso": no pool or director of
this publication has that FQDN in %%HERE%%

=== a destination for what is blocked
--- more
simple_url admin https://admin.contoso.com pool=fepool.contoso.local;  # here
--- says
invalid parameter "pool=fepool.contoso.local" in "simple_url" directive of lync_publish "contoso":
the admin URL is declared so that it is blocked, it goes nowhere in %%HERE%%

=== a simple URL of a product that has none
--- more
product ocs_2007_r2;
simple_url meet https://meet.contoso.com;  # here
--- says
"simple_url" directive is not allowed in lync_publish "contoso": product ocs_2007_r2 has no simple
URLs in %%HERE%%


# --- beside each other

=== a simple URL twice
--- more
simple_url meet https://meet.contoso.com;  # first
simple_url meet https://meet.contoso.com;  # here
--- says
simple URL "https://meet.contoso.com" is duplicate in lync_publish "contoso", the first stands at
%%FIRST%% in %%HERE%%

=== a simple URL twice: with a slash, in other letters
--- more
simple_url meet https://lync.contoso.com/Meet;   # first
simple_url meet https://LYNC.contoso.com/meet/;  # here
--- says
simple URL "https://lync.contoso.com/meet" is duplicate in lync_publish "contoso", the first stands
at %%FIRST%% in %%HERE%%

=== the same URL for meetings and for dial-in
--- more
simple_url meet   https://lync.contoso.com/join;  # first
simple_url dialin https://lync.contoso.com/join;  # here
--- says
simple URL "https://lync.contoso.com/join" is duplicate in lync_publish "contoso", the first stands
at %%FIRST%% in %%HERE%%

=== a simple URL that is a prefix of a later one
--- more
simple_url meet   https://lync.contoso.com;         # first
simple_url dialin https://lync.contoso.com/dialin;  # here
--- says
simple URL "https://lync.contoso.com/dialin" and simple URL "https://lync.contoso.com" at %%FIRST%%
lie one below the other: no simple URL may be a prefix of another in %%HERE%%

=== a simple URL that is a prefix of an earlier one
--- more
simple_url dialin https://lync.contoso.com/contoso/dialin;  # first
simple_url meet   https://lync.contoso.com/CONTOSO;         # here
--- says
simple URL "https://lync.contoso.com/CONTOSO" and simple URL "https://lync.contoso.com/contoso/dialin"
at %%FIRST%% lie one below the other: no simple URL may be a prefix of another in %%HERE%%

=== half a segment is no prefix
--- more
simple_url meet   https://lync.contoso.com/meet;
simple_url dialin https://lync.contoso.com/meeting;
--- warns

=== a simple URL on the external web services FQDN
--- more
simple_url meet https://lyncwebext.contoso.com/meet;  # here
--- pool
pool fepool.contoso.local {
    external_web_services lyncwebext.contoso.com;  # first
    server 10.0.0.11;
}
--- says
"lyncwebext.contoso.com" is published twice in lync_publish "contoso": as simple_url meet and as
external_web_services of pool "fepool.contoso.local" at %%FIRST%% in %%HERE%%

=== a simple URL on the pool's own name
--- more
simple_url meet https://fepool.contoso.local/meet;  # here
--- says
"fepool.contoso.local" is published as simple_url meet but is the own name of pool
"fepool.contoso.local": clients must be able to tell the external name from the pool's own in
%%HERE%%

=== a simple URL on a lyncdiscover name
--- sip_domain
sip_domain contoso.com;  # here
--- more
simple_url meet https://lyncdiscover.contoso.com/meet;  # first
--- says
"lyncdiscover.contoso.com" is published twice in lync_publish "contoso": as lyncdiscover of a
sip_domain and as simple_url meet at %%FIRST%% in %%HERE%%

=== a path that is never published
--- more
simple_url meet https://meet.contoso.com/CSCP;  # here
--- says
invalid value "https://meet.contoso.com/CSCP" in "simple_url" directive of lync_publish "contoso": it
is an administrative path, which is never published: remove it in %%HERE%%
