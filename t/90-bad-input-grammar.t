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
    ['publish', 'http_autodiscover',     'auto|on|off',  '',       'on off',           'auto'],
    ['publish', 'https_redirect',        'on|off',       '',       'on off',           'on'],
    ['publish', 'path_policy',           'strict|vendor', '',      'strict vendor',    'strict'],
    ['publish', 'allow_path',            'PREFIX ...',   ''],
    ['publish', 'deny_path',             'PREFIX ...',   ''],
    ['publish', 'meeting_url_guard',     'on|off',       '',       'on off',           'on'],
    ['publish', 'hide_server_names',     'on|off',       '',       'on off',           'on'],
    ['publish', 'log_sip_uri',           'on|off',       '',       'on off',           'on'],
    ['publish', 'connection_auth',       'on|off [idle=TIME] [age=TIME] [max=NUMBER]', '',
                                         'on idle=1m age=1h max=5 max=6', 'on'],
    ['publish', 'pending_get_timeout',   'TIME',         '',       '16 m',             '960s'],
    ['publish', 'max_upload',            'SIZE',         '',       '512 m',            '512m'],
    ['publish', 'unknown_host',          'refuse|ignore', '',      'refuse ignore',    'refuse'],
    ['publish', 'resolve_at_start',      'on|off',       '',       'on off',           'on'],
    ['publish', 'server_include',        'FILE ...',     ''],
    ['pool',    'external_web_services', 'FQDN',         '',       'a.contoso.com b.contoso.com'],
    ['pool',    'server',                'ADDRESS [PARAMETER ...]', ''],
    ['pool',    'listening_ports',       '[http=N] [https=N]', '', 'http=8080 https=4443 udp=1',
                                                                   'https=4443'],
    ['pool',    'affinity',              'none|source|cookie', '', 'none source',      'none'],
    ['pool',    'health_check',          'autodiscover|discovery|healthcheck|tcp=PORT|off '
                                         . '[interval=TIME] [timeout=TIME] [fails=N] [passes=N]', '',
                                         'off a=1 b=2 c=3 d=4 e=5', 'off'],
    ['farm',    'certificate_name',      'FQDN',         '',       'a.contoso.local b.contoso.local',
                                                                   'wac.contoso.local'],
    ['farm',    'services',              'ews autodiscover owa activesync mapi oab', ''],
    ['edge',    'topology',              'consolidated|single_site|scaled_single_site|'
                                         . 'multiple_site_remote|scaled_remote_site', '',
                                         'consolidated single_site', 'consolidated'],
    ['edge',    'reverse_proxy',         '[external=ADDRESS] [internal=ADDRESS]', '',
                                         'external=203.0.113.1 internal=172.16.0.1 vip',
                                         'external=203.0.113.1'],
    ['edge',    'access_edge',           '[vip] [external=ADDRESS] [internal=ADDRESS]', '',
                                         'vip external=203.0.113.1 internal=172.16.0.1 up'],
    ['edge',    'web_conferencing_edge', '[vip] [external=ADDRESS] [internal=ADDRESS]', '',
                                         'vip external=203.0.113.1 internal=172.16.0.1 up'],
    ['edge',    'av_edge',               '[vip] [external=ADDRESS] [internal=ADDRESS]', '',
                                         'vip external=203.0.113.1 internal=172.16.0.1 up'],
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
        says  => "\"$name\" directive is not allowed in $elsewhere, it belongs into "
               . ($belongs{$name} // $place) . ' in %%HERE%%',
    };
}

run_conf_tests(@rows);

__DATA__

=== the smallest publication is right
--- warns


# --- what must be there

=== no sip_domain
--- sip_domain
--- says
no "sip_domain" in lync_publish "contoso": write the SIP domains of your users, or "*" for any
in %%BLOCK%%

=== no certificate
--- certificate
--- says
no "certificate" in lync_publish "contoso": write the PEM files that the listener presents,
"certificate FILE KEY" in %%BLOCK%%

=== no trusted_ca while backend_verify is on
--- trusted_ca
--- says
no "trusted_ca" in lync_publish "contoso": write the file of the CA that issued the servers' own
certificates in %%BLOCK%%

=== no trusted_ca, and backend_verify off
--- trusted_ca
--- more
backend_verify off;  # here
--- warns
"backend_verify" is off in lync_publish "contoso": anybody on the way to the servers can read and
change what they answer in %%HERE%%

=== no pool
--- pool
--- says
no "pool" in lync_publish "contoso": declare the Front End pool or Standard Edition server,
"pool FQDN { ... }" in %%BLOCK%%

