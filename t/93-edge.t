# The edge block: nginx reads it as part of the language, and nothing else happens.

use strict;
use warnings;

use LyncTest::ConfTest;

run_conf_tests();

__DATA__

=== every directive of an edge block
--- more
product ocs_2007_r2;
edge redmond {
    topology               scaled_single_site;
    internal_network       10.0.0.0/8 fd00::/8;
    reverse_proxy          external=203.0.113.10 internal=172.16.0.10;
    access_edge            external=203.0.113.21 internal=172.16.0.21;
    access_edge            vip external=203.0.113.20;
    web_conferencing_edge  external=203.0.113.31 internal=172.16.0.31;
    web_conferencing_edge  vip external=203.0.113.30;
    av_edge                external=203.0.113.41 internal=172.16.0.41;
    av_edge                vip external=203.0.113.40 internal=172.16.0.40;
    next_hop               10.0.0.14;
}
edge dublin {
    topology               multiple_site_remote;
    web_conferencing_edge  external=203.0.113.51 internal=172.16.1.51;
    web_conferencing_edge  external=203.0.113.52 internal=172.16.1.52;
}
--- sip_domain
--- warns


=== one without name or topology: only where the reverse proxy is
--- more
edge {
    reverse_proxy  external=203.0.113.10 internal=172.16.0.10;
}
--- warns


=== an empty one
--- more
edge {
}
--- warns


=== in a file of its own
--- more
include %%DIR%%/edge.conf;
--- file edge.conf
edge {
    topology     consolidated;  # here
    access_edge  vip external=203.0.113.1;
}
--- says
invalid value "vip" in "access_edge" directive of edge: topology consolidated has no load balancers
in %%DIR%%/edge.conf:3

=== a private address where media has to come
--- more
product ocs_2007;
edge {
    topology  consolidated;
    av_edge   external=192.168.1.5;  # here
}
--- sip_domain
--- warns
--- notices
external address "192.168.1.5" of the A/V Edge Server in edge is private: it must be publicly
routable, without NAT in %%HERE%%

=== Edge Servers of a later product, which may be behind NAT
--- more
edge {
    access_edge  external=203.0.113.1 internal=172.16.0.1;
    access_edge  external=203.0.113.2 internal=172.16.0.2;
    av_edge      external=192.168.1.5 internal=172.16.0.1;
}
--- warns


=== an Edge Server with one external address: a port for each service
--- more
edge {
    access_edge            external=203.0.113.1 internal=172.16.0.1 port=5061;
    web_conferencing_edge  external=203.0.113.1 internal=172.16.0.1 port=444;
    av_edge                external=203.0.113.1 internal=172.16.0.1;
}
--- warns


=== two services on one port of an address
--- more
edge {
    access_edge            external=203.0.113.1 port=444;  # first
    web_conferencing_edge  external=203.0.113.1 port=444;  # here
}
--- says
port 444 of "203.0.113.1" in "web_conferencing_edge" directive of edge is taken by "access_edge" at
%%FIRST%%: write another port=N or another address for one of them in %%HERE%%

=== two edge blocks of one site
--- more
edge redmond {  # first
}
edge redmond {  # here
}
--- says
edge "redmond" is duplicate in lync_publish "contoso", the first stands at %%FIRST%%: each site
has a name of its own in %%HERE%%

=== an argument too many
--- more
edge redmond dublin {  # here
}
--- says
invalid number of arguments in "edge" directive of lync_publish "contoso", it is written
"edge [SITE] { ... }" in %%HERE%%
