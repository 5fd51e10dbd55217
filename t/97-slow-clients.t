# Clients that take their time: one that stops in the middle of a request or of an answer is cut off
# after nginx's 60 seconds, one that waits for a pending GET isn't. All at once, so that it takes little
# more than a minute.

use LyncTest;
use LyncTest::Scene;

my $large = 64 * 1024 * 1024;

scene 'clients that stop in the middle', timeout => 120, sub {
    my $server = pool_server(parallel => 1, sub {
        my ($connection, $report) = @_;
        my $head = $connection->head;
        if ($head->{first} =~ m{/ucwa/}) {
            select undef, undef, undef, 66;
            $connection->write(http_answer('ok'));
        } elsif ($head->{first} =~ m{/abs/}) {
            local $SIG{PIPE} = 'IGNORE';
            $connection->write("HTTP/1.1 200 OK\r\nContent-Length: $large\r\n\r\n");
            my $left = $large;
            while ($left > 0) {
                $left -= syswrite($connection->{socket}, 'x' x 65536) || last;
            }
            $report->($left > 0 ? 'reader: let go' : 'reader: all written');
        } else {
            $report->($connection->is_closed(80) ? 'body: let go' : 'body: held');
        }
    });
    my ($head, $body, $form, $reader, $pending) = map { client('https://lyncwebext.contoso.com') } 1 .. 5;
    $head->write("GET /abs/handler HTTP/1.1\r\nHost: lync");
    $body->ask('POST /collabcontent/x', 'Content-Length' => 100);
    $body->write('half of it');
    $form->ask('POST /lwa/WebPages/LwaClient.aspx', 'Content-Length' => 100);
    $form->write('meeturl=');
    $reader->ask('GET /abs/handler');
    $pending->ask('GET /ucwa/v1/x');

    ok($head->is_closed(80), 'half a header');
    ok($body->is_closed(15), 'half a body');
    ok($form->is_closed(15), 'half a form that the guard waits for');
    is_deeply([sort map { $server->report(30) } 1 .. 2], ['body: let go', 'reader: let go'],
        'the server connections of the body, and of an answer that nobody reads');
    ok($pending->more(30), 'a GET that waits for longer than that');
    is($pending->answer->{status}, 200, 'is answered');
};

run_suite(publication => '%%OWN%%');
