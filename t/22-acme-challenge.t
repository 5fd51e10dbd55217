# acme_challenge: what a CA asks for over plain HTTP is read from a directory, a token at a time.
# Nothing else of that directory, and nothing for anybody else's path.

use LyncTest;

use File::Path qw(make_path remove_tree);

# What an ACME client, and who has no business there, has left in the webroot.
our $Webroot = "$LyncTest::Paths::RUN/t/webroot-$$";
END { remove_tree($Webroot) if $Webroot }
my $tokens = "$Webroot/.well-known/acme-challenge";
my $longest = 'L' x 255;
make_path("$tokens/folder", "$Webroot/elsewhere");
for my $name ('evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr_oA', 'a', $longest, 'dot.ted', '.hidden', 'two words', "line\n",
    '../outside', '../../elsewhere/secret', 'folder/inner') {
    open my $out, '>', "$tokens/$name" or die "$name: $!\n";
    print $out "content of $name";
    close $out;
}
symlink "$Webroot/elsewhere/secret", "$tokens/link" or die "symlink: $!\n";

add_block_preprocessor(sub {
    my ($block) = @_;
    for my $section (grep { defined $block->$_ } qw(asks more publication)) {
        $block->set_value($section, $block->$section =~ s{WEBROOT}{$Webroot}gr
            =~ s{AT/}{/.well-known/acme-challenge/}gr =~ s{LONGEST}{$longest}gr);
    }
});

run_suite(publication => '%%STANDARD%%', more => "acme_challenge $Webroot;");

__DATA__

=== a token of every published name, as RFC 8555 wants it answered
--- more
acme_challenge WEBROOT;
%%OFFICE_WEB_APPS%%
%%EXCHANGE%%
--- asks
GET http://lyncwebext.contoso.comAT/evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr_oA -> content of evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr_oA | Content-Type: application/octet-stream | Server: nginx | !Location
GET http://lyncdiscover.contoso.comAT/a  -> content of a
GET http://meet.contoso.comAT/a          -> content of a
GET http://wacext.contoso.comAT/a        -> content of a
GET http://mail.contoso.comAT/a          -> content of a
GET http://MEET.contoso.com.AT/a         -> content of a
GET http://meet.contoso.comAT/a?x=1      -> content of a
GET http://meet.contoso.comAT/LONGEST    -> content of L
HEAD http://meet.contoso.comAT/a         -> 200 | Content-Length: 12
GET http://meet.contoso.comAT/missing    -> 404 | !Location

=== anything else goes as before
--- asks
GET http://meet.contoso.com/.well-known/acme-challenge -> 301 https://meet.contoso.com/.well-known/acme-challenge
GET http://meet.contoso.comAT/           -> 301 https://meet.contoso.com/.well-known/acme-challenge/
GET http://meet.contoso.comAT/folder/    -> 301
GET http://meet.contoso.comAT/folder/inner -> 301
GET http://meet.contoso.comAT/LONGESTX   -> 301
GET http://meet.contoso.comAT/dot.ted    -> 301
GET http://meet.contoso.comAT/.hidden    -> 301
GET http://meet.contoso.comAT/two%20words -> 301
GET http://meet.contoso.comAT/line%0A    -> 400
GET http://meet.contoso.comAT/a%2f       -> 301
GET http://meet.contoso.com/.Well-Known/acme-challenge/a -> 301
GET http://meet.contoso.com/.well-known/ACME-challenge/a -> 301
GET http://meet.contoso.com/xwell-known/acme-challenge/a -> 301
GET http://meet.contoso.comAT/../outside -> 301
GET http://meet.contoso.comAT/..%2foutside -> 404
GET http://meet.contoso.comAT/../../elsewhere/secret -> 301
GET http://meet.contoso.comAT/a%00       -> 400
GET http://meet.contoso.com/elsewhere/secret -> 301
POST http://meet.contoso.comAT/a         -> 308 https://meet.contoso.com/.well-known/acme-challenge/a
DELETE http://meet.contoso.comAT/a       -> 308
PUT http://meet.contoso.comAT/a          -> 308
TRACE http://meet.contoso.comAT/a        -> 405
GET https://lyncwebext.contoso.comAT/a   -> 404
GET http://www.contoso.comAT/a           -> closed
GET http://meet.contoso.comAT/a          -> content of a

=== a symbolic link leads nowhere, a directory isn't listed
--- asks
GET http://meet.contoso.comAT/link       -> 403
GET http://meet.contoso.comAT/folder     -> 301
--- error_log
Too many levels of symbolic links

=== with https_redirect off
--- more
acme_challenge WEBROOT/;
https_redirect off;
--- asks
GET http://meet.contoso.comAT/a          -> content of a
POST http://meet.contoso.comAT/a         -> 404
GET http://meet.contoso.com/alice        -> 404

=== with autodiscover over plain HTTP
--- more
acme_challenge WEBROOT;
http_autodiscover on;
--- asks
GET http://lyncdiscover.contoso.comAT/a  -> content of a | !X-Site
GET http://lyncdiscover.contoso.com/     -> external

=== names of wildcards
--- publication
    sip_domain   *;
    %%CERTIFICATE%%
    %%TRUSTED_CA%%
    %%POOL%%
    simple_url   meet https://meet.*;
--- asks
GET http://lyncdiscover.northwind.exampleAT/a -> content of a
GET http://meet.northwind.exampleAT/a    -> content of a
GET http://dialin.northwind.exampleAT/a  -> closed

=== without it, as ever
--- more: https_redirect on;
--- asks
GET http://meet.contoso.comAT/a          -> 301 https://meet.contoso.com/.well-known/acme-challenge/a

=== what http { } and a server_include say of servers doesn't reach it
--- before
limit_req_zone $lync_publication zone=everybody:64k rate=1r/m;
open_file_cache max=10;
open_file_cache_errors on;
dav_methods PUT DELETE;
autoindex on;
root /;
--- more
acme_challenge WEBROOT;
http_autodiscover on;
server_include %%SERVROOT%%/html/extra.conf;
--- user_files
>>> extra.conf
limit_req zone=everybody;
deny 127.0.0.1;
--- asks
GET http://meet.contoso.comAT/a          -> content of a
GET http://meet.contoso.comAT/a          -> content of a
GET http://lyncdiscover.contoso.com/     -> 403
PUT http://meet.contoso.comAT/a          -> 308
GET http://meet.contoso.comAT/a          -> content of a
--- error_log
access forbidden by rule

=== a log says that it passed
--- more
acme_challenge WEBROOT;
server_include %%SERVROOT%%/html/extra.conf;
--- user_files
>>> extra.conf
add_header X-Verdict "$lync_verdict" always;
--- asks
GET http://meet.contoso.comAT/a          -> content of a | X-Verdict: pass
POST http://meet.contoso.comAT/a         -> 308 | X-Verdict: redirect
