# nginx -T shows what a publication becomes, to be read by people; and errors in it point to the line
# of the block that caused them.

use LyncTest;
use LyncTest::Scene;

our $Deployment = <<'END';
    sip_domain   contoso.com fabrikam.com;
    %%CERTIFICATE%%
    %%TRUSTED_CA%%
    %%POOL%%
    director dirpool.contoso.local {
        server                 127.0.0.13;
        external_web_services  dirwebext.contoso.com;
        %%PORTS%%
    }
    simple_url  meet    https://meet.contoso.com;
    simple_url  meet    https://meet.fabrikam.com;
    simple_url  dialin  https://dialin.contoso.com  pool=fepool.contoso.local;
    simple_url  admin   https://admin.contoso.com;
    office_web_apps wacext.contoso.com {
        server            127.0.0.14;
        certificate_name  wac.contoso.local;
        listening_ports   https=%%PORT_443%%;
    }
    exchange mail.contoso.com autodiscover.contoso.com {
        server            127.0.0.15;
        certificate_name  mail.contoso.local;
        listening_ports   https=%%PORT_443%%;
    }
END

sub dump_of_this {
    my $preload = $ENV{TEST_NGINX_LD_PRELOAD} // '';
    return scalar `LD_PRELOAD="$preload" $LyncTest::Paths::NGINX -T -p $Test::Nginx::Util::ServRoot/ -e $Test::Nginx::Util::ServRoot/logs/T.log -c $Test::Nginx::Util::ConfFile 2>&1`;
}

# The text under a name.
sub section {
    my ($text, $name) = @_;
    return $text =~ /^# configuration file \Q$name\E:\n(.*?)(?=^# configuration file |\z)/ms ? $1 : '';
}

