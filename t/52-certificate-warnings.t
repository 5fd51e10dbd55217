# What is legal but deserves a word when nginx loads it: the section "warnings" lists all lines that
# nginx writes at level warn, whole and in their order. <name> is the number of the configuration's
# line that ends in "# name".

use LyncTest;
use LyncTest::Scene;

scene warnings => sub {
    my ($block) = @_;

    open my $in, '<', $Test::Nginx::Util::ConfFile or die "no configuration: $!\n";
    my %line;
    while (<$in>) {
        $line{$1} = $. if /#\s*(\w+)\s*$/;
    }

    my @expected = grep { /\S/ } split /\n/, $block->warnings // '';
    s/<(\w+)>/$line{$1}/ for @expected;

    # Workers and requests have their say after the configuration has.
    my @said = map { s/^.*?\[warn\] \d+#\d+: //r } log_lines(qr/\[warn\]/);
    is(join("\n", @said), join("\n", @expected), $block->name);
};

run_suite();

__DATA__

=== TEST 1: all is well
--- publication
    sip_domain  contoso.com;
    %%CERTIFICATE%%
    %%TRUSTED_CA%%
    %%POOL%%
    simple_url  meet    https://meet.contoso.com;
    simple_url  dialin  https://dialin.contoso.com;
--- scene: warnings
--- warnings



=== TEST 2: one warning for each name that no certificate covers
--- publication
    sip_domain  contoso.com;    # domain
    certificate %%PKI%%/no-lyncdiscover.pem %%PKI%%/no-lyncdiscover.key;
    %%TRUSTED_CA%%
    pool fepool.contoso.local {
        server                 127.0.0.11;
        external_web_services  lyncwebext2.contoso.com;    # pool
    }
    simple_url  meet       https://meet.contoso.com;
    simple_url  meet       https://meet.fabrikam.com;      # meet
    simple_url  scheduler  https://scheduler.contoso.com;  # scheduler
--- scene: warnings
--- warnings
"lyncwebext2.contoso.com" is not covered by a certificate of lync_publish "contoso": clients refuse it, add the name to the certificate's subject alternative names in %%CONF%%:<pool>
"meet.fabrikam.com" is not covered by a certificate of lync_publish "contoso": clients refuse it, add the name to the certificate's subject alternative names in %%CONF%%:<meet>
"scheduler.contoso.com" is not covered by a certificate of lync_publish "contoso": clients refuse it, add the name to the certificate's subject alternative names in %%CONF%%:<scheduler>
"lyncdiscover.contoso.com" is not covered by a certificate of lync_publish "contoso": clients find it over plain HTTP only (http_autodiscover auto), add the name to the certificate's subject alternative names for https in %%CONF%%:<domain>



=== TEST 3: names of farms, each of them, and of Directors
--- publication
    sip_domain  fabrikam.com;
    %%CERTIFICATE%%
    %%TRUSTED_CA%%
    %%POOL%%
    director dirpool.contoso.local {
        server                 127.0.0.13;
        external_web_services  dir.contoso.com;    # director
    }
    office_web_apps owa.contoso.com {    # office
        server  127.0.0.14;
    }
    exchange mail.contoso.com mail2.contoso.com mail3.contoso.com {    # exchange
        server  127.0.0.15;
    }
--- scene: warnings
--- warnings
"dir.contoso.com" is not covered by a certificate of lync_publish "contoso": clients refuse it, add the name to the certificate's subject alternative names in %%CONF%%:<director>
"owa.contoso.com" is not covered by a certificate of lync_publish "contoso": clients refuse it, add the name to the certificate's subject alternative names in %%CONF%%:<office>
"mail2.contoso.com" is not covered by a certificate of lync_publish "contoso": clients refuse it, add the name to the certificate's subject alternative names in %%CONF%%:<exchange>
"mail3.contoso.com" is not covered by a certificate of lync_publish "contoso": clients refuse it, add the name to the certificate's subject alternative names in %%CONF%%:<exchange>



=== TEST 4: the admin URL needs no certificate, nor do patterns
--- publication
    sip_domain  *;
    %%CERTIFICATE%%
    %%TRUSTED_CA%%
    %%POOL%%
    simple_url  admin  https://admin.contoso.com;
    simple_url  meet   https://meet.*;
--- scene: warnings
--- warnings



=== TEST 5: of two certificates a client sees one, so each has to cover a name
--- publication
    sip_domain  contoso.com xn--bro-hoa.contoso.com northwind.example;    # domains
    certificate %%PKI%%/public.pem %%PKI%%/public.key;
    certificate %%PKI%%/idn.pem %%PKI%%/idn.key;
    %%TRUSTED_CA%%
    pool fepool.contoso.local {
        server                 127.0.0.11;
        external_web_services  lyncwebext.contoso.com;    # pool
    }
--- scene: warnings
--- warnings
"lyncwebext.contoso.com" is not covered by the ECDSA certificate "%%PKI%%/idn.pem" of lync_publish "contoso": clients refuse it, add the name to the certificate's subject alternative names in %%CONF%%:<pool>
"lyncdiscover.contoso.com" is not covered by the ECDSA certificate "%%PKI%%/idn.pem" of lync_publish "contoso": phones drop the connection, add the name to the certificate's subject alternative names or set "http_autodiscover" to "on" in %%CONF%%:<domains>
"lyncdiscover.xn--bro-hoa.contoso.com" is not covered by the RSA certificate "%%PKI%%/public.pem" of lync_publish "contoso": phones drop the connection, add the name to the certificate's subject alternative names or set "http_autodiscover" to "on" in %%CONF%%:<domains>
"lyncdiscover.northwind.example" is not covered by a certificate of lync_publish "contoso": clients find it over plain HTTP only (http_autodiscover auto), add the name to the certificate's subject alternative names for https in %%CONF%%:<domains>



=== TEST 6: a wildcard covers one label, and an internationalised name counts as DNS has it
--- publication
    sip_domain  contoso.com;
    sip_domain  emea.contoso.com büro.contoso.com;    # domains
    certificate %%PKI%%/wildcard.pem %%PKI%%/wildcard.key;
    %%TRUSTED_CA%%
    %%POOL%%
--- scene: warnings
--- warnings
"lyncdiscover.emea.contoso.com" is not covered by a certificate of lync_publish "contoso": clients find it over plain HTTP only (http_autodiscover auto), add the name to the certificate's subject alternative names for https in %%CONF%%:<domains>
"lyncdiscover.xn--bro-hoa.contoso.com" is not covered by a certificate of lync_publish "contoso": clients find it over plain HTTP only (http_autodiscover auto), add the name to the certificate's subject alternative names for https in %%CONF%%:<domains>



=== TEST 7: a common name counts where there is no subject alternative name
--- publication
    sip_domain  contoso.com;    # domain
    certificate %%PKI%%/cn-only.pem %%PKI%%/cn-only.key;
    %%TRUSTED_CA%%
    %%POOL%%
--- scene: warnings
--- warnings
"lyncdiscover.contoso.com" is not covered by a certificate of lync_publish "contoso": clients find it over plain HTTP only (http_autodiscover auto), add the name to the certificate's subject alternative names for https in %%CONF%%:<domain>



=== TEST 8: and not beside one
--- publication
    sip_domain  contoso.com;    # domain
    certificate %%PKI%%/cn-ignored.pem %%PKI%%/cn-ignored.key;
    %%TRUSTED_CA%%
    pool fepool.contoso.local {
        server                 127.0.0.11;
        external_web_services  lyncwebext.contoso.com;     # pool
    }
    simple_url  meet https://meet.contoso.com;
--- scene: warnings
--- warnings
"lyncwebext.contoso.com" is not covered by a certificate of lync_publish "contoso": clients refuse it, add the name to the certificate's subject alternative names in %%CONF%%:<pool>
"lyncdiscover.contoso.com" is not covered by a certificate of lync_publish "contoso": clients find it over plain HTTP only (http_autodiscover auto), add the name to the certificate's subject alternative names for https in %%CONF%%:<domain>



=== TEST 9: lyncdiscover that nobody covers and nobody answers
--- publication
    sip_domain  northwind.example;    # domain
    http_autodiscover off;
    %%CERTIFICATE%%
    %%TRUSTED_CA%%
    %%POOL%%
--- scene: warnings
--- warnings
"lyncdiscover.northwind.example" is not covered by a certificate of lync_publish "contoso": phones drop the connection, add the name to the certificate's subject alternative names or set "http_autodiscover" to "auto" in %%CONF%%:<domain>



=== TEST 10: for want of a socket
--- http_config
    lync_publish contoso {
        http_listen   off;
        https_listen  127.0.0.1:%%PORT_HTTPS%%;
        sip_domain    northwind.example;    # domain
        %%CERTIFICATE%%
        %%TRUSTED_CA%%
        %%POOL%%
    }
--- scene: warnings
--- warnings
"lyncdiscover.northwind.example" is not covered by a certificate of lync_publish "contoso": phones drop the connection, add the name to the certificate's subject alternative names or take "http_listen off" out in %%CONF%%:<domain>



=== TEST 11: a hoster's thousand domains are no flood
--- http_config eval
my $domains = "";
$domains .= " d$_.example" for 1 .. 1000;
"   lync_publish contoso {    # block
        %%SOCKETS%%
        sip_domain $domains;    # domains
        http_autodiscover on;
        %%CERTIFICATE%%
        %%TRUSTED_CA%%
        %%POOL%%
    }
