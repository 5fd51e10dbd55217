# What nginx says to a block that isn't one: directives that nobody knows, that stand in the wrong
# place, twice, or with the wrong number of arguments; braces and semicolons that are missing; and
# the same in files that are included.

use strict;
use warnings;

use LyncTest::ConfTest;
use LyncTest::Paths;
use Test::More;

# Every directive: where it stands, how it is written, too few and too many arguments, two right
# ones if it may stand once only.
my @directives = (
    ['publish', 'product',               'NAME',         '',       'sfb_se lync_2013', 'sfb_2019'],
    ['publish', 'sip_domain',            'DOMAIN ...',   ''],
    ['publish', 'certificate',           'FILE KEY',     'a.pem',  'a.pem a.key b.key'],
    ['publish', 'trusted_ca',            'FILE',         '',       'a.pem b.pem'],
    ['publish', 'backend_verify',        'on|off',       '',       'on off',           'on'],
    ['publish', 'simple_url',            'meet|dialin|scheduler|admin URL ... [pool=FQDN]', 'meet'],
    ['publish', 'http_listen',           '[ADDRESS:]PORT [PARAMETER ...] | off', ''],
    ['publish', 'https_listen',          '[ADDRESS:]PORT [PARAMETER ...]', ''],
    ['publish', 'acme_challenge',        'DIR',          '',       '/tmp /',           '/tmp'],
    ['publish', 'http_autodiscover',     'auto|on|off',  '',       'on off',           'auto'],
    ['publish', 'https_redirect',        'on|off',       '',       'on off',           'on'],
    ['publish', 'path_policy',           'strict|vendor', '',      'strict vendor',    'strict'],
    ['publish', 'allow_path',            'PREFIX ... | ~* PATTERN', ''],
    ['publish', 'deny_path',             'PREFIX ... | ~* PATTERN', ''],
    ['publish', 'redirect',              '[https://NAME]PATH URL', '/x',   '/x https://a.contoso.com https://b.contoso.com'],
    ['publish', 'meeting_url_guard',     'on|off',       '',       'on off',           'on'],
    ['publish', 'shield',                'on|off|log',   '',       'on off',           'on'],
    ['publish', 'shield_file',           'FILE',         '',       'a b'],
    ['publish', 'hide_server_names',     'on|off',       '',       'on off',           'on'],
    ['publish', 'log_sip_uri',           'on|off',       '',       'on off',           'on'],
    ['publish', 'connection_auth',       'on|off [idle=TIME] [age=TIME] [max=NUMBER]', '',
                                         'on idle=1m age=1h max=5 max=6', 'on'],
    ['publish', 'sign_in',               'any | windows|password|certificate|oauth ...', '',
                                         'windows windows windows windows windows', 'any'],
    ['publish', 'lockout', 'on|off [failures=N] [window=TIME] [hold=TIME] [source_accounts=N]', '',
                                         'on failures=1 window=1m hold=1m source_accounts=1 x=1', 'on'],
    ['publish', 'lockout_exempt',        'ADDRESS[/BITS]|ACCOUNT ...', ''],
    ['publish', 'lockout_store', 'redis://[USER:PASSWORD@]HOST[:PORT][/DB] key=FILE [password=FILE] [ca=FILE]', '',
                                         'redis://10.0.0.9 key=a password=b ca=c d=e', 'redis://10.0.0.9 key=a'],
    ['publish', 'account_domain',        'NAME=DOMAIN ...', ''],
    ['publish', 'log_accounts',          'on|off',       '',       'on off',           'on'],
    ['publish', 'pending_get_timeout',   'TIME',         '',       '16 m',             '960s'],
    ['publish', 'max_upload',            'SIZE',         '',       '512 m',            '512m'],
    ['publish', 'unknown_host',          'refuse|ignore', '',      'refuse ignore',    'refuse'],
    ['publish', 'resolve_at_start',      'on|off',       '',       'on off',           'on'],
    ['publish', 'server_include',        'FILE ...',     ''],
    ['pool',    'external_web_services', 'FQDN',         '',       'a.contoso.com b.contoso.com'],
    ['pool',    'server',                'ADDRESS [PARAMETER ...]', ''],
    ['pool',    'computer',              'ADDRESS ...',  ''],
    ['pool',    'listening_ports',       '[http=N] [https=N]', '', 'http=8080 https=4443 udp=1',
                                                                   'https=4443'],
    ['pool',    'affinity',              'none|source|cookie', '', 'none source',      'none'],
    ['pool',    'health_check',          'autodiscover|discovery|healthcheck|tcp=PORT|off '
                                         . '[interval=TIME] [timeout=TIME] [fails=N] [passes=N]', '',
                                         'off a=1 b=2 c=3 d=4 e=5', 'off'],
    ['farm',    'certificate_name',      'FQDN',         '',       'a.contoso.local b.contoso.local',
                                                                   'wac.contoso.local'],
    ['farm',    'services',
        'ews|autodiscover|owa|ecp|activesync|mapi|oab|rpc ... [timeout=TIME] [max_upload=SIZE]', ''],
    ['edge',    'topology',              'consolidated|single_site|scaled_single_site|'
                                         . 'multiple_site_remote|scaled_remote_site', '',
                                         'consolidated single_site', 'consolidated'],
    ['edge',    'reverse_proxy',         '[external=ADDRESS] [internal=ADDRESS]', '',
                                         'external=203.0.113.1 internal=172.16.0.1 vip',
                                         'external=203.0.113.1'],
    ['edge',    'access_edge',           '[vip] [external=ADDRESS] [internal=ADDRESS] [port=N]', '',
                                         'vip external=203.0.113.1 internal=172.16.0.1 port=444 up'],
    ['edge',    'web_conferencing_edge', '[vip] [external=ADDRESS] [internal=ADDRESS] [port=N]', '',
                                         'vip external=203.0.113.1 internal=172.16.0.1 port=444 up'],
    ['edge',    'av_edge',               '[vip] [external=ADDRESS] [internal=ADDRESS] [port=N]', '',
                                         'vip external=203.0.113.1 internal=172.16.0.1 port=444 up'],
    ['edge',    'next_hop',              'ADDRESS ...',  '',       undef,              '10.0.0.14'],
    ['edge',    'internal_network',      'ADDRESS/BITS ...', ''],
);

