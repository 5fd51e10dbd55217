package AuthReal;

# Real servers for the suites of connection-bound authentication: Apache with mod_auth_gssapi, which
# speaks NTLM by gss-ntlmssp and Kerberos with a KDC of its own, and clients (real.py) that sign in.
# Everything lives in a private directory and listens on loopback; nothing of the system's
# configuration is read or changed.
#
# There are two servers, on 127.0.0.11 and 127.0.0.21, each with two ports: PORT_POOL authenticates
# the connection, PORT_REQUESTS each request. An answer tells X-User, X-Server (its address) and
# X-Connection (the port that the connection comes from).

use strict;
use warnings;

use Exporter qw(import);
use File::Path qw(remove_tree);
use File::Temp ();
use JSON::PP ();
use Test::More import => [qw(is)];

use AuthPlain ();
use LyncTest::Files ();
use LyncTest::Paths ();
use LyncTest::Ports ();
use LyncTest::Program ();

our @EXPORT = qw(start_ntlm start_kerberos ask command leave user connection server_of kerberos_curl
    six_at_two_servers);

our $PATH = '/webticket/webticketservice.svc';

my %PASSWORD = (alice => 'Secret of 4lice', bob => 'Secret of 8ob');
my $MODULES  = '/usr/lib/apache2/modules';

my $owner = $$;
my ($dir, $apache, $kdc, $clients);

# --- starting

# Apache's children give root's rights up: what they read lies where everybody may.
sub make_dir {
    $dir = File::Temp::tempdir('lync-auth-XXXXXXXX', TMPDIR => 1);
    chmod 0755, $dir;
    mkdir "$dir/$_" for qw(www www/webticket cache);
    chmod 01777, "$dir/cache";
    write_file("www$PATH", "a ticket\n");
}

sub write_file {
    my ($name, $text) = @_;
    LyncTest::Files::write_file("$dir/$name", $text);
}

sub run {
    my (@command) = @_;
    my $said = `@command 2>&1`;
    die "$command[0] failed: $said\n" if $? != 0;
}

sub needs {
    my ($package, $file) = @_;
    -e $file or die "$file isn't there: it is of Debian's package $package (\"make test-deps\")\n";
}

sub start_apache {
    my ($mechanism, $more) = @_;
    needs('apache2-bin', '/usr/sbin/apache2');
    needs('libapache2-mod-auth-gssapi', "$MODULES/mod_auth_gssapi.so");

    my $pki    = $LyncTest::Paths::PKI;
    my $identity = $> == 0 ? "User www-data\nGroup www-data\n" : '';
    my $hosts  = '';
    my %bound  = (POOL => 'On', REQUESTS => 'Off');
    for my $address ('127.0.0.11', '127.0.0.21') {
        for my $name (sort keys %bound) {
            my $port = LyncTest::Ports::port($name);
            $hosts .= <<"END_CONF";
Listen $address:$port
<VirtualHost $address:$port>
    SSLEngine on
    SSLCertificateFile $pki/fepool.contoso.local.pem
    SSLCertificateKeyFile $pki/fepool.contoso.local.key
    Header always set X-User "expr=%{REMOTE_USER}"
    Header always set X-Connection "expr=%{REMOTE_PORT}"
    Header always set X-Server $address
    <Location />
        AuthType GSSAPI
        AuthName pool
        GssapiConnectionBound $bound{$name}
        GssapiAllowedMech $mechanism
        $more
        Require valid-user
    </Location>
</VirtualHost>
END_CONF
        }
    }
    write_file('httpd.conf', <<"END_CONF");
ServerRoot $dir
PidFile $dir/httpd.pid
ErrorLog $dir/httpd.log
LogLevel info
ServerName fepool.contoso.local
$identity
LoadModule mpm_event_module    $MODULES/mod_mpm_event.so
LoadModule authn_core_module   $MODULES/mod_authn_core.so
LoadModule authz_core_module   $MODULES/mod_authz_core.so
LoadModule authz_user_module   $MODULES/mod_authz_user.so
LoadModule auth_gssapi_module  $MODULES/mod_auth_gssapi.so
LoadModule headers_module      $MODULES/mod_headers.so
LoadModule ssl_module          $MODULES/mod_ssl.so
StartServers 1
ServerLimit 1
ThreadsPerChild 32
ThreadLimit 32
MaxRequestWorkers 32
MinSpareThreads 1
MaxSpareThreads 32
KeepAlive On
KeepAliveTimeout 60
MaxKeepAliveRequests 0
SSLSessionCache none
DocumentRoot $dir/www
DefaultRuntimeDir $dir
Mutex file:$dir default
$hosts
END_CONF
    $apache = LyncTest::Program::spawn("$dir/httpd.out",
        '/usr/sbin/apache2', '-D', 'FOREGROUND', '-f', "$dir/httpd.conf");
    LyncTest::Program::wait_for_port('127.0.0.21', LyncTest::Ports::port('REQUESTS'), "Apache ($dir)");
}

