# sign_in: what an administrator reads of words that aren't doors, and of doors that lead nowhere.

use strict;
use warnings;

use LyncTest::ConfTest;

run_conf_tests();

__DATA__

=== what is no door
--- refused: more
sign_in ntlm;                        | invalid value "ntlm" in "sign_in" directive of lync_publish "contoso": it is "any", or some of "windows", "password", "certificate" and "oauth"
sign_in windows any;                 | invalid value "any" ... it stands alone
sign_in any windows;                 | invalid value "any" ... it stands alone
sign_in windows windows;             | invalid value "windows" ... it is duplicate
sign_in;                             | invalid number of arguments
sign_in any;                         # first
sign_in any;                         | is duplicate

=== doors by which nobody could come in
--- refused: more
sign_in certificate;                 | nobody could sign in to product sfb_se: "sign_in" has to open "windows", "password" or "oauth" as well
product lync_2010;
sign_in oauth certificate;           | nobody could sign in to product lync_2010: "sign_in" has to open "windows" or "password" as well
product lync_2013;
sign_in oauth;                       | nobody could sign in to product lync_2013: its "oauth" is /passiveauth, which "allow_path /passiveauth" publishes

=== in exchange
--- refused: more
sign_in certificate windows;
exchange mail.contoso.com { server 127.0.0.15; sign_in certificate; } | nobody could sign in to exchange "mail.contoso.com": "sign_in" has to open "windows" or "oauth" as well
exchange mail.contoso.com { server 127.0.0.15; sign_in password; } | has to open "windows" or "oauth" as well

=== doors that do
--- accepted: more
sign_in any;                         |
exchange mail.contoso.com { server 127.0.0.15; } |
sign_in windows password certificate oauth; |
sign_in password;                    |
sign_in oauth;                       |
product lync_2013;
allow_path /PassiveAuth;
sign_in oauth certificate;           |
product lync_2013;
path_policy vendor;
sign_in oauth;                       |
sign_in certificate oauth;
connection_auth on;                  | "connection_auth" does nothing in lync_publish "contoso": "sign_in" closes "windows", so nobody authenticates a connection
sign_in oauth;
connection_auth on;
exchange mail.contoso.com { server 127.0.0.15; sign_in any; } |
exchange mail.contoso.com { server 127.0.0.15; services ews owa; sign_in password; } | nobody can sign in to ews of exchange "mail.contoso.com": their doors are "windows" or "oauth", "password" opens OWA's form only

=== secrets of a lockout_store
--- refused: more
lockout on;
lockout_store redis://127.0.0.1 key=/dev/null; | "lockout_store" can't be used: "/dev/null" begins with an empty line
lockout on;
lockout_store redis://127.0.0.1 key=/; | "lockout_store" can't be used: "/" can't be read
lockout on;
lockout_store redis://127.0.0.1 key=%%PKI%%/chain.pem password=/dev/null; | "lockout_store" can't be used: "/dev/null" begins with an empty line
