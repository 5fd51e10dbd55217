package LyncTest::StandIn;

# The servers behind the publication, played by a second nginx without the module.
#
# Every pool has an address of its own on loopback, so that the ports can be the same for all, as in
# a real deployment, and each pool has both web sites: the EXTERNAL one on 8080 and 4443, where a
# publication must lead, and the INTERNAL one on 80 and 443, where it must never. The real port
# numbers come from LyncTest::Ports under those names.
#
# It runs beside the nginx under test and survives its restarts and reloads. It starts again only
# for a block that adds something to its configuration (section "--- stand_in").

use strict;
use warnings;

use File::Path qw(make_path remove_tree);
use LyncTest::Files;
use LyncTest::Ports ();
use Time::HiRes qw(sleep time);

# [the server's own name, addresses, what its sites on 8080/4443 and on 80/443 are called]
our @SERVERS = (
    ['fepool.contoso.local',   ['127.0.0.11', '127.0.0.21'], 'external', 'internal'],
    ['fepool2.fabrikam.local', ['127.0.0.12'],               'external', 'internal'],
    ['dirpool.contoso.local',  ['127.0.0.13'],               'external', 'internal'],
    ['wac.contoso.local',      ['127.0.0.14'],               'unused',   'office_web_apps'],
    ['mail.contoso.local',     ['127.0.0.15'],               'unused',   'exchange'],
);

# The answer to any request, as text: what the server saw. X-Connection tells connections and the
# requests on them apart.
my $ANSWER = <<'END_CONF';
            add_header X-Site       "%SITE%" always;
            add_header X-Connection "$connection-$connection_requests" always;
            return 200 "%SITE% %SCHEME% %NAME% %ADDRESS%
$request
Host: $http_host
X-Forwarded-For: $http_x_forwarded_for
X-Forwarded-Proto: $http_x_forwarded_proto
SNI: $ssl_server_name
TLS: $ssl_protocol
Session reused: $ssl_session_reused
";
END_CONF

# The module's own health checks, told by what they call themselves, get what the products answer.
my $CHECKS = <<'END_CONF';
        if ($http_user_agent = "ngx_lync_module health check") {
            rewrite ^ /health_check last;
        }
        location = /health_check {
            access_log off;
            return 200 '%CHECK%';
        }
END_CONF

my %CHECK = (
    external        => '{"AccessLocation":"External","Root":{"Links":[]}}',
    internal        => '{"AccessLocation":"Internal","Root":{"Links":[]}}',
    office_web_apps => '<wopi-discovery></wopi-discovery>',
    exchange        => '200 OK<br/>MAIL.CONTOSO.LOCAL',
    unused          => '',
);

# Statuses a pool answers with, under /status/NNN (with a body) and /status/NNN/empty.
my $STATUSES = <<'END_CONF';
        location = /status/401 {
            add_header WWW-Authenticate "Negotiate" always;
            add_header WWW-Authenticate "NTLM" always;
            add_header Set-Cookie "first=1; path=/" always;
            add_header Set-Cookie "second=2; path=/" always;
            return 401 "challenge from the server";
        }
        location = /status/302 {
            return 302 https://%NAME%/internal/target;
        }
END_CONF
for my $status (200, 400, 403, 404, 409, 412, 500, 502, 503, 504) {
    $STATUSES .= <<"END_CONF";
        location = /status/$status {
            return $status "$status from the server";
        }
        location = /status/$status/empty {
            return $status "";
        }
END_CONF
}

# The directory, the nginx binary, the PKI; the process that owns it; what is extra in the running
# configuration, undef while nothing runs.
my ($dir, $binary, $pki, $owner, $running) = ('', '', '', 0, undef);

# Says where it lives and which nginx plays it; nothing starts here.
sub set_up {
    my (%o) = @_;
    ($dir, $binary, $pki, $owner) = (@o{qw(dir binary pki)}, $$);
}

sub restarts_for { defined $running && $running ne ($_[0] // '') }

# Sees to it that it runs and has $extra in every server.
sub serve {
    my ($extra) = @_;
    $extra //= '';
    return if defined $running && $running eq $extra;

    # Not by a reload: for a while the old worker would go on accepting connections.
    stop();

    make_path("$dir/logs");
    write_file("$dir/nginx.conf", configuration($extra));

    # It listens when the command returns.
    system($binary, '-p', "$dir/", '-e', "$dir/logs/error.log", '-c', "$dir/nginx.conf") == 0
        or die "the stand-in doesn't start; its configuration is $dir/nginx.conf\n";
    $running = $extra;
}

# Stops it. Only in the process that started it: Test::Nginx forks.
sub stop {
    return if $owner != $$;
    my $pid = pid() or return;
    kill TERM => $pid;
    my $until = time + 5;
    sleep 0.02 while lives($pid) && time < $until;
    undef $running;
}

sub discard {
    remove_tree($dir) if $dir ne '';
}

END { stop() if !$ENV{TEST_NGINX_NO_CLEAN} }

sub pid {
    my ($pid) = (slurp("$dir/nginx.pid") // '') =~ /^(\d+)/;
    return $pid && lives($pid) ? $pid : undef;
}

# A process that has ended stays visible until its parent notices.
sub lives {
    my ($pid) = @_;
    return (slurp("/proc/$pid/stat") // return 0) !~ /^\d+ \(.*\) Z /;
}

sub configuration {
    my ($extra) = @_;
    my ($p80, $p443, $p8080, $p4443) = map { LyncTest::Ports::port($_) } qw(80 443 8080 4443);
    my $user = $> == 0 ? 'user root;' : '';
    my $temporary = join ' ', map { "${_}_temp_path $dir/$_;" } qw(client_body proxy fastcgi uwsgi scgi);

    my $text = <<"END_CONF";
daemon on;
master_process on;
worker_processes 1;
$user
pid $dir/nginx.pid;
error_log $dir/logs/error.log info;
events { worker_connections 512; }
http {
    access_log                  $dir/logs/access.log;
    default_type                text/plain;
    client_max_body_size        0;
    $temporary
    large_client_header_buffers 8 128k;
    ssl_session_cache           shared:SSL:1m;
END_CONF

    for my $server (@SERVERS) {
        my ($name, $addresses, $outer, $inner) = @$server;
        for my $address (@$addresses) {
            $text .= site($name, $address, $outer, 'http',  $p8080, $extra);
            $text .= site($name, $address, $outer, 'https', $p4443, $extra);
            $text .= site($name, $address, $inner, 'http',  $p80,   $extra);
            $text .= site($name, $address, $inner, 'https', $p443,  $extra);
        }
    }

    return "$text}\n";
}

sub site {
    my ($name, $address, $site, $scheme, $port, $extra) = @_;

    my $listen = "listen $address:$port;";
    $listen = <<"END_CONF" if $scheme eq 'https';
listen $address:$port ssl;
        ssl_certificate     $pki/$name.pem;
        ssl_certificate_key $pki/$name.key;
END_CONF

    my $text = <<"END_CONF";
    server {
        $listen
$CHECKS
$STATUSES
        $extra
        location / {
$ANSWER
        }
    }
END_CONF
    my %value = (SITE => $site, SCHEME => $scheme, NAME => $name, ADDRESS => $address,
        CHECK => $CHECK{$site});
    $text =~ s/%(SITE|SCHEME|NAME|ADDRESS|CHECK)%/$value{$1}/g;
    return $text;
}

1;
