# lyncctl check: it asks nginx -t, shows what nginx says of publications, errors first, and adds its
# advice; without an nginx, what the core finds.

use strict;
use warnings;

use File::Path qw(make_path remove_tree);
use JSON::PP ();
use LyncTest::Files qw(make_pki);
use LyncTest::Paths;
use Test::More;

my $lyncctl = "$LyncTest::Paths::BUILD/lyncctl";
plan(skip_all => 'lyncctl is not built') if !-x $lyncctl;

my ($nginx, $pki) = ($LyncTest::Paths::NGINX, $LyncTest::Paths::PKI);
make_pki();

my $root = "$LyncTest::Paths::RUN/t/lyncctl_check_$$";
remove_tree($root);
make_path("$root/logs", "$root/none");

my $load  = "load_module $LyncTest::Paths::MODULE;\n";
my $block = <<"END_CONF";
lync_publish contoso {
    sip_domain   contoso.com;
    certificate  $pki/public.pem $pki/public.key;
    trusted_ca   $pki/internal-ca.pem;
    http_listen  127.0.0.1:18080;
    https_listen 127.0.0.1:18443;
    pool fepool.contoso.local {
        server                 10.0.0.11;
        server                 10.0.0.12;
        external_web_services  lyncwebext.contoso.com;
    }
    simple_url  meet    https://meet.contoso.com;
    simple_url  dialin  https://dialin.contoso.com;
    simple_url  admin   https://lsadmin.contoso.com;
}
END_CONF
my $uncovered = $block =~ s/(?=    simple_url  dialin)/    simple_url  meet    https:\/\/meet.example.net;\n/r;
my $one       = $block =~ s/^.*10\.0\.0\.12.*\n//mr;

# A whole nginx.conf: what is outside of http, what is in it.
sub conf {
    my ($main, $http) = @_;
    return "${main}pid nginx.pid;\nevents {}\nhttp {\n$LyncTest::Files::TEMPORARY$http}\n";
}

sub write_file { LyncTest::Files::write_file("$root/$_[0]", $_[1]) }

# Exit status, and stdout and stderr together.
sub run {
    my ($environment, @command) = @_;
    my $pid = open(my $out, '-|') // die "can't fork: $!\n";
    if ($pid == 0) {
        $ENV{$_} = $environment->{$_} for keys %$environment;
        open STDERR, '>&', \*STDOUT;
        exec @command or exit 127;
    }
    my $text = do { local $/; <$out> } // '';
    close $out;
    return ($? & 127 ? 'signal ' . ($? & 127) : $? >> 8, $text =~ s/\Q$root\E/ROOT/gr);
}

sub check { return run({}, $lyncctl, 'check', '--nginx', $nginx, '-p', "$root/", @_) }

