package LyncTest;

# What the suites of this project add to Test::Nginx::Socket. A suite is
#
#     use LyncTest;
#     run_suite(publication => '%%STANDARD%%');
#     __DATA__
#     === ...
#
# run_suite() runs the blocks, stops nginx, reads all error logs and closes the plan; a suite counts
# nothing. Its arguments are sections of each block that doesn't write them itself. t/README.md
# describes the sections and the %%WORDS%% below for those who write suites.

use strict;
use warnings;

use LyncTest::Paths ();

my $server_port;

# Test::Nginx reads its environment while it's loaded.
BEGIN {
    push @INC, $LyncTest::Paths::TEST_NGINX;

    require LyncTest::Ports;
    $server_port = LyncTest::Ports::take(2);    # Test::Nginx takes the next one as stream port

    $ENV{TEST_NGINX_PORT}         //= $server_port;
    $ENV{TEST_NGINX_SERVROOT}     //= "$LyncTest::Paths::RUN/t/servroot_$server_port";
    $ENV{TEST_NGINX_BINARY}       //= $LyncTest::Paths::NGINX;
    $ENV{TEST_NGINX_LOAD_MODULES} //= $LyncTest::Paths::MODULE;
    $ENV{TEST_NGINX_LOG_LEVEL}    //= 'info';
    $ENV{TEST_NGINX_TIMEOUT}      //= 20;
}

use Test::Nginx::Socket -base;
use Test::Nginx::Util;

use File::Path qw(make_path remove_tree);
use List::Util ();
use Scalar::Util ();
use LyncTest::Asks ();
use LyncTest::Client ();
use LyncTest::Files ();
use LyncTest::Logs ();
use LyncTest::StandIn ();

our @EXPORT = qw(run_suite port word);

my $suite = (split m{/}, $0)[-1] =~ s/\.t$//r;

# Under TEST_NGINX_RANDOMIZE Test::Nginx chooses a port and a server root of its own. The root is
# moved from the current directory to the build directory; with it the duty to remove it.
if ($Test::Nginx::Util::Randomize) {
    my $root = "$LyncTest::Paths::RUN/t/servroot_$ServerPort";
    no warnings 'once';
    $ENV{TEST_NGINX_SERVER_ROOT}   = $root;
    $Test::Nginx::Util::ServRoot   = $root;
    $Test::Nginx::Util::LogDir     = "$root/logs";
    $Test::Nginx::Util::ErrLogFile = "$root/logs/error.log";
    $Test::Nginx::Util::AccLogFile = "$root/logs/access.log";
    $Test::Nginx::Util::HtmlDir    = "$root/html";
    $Test::Nginx::Util::ConfDir    = "$root/conf";
    $Test::Nginx::Util::ConfFile   = "$root/conf/nginx.conf";
    $Test::Nginx::Util::PidFile    = "$root/logs/nginx.pid";
    $Test::Nginx::Util::CacheDir   = "$root/cache";
    $Test::Nginx::Util::Randomize  = 0;
}

my $logs = "$LyncTest::Paths::RUN/logs/$suite-$ServerPort";
make_path("$LyncTest::Paths::RUN/t", $logs);

LyncTest::Files::make_pki();

LyncTest::StandIn::set_up(
    dir    => "$LyncTest::Paths::RUN/t/stand_in_$ServerPort",
    binary => $LyncTest::Paths::NGINX,
    pki    => $LyncTest::Paths::PKI,
);

worker_connections(256);
no_long_string();