sub start_clients { $clients = LyncTest::Program->start('auth/real.py', "$LyncTest::Paths::PKI/public-ca.pem") }

# NTLM needs MD4, which OpenSSL has put aside; its configuration is for our own processes only.
sub start_ntlm {
    needs('gss-ntlmssp', '/etc/gss/mech.d/mech.ntlmssp.conf');
    make_dir();
    write_file('openssl.cnf', <<'END_CONF');
openssl_conf = openssl_init
[openssl_init]
providers = providers
[providers]
default = default_provider
legacy = legacy_provider
[default_provider]
activate = 1
[legacy_provider]
activate = 1
END_CONF
    write_file('users', join '', map { "CONTOSO:$_:$PASSWORD{$_}\n" } sort keys %PASSWORD);
    local $ENV{OPENSSL_CONF}          = "$dir/openssl.cnf";
    local $ENV{NTLM_USER_FILE}        = "$dir/users";
    local $ENV{NETBIOS_COMPUTER_NAME} = 'FEPOOL';
    start_apache('ntlmssp', '');
    start_clients();
}

sub start_kerberos {
    needs('krb5-kdc', '/usr/sbin/krb5kdc');
    needs('krb5-admin-server', '/usr/sbin/kadmin.local');
    needs('krb5-user', '/usr/bin/kinit');
    make_dir();
    my $port = LyncTest::Ports::port('KDC');
    write_file('krb5.conf', <<"END_CONF");
[libdefaults]
    default_realm = CONTOSO.COM
    dns_lookup_kdc = false
    dns_lookup_realm = false
    dns_canonicalize_hostname = false
    rdns = false
    default_ccache_name = FILE:$dir/nobody.cc
[realms]
    CONTOSO.COM = {
        kdc = 127.0.0.1:$port
    }
[domain_realm]
    .contoso.com = CONTOSO.COM
END_CONF
    write_file('kdc.conf', <<"END_CONF");
[kdcdefaults]
    kdc_listen = 127.0.0.1:$port
    kdc_tcp_listen = 127.0.0.1:$port
[realms]
    CONTOSO.COM = {
        database_name = $dir/principal
        key_stash_file = $dir/stash
        acl_file = $dir/acl
        supported_enctypes = aes256-cts:normal
    }
[logging]
    default = FILE:$dir/kdc.log
END_CONF
    write_file('principals', join '', map { "$_\n" }
        (map { ("addprinc -randkey HTTP/$_", "ktadd -k $dir/http.keytab HTTP/$_") }
            $AuthPlain::HOST, 'mail.contoso.com'),
        map { ("addprinc -randkey $_", "ktadd -k $dir/$_.keytab $_") } sort keys %PASSWORD);

    # For all that this process starts from now on, curl too.
    $ENV{KRB5_CONFIG}      = "$dir/krb5.conf";
    $ENV{KRB5_KDC_PROFILE} = "$dir/kdc.conf";
    $ENV{KRB5RCACHEDIR}    = "$dir/cache";
    run("/usr/sbin/kdb5_util -r CONTOSO.COM -P master create -s");
    run("/usr/sbin/kadmin.local -r CONTOSO.COM <$dir/principals");
    chmod 0644, "$dir/http.keytab";
    $kdc = LyncTest::Program::spawn("$dir/kdc.out", '/usr/sbin/krb5kdc', '-n', '-P', "$dir/kdc.pid");
    LyncTest::Program::wait_for_port('127.0.0.1', $port, "the KDC ($dir)");
    run("kinit -k -t $dir/$_.keytab -c FILE:$dir/$_.cc $_") for sort keys %PASSWORD;
    start_apache('krb5', "GssapiCredStore keytab:$dir/http.keytab");
    start_clients();
}

# --- asking

