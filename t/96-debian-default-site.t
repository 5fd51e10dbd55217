# The smallest publication, dropped into conf.d of a stock Debian nginx whose default site is
# enabled and untouched: nginx.conf and the site as the package has them, the real paths, the real
# ports 80 and 443. All of it in name spaces of its own (network and mounts), so that nothing of the machine
# is touched, not even a running nginx.

use strict;
use warnings;

use File::Path qw(make_path remove_tree);
use LyncTest::Client ();
use LyncTest::Files;
use LyncTest::Paths  ();
use Test::More;
use Time::HiRes qw(sleep time);

my $root = "$LyncTest::Paths::RUN/t/debian";
my $pki  = $LyncTest::Paths::PKI;

# --- into the name spaces

if (!$ENV{LYNC_IN_NAMESPACE}) {
    plan(skip_all => 'needs root') if $> != 0;
    for my $file (qw(/etc/nginx/nginx.conf /etc/nginx/sites-enabled/default /etc/nginx/conf.d
        /etc/nginx/modules-enabled /var/log/nginx))
    {
        plan(skip_all => "this isn't a stock Debian nginx: no $file") if !-e $file;
    }
    # A source-built nginx has other directories, which this configuration doesn't name.
    plan(skip_all => "$LyncTest::Paths::NGINX isn't Debian's nginx")
        if `$LyncTest::Paths::NGINX -V 2>&1` !~ m{--prefix=/usr/share/nginx\b};
    plan(skip_all => 'name spaces are forbidden here')
        if system('unshare --net --mount true 2>/dev/null') != 0;

    make_pki();
    $ENV{LYNC_IN_NAMESPACE} = 1;
    exec 'unshare', '--net', '--mount', $^X, (map { "-I$_" } @INC), $0 or die "no unshare: $!\n";
}

remove_tree($root);
make_path(map { "$root/$_" } qw(conf.d modules-enabled log pool));

# A loopback interface that is up; there is no need of a command for that.
{
    use Socket qw(AF_INET SOCK_DGRAM);
    use constant { SIOCSIFFLAGS => 0x8914, IFF_UP => 1 };
    socket my $socket, AF_INET, SOCK_DGRAM, 0 or die "no socket: $!\n";
    my $flags = pack 'a16 s x22', 'lo', IFF_UP;
    ioctl $socket, SIOCSIFFLAGS, $flags or die "lo stays down: $!\n";
}

# What the administrator adds: two files. /run has the pid file of the real nginx.
for my $mount (
    ["--bind $root/conf.d",          '/etc/nginx/conf.d'],
    ["--bind $root/modules-enabled", '/etc/nginx/modules-enabled'],
    ["--bind $root/log",             '/var/log/nginx'],
    ['-t tmpfs tmpfs',               '/run'],
) {
    my ($what, $where) = @$mount;
    system("mount $what $where") == 0 or plan(skip_all => "$where can't be mounted over here");
}

write_file("$root/modules-enabled/50-mod-lync.conf", "load_module $LyncTest::Paths::MODULE;\n");
write_file("$root/conf.d/contoso.conf", <<"END_CONF");
lync_publish contoso {
    sip_domain   contoso.com;
    certificate  $pki/public.pem $pki/public.key;
    trusted_ca   $pki/internal-ca.pem;

    pool fepool.contoso.local {
        server                 127.0.0.11;
        external_web_services  lyncwebext.contoso.com;
    }

    simple_url  meet    https://meet.contoso.com;
    simple_url  dialin  https://dialin.contoso.com;
}
END_CONF

# --- the pool, on its real ports

write_file("$root/pool/nginx.conf", <<"END_CONF");
daemon off;
master_process off;
pid pool.pid;
error_log error.log;
events {}
http {
    $LyncTest::Files::TEMPORARY
    server {
        listen 127.0.0.11:4443 ssl;
        ssl_certificate     $pki/fepool.contoso.local.pem;
        ssl_certificate_key $pki/fepool.contoso.local.key;
        return 200 "pool 4443 \$http_host \$request_uri\\n";
    }
    server {
        listen 127.0.0.11:8080;
        return 200 "pool 8080 \$http_host \$request_uri\\n";
    }
}
END_CONF

my @started;