# The blocks in which they stand, as messages name them, and another where they don't belong.
my %block = (
    publish => ['lync_publish "contoso"',      'pool "fepool.contoso.local"',
                'lync_publish itself'],
    pool    => ['pool "fepool.contoso.local"', 'lync_publish "contoso"',
                'a pool or director block'],
    farm    => ['exchange "mail.contoso.com"', 'pool "fepool.contoso.local"',
                'an office_web_apps or exchange block'],
    edge    => ['edge',                        'pool "fepool.contoso.local"', 'an edge block'],
);

my %belongs = (
    server          => 'a pool, director, office_web_apps or exchange block',
    listening_ports => 'a pool, director, office_web_apps or exchange block',
    affinity        => 'a pool, director, office_web_apps or exchange block',
    health_check    => 'a pool, director, office_web_apps or exchange block',
    services        => 'an exchange block',
    sign_in         => 'lync_publish itself or an exchange block',
);

# The sections that put lines into a block.
sub inside {
    my ($block, $lines) = @_;
    return (more => $lines) if $block =~ /^lync_publish/;
    return (more => "edge {\n$lines}\n") if $block eq 'edge';
    return (more => "exchange mail.contoso.com {\nserver 10.0.0.15;\n$lines}\n") if $block =~ /^exch/;
    return (pool => "pool fepool.contoso.local {\n$lines}\n");
}

