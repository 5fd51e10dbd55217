# What a load costs grows with what is declared, not with its square: 3,000 of each fit into memory
# that a copy of all rules in each host would be far beyond.

use strict;
use warnings;

use Test::More;

use File::Path qw(remove_tree);
use LyncTest::Nginx;
use LyncTest::Paths;

my $count  = 3000;
my $memory = 800;    # MB that nginx -t may take; a copy of all rules in each host takes 1,900
my $time   = 30;     # seconds of CPU

my $root = "$LyncTest::Paths::RUN/t/many_$$";

sub load {
    my (%given) = @_;
    my $domains = join "\n", @{ $given{domains} // ['contoso.com'] };
    my $servers = join "\n", map { "server $_;" } @{ $given{servers} // ['127.0.0.11'] };
    my $more    = join "\n", @{ $given{more} // [] };
    my ($status, $said) = LyncTest::Nginx::try($root, '-t', <<"END", limits => "prlimit --as=@{[$memory << 20]} --cpu=$time");
    lync_publish many {
        http_listen     127.0.0.1:18080;
        https_listen    127.0.0.1:18443;
        sip_domain      $domains;
        certificate     $LyncTest::Paths::PKI/wildcard.pem $LyncTest::Paths::PKI/wildcard.key;
        backend_verify  off;
        pool fepool.contoso.local {
            external_web_services  lyncwebext.contoso.com;
            $servers
        }
        $more
    }
END
    return $status == 0 ? 'fine' : substr $said, -300;
}

my @each = 1 .. $count;
is(load(domains => [map { "d$_.contoso.com" } @each]), 'fine', 'SIP domains');
is(load(servers => [map { '10.0.' . int($_ / 250) . '.' . $_ % 250 } @each]), 'fine', 'servers of a pool');
is(load(more => [map { "simple_url meet https://meet$_.contoso.com/m$_;" } @each]), 'fine',
    'meet URLs with hosts and rules of their own');
is(load(more => [map { "simple_url meet https://meet.contoso.com/m$_;" } @each]), 'fine', 'meet URLs of a host');
is(load(more => [map {
    "pool p$_.contoso.local { external_web_services web$_.contoso.com; server 127.0.0.12; }"
} @each]), 'fine', 'pools');

remove_tree($root);
done_testing();