# Name, nginx.conf, exit status, and the lines that are printed, as patterns in their order.
my $nothing  = qr/^\[advice\] no "lync_publish" in/;
my $stopped  = qr/^\[notice\] nginx stopped before/;
my $no_admin = $block =~ s/^.*lsadmin.*\n//mr;
write_file('block.conf', "\xef\xbb\xbf$block");
write_file('comment.conf', "\xef\xbb\xbf# ours\n$block");
for my $case (
    ['nothing to say', conf($load, $block), 0],
    ['a warning', conf($load, $uncovered), 1,
        qr/^\[warn\] "meet\.example\.net" is not covered by .* in ROOT\/nginx\.conf:\d+$/],
    ['lyncdiscover by plain HTTP', conf($load, $block =~ s/sip_domain   contoso.com;/sip_domain   contoso.com example.net;/r), 0],
    ['an expired certificate', conf($load, $block =~ s/public\.(pem|key)/expired.$1/gr), 1,
        qr/^\[crit\] certificate ".*expired\.pem" expired on .*, .* in ROOT\/nginx\.conf:\d+$/],
    ['advice is no finding', conf($load, $one), 0, qr/^\[advice\] pool "fepool\.contoso\.local" has one server: /],
    ['an administrative URL that is missing', conf($load, $no_admin), 0,
        qr/^\[advice\] no "simple_url admin" in lync_publish "contoso": declare .* in ROOT\/nginx\.conf:\d+$/],
    ['a mistake in a block', conf($load, $block =~ s/sip_domain/sip_domian/r), 2,
        qr/^\[emerg\] unknown directive "sip_domian" in lync_publish "contoso", did you mean "sip_domain"\? in ROOT\/nginx\.conf:12$/],
    ['an error comes before the warnings', conf($load, $uncovered . "lync_publish b { }\n"), 2,
        qr/^\[emerg\] no "certificate"|^\[emerg\] /, qr/^\[warn\] /],
    ['an error elsewhere: the core judges, too', conf("$load frobnicate;\n", $uncovered), 2,
        qr/^\[emerg\] unknown directive "frobnicate" in ROOT\/nginx\.conf:2$/, qr/^\[warn\] "meet\.example\.net"/,
        qr/^\[notice\] nginx stopped before it had judged the publications$/],
    ['an error after the publication: nothing is said twice', conf($load, "${uncovered}frobnicate;\n"), 2,
        qr/^\[emerg\] unknown directive "frobnicate"/, qr/^\[warn\] "meet\.example\.net"/, qr/^\[notice\] nginx stopped/],
    ['a warning about another server is none of publications',
        conf($load, "server { listen 127.0.0.1:18081; server_name a; }\nserver { listen 127.0.0.1:18081; server_name a; }\n$block"), 0,
        qr/^\[notice\] warnings of nginx about other things than lync_publish: 1, "nginx -t" shows them$/],
    ['a clash with a published name is',
        conf($load, "server { listen 127.0.0.1:18443 ssl; server_name meet.contoso.com; ssl_certificate $pki/public.pem;\n"
            . "ssl_certificate_key $pki/public.key; }\n$block"), 2, qr/^\[emerg\] .*meet\.contoso\.com/],
    ['the module is not loaded', conf('', $uncovered), 2, qr/^\[emerg\] unknown directive "lync_publish" in ROOT\/nginx\.conf:10$/,
        qr/^\[warn\] "meet\.example\.net"/, qr/^\[advice\] the module isn't loaded: "load_module /],
    ['no publication', conf($load, ''), 0, qr/^\[advice\] no "lync_publish" in ROOT\/nginx\.conf, nor in what it includes: nothing is published$/],
    ['a file that isn\'t there', conf($load, "include none.conf;\n"), 2, qr/^\[emerg\] open\(\) "ROOT\/none\.conf" failed \(2: .*in ROOT\/nginx\.conf:11$/],
    ['a "}" that is missing, in a block in a block', conf($load, "server {\nlocation / {\n") , 2,
        qr/^\[emerg\] unexpected end of file, expecting "}" of server that was opened at ROOT\/nginx\.conf:11 in /],
    ['before another server', conf($load, ($block =~ s/\}\s*\z//r) . "server { listen 127.0.0.1:18081; }\n"), 2,
        qr/^\[emerg\] directive "server" is not terminated by ";" in lync_publish "\w+": .* in /],
    ['a byte order mark', "\xef\xbb\xbf" . conf($load, $block), 2,
        qr/^\[emerg\] unknown directive "\xef\xbb\xbfload_module": .*byte order mark.* in ROOT\/nginx\.conf:1$/],
    (map { ["a byte order mark before an included file's $_", conf($load, "include $_.conf;\n"), 2,
        qr/^\[emerg\] "\xef\xbb\xbf.*" directive can't be read: .*byte order mark.* in ROOT\/$_\.conf:\d$/] } 'block', 'comment'),
    ['UTF-16', "\xff\xfe" . conf($load, $block) =~ s/(.)/$1\0/gsr, 2, qr/^\[emerg\] .*: the file is UTF-16.* in ROOT\/nginx\.conf:\d+$/],
    ['a no-break space', conf($load, "access_log\xc2\xa0off;\n"), 2, qr/^\[emerg\] unknown directive ".*": it has a no-break space .* in ROOT\/nginx\.conf:11$/, $nothing],
    ['a comment of C', conf($load, "// hello\naccess_log off;\n"), 2, qr/^\[emerg\] unknown directive "\/\/": a comment .* in ROOT\/nginx\.conf:12$/, $nothing],
    ['lync_status without the module', conf('', "server { location / { lync_status; } }\n"), 2,
        qr/^\[emerg\] unknown directive "lync_status" in/, qr/^\[advice\] the module isn't loaded: /, qr/^\[advice\] no "lync_publish" in/],
    ['who answers a name that another server has, too',
        conf($load, "${block}server { listen 127.0.0.1:18080;\nserver_name a Meet.Contoso.com; }\n"), 1,
        qr/^\[warn\] conflicting server name "meet\.contoso\.com" on 127\.0\.0\.1:18080, ignored: lync_publish "contoso" answers, since it comes first, at ROOT\/nginx\.conf:11; remove the name from the server at ROOT\/nginx\.conf:26$/],
    ['a log format of the module\'s name', conf($load, "log_format lync x;\n"), 2,
        qr/^\[emerg\] duplicate "log_format" name "lync" in ROOT\/nginx\.conf:11$/, $nothing],
    ['an unfinished file', "$load http {\n", 2, qr/^\[emerg\] unexpected end of file, expecting "}"/],
) {
    my ($name, $text, $expected, @patterns) = @$case;
    write_file('nginx.conf', $text);
    my ($status, $out) = check("$root/nginx.conf");
    my @lines = split /\n/, $out;
    # What an nginx without root thinks of "user" and the like isn't about publications either.
    my $fits = @lines == @patterns && !grep { $lines[$_] !~ $patterns[$_] } 0 .. $#patterns;
    ok($status eq $expected && $fits, $name) or diag("exit $status, expected $expected\n$out");
}

write_file('contoso.conf.txt', $block);
write_file('nginx.conf', conf($load, ''));
like((check("$root/nginx.conf"))[1], qr/^\[advice\] "ROOT\/contoso\.conf\.txt" isn't read, since its name doesn't end in "\.conf"/m, 'what Notepad adds');
unlink "$root/contoso.conf.txt";

write_file('nginx.conf', conf($load, $one));
is((check("$root/nginx.conf", '--strict'))[0], 1, '--strict: advice is a finding');
is((check('-c', "$root/nginx.conf"))[0], 0, '-c FILE, as nginx has it');
chdir $root;
is((check('nginx.conf'))[0], 0, 'a relative file');
my ($status, $out) = check("$root/nginx.conf", '--format', 'json');
my $rows = JSON::PP->new->utf8->decode($out);
is("$rows->[0]{level} $rows->[0]{file}:$rows->[0]{line}", 'advice ROOT/nginx.conf:18', 'JSON: level and place');


# --- which nginx

($status, $out) = run({}, $lyncctl, 'check', '--nginx', "$root/none/nginx", "$root/nginx.conf");
is("$status $out", qq{2 lyncctl: "ROOT/none/nginx" in "--nginx" is no nginx that can be run\n}, '--nginx that is missing');
($status, $out) = run({}, $lyncctl, 'check', '--nginx', '/bin/true', "$root/nginx.conf");
is("$status $out", qq{2 lyncctl: "/bin/true" in "--nginx" is no nginx that can be run\n}, '--nginx that is none');
($status, $out) = check('--fragment', write_file('fragment.conf', $uncovered));
is($status, 1, 'a fragment: the core judges') or diag($out);
like($out, qr/^\[warn\] "meet\.example\.net".*^\[notice\] nginx wasn't asked, since it can't test a fragment/ms, 'and says so');

($status, $out) = check('--fragment', write_file('fragment.conf',
    $one =~ s{\Q$pki\E/public}{$root/none/public}gr =~ s/^}/    director dirpool.contoso.local { server 10.0.0.11; external_web_services webdirext.contoso.com; }\n}/mr));
is($status, 2, 'a fragment without its certificate') or diag($out);
like($out, qr/^\[emerg\] cannot load certificate .*:3\n\[warn\] server "10\.0\.0\.11" of director .* is one of pool [^\n]*\n\[notice\] [^\n]*\n\z/ms, 'hides nothing else');

# In a mount namespace whose /usr/sbin has no nginx.
SKIP: {
    my @hide = ('unshare', '-m', 'sh', '-c', 'mount --bind "$0" /usr/sbin && shift 0 && exec "$@"', "$root/none");
    skip('no mount namespaces here', 2) if system(@hide[0 .. 4], "$root/none", 'true') != 0;
    write_file('nginx.conf', conf($load, $uncovered));
    ($status, $out) = run({ PATH => '/usr/bin:/bin' }, @hide, $lyncctl, 'check', "$root/nginx.conf");
    like($out, qr/^\[warn\] "meet\.example\.net".*^\[notice\] nginx wasn't asked: none is installed, "--nginx BINARY" names one elsewhere$/ms,
        'no nginx: the core judges');
    is($status, 1, 'and its warnings are findings') or diag($out);
}

# In one without DNS: servers that are given by name.
SKIP: {
    my @hide = ('unshare', '-m', 'sh', '-c', 'mount --bind "$0" /etc/hosts && mount --bind "$0" /etc/resolv.conf && exec "$@"',
        write_file('hosts', "127.0.0.1 localhost\n127.0.0.11 known.contoso.local\n"));
    skip('no mount namespaces here', 3) if system(@hide, 'true') != 0;
    my $unknown = qr/^\[warn\] [^\n]*"fe1\.contoso\.local"[^\n]*\n/;
    for my $case (
        ['unknown, and unknown for ever', '', 'fe1', qr/\A$unknown\[notice\] servers given by name keep[^\n]*\n\z/],
        ['unknown, until the resolver knows', 'resolver 127.0.0.1;', 'fe1', qr/\A$unknown\z/],
        ['in the hosts file', '', 'known', qr/\A\z/],
    ) {
        my ($what, $http, $host, $pattern) = @$case;
        write_file('nginx.conf', conf($load, $http . $block =~ s/10\.0\.0\.11/$host.contoso.local/r =~ s/(?=    pool)/    resolve_at_start off;\n/r));
        ($status, $out) = run({}, @hide, $lyncctl, 'check', '--nginx', $nginx, '-p', "$root/", "$root/nginx.conf");
        like($out, $pattern, "a server by name, without DNS: $what");
    }
}

# As a user who may not read everything.
SKIP: {
    my @user = ('setpriv', '--reuid=65534', '--clear-groups');
    skip('only root can be another user', 2) if $> != 0 || system(@user, 'test', '-x', $lyncctl) != 0;
    chmod 0600, write_file('nginx.conf', conf($load, $block));
    ($status, $out) = run({}, @user, $lyncctl, 'check', '--nginx', $nginx, "$root/nginx.conf");
    is("$status $out", qq{2 lyncctl: open() "ROOT/nginx.conf" failed (13: Permission denied), try it with sudo\n}, 'nginx.conf can\'t be read');
    chmod 0644, "$root/nginx.conf";
    system('cp', "$pki/public.key", "$root/secret.key");
    chmod 0600, "$root/secret.key", write_file('nginx.conf', conf($load, $block =~ s{\Q$pki\E/public\.key}{$root/secret.key}r));
    chmod 0644, "$root/nginx.conf";
    ($status, $out) = run({}, @user, $lyncctl, 'check', '--nginx', $nginx, '-p', "$root/", "$root/nginx.conf");
    like($out, qr/^\[emerg\] .*secret\.key.*^\[advice\] nginx may not read what it needs: try "sudo lyncctl check"$/ms, 'nor a key');
}

chdir '/';
done_testing();
remove_tree($root) if Test::More->builder->is_passing;