# Test::Nginx shuffles the blocks, by the time of day; what one order finds has to be found again.
{
    no warnings 'redefine';
    *Test::Nginx::Util::shuffle = sub (@) { srand($ENV{LYNC_SEED} // 1); List::Util::shuffle(@_) };
}

# "t/run --workers N".
if (my $workers = $ENV{LYNC_WORKERS}) {
    master_on();
    workers($workers);
}

sub port ($) { LyncTest::Ports::port($_[0]) }

# %%WORD%% in any section of a block. PORT_NAME is a port of this process; the others:
my %word = (
    PKI      => $LyncTest::Paths::PKI,
    SOURCE   => $LyncTest::Paths::SOURCE,
    SERVROOT => $ServRoot,
    CONF     => $ConfFile,

    # The publication's own sockets.
    SOCKETS => 'http_listen 127.0.0.1:%%PORT_HTTP%%; https_listen 127.0.0.1:%%PORT_HTTPS%%;',

    CERTIFICATE => 'certificate %%PKI%%/public.pem %%PKI%%/public.key;',
    TRUSTED_CA  => 'trusted_ca %%PKI%%/internal-ca.pem;',

    # Where the stand-in has the EXTERNAL web sites; see LyncTest::StandIn.
    PORTS => 'listening_ports http=%%PORT_8080%% https=%%PORT_4443%%;',

    # The smallest pool.
    POOL => 'pool fepool.contoso.local { server 127.0.0.11;'
          . ' external_web_services lyncwebext.contoso.com; %%PORTS%% }',

    # The same of a server that the suite brings itself. What arrives there are its own requests.
    OWN_POOL => 'pool fepool.contoso.local { server 127.0.0.11; health_check off;'
              . ' external_web_services lyncwebext.contoso.com;'
              . ' listening_ports https=%%PORT_OWN%%; }',

    # Named deployments. A Standard Edition server,
    STANDARD => <<'END',
    sip_domain  contoso.com;
    %%CERTIFICATE%%
    %%TRUSTED_CA%%
    %%POOL%%
    simple_url  meet  https://meet.contoso.com;
END
    # a pool of several servers that the suite brings, those of the block's section "servers",
    FRONT_ENDS => <<'END',
    sip_domain  contoso.com;
    %%CERTIFICATE%%
    %%TRUSTED_CA%%
    pool fepool.contoso.local {
        %%SERVERS%%
        external_web_services  lyncwebext.contoso.com;
        listening_ports        https=%%PORT_OWN%%;
        health_check           off;
    }
END
    # and two pools with a Director, Office Web Apps and Exchange.
    ENTERPRISE => <<'END',
    sip_domain  contoso.com fabrikam.com;
    %%CERTIFICATE%%
    %%TRUSTED_CA%%
    %%POOL%%
    %%POOL2%%
    director dirpool.contoso.local {
        server                 127.0.0.13;
        external_web_services  dirwebext.contoso.com;
        %%PORTS%%
    }
    simple_url  meet    https://meet.contoso.com;
    simple_url  meet    https://meet.fabrikam.com  pool=fepool2.fabrikam.local;
    simple_url  dialin  https://dialin.contoso.com;
    simple_url  admin   https://admin.contoso.com;
    %%OFFICE_WEB_APPS%%
    %%EXCHANGE%%
END

    # Further parts of such deployments.
    POOL2 => 'pool fepool2.fabrikam.local { server 127.0.0.12;'
           . ' external_web_services lyncwebext.fabrikam.com; %%PORTS%% }',
    OFFICE_WEB_APPS => 'office_web_apps wacext.contoso.com { server 127.0.0.14;'
                     . ' certificate_name wac.contoso.local; listening_ports https=%%PORT_443%%; }',
    EXCHANGE => 'exchange mail.contoso.com autodiscover.contoso.com { server 127.0.0.15;'
              . ' certificate_name mail.contoso.local; listening_ports https=%%PORT_443%%; }',

    # The same server, in the nginx under test: it writes down each request line (Scene::arrived).
    LOGGED_SERVER => <<'END',
    server {
        listen 127.0.0.11:%%PORT_OWN%% ssl;
        ssl_certificate %%PKI%%/fepool.contoso.local.pem;
        ssl_certificate_key %%PKI%%/fepool.contoso.local.key;
        %%LOGGED%%
    }
END
    LOGGED => <<'END',
        access_log %%SERVROOT%%/logs/arrived.log arrived %%LATE%%;
        keepalive_requests 100000;
        client_max_body_size 0;
        large_client_header_buffers 8 72k;
        location / { return 200 ok; }
END
    # nginx writes an access log after the answer: here long after it, so that a test which doesn't wait
    # for its line (LyncTest::Scene's "logged") never passes, instead of mostly.
    LATE => 'buffer=64k flush=100ms',

    LOG_ARRIVED => q{log_format arrived escape=none '$request';},

    # The status, and where lyncctl asks, beside a publication; Scene's lync_status and lyncctl ask there.
    # A path of a socket is at most 107 bytes long.
    STATUS  => "server { listen 127.0.0.1:%%PORT_STATUS%%; access_log off; location / { lync_status; } }\n",
    CONTROL => "server { listen unix:%%SOCKET%%; access_log off; location / { lync_control; } }\n",
    SOCKET  => "/tmp/lync-test-$$",

    # Exchange played by the suite, with what the block's section "services" says of it.
    OWN_EXCHANGE => <<'END',
    exchange mail.contoso.com {
        server            127.0.0.15;
        certificate_name  mail.contoso.local;
        listening_ports   https=%%PORT_OWN%%;
        %%SERVICES%%
    }
END

    # Somebody else's server, on the publication's sockets.
    FOREIGN => <<'END',
    server {
        listen               127.0.0.1:%%PORT_HTTP%%;
        listen               127.0.0.1:%%PORT_HTTPS%% ssl;
        server_name          www.contoso.com;
        ssl_certificate      %%PKI%%/wildcard.pem;
        ssl_certificate_key  %%PKI%%/wildcard.key;
        return               200 foreign;
    }
END

    # A publication beside contoso, on its sockets.
    FABRIKAM => "lync_publish fabrikam { %%SOCKETS%%\n    sip_domain fabrikam.com;\n"
              . "    %%CERTIFICATE%%\n    %%TRUSTED_CA%%\n    %%POOL2%%\n}\n",
);

END { unlink $word{SOCKET} if $word{SOCKET} eq "/tmp/lync-test-$$" }

# The Standard Edition server whose server the suite brings itself, and such a second pool.
$word{OWN} = $word{STANDARD} =~ s/%%POOL%%/%%OWN_POOL%%/r;
$word{OWN_POOL2} = $word{OWN_POOL} =~ s/fepool\.contoso/fepool2.fabrikam/r =~ s/0\.11/0.12/r =~ s/contoso\.com/fabrikam.com/r;

# What a word stands for, for suites that change something in it.
sub word ($) { $word{ $_[0] } // die "%%$_[0]%% is no word of LyncTest\n" }

sub expand ($);

# Expands the words in a section's value, whatever its shape. HERE is left for later: it's known
# once the configuration is written.
sub expand ($) {
    my ($value) = @_;

    if (ref $value eq 'ARRAY') {
        return [map { expand($_) } @$value];
    }
    if (ref $value eq 'HASH') {
        return { map { $_ => expand($value->{$_}) } keys %$value };
    }
    if (!defined $value || (ref $value && ref $value ne 'Regexp')) {
        return $value;
    }

    my $text = "$value";
    1 while $text =~ s{%%(?!HERE%%)(\w+)%%}{
        my $name = $1;
        $name =~ /^PORT_(\w+)$/ ? port($1) : word($name)
    }ge;

    return $value if $text eq "$value";
    return ref $value ? qr/$text/ : $text;
}

# Sections of blocks that don't write them; of those that play no scene.
my (%default, $of_data);

# The blocks that have run: their second error log and what they expect in it.
my @ran;

add_block_preprocessor(sub {
    my ($block) = @_;

    my $whole = defined $block->http_config;
    my %with = (%default, defined $block->scene ? () : %{ $of_data // {} });
    # "--- included" is a file that server_include names.
    if (defined(my $text = $block->included)) {
        $with{user_files} = ">>> extra.conf\n$text";
    }
    for my $section (sort keys %with) {
        next if defined $block->$section
            || $whole && $section =~ /^(?:publication|sockets|more|before|after)$/;
        push @{ $block->_section_order }, $section;
        $block->set_value($section, $with{$section});
    }

    $word{ uc $_ } = $block->$_ for qw(servers services);
    workers($block->workers) if defined $block->workers;
    for my $section (grep { $_ ne 'name' } @{ $block->_section_order }) {
        my $value = $block->$section;
        my $new   = expand($value);
        # The newline that ends a section is none of the pattern's.
        chomp $new if defined $new && !ref $new && $section =~ /_(?:un)?like$/;
        $block->set_value($section, $new) if defined $new;
    }

    # "--- publication" is what stands inside of a publication, but for its sockets; "more" are further
    # directives of it, "before" and "after" of http level, "named" is another name than contoso.
    if (defined(my $inside = $block->publication)) {
        my $name = $block->named // 'contoso';
        $block->set_value(http_config => join "\n", $block->before // '', "lync_publish $name {",
            $block->sockets // expand('%%SOCKETS%%'), $inside, $block->more // '',
            defined $block->included ? expand('server_include %%SERVROOT%%/html/extra.conf;') : '', '}', $block->after // '');
    }

    $block->set_value(config => '') if !defined $block->config;
    $block->set_value(suppress_stderr => 1);    # the log has it as well

    # Test::Nginx asks for something in any case: its own server, in the same nginx.
    $block->set_value(request => 'GET /')
        if !grep { defined $block->$_ } qw(request raw_request pipelined_requests);

    $block->set_value(ignore_response => 1) if defined $block->refused;

    # Port numbers follow from the sockets; whoever mentions the servers' needs them to be there.
    my $all = join "\n", map { $block->$_ // '' } qw(http_config config main_config user_files);
    my @servers = map { LyncTest::Ports::port($_) } qw(8080 4443 80 443);
    if (defined $block->stand_in || grep { $all =~ /\b$_\b/ } @servers) {
        # An nginx that is only reloaded may check the servers while they start again, and know it in the next block.
        Test::Nginx::Util::kill_process(get_pid_from_pidfile('stand-in'), 1, 'stand-in')
            if LyncTest::StandIn::restarts_for($block->stand_in) && -f $PidFile;
        LyncTest::StandIn::serve($block->stand_in);
    }

    my $log = sprintf '%s/%03d.log', $logs, scalar @ran;
    push @ran, { name => $block->name, log => $log, expects => scalar $block->error_log, also => [] };
    $block->set_value(main_config => ($block->main_config // '') . "\nerror_log $log warn;\n");
});

sub find_here ($);
sub refuse_early ($);
sub nginx ($);

# What is to be done between the configuration's being written and nginx's reading it.
{
    no warnings 'redefine';
    my $write = \&Test::Nginx::Util::write_config_file;
    *Test::Nginx::Util::write_config_file = sub ($$$) {
        my ($block, $config, $ports) = @_;
        $write->($block, $config, $ports);
        find_here($block);
        refuse_early($block);
    };
}

# A line of the configuration that ends in "# here" is the line %%HERE%% in what the block expects.
sub find_here ($) {
    my ($block) = @_;

    my $here;
    open my $in, '<', $ConfFile or return;
    while (my $line = <$in>) {
        $here = $. if $line =~ /#\s*here\s*$/;
    }
    return if !$here;

    for my $section (qw(error_log no_error_log)) {
        my $value = $block->$section;
        next if !defined $value;
        my @lines = map { ref $_ ? $_ : s/%%HERE%%/$here/gr } ref $value eq 'ARRAY' ? @$value : $value;
        $block->set_value($section, @lines == 1 ? $lines[0] : \@lines);
    }
    $ran[-1]{expects} = $block->error_log;
}

# Test::Nginx tries for half a minute to start an nginx that won't, and then ends all suites.
sub refuse_early ($) {
    my ($block) = @_;
    my ($status, $said) = nginx('-t');
    return if $status == 0;
    diag($said);
    fail($block->name . ' - nginx accepts the configuration');
    die "the configuration is left in $ConfFile\n";
}

# Runs nginx with an option on the block's configuration: its status and what it says.
sub nginx ($) {
    my ($option) = @_;
    my $said = `$LyncTest::Paths::NGINX $option -p $ServRoot/ -e $ServRoot/logs/option.log -c $ConfFile 2>&1`;
    my $status = $?;
    unlink $PidFile if -z $PidFile;    # nginx -t tries whether it could write one
    return ($status, $said);
}

# Requests whose URL has a scheme and a host travel as a client of the publication sends them: the
# connection goes to the publication's socket, the host into SNI and Host, the path into the request
# line. "--- to: https://HOST" gives the target of a raw_request, which is sent as it stands.
sub target ($$) {
    my ($block, $packets) = @_;

    my $url = $block->to;
    if (defined $url) {
        my ($scheme, $host, $port) = $url =~ m{^\s*(https?)://([^/:\s]+)(?::(\d+))?} or
            bail_out($block->name . " - \"--- to\" is no URL: $url");
        return ($scheme, $host, $port);
    }

    my $first = $packets->[0]{value};
    return if $first !~ m{^\S+ (https?)://([^/?:\s]+)(?::(\d+))?}i;
    my ($scheme, $host, $port) = ($1, $2, $3);

    for my $packet (@$packets) {
        $packet->{value} =~ s{^(\S+) https?://([^/?:\s]+)(?::\d+)?(\S*) (HTTP/\S+)\r\n(Host: $ServerName\r\n)?}{
            my ($method, $name, $path, $version, $default) = ($1, $2, $3, $4, $5);
            $path = "/$path" if $path !~ m{^/};
            "$method $path $version\r\n" . ($default ? "Host: $name\r\n" : '')
        }mge;
    }
    return ($scheme, $host, $port);
}

{
    no warnings 'redefine';
    my $send = \&Test::Nginx::Socket::send_request;

    *Test::Nginx::Socket::send_request = sub ($$$$@) {
        my ($request, $middle_delay, $timeout, $block, @rest) = @_;
        LyncTest::Asks::ask_all($block) if defined $block->asks;

        my @packets = map { { %$_ } } ref $request ? @$request : { value => $request };
        my ($scheme, $host, $port) = target($block, \@packets);
        return $send->($request, $middle_delay, $timeout, $block, @rest) if !defined $scheme;

        my $tls;
        if ($scheme eq 'https') {
            $tls = {
                name     => $host,
                sni      => $block->sni // $host,
                ca       => "$LyncTest::Paths::PKI/public-ca.pem",
                version  => scalar $block->tls_version,
            };
            s/^\s+|\s+$//g for grep { defined && !ref } values %$tls;
            $tls->{sni} = '' if $tls->{sni} eq 'none';
        }

        my $got = LyncTest::Client::exchange(
            address => $block->server_addr_for_client // $ServerAddr,
            port    => $port // port(uc $scheme),
            packets => \@packets,
            timeout => $timeout,
            tls     => $tls,
            # Under valgrind nginx stays in the foreground, so nobody knows when it listens.
            patience => $Test::Nginx::Util::UseValgrind ? $timeout / 2 : 0,
        );

        judge($block, $got, $tls);
        return ($got->{bytes}, $packets[0]{value} =~ /^HEAD /);
    };
}

# Checks what Test::Nginx doesn't know of: how the connection ended and what the handshake showed.
sub judge ($$$) {
    my ($block, $got, $tls) = @_;
    my $name = $block->name;

    my $wanted_outcome = defined $block->refused ? 'closed' : 'ok';
    is($got->{outcome}, $wanted_outcome, "$name - outcome") or diag("$got->{error}\n$got->{bytes}");
    return if !$tls || defined $block->refused;

    my $wanted = $block->tls // '';
    if ($wanted !~ /^\s*trusted:/m && !defined $block->insecure) {
        is($got->{tls}{trusted}, 'yes', "$name - the certificate is trusted");
    }
    for my $line (grep { /\S/ } split /\n/, $wanted) {
        my ($fact, $value) = $line =~ /^\s*(\w+):\s*(.*?)\s*$/ or
            bail_out("$name - \"--- tls\" has lines like \"version: TLSv1.3\", not \"$line\"");
        is($got->{tls}{$fact}, $value, "$name - TLS $fact");
    }
}

# After a block, while its nginx and its error log are still there.
add_test_cleanup_handler(sub {
    my ($block) = @_;
    my $name = $block->name;

    if (grep { defined $block->$_ } qw(nginx_T nginx_T_unlike)) {
        my ($status, $text) = nginx('-T');
        is($status, 0, "$name - nginx -T succeeds") or diag($text);
        for my $line (grep { /\S/ } split /\n/, $block->nginx_T // '') {
            ok(index($text, $line) >= 0, "$name - nginx -T has \"$line\"");
        }
        unlike($text, qr/@{[$block->nginx_T_unlike]}/m, "$name - nginx -T")
            if defined $block->nginx_T_unlike;
    }

    push @{ $ran[-1]{also} },
        LyncTest::Logs::complaints($Test::Nginx::Util::ErrLogFile, scalar $block->error_log);
});

# Lines that must not be in any log of the suite.
sub complaints () {
    my @all;
    for my $i (0 .. $#ran) {
        # At a reload, what is wrong with the new configuration is written to the old one's log.
        my @expects = grep { defined } map { $ran[$_] && $ran[$_]{expects} }
            $Test::Nginx::Util::UseHup ? ($i, $i + 1) : $i;
        my %seen;
        my @patterns = map { ref eq 'ARRAY' ? @$_ : ref ? $_ : split /\n/ } @expects;
        push @all, map { "$ran[$i]{name}: $_" } grep { !$seen{$_}++ }
            @{ $ran[$i]{also} }, LyncTest::Logs::complaints($ran[$i]{log}, \@patterns);
    }
    return @all;
}

sub run_suite {
    %default = @_;
    $of_data = delete $default{data};
    plan('no_plan');
    my $data = Scalar::Util::openhandle(\*main::DATA);
    my $text = do { local $/; $data ? <$data> : '' };
    spec_string($text . (defined &LyncTest::Scene::blocks ? LyncTest::Scene::blocks($text) : ''));
    run_tests();

    if (!$ENV{TEST_NGINX_NO_CLEAN}) {
        Test::Nginx::Util::kill_process(get_pid_from_pidfile('end'), 1, 'end') if -f $PidFile;
        LyncTest::StandIn::stop();
    }

    my @complaints = complaints();
    ok(!@complaints, 'error logs: no [alert], no [crit], no sanitizer') or diag(join "\n", @complaints);

    if (Test::More->builder->is_passing && !$ENV{TEST_NGINX_NO_CLEAN}) {
        remove_tree($ServRoot, $logs);
        LyncTest::StandIn::discard();
    } else {
        diag("left for a look: $ServRoot, $logs");
    }
}

1;