sub start {
    my ($port, $address, @command) = @_;
    my $pid = fork // die "can't fork: $!\n";
    if ($pid == 0) {
        open STDERR, '>>', "$root/stderr";
        exec @command or exit 127;
    }
    push @started, $pid;

    my $until = time + 30;
    while (time < $until) {
        return 1 if IO::Socket::IP->new(PeerHost => $address, PeerPort => $port);
        last if waitpid($pid, 1) == $pid;    # WNOHANG
        sleep 0.02;
    }
    return 0;
}

END {
    my $code = $?;
    kill QUIT => $_ for @started;
    waitpid $_, 0 for @started;
    remove_tree($root) if $ENV{LYNC_IN_NAMESPACE} && $code == 0;
    $? = $code;
}

my @nginx = ($LyncTest::Paths::NGINX, qw(-c /etc/nginx/nginx.conf -e /var/log/nginx/error.log));

start(8080, '127.0.0.11', $LyncTest::Paths::NGINX, '-p', "$root/pool/", '-e',
    "$root/pool/error.log", '-c', "$root/pool/nginx.conf") or BAIL_OUT('the pool does not start: ' . slurp("$root/stderr"));

# --- the configuration

my $said = `@nginx -t 2>&1`;
is($?, 0, 'nginx -t accepts the publication beside the default site') or diag($said);
unlike($said, qr/\[(?:warn|alert|crit|emerg)\]/, 'without a warning');

ok(start(443, '127.0.0.1', @nginx, '-g', 'daemon off;'), 'nginx starts on 80 and 443')
    or BAIL_OUT(slurp("$root/stderr") . slurp("$root/log/error.log"));

# --- what clients get

sub answer {
    my ($scheme, $name, $target, $address) = @_;
    my $got = LyncTest::Client::exchange(
        address => $address // '127.0.0.1',
        port    => $scheme eq 'https' ? 443 : 80,
        packets => [{ value => "GET $target HTTP/1.1\r\nHost: $name\r\nConnection: close\r\n\r\n" }],
        timeout => 30,
        tls     => $scheme eq 'https'
            ? { name => $name, sni => $name, ca => "$pki/public-ca.pem" } : undef,
    );
    return $got->{outcome} eq 'ok' ? $got->{bytes} : $got->{outcome};
}

like(answer('https', 'lyncwebext.contoso.com', '/abs/handler'),
    qr{^HTTP/1.1 200 .*^pool 4443 lyncwebext\.contoso\.com /abs/handler$}ms,
    'the external web services FQDN leads to 4443');
like(answer('https', 'meet.contoso.com', '/alice/1234'),
    qr{^HTTP/1.1 200 .*^pool 4443 meet\.contoso\.com /alice/1234$}ms, 'a meet link too');
like(answer('https', 'lyncdiscover.contoso.com', '/?sipuri=alice@contoso.com'),
    qr{^HTTP/1.1 200 .*^pool 4443 lyncdiscover\.contoso\.com}ms, 'autodiscover too');
like(answer('http', 'meet.contoso.com', '/alice/1234'),
    qr{^HTTP/1.1 301 .*^Location: https://meet\.contoso\.com/alice/1234\r$}ms,
    'plain HTTP is redirected');

SKIP: {
    skip('this system has no IPv6', 2)
        if !IO::Socket::IP->new(LocalHost => '::1', Proto => 'tcp', Listen => 1);
    like(answer('https', 'meet.contoso.com', '/alice/1234', '::1'), qr{^pool 4443}m,
        'over IPv6 as well');
    like(answer('http', 'meet.contoso.com', '/alice/1234', '::1'), qr{^HTTP/1.1 301 }m,
        'and the redirect');
}

# --- what the rest of the world gets

my $site = answer('http', 'www.contoso.com', '/');
like($site, qr{^HTTP/1.1 200 .*nginx}ms, 'other names still get the default site on port 80');
is(answer('https', 'www.contoso.com', '/'), 'closed',
    'where nobody else listens, other names get nothing');
like(answer('http', 'localhost', '/nothing'), qr{^HTTP/1.1 404 }, 'the default site is all there');

my @lines = grep { /\[(?:warn|alert|crit|emerg)\]|Sanitizer/ } split /\n/, slurp("$root/log/error.log");
ok(!@lines, 'error log: no warning') or diag(join "\n", @lines);

done_testing();
