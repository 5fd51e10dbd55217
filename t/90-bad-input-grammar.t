# What nginx says to a block that isn't one: its own parser's messages with the block and a remedy
# added, and the places of what the module refuses, in included files as well. The module's own
# rules, case by case, are in t/unit/grammar_test.cpp.

use strict;
use warnings;

use LyncTest::ConfTest;

# What stands in a file of server_include, and what nginx says to its last line, or to the line of
# server_include.
my $stated = 'directive is duplicate: generated servers of lync_publish "contoso" state it';
my @included = (
    ["add_header X-Frame-Options DENY;\nadd_haeder X-Frame-Options DENY;", 'unknown directive "add_haeder"'],
    ['upstream more { }',                  '"upstream" directive is not allowed here'],
    ['location / { return 204; }',         'duplicate location "/"'],
    ['location /x { lync_rule contoso x; }', '"lync_rule" directive stands in generated servers only, write a "lync_publish" block'],
    ['simple_url meet https://meet.contoso.com;', '"simple_url" directive is not allowed here'],
    ['gzip on;',                           "\"gzip\" $stated themselves: take it out of server_include"],
    ['client_max_body_size 1m;',           "\"client_max_body_size\" $stated already, by \"max_upload\" of the block: take it out of server_include"],
    ["root /srv;\nroot /var;",             '"root" directive is duplicate'],
    ['server_name www.contoso.com;',       'server_name "www.contoso.com" in a server_include of lync_publish "contoso": names are published by the block\'s own directives', 'block'],
    ["proxy_set_header X-Real-IP \$remote_addr;\nproxy_set_header host \$http_host;",
        '"proxy_set_header" of "Host" in a server_include of lync_publish "contoso": generated servers state this header themselves, and servers would get two: take it out', 'here'],
    ["ssl_certificate %%PKI%%/wildcard.pem;\nssl_certificate_key %%PKI%%/wildcard.key;",
        '"ssl_certificate" in a server_include of lync_publish "contoso": names are presented the certificates of the block\'s own "certificate"', 'here'],
    ['listen 127.0.0.1:18999;',
        '"listen" in a server_include of lync_publish "contoso": all generated servers would listen there, those of plain HTTP and those of https: sockets are opened by the block\'s own "http_listen" and "https_listen"', 'here'],
);
my @rows = map { {
    title => "server_include: $_->[0]",
    more  => "server_include more.conf;  # here\n",
    files => { 'more.conf' => "$_->[0]  # file\n" },
    says  => "$_->[1] in %%@{[uc($_->[2] // 'file')]}%%",
} } @included;

run_conf_tests(@rows);

__DATA__

=== the smallest publication is right
--- warns

# --- lync_publish itself

=== the name of a publication
--- refused: http
lync_publish { }                        | invalid number of arguments ... it is written
lync_publish contoso;                   | directive "lync_publish" has no opening "{"
server { lync_publish contoso { } }     | "lync_publish" directive is not allowed here
server { location / { lync_rule contoso meet.contoso.com; } } | "lync_rule" directive stands in generated servers only

=== lync_publish outside of http
--- http
--- refused: main
lync_publish contoso { }                | "lync_publish" directive is not allowed here

# --- directives

=== words that nobody knows, or that don't belong there
--- refused: more
sip_domian contoso.com;                 | unknown directive "sip_domian" in lync_publish "contoso", did you mean "sip_domain"?
product;                                | invalid number of arguments in "product" directive of lync_publish "contoso", it is written "product NAME"
server 10.0.0.11;                       | "server" directive is not allowed in lync_publish "contoso", it belongs in a pool
max_upload 1g; max_upload 2g;           | "max_upload" directive is duplicate in lync_publish "contoso", the first stands at %%HERE%%
pool fepool2.contoso.local;             | directive "pool" has no opening "{" in lync_publish "contoso"
proxy_pass https://10.0.0.11:4443;      | "proxy_pass" directive is not allowed in lync_publish "contoso", close that block before it, or write it into a file named by "server_include"
location / { }                          | "location" directive is not allowed ... "server_include"
lync_publish fabrikam { }               | "lync_publish" directive is not allowed in lync_publish "contoso", close the one block before the other begins
lync_rule contoso meet.contoso.com;     | "lync_rule" directive is not allowed in lync_publish "contoso", the module writes it itself

=== the same in a pool
--- refused: in pool
servr 10.0.0.11;                        | unknown directive "servr" in pool "fepool.contoso.local", did you mean "server"?
keepalive 16;                           | "keepalive" directive is not allowed in pool "fepool.contoso.local" ... "server_include"

# --- semicolons, braces, quotes

