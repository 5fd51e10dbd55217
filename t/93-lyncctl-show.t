# lyncctl show: every command in every format, what it says held against nginx -T, OpenSSL and DNS;
# files it writes; exit statuses.

use strict;
use warnings;

use File::Path qw(make_path remove_tree);
use JSON::PP ();
use LyncTest::Files qw(slurp make_pki);
use LyncTest::Paths;
use POSIX ();
use Test::More;

my $lyncctl = "$LyncTest::Paths::BUILD/lyncctl";
plan(skip_all => 'lyncctl is not built') if !-x $lyncctl;

my $pki = $LyncTest::Paths::PKI;
make_pki();

my $root = "$LyncTest::Paths::RUN/t/lyncctl_$$";
remove_tree($root);
make_path($root);

sub write_file { LyncTest::Files::write_file("$root/$_[0]", $_[1]) }

# Runs lyncctl: its exit status, stdout, stderr.
sub run {
    my @arguments = @_;
    splice @arguments, 1, 0, '--nginx', $LyncTest::Paths::NGINX if ($arguments[0] // '') eq 'check';
    my $pid = fork // die "can't fork: $!\n";
    if ($pid == 0) {
        open STDIN,  '<', '/dev/null';
        open STDOUT, '>', "$root/stdout";
        open STDERR, '>', "$root/stderr";
        exec $lyncctl, @arguments or exit 127;
    }
    waitpid $pid, 0;
    return ($? & 127 ? 'signal ' . ($? & 127) : $? >> 8, map { slurp("$root/$_") } qw(stdout stderr));
}

# Runs it, and checks the exit status.
my ($status, $out, $err);
sub ends {
    my ($expected, $name, @arguments) = @_;
    ($status, $out, $err) = run(@arguments);
    return is($status, $expected, $name);
}

# What the blocks below have in common.
my $common  = "certificate  $pki/public.pem $pki/public.key;\n    trusted_ca   $pki/internal-ca.pem;";
my $sockets = "http_listen  127.0.0.1:18080;\n    https_listen 127.0.0.1:18443;";
my $pool = 'pool fepool.contoso.local { server 10.0.0.11; external_web_services lyncwebext.contoso.com; }';

sub json {
    my ($status, $out, $err) = run(@_, '--format', 'json');
    is($status, 0, "@_[0, 1] --format json: exit 0") or diag($err);
    my $rows = eval { JSON::PP->new->utf8->decode($out) };
    ok($rows, "@_[0, 1] --format json: a JSON parser reads it") or diag("$@\n$out");
    return $rows // [];
}

# Rows of RFC 4180.
sub csv {
    my ($text) = @_;
    my (@rows, @row);
    while ($text =~ /\G(?:"((?:[^"]|"")*)"|([^",\n]*))(,|\n)/gc) {
        my ($quoted, $plain, $end) = ($1, $2, $3);
        push @row, defined $quoted ? $quoted =~ s/""/"/gr : $plain;
        if ($end eq "\n") {
            push @rows, [@row];
            @row = ();
        }
    }
    return (pos($text) // 0) == length $text ? \@rows : undef;
}