# A request of the client of that name, through the front on that port:
#
#   ask('A', $port)                       without a credential
#   ask('A', $port, ntlm => 'alice')      the whole handshake
#   ask('A', $port, kerberos => 'alice')  one message
#   upload => N                           with a body
sub ask {
    my ($name, $port, %how) = @_;
    my $user = delete $how{ntlm};
    $how{ntlm} = ["CONTOSO\\$user", $PASSWORD{$user}] if defined $user;
    $how{kerberos} = "FILE:$dir/$how{kerberos}.cc" if defined $how{kerberos};
    my $url = delete $how{url} // "https://$AuthPlain::HOST";
    my $path = $url =~ m{//.*/} ? '' : $PATH;
    return command({ client => $name, url => $url =~ s{(//[^/]+)}{$1:$port}r . $path, %how });
}

sub leave { command({ client => $_, close => JSON::PP::true() }) for @_ }

sub command {
    my ($what) = @_;
    my $answer = $clients->command($what);
    Test::More::diag("client $what->{client}: $answer->{error}") if defined $answer->{error};
    return $answer;
}

# Of an answer: whom the server takes the client for, "-" for nobody ...
sub user {
    my ($answer) = @_;
    my $user = $answer->{headers}{'x-user'} // '';
    return $user =~ /^(?:|\(null\))$/ ? '-' : $user =~ s/^CONTOSO\\|\@CONTOSO\.COM$//r;
}

# ... over which connection ...
sub connection { my ($answer) = @_; return $answer->{headers}{'x-connection'} // '-' }

# ... and which server it is.
sub server_of { my ($answer) = @_; return $answer->{headers}{'x-server'} // '-' }

# Six clients sign in (ntlm or kerberos) at two servers, answered with these statuses: each stays on
# its server and connection, and who comes between and after them is nobody.
sub six_at_two_servers {
    my ($port, $how, $statuses) = @_;
    my (%server, %connection);
    my @clients = map { "C$_" } 1 .. 6;
    for my $client (@clients) {
        my $answer = ask($client, $port, $how => $client =~ /[135]/ ? 'alice' : 'bob');
        is("@{ $answer->{statuses} }", $statuses, "$client signs in");
        $server{$client}     = server_of($answer);
        $connection{$client} = connection($answer);
    }
    is(user(ask("N$_", $port)), '-', 'nobody is nobody') for @clients;
    my %used = map { $_ => 1 } values %server;
    # Workers take turns each for themselves.
    $ENV{LYNC_WORKERS}
        or is(join(' ', sort keys %used), '127.0.0.11 127.0.0.21', 'both servers are used');
    for my $client ((@clients, reverse @clients) x 2) {
        my $answer = ask($client, $port);
        is(user($answer), $client =~ /[135]/ ? 'alice' : 'bob', "$client is known");
        is(server_of($answer) . ' ' . connection($answer), "$server{$client} $connection{$client}",
            'on its server and connection');
        is(user(ask("N$client", $port)), '-', 'nobody is nobody');
    }
    leave(@clients);
    is(user(ask("N$_", $port)), '-', 'nobody is nobody when all have gone') for @clients;
    leave(map { "N$_" } @clients);
}

# "curl --negotiate" by a user with a ticket, or by nobody: "STATUS USER CONNECTION" of each of so
# many requests over one connection.
sub kerberos_curl {
    my ($port, $user, $count, @options) = @_;
    my $url = "https://$AuthPlain::HOST:$port$PATH";
    local $ENV{KRB5CCNAME} = "FILE:$dir/" . ($user // 'nobody') . '.cc';
    my @command = ('curl', '--silent', '--show-error',
        '--cacert', "$LyncTest::Paths::PKI/public-ca.pem",
        '--resolve', "$AuthPlain::HOST:$port:127.0.0.1", '--max-time', 20,
        '--write-out', '%{http_code} %header{x-user} %header{x-connection}\n',
        '--output', '/dev/null', @options);
    push @command, '--negotiate', '--user', ':' if defined $user;
    push @command, $url;
    push @command, '--output', '/dev/null', $url for 2 .. $count;
    open my $out, '-|', @command or die "curl: $!\n";
    my @lines = <$out>;
    { local $?; close $out; }
    chomp @lines;
    # An empty header keeps its line end in curl 7.88.
    s/\r//g, s/\@CONTOSO\.COM//, s/\(null\)/-/, s/^(\d+)  /$1 - / for @lines;
    return @lines;
}

# --- the end

sub stop {
    return if $$ != $owner || !$dir;
    local $?;
    $clients->stop if $clients;
    for my $pid (grep { defined } $apache, $kdc) {
        kill TERM => $pid;
        waitpid $pid, 0;
    }
    if (Test::More->builder->is_passing && !$ENV{TEST_NGINX_NO_CLEAN}) {
        remove_tree($dir);
    } else {
        Test::More::diag("left for a look: $dir");
    }
    undef $dir;
}

END { stop() }

1;
