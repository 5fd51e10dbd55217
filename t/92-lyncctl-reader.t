# lyncctl's reader of nginx.conf against nginx's own: whatever nginx -t says of a block, lyncctl check
# says, with the same place. The t/90-* suites ask both of every mistake that people make; here it is
# quoting, comments, the ends of nginx's buffer, truncated files, stray characters, includes.

use strict;
use warnings;

use LyncTest::ConfTest;
use LyncTest::Paths;
use Test::More;

plan(skip_all => 'lyncctl is not built') if !-x "$LyncTest::Paths::BUILD/lyncctl";

my @rows;

# A word, as it may be written, where a domain belongs: the message shows what the word came to.
for my $word (
    '"contoso.com"', "'contoso.com'", '"con toso"', "'con\"toso'", '"con\'toso"', '"con\\"toso"',
    "'con\\'toso'", 'con\\;toso', 'con\\{toso', 'con\\ toso', 'con\\ttoso', 'con\\ntoso', 'con\\rtoso',
    'con\\\\toso', 'con\\xtoso', '"con\\\\"', '"con\\', 'con\\', '${x}', '${x', '$x{y}', 'a${x}b', '$',
    'a$', '$$x', 'a#b', '#b', '"a"#b', '"a" #b', '"a"b', '"a"(', '"a")', '"a") b', '"a"{', '"a";b',
    "'a'\"b\"", 'a"b"', "a'b'", '"', "'", '""', "''", '"a;b"', '"a{b}"', "a\tb", "a\rb", "\r", "a\nb",
    "\"a\nb\"", "a\\\nb", "# comment\n a", "a # comment\n b", '(', ')', 'a)', '}', '{', '{}', ';', 'a}b',
    "a\0b", "\0", "\xff", "\xc3\xbc", "\xef\xbb\xbfcontoso.com", '*', '[::1]', 'a\\"b', '\\"a', '\\#a',
) {
    push @rows, {
        title => 'sip_domain ' . ($word =~ s/([^ -~])/sprintf '\\x%02x', ord $1/ger),
        sip_domain => "sip_domain $word;\n",
    };
}

