# A request that waits for its answer gives buffers back after a second (src/nginx/upstream/waiting.h):
# whatever happens next happens as if it hadn't. What that saves is measured by `bench/run held`.

use LyncTest;
use LyncTest::Scene;

use Time::HiRes qw(sleep);

master_on();

use constant LONG => 1.4; # seconds: what can be given back has been

my $Events = 'GET /ucwa/v1/events';

my @many = map { "X-Header-$_: value $_" } 1 .. 40;

scene 'an answer byte by byte, on a fresh and on a kept connection', sub {
    my $server = pool_server(sub {
        my ($connection) = @_;
        $connection->message;
        sleep LONG;
        for my $byte (split //, http_answer('event', @many)) {
            $connection->write($byte);
        }
        $connection->message;
        sleep LONG;
        $connection->write(http_answer('and once more, kept', @many));
    });
    my $client = client('https://lyncwebext.contoso.com');
    for my $body ('event', 'and once more, kept') {
        my $answer = $client->ask($Events)->answer;
        is($answer->{body}, $body, 'the answer');
        is_deeply([map { $answer->one("X-Header-$_") } 1 .. 40], [map { "value $_" } 1 .. 40],
            'with all its headers');
    }
};

scene 'a server that breaks off', sub {
    for my $part ('', "HTTP/1.1 200 OK\r\nX-Hea", "nonsense\r\n\r\n") {
        my $server = pool_server(sub { $_[0]->message; sleep LONG; $_[0]->write($part) if $part });
        my $answer = client('https://lyncwebext.contoso.com')->ask($Events)->answer;
        is_deeply([$answer->{status}, $answer->one('Retry-After')],
            [503, 30], 'a server that breaks off: ' . ($part =~ s/\r\n.*//sr || 'at once'));
        $server->stop;
    }
};

# An answer before the final one: the server hasn't waited, nor has it answered.
scene 'an interim response', sub {
    my $server = pool_server(sub {
        my ($connection) = @_;
        $connection->message;
        $connection->write("HTTP/1.1 102 Processing\r\n\r\n");
        sleep LONG;
        $connection->write(http_answer('event', @many));
    });
    is(client('https://lyncwebext.contoso.com')->ask($Events)->answer->{body}, 'event', 'the answer');
};

# The large buffer of a request's headers also has the beginning of the next request in it.
scene 'large headers, and a request behind them', sub {
    my $server = pool_server(sub {
        my ($connection, $report) = @_;
        for (1, 2) {
            my $asked = $connection->message;
            sleep LONG;
            $report->($asked->{first}, length $asked->one('X-Ticket'), $asked->one('X-Ticket') =~ /^(.)\1*$/);
            $connection->write(http_answer($asked->one('X-Which')));
        }
    });
    my $client = client('https://lyncwebext.contoso.com');
    $client->write(join '', map {
        request("GET https://lyncwebext.contoso.com/ucwa/v1/events?n=$_", 'X-Which' => $_,
            'X-Ticket' => ('a' .. 'z')[$_] x 20_000)
    } 1, 2);
    is($client->answer->{body}, 1, 'the first answer');
    is($client->answer->{body}, 2, 'that of the request behind it');
    is($server->report, "GET /ucwa/v1/events?n=$_ HTTP/1.1 20000 " . ('a' .. 'z')[$_], "request $_ arrived whole")
        for 1, 2;
};

# And a body that is read whole, for the meeting URL guard here: a log may quote it.
my $quoted = "$Test::Nginx::Util::ServRoot/logs/quoted";
scene 'large headers, and a form behind them', before => "log_format quoted '\$request_body'; access_log $quoted quoted;", sub {
    my $server = pool_server(sub { $_[0]->message; sleep LONG; $_[0]->write(http_answer('taken')) });
    my $client = client('https://lyncwebext.contoso.com');
    $client->write(request('POST https://lyncwebext.contoso.com/lwa/x', 'X-Ticket' => 'x' x 9_000,
        'Content-Type' => 'application/x-www-form-urlencoded', 'Content-Length' => 20_000) . 'a=');
    sleep 0.3; # nginx has read the headers by then
    $client->write('y' x 19_998);
    is($client->answer->{body}, 'taken', 'the answer');
    my $form = 'a=' . 'y' x 19_998;
    ok(wait_until { log_lines(qr/\A$form\Z/, $quoted) }, 'the form stands in the log');
};

scene 'an upload', sub {
    my $server = pool_server(sub {
        my ($connection, $report) = @_;
        my $asked = $connection->message;
        sleep LONG;
        $report->(length $asked->{body});
        $connection->write(http_answer('taken'));
    });
    my $client = client('https://lyncwebext.contoso.com');
    $client->ask('POST /collabcontent/x', 'Content-Length' => 200_000);
    $client->write('x' x 100_000);
    sleep LONG;
    $client->write('x' x 100_000);
    is($client->answer->{body}, 'taken', 'an upload with a pause, and a pause behind it');
    is($server->report, 200_000, 'has arrived');
};

scene 'a reload', sub {
    my $server = pool_server(sub {
        my ($connection, $report) = @_;
        $connection->message;
        $report->('asked');
        sleep 2 * LONG;
        $connection->write(http_answer('event'));
    });
    my $client = client('https://lyncwebext.contoso.com')->ask($Events);
    is($server->report, 'asked', 'a request waits');
    sleep LONG;
    reload();
    is($client->answer->{body}, 'event', 'and is answered by the worker that it came to');
};

scene 'a client that goes away', sub {
    my $server = pool_server(sub {
        my ($connection, $report) = @_;
        $connection->message;
        $report->('asked');
        $report->($connection->is_closed ? 'closed' : 'still open');
    });
    my $client = client('https://lyncwebext.contoso.com')->ask($Events);
    is($server->report, 'asked', 'a request waits');
    sleep LONG;
    $client->close;
    is($server->report, 'closed', 'until its client has gone');
};

run_suite(publication => '%%OWN%%');
