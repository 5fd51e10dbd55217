# Each name is presented its own certificates: one of each kind of key, the name itself before a
# wildcard, whatever the kind of name; and TLS sessions stay with the certificates they began with.
# Which one is chosen of several is a table in t/unit/presented_test.cpp.

use LyncTest;
use LyncTest::Scene qw(:DEFAULT status_text);

use File::Temp qw(tempdir);

master_on();

my $own = tempdir(CLEANUP => 1);

# The line of a certificate that the public CA has issued: [KIND, NAME, SAN ...].
sub certificate {
    my ($kind, $name, @names) = @_;
    my $pki = $LyncTest::Paths::PKI;
    my $new = $kind eq 'RSA' ? '-newkey rsa:2048' : $kind eq 'EC' ? '-newkey ec -pkeyopt ec_paramgen_curve:P-256'
        : '-newkey ' . lc $kind;
    my $san = join ',', map { "DNS:$_" } @names;
    my $out = `openssl req -x509 -new $new -nodes -keyout $own/$name.key -out $own/$name.pem -CA $pki/public-ca.pem -CAkey $pki/public-ca.key -days 90 -subj /CN=$name -addext subjectAltName=$san -addext basicConstraints=critical,CA:false 2>&1; cat $pki/public-ca.pem >>$own/$name.pem`;
    die "no certificate $name: $out" if $?;
    return "certificate $own/$name.pem $own/$name.key;\n";
}

my @servers = ('%%TRUSTED_CA%%', '%%POOL%%');
my $several = join '', "sip_domain contoso.com fabrikam.com emea.fabrikam.com;\n",
    certificate('RSA', 'web-rsa',  'lyncwebext.contoso.com', 'lyncdiscover.contoso.com', 'meet.contoso.com'),
    certificate('EC',  'web-ec',   'lyncwebext.contoso.com', 'meet.contoso.com'),
    certificate('RSA', 'wild-rsa', '*.fabrikam.com', '*.contoso.com'),
    certificate('EC',  'meet-ec',  'meet.fabrikam.com'),
    certificate('EC',  'emea-ec',  '*.emea.fabrikam.com', 'dialin.fabrikam.com'),
    certificate('ED25519', 'mail-ed', 'mail.fabrikam.com'),
    map { "$_\n" } @servers,
    'simple_url meet https://meet.contoso.com https://meet.fabrikam.com;',
    'simple_url dialin https://dialin.fabrikam.com;',
    'exchange mail.fabrikam.com { server 127.0.0.15; health_check off; }';
my $any = join '', "sip_domain *;\n",
    certificate('RSA', 'first', 'lyncwebext.contoso.com'),
    certificate('RSA', 'any-a', '*.a.example'),
    certificate('RSA', 'any-b', 'lyncdiscover.b.example', 'meet.b.example'),
    map { "$_\n" } @servers, 'simple_url meet https://meet.*;';

# The certificate that openssl s_client gets: its subject, and whether it is to be trusted.
sub presented {
    my ($name, $options) = @_;
    my $port = port('HTTPS');
    my $asks = $name eq '' ? '-noservername' : "-servername $name -verify_hostname $name";
    my $text = `openssl s_client -connect 127.0.0.1:$port $asks $options -CAfile $LyncTest::Paths::PKI/public-ca.pem </dev/null 2>&1`;
    my ($subject) = $text =~ /^subject=CN = (\S+)/m or return 'none';
    return $text =~ /^Verification: OK/m ? $subject : "$subject, not trusted";
}

my %offers = (
    RSA => '-tls1_2 -cipher ECDHE-RSA-AES128-GCM-SHA256',
    EC  => '-tls1_2 -cipher ECDHE-ECDSA-AES128-GCM-SHA256 -sigalgs ECDSA+SHA256',
    ED  => '-tls1_3 -sigalgs ed25519',
    new => '-tls1_3',
);

