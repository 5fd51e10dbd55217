# Arguments of allow_path and deny_path that can't be meant: what an administrator reads. The rules
# themselves are tested in t/unit/policy_table_test.cpp.

use strict;
use warnings;

use LyncTest::ConfTest;

run_conf_tests();

__DATA__

=== what can't be allowed
--- refused: more
allow_path /cscp;                    | invalid value "/cscp" in "allow_path" directive of lync_publish "contoso": it is an administrative path
allow_path /CSCP/x;                  | an administrative path
allow_path /OcsPowershell;           | an administrative path
allow_path /abs/Int;                 | it is an internal path, which is never published: remove it
allow_path /meet/web.config;         | an internal path
allow_path /;                        | it would allow every path: say "path_policy vendor"
deny_path /;                         | invalid value "/" in "deny_path" directive ... it would deny every path: remove the name from the publication instead

=== what is no path
--- refused: more
allow_path passiveauth;              | it must begin with a slash
allow_path "";                       | invalid value "" ... begin with a slash
allow_path https://lyncwebext.contoso.com/mcx;  | begin with a slash
allow_path /mcx?x=1;                 | it must be a path without a query
allow_path "/mcx#x";                 | it must be a path without a fragment
allow_path /m%63x;                   | it must be written without percent encoding: it is compared with decoded paths
allow_path /mcx%2fx;                 | without percent encoding
allow_path "/mcx\\x";                | invalid value "/mcx\x" ... it must be written with forward slashes
allow_path /mcx/*;                   | it must be a plain prefix of whole segments, without "*" or ";"
allow_path "/mcx x";                 | it must consist of printable ASCII characters
allow_path /büro;                    | printable ASCII
allow_path /mcx//x;                  | it must not have empty segments
allow_path /mcx/../x;                | it must not have segments that end in a dot
deny_path passiveauth;               | "deny_path" directive ... begin with a slash
deny_path /mcx/*;                    | whole segments

=== what is no pattern
--- refused: more
deny_path ~ \.svc$;                  | invalid value "~" in "deny_path" directive ... a pattern is written "~* PATTERN", one in a directive
deny_path ~* \.svc$ \.asmx$;         | invalid value "~*" ... one in a directive
deny_path ~*;                        | invalid value "~*" ... one in a directive
allow_path ~* "/x(";                 | invalid value "/x(" in "allow_path" directive ... it isn't a regular expression: missing closing parenthesis at character 3
allow_path ~* .*;                    | it matches every text
allow_path ~* (?i)/x;                | has an option or verb
deny_path ~* "^/(a+)+$";             | it goes back and forth without end
shield maybe;                        | it is "on", "off" or "log"
shield_file none;                    | file "%%DIR%%/none" in "shield_file" directive ... can't be opened

=== patterns
--- accepted: more
deny_path ~* \.svc$; deny_path ~* ^/a; allow_path ~* "^/custom[0-9]{2}/"; |

=== redirects
--- refused: more
redirect /cscp https://www.contoso.com;            | invalid value "/cscp" in "redirect" directive of lync_publish "contoso": it is an administrative path
redirect / https://www.contoso.com;                | it is the first page of every simple URL, too: write the name that is meant, https://NAME/
redirect /webticket https://www.contoso.com;       | it is of the service webticket, which programs ask for, and they follow no redirect
redirect https://www.contoso.com/x https://a.contoso.com; | invalid value "https://www.contoso.com/x" ... it is no name of a pool, a simple URL or Exchange in this publication
redirect https://lyncdiscover.contoso.com/x https://a.contoso.com; | it is no name of a pool
redirect /x http://www.contoso.com;                | invalid value "http://www.contoso.com" ... it is an absolute URL, https://NAME/...
redirect /x https://www.contoso.com/$request_uri;  | it is sent as it stands: no variables
redirect /x https://lyncwebext.contoso.com/X/?y;         | it leads on to https://lyncwebext.contoso.com/X/?y: write where that ends
redirect /x https://lyncwebext.contoso.com/y; redirect https://lyncwebext.contoso.com/y https://lyncwebext.contoso.com/%78; | invalid value "https://lyncwebext.contoso.com/y" ... it leads on to https://lyncwebext.contoso.com/%78
redirect /x https://www.contoso.com;               # first
redirect /X/ https://www.contoso.com;              | invalid value "/X/" in "redirect" ... the same page stands at %%FIRST%%

=== redirects that lead out
--- accepted: more
redirect /x https://www.contoso.com/x; redirect https://lyncwebext.contoso.com/x https://lyncwebext.contoso.com/y; |

=== a row file
--- more: shield_file rows;
--- file rows
a url ~* /owa/x
a url ~* /owa/y
--- says
shield "a" is duplicate, the first is at %%DIR%%/rows:1 in %%DIR%%/rows:2

=== named twice
--- refused: more
allow_path /mcx;                     # first
deny_path  /mcx;                     | invalid value "/mcx" in "deny_path" ... the same path stands at %%FIRST%%
deny_path  /mcx;                     # here
allow_path /MCX/;                    | invalid value "/mcx" in "deny_path" ... the same path stands at
allow_path /mcx;                     # first
allow_path /passiveauth /mcx;        | invalid value "/mcx" in "allow_path" ... the same path stands at %%FIRST%%
deny_path /mcx /Mcx;                 | invalid value "/Mcx" in "deny_path" ... the same path stands at %%HERE%%

=== a longer path denied below an allowed one
--- accepted: more
allow_path /passiveauth;
deny_path  /passiveauth/old;         |