# The table that nginx and the core read, so that no directive goes without a test.
my $table = do {
    open my $in, '<', "$LyncTest::Paths::SOURCE/src/config/directives.h" or die "no directives.h: $!\n";
    local $/;
    <$in>;
};
is_deeply([sort map { $_->[1] } @directives], [sort $table =~ /^    LINE\((\w+)/mg],
    'every directive of src/config/directives.h is tested here');

my @rows;
for my $directive (@directives) {
    my ($where, $name, $usage, $few, $many, $right) = @$directive;
    my ($block, $elsewhere, $place) = @{ $block{$where} };
    my $wrong = "invalid number of arguments in \"$name\" directive of $block, it is written"
        . " \"$name $usage\" in %%HERE%%";

    push @rows, {
        title => "$name: too few arguments",
        inside($block, "$name $few;  # here\n"),
        says  => $wrong,
    };
    push @rows, {
        title => "$name: too many arguments",
        inside($block, "$name $many;  # here\n"),
        says  => $wrong,
    } if defined $many;
    push @rows, {
        title => "$name: twice",
        inside($block, "$name $right;  # first\n$name $right;  # here\n"),
        says  => "\"$name\" directive is duplicate in $block, the first stands at %%FIRST%% in %%HERE%%",
    } if defined $right;
    push @rows, {
        title => "$name: misplaced",
        inside($elsewhere, "$name 1 2;  # here\n"),
        says  => "\"$name\" directive is not allowed in $elsewhere, it belongs in "
               . ($belongs{$name} // $place) . ' in %%HERE%%',
    };
}

# What stands in a file of server_include, and what nginx says to its last line, or to the line of
# server_include.
my $stated = 'directive is duplicate: generated servers of lync_publish "contoso" state it';
my @included = (
    ["add_header X-Frame-Options DENY;\nadd_haeder X-Frame-Options DENY;", 'unknown directive "add_haeder"'],
    ['upstream more { }',                  '"upstream" directive is not allowed here'],
    ['location / { return 204; }',         'duplicate location "/"'],
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
push @rows, map { {
    title => "server_include: $_->[0]",
    more  => "server_include more.conf;  # here\n",
    files => { 'more.conf' => "$_->[0]  # file\n" },
    says  => "$_->[1] in %%@{[uc($_->[2] // 'file')]}%%",
} } @included;

run_conf_tests(@rows);

__DATA__

=== the smallest publication is right
--- warns

# --- what must be there

=== no sip_domain
--- refused: sip_domain
                                        | no "sip_domain" in lync_publish "contoso" in %%BLOCK%%

=== no certificate
--- refused: certificate
                                        | no "certificate" in lync_publish "contoso" in %%BLOCK%%

=== no trusted_ca while backend_verify is on
--- refused: trusted_ca
                                        | no "trusted_ca" in lync_publish "contoso" in %%BLOCK%%

=== no pool, whatever else there is
--- refused: pool
                                        | no "pool" in lync_publish "contoso" in %%BLOCK%%
director dirpool.contoso.local { external_web_services dirwebext.contoso.com; } | no "pool" in lync_publish "contoso" in %%BLOCK%%
pool fepool.contoso.local { server 10.0.0.11; } | no "external_web_services" in pool "fepool.contoso.local" of lync_publish "contoso"

=== an empty block
--- refused: publication
                                        | no "sip_domain" in lync_publish "contoso" in %%BLOCK%%

=== blocks without what they need
--- refused: more
director dirpool.contoso.local { }      | no "external_web_services" in director "dirpool.contoso.local" of lync_publish "contoso"
office_web_apps wacext.contoso.com { }  | no "server" in office_web_apps "wacext.contoso.com" of lync_publish "contoso"
exchange mail.contoso.com autodiscover.contoso.com { services ews; } | no "server" in exchange "mail.contoso.com" of lync_publish "contoso"

# --- lync_publish itself

=== the name of a publication
--- refused: http
lync_publish { }                        | invalid number of arguments in "lync_publish" directive, it is written "lync_publish NAME { ... }"
lync_publish contoso fabrikam { }       | invalid number of arguments in "lync_publish" directive
lync_publish contoso.com { }            | invalid name "contoso.com" in "lync_publish" directive: it is made of up to 64 letters
lync_publish "" { }                     | invalid name "" in "lync_publish" directive
lync_publish %%a*65%% { }               | invalid name "%%a*65%%" in "lync_publish" directive
lync_publish contoso;                   | directive "lync_publish" has no opening "{"
server { lync_publish contoso { } }     | "lync_publish" directive is not allowed here
server { location / { lync_rule contoso meet.contoso.com; } } | "lync_rule" directive stands in generated servers only, write a "lync_publish" block

=== lync_publish outside of http
--- http
--- refused: main
lync_publish contoso { }                | "lync_publish" directive is not allowed here

# --- directives

=== words that nobody knows, or that don't belong there
--- refused: more
sip_domian contoso.com;                 | unknown directive "sip_domian" in lync_publish "contoso", did you mean "sip_domain"?
directer dirpool.contoso.local { }      | unknown directive "directer" ... did you mean "director"?
Simple_Url meet https://meet.contoso.com; | unknown directive "Simple_Url" ... did you mean "simple_url"?
MAX_UPLOADS 1g;                         | unknown directive "MAX_UPLOADS" ... did you mean "max_upload"?
frobnicate on;                          | unknown directive "frobnicate" in lync_publish "contoso"
proxy_pass https://10.0.0.11:4443;      | "proxy_pass" directive is not allowed in lync_publish "contoso", plain nginx directives go into a file named by "server_include"
location / { }                          | "location" directive is not allowed ... "server_include"
lync_publish fabrikam { }               | "lync_publish" directive is not allowed in lync_publish "contoso", close the one block before the other begins
lync_rule contoso meet.contoso.com;     | "lync_rule" directive is not allowed in lync_publish "contoso", the module writes it itself

=== the same in a pool
--- refused: in pool
servr 10.0.0.11;                        | unknown directive "servr" in pool "fepool.contoso.local", did you mean "server"?
servers 10.0.0.11;                      | unknown directive "servers" ... did you mean "server"?
external-web-services lyncwebext.contoso.com; | unknown directive "external-web-services" ... did you mean "external_web_services"?
keepalive 16;                           | "keepalive" directive is not allowed in pool "fepool.contoso.local" ... "server_include"
pool fepool2.contoso.local { }          | "pool" directive is not allowed in pool "fepool.contoso.local"
services ews;                           | "services" directive is not allowed in pool "fepool.contoso.local"
external_web_services lyncwebext2.contoso.com; | "external_web_services" directive is duplicate in pool "fepool.contoso.local", the first stands at

=== a pool's directive in an Office Web Apps farm
--- refused: in office_web_apps
external_web_services wacext.contoso.com; | "external_web_services" directive is not allowed in office_web_apps "wacext.contoso.com"

=== trusted_ca twice
--- refused: trusted_ca
trusted_ca %%PKI%%/internal-ca.pem;     # first
trusted_ca %%PKI%%/other-ca.pem;        | "trusted_ca" directive is duplicate in lync_publish "contoso", the first stands at %%FIRST%%

=== blocks without a name, or with two
--- refused: more
pool { }                                | invalid number of arguments in "pool" directive of lync_publish "contoso", it is written "pool FQDN { ... }"
pool fepool2.contoso.local fepool3.contoso.local { } | it is written "pool FQDN { ... }"
director { }                            | it is written "director FQDN { ... }"
office_web_apps wacext.contoso.com lync.contoso.com { } | it is written "office_web_apps FQDN { ... }"
exchange { }                            | it is written "exchange FQDN ... { ... }"
pool fepool2.contoso.local;             | directive "pool" has no opening "{" in lync_publish "contoso"
simple_url meet https://meet.contoso.com { } | directive "simple_url" is not terminated by ";" in lync_publish "contoso"

# --- semicolons, braces, quotes

=== a semicolon missing
--- refused: more
sip_domain fabrikam.com
allow_path /mcx;                        | invalid domain "allow_path" in "sip_domain" directive of lync_publish "contoso": is the ";" before it missing?
max_upload 100m
unknown_host ignore;                    | invalid number of arguments in "max_upload" directive of lync_publish "contoso": is the ";" before "unknown_host" missing?
exchange mail.contoso.com {
    services ews
    server 10.0.0.15;                   # here
}                                       | invalid value "server" in "services" directive of exchange "mail.contoso.com": is the ";" before it missing?

=== a semicolon missing in a pool
--- refused: pool
pool fepool.contoso.local {
    server 10.0.0.11 weight=2
    external_web_services lyncwebext.contoso.com; # here
}                                       | invalid parameter "external_web_services" in "server" directive ... is the ";" before it missing?
pool fepool.contoso.local {
    external_web_services lyncwebext.contoso.com
}                                       | unexpected "}" in pool "fepool.contoso.local"

=== a semicolon missing after a socket
--- refused: sockets
http_listen  18080
https_listen 18443;                     | invalid parameter "https_listen" in "http_listen" directive ... is the ";" before it missing?

=== semicolons, braces and quotes too many
--- refused: sip_domain
sip_domain contoso.com;;                | unexpected ";" in lync_publish "contoso"
sip_domain contoso.com { }              | directive "sip_domain" is not terminated by ";" in lync_publish "contoso"
{                                       # here
}                                       | unexpected "{" in lync_publish "contoso"
sip_domain "contoso.com;                # here
                                        | unexpected end of file, expecting ";" or "}" of lync_publish "contoso" that was opened at %%BLOCK%% in %%END%%
sip_domain "contoso".com;               | unexpected "." in lync_publish "contoso"
sip_domain %%a*3000%%;                  | invalid domain "%%a*255%%..." in "sip_domain" directive of lync_publish "contoso": it is 3000 characters long
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

=== a pool never closed, with something after it
--- sockets
--- refused: pool
pool fepool.contoso.local {
    external_web_services lyncwebext.contoso.com;
    simple_url meet https://meet.contoso.com;  # here
}                                       | "simple_url" directive is not allowed in pool "fepool.contoso.local"

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
include more.conf;                      | unknown directive "%%xef%%%%xbb%%%%xbf%%max_upload" in lync_publish "contoso": the file begins with a byte order mark, save it as UTF-8 without one in %%FILE%%

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
include more.conf;                      | unexpected "}" in lync_publish "contoso" in %%FILE%%

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