"
--- scene: warnings
--- warnings eval
my $text = "";
$text .= "\"lyncdiscover.d$_.example\" is not covered by a certificate of lync_publish \"contoso\": clients find it over plain HTTP only (http_autodiscover on), add the name to the certificate's subject alternative names for https in %%CONF%%:<domains>\n" for 1 .. 10;
"${text}990 more lyncdiscover names are not covered by a certificate of lync_publish \"contoso\": clients find it over plain HTTP only (http_autodiscover on), add the name to the certificate's subject alternative names for https in %%CONF%%:<block>\n"



=== TEST 12: a certificate that expires within 30 days
--- publication
    sip_domain  contoso.com;
    certificate %%PKI%%/20-days-left.pem %%PKI%%/20-days-left.key;    # certificate
    %%TRUSTED_CA%%
    %%POOL%%
--- scene: warnings
--- warnings eval
my $until = `LC_ALL=C TZ=UTC date -u +"%Y-%m-%d %H:%M UTC" -d "\$(openssl x509 -noout -enddate -in $LyncTest::Paths::PKI/20-days-left.pem | sed s/^[^=]*=//)"`;
CORE::chomp $until;
"certificate \"%%PKI%%/20-days-left.pem\" expires on $until, in 20 days: renew it in %%CONF%%:<certificate>"



