# Servers and their ports: addresses that aren't, parameters, the listening ports of the external
# web site, and a server whose name nobody resolves.

use strict;
use warnings;

use LyncTest::ConfTest;

# Addresses of a server, and why they are refused.
my @addresses = (
    ['10.0.0.11:4443', 'it has a port: write the address only, ports come from listening_ports'],
    ['fe01.contoso.local:443',
        'it has a port: write the address only, ports come from listening_ports'],
    ['[2001:db8::11]:4443',
        'it has a port: write the address only, ports come from listening_ports'],
    ['2001:db8::11', 'an IPv6 address stands in brackets: write [2001:db8::11]'],
    ['[2001:db8::11', 'there is no valid IPv6 address between its brackets'],
    ['[10.0.0.11]', 'there is no valid IPv6 address between its brackets'],
    ['10.0.0.256', 'it ends in the number "256", so it is neither a name nor a valid IPv4 address'],
    ['10.0.0', 'it ends in the number "0", so it is neither a name nor a valid IPv4 address'],
    ['10.0.0.0/24', 'it contains "/": write the one address of the server'],
    ['0.0.0.0', 'it means any address: write the one address of the server'],
    ['[::]', 'it means any address: write the one address of the server'],
    ['https://10.0.0.11', 'it is a URL: write the address or the host name only'],
    ['unix:/run/fe.sock', 'it is a UNIX domain socket: servers are reached by TCP, write an address '
        . 'or a host name'],
    ['$server', 'it contains "$": a name is made of letters, digits, "-" and "."'],
    ['""', 'it is empty: write an IPv4 address, an IPv6 address in brackets, or a host name', ''],
);

# Parameters of a server that can't be.
my @parameters = qw(weight backup=1
    port=4443 resolve slowstart=30s slow_start route=a 4443);


# And numbers of one that can't be.
my %numbers = (
    (map { ("weight=$_" => 'weight is a number from 1 to 1000000') } qw(0 -1 1000001 many), ''),
    'max_conns=-1' => 'max_conns is a number from 0 to 1000000',
    'max_fails=x'  => 'max_fails is a number from 0 to 1000000',
);

my @rows;
for my $address (@addresses) {
    my ($written, $why, $shown) = @$address;
    $shown //= $written;
    push @rows, {
        title => "server $written",
        pool  => "pool fepool.contoso.local {\nexternal_web_services lyncwebext.contoso.com;\n"
               . "server $written;  # here\n}\n",
        says  => "invalid address \"$shown\" in \"server\" directive of pool"
               . " \"fepool.contoso.local\": $why in %%HERE%%",
    };
}
for my $parameter (@parameters) {
    push @rows, {
        title => "server 10.0.0.11 $parameter",
        pool  => "pool fepool.contoso.local {\nexternal_web_services lyncwebext.contoso.com;\n"
               . "server 10.0.0.11 $parameter;  # here\n}\n",
        says  => "invalid parameter \"$parameter\" in \"server\" directive of pool"
               . ' "fepool.contoso.local": it may be weight=N, max_conns=N, max_fails=N,'
               . ' fail_timeout=TIME, slow_start=TIME, backup or down in %%HERE%%',
    };
}

for my $parameter (sort keys %numbers) {
    push @rows, {
        title => "server 10.0.0.11 $parameter",
        pool  => "pool fepool.contoso.local {\nexternal_web_services lyncwebext.contoso.com;\n"
               . "server 10.0.0.11 $parameter;  # here\n}\n",
        says  => "invalid parameter \"$parameter\" in \"server\" directive of pool"
               . " \"fepool.contoso.local\": $numbers{$parameter} in %%HERE%%",
    };
}

run_conf_tests(@rows);

__DATA__

=== every parameter of a server is right
--- pool
pool fepool.contoso.local {
    external_web_services lyncwebext.contoso.com;
    server 10.0.0.11 weight=5 max_conns=100 max_fails=2 fail_timeout=1m slow_start=2m;
    server [2001:DB8::12] down;
    server 127.0.0.1 backup;
}
--- warns

=== fail_timeout isn't a time
--- pool
pool fepool.contoso.local {
    external_web_services lyncwebext.contoso.com;
    server 10.0.0.11 fail_timeout=soon;  # here
}
--- says
invalid value "soon" in "server" directive of pool "fepool.contoso.local": a time is written as
"960s", "16m" or "1h" in %%HERE%%

=== a parameter twice
--- pool
pool fepool.contoso.local {
    external_web_services lyncwebext.contoso.com;
    server 10.0.0.11 weight=5 weight=6;  # here
}
--- says
parameter "weight" is duplicate in "server" directive of pool "fepool.contoso.local" in %%HERE%%

=== a server twice
--- pool
pool fepool.contoso.local {
    external_web_services lyncwebext.contoso.com;
    server [2001:db8::11];      # first
    server [2001:DB8:0:0::11];  # here
}
--- says
server "[2001:db8::11]" is duplicate in pool "fepool.contoso.local", the first stands at %%FIRST%%
in %%HERE%%

=== nothing but backups
--- pool
pool fepool.contoso.local {
    external_web_services lyncwebext.contoso.com;
    server 10.0.0.11 backup;  # here
    server 10.0.0.12 backup;
}
--- says
every "server" of pool "fepool.contoso.local" is a backup: at least one must not be in %%HERE%%

=== nothing but servers that are down
--- pool
pool fepool.contoso.local {
    external_web_services lyncwebext.contoso.com;
    server 10.0.0.11 down;  # here
    server 10.0.0.12 down backup;
}
--- warns
every "server" of pool "fepool.contoso.local" is down: all its clients get 503 until "down" is taken
away in %%HERE%%