sub are_presented {
    for my $row (@_) {
        my ($name, %expected) = @$row;
        is(presented($name, $offers{$_}), $expected{$_}, ($name || 'no name') . ": $_") for sort keys %expected;
    }
}

scene 'each kind of name and of key', publication => $several, sub {
    are_presented(
        ['lyncwebext.contoso.com'       => RSA => 'web-rsa', EC => 'web-ec', new => 'web-ec'],
        ['lyncdiscover.contoso.com'     => RSA => 'web-rsa', EC => 'none', new => 'web-rsa'],
        ['lyncdiscover.fabrikam.com'    => RSA => 'wild-rsa', EC => 'none', new => 'wild-rsa'],
        ['meet.fabrikam.com'            => RSA => 'wild-rsa', EC => 'meet-ec', new => 'meet-ec'],
        ['lyncdiscover.emea.fabrikam.com' => RSA => 'none', EC => 'emea-ec', new => 'emea-ec'],
        ['mail.fabrikam.com'            => RSA => 'wild-rsa', ED => 'mail-ed'],
        ['www.example.net'              => RSA => 'web-rsa, not trusted', EC => 'web-ec, not trusted'],
        [''                             => RSA => 'web-rsa', EC => 'web-ec'],
    );

    my $port = port('HTTPS');
    for my $host (qw(lyncwebext.contoso.com lyncdiscover.fabrikam.com meet.fabrikam.com lyncdiscover.emea.fabrikam.com)) {
        like(`curl -sS --resolve $host:$port:127.0.0.1 --cacert $LyncTest::Paths::PKI/public-ca.pem https://$host:$port/meet/ 2>&1`,
            qr/^(external |404|<html>)/, "curl trusts $host");
    }
};

scene 'the name in the handshake chooses where any domain is published', publication => $any, sub {
    are_presented(
        ['lyncwebext.contoso.com'   => RSA => 'first'],
        ['lyncdiscover.a.example'   => RSA => 'any-a'],
        ['meet.a.example'           => RSA => 'any-a'],
        ['lyncdiscover.b.example'   => RSA => 'any-b'],
        ['meet.b.example'           => RSA => 'any-b'],
        ['lyncdiscover.c.example'   => RSA => 'first, not trusted'],
        ['meet.x.a.example'         => RSA => 'first, not trusted'],
    );
    # http_autodiscover auto looks through all of them.
    for my $host (qw(lyncdiscover.a.example lyncdiscover.b.example lyncdiscover.c.example)) {
        my $client = client("http://$host");
        $client->write(request("GET http://$host/"));
        my $status = $client->answer->{status};
        is($status, $host =~ /c.example/ ? 200 : 301, "$host over plain HTTP");
    }
};

# How often each file in a directory was opened while a command ran.
sub opened {
    my ($dir, @command) = @_;
    open my $watch, '-|', 'python3', '-c', <<'END', $dir, @command or die "python3: $!";
import collections, ctypes, os, struct, subprocess, sys
libc = ctypes.CDLL(None)
events, IN_OPEN, count = libc.inotify_init(), 0x20, collections.Counter()
libc.inotify_add_watch(events, sys.argv[1].encode(), IN_OPEN)
subprocess.run(sys.argv[2:], capture_output=True, check=True)
data = os.read(events, 1 << 20)
while data:
    length = struct.unpack('iIII', data[:16])[3]
    count[data[16:16 + length].rstrip(b'\0').decode()] += 1
    data = data[16 + length:]
print(*(f'{name} {times}' for name, times in sorted(count.items())), sep='\n')
END
    return map { /^(\S*) (\d+)$/ } <$watch>;
}

scene 'a file is read once, whichever names and servers it is for', publication => $several, sub {
    my %times = opened($own, $LyncTest::Paths::NGINX, '-t',
        '-p', "$Test::Nginx::Util::ServRoot/", '-c', $Test::Nginx::Util::ConfFile);
    is_deeply([grep { !$times{$_} } map { ("$_.pem", "$_.key") } qw(web-rsa web-ec wild-rsa meet-ec emea-ec mail-ed)], [], 'each');
    is_deeply({ map { $_ => $times{$_} } grep { $times{$_} != 1 } keys %times }, {}, 'once');
};