scene 'a publication has a name of its own there, and a comment over each server',
    nginx_T => '# configuration file lync_publish contoso:', sub {
    my $text = section(dump_of_this(), 'lync_publish contoso');
    my ($p8080, $p4443, $p443) = map { port($_) } qw(8080 4443 443);

    my @comments = $text =~ /^# (.*)\nserver \{$/mg;
    my $servers = () = $text =~ /^server \{$/mg;
    is(scalar @comments, $servers, 'a comment over each server');
    for my $expected (
        "https lyncwebext.contoso.com -> pool fepool.contoso.local, port $p4443",
        "https dirwebext.contoso.com -> director dirpool.contoso.local, port $p4443",
        "https lyncdiscover.contoso.com, lyncdiscover.fabrikam.com -> director dirpool.contoso.local, port $p4443",
        "https meet.contoso.com, meet.fabrikam.com -> director dirpool.contoso.local, port $p4443",
        "https dialin.contoso.com -> pool fepool.contoso.local, port $p4443",
        "https wacext.contoso.com -> office_web_apps wacext.contoso.com, port $p443",
        "https mail.contoso.com, autodiscover.contoso.com -> exchange mail.contoso.com, port $p443",
        'https admin.contoso.com -> refused, the admin simple URL is for the inside',
        'http admin.contoso.com -> refused, the admin simple URL is for the inside',
        'https for any name that nobody publishes -> connection closed',
        'http for any name that nobody publishes -> connection closed',
    ) {
        is(scalar(grep { $_ eq $expected } @comments), 1, $expected);
    }
    is(scalar(grep { /^http \S+, \S+, \S+ and \d+ more -> redirected to https$/ } @comments), 1,
        'long lists are cut short') or diag(join "\n", @comments);
    unlike($text, qr/.{161}/, 'no line is too long to read');
    unlike($text, qr/\t| $/m, 'no tabs, no trailing spaces');
};

# The printed text is what nginx runs: given back to nginx as a file it's accepted.
scene 'what is printed is what is run', sub {
    my $text = section(dump_of_this(), 'lync_publish contoso');
    $text =~ s/^\s*lync_rule .*\n//mg;
    my ($status, $said) = nginx('-t', <<"END");
load_module $LyncTest::Paths::MODULE;
pid logs/nginx.pid;
events {}
http {
$text
}
END
    is($status, 0, 'the text is a configuration of nginx') or diag($said);
};

scene two => sub {
    my $text = dump_of_this();
    like(section($text, 'lync_publish contoso'), qr/lyncwebext\.contoso\.com/, 'the first');
    like(section($text, 'lync_publish fabrikam'), qr/lyncwebext\.fabrikam\.com/, 'the second');
    unlike(section($text, 'lync_publish contoso'), qr/fabrikam/, 'each its own');
};

run_suite();

__DATA__

=== two publications
--- http_config
    lync_publish contoso {
        %%SOCKETS%%
        sip_domain contoso.com;
        %%CERTIFICATE%%
        %%TRUSTED_CA%%
        %%POOL%%
    }
    lync_publish fabrikam {
        %%SOCKETS%%
        sip_domain fabrikam.com;
        %%CERTIFICATE%%
        %%TRUSTED_CA%%
        pool fepool2.fabrikam.local {
            server                 127.0.0.12;
            external_web_services  lyncwebext.fabrikam.com;
            %%PORTS%%
        }
    }
--- scene: two

=== a server that can't be resolved: its line
--- publication
    sip_domain  contoso.com;
    %%CERTIFICATE%%
    %%TRUSTED_CA%%
    pool fepool.contoso.local {
        server                 127.0.0.11;
        server                 fe02.contoso.invalid;    # here
        external_web_services  lyncwebext.contoso.com;
    }
--- must_die
--- error_log
host not found in upstream "fe02.contoso.invalid:4443": see to it that the name resolves, write the server's address, or "resolve_at_start off" if nginx has to start without DNS in %%CONF%%:%%HERE%%

=== a socket whose address can't be resolved: its line
--- http_config
    lync_publish contoso {
        http_listen   127.0.0.1:%%PORT_HTTP%%;
        https_listen  proxy.contoso.invalid:%%PORT_HTTPS%%;    # here
        sip_domain    contoso.com;
        %%CERTIFICATE%%
        %%TRUSTED_CA%%
        %%POOL%%
    }
--- must_die
--- error_log
host not found in "proxy.contoso.invalid:%%PORT_HTTPS%%" of the "listen" directive in %%CONF%%:%%HERE%%

=== a parameter that nginx finds wrong: its line
--- http_config
    lync_publish contoso {
        http_listen   127.0.0.1:%%PORT_HTTP%%;
        https_listen  127.0.0.1:%%PORT_HTTPS%% backlog=many;    # here
        sip_domain    contoso.com;
        %%CERTIFICATE%%
        %%TRUSTED_CA%%
        %%POOL%%
    }
--- must_die
--- error_log
invalid backlog "backlog=many" in %%CONF%%:%%HERE%%

=== in a file that the block includes: that file's line
--- http_config
    lync_publish contoso {
        %%SOCKETS%%
        sip_domain    contoso.com;
        %%CERTIFICATE%%
        %%TRUSTED_CA%%
        include       %%SERVROOT%%/html/pools/*.conf;
    }
--- user_files
>>> pools/one.conf
# Front Ends

pool fepool.contoso.local {
    external_web_services  lyncwebext.contoso.com;
    server                 fe01.contoso.invalid;
}
--- must_die
--- error_log
host not found in upstream "fe01.contoso.invalid:4443": see to it that the name resolves, write the server's address, or "resolve_at_start off" if nginx has to start without DNS in %%SERVROOT%%/html/pools/one.conf:5

=== nginx's syntax holds inside: include, comments, quoting, one line for all
--- http_config
    lync_publish "contoso" { %%SOCKETS%% sip_domain 'contoso.com'; # a comment
        %%CERTIFICATE%% %%TRUSTED_CA%% include %%SERVROOT%%/html/pool.conf; include %%SERVROOT%%/html/none-*.conf;
        "simple_url" meet "https://meet.contoso.com"; }
--- user_files
>>> pool.conf
pool fepool.contoso.local { include %%SERVROOT%%/html/inner.conf; external_web_services lyncwebext.contoso.com; }
>>> inner.conf
server 127.0.0.11;
%%PORTS%%
--- request
GET https://meet.contoso.com/alice
--- response_headers
X-Site: external

=== the order of directives doesn't matter
--- publication
    simple_url  meet https://meet.contoso.com pool=fepool2.fabrikam.local;
    pool fepool2.fabrikam.local {
        %%PORTS%%
        external_web_services  lyncwebext.fabrikam.com;
        server                 127.0.0.12;
    }
    https_redirect  off;
    %%TRUSTED_CA%%
    %%CERTIFICATE%%
    sip_domain  contoso.com;
--- request
GET https://meet.contoso.com/alice
--- response_body_like
\Aexternal https fepool2\.fabrikam\.local
