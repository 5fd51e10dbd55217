# What `product` decides: ports, paths, and whether lyncdiscover exists.

use LyncTest;

# Office Communications Server: one web site, which tells inside from outside by path.
our $Ocs = <<'END';
    %%CERTIFICATE%%
    %%TRUSTED_CA%%
    pool fepool.contoso.local {
        server                 127.0.0.11;
        external_web_services  lyncwebext.contoso.com;
        listening_ports        http=%%PORT_8080%% https=%%PORT_4443%%;
    }
END

our $Lync = "    sip_domain contoso.com;\n$Ocs";

run_suite();

__DATA__

=== TEST 1: OCS 2007 R2, 443 to 443, and no lyncdiscover
--- publication
    product  ocs_2007_r2;
    %%CERTIFICATE%%
    %%TRUSTED_CA%%
    pool fepool.contoso.local {
        server                 10.0.0.11;
        external_web_services  lyncwebext.contoso.com;
    }
--- nginx_T
server 10.0.0.11:443;
--- nginx_T_unlike: lyncdiscover|:4443|:8080|10\.0\.0\.11:80



=== TEST 2: OCS 2007, likewise
--- publication
    product  ocs_2007;
    %%CERTIFICATE%%
    %%TRUSTED_CA%%
    pool fepool.contoso.local {
        server                 10.0.0.11;
        external_web_services  lyncwebext.contoso.com;
    }
--- nginx_T
server 10.0.0.11:443;
--- nginx_T_unlike: lyncdiscover|:4443|:8080



=== TEST 3: OCS 2007 R2, the Ext paths and the meeting content
--- publication eval: "product ocs_2007_r2;\n$::Ocs"
--- request eval
["GET https://lyncwebext.contoso.com/ABS/ext/Handler",
 "POST https://lyncwebext.contoso.com/GroupExpansion/Ext/service.asmx",
 "GET https://lyncwebext.contoso.com/etc/place/null/x",
 "GET https://lyncwebext.contoso.com/RequestHandler/ucdevice.upx",
 "GET https://lyncwebext.contoso.com/DeviceUpdateFiles_Ext/a.cab"]
--- error_code eval
[(200) x 5]
--- response_body_like eval
[(qr/\Aexternal https fepool\.contoso\.local/) x 5]



=== TEST 4: and never the Int twins, nor anything else
--- publication eval: "product ocs_2007_r2;\n$::Ocs"
--- request eval
["GET https://lyncwebext.contoso.com/ABS/int/Handler",
 "POST https://lyncwebext.contoso.com/GroupExpansion/INT/service.asmx",
 "GET https://lyncwebext.contoso.com/abs/Ext/../Int/Handler",
 "GET https://lyncwebext.contoso.com/abs/%49nt/Handler",
 "GET https://lyncwebext.contoso.com/abs/handler",
 "GET https://lyncwebext.contoso.com/DeviceUpdateFiles_Int/a.cab",
 "GET https://lyncwebext.contoso.com/ucwa/v1/applications",
 "GET https://lyncwebext.contoso.com/"]
--- error_code eval
[(404) x 8]
--- response_body_unlike eval
[(qr/external|internal/) x 8]



=== TEST 5: OCS, plain HTTP is redirected
--- publication eval: "product ocs_2007_r2;\n$::Ocs"
--- request
GET http://lyncwebext.contoso.com/abs/ext/Handler
--- error_code: 301
--- response_headers
Location: https://lyncwebext.contoso.com/abs/ext/Handler



=== TEST 6: Lync Server 2010 has no UCWA, but the mobility service of its time
--- publication eval: "product lync_2010;\n$::Lync"
--- request eval
["POST https://lyncwebext.contoso.com/Mcx/McxService.svc",
 "GET https://lyncwebext.contoso.com/ucwa/v1/applications",
 "GET https://lyncdiscover.contoso.com/"]
--- error_code eval
[200, 404, 200]



=== TEST 7: Lync Server 2013 has UCWA and the web app
--- publication eval: "product lync_2013;\n$::Lync"
--- request eval
["POST https://lyncwebext.contoso.com/ucwa/v1/applications",
 "GET https://lyncwebext.contoso.com/lwa/WebPages/LwaClient.aspx",
 "POST https://lyncwebext.contoso.com/Mcx/McxService.svc"]
--- error_code eval
[200, 200, 404]



=== TEST 8: the others are like it
--- publication eval: "product sfb_2015;\n$::Lync"
--- request
POST https://lyncwebext.contoso.com/ucwa/v1/applications
--- response_headers
X-Site: external



=== TEST 9: Skype for Business Server 2019
--- publication eval: "product sfb_2019;\n$::Lync"
--- request
POST https://lyncwebext.contoso.com/ucwa/v1/applications
--- response_headers
X-Site: external



=== TEST 10: the Subscription Edition, which is the default
--- publication eval: $::Lync
--- request
POST https://lyncwebext.contoso.com/ucwa/v1/applications
--- response_headers
X-Site: external