=== a backup is left
--- pool
pool fepool.contoso.local {
    external_web_services lyncwebext.contoso.com;
    server 10.0.0.11 down;
    server 10.0.0.12 backup;
}
--- warns

=== slow_start without a time
--- pool
pool fepool.contoso.local {
    external_web_services lyncwebext.contoso.com;
    server 10.0.0.11 slow_start=;  # here
}
--- says
invalid value "" in "server" directive of pool "fepool.contoso.local": a time is written as "960s",
"16m" or "1h" in %%HERE%%

=== a server of a farm with a port
--- more
office_web_apps wacext.contoso.com {
    server 10.0.0.14:443;  # here
}
--- says
invalid address "10.0.0.14:443" in "server" directive of office_web_apps "wacext.contoso.com": it
has a port: write the address only, ports come from listening_ports in %%HERE%%


# --- names that nobody resolves

=== a server whose name doesn't resolve
--- pool
pool fepool.contoso.local {
    external_web_services lyncwebext.contoso.com;
    server 10.0.0.11;
    server fe02.contoso.invalid;  # here
}
--- says
host not found in upstream "fe02.contoso.invalid:4443": see to it that the name resolves, write the server's address, or "resolve_at_start off" if nginx has to start without DNS in %%HERE%%

=== a pool without a server whose own name doesn't resolve
--- pool
pool fepool.contoso.invalid {  # here
    external_web_services lyncwebext.contoso.com;
}
--- says
host not found in upstream "fepool.contoso.invalid:4443": see to it that the name resolves, write the server's address, or "resolve_at_start off" if nginx has to start without DNS in %%HERE%%

=== a server in an included file whose name doesn't resolve
--- pool
pool fepool.contoso.local {
    external_web_services lyncwebext.contoso.com;
    include servers.conf;
}
--- file servers.conf
server 10.0.0.11;
server fe02.contoso.invalid;  # here
--- says
host not found in upstream "fe02.contoso.invalid:4443": see to it that the name resolves, write the server's address, or "resolve_at_start off" if nginx has to start without DNS in %%HERE%%


# --- listening ports

=== listening_ports that aren't named
--- pool
pool fepool.contoso.local {
    external_web_services lyncwebext.contoso.com;
    listening_ports 8080 4443;  # here
}
--- says
invalid parameter "8080" in "listening_ports" directive of pool "fepool.contoso.local": it is
written "listening_ports http=8080 https=4443" in %%HERE%%

=== a listening port that is too high
--- pool
pool fepool.contoso.local {
    external_web_services lyncwebext.contoso.com;
    listening_ports https=70000;  # here
}
--- says
invalid value "https=70000" in "listening_ports" directive of pool "fepool.contoso.local": a port is
a number from 1 to 65535 in %%HERE%%

=== a listening port that is no number
--- pool
pool fepool.contoso.local {
    external_web_services lyncwebext.contoso.com;
    listening_ports https=4443s;  # here
}
--- says
invalid value "https=4443s" in "listening_ports" directive of pool "fepool.contoso.local": a port is
a number from 1 to 65535 in %%HERE%%

=== a listening port twice
--- pool
pool fepool.contoso.local {
    external_web_services lyncwebext.contoso.com;
    listening_ports https=4443 https=4444;  # here
}
--- says
parameter "https" is duplicate in "listening_ports" directive of pool "fepool.contoso.local" in
%%HERE%%

=== the same port for http and https
--- pool
pool fepool.contoso.local {
    external_web_services lyncwebext.contoso.com;
    listening_ports http=4443;  # here
}
--- says
http and https are both port 4443 in "listening_ports" directive of pool "fepool.contoso.local":
Topology Builder lists two listening ports for the external web site in %%HERE%%

=== an http port of an Office Web Apps farm
--- more
office_web_apps wacext.contoso.com {
    server 10.0.0.14;
    listening_ports http=80 https=443;  # here
}
--- says
invalid parameter "http=80" in "listening_ports" directive of office_web_apps "wacext.contoso.com":
it is written "listening_ports https=443" in %%HERE%%

=== port 80 for https of an Office Web Apps farm
--- more
office_web_apps wacext.contoso.com {
    server 10.0.0.14;
    listening_ports https=80;
}
--- warns

=== the ports of the internal web site
--- pool
pool fepool.contoso.local {
    external_web_services lyncwebext.contoso.com;
    server 10.0.0.11;
    listening_ports https=443;  # here
}
--- warns
"listening_ports" of pool "fepool.contoso.local" names port 443, which is the internal web site's by
default: write the listening ports of the external web site, 8080 and 4443 by default in %%HERE%%

=== the http port of a Director's internal web site
--- more
director dirpool.contoso.local {
    external_web_services dirwebext.contoso.com;
    server 10.0.0.13;
    listening_ports http=80;  # here
}
--- warns
"listening_ports" of director "dirpool.contoso.local" names port 80, which is the internal web
site's by default: write the listening ports of the external web site, 8080 and 4443 by default in
%%HERE%%

=== affinity of an unknown kind
--- pool
pool fepool.contoso.local {
    external_web_services lyncwebext.contoso.com;
    server 10.0.0.11;
    server 10.0.0.12;
    affinity ip_hash;  # here
}
--- says
invalid value "ip_hash" in "affinity" directive of pool "fepool.contoso.local": it is "none",
"source" or "cookie" in %%HERE%%

=== affinity of a pool with one server
--- pool
pool fepool.contoso.local {
    external_web_services lyncwebext.contoso.com;
    server 10.0.0.11;
    affinity cookie;
}
--- warns