# What openssl s_client says of a session that it kept for one name and offers for another.
sub resumes {
    my ($first, $second, $options) = @_;
    my $dir = scene_dir();
    my $port = port('HTTPS');
    my @said;
    for my $try (["-sess_out $dir/session", $first], ["-sess_in $dir/session", $second]) {
        my ($tls, $host) = @$try;
        $tls .= $host eq '' ? ' -noservername' : " -servername $host";
        push @said, scalar `(printf 'GET / HTTP/1.1\r\nHost: $host\r\nConnection: close\r\n\r\n'; sleep 0.3) | openssl s_client -connect 127.0.0.1:$port $tls $options -ign_eof 2>&1`;
    }
    return $said[1] =~ /^Reused, /m ? 'reused'
        : $said[1] =~ /^New, .*/m && $said[1] =~ /^subject=CN = (\S+)/m ? $1 : "failed: $said[1]";
}

sub sessions {
    my %ways = ('TLS 1.2 by id' => '-tls1_2 -no_ticket', 'TLS 1.2 by ticket' => '-tls1_2', 'TLS 1.3' => '-tls1_3');
    for my $way (sort keys %ways) {
        for my $row (@_) {
            my ($first, $second, $expected) = @$row;
            is(resumes($first, $second, $ways{$way}), $expected, "$way: a session of $first for $second");
        }
    }
}

scene 'sessions stay with their certificates', publication => $any, sub {
    sessions(
        ['lyncwebext.contoso.com', 'lyncwebext.contoso.com', 'reused'],
        ['lyncdiscover.b.example', 'lyncdiscover.b.example', 'reused'],
        ['lyncdiscover.b.example', 'meet.b.example',         'reused'],
        ['lyncdiscover.b.example', 'lyncwebext.contoso.com', 'first'],
        ['lyncwebext.contoso.com', 'meet.a.example',         'any-a'],
        ['meet.a.example',         'meet.b.example',         'any-b'],
        ['',                       '',                       'reused'], # phones of Lync 2010
        ['',                       'meet.b.example',         'any-b'],
        ['meet.b.example',         '',                       'first'],
    );
};

# On a socket with a foreign default server nginx begins with that one's settings.
my $foreign = word('FOREIGN') =~ s/ ssl;/ ssl default_server;/r
    =~ s/(?=return)/ssl_protocols TLSv1.2 TLSv1.3; ssl_session_cache shared:foreign:1m; /r;
scene 'also beside a foreign default server', publication => $any, before => $foreign, sub {
    sessions(
        ['meet.b.example',  'meet.b.example',  'reused'],
        ['meet.b.example',  'www.contoso.com', '*.contoso.com'],
        ['meet.a.example',  'meet.b.example',  'any-b'],
        ['www.contoso.com', 'www.contoso.com', 'reused'],
        ['www.contoso.com', 'meet.a.example',  'any-a'],
    );
};

(my $beside = $foreign) =~ s/ default_server//;
scene 'and with a foreign server beside ours', publication => $any, before => $beside, sub {
    sessions(
        ['www.contoso.com',        'www.contoso.com',        'reused'],
        ['www.contoso.com',        'lyncwebext.contoso.com', 'first'],
        ['lyncwebext.contoso.com', 'www.contoso.com',        '*.contoso.com'],
        ['lyncwebext.contoso.com', 'lyncwebext.contoso.com', 'reused'],
    );
};