# A byte-order mark, carriage returns, no newline at the end.
my $smallest = <<"END_CONF";
load_module $LyncTest::Paths::MODULE;
pid nginx.pid;
events {}
http {
    lync_publish contoso {  # the block
        sip_domain   contoso.com "fabrikam.com";
        certificate  $LyncTest::Paths::PKI/public.pem $LyncTest::Paths::PKI/public.key;
        trusted_ca   '$LyncTest::Paths::PKI/internal-ca.pem';
        https_listen 127.0.0.1:18443;
        http_listen  127.0.0.1:18080;
        pool fepool.contoso.local {
            server                 10.0.0.11 weight=2;
            external_web_services  lyncwebext.contoso.com;
        }
    }
}
END_CONF
push @rows,
    { title => 'carriage returns', raw => $smallest =~ s/\n/\r\n/gr },
    { title => 'no newline at the end', raw => $smallest =~ s/\n\z//r },
    { title => 'carriage returns alone', raw => $smallest =~ s/\n/\r/gr },
    { title => 'text after the end', raw => "$smallest# comment" },
    { title => 'a brace after the end', raw => "$smallest}\n" };

# The module isn't loaded, too late, or by a file that is included, as Debian has it.
my $load     = "load_module $LyncTest::Paths::MODULE;\n";
my $unloaded = $smallest =~ s/\A[^\n]*\n//r;
push @rows,
    { title => 'load_module is missing', raw => $unloaded },
    { title => 'load_module is a comment', raw => "# $load$unloaded" },
    { title => 'load_module in an included file', raw => "include enabled-*.conf;\n$unloaded",
      files => { 'enabled-50-mod-http-lync.conf' => $load } },
    { title => 'no file for load_module', raw => "include enabled-*.conf;\n$unloaded" },
    { title => 'load_module is missing, lync_status', raw => "events {}\nhttp { server { listen 127.0.0.1:18080;\n"
        . "location / { lync_status; } } }\n" };

# A byte-order mark, which nginx takes for a part of the first word.
push @rows,
    { title => 'a byte-order mark', raw => "\xef\xbb\xbf$smallest" },
    { title => 'a byte-order mark before a comment', raw => "\xef\xbb\xbf# comment\n$smallest" },
    { title => 'a byte-order mark alone', raw => "\xef\xbb\xbf\n$smallest" },
    { title => 'a byte-order mark in an included file', http => "include pub.conf;\n",
      files => { 'pub.conf' => "\xef\xbb\xbfmap \$host \$x { default 1; }\n" } };

# Cut off at each byte of the block.
my $block = index $smallest, 'lync_publish';
push @rows, { title => "cut off at byte $_", raw => substr $smallest, 0, $_ }
    for grep { $_ % 3 == 0 || substr($smallest, $_ - 1, 1) =~ /[;{}"'\s]/ } $block .. length($smallest) - 1;

# A stray character in places of the block, chosen by a generator that always gives the same: on lines
# without a path, since the length of those is this machine's. The name of the block itself is a word at
# http level, of which the tool knows only what is like one of its own.
my @stray = (';', '{', '}', '"', "'", '\\', '#', '$', ' ', "\n", "\r", "\0", ')', '${');
my $end   = rindex $smallest, "    }\n}";
my @places;
while ($smallest =~ /^([^\n\/]*\n)/mg) {
    push @places, grep { $_ > index($smallest, "\n", $block) && $_ < $end } $-[0] .. $+[0] - 1;
}
my $seed  = 20261121;
for (1 .. 250) {
    $seed = ($seed * 1103515245 + 12345) % 2**31;
    my $at    = $places[($seed >> 4) % @places];
    my $stray = $stray[($seed >> 8) % @stray];
    my $text  = $smallest;
    substr($text, $at, ($seed >> 16) % 2, $stray);
    push @rows, { title => sprintf('stray %vd, %d', $stray, $_), raw => $text };
}

# nginx reads 4096 bytes at a time, and no word may be longer.
for my $size (4080 .. 4100) {
    push @rows,
        { title => "a comment of $size", more => '#' . 'x' x $size . "\n" },
        { title => "a word of $size", more => 'max_upload ' . 'x' x $size . ";\n" }
        if $size % 4 == 0 || abs($size - 4096) < 3;
    push @rows, { title => "a quoted word of $size", more => 'max_upload "' . 'x' x $size . "\";\n" }
        if abs($size - 4096) < 3;
    push @rows, { title => "a word in single quotes of $size", more => "max_upload '" . 'x' x $size }
        if abs($size - 4096) < 3;
}
push @rows, { title => 'a comment longer than two buffers', more => '#' . 'x' x 9000 . "\n" },
    { title => 'a file of many buffers', more => "# comment\n" x 5000 . "max_upload x;\n" },
    { title => 'a name of 2000 letters', more => 'x' x 2000 . " 1;\n" },
    { title => 'a name of 1000 letters', more => 'x' x 1000 . " 1;\n" },
    { title => 'a name with a NUL byte', more => "max%%x00%%upload 1m;\n" };

# Includes.
my @files = (
    [ 'a file of the block', "include more.conf;\n", { 'more.conf' => "max_upload 1m;\n" } ],
    [ 'a pattern, sorted', "include m*.conf;\n", { 'm2.conf' => "max_upload 2m;\n", 'm1.conf' => "max_upload 1m;\n" } ],
    [ 'a pattern: the second is wrong', "include m*.conf;\n", { 'm2.conf' => "max_uplod 2m;\n", 'm1.conf' => "max_upload 1m;\n" } ],
    [ 'a pattern: the first leaves a block open', "include m*.conf;\n", { 'm1.conf' => "pool a.b {\n", 'm2.conf' => "}\n" } ],
    [ 'a pattern that nothing matches', "include none*.conf;\n", {} ],
    [ 'a pattern with brackets', "include m[12].conf;\n", { 'm1.conf' => "max_upload x;\n" } ],
    [ 'a pattern with a question mark', "include m?.conf;\nmax_upload y;\n", { 'm1.conf' => "max_upload x;\n" } ],
    [ 'in quotes', "include 'more.conf';\n", { 'more.conf' => "max_upload x;\n" } ],
    [ 'as a block', "include more.conf {\n}\n", { 'more.conf' => '' } ],
    [ 'twice', "include more.conf;\ninclude more.conf;\n", { 'more.conf' => "max_upload 1m;\n" } ],
    [ 'two files in one line', "include a.conf b.conf;\n", { 'a.conf' => '', 'b.conf' => '' } ],
    [ 'an empty file', "include more.conf;\n", { 'more.conf' => '' } ],
    [ 'a file that ends in a comment', "include more.conf;\n", { 'more.conf' => 'max_upload 1m; # end' } ],
    [ 'a file that ends in a word', "include more.conf;\n", { 'more.conf' => 'max_upload' } ],
    [ 'a directory', "include .;\n", {} ],
    [ 'a name that goes on with a NUL byte', "include more.conf%%x00%%x;\n", { 'more.conf' => "max_upload x;\n" } ],
);
push @rows, { title => "include: $_->[0]", more => $_->[1], files => $_->[2] } for @files;
push @rows, {
    title => 'include at http level, of the publication',
    http  => "include pub.conf;\n",
    files => { 'pub.conf' => "lync_publish contoso {\n    sip_domain contoso.com\n}\n" },
};
push @rows, {
    title => 'include at the top, of http',
    raw   => "load_module $LyncTest::Paths::MODULE;\npid nginx.pid;\nevents {}\ninclude http.conf;\n",
    files => { 'http.conf' => "http {\n    lync_publish contoso {\n        pool a {\n    }\n}\n" },
};

# Blocks of nginx's whose lines aren't directives, and words of ours that mean something else there.
push @rows, {
    title  => 'map and types',
    before => "map \$host \$pool {\n default none;\n lync_publish 1;\n sip_domain 2;\n include m.types;\n}\n"
            . "types {\n text/html html;\n}\n",
    files  => { 'm.types' => "pool a;\n" },
    more   => "max_upload x;\n",
};

# Sockets that other servers share: which of them is the default, whose names clash, what they say
# of the socket. Each server once before the block, once after it.
my @servers = (
    "listen 127.0.0.1:18080; server_name www.contoso.com;",
    "listen 127.0.0.1:18080; server_name lyncwebext.contoso.com;",
    "listen 127.0.0.1:18080; server_name LyncDiscover.contoso.com www.contoso.com;",
    "listen 127.0.0.1:18080 default_server;",
    "listen 127.0.0.1:18080 default_server; server_name _;",
    "listen 127.0.0.1:18080;",
    "listen 127.0.0.1:18080; listen 127.0.0.1:18081;",
    "listen localhost:18080; server_name lyncwebext.contoso.com;",
    "listen 18080; server_name lyncwebext.contoso.com;",
    "listen *:18080 backlog=5; server_name lyncwebext.contoso.com;",
    "listen 127.0.0.1:18080 backlog=5;",
    "listen 127.0.0.1:18080; listen 127.0.0.1:18080;",
    "listen 127.0.0.1:18443 ssl http2; server_name www.contoso.com; include tls.conf;",
    "listen 127.0.0.1:18443 ssl http2 default_server; server_name www.contoso.com; include tls.conf;",
    "listen [::1]:18443 ssl; server_name lyncwebext.contoso.com; include tls.conf;",
    "listen unix:$LyncTest::Paths::BUILD/lyncctl.sock; server_name lyncwebext.contoso.com;",
    "server_name lyncwebext.contoso.com;",
    "include names.conf;",
);
my $tls = "ssl_certificate %%PKI%%/public.pem; ssl_certificate_key %%PKI%%/public.key;\n";
for my $server (@servers) {
    my %files = (files => { 'tls.conf' => $tls,
        'names.conf' => "listen 127.0.0.1:18443 ssl; server_name lyncwebext.contoso.com; $tls" });
    push @rows,
        { title => "before: $server", before => "server {\n$server\n}\n", %files },
        { title => "after: $server", after => "server {\n$server\n}\n", %files },
        { title => "before, with options: $server", before => "server {\n$server\n}\n", %files,
          sockets => "http_listen 127.0.0.1:18080 backlog=7;\nhttps_listen 127.0.0.1:18443 backlog=7;\n" },
        { title => "before, unknown_host ignore: $server", before => "server {\n$server\n}\n", %files,
          more => "unknown_host ignore;\n" };
}
# An address of its own beside a publication on all of them.
for my $server ("listen 127.0.0.2:18443 ssl; include tls.conf;", "listen 127.0.0.2:18080; server_name www.contoso.com;",
    "listen 18080; listen 127.0.0.2:18080;", "listen [::1]:18443 ssl; include tls.conf;",
    "listen 127.0.0.2:18443 ssl; listen 127.0.0.3:18443 ssl; listen 127.0.0.2:18081; include tls.conf;") {
    push @rows, map { { title => "$server beside $_", sockets => "$_\n", after => "server {\n$server\n}\n",
        files => { 'tls.conf' => $tls } } }
        'http_listen 18080; https_listen 18443;', 'http_listen 18080; https_listen 18443; https_listen [::]:18443;',
        'http_listen off; https_listen 127.0.0.2:18443; https_listen 18443;';
}
push @rows, { title => "two default servers", before => "server { listen 127.0.0.1:18080 default_server; }\n",
    after => "server { listen 127.0.0.1:18080 default_server; }\n" };

# What sockets may say, and how nginx reads it.
for my $parameter (
    'backlog=0', 'backlog=-1', 'backlog=', 'backlog=10', 'rcvbuf=', 'rcvbuf=x', 'rcvbuf=8k', 'rcvbuf=1m',
    'rcvbuf=1g', 'sndbuf=k', 'sndbuf=16K', 'fastopen=x', 'fastopen=3', 'so_keepalive=on', 'so_keepalive=off',
    'so_keepalive=maybe', 'so_keepalive=30m::10', 'so_keepalive=::', 'so_keepalive=0:0:0', 'so_keepalive=1h:x',
    'so_keepalive=30', 'so_keepalive=:30:', 'so_keepalive=30:30:30s', 'ipv6only=on', 'ipv6only=off',
    'ipv6only=o', 'ipv6only=only', 'ipv6only=yes', 'setfib=1', 'reuseport', 'deferred', 'bind', 'multipath',
) {
    push @rows, { title => "https_listen $parameter",
        sockets => "http_listen off;\nhttps_listen 127.0.0.1:18443 $parameter;\n" };
}

# Files of server_include: directives that nginx has, hasn't, has elsewhere, has once.
for my $line (
    'add_header X-A b;', 'add_header X-A b c d;', 'add_header;', 'access_log off;', 'expires 1h;',
    'gzip on;', 'proxy_buffering off;', 'proxy_bind 10.0.0.1;', 'client_max_body_size 1g;', 'absolute_redirect off;',
    'absolute_redirect maybe;', 'absolute_redirect OFF;', 'absolute_redirect off; absolute_redirect on;',
    'keepalive 3;', 'worker_processes 2;', 'events { }', 'server { }', 'location /x { return 204; }',
    'location /x { return 204; } location /x { return 205; }', 'location = / { return 204; }',
    'location / { }', 'location /x { gzip maybe; }', 'location /x { listen 80; }', 'location /x',
    'location /x;', 'if ($host) { return 403; }', 'if ($host) { gzip on; }', 'if ($host) { listen 80; }',
    'types { text/plain txt; }', 'return 204;', 'allow 10.0.0.0/8; deny all;', 'listen 18999;',
    'server_name a.contoso.com b.contoso.com;', 'sip_domain contoso.com;', 'lync_publish x { }', '}', '{',
    'gzip', 'include none*.conf;', 'include none.conf;', 'set $x y;', 'ssl_certificate a b c;', 'lync_rule a b;',
    'location /x { lync_rule a b; }', 'limit_except GET { deny all; }', 'frobnicate;', 'frobnicate { }',
    'location /x { location /x/y { frobnicate; } }', 'http2 on;', 'try_files a b;', 'break;', 'index a; index b;',
    'listen 127.0.0.1:18999 ssl;', 'location /x { proxy_set_header Host x; }', 'proxy_set_header X-Real-IP $remote_addr;',
    'proxy_set_header forwarded x; proxy_set_header HOST $host;', 'listen 18999; proxy_set_header Host x;',
    'proxy_set_header Host x; frobnicate;',
) {
    push @rows, { title => "server_include: $line", more => "server_include more.conf;\n",
        files => { 'more.conf' => "# a file\n$line\n" } };
}

my $refused = compare_with_lyncctl(@rows);
cmp_ok($refused, '>', @rows / 2, 'most of them are refused');
cmp_ok($refused, '<', @rows - 100, 'and some accepted');
done_testing();