=== a semicolon missing in a pool
--- refused: pool
pool fepool.contoso.local {
    external_web_services lyncwebext.contoso.com
}                                       | unexpected "}" in pool "fepool.contoso.local": the ";" before it is missing, or its "{" is in another file

=== semicolons, braces and quotes too many
--- refused: sip_domain
sip_domain contoso.com;;                | unexpected ";" in lync_publish "contoso"
sip_domain contoso.com { }              | directive "sip_domain" is not terminated by ";" in lync_publish "contoso": it has no block of its own, or a "}" is missing before it
deny_path ~* ^/x{2}/;                   | directive "deny_path" is not terminated by ";" in lync_publish "contoso": a pattern with "{" has to be quoted, or the ";" is missing
{                                       # here
}                                       | unexpected "{" in lync_publish "contoso"
sip_domain "contoso.com;                # here
                                        | unexpected end of file, expecting ";" or "}" of lync_publish "contoso" that was opened at %%BLOCK%% in %%END%%
sip_domain "contoso".com;               | unexpected "." in lync_publish "contoso"
sip_domain %%a*3000%%;                  | invalid domain "%%a*255%%..." in "sip_domain" directive of lync_publish "contoso": it is 3000 bytes long
sip_domain %%a*5000%%;                  | too long parameter "aaaaaaaaaa..." started in lync_publish "contoso"

=== binary garbage
--- refused: publication
%%x01%%%%xff%%%%xfe%%;                  | unknown directive "\x01\xff\xfe" in lync_publish "contoso"

=== a block never closed
--- unclosed
--- refused: http
lync_publish contoso {                  # block
    sip_domain contoso.com;             | unexpected end of file, expecting "}" of lync_publish "contoso" that was opened at %%BLOCK%% in %%END%%
lync_publish contoso {
    pool fepool.contoso.local {         # pool
        server 10.0.0.11;               | unexpected end of file, expecting "}" of pool "fepool.contoso.local" that was opened at %%POOL%% in %%END%%

=== the same, with another one closed in its place
--- unclosed
--- refused: http
lync_publish contoso {                  # block
    pool fepool.contoso.local {
        server 10.0.0.11;
    simple_url meet https://meet.contoso.com;  # here
}                                       | unexpected end of file, expecting "}" of lync_publish "contoso" that was opened at %%BLOCK%%, or before "simple_url" at %%HERE%% in %%END%%

# --- the same in included files

=== include
--- refused: more
include missing.conf;                   | open() "%%DIR%%/missing.conf" failed (2: No such file or directory) in lync_publish "contoso"
include;                                | invalid number of arguments in "include" directive in lync_publish "contoso"

=== include in a pool, of an unknown directive
--- file servers.conf
server 10.0.0.11;
servr 10.0.0.12;  # file
--- refused: in pool
include servers.conf;                   | unknown directive "servr" in pool "fepool.contoso.local", did you mean "server"? in %%FILE%%

=== include of a file that Windows' editor wrote
--- file more.conf
%%xef%%%%xbb%%%%xbf%%max_upload 100m;  # file
--- refused: more
include more.conf;                      | unknown directive "%%xef%%%%xbb%%%%xbf%%max_upload" in lync_publish "contoso" ... byte order mark in %%FILE%%

=== include of a value that is wrong
--- file servers.conf
server 10.0.0.11:4443;  # file
--- refused: in pool
include servers.conf;                   | invalid address "10.0.0.11:4443" in "server" directive of pool "fepool.contoso.local" in %%FILE%%

=== include of a directive that stands in nginx.conf already
--- file more.conf
max_upload 200m;  # file
--- refused: more
include more.conf;
max_upload 100m;                        | "max_upload" directive is duplicate in lync_publish "contoso", the first stands at %%FILE%%

=== include of a file that closes a block it didn't open
--- file more.conf
max_upload 200m;
}  # file
--- refused: more
include more.conf;                      | unexpected "}" in lync_publish "contoso": the ";" before it is missing, or its "{" is in another file in %%FILE%%

=== include of a file that doesn't close its block
--- more
include more.conf;
--- file more.conf
pool fepool2.contoso.local {  # here
    server 10.0.0.12;
--- says
unexpected end of file, expecting "}" of pool "fepool2.contoso.local" that was opened at %%HERE%% in
%%DIR%%/more.conf:3

=== server_include
--- refused: more
server_include missing.conf;            | open() "%%DIR%%/missing.conf" failed (2: No such file or directory)
server_include .;                       | invalid value "." in "server_include" directive of lync_publish "contoso": it is a directory, write the path of a file, or of several with "*"
server_include "";                      | invalid value "" in "server_include" directive of lync_publish "contoso": it is the path of a file