=== a director but no pool
--- pool
director dirpool.contoso.local {
    external_web_services  dirwebext.contoso.com;
}
--- says
no "pool" in lync_publish "contoso": declare the Front End pool or Standard Edition server,
"pool FQDN { ... }" in %%BLOCK%%

=== an empty block
--- publication
--- says
no "sip_domain" in lync_publish "contoso": write the SIP domains of your users, or "*" for any
in %%BLOCK%%

=== a pool without external_web_services
--- pool
pool fepool.contoso.local {  # here
    server 10.0.0.11;
}
--- says
no "external_web_services" in pool "fepool.contoso.local" of lync_publish "contoso": write the
external web services FQDN that Topology Builder shows in %%HERE%%

=== a director without external_web_services
--- more
director dirpool.contoso.local {  # here
}
--- says
no "external_web_services" in director "dirpool.contoso.local" of lync_publish "contoso": write the
external web services FQDN that Topology Builder shows in %%HERE%%

=== an Office Web Apps farm without a server: its name leads here
--- more
office_web_apps wacext.contoso.com {  # here
}
--- says
no "server" in office_web_apps "wacext.contoso.com" of lync_publish "contoso": write the address of
each server, or of their load balancer in %%HERE%%

=== Exchange without a server
--- more
exchange mail.contoso.com autodiscover.contoso.com {  # here
    services ews;
}
--- says
no "server" in exchange "mail.contoso.com" of lync_publish "contoso": write the address of each
server, or of their load balancer in %%HERE%%


# --- lync_publish itself

=== lync_publish without a name
--- name
--- says
invalid number of arguments in "lync_publish" directive, it is written "lync_publish NAME { ... }"
in %%BLOCK%%

=== lync_publish with two names
--- name: contoso fabrikam
--- says
invalid number of arguments in "lync_publish" directive, it is written "lync_publish NAME { ... }"
in %%BLOCK%%

=== lync_publish with a name of other characters
--- name: contoso.com
--- says
invalid name "contoso.com" in "lync_publish" directive: it is made of up to 64 letters, digits, "_"
and "-" in %%BLOCK%%

=== lync_publish with an empty name
--- name: ""
--- says
invalid name "" in "lync_publish" directive: it is made of up to 64 letters, digits, "_" and "-"
in %%BLOCK%%

=== lync_publish with a name of 65 letters
--- name: %%a*65%%
--- says
invalid name "%%a*65%%" in "lync_publish" directive: it is made of up to 64 letters, digits, "_" and
"-" in %%BLOCK%%

=== lync_publish as a plain directive
--- http
lync_publish contoso;  # here
--- says
directive "lync_publish" has no opening "{" in %%HERE%%

=== lync_publish outside of http
--- http
--- main
lync_publish contoso {  # here
}
--- says
"lync_publish" directive is not allowed here in %%HERE%%

=== lync_publish inside of a server
--- http
server {
    lync_publish contoso {  # here
    }
}
--- says
"lync_publish" directive is not allowed here in %%HERE%%

=== lync_publish inside of lync_publish
--- more
lync_publish fabrikam {  # here
}
--- says
"lync_publish" directive is not allowed in lync_publish "contoso", close the one block before the
other begins in %%HERE%%

=== a publication named twice
--- after
lync_publish contoso {  # here
    sip_domain   fabrikam.com;
    certificate  %%PKI%%/public.pem %%PKI%%/public.key;
    trusted_ca   %%PKI%%/internal-ca.pem;
    pool fepool2.fabrikam.local {
        external_web_services  lyncwebext.fabrikam.com;
        server                 10.0.0.12;
    }
}
--- says
publication "contoso" is duplicate in "lync_publish" directive, the first stands at %%BLOCK%%
in %%HERE%%

=== lync_rule written by hand, in a server
--- after
server {
    location / {
        lync_rule contoso meet.contoso.com;  # here
    }
}
--- says
"lync_rule" directive stands in generated servers only, write a "lync_publish" block in %%HERE%%

=== lync_rule written by hand, in the block
--- more
lync_rule contoso meet.contoso.com;  # here
--- says
"lync_rule" directive is not allowed in lync_publish "contoso", the module writes it itself in
%%HERE%%


# --- words that nobody knows

=== a slip of the finger
--- more
sip_domian contoso.com;  # here
--- says
unknown directive "sip_domian" in lync_publish "contoso", did you mean "sip_domain"? in %%HERE%%

=== a slip of the finger in a pool
--- pool
pool fepool.contoso.local {
    servr 10.0.0.11;  # here
}
--- says
unknown directive "servr" in pool "fepool.contoso.local", did you mean "server"? in %%HERE%%