my $conf = write_file('nginx.conf', <<"END_CONF");
load_module $LyncTest::Paths::MODULE;
pid nginx.pid;
error_log error.log;
events {}
http {
    $LyncTest::Files::TEMPORARY
    include conf.d/*.conf;
}
END_CONF
make_path("$root/conf.d");
write_file('conf.d/contoso.conf', <<"END_CONF");
lync_publish contoso {
    sip_domain   contoso.com example.net;
    $common
    $sockets
    pool fepool.contoso.local {
        server                 10.0.0.11;
        server                 [2001:db8::12];
        external_web_services  lyncwebext.contoso.com;
    }
    director dirpool.contoso.local {
        server                 10.0.0.21;
        external_web_services  lyncwebdirext.contoso.com;
    }
    office_web_apps officewebapps01.contoso.com {
        server            10.0.0.31;
        certificate_name  wac.contoso.local;
    }
    exchange mail.contoso.com autodiscover.contoso.com { server 10.0.0.41; }
    simple_url  meet    https://meet.contoso.com;
    simple_url  dialin  https://lync.contoso.com/Dialin;
    simple_url  meet    https://lync.contoso.com/Meet pool=fepool.contoso.local;
    simple_url  admin   https://lsadmin.contoso.com;
}
END_CONF
write_file('conf.d/fabrikam.conf', <<"END_CONF");
lync_publish fabrikam {
    sip_domain   *;
    $common
    $sockets
    pool fepool2.fabrikam.local {
        server                 10.1.0.11;
        external_web_services  lyncwebext.fabrikam.com;
    }
    simple_url  meet   https://meet.*;
    simple_url  admin  https://meet.fabrikam.com/admin;
}
END_CONF


# --- every command in every format

for my $what (qw(names rules ports dns certificate nginx firewall)) {
    my $rows = json('show', $what, $conf);
    cmp_ok(scalar @$rows, '>', 0, "show $what: there are rows");
    my @keys = sort keys %{ $rows->[0] };
    is_deeply([grep { join(' ', sort keys %$_) ne "@keys" } @$rows], [], "show $what: the same members in each");

    ($status, $out) = run('show', $what, $conf, '--format', 'csv');
    my $csv = csv($out);
    ok($csv, "show $what --format csv: it is CSV") or next;
    is(scalar @$csv, @$rows + 1, "show $what --format csv: a row for each, and a head");
    is(join(' ', sort @{ $csv->[0] }), "@keys", "show $what --format csv: the same columns");
    is_deeply([grep { @$_ != @keys } @$csv], [], "show $what --format csv: as many fields in each row");

    ($status, $out) = run('show', $what, $conf, '--format', 'markdown');
    my @lines = grep { /^\|/ } split /\n/, $out;
    my %bars = map { scalar(() = /(?<!\\)\|/g) => 1 } @lines;
    is(scalar keys %bars, 1, "show $what --format markdown: rows of one width");

    ends(0, "show $what --format table: exit 0", 'show', $what, $conf, '--format', 'table');
    unlike($out, qr/\e/, "show $what --format table: no colours where no terminal is");
    unlike($out, qr/[ \t]$/m, "show $what --format table: no space at the end of a line");
    is_deeply([grep { length > 100 } split /\n/, $out], [], "show $what --format table: at most 100 columns");
    ($status, $out) = run('show', $what, $conf, '--format', 'html');
    like($out, qr{\A<!DOCTYPE html>\n.*</html>\n\z}s, "show $what --format html: a page");
    is(scalar(() = $out =~ /<tr><td>/g), scalar @$rows, "show $what --format html: a row for each");
    ($status, $out) = run('show', $what, $conf, '--format', 'table', '--color', 'always');
    like($out, qr/\e\[1m/, "show $what --color always: colours");
}


# --- what is published

my $names = json('show', 'names', $conf, '--publication', 'contoso');
my %name  = map { ("$_->{name}$_->{path}" => $_) } @$names;
is_deeply([sort keys %name], [sort qw(lyncwebext.contoso.com lyncwebdirext.contoso.com
    officewebapps01.contoso.com mail.contoso.com autodiscover.contoso.com lyncdiscover.contoso.com
    lyncdiscover.example.net meet.contoso.com lync.contoso.com/Dialin lync.contoso.com/Meet
    lsadmin.contoso.com)], 'show names: every name once');
is($name{'lyncdiscover.contoso.com'}{leads_to}, 'director dirpool.contoso.local', 'lyncdiscover leads to the Director');
is($name{'lync.contoso.com/Meet'}{leads_to}, 'pool fepool.contoso.local', 'pool= leads to the pool');
is($name{'lsadmin.contoso.com'}{leads_to}, 'refused', 'the admin URL leads nowhere');
is($name{'lyncdiscover.example.net'}{certificate}, 'no', 'a name that the certificate lacks');
is($name{'officewebapps01.contoso.com'}{port}, 443, 'Office Web Apps: port 443, a number');

my $rules = json('show', 'rules', $conf, '--publication', 'contoso');
my @plain = grep { $_->{protocol} eq 'http' && $_->{port} } @$rules;
is(scalar @plain, 1, 'show rules: one flip of plain HTTP');
is_deeply([@{ $plain[0] }{qw(port names)}], [8080, ['lyncdiscover.example.net']],
    'to 8080, for the lyncdiscover name that no certificate covers');
is_deeply([sort map { "$_->{leads_to} $_->{port}" } grep { grep { $_ eq 'lync.contoso.com' } @{ $_->{names} } } grep { $_->{port} } @$rules],
    ['director dirpool.contoso.local 4443', 'pool fepool.contoso.local 4443'], 'a host of two pools is two rules');


# --- nginx

SKIP: {
    skip('no nginx', 2) if !-x $LyncTest::Paths::NGINX;
    my $dump = `$LyncTest::Paths::NGINX -T -p $root/ -e $root/error.log -c $conf 2>/dev/null`;
    my @files = split /^(?=# configuration file )/m, $dump;
    my %expected = map { /^# configuration file (lync_publish \w+):\n(.*)/s ? ($1 => $2) : () } @files;
    ($status, $out) = run('show', 'nginx', $conf);
    my %shown = map { /^# configuration file (lync_publish \w+):\n(.*)/s ? ($1 => $2) : () }
        split /^(?=# configuration file )/m, $out;
    # The module leaves out what this nginx doesn't know.
    for my $publication (sort grep { !/log/ } keys %expected) {
        my @rest = split /;?\s+/, $shown{$publication} // '';
        my @missing = grep {
            my $word = $_;
            shift @rest while @rest && $rest[0] ne $word;
            !defined shift @rest;
        } split /;?\s+/, $expected{$publication};
        is_deeply(\@missing, [], "show nginx: $publication has all that nginx -T prints, in its order");
    }
    my $lines = json('show', 'nginx', $conf, '--publication', 'contoso');
    my ($server) = grep { $_->{text} =~ /server 10\.0\.0\.41:443/ } @$lines;
    is("$server->{file}:$server->{line}", "$root/conf.d/contoso.conf:20", 'each line has where it comes from');
}

# --- DNS

($status, $out) = run('show', 'dns', $conf);
like($out, qr/ lyncdiscoverinternal\.contoso\.com /, 'a name is not broken where other columns have spaces');
ends(0, 'show dns --format zone: exit 0',
    'show', 'dns', $conf, '--format', 'zone', '--address', '203.0.113.5', '--address', '2001:db8::5');
is_deeply([grep { !/^(?:;.*|[a-z0-9.-]+\.\s+IN (?:A\s+[0-9.]+|AAAA [0-9a-f:]+))$/ } split /\n/, $out], [],
    'every line is a comment or a record');
like($out, qr/^\Q$_\E\.\s+IN A\s+203\.0\.113\.5$/m, "$_ has a record")
    for qw(lyncdiscover.contoso.com lyncdiscover.example.net meet.contoso.com lync.contoso.com
        lyncwebext.contoso.com lyncwebdirext.contoso.com officewebapps01.contoso.com mail.contoso.com);
my ($records) = $out =~ /^; zone contoso\.com\n(.*?)(?=^; (?:zone|must|lync_publish) |\z)/ms;
is_deeply([grep { !/^;|^\S+\.contoso\.com\.\s/ } split /\n/, $records // 'none'], [], 'the records of a zone stand together');
like($out, qr/^; zone example\.net\n/m, 'and those of another SIP domain under its name');
unlike($out, qr/^(?!;).*(?:lsadmin|lyncdiscoverinternal|fepool|dirpool|wac\.contoso)/m, 'what is for the inside has none');
like($out, qr/^; must not resolve outside: \Q$_\E /m, "$_ must not resolve outside")
    for qw(lsadmin.contoso.com lyncdiscoverinternal.contoso.com lyncdiscoverinternal.example.net
        fepool.contoso.local dirpool.contoso.local wac.contoso.local);
unlike($out, qr/meet\.fabrikam\.com/, 'but not the admin URL\'s host where a pattern publishes it');
SKIP: {
    my ($checker) = grep { -x } map { "$_/named-checkzone" } split(/:/, $ENV{PATH}), '/usr/sbin';
    skip('no named-checkzone', 1) if !$checker;
    my $zone = write_file('zone', "\$TTL 3600\n@ IN SOA ns root 1 1 1 1 1\n@ IN NS ns\nns IN A 192.0.2.1\n"
        . join '', map { "$_\n" } grep { /^;|contoso\.com\./ } split /\n/, $out);
    my $said = `$checker contoso.com $zone 2>&1`;
    is($?, 0, 'named-checkzone takes it') or diag($said);
}
($status, $out) = run('show', 'dns', $conf, '--format', 'zone', '--inside', '--address', '203.0.113.5');
like($out, qr/^lyncdiscoverinternal\.contoso\.com\.\s+IN A\s+10\.0\.0\.21$/m, 'inside, autodiscover leads to the Director');
like($out, qr/^fepool\.contoso\.local\.\s+IN AAAA 2001:db8::12$/m, 'inside, the pool has its servers\' addresses');
like($out, qr/^lyncwebext\.contoso\.com\.\s+IN A\s+203\.0\.113\.5$/m, 'mobile clients inside go by the reverse proxy');
my $named = write_file('named.conf', <<"END_CONF");
lync_publish contoso {
    sip_domain   contoso.com;
    $common
    pool fepool.contoso.local {
        external_web_services  lyncwebext.contoso.com;
        server                 fe1.contoso.local;
        server                 [2001:db8::11];
        server                 fe2.contoso.local;
    }
}
END_CONF
($status, $out) = run('show', 'dns', '--fragment', $named, '--format', 'zone', '--inside', '--address', '203.0.113.5');
my $name = qr/fepool\.contoso\.local\./;
like($out, qr/^; $name IN A: the addresses of fe1\.contoso\.local\n$name\s+IN AAAA 2001:db8::11\n; $name IN A: the addresses of fe2\.contoso\.local\n/m,
    'a server given by name isn\'t left out beside others');
ends(2, 'a zone without an address: exit 2', 'show', 'dns', $conf, '--format', 'zone');
like($err, qr/--address/, 'which says what is missing');
my $dns = json('show', 'dns', $conf);
is_deeply([map { $_->{name} } grep { $_->{view} eq 'must not resolve outside' && $_->{type} ne 'none' } @$dns], [],
    'the table, too');


# --- planned: before there is a certificate, a key, a CA or an address

my $long_name = 'x' x 50 . '.' . 'y' x 40 . '.contoso.com';
my $planned = write_file('planned.conf', <<"END_CONF");
lync_publish contoso {
    sip_domain  contoso.com;
    allow_path  "/<b>&[x](y)";
    redirect    https://mail.contoso.com/ https://mail.contoso.com/owa/;
    pool fepool.contoso.local { external_web_services lyncwebext.contoso.com; server fe1.contoso.invalid; }
    pool $long_name { external_web_services ext.$long_name; }
    office_web_apps officewebapps01.contoso.com { }
    exchange mail.contoso.com { certificate_name ex.contoso.local; }
    simple_url  meet  https://meet.contoso.com;
    edge { topology consolidated; access_edge external=203.0.113.11 internal=172.16.0.11; }
}
END_CONF
my @missing = ('no "certificate" in lync_publish "contoso"', 'no "trusted_ca" in lync_publish "contoso"',
    'no "server" in office_web_apps "officewebapps01.contoso.com" of lync_publish "contoso"',
    'no "server" in exchange "mail.contoso.com" of lync_publish "contoso"');
for my $what (['names'], ['rules'], ['ports'], ['firewall'], ['firewall', '--plan'], ['dns'], ['certificate'], ['nginx', '--format', 'table']) {
    ends(0, "planned: show @$what", 'show', @$what, '--fragment', $planned);
    is_deeply([map { /^lyncctl: (no "\S+ in .*?): / } split /\n/, $err], \@missing, 'with a note for each thing that is missing');
    is_deeply([grep { !/; planned without it$/ } split /\n/, $err], [], 'which is planned without') if "@$what" !~ /--plan/;
    cmp_ok(scalar(my @rows = split /\n/, $out), '>', 5, 'it has rows');
    is_deeply([grep { length > 100 } @rows], [], 'of at most 100 columns, however long a name is');
}
($status, $out, $err) = run('show', 'nginx', '--fragment', $planned);
unlike($out, qr/^ *ssl_certificate|trusted_certificate/m, 'planned: what is generated has no empty paths');
is_deeply([map { $_->{certificate} } @{ json('show', 'names', '--fragment', $planned) }], [('unknown') x 6], 'nothing is said of a certificate');
ends(0, 'planned: a request',
    'show', 'certificate', '--fragment', $planned, '--csr', "$root/planned.csr", '--key', "$root/planned.key");
like(`openssl req -in '$root/planned.csr' -noout -text`, qr/DNS:lyncwebext\.contoso\.com, .*DNS:lyncdiscover\.contoso\.com/, 'with the names');
unlink glob "$root/planned.???";

($status, $out, $err) = run('show', 'firewall', '--plan', '--fragment', $planned);
like($out, qr/^any +address not known: Reverse.* 443 +TCP +all web/m, 'plan: an address that is not known');
like($err, qr/some addresses aren't known: write addresses into "server" and into an "edge" block/, 'and where it is to be written');
like($out, qr/^any +203\.0\.113\.11 \(Access Edge.* 443 +TCP +Clients/m, 'plan: an Edge Server, from outside');
($status, $out, $err) = run('show', 'firewall', '--plan', '--format', 'nft', '--fragment', $planned);
is("$status $out", '2 ', 'plan: as rules of a firewall it is refused');
like($err, qr/--plan is a page for people, --format nft rules for a firewall/, 'and why');
my $plan = json('show', 'firewall', '--plan', $conf, '--publication', 'contoso');
is_deeply([map { "$_->{port} $_->{protocol} $_->{destination}" } grep { $_->{firewall} =~ /^Internal/ } @$plan], [
    '8080 TCP 10.0.0.21 (Front End Server, Front End pool, Director, Director pool)',
    '4443 TCP 10.0.0.11, 2001:db8::12, 10.0.0.21 (Front End Server, Front End pool, Director, Director pool)',
    '443 TCP 10.0.0.31 (Office Web Apps for conferencing)', '443 TCP 10.0.0.41 (Exchange)'],
    'plan: each opening once, and none between internal hosts');
is_deeply([map { "$_->{names} $_->{paths}" } grep { $_->{leads_to} eq 'redirected to https://mail.contoso.com/owa/' }
    @{ json('show', 'rules', '--fragment', $planned) }], ['mail.contoso.com /'], 'rules: a redirect');
($status, $out) = run('show', 'rules', '--fragment', $planned, '--format', 'html');
like($out, qr{/&lt;b&gt;&amp;}, 'html: what is written is text');
like((run('show', 'rules', '--fragment', $planned, '--format', 'markdown'))[1], qr{/\\<b>&\\\[x\]}, 'markdown: likewise, no link');
unlike($out, qr/<(?:b>|script|link|img)|src=|url\(/, 'html: nothing is loaded');

ends(1, 'a ruleset that lacks rules: exit 1', 'show', 'firewall', '--fragment', $planned, '--format', 'nft');
like($out, qr/^ +# no rule for tcp dport 4443: "fe1\.contoso\.invalid" has no address$/m, 'which says so in its place');
like($err, qr/^lyncctl: no rule: tcp dport 4443: "fe1\.contoso\.invalid" has no address$/m, 'and on stderr');
unlike($out, qr/^(?! *#).*dport (?:4443|8080)/m, 'no rule stands for it');

SKIP: {
    chmod 0755, $root;
    skip('nobody can be asked', 6) if system("setpriv --reuid 65534 --clear-groups test -x '$lyncctl' -a -r '$root' 2>$root/stderr") != 0;
    system("install -m 600 $pki/public.key $root/secret.key && install -m 644 $pki/public.pem $root/open.pem && install -m 600 $pki/public.pem $root/secret.pem");
    for my $case (['open.pem', 'yes', ''], ['secret.pem', 'unknown', 'failed \(13: Permission denied\).*: try it with sudo in ']) {
        my ($pem, $covered, $said) = @$case;
        my $file = write_file('keys.conf', "lync_publish x { sip_domain contoso.com; certificate $root/$pem $root/secret.key; backend_verify off;"
            . " pool fepool.contoso.local { external_web_services lyncwebext.contoso.com; } }\n");
        chmod 0644, $file;
        $out = `setpriv --reuid 65534 --clear-groups '$lyncctl' show names --fragment '$file' --format csv 2>'$root/stderr'`;
        is($?, 0, "not root, $pem: exit 0") or diag(`cat '$root/stderr'`);
        like($out, qr/lyncwebext\.contoso\.com,.*,$covered,@{[ $covered eq 'yes' && "\Q$root\E\/$pem" ]}$/m, 'keys are not read');
        like(`cat '$root/stderr'`, $said ? qr/$said/ : qr/\A\z/, 'and what root could read is reported');
    }
}


# --- certificates

my $certificate = json('show', 'certificate', $conf, '--publication', 'contoso');
my @sans = map { $_->{name} } grep { $_->{entry} eq 'subject alternative name' } @$certificate;
is($certificate->[0]{name}, 'CN=lyncwebext.contoso.com', 'the subject is the first pool\'s external web services FQDN');
is($sans[0], 'lyncwebext.contoso.com', 'and the first alternative name');
is_deeply([sort @sans], [sort qw(lyncwebext.contoso.com lyncwebdirext.contoso.com
    officewebapps01.contoso.com mail.contoso.com autodiscover.contoso.com lyncdiscover.contoso.com
    lyncdiscover.example.net meet.contoso.com lync.contoso.com)], 'every published name once, no admin URL');

for my $type (qw(rsa:2048 ec:p256)) {
    my ($csr, $key) = map { "$root/$type.$_" } qw(csr key);
    umask 0;
    ($status, $out, $err) = run('show', 'certificate', $conf, '--publication', 'contoso', '--csr', $csr,
        '--key', $key, '--key-type', $type);
    is($status, 0, "$type: a request is written") or diag($err);
    is(sprintf('%04o', (stat $key)[2] & 07777), '0600', "$type: the key is the owner's alone");
    my $said = `openssl req -in '$csr' -noout -verify -text 2>&1`;
    is($?, 0, "$type: OpenSSL reads the request");
    like($said, qr/verify OK/, "$type: and verifies it");
    like($said, qr/Subject: CN = lyncwebext\.contoso\.com/, "$type: its subject");
    my ($list) = $said =~ /Subject Alternative Name:\s*\n\s*(.*)/;
    is_deeply([sort split /, /, $list], [sort map { "DNS:$_" } @sans], "$type: its alternative names");
    like($said, qr/TLS Web Server Authentication/, "$type: for servers");
    is(`openssl req -in '$csr' -noout -pubkey`, `openssl pkey -in '$key' -pubout`, "$type: the key is the request's");

    my $before = `cat '$key' '$csr'`;
    ($status, $out, $err) = run('show', 'certificate', $conf, '--publication', 'contoso', '--csr', $csr, '--key', $key);
    is("$status $err", qq{2 lyncctl: file "$key" is there already, and isn't replaced\n}, "$type: never overwritten");
    is(`cat '$key' '$csr'`, $before, "$type: both are as they were");
    unlink $key;
    ($status, $out, $err) = run('show', 'certificate', $conf, '--publication', 'contoso', '--csr', $csr, '--key', $key);
    ok($status == 2 && !-e $key, "$type: both files or none");
}
($status, $out, $err) = run('show', 'certificate', $conf, '--csr', "$root/x.csr", '--key', "$root/x.key");
ok($status == 2 && !-e "$root/x.key", 'two publications: which one has to be said');
my $long = write_file('long.conf', <<"END_CONF");
http {
    lync_publish contoso {
        sip_domain   contoso.com;
        $common
        pool fepool.contoso.local { server 10.0.0.11; external_web_services @{['x' x 60]}.contoso.com; }
    }
}
END_CONF
ends(0, 'a name too long for a common name: a request is written',
    'show', 'certificate', $long, '--csr', "$root/long.csr", '--key', "$root/long.key");
like($err, qr/"x{60}\.contoso\.com" is too long for a common name \(64 characters\): the subject has none/, 'and it is said');

ends(2, '--csr without --key: exit 2', 'show', 'certificate', $conf, '--csr', "$root/x.csr");
ends(2, 'a directory that isn\'t there: exit 2',
    'show', 'certificate', $conf, '--publication', 'contoso', '--csr', "$root/no/x.csr", '--key', "$root/no/x.key");
($status, $out, $err) = run('show', 'certificate', $conf, '--publication', 'contoso', '--csr', "$root/no/x.csr",
    '--key', "$root/half.key");
like("$status $err", qr{^2 lyncctl: open\(\) "\Q$root\E/no/x\.csr" failed}, 'the same for the request alone');
ok(!-e "$root/half.key", 'the key isn\'t written either');
is_deeply([glob "$root/*.new-* $root/no*"], [], 'nothing is left lying about');


# --- more names than a certificate holds, and certbot

my @customers = map { "customer$_.example" } 1 .. 60;
my $many = write_file('many.conf', <<"END_CONF");
http {
    lync_publish contoso {
        sip_domain      @customers;
        certificate     /etc/letsencrypt/live/contoso/fullchain.pem /etc/letsencrypt/live/contoso/privkey.pem;
        trusted_ca      $pki/internal-ca.pem;
        acme_challenge  "$root/it's here";
        $pool
        simple_url meet @{[map { "https://meet.$_" } @customers]};
    }
    lync_publish fabrikam {
        sip_domain   *;
        $common
        http_listen  off;
        https_listen 8443;
        pool fepool.fabrikam.local { server 10.0.0.12; external_web_services lyncwebext.fabrikam.com; }
    }
}
END_CONF
ends(0, 'certbot\'s commands, before there is a certificate', 'show', 'certificate', $many, '--format', 'certbot') or diag($err);
is_deeply([map { s/^# CHECK: //r } grep { /CHECK/ } split /\n/, $out], [
    'the block has no "acme_challenge": write "acme_challenge /var/www/acme;" into it, and reload nginx before this runs',
    '"http_listen" is off, and a CA asks on port 80: take it out of the block',
    'lyncdiscover.* stands for any domain, no command gets it: each domain needs its own',
], 'what is missing in a block is said there');
is_deeply([$out =~ /^#  +(certificate .*)$/mg], [map {
    "certificate  /etc/letsencrypt/live/$_/fullchain.pem /etc/letsencrypt/live/$_/privkey.pem;"
} qw(contoso contoso-2 fabrikam)], 'the lines for the blocks');

# What a shell makes of it: a certbot that writes down its arguments.
mkdir "$root/bin";
write_file('bin/certbot', qq{#!/bin/sh\nprintf '%s\\n' "\$@" >>"$root/asked"\n});
write_file('bin/nginx', qq{#!/bin/sh\necho "nginx \$*" >>"$root/asked"\ntest "\$1" != -t || { echo said >&2; test ! -e "$root/bad"; }\n});
chmod 0755, "$root/bin/certbot", "$root/bin/nginx";
write_file('certbot.sh', $out =~ s{/etc/letsencrypt|/var/www}{$root/made}gr);
for my $time (qw(first second)) {
    unlink "$root/asked";
    is(system("PATH='$root/bin':\$PATH sh '$root/certbot.sh'"), 0, "a shell runs it a $time time");
    my @asked = split /\n/, slurp("$root/asked");
    my @names = map { $asked[$_ - 1] eq '-d' ? $asked[$_] : () } 1 .. $#asked;
    is_deeply([sort @names], [sort qw(lyncwebext.contoso.com lyncwebext.fabrikam.com),
        map { ("meet.$_", "lyncdiscover.$_") } @customers], 'each name once, of all publications');
    is($names[0], 'lyncwebext.contoso.com', 'the pool\'s first');
    is((grep { $_ eq "$root/it's here" } @asked), 2, 'the webroot is the block\'s, whatever is in its name');
    is_deeply([map { $asked[$_ - 1] eq '--key-type' ? $asked[$_] : () } 1 .. $#asked], [qw(rsa rsa rsa)], 'RSA');
}
ok(-d "$root/it's here", 'the webroot is made');
like((run('show', 'certificate', $many, '--format', 'certbot', '--key-type', 'ec:p256'))[1],
    qr/--cert-name contoso-ecdsa --key-type ecdsa --elliptic-curve secp256r1 /, 'ECDSA beside it');

my $deploy = "PATH='$root/bin':\$PATH '$root/made/nginx-lync-deploy'";
for my $bad ([0, 0, '', "nginx -t\nnginx -s reload\n"], [1, 256, qr/^said\nnginx keeps the certificates that it has/, "nginx -t\n"]) {
    my ($is, $code, $says, $asks) = @$bad;
    unlink "$root/asked";
    write_file('bad', '') if $is;
    my $said = `$deploy 2>&1`;
    is($?, $code, 'the deploy hook: exit status');
    $is ? like($said, $says, 'says why') : is($said, $says, 'says nothing');
    is(slurp("$root/asked"), $asks, $is ? 'and nginx goes on' : 'and has nginx read the new files');
}
SKIP: {
    skip 'no shellcheck here', 1 if system('command -v shellcheck >/dev/null') != 0;
    is(`shellcheck '$root/certbot.sh' '$root/made/nginx-lync-deploy'`, '', 'shellcheck has nothing to say');
}

ends(0, 'several requests',
    'show', 'certificate', $many, '--publication', 'contoso', '--csr', "$root/many.csr", '--key', "$root/many.key") or diag($err);
is_deeply([map { my $list = `openssl req -in '$root/$_.csr' -noout -text`; scalar(() = $list =~ /DNS:/g) } qw(many many-2)],
    [99, 22], 'of no more than 100 names each');
is(`openssl req -in '$root/many-2.csr' -noout -pubkey`, `openssl pkey -in '$root/many-2.key' -pubout`, 'each with a key of its own');
unlink "$root/many.csr", "$root/many.key";
($status) = run('show', 'certificate', $many, '--publication', 'contoso', '--csr', "$root/many.csr", '--key', "$root/many.key");
ok($status == 2 && !-e "$root/many.csr" && !-e "$root/many.key", 'all of them or none');


# --- exit statuses, and what is wrong

my $unloaded = write_file('unloaded.conf', "events {}\nhttp {\n    include conf.d/*.conf;\n}\n");
is((run('show', 'names', $unloaded))[0], 0, 'show works before the module is there');

my $broken = write_file('broken.conf', "load_module $LyncTest::Paths::MODULE; events {}\nhttp {\n    lync_publish contoso {\n        sip_domian a.b;\n    }\n}\n");
for my $command (['check'], map({ ['show', $_] } qw(names rules ports dns certificate nginx firewall))) {
    ends(2, "@$command of a broken configuration: exit 2", @$command, $broken);
    like($out . $err, qr/unknown directive "sip_domian" in lync_publish "contoso", did you mean "sip_domain"\? in \Q$broken\E:4$/m,
        "@$command: the place and the reason");
}
($status, $out, $err) = run('show', 'certificate', $broken, '--csr', "$root/b.csr", '--key', "$root/b.key");
ok(!-e "$root/b.key" && !-e "$root/b.csr", 'nothing is written for a broken configuration');
($status, $out, $err) = run('check', "$root/missing.conf");
is("$status $err", qq{2 lyncctl: open() "$root/missing.conf" failed (2: No such file or directory)\n}, 'a configuration that isn\'t there');
is((run('show', 'names', "$root/missing.conf"))[0], 2, 'the same for show');
my $empty = write_file('empty.conf', "events {}\nhttp {\n}\n");
($status, $out, $err) = run('show', 'names', $empty);
is("$status $err", qq{2 lyncctl: no "lync_publish" in $empty, nor in what it includes\n}, 'no publication');
is((run('show', 'names', $conf, '--publication', 'nobody'))[0], 2, '--publication that isn\'t there');
is((run('show', 'names', "$root/conf.d/contoso.conf", '--fragment'))[0], 0, '--fragment: the inside of http { }');

for my $arguments ([], ['frobnicate'], ['show'], ['show', 'frobnicate'], ['show', 'names', '--format', 'xml'],
        ['show', 'names', '--frobnicate'], ['check', $conf, $conf]) {
    ends(2, "lyncctl @$arguments: exit 2", @$arguments);
    like($err, qr/^lyncctl: .*\n"lyncctl.* --help" shows how it is used$/, "lyncctl @$arguments: says why");
}
for my $arguments (['--help'], ['show', '--help'], ['show', 'dns', '--help'], ['--version']) {
    ($status, $out, $err) = run(@$arguments);
    ok($status == 0 && $out ne '' && $err eq '', "lyncctl @$arguments: exit 0");
}
SKIP: {
    skip('no /dev/full', 1) if !-e '/dev/full';
    my $said = `'$lyncctl' show names '$conf' 2>&1 >/dev/full`;
    is($? >> 8, 2, 'a disk that is full: exit 2');
}


# --- completion and manual: both know every command and option

my $completion = "$LyncTest::Paths::SOURCE/src/lyncctl/lyncctl.bash";
sub complete {
    my @words = @_;
    my $typed = join ' ', map { "'$_'" } @words;
    open my $in, '-|', 'bash', '-c', "source '$completion'; COMP_WORDS=('$lyncctl' $typed);"
        . ' COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _lyncctl; printf "%s\n" "${COMPREPLY[@]}"';
    return join ' ', sort map { chomp; $_ } <$in>;
}
is(complete(''), 'check doctor drain drift import lockout servers shields show undrain', 'completion: commands');
is(complete('show', 'n'), 'names nginx', 'completion: of a group');
is(complete('show', 'dns', '--ad'), '--address', 'completion: options');
is(complete('show', 'dns', '--format', ''), 'csv html json markdown table zone', 'completion: values of --format');
is(complete('check', $conf, '--color', 'a'), 'always auto', 'completion: values of --color');
is(complete('show', 'names', "$root/nginx.c"), $conf, 'completion: files');

my @groups = qw(show import lockout);
for my $command ([], map { [split] } @groups, (grep { !/^(?:show|import|lockout)$/ } split ' ', complete('')),
        map { my $group = $_; map { "$group $_" } split ' ', complete($group, '') } @groups) {
    my $help = (run(@$command, '--help'))[1];
    my @examples = ($help =~ /^Examples:\n(.*?)(?:\n\n|\z)/ms)[0] =~ /^  .*\blyncctl .*$/mg;
    is(scalar @examples, 3, "lyncctl @$command --help: three examples");
    next if !@$command || grep { $_ eq "@$command" } @groups;
    for my $option (map { /lyncctl @$command\b(.*?)(?: [|&>]|$)/ ? $1 =~ /(--[a-z-]+)/g : () } @examples) {
        like($help, qr/^  (?:-\w,)?\Q$option\E\b/m, "lyncctl @$command has $option of its example");
    }
}

my $manual = slurp("$LyncTest::Paths::SOURCE/docs/lyncctl.8") =~ s/\\-/-/gr;
my $page = slurp("$LyncTest::Paths::SOURCE/docs/lyncctl.md");
my %there = map { $_ => 1 } qw(--version --colour);
for my $group ('', 'show', 'import', 'lockout') {
    my ($help) = (run(grep({ $_ ne '' } $group), '--help'))[1] =~ /^Subcommands:\n(.*?)\n\n/ms;
    for my $command (map { /^  (\w+)/ ? $1 : () } split /\n/, $help) {
        next if $group eq '' && $command =~ /^(?:show|import|lockout)$/;
        my $title = join ' ', grep { $_ ne '' } $group, $command;
        like($manual, qr/^\.(?:SS|B) .*\Q$title\E/m, "lyncctl.8 knows \"$title\"");
        like($page, qr/lyncctl \Q$title\E/, "lyncctl.md knows \"$title\"");
        my $options = (run(split(/ /, $title), '--help'))[1];
        for my $option ($options =~ /^  (?:-\w,)?(--[a-z-]+)/mg) {
            like($manual, qr/\Q$option\E\b/, "lyncctl.8 knows $option of \"$title\"");
            $there{$option} = 1;
        }
    }
}
is(join(' ', grep { !$there{$_} } $manual =~ /(--[a-z][a-z-]+)/g), '', 'lyncctl.8 has no other options');
SKIP: {
    skip('no man', 1) if system('command -v man >/dev/null') != 0;
    my $said = `LC_ALL=C.UTF-8 MANROFFSEQ='' MANWIDTH=80 man --warnings -l '$LyncTest::Paths::SOURCE/docs/lyncctl.8' 2>&1 >/dev/null`;
    is($said, '', 'man reads lyncctl.8 without a warning');
}

remove_tree($root) if Test::More->builder->is_passing;
diag("left for a look: $root") if !Test::More->builder->is_passing;
done_testing();
