# Nothing ever reaches the internal web site of a pool, whatever name, path and method one tries: a
# sweep over all combinations. The stand-in has the internal sites on the same addresses as the
# external ones, and each says which it is.

use LyncTest;
use LyncTest::Scene;

my @published = qw(
    lyncwebext.contoso.com dirwebext.contoso.com lyncdiscover.contoso.com meet.contoso.com
    lync.contoso.com
);

my @hosts = (@published, qw(
    fepool.contoso.local dirpool.contoso.local lyncdiscoverinternal.contoso.com admin.contoso.com
    127.0.0.11 127.0.0.1 localhost lyncwebext.contoso.com.:443 LYNCWEBEXT.CONTOSO.COM
    lyncwebext.contoso.com:4443 lyncwebext.contoso.com@fepool.contoso.local xlyncwebext.contoso.com
), '[::1]', '_', '', '.', 'lyncwebext.contoso.com, fepool.contoso.local');

my @paths = qw(
    / /meet /abs/handler /autodiscover/autodiscoverservice.svc/root /webticket/webticketservice.svc
    /cscp/ /Cscp /%63scp /cscp%2f /x/..%5ccscp /x/..%2fcscp /meet/../cscp //cscp /./cscp /cscp;a /cscp::$DATA
    /ocspowershell /rgsconfig /abs/int/handler /Admin
    /abs/handler/web.config /macp/%2e%2e/cscp /%c0%afcscp /cscp%00 /%2563scp
    http://fepool.contoso.local/cscp https://lyncwebext.contoso.com:443/ *
);

# What is closed on every host, in whichever spelling.
my $closed = qr{^(?:/(?:[Cc]|%63)scp|/x/\.\.%5c|/meet/\.\.|//|/\./|/ocspowershell|/rgsconfig|/abs/int|.*web\.config|/Admin)};

sub sweep {
    my ($scheme, @names) = @_;
    my $secure = $scheme eq 'https';
    my (%site, @internal, @open, $client);

    for my $host (@names) {
        for my $path (@paths) {
            for my $method ($path eq '/' ? qw(GET POST OPTIONS) : 'GET') {
                $client = client("$scheme://lyncwebext.contoso.com") if !$client;
                $client->write("$method $path HTTP/1.1\r\nHost: $host\r\nContent-Length: 0\r\n\r\n");
                my $answer = eval { $client->answer };
                my $site = $answer ? $answer->one('X-Site') // $answer->{status} : 'closed';
                $site{$site}++;
                my $what = "$method $path of \"$host\" over $scheme: $site";
                push @internal, $what if $site eq 'internal'
                    || $answer && $answer->{body} =~ /internal http/;
                push @open, $what if $site eq 'external' && ($path =~ $closed
                    || $scheme eq 'http' && $host !~ /^lyncdiscover\./i);
                undef $client if !$answer || lc($answer->one('Connection') // '') eq 'close';
            }
        }
    }
    is(join("\n", @internal), '', "$scheme: no internal web site");
    is(join("\n", @open), '', "$scheme: nothing that is closed");
    cmp_ok($site{external} // 0, '>', $secure ? 20 : 1, "$scheme: the sweep isn't idle");
    note(join ', ', map { "$_ $site{$_}" } sort keys %site);
}

scene "over $_", timeout => 60, sub { sweep($_[0]->name =~ /over (\w+)/, @hosts) } for qw(https http);

run_suite(publication => <<'END');
%%STANDARD%%
    http_autodiscover  on;
    director dirpool.contoso.local {
        server                 127.0.0.13;
        external_web_services  dirwebext.contoso.com;
        %%PORTS%%
    }
    simple_url  meet    https://lync.contoso.com/Meet;
    simple_url  dialin  https://lync.contoso.com/Dialin;
    simple_url  admin   https://lync.contoso.com/Admin;
END
