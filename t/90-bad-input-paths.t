# Arguments of allow_path and deny_path that can't be meant: what an administrator reads. The rules
# themselves are tested in t/unit/policy_table_test.cpp.

use strict;
use warnings;

use LyncTest::ConfTest;

# [title, directive, argument, what is wrong and what is right]
my @rows = (
    ['the Control Panel', 'allow_path', '/cscp',
        'it is an administrative path, which is never published: remove it'],
    ['the Control Panel in capital letters', 'allow_path', '/CSCP/x',
        'it is an administrative path, which is never published: remove it'],
    ['remote PowerShell', 'allow_path', '/OcsPowershell',
        'it is an administrative path, which is never published: remove it'],
    ['an internal twin', 'allow_path', '/abs/Int',
        'it is an internal path, which is never published: remove it'],
    ['location information', 'allow_path', '/locationinformation',
        'it is an internal path, which is never published: remove it'],
    ['a configuration file', 'allow_path', '/meet/web.config',
        'it is an internal path, which is never published: remove it'],
    ['every path', 'allow_path', '/', 'it would allow every path: say "path_policy vendor"'],
    ['every path', 'deny_path', '/',
        'it would deny every path: remove the name from the publication instead'],
    map({ my $name = $_; (
        ['no leading slash', $name, 'passiveauth', 'it must begin with a slash'],
        ['an empty path', $name, '""', 'it must begin with a slash'],
        ['a URL', $name, 'https://lyncwebext.contoso.com/mcx', 'it must begin with a slash'],
        ['a query', $name, '/mcx?x=1', 'it must be a path without a query'],
        ['a fragment', $name, '"/mcx#x"', 'it must be a path without a fragment'],
        ['an encoded letter', $name, '/m%63x',
            'it must be written without percent encoding: it is compared with decoded paths'],
        ['an encoded slash', $name, '/mcx%2fx',
            'it must be written without percent encoding: it is compared with decoded paths'],
        ['a backslash', $name, '"/mcx\\\\x"', 'it must be written with forward slashes'],
        ['a wildcard', $name, '/mcx/*',
            'it must be a plain prefix of whole segments, without "*" or ";"'],
        ['a space', $name, '"/mcx x"', 'it must consist of printable ASCII characters'],
        ['a letter beyond ASCII', $name, '/büro', 'it must consist of printable ASCII characters'],
        ['an empty segment', $name, '/mcx//x', 'it must not have empty segments'],
        ['a dot segment', $name, '/mcx/../x', 'it must not have segments that end in a dot'],
    ) } qw(allow_path deny_path)),
);

run_conf_tests(map {
    my ($title, $directive, $argument, $why) = @$_;
    my $shown = $argument =~ s/^"(.*)"$/$1/r =~ s/\\\\/\\/gr;
    {
        title => "$directive: $title",
        more  => "$directive $argument;  # here\n",
        says  => "invalid value \"$shown\" in \"$directive\" directive of lync_publish \"contoso\": "
            . "$why in %%HERE%%",
    }
} @rows);

__DATA__

=== allowed and denied
--- more
allow_path /mcx;  # first
deny_path  /mcx;  # here
--- says
invalid value "/mcx" in "deny_path" directive of lync_publish "contoso": the same path stands at
%%FIRST%% in %%HERE%%

=== denied and allowed, in another spelling
--- more
deny_path  /mcx;   # here
allow_path /MCX/;  # first
--- says
invalid value "/mcx" in "deny_path" directive of lync_publish "contoso": the same path stands at
%%FIRST%% in %%HERE%%

=== allowed twice
--- more
allow_path /mcx;              # first
allow_path /passiveauth /mcx; # here
--- says
invalid value "/mcx" in "allow_path" directive of lync_publish "contoso": the same path stands at
%%FIRST%% in %%HERE%%

=== denied twice in one directive
--- more
deny_path /mcx /Mcx;  # here
--- says
invalid value "/Mcx" in "deny_path" directive of lync_publish "contoso": the same path stands at
%%HERE%% in %%HERE%%

=== a longer path denied below an allowed one
--- more
allow_path /passiveauth;
deny_path  /passiveauth/old;
--- warns
