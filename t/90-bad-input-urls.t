# Simple URLs as they must not be: Microsoft's rules for them, and what leads nowhere. How a URL is
# read, case by case, is in t/unit/names_test.cpp.

use strict;
use warnings;

use LyncTest::ConfTest;

run_conf_tests();

__DATA__

=== a URL that is none
--- refused: more
simple_url meet https://meet.contoso.com:443;               | invalid URL "https://meet.contoso.com:443" in "simple_url" directive of lync_publish "contoso": it contains a port
simple_url meet http://meet.contoso.com;                    | scheme is http
simple_url meet meet.contoso.com;                           | no scheme
simple_url meet sip://meet.contoso.com;                     | scheme is not https
simple_url meet https://meet.contoso.com/?a=b;              | contains a query
simple_url meet https://alice@meet.contoso.com;             | contains a user name
simple_url meet https://lync.contoso.com/m%65et;            | percent-escape
simple_url meet https://lync.contoso.com/contoso/../meet;   | segment ".."
simple_url meet https://10.0.0.11/meet;                     | an address
simple_url meet https://[2001:db8::11]/meet;                | an address
simple_url meet https://meet.*.com;                         | a wildcard
simple_url meet "";                                         | invalid URL "" ... empty
simple_url meet https://meet.contoso.com https://meet.fabrikam.com:443;  | invalid URL "https://meet.fabrikam.com:443"
simple_url meet https://meet.contoso.com/CSCP;              | invalid value "https://meet.contoso.com/CSCP" ... never published

=== what it is for
--- refused: more
simple_url join https://join.contoso.com;                   | invalid value "join" ... one of meet, dialin, scheduler and admin
simple_url https://meet.contoso.com meet;                   | invalid value "https://meet.contoso.com" ... one of meet
simple_url meet https://meet.contoso.com pool=fepool.contoso.local https://meet.fabrikam.com;  | invalid parameter "pool=fepool.contoso.local" ... after all URLs
simple_url meet https://meet.contoso.com pool=fepool.contoso.local pool=fepool.contoso.local;  | invalid parameter "pool=fepool.contoso.local" ... it stands once, after all URLs of the line
simple_url meet pool=fepool.contoso.local;                  | invalid parameter "pool=fepool.contoso.local" ... after all URLs
simple_url meet https://meet.contoso.com director=dirpool.contoso.local;  | invalid parameter "director=dirpool.contoso.local" ... pool=FQDN
simple_url meet https://meet.contoso.com pool=fepool2.contoso.local;      | invalid value "pool=fepool2.contoso.local" ... no pool or director
simple_url meet https://meet.contoso.com pool=lyncwebext.contoso.com;     | no pool or director
simple_url meet https://meet.contoso.com pool=;             | invalid value "pool=" ... no pool or director
simple_url admin https://admin.contoso.com pool=fepool.contoso.local;     | it goes nowhere
office_web_apps wacext.contoso.com { server 10.0.0.14; }
simple_url meet https://meet.contoso.com pool=wacext.contoso.com;         | no pool or director
product ocs_2007_r2;
simple_url meet https://meet.contoso.com;                   | "simple_url" directive is not allowed ... product ocs_2007_r2 has no simple URLs
simple_url meet https://meet.contoso.com
simple_url dialin https://dialin.contoso.com;               | invalid URL "simple_url" ... is the ";" before it missing?

=== beside each other
--- refused: more
simple_url meet https://meet.contoso.com https://MEET.contoso.com/;       | simple URL "https://meet.contoso.com" is duplicate ... the first stands at %%HERE%%
simple_url meet https://meet.contoso.com;                   # first
simple_url meet https://meet.contoso.com;                   | simple URL "https://meet.contoso.com" is duplicate in lync_publish "contoso", the first stands at %%FIRST%%
simple_url meet https://lync.contoso.com/Meet;              # first
simple_url meet https://LYNC.contoso.com/meet/;             | simple URL "https://lync.contoso.com/meet" is duplicate ... at %%FIRST%%
simple_url meet   https://lync.contoso.com/join;            # first
simple_url dialin https://lync.contoso.com/join;            | is duplicate ... at %%FIRST%%
simple_url meet   https://lync.contoso.com;                 # first
simple_url dialin https://lync.contoso.com/dialin;          | "https://lync.contoso.com/dialin" and simple URL "https://lync.contoso.com" at %%FIRST%% ... prefix
simple_url dialin https://lync.contoso.com/contoso/dialin;  # first
simple_url meet   https://lync.contoso.com/CONTOSO;         | "https://lync.contoso.com/CONTOSO" and simple URL "https://lync.contoso.com/contoso/dialin" at %%FIRST%% ... prefix
simple_url meet https://lyncwebext.contoso.com/meet;        | "lyncwebext.contoso.com" is published twice ... as simple_url meet and as external_web_services
simple_url meet https://fepool.contoso.local/meet;          | "fepool.contoso.local" is published as simple_url meet but is the own name
simple_url meet https://lyncdiscover.fabrikam.com/meet;     # first
sip_domain fabrikam.com;                                    | "lyncdiscover.fabrikam.com" is published twice ... as simple_url meet at %%FIRST%%

=== half a segment is no prefix
--- accepted: more
simple_url meet   https://lync.contoso.com/meet;
simple_url dialin https://lync.contoso.com/meeting;         |
