# Exchange: each service waits as long as its clients do and takes the bodies that they send; what
# isn't named stays closed, by every method.

use LyncTest;
use LyncTest::Scene qw(:DEFAULT exchange_server);

use Time::HiRes qw(sleep);

my $Sync = 'POST /Microsoft-Server-ActiveSync?Cmd=Ping&User=alice&DeviceId=x&DeviceType=iPhone';

scene 'a service waits as long as its line says, the others as a pool does',
    services => 'health_check off; services ews activesync mapi timeout=20s; services owa ecp;', sub {
    my $server = exchange_server(parallel => 1, sub {
        my ($connection) = @_;
        return $connection->is_closed if $connection->message->{first} =~ m{ /(?:owa|ecp)/};
        sleep 2;
        $connection->write(http_answer('late'));
    });
    for my $asked ($Sync, 'POST /EWS/Exchange.asmx', 'POST /mapi/emsmdb/?MailboxId=x',
        'GET /MICROSOFT-server-ActiveSync/') {
        my $answer = client('https://mail.contoso.com')->ask($asked, 'Content-Length' => 0)->answer;
        is("$answer->{status} $answer->{body}", '200 late', $asked);
    }
    for my $asked ('GET /owa/ev.owa', 'GET /ecp/') {
        my $answer = client('https://mail.contoso.com')->ask($asked)->answer;
        is($answer->{status}, 503, "$asked: after pending_get_timeout");
    }
    is(scalar(provoked_lines(qr/upstream timed out/)), 2, 'and says so');
};

# Streaming notifications: a line now and then, in a long answer.
scene 'a stream is passed on as it comes',
    services => 'health_check off; services ews timeout=4s;', sub {
    my $server = exchange_server(sub {
        my ($connection) = @_;
        $connection->message;
        $connection->write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        for (1 .. 4) {
            $connection->write("5\r\nbeat\n\r\n");
            sleep 1.2;
        }
        $connection->write("0\r\n\r\n");
    });
    my $client = client('https://mail.contoso.com')->ask('POST /EWS/Exchange.asmx', 'Content-Length' => 0);
    ok($client->more(4), 'the first line comes before the last'); # after 4.8 s
    is($client->answer->{body}, "beat\n" x 4, 'and all of them in the end');
};

# Two channels: one sends for as long as it likes, the other receives.
scene 'RPC over HTTP', services => 'health_check off; services rpc;', sub {
    my $server = exchange_server(parallel => 1, sub {
        my ($connection, $report) = @_;
        $connection->more until $connection->{buffer} =~ /\r\n\r\n(.{4})/s;
        my ($line) = $connection->{buffer} =~ /\A([^\r]*)/;
        if ($line =~ /^RPC_OUT_DATA/) {
            $connection->write("HTTP/1.1 200 Success\r\nContent-Length: 1073741824\r\n\r\nhello");
            sleep 3;
            return;
        }
        $connection->more until $connection->{buffer} =~ /last/;
        $report->("$line ", $connection->{buffer} =~ /^(Content-Length: \d+)/m);
    });
    my $out = client('https://mail.contoso.com')->ask('RPC_OUT_DATA /rpc/rpcproxy.dll?mail:6001', 'Content-Length' => 4);
    $out->write('conn');
    ok($out->more, 'the answer comes');
    $out->more until $out->{buffer} =~ /hello/ || $out->{ended};
    like($out->{buffer}, qr/\AHTTP\/1\.1 200 .*hello\z/s, 'while it goes on');

    my $in = client('https://mail.contoso.com')->ask('RPC_IN_DATA /rpc/rpcproxy.dll?mail:6001', 'Content-Length' => 1073741824);
    $in->write('first');
    sleep 1.5; # longer than pending_get_timeout
    $in->write('last');
    is($server->report, 'RPC_IN_DATA /rpc/rpcproxy.dll?mail:6001 HTTP/1.1  Content-Length: 1073741824', 'what is sent arrives at once');
    is(client('https://mail.contoso.com')->ask('RPC_IN_DATA /rpc/rpcproxy.dll', 'Content-Length' => 2147483649)->answer->{status},
        413, 'more than 2 GB is too much');
    provoked_lines(qr/client intended to send too large body|client prematurely closed|upstream prematurely closed/);
};

scene 'bodies', services => 'health_check off; services ews autodiscover oab; services activesync max_upload=10k;', sub {
    my $server = exchange_server(parallel => 1, sub {
        my ($connection) = @_;
        my $message = $connection->message;
        $connection->write(http_answer(length $message->{body}));
    });
    my $sent = sub {
        my ($line, $size) = @_;
        my $client = client('https://mail.contoso.com')->ask($line, 'Content-Length' => $size);
        $client->write('x' x $size);
        my $answer = $client->answer;
        return "$answer->{status} " . ($answer->{status} == 200 ? $answer->{body} : '-');
    };
    is($sent->($Sync, 10_000), '200 10000', 'a mail that ActiveSync may send');
    is($sent->($Sync, 20_000), '413 -', 'one that is too large');
    is($sent->('POST /EWS/Exchange.asmx', 5_000_000), '200 5000000', 'EWS takes what max_upload says');
    is($sent->('POST /Autodiscover/Autodiscover.xml', 5_000_000), '413 -', 'autodiscover a message');
    is($sent->('GET /OAB/x/oab.xml', 100_000), '413 -', 'the address book none');
    provoked_lines(qr/client intended to send too large body|lync: request body|too large/);
};

# Time-outs as for 59 minutes and 30, a second or two instead.
run_suite(publication => "%%OWN%% %%OWN_EXCHANGE%% pending_get_timeout 1s;\n", services => 'health_check off; services owa ecp rpc;');

__DATA__

=== what isn't named stays closed, and RPC's methods are for /rpc
--- asks
GET https://mail.contoso.com/EWS/Exchange.asmx             -> 404
GET https://mail.contoso.com/powershell                    -> 404
RPC_IN_DATA https://mail.contoso.com/owa/                  -> 404
RPC_OUT_DATA https://lyncwebext.contoso.com/meet/x         -> 404
PATCH https://mail.contoso.com/rpc/rpcproxy.dll            -> 404
