# Servers, their ports and health checks: addresses that aren't, parameters, the listening ports of
# the external web site, kinds of checks that don't fit, and a server whose name nobody resolves.
# How an address is read, case by case, is in t/unit/names_test.cpp.

use strict;
use warnings;

use LyncTest::ConfTest;

run_conf_tests();

__DATA__

=== an address that is none
--- refused: in pool
server 10.0.0.11:4443;                     | invalid address "10.0.0.11:4443" in "server" directive of pool "fepool.contoso.local": it has a port
server fe01.contoso.local:443;             | it has a port
server [2001:db8::11]:4443;                | it has a port
server 2001:db8::11;                       | write [2001:db8::11]
server [2001:db8::11;                      | no valid IPv6 address
server [10.0.0.11];                        | no valid IPv6 address
server 10.0.0.256;                         | ends in the number "256"
server 10.0.0;                             | ends in the number "0"
server 10.0.0.0/24;                        | contains "/"
server 0.0.0.0;                            | any address
server [::];                               | any address
server https://10.0.0.11;                  | a URL
server unix:/run/fe.sock;                  | a UNIX domain socket
server $server;                            | contains "$"
server "";                                 | invalid address "" ... empty
computer 10.0.0.14:4443;                   | invalid value "10.0.0.14:4443" in "computer" directive of pool "fepool.contoso.local": it has a port
computer 10.0.0.14 10.0.0.256;             | invalid value "10.0.0.256" in "computer" directive

=== parameters of a server
--- refused: in pool
server 10.0.0.11 weight;                   | invalid parameter "weight" in "server" directive of pool "fepool.contoso.local": it may be name=NAME, weight=N, max_conns=N, max_fails=N, fail_timeout=TIME, slow_start=TIME, backup or down
server 10.0.0.11 backup=1;                 | invalid parameter "backup=1" ... it may be
server 10.0.0.11 port=4443;                | invalid parameter "port=4443" ... it may be
server 10.0.0.11 resolve;                  | invalid parameter "resolve" ... it may be
server 10.0.0.11 slowstart=30s;            | invalid parameter "slowstart=30s" ... it may be
server 10.0.0.11 slow_start;               | invalid parameter "slow_start" ... it may be
server 10.0.0.11 route=a;                  | invalid parameter "route=a" ... it may be
server 10.0.0.11 4443;                     | invalid parameter "4443" ... it may be
server 10.0.0.11 weight=0;                 | invalid parameter "weight=0" ... weight is a number from 1
server 10.0.0.11 weight=-1;                | weight is a number from 1
server 10.0.0.11 weight=1000001;           | weight is a number from 1 to 1000000
server 10.0.0.11 weight=many;              | weight is a number
server 10.0.0.11 max_conns=-1;             | max_conns is a number from 0 to 1000000
server 10.0.0.11 max_fails=x;              | max_fails is a number from 0 to 1000000
server 10.0.0.11 name=;                    | invalid parameter "name=" in "server" directive ... a name is up to 63 letters, digits, ".", "_" and "-"
server 10.0.0.11 name=pool/fe1;            | a name is up to 63
server 10.0.0.11 name=-fe1;                | a name is up to 63 ... and begins with a letter or digit
server 10.0.0.11 name=f%C3%A9;             | a name is up to 63
server 10.0.0.11 name=[::1];               | a name is up to 63
server 10.0.0.11 name=%%f*64%%;            | a name is up to 63
server 10.0.0.11 name;                     | invalid parameter "name" ... it may be
server 10.0.0.11 fail_timeout=soon;        | invalid value "soon" in "server" directive ... a time is written
server 10.0.0.11 slow_start=;              | invalid value "" ... a time is written
server 10.0.0.11 weight=5 weight=6;        | parameter "weight" is duplicate in "server" directive of pool "fepool.contoso.local"

=== servers beside each other
--- refused: in pool
server [2001:db8::11];                     # first
server [2001:DB8:0:0::11];                 | server "[2001:db8::11]" is duplicate in pool "fepool.contoso.local", the first stands at %%FIRST%%
server 10.0.0.11 name=fe1;                 # first
server 10.0.0.12 name=FE1;                 | server "FE1" is duplicate in pool "fepool.contoso.local", the first stands at %%FIRST%%
server 10.0.0.11 name=10.0.0.12;           # first
server 10.0.0.12;                          | server "10.0.0.12" is duplicate ... the first stands at %%FIRST%%
server 10.0.0.11 backup;                   # here
server 10.0.0.12 backup;                   | every "server" of pool "fepool.contoso.local" is a backup

=== a server of a farm with a port
--- refused: in office_web_apps
server 10.0.0.14:443;                      | invalid address "10.0.0.14:443" in "server" directive of office_web_apps "wacext.contoso.com"

=== servers that are right, or nearly
--- accepted: in pool
server 10.0.0.11 weight=5 max_conns=100 max_fails=2 fail_timeout=1m slow_start=2m;
server [2001:DB8::12] down;
server 127.0.0.1 backup;                   |
server 10.0.0.11 down;                     # here
server 10.0.0.12 down backup;              | every "server" of pool "fepool.contoso.local" is down: all its clients get 503 until "down" is taken away
server 10.0.0.11 down;
server 10.0.0.12 backup;                   |
server 10.0.0.11 name=fe1.contoso.local;
server 127.0.0.1 name=127.0.0.1 weight=2;
server [2001:db8::13] name=%%f*63%%;       |

# --- names that nobody resolves

=== a server whose name doesn't resolve
--- pool
pool fepool.contoso.local {
    external_web_services lyncwebext.contoso.com;
    server 10.0.0.11;
    server fe02.contoso.invalid;  # here
}
--- says
host not found in upstream "fe02.contoso.invalid:4443": make the name resolve, write the
server's address, or "resolve_at_start off" if nginx has to start without DNS in %%HERE%%

=== a server in an included file whose name doesn't resolve
--- file servers.conf
server 10.0.0.11;
server fe02.contoso.invalid;  # file
--- refused: in pool
include servers.conf;                      | host not found in upstream "fe02.contoso.invalid:4443" in %%FILE%%

=== a pool without a server whose own name doesn't resolve
--- refused: pool
pool fepool.contoso.invalid { external_web_services lyncwebext.contoso.com; } | host not found in upstream "fepool.contoso.invalid:4443"

=== resolve_at_start off: a warning for each server, however many ports are asked
--- more
resolve_at_start off;
http_autodiscover on;
--- accepted: pool
pool fepool.contoso.local { external_web_services lyncwebext.contoso.com; server 10.0.0.11; server fe02.contoso.invalid; } | lync_dns: server "fe02.contoso.invalid" can't be resolved yet (Name or service not known), it takes no requests until it is
pool fepool.contoso.local { external_web_services lyncwebext.contoso.com; server fe02.contoso.invalid; } | server "fe02.contoso.invalid" can't be resolved yet
pool fepool.contoso.invalid { external_web_services lyncwebext.contoso.com; } | server "fepool.contoso.invalid" can't be resolved yet
pool fepool.contoso.local { external_web_services lyncwebext.contoso.com; server 10.0.0.11; server [2001:db8::11]; } |

=== resolve_at_start is on or off
--- refused: more
resolve_at_start later;                    | invalid value "later" in "resolve_at_start" directive ... "on" or "off"

# --- listening ports

=== listening ports
--- refused: in pool
listening_ports 8080 4443;                 | invalid parameter "8080" in "listening_ports" directive ... it is written
listening_ports https=70000;               | invalid value "https=70000" ... from 1 to 65535
listening_ports https=4443s;               | invalid value "https=4443s" ... from 1 to 65535
listening_ports https=4443 https=4444;     | parameter "https" is duplicate
listening_ports http=4443;                 | http and https are both port 4443
affinity ip_hash;                          | invalid value "ip_hash" in "affinity" directive ... "none", "source" or "cookie"

=== listening ports of Office Web Apps
--- refused: in office_web_apps
listening_ports http=80 https=443;         | invalid parameter "http=80" ... "listening_ports https=443"

=== port 80 for https of an Office Web Apps farm
--- accepted: in office_web_apps
listening_ports https=80;                  |

=== the ports of the internal web site, and affinity of one server
--- accepted: in pool
server 10.0.0.11;
listening_ports https=443;                 | "listening_ports" of pool "fepool.contoso.local" names port 443, which is the internal web site's
server 10.0.0.11;
affinity cookie;                           |

=== the http port of a Director's internal web site
--- accepted: in director
server 10.0.0.13;
listening_ports http=80;                   | "listening_ports" of director "dirpool.contoso.local" names port 80

# --- the internal web site, under the names of a farm

=== Office Web Apps on a server of the pool
--- refused: more
office_web_apps wacext.contoso.com {
    server            10.0.0.14;
    server            10.0.0.11;           # here
}                                          | server "10.0.0.11" of office_web_apps "wacext.contoso.com" ... that of a server of pool "fepool.contoso.local" ... port 443
exchange mail.contoso.com {                # here
    server            10.0.0.15;
    certificate_name  fepool.contoso.local;
}                                          | certificate_name "fepool.contoso.local" of exchange "mail.contoso.com" ... that of pool "fepool.contoso.local"

=== Exchange on a balancer's port of its own
--- accepted: more
exchange mail.contoso.com { server 10.0.0.11; listening_ports https=4443; } |

# --- health checks

=== health_check
--- refused: in pool
health_check http;                         | invalid value "http" in "health_check" directive of pool "fepool.contoso.local": it is "autodiscover", "tcp=PORT" or "off"
health_check on;                           | invalid value "on" ... it is "autodiscover"
health_check tcp;                          | invalid value "tcp" ... it is "autodiscover"
health_check interval=5s;                  | invalid value "interval=5s" ... it is "autodiscover"
health_check "";                           | invalid value "" ... it is "autodiscover"
health_check discovery;                    | invalid value "discovery" ... servers of another kind answer it, here it is "autodiscover", "tcp=PORT" or "off"
health_check healthcheck;                  | invalid value "healthcheck" ... servers of another kind answer it
health_check tcp=;                         | invalid value "tcp=" ... a port is a number
health_check tcp=0;                        | a port is a number
health_check tcp=65536;                    | a port is a number from 1 to 65535
health_check tcp=-1;                       | a port is a number
health_check tcp=sip;                      | a port is a number
health_check tcp=5061x;                    | a port is a number
health_check tcp=99999999999999999999;     | a port is a number
health_check autodiscover interval=0;      | invalid value "0" ... can't be zero
health_check autodiscover timeout=0s;      | invalid value "0s" ... can't be zero
health_check autodiscover interval=500ms;  | invalid value "500ms" ... a second is the least
health_check autodiscover timeout=;        | invalid value "" ... a time is written
health_check autodiscover interval=-5s;    | invalid value "-5s" ... a time is written
health_check autodiscover timeout=soon;    | invalid value "soon" ... a time is written
health_check autodiscover interval=2w;     | invalid value "2w" ... more than a week
health_check autodiscover interval=2s interval=2s;  | parameter "interval" is duplicate
health_check autodiscover timeout=2s timeout=2s;    | parameter "timeout" is duplicate
health_check autodiscover fails=0;         | invalid value "0" ... so many checks in a row are a number from 1 to 1000
health_check autodiscover passes=-1;       | invalid value "-1" ... a number from 1 to 1000
health_check autodiscover fails=1001;      | invalid value "1001" ... a number from 1 to 1000
health_check autodiscover passes=few;      | invalid value "few" ... a number from 1 to 1000
health_check autodiscover fails=;          | invalid value "" ... a number from 1 to 1000
health_check autodiscover fails=2 fails=3; | parameter "fails" is duplicate
health_check autodiscover passes=2 passes=3;        | parameter "passes" is duplicate
health_check autodiscover fall=3;          | invalid parameter "fall=3" ... it may be interval=TIME, timeout=TIME, fails=N or passes=N
health_check autodiscover interval;        | invalid parameter "interval" ... it may be interval=TIME
health_check autodiscover off;             | invalid parameter "off" ... it may be interval=TIME
health_check autodiscover tcp=5061;        | invalid parameter "tcp=5061" ... it may be interval=TIME
health_check autodiscover uri=/x;          | invalid parameter "uri=/x" ... it may be interval=TIME
health_check autodiscover timeout=10s;     | timeout 10s is longer than interval 5s in "health_check" directive of pool "fepool.contoso.local": a check has to end before the next one begins
health_check tcp=5061 interval=1s timeout=2s;       | timeout 2s is longer than interval 1s
health_check off interval=5s;              | invalid value "off" ... it takes no parameters

=== health_check of Exchange
--- refused: in exchange
health_check autodiscover;                 | exchange "mail.contoso.com": servers of another kind answer it, here it is "healthcheck"

=== health_check of Office Web Apps
--- refused: in office_web_apps
health_check autodiscover;                 | office_web_apps "wacext.contoso.com": servers of another kind answer it, here it is "discovery"

=== health_check of Office Communications Server
--- sip_domain
product ocs_2007_r2;
--- refused: in pool
health_check autodiscover;                 | product ocs_2007_r2 has no autodiscover

=== health_check that is right
--- accepted: in pool
server 10.0.0.11; health_check autodiscover;            |
server 10.0.0.11; health_check off;                     |
server 10.0.0.11; health_check tcp=1;                   |
server 10.0.0.11; health_check tcp=65535;               |
server 10.0.0.11; health_check tcp=5061 interval=1s timeout=1s;  |
server 10.0.0.11; health_check autodiscover interval=1m timeout=1m fails=1000 passes=1000;  |
server 10.0.0.11; health_check autodiscover timeout=5s; |