=== TEST 13: backend_verify off
--- publication
    sip_domain  contoso.com;
    %%CERTIFICATE%%
    backend_verify off;    # verify
    %%POOL%%
--- scene: warnings
--- warnings
"backend_verify" is off in lync_publish "contoso": anybody on the way to the servers can read and change what they answer in %%CONF%%:<verify>



=== TEST 14: a wait too short for phones
--- publication
    sip_domain  contoso.com;
    %%CERTIFICATE%%
    %%TRUSTED_CA%%
    %%POOL%%
    pending_get_timeout  15m;    # timeout
--- scene: warnings
--- warnings
"pending_get_timeout" 15m in lync_publish "contoso" is shorter than the 920 seconds for which phones wait for an answer: 960s is right where there are mobile clients in %%CONF%%:<timeout>



=== TEST 15: sip_domain where there is no lyncdiscover
--- publication
    product     ocs_2007_r2;
    sip_domain  contoso.com;    # domain
    %%CERTIFICATE%%
    %%TRUSTED_CA%%
    %%POOL%%
--- scene: warnings
--- warnings
"sip_domain" publishes nothing in lync_publish "contoso": product ocs_2007_r2 has no lyncdiscover in %%CONF%%:<domain>



=== TEST 16: http_autodiscover without a socket for it
--- http_config
    lync_publish contoso {
        http_listen        off;
        https_listen       127.0.0.1:%%PORT_HTTPS%%;
        http_autodiscover  on;    # autodiscover
        sip_domain         contoso.com;
        %%CERTIFICATE%%
        %%TRUSTED_CA%%
        %%POOL%%
    }
--- scene: warnings
--- warnings
"http_autodiscover" does nothing in lync_publish "contoso": "http_listen" is off, so nobody listens for plain HTTP in %%CONF%%:<autodiscover>
