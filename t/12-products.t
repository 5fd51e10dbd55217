# What `product` decides: ports, paths, and whether lyncdiscover exists.

use LyncTest;

run_suite(publication => "%%CERTIFICATE%%\n%%TRUSTED_CA%%\n%%POOL%%\n");

__DATA__

=== OCS 2007 R2, 443 to 443, and no lyncdiscover
--- publication
    product  ocs_2007_r2;
    %%CERTIFICATE%%
    %%TRUSTED_CA%%
    pool fepool.contoso.local { server 10.0.0.11; external_web_services lyncwebext.contoso.com; }
--- nginx_T
server 10.0.0.11:443;
--- nginx_T_unlike: lyncdiscover|:4443|:8080|10\.0\.0\.11:80

=== OCS has one web site, which tells inside from outside by path: the Ext paths and the meeting content
--- more: product ocs_2007_r2;
--- asks
GET https://lyncwebext.contoso.com/ABS/ext/Handler                  -> external https fepool.contoso.local
POST https://lyncwebext.contoso.com/GroupExpansion/Ext/service.asmx -> external https fepool.contoso.local
GET http://lyncwebext.contoso.com/abs/ext/Handler                   -> 301 https://lyncwebext.contoso.com/abs/ext/Handler
GET https://lyncwebext.contoso.com/ABS/int/Handler                  -> 404
POST https://lyncwebext.contoso.com/GroupExpansion/INT/service.asmx -> 404
GET https://lyncwebext.contoso.com/abs/Ext/../Int/Handler           -> 404
GET https://lyncwebext.contoso.com/abs/handler                      -> 404
GET https://lyncwebext.contoso.com/ucwa/v1/applications             -> 404
GET https://lyncwebext.contoso.com/                                 -> 404

=== Lync Server 2010 has no UCWA, but the mobility service of its time
--- more: product lync_2010; sip_domain contoso.com;
--- asks
POST https://lyncwebext.contoso.com/Mcx/McxService.svc   -> external
GET https://lyncwebext.contoso.com/ucwa/v1/applications  -> 404
GET https://lyncdiscover.contoso.com/                    -> external