scene 'two publications on a socket', publication => $any,
    after => 'lync_publish fabrikam { %%SOCKETS%% sip_domain fabrikam.com; ' . certificate('RSA', 'other', '*.fabrikam.com')
        . ' %%TRUSTED_CA%% %%POOL2%% }', sub {
    are_presented(
        ['lyncdiscover.fabrikam.com' => RSA => 'other'],
        ['meet.b.example'            => RSA => 'any-b'],
    );
    sessions(
        ['lyncdiscover.fabrikam.com', 'lyncdiscover.fabrikam.com', 'reused'],
        ['lyncdiscover.fabrikam.com', 'lyncwebext.contoso.com',    'first'],
        ['lyncwebext.contoso.com',    'lyncdiscover.fabrikam.com', 'other'],
    );
};

scene 'a reload brings the new certificate of one name', publication => $any, sub {
    is(presented('meet.a.example', $offers{RSA}), 'any-a', 'before');
    my $line = certificate('RSA', 'newer', 'meet.a.example');
    edit { s/^(\s*certificate \S+any-a.pem.*)/$line$1/m };
    is(reload(), 'reloaded', 'a reload');
    are_presented(['meet.a.example' => RSA => 'newer'], ['lyncdiscover.a.example' => RSA => 'any-a']);
    edit { s/newer.key/first.key/ };
    is(reload(), 'refused', 'a key that belongs to another certificate');
    my @refused = provoked_lines(qr/\[emerg\]/);
    like("@refused", qr/certificate key ".*first.key" .* ".*newer.pem"/, 'is logged');
    is(presented('meet.a.example', $offers{RSA}), 'newer', 'and changes nothing');
};

# Exchange has Extended Protection: clients sign the certificate that they are presented.
my $exchange = <<'END';
    sip_domain  contoso.com;
    certificate %%PKI%%/wildcard.pem %%PKI%%/wildcard.key;  # ours
    trusted_ca  %%PKI%%/public-ca.pem;
    pool fepool.contoso.local { server 127.0.0.12; health_check off; external_web_services lyncwebext.contoso.com; }
    exchange mail.contoso.com {
        server            127.0.0.11;
        listening_ports   https=%%PORT_OWN%%;
        services          ews;
        health_check      healthcheck interval=1s;
    }
END
scene 'whether Extended Protection works', publication => $exchange, after => '%%STATUS%%', sub {
    my $server = server(port => port('OWN'), tls => 'public', sub {
        my ($connection) = @_;
        $connection->write(http_answer('200 OK')) while eval { $connection->message };
    });
    my $lines = sub { map { s/^.*?\[(\w+)\] \d+#\d+: /$1: /r } log_lines(qr/Extended Protection/) };
    my $which = 'server 127.0.0.11:' . port('OWN') . ' of exchange "mail.contoso.com"';
    my $refused = "warn: lync_health: sign-ins with Extended Protection will be refused (0xC000035B) by $which: the certificates differ, clients have to be presented the server's own one for each name, and no other";
    my $works = "notice: lync_health: Extended Protection works with $which: clients are presented its certificate";

    ok(wait_until { $lines->() }, 'another certificate');
    ok(wait_until { status_text('json') =~ /"extended_protection":"refused"/ }, 'JSON');
    like(status_text('prometheus'), qr/^lync_server_extended_protection\{.*\} 0$/m, 'Prometheus');

    my $number = 2;
    for my $change (['the same', sub { s/wildcard/public/g }, 'works'], ['another key beside it',
            sub { s/^(.*# ours)/$1\ncertificate $LyncTest::Paths::PKI\/public-ecdsa.pem $LyncTest::Paths::PKI\/public-ecdsa.key;/m }, 'refused']) {
        my ($what, $edit, $expected) = @$change;
        edit { $edit->() };
        is(reload(), 'reloaded', $what);
        ok(wait_until { status_text('json') =~ /"extended_protection":"$expected"/ }, "$what: $expected");
        wait_until { $lines->() >= $number };
        $number++;
        like(status_text('prometheus'), qr/^lync_server_extended_protection\{.*\} @{[ $expected eq 'works' ? 1 : 0 ]}$/m, "$what: Prometheus");
    }
    sleep 2; # another check or two
    is_deeply([$lines->()], [$refused, $works, $refused], 'a line for each change');
};

run_suite();