=== the plural
--- pool
pool fepool.contoso.local {
    servers 10.0.0.11;  # here
}
--- says
unknown directive "servers" in pool "fepool.contoso.local", did you mean "server"? in %%HERE%%

=== a slip of the finger in the name of a block
--- more
directer dirpool.contoso.local {  # here
}
--- says
unknown directive "directer" in lync_publish "contoso", did you mean "director"? in %%HERE%%

=== capital letters
--- more
Simple_Url meet https://meet.contoso.com;  # here
--- says
unknown directive "Simple_Url" in lync_publish "contoso", did you mean "simple_url"? in %%HERE%%

=== capital letters only
--- more
MAX_UPLOADS 1g;  # here
--- says
unknown directive "MAX_UPLOADS" in lync_publish "contoso", did you mean "max_upload"? in %%HERE%%

=== a hyphen for an underscore
--- pool
pool fepool.contoso.local {
    external-web-services lyncwebext.contoso.com;  # here
}
--- says
unknown directive "external-web-services" in pool "fepool.contoso.local", did you mean
"external_web_services"? in %%HERE%%

=== a word near to nothing
--- more
frobnicate on;  # here
--- says
unknown directive "frobnicate" in lync_publish "contoso" in %%HERE%%

=== a directive of nginx that isn't one of the block
--- more
proxy_pass https://10.0.0.11:4443;  # here
--- says
"proxy_pass" directive is not allowed in lync_publish "contoso", plain nginx directives go into a
file named by "server_include" in %%HERE%%

=== a directive of nginx in a pool
--- pool
pool fepool.contoso.local {
    external_web_services lyncwebext.contoso.com;
    keepalive 16;  # here
}
--- says
"keepalive" directive is not allowed in pool "fepool.contoso.local", plain nginx directives go into
a file named by "server_include" in %%HERE%%

=== a block of nginx
--- more
location / {  # here
}
--- says
"location" directive is not allowed in lync_publish "contoso", plain nginx directives go into a file
named by "server_include" in %%HERE%%


# --- blocks misplaced

=== a pool inside of a pool
--- pool
pool fepool.contoso.local {
    external_web_services lyncwebext.contoso.com;
    pool fepool2.contoso.local {  # here
    }
}
--- says
"pool" directive is not allowed in pool "fepool.contoso.local", it belongs into lync_publish itself
in %%HERE%%

=== services of a pool
--- pool
pool fepool.contoso.local {
    external_web_services lyncwebext.contoso.com;
    services ews;  # here
}
--- says
"services" directive is not allowed in pool "fepool.contoso.local", it belongs into an exchange
block in %%HERE%%

=== a pool's directive in an Office Web Apps farm
--- more
office_web_apps wacext.contoso.com {
    server 10.0.0.14;
    external_web_services wacext.contoso.com;  # here
}
--- says
"external_web_services" directive is not allowed in office_web_apps "wacext.contoso.com", it belongs
into a pool or director block in %%HERE%%

=== external_web_services twice
--- pool
pool fepool.contoso.local {
    external_web_services lyncwebext.contoso.com;   # first
    external_web_services lyncwebext2.contoso.com;  # here
}
--- says
"external_web_services" directive is duplicate in pool "fepool.contoso.local", the first stands at
%%FIRST%% in %%HERE%%

=== trusted_ca twice
--- trusted_ca
trusted_ca %%PKI%%/internal-ca.pem;  # first
trusted_ca %%PKI%%/other-ca.pem;     # here
--- says
"trusted_ca" directive is duplicate in lync_publish "contoso", the first stands at %%FIRST%%
in %%HERE%%

=== a pool without a name
--- pool
pool {  # here
    external_web_services lyncwebext.contoso.com;
}
--- says
invalid number of arguments in "pool" directive of lync_publish "contoso", it is written
"pool FQDN { ... }" in %%HERE%%

=== a pool with two names
--- pool
pool fepool.contoso.local fepool2.contoso.local {  # here
    external_web_services lyncwebext.contoso.com;
}
--- says
invalid number of arguments in "pool" directive of lync_publish "contoso", it is written
"pool FQDN { ... }" in %%HERE%%

=== a director without a name
--- more
director {  # here
}
--- says
invalid number of arguments in "director" directive of lync_publish "contoso", it is written
"director FQDN { ... }" in %%HERE%%

=== an Office Web Apps farm with two names
--- more
office_web_apps wacext.contoso.com lync.contoso.com {  # here
}
--- says
invalid number of arguments in "office_web_apps" directive of lync_publish "contoso", it is written
"office_web_apps FQDN { ... }" in %%HERE%%

