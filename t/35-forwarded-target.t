# Where a server_include or an internal redirect changes the target, nginx sends its decoded path,
# escaped again. That is what is judged, byte for byte: the same text, asked for directly, gets the
# same verdict, and what arrives is that text.

use LyncTest;
use LyncTest::Scene qw(:DEFAULT arrived);

my @hosts = qw(lyncwebext.contoso.com meet.contoso.com);

# Every pair of these, before and behind a name.
my @tokens = ('', '/', '%2F', '%3F', '%5C', '%2e%2e/', '%2e%2e%5C', '%5C%2e%2e%5C', '%20', '%25', '%2563', '%23',
    '%3B', '%22', '%0d%0a', '%7f', '%c3%bc', "\xc3\xbc", '%e2%80%8b', '"', '+');
my @paths = map { my $front = $_; map { ("/abs/x$front${_}cscp/", "/meet/x$front${_}y") } @tokens } @tokens;

# As nginx reads a path; undef if it refuses it. It writes it down escaped if there was a "%" in it, or
# if it is internal, which a rewrite makes of any.
sub decoded {
    my ($path) = @_;
    my $plain = $path =~ s/%([0-9a-f]{2})/chr hex $1/gier;
    my @segments;
    for my $segment (split m{/+}, substr($plain, 1), -1) {
        if ($segment eq '..') {
            @segments or return undef;
            pop @segments;
        } elsif ($segment ne '.') {
            push @segments, $segment;
        }
    }
    push @segments, '' if $plain =~ m{/\.{1,2}\z} || !@segments;
    return '/' . join '/', @segments;
}

