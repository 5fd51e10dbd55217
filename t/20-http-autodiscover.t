# http_autodiscover: which autodiscover requests travel over plain HTTP to a pool's 8080. Nothing
# else ever does.

use LyncTest;
use LyncTest::Scene;

# A listener whose certificate has no lyncdiscover name.
my $uncovered = word('STANDARD')
    =~ s{%%CERTIFICATE%%}{certificate %%PKI%%/no-lyncdiscover.pem %%PKI%%/no-lyncdiscover.key;}r;

# A server that repeats the request line, since phones write it in their own way.
scene 'as phones write it', publication => $uncovered
    =~ s{%%POOL%%}{word('POOL') =~ s/%%PORTS%%/listening_ports http=%%PORT_OWN%%;/r}re, sub {
    my $server = server(port => port('OWN'), sub {
        my ($connection, $report) = @_;
        my $request = $connection->message;
        $report->($request->{first}, $request->all('Host'));
        $connection->write(http_answer('found'));
    });

    my $client = client('http://lyncdiscover.contoso.com');
    $client->write("GET http://lyncdiscover.contoso.com?sipuri=alice\@contoso.com HTTP/1.1\r\n"
        . "Host: lyncdiscover.contoso.com\r\n\r\n");
    is($client->answer->{body}, 'found', 'a phone finds its server');
    is($server->report, 'GET /?sipuri=alice@contoso.com HTTP/1.1 lyncdiscover.contoso.com',
        'the pool reads a request line it understands');
};

# A server may take a credential that it hasn't asked for, and the connection is a user's then.
scene 'whoever has sent a credential keeps the connection', more => 'connection_auth off;', sub {
    my ($alice, $bob) = map { client('http://lyncdiscover.contoso.com') } 1 .. 2;
    my $connection = sub { my ($client, @more) = @_; $client->ask('GET /', @more)->answer->one('X-Connection') =~ s/-.*//r };
    my $first = $connection->($bob);
    is($connection->($bob), $first, 'connections are shared');
    my $hers = $connection->($alice, Authorization => 'Negotiate YWxpY2U=');
    isnt($connection->($bob), $hers, 'but that of a credential is not');
};

run_suite(publication => $uncovered);

__DATA__

=== the certificate lacks the name: autodiscover goes to 8080, and nothing else
--- asks
GET http://lyncdiscover.contoso.com/?sipuri=alice@contoso.com -> external http fepool.contoso.local 127.0.0.11 | GET /?sipuri=alice@contoso.com HTTP/1.1 | Host: lyncdiscover.contoso.com | X-Forwarded-For: 127.0.0.1 | X-Forwarded-Proto: http
GET http://lyncdiscover.contoso.com/      -> external
HEAD http://lyncdiscover.contoso.com/     -> 200 | X-Site: external
GET http://lyncdiscover.contoso.com/autodiscover/autodiscoverservice.svc/root?sipuri=a@contoso.com -> external | GET /autodiscover/autodiscoverservice.svc/root?sipuri=a@contoso.com HTTP/1.1
GET http://lyncdiscover.contoso.com/Autodiscover/AutodiscoverService.svc/root/domain -> external | GET /Autodiscover/AutodiscoverService.svc/root/domain HTTP/1.1
GET http://lyncdiscover.contoso.com/webticket/webticketservice.svc -> 301 https://lyncdiscover.contoso.com/webticket/webticketservice.svc
GET http://lyncdiscover.contoso.com/autodiscovery -> 301 https://lyncdiscover.contoso.com/autodiscovery
GET http://lyncdiscover.contoso.com/autodiscover/../abs/handler -> 301 https://lyncdiscover.contoso.com/autodiscover/../abs/handler
POST http://lyncdiscover.contoso.com/autodiscover/autodiscoverservice.svc/root -> 308 https://lyncdiscover.contoso.com/autodiscover/autodiscoverservice.svc/root
GET http://lyncwebext.contoso.com/autodiscover/autodiscoverservice.svc/root -> 301
GET http://meet.contoso.com/autodiscover/autodiscoverservice.svc/root -> 301
GET http://lyncdiscover.contoso.com/autodiscover/../cscp/ -> 404
GET http://lyncdiscover.contoso.com/autodiscover/web.config -> 404

=== the certificate has the name: https it is
--- publication: %%STANDARD%%
--- asks
GET http://lyncdiscover.contoso.com/?sipuri=alice@contoso.com -> 301 https://lyncdiscover.contoso.com/?sipuri=alice@contoso.com

=== http_autodiscover on, though the certificate has the name
--- publication: %%STANDARD%%
--- more: http_autodiscover on;
--- asks
GET http://lyncdiscover.contoso.com/?sipuri=alice@contoso.com -> external

=== http_autodiscover off, though it hasn't
--- more: http_autodiscover off;
--- asks
GET http://lyncdiscover.contoso.com/?sipuri=alice@contoso.com -> 301

=== a wildcard covers one label
--- publication
    sip_domain   contoso.com emea.contoso.com;
    certificate  %%PKI%%/wildcard.pem %%PKI%%/wildcard.key;
    %%TRUSTED_CA%%
    %%POOL%%
--- asks
GET http://lyncdiscover.contoso.com/       -> 301
GET http://lyncdiscover.emea.contoso.com/  -> external

=== two certificates, each with names of its own; an internationalised domain is the same in both spellings
--- publication
    sip_domain   contoso.com büro.contoso.com;
    %%CERTIFICATE%%
    certificate  %%PKI%%/idn.pem %%PKI%%/idn.key;
    %%TRUSTED_CA%%
    %%POOL%%
--- asks
GET http://lyncdiscover.contoso.com/                -> 301
GET http://lyncdiscover.xn--bro-hoa.contoso.com/    -> 301

=== sip_domain *: each name is looked up when it's asked for; lyncdiscover names and no other
--- publication: sip_domain *; %%CERTIFICATE%% %%TRUSTED_CA%% %%POOL%%
--- insecure
--- asks
GET http://lyncdiscover.contoso.com/       -> 301
GET http://LYNCDISCOVER.contoso.com/       -> 301
GET http://lyncdiscover.hoster.example/    -> external
GET http://lyncdiscover.a.b.example/       -> external
GET http://lyncdiscoverinternal.hoster.example/ -> closed
GET https://lyncdiscover.hoster.example/?sipuri=a@hoster.example -> external

=== sip_domain * and http_autodiscover on
--- publication: sip_domain *; http_autodiscover on; %%CERTIFICATE%% %%TRUSTED_CA%% %%POOL%%
--- asks
GET http://lyncdiscover.contoso.com/     -> external
GET http://lyncdiscover.hoster.example/  -> external

=== http_listen off
--- sockets: http_listen off; https_listen 127.0.0.1:%%PORT_HTTPS%%;
--- publication: %%STANDARD%%
--- asks
GET https://lyncdiscover.contoso.com/ -> external
--- nginx_T_unlike: listen 127\.0\.0\.1:%%PORT_HTTP%%
