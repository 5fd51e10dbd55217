# redirect: pages that are found at another URL. No server is asked, nothing of the request gets into
# the answer, and nothing that is closed opens.

use LyncTest;

run_suite(publication => "%%STANDARD%%\n%%EXCHANGE%%\n" . <<'END');
simple_url admin https://admin.contoso.com; simple_url dialin https://dialin.contoso.com;
redirect /Phones https://www.contoso.com/phones?from=lync#list;
redirect https://dialin.contoso.com/ https://dialin.contoso.com/dialin;
redirect https://mail.contoso.com/ https://mail.contoso.com/owa/;
END

__DATA__

=== GET and HEAD of one page, on all names or on its own; the query stays behind
--- asks
GET https://lyncwebext.contoso.com/phones             -> 302 https://www.contoso.com/phones?from=lync#list | !X-Site
GET https://meet.contoso.com/PHONES/?x=y              -> 302 https://www.contoso.com/phones?from=lync#list | !X-Site
GET https://dialin.contoso.com/                       -> 302 https://dialin.contoso.com/dialin | !X-Site
GET https://dialin.contoso.com/?url=//www.example.org -> 302 https://dialin.contoso.com/dialin
GET https://mail.contoso.com/                         -> 302 https://mail.contoso.com/owa/ | !X-Site
HEAD https://mail.contoso.com/                        -> 302 https://mail.contoso.com/owa/
GET https://dialin.contoso.com/dialin                 -> 200
GET https://meet.contoso.com/alice/7322994            -> 200

=== by plain HTTP first to https
--- asks
GET http://dialin.contoso.com/                        -> 301 https://dialin.contoso.com/

=== what isn't that page is judged as ever
--- asks
GET https://lyncwebext.contoso.com/                   -> 404
GET https://lyncwebext.contoso.com/phones/x           -> 404
POST https://lyncwebext.contoso.com/phones            -> 404
GET https://lyncwebext.contoso.com/cscp/..%2fphones   -> 404
GET https://lyncdiscover.contoso.com/phones           -> 404