sub escaped { $_[0] =~ s/([\x00-\x20"#%<>?\\^`{|}\x7f-\xff])/sprintf '%%%02X', ord $1/ger }

# [the way it comes, what the client asks for, what nginx is to send].
my %ways = (
    'rewrite' => sub {
        my ($path) = @_;
        my $uri = decoded("/rewritten$path") // return;
        my ($rest) = $uri =~ m{^/rewritten(/.*)}s or return;
        return ["/rewritten$path", escaped($rest)];
    },
    'set $args' => sub {
        my ($path) = @_;
        my $uri = decoded($path) // return;
        return ["$path?set=1", ($path =~ /%/ ? escaped($uri) : $uri) . '?x=1'];
    },
    'error_page' => sub {
        my ($path) = @_;
        return ["/internal?to=$path", escaped($path)];
    },
);

# Status and verdict of each target.
sub ask {
    my ($host, @targets) = @_;
    my ($client, @got);
    my %sessions;
    for my $target (@targets) {
        $client //= client("https://$host", sessions => \%sessions);
        $client->write("GET $target HTTP/1.1\r\nHost: $host\r\n\r\n");
        my $answer = $client->answer;
        push @got, $answer->{status} . ' ' . ($answer->one('X-Verdict') // '');
        undef $client if lc($answer->one('Connection') // '') eq 'close';
    }
    return @got;
}

for my $way (keys %ways) {
    scene $way => sub {
        for my $host (@hosts) {
            my @rows = map { $ways{$way}->($_) // () } @paths;
            cmp_ok(scalar @rows, '>', 200, "$host: " . @rows . ' targets');

            my @changed = ask($host, map { $_->[0] } @rows);
            my @passed = map { $rows[$_][1] } grep { $changed[$_] =~ /^200/ } 0 .. $#rows;
            my @expected = map { "GET $_ HTTP/1.1" } @passed;
            is_deeply([sort(arrived(scalar @passed))], [sort @expected], 'what arrives is what was expected');
            cmp_ok(scalar @passed, '>', 20, '... ' . @passed . ' of them');

            my @direct = ask($host, map { $_->[1] } @rows);
            my @differ = grep { $changed[$_] ne $direct[$_] } 0 .. $#rows;
            is(scalar @differ, 0, 'each is judged as if it had been asked for');
            diag("$rows[$_][0] -> $rows[$_][1]: $changed[$_], directly $direct[$_]") for @differ[0 .. ($#differ < 4 ? $#differ : 4)];
            arrived(@passed + grep { /^200/ } @direct);
            write_file("$Test::Nginx::Util::ServRoot/logs/arrived.log");
        }
    };
}

# A variable is decoded, and `set $args` takes it as it is.
scene line_ends => sub {
    my $evil = '%20HTTP/1.1%0d%0aHost:%20lyncwebext.contoso.com%0d%0a%0d%0aGET%20/cscp/';
    for my $path ("/query/a$evil", '/query/a%0d%0aX-Evil:%201', '/query/a%20b', '/query/a%09b', '/query/a%7fb') {
        is((ask('lyncwebext.contoso.com', $path))[0], '400 refuse:malformed', $path);
    }
    is((ask('lyncwebext.contoso.com', '/query/a%25b'))[0], '200 pass', 'a query in order passes');
    is_deeply([arrived 1], ['GET /abs/handler?p=a%b HTTP/1.1'], 'and nothing else has arrived');
};

# On port 80 the text becomes a Location.
scene location => sub {
    for my $row (
        ['/rewritten/x%20y%22',          301, 'https://meet.contoso.com/x%20y%22'],
        ['/rewritten/x%3F%2525',         301, 'https://meet.contoso.com/x%3F%2525', 404],
        ['/rewritten/x%0d%0aX-Evil:%201', 400],
        ['/query/a%0d%0aX-Evil:%201',    400],
    ) {
        my ($path, $status, $location) = @$row;
        my $client = client('http://meet.contoso.com');
        $client->write("GET $path HTTP/1.1\r\nHost: meet.contoso.com\r\n\r\n");
        my $answer = $client->answer;
        is($answer->one('X-Evil'), undef, "$path: no header of the client's making");
        is($answer->{status}, $status, '... status') if $path !~ /%3F/;
        is($answer->one('Location'), $location, '... Location') if $answer->{status} == 301;
    }
};

# nginx makes a subrequest a GET, whatever its request is: judged and sent as one.
scene subrequest => sub {
    ask('lyncwebext.contoso.com', '/sub');
    my $client = client('https://lyncwebext.contoso.com');
    $client->write("POST /sub HTTP/1.1\r\nHost: lyncwebext.contoso.com\r\nContent-Length: 0\r\n\r\n");
    $client->answer;
    is_deeply([arrived 2], [('GET /abs/handler HTTP/1.1') x 2], 'POST is none of the path');
};

# A body that nginx has thrown away can't be sent, whatever page is asked for in its place: the head
# would announce it, and the next request on the server's connection would be taken for it.
scene lost_body => sub {
    my $long = 'y' x 300;
    my %lost = (
        'chunks that are none'   => ["Transfer-Encoding: chunked\r\n", "5\r\nhello\r\nzz\r\n", 400],
        'too large'              => ['Content-Length: ' . (600 << 20) . "\r\n", $long, 413],
        'no matching handler'    => ["Content-Length: 300\r\n", $long, 403, '/closed'],
    );
    for my $what (sort keys %lost) {
        my ($header, $body, $status, $path) = @{ $lost{$what} };
        my $client = client('https://meet.contoso.com');
        $client->write('POST ' . ($path // '/x/1') . " HTTP/1.1\r\nHost: meet.contoso.com\r\n$header\r\n$body");
        is($client->answer->{status}, $status, "$what: nginx answers");
    }
    for my $head ("TRACE /x HTTP/1.1\r\nHost: meet.contoso.com\r\n", "GET /x HTTP/1.1\r\nHost: meet.contoso.com\r\nContent-Length: x\r\n",
        "GET /x HTTP/1.1\r\nHost: meet.contoso.com\r\nTransfer-Encoding: odd\r\n") {
        my $client = client('https://meet.contoso.com');
        $client->write("$head\r\n");
        cmp_ok($client->answer->{status}, '>=', 400, 'a head that nginx refuses: ' . $head =~ s/\r\n.*//sr);
    }
    is((ask('meet.contoso.com', '/x/2'))[0], '200 meet/pass', 'an ordinary request');
    is_deeply([arrived 1], ['GET /x/2 HTTP/1.1'], 'nothing else has arrived');
};

run_suite(
    publication => '%%OWN%%',
    timeout     => 60,
    before      => '%%LOG_ARRIVED%% %%LOGGED_SERVER%%');

__DATA__

=== the path rewritten
--- included
rewrite ^/rewritten(/.*)$ $1;
add_header X-Verdict $lync_service/$lync_verdict always;
--- scene: rewrite

=== the query replaced
--- included
if ($arg_set) { set $args x=1; }
add_header X-Verdict $lync_service/$lync_verdict always;
--- scene: set $args

=== an internal redirect
--- included
location = /internal { error_page 418 = $arg_to; return 418; }
add_header X-Verdict $lync_service/$lync_verdict always;
--- scene: error_page

=== a query that would end the request line
--- included
if ($uri ~ "^/query/(?<rest>(?s:.*))$") {
    set $args p=$rest;
    rewrite ^ /abs/handler;
}
add_header X-Verdict $lync_verdict always;
--- scene: line_ends

=== a Location of a rewritten path
--- included
rewrite ^/rewritten(/.*)$ $1;
if ($uri ~ "^/query/(?<rest>(?s:.*))$") {
    set $args p=$rest;
    rewrite ^ /abs/handler;
}
--- scene: location

=== a subrequest
--- included
location = /sub { auth_request /abs/handler; empty_gif; }
--- scene: subrequest

=== pages of the pool in place of errors
--- included
error_page 400 403 404 405 413 501 /error.html;
location = /closed { deny all; }
add_header X-Verdict $lync_service/$lync_verdict always;
--- scene: lost_body