=== Exchange without a name
--- more
exchange {  # here
}
--- says
invalid number of arguments in "exchange" directive of lync_publish "contoso", it is written
"exchange FQDN ... { ... }" in %%HERE%%


# --- semicolons, braces, quotes

=== a block without its braces
--- pool
pool fepool.contoso.local;  # here
--- says
directive "pool" has no opening "{" in lync_publish "contoso" in %%HERE%%

=== braces where a semicolon belongs
--- more
simple_url meet https://meet.contoso.com {  # here
}
--- says
directive "simple_url" is not terminated by ";" in lync_publish "contoso" in %%HERE%%

=== a semicolon missing at the end of a line
--- sip_domain
sip_domain contoso.com
--- certificate
certificate %%PKI%%/public.pem %%PKI%%/public.key;  # here
--- says
invalid domain "certificate" in "sip_domain" directive of lync_publish "contoso": is the ";" before
it missing? in %%HERE%%

=== a semicolon missing after the only argument
--- more
max_upload 100m
unknown_host ignore;  # here
--- says
invalid number of arguments in "max_upload" directive of lync_publish "contoso": is the ";" before
"unknown_host" missing? in %%HERE%%

=== a semicolon missing after a server
--- pool
pool fepool.contoso.local {
    server 10.0.0.11 weight=2
    external_web_services lyncwebext.contoso.com;  # here
}
--- says
invalid parameter "external_web_services" in "server" directive of pool "fepool.contoso.local": is
the ";" before it missing? in %%HERE%%

=== a semicolon missing after a socket
--- sockets
http_listen  18080
https_listen 18443;  # here
--- says
invalid parameter "https_listen" in "http_listen" directive of lync_publish "contoso": is the ";"
before it missing? in %%HERE%%

=== a semicolon missing after services
--- more
exchange mail.contoso.com {
    services ews
    server 10.0.0.15;  # here
}
--- says
invalid value "server" in "services" directive of exchange "mail.contoso.com": is the ";" before it
missing? in %%HERE%%

=== a semicolon missing before a brace
--- pool
pool fepool.contoso.local {
    external_web_services lyncwebext.contoso.com
}  # here
--- says
unexpected "}" in pool "fepool.contoso.local" in %%HERE%%

=== a semicolon too many
--- sip_domain
sip_domain contoso.com;;  # here
--- says
unexpected ";" in lync_publish "contoso" in %%HERE%%

=== a brace out of nowhere
--- sip_domain
sip_domain contoso.com { }  # here
--- says
directive "sip_domain" is not terminated by ";" in lync_publish "contoso" in %%HERE%%

=== an opening brace alone
--- sip_domain
{  # here
}
--- says
unexpected "{" in lync_publish "contoso" in %%HERE%%

=== a quote never closed
--- sip_domain
sip_domain "contoso.com;
--- says
unexpected end of file, expecting ";" or "}" of lync_publish "contoso" that was opened at %%BLOCK%%
in %%END%%

=== something glued to a quoted word
--- sip_domain
sip_domain "contoso".com;  # here
--- says
unexpected "." in lync_publish "contoso" in %%HERE%%

