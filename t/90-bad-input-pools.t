# health_check and resolve_at_start: kinds that don't exist or don't fit, ports, times and counts
# that can't be, and servers whose name nobody resolves.

use strict;
use warnings;

use LyncTest::ConfTest;

my $in_pool = '"health_check" directive of pool "fepool.contoso.local"';
my $kinds   = 'it is "autodiscover", "tcp=PORT" or "off"';
my $port    = 'a port is a number from 1 to 65535, such as tcp=5061';
my $time    = 'a time is written as "960s", "16m" or "1h"';
my $least   = "a second is the least, $time";
my $count   = 'so many checks in a row are a number from 1 to 1000';

# What stands behind health_check, and what is said of it.
my @mistakes = (
    ['http',                       qq{invalid value "http" in $in_pool: $kinds}],
    ['on',                         qq{invalid value "on" in $in_pool: $kinds}],
    ['tcp',                        qq{invalid value "tcp" in $in_pool: $kinds}],
    ['interval=5s',                qq{invalid value "interval=5s" in $in_pool: $kinds}],
    ['""',                         qq{invalid value "" in $in_pool: $kinds}],
    ['discovery',                  qq{invalid value "discovery" in $in_pool: servers of another kind answer it, here $kinds}],
    ['healthcheck',                qq{invalid value "healthcheck" in $in_pool: servers of another kind answer it, here $kinds}],
    (map { [$_,                    qq{invalid value "$_" in $in_pool: $port}] }
        qw(tcp= tcp=0 tcp=65536 tcp=-1 tcp=sip tcp=5061x tcp=99999999999999999999)),
    (map { ["autodiscover $_=0",   qq{invalid value "0" in $in_pool: it can't be zero}],
           ["autodiscover $_=0s",  qq{invalid value "0s" in $in_pool: it can't be zero}],
           ["autodiscover $_=500ms", qq{invalid value "500ms" in $in_pool: $least}],
           ["autodiscover $_=",    qq{invalid value "" in $in_pool: $time}],
           ["autodiscover $_=-5s", qq{invalid value "-5s" in $in_pool: $time}],
           ["autodiscover $_=soon", qq{invalid value "soon" in $in_pool: $time}],
           ["autodiscover $_=2w",  qq{invalid value "2w" in $in_pool: more than a week is a mistake}],
           ["autodiscover $_=2s $_=2s", qq{parameter "$_" is duplicate in $in_pool}] }
        qw(interval timeout)),
    (map { ["autodiscover $_=0",   qq{invalid value "0" in $in_pool: $count}],
           ["autodiscover $_=-1",  qq{invalid value "-1" in $in_pool: $count}],
           ["autodiscover $_=1001", qq{invalid value "1001" in $in_pool: $count}],
           ["autodiscover $_=few", qq{invalid value "few" in $in_pool: $count}],
           ["autodiscover $_=",    qq{invalid value "" in $in_pool: $count}],
           ["autodiscover $_=2 $_=3", qq{parameter "$_" is duplicate in $in_pool}] }
        qw(fails passes)),
    (map { ["autodiscover $_",     qq{invalid parameter "$_" in $in_pool: it may be interval=TIME, timeout=TIME, fails=N or passes=N}] }
        qw(fall=3 interval off tcp=5061 uri=/x)),
    ['autodiscover timeout=10s',   qq{timeout 10s is longer than interval 5s in $in_pool: a check has to end before the next one begins}],
    ['tcp=5061 interval=1s timeout=2s', qq{timeout 2s is longer than interval 1s in $in_pool: a check has to end before the next one begins}],
    ['off interval=5s',            qq{invalid value "off" in $in_pool: it takes no parameters}],
);

my @fine = ('autodiscover', 'off', 'tcp=1', 'tcp=65535', 'tcp=5061 interval=1s timeout=1s',
    'autodiscover interval=1m timeout=1m fails=1000 passes=1000', 'autodiscover timeout=5s');

sub pool {
    my ($line) = @_;
    return "pool fepool.contoso.local {\nexternal_web_services lyncwebext.contoso.com;\n"
        . "server 10.0.0.11;\n$line  # here\n}\n";
}

my @rows = (
    (map { {
        title => "health_check $_->[0]",
        pool  => pool("health_check $_->[0];"),
        says  => "$_->[1] in %%HERE%%",
    } } @mistakes),
    (map { { title => "health_check $_", pool => pool("health_check $_;"), warns => '' } } @fine),
);

run_conf_tests(@rows);

__DATA__

# --- where it may stand, and how often

=== health_check without anything
--- pool
pool fepool.contoso.local {
    server                 10.0.0.11;
    external_web_services  lyncwebext.contoso.com;
    health_check;    # here
}
--- says
invalid number of arguments in "health_check" directive of pool "fepool.contoso.local", it is written
"health_check autodiscover|discovery|healthcheck|tcp=PORT|off [interval=TIME] [timeout=TIME]
[fails=N] [passes=N]" in %%HERE%%

=== health_check twice
--- pool
pool fepool.contoso.local {
    server                 10.0.0.11;
    external_web_services  lyncwebext.contoso.com;
    health_check           off;             # first
    health_check           autodiscover;    # here
}
--- says
"health_check" directive is duplicate in pool "fepool.contoso.local", the first stands at
%%FIRST%% in %%HERE%%

=== health_check outside of a pool
--- more
health_check off;    # here
--- says
"health_check" directive is not allowed in lync_publish "contoso", it belongs into a
pool, director, office_web_apps or exchange block in %%HERE%%

# --- what doesn't fit

=== autodiscover of Exchange
--- more
exchange mail.contoso.com {
    server        10.0.0.15;
    health_check  autodiscover;    # here
}
--- says
invalid value "autodiscover" in "health_check" directive of exchange "mail.contoso.com": servers of
another kind answer it, here it is "healthcheck", "tcp=PORT" or "off" in %%HERE%%

=== autodiscover of Office Web Apps
--- more
office_web_apps wacext.contoso.com {
    server        10.0.0.14;
    health_check  autodiscover;    # here
}
--- says
invalid value "autodiscover" in "health_check" directive of office_web_apps "wacext.contoso.com":
servers of another kind answer it, here it is "discovery", "tcp=PORT" or "off" in %%HERE%%

=== autodiscover of Office Communications Server
--- sip_domain
product ocs_2007_r2;
--- pool
pool fepool.contoso.local {
    server                 10.0.0.11;
    external_web_services  lyncwebext.contoso.com;
    health_check           autodiscover;    # here
}
--- says
invalid value "autodiscover" in "health_check" directive of pool "fepool.contoso.local": product
ocs_2007_r2 has no autodiscover, it is "tcp=PORT" or "off" in %%HERE%%

# --- servers given by name

=== resolve_at_start is on or off
--- more
resolve_at_start later;    # here
--- says
invalid value "later" in "resolve_at_start" directive of lync_publish "contoso": it is "on" or "off"
in %%HERE%%

=== a server that doesn't resolve
--- pool
pool fepool.contoso.local {
    external_web_services  lyncwebext.contoso.com;
    server                 10.0.0.11;
    server                 fe02.contoso.invalid;    # here
}
--- says
host not found in upstream "fe02.contoso.invalid:4443": see to it that the name resolves, write the
server's address, or "resolve_at_start off" if nginx has to start without DNS in %%HERE%%

=== a server that doesn't resolve and needn't
--- pool
resolve_at_start off;
pool fepool.contoso.local {
    external_web_services  lyncwebext.contoso.com;
    server                 10.0.0.11;
    server                 fe02.contoso.invalid;    # here
}
--- warns
lync_dns: server "fe02.contoso.invalid" can't be resolved yet (Name or service not known), it takes no
requests until it is in %%HERE%%

=== of which both ports are asked: one warning all the same
--- pool
resolve_at_start off;
http_autodiscover on;
pool fepool.contoso.local {
    external_web_services  lyncwebext.contoso.com;
    server                 fe02.contoso.invalid;    # here
}
--- warns
lync_dns: server "fe02.contoso.invalid" can't be resolved yet (Name or service not known), it takes no
requests until it is in %%HERE%%

=== nor one that stands for the whole pool
--- pool
resolve_at_start off;
pool fepool.contoso.invalid {    # here
    external_web_services  lyncwebext.contoso.com;
}
--- warns
lync_dns: server "fepool.contoso.invalid" can't be resolved yet (Name or service not known), it takes
no requests until it is in %%HERE%%

=== addresses need no DNS
--- pool
resolve_at_start off;
pool fepool.contoso.local {
    external_web_services  lyncwebext.contoso.com;
    server                 10.0.0.11;
    server                 [2001:db8::11];
}
--- warns

# --- the internal web site

=== Office Web Apps on a server of the pool
--- more
office_web_apps wacext.contoso.com {
    server            10.0.0.14;
    server            10.0.0.11;    # here
}
--- pool
pool fepool.contoso.local {  # pool
    external_web_services lyncwebext.contoso.com;
    server 10.0.0.11;
}
--- says
server "10.0.0.11" of office_web_apps "wacext.contoso.com" in lync_publish "contoso" is that of a
server of pool "fepool.contoso.local" at %%POOL%%, whose external web site has port 4443: port 443
would publish its internal web site, write the addresses of the farm's own servers in %%HERE%%

=== Exchange under a pool's own name
--- more
exchange mail.contoso.com {    # here
    server            10.0.0.15;
    certificate_name  fepool.contoso.local;
}
--- pool
pool fepool.contoso.local {  # pool
    external_web_services lyncwebext.contoso.com;
    server 10.0.0.11;
}
--- says
certificate_name "fepool.contoso.local" of exchange "mail.contoso.com" in lync_publish "contoso" is
that of pool "fepool.contoso.local" at %%POOL%%, whose external web site has port 4443: port 443
would publish its internal web site, write the name that the farm's own servers have in their
certificate in %%HERE%%

=== Exchange on a balancer's port of its own
--- more
exchange mail.contoso.com {
    server           10.0.0.11;
    listening_ports  https=4443;
}
--- pool
pool fepool.contoso.local {
    external_web_services lyncwebext.contoso.com;
    server 10.0.0.11;
}
--- warns
