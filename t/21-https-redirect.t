# https_redirect: what comes over plain HTTP and doesn't travel is sent to https, with host, path
# and query as they were, or refused.

use LyncTest;
use LyncTest::Scene;

# The Host header's port is plain HTTP's and stays behind.
scene 'a head as it may be written', sub {
    for my $row (
        ["GET /x HTTP/1.1\r\nHost: meet.contoso.com:80\r\n\r\n", '/x'],
        ["GET http://meet.contoso.com/x?y HTTP/1.1\r\nHost: meet.contoso.com\r\n\r\n", '/x?y'],
        ["GET /x HTTP/1.0\r\nHost: meet.contoso.com\r\n\r\n", '/x'],
    ) {
        my ($head, $path) = @$row;
        my $client = client('http://meet.contoso.com');
        $client->write($head);
        my $answer = $client->answer;
        is("$answer->{status} " . $answer->one('Location'), "301 https://meet.contoso.com$path", $head =~ s/\r\n/ /gr);
    }
};

run_suite(publication => "%%STANDARD%%\n%%OFFICE_WEB_APPS%%\n%%EXCHANGE%%\n"
    . "simple_url admin https://admin.contoso.com;\n");

__DATA__

=== every published name, path and query to the letter; methods with a body keep themselves
--- asks
GET http://meet.contoso.com/alice/7322994?sl=1          -> 301 https://meet.contoso.com/alice/7322994?sl=1 | Server: nginx | !X-Site | !Strict-Transport-Security
GET http://meet.contoso.com/a%20b/%7Ec/?q=%41+%26&q=#x  -> 301 https://meet.contoso.com/a%20b/%7Ec/?q=%41+%26&q=#x
HEAD http://lyncwebext.contoso.com/abs/handler          -> 301 https://lyncwebext.contoso.com/abs/handler
POST http://lyncwebext.contoso.com/webticket/webticketservice.svc -> 308 https://lyncwebext.contoso.com/webticket/webticketservice.svc
PUT http://lyncwebext.contoso.com/ucwa/v1/x             -> 308 https://lyncwebext.contoso.com/ucwa/v1/x
DELETE http://lyncwebext.contoso.com/ucwa/v1/x          -> 308 https://lyncwebext.contoso.com/ucwa/v1/x
GET http://lyncwebext.contoso.com/                      -> 301 https://lyncwebext.contoso.com/
GET http://lyncdiscover.contoso.com/                    -> 301 https://lyncdiscover.contoso.com/
GET http://wacext.contoso.com/m/x                       -> 301 https://wacext.contoso.com/m/x
GET http://mail.contoso.com/ews/exchange.asmx           -> 301 https://mail.contoso.com/ews/exchange.asmx
GET http://www.contoso.com/                             -> closed

=== what https refuses for good isn't sent there
--- asks
GET http://admin.contoso.com/               -> 404
GET http://lyncwebext.contoso.com/cscp/     -> 404
GET http://meet.contoso.com/x/../ocspowershell -> 404
TRACE http://meet.contoso.com/x             -> 405

=== without a Host header nobody knows where to
--- to: http://meet.contoso.com
--- raw_request eval
"GET /x HTTP/1.0\r\n\r\n"
--- refused

=== https_redirect off
--- more: https_redirect off;
--- asks
GET http://meet.contoso.com/alice/7322994      -> 404 | !Location
POST http://lyncwebext.contoso.com/webticket   -> 404 | !Location
GET http://lyncdiscover.contoso.com/           -> 404 | !Location

=== it doesn't keep autodiscover from travelling
--- more: https_redirect off; http_autodiscover on;
--- asks
GET http://lyncdiscover.contoso.com/ -> external