=== a block never closed
--- http
lync_publish contoso {  # block
    sip_domain contoso.com;
--- unclosed
--- says
unexpected end of file, expecting "}" of lync_publish "contoso" that was opened at %%BLOCK%%
in %%END%%

=== a pool never closed
--- http
lync_publish contoso {
    pool fepool.contoso.local {  # here
--- unclosed
--- says
unexpected end of file, expecting "}" of pool "fepool.contoso.local" that was opened at %%HERE%%
in %%END%%

=== a pool never closed, with something after it
--- pool
pool fepool.contoso.local {
    external_web_services lyncwebext.contoso.com;
--- more
simple_url meet https://meet.contoso.com;  # here
}
--- sockets
--- says
"simple_url" directive is not allowed in pool "fepool.contoso.local", it belongs into lync_publish
itself in %%HERE%%

=== binary garbage
--- publication
%%x01%%%%xff%%%%xfe%%;  # here
--- says
unknown directive "\x01\xff\xfe" in lync_publish "contoso" in %%HERE%%

=== binary garbage as an argument
--- sip_domain
sip_domain %%x01%%%%xff%%%%x00%%;  # here
--- says
invalid domain "\x01\xff\x00" in "sip_domain" directive of lync_publish "contoso": it contains the
byte 0x01: a name is made of letters, digits, "-" and "." in %%HERE%%

=== a word of 3000 letters: the place isn't cut off
--- sip_domain
sip_domain %%a*3000%%;  # here
--- says
invalid domain "%%a*255%%..." in "sip_domain" directive of lync_publish "contoso": it is 3000
characters long, a name has at most 253 in %%HERE%%

=== a word of 5000 letters
--- sip_domain
sip_domain %%a*5000%%;  # here
--- says
too long parameter "aaaaaaaaaa..." started in lync_publish "contoso" in %%HERE%%


# --- the same in included files

=== include of a file that isn't there
--- more
include missing.conf;  # here
--- says
open() "%%DIR%%/missing.conf" failed (2: No such file or directory) in lync_publish "contoso"
in %%HERE%%

=== include without a file
--- more
include;  # here
--- says
invalid number of arguments in "include" directive in lync_publish "contoso" in %%HERE%%

=== include in a pool, of an unknown directive
--- pool
pool fepool.contoso.local {
    external_web_services lyncwebext.contoso.com;
    include servers.conf;
}
--- file servers.conf
server 10.0.0.11;
servr 10.0.0.12;  # here
--- says
unknown directive "servr" in pool "fepool.contoso.local", did you mean "server"? in %%HERE%%

=== include of a file that Windows' editor wrote
--- more
include more.conf;
--- file more.conf
%%xef%%%%xbb%%%%xbf%%max_upload 100m;  # here
--- says
unknown directive "%%xef%%%%xbb%%%%xbf%%max_upload" in lync_publish "contoso": the file begins with
a byte order mark, save it as UTF-8 without one in %%HERE%%

=== include of a value that is wrong
--- pool
pool fepool.contoso.local {
    external_web_services lyncwebext.contoso.com;
    include servers.conf;
}
--- file servers.conf
server 10.0.0.11:4443;  # here
--- says
invalid address "10.0.0.11:4443" in "server" directive of pool "fepool.contoso.local": it has a
port: write the address only, ports come from listening_ports in %%HERE%%

=== include of a directive that stands in nginx.conf already
--- more
include more.conf;
max_upload 100m;  # first
--- file more.conf
max_upload 200m;  # here
--- says
"max_upload" directive is duplicate in lync_publish "contoso", the first stands at %%HERE%%
in %%FIRST%%

=== include of a file that closes a block it didn't open
--- more
include more.conf;
--- file more.conf
max_upload 200m;
}  # here
--- says
unexpected "}" in lync_publish "contoso" in %%HERE%%

=== include of a file that doesn't close its block
--- more
include more.conf;
--- file more.conf
pool fepool2.contoso.local {  # here
    server 10.0.0.12;
--- says
unexpected end of file, expecting "}" of pool "fepool2.contoso.local" that was opened at %%HERE%% in
%%DIR%%/more.conf:3

=== server_include of a file that isn't there
--- more
server_include missing.conf;  # here
--- says
open() "%%DIR%%/missing.conf" failed (2: No such file or directory) in %%HERE%%

=== server_include of a directory
--- more
server_include .;  # here
--- says
invalid value "." in "server_include" directive of lync_publish "contoso": it is a directory, write
the path of a file, or of several with "*" in %%HERE%%

=== server_include of an unknown directive
--- more
server_include more.conf;
--- file more.conf
add_header X-Frame-Options DENY;
add_haeder X-Frame-Options DENY;  # here
--- says
unknown directive "add_haeder" in %%HERE%%

=== server_include of a directive that may not stand in a server
--- more
server_include more.conf;
--- file more.conf
upstream more { }  # here
--- says
"upstream" directive is not allowed here in %%HERE%%

=== server_include of a server_name
--- more
server_include more.conf;
--- file more.conf
server_name www.contoso.com;
--- says
server_name "www.contoso.com" in a server_include of lync_publish "contoso": names are published by
the block's own directives in %%BLOCK%%

=== server_include of a location that is there already
--- more
server_include more.conf;
--- file more.conf
location / { return 204; }  # here
--- says
duplicate location "/" in %%HERE%%

=== server_include of a directive of the block
--- more
server_include more.conf;
--- file more.conf
simple_url meet https://meet.contoso.com;  # here
--- says
"simple_url" directive is not allowed here in %%HERE%%

=== server_include of something that is stated already
--- more
server_include more.conf;
--- file more.conf
gzip on;  # here
--- says
"gzip" directive is duplicate: generated servers of lync_publish "contoso" state it themselves: take it
out of server_include in %%HERE%%

=== server_include of an empty word
--- more
server_include "";  # here
--- says
invalid value "" in "server_include" directive of lync_publish "contoso": it is the path of a file
in %%HERE%%
