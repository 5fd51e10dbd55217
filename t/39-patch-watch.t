# Builds that servers report, in headers of Exchange and in the scheduler's pages: they are kept, compared
# with those that fix what the shield has rows against, and hidden from clients by hide_server_names.

use LyncTest;
use LyncTest::Scene qw(:DEFAULT exchange_server lync_status lyncctl status_text);

use JSON::PP ();

master_on();

sub server_of { # the first one of a kind
    my ($role) = @_;
    my ($pool) = grep { $_->{role} eq $role } @{ lync_status()->{publications}[0]{pools} };
    return $pool->{servers}[0];
}
sub knows { my ($role, $build) = @_; return wait_until { (server_of($role)->{build} // '') eq $build } }
sub warnings { map { s/^.*?\[warn\] \d+#\d+: (?:\*\d+ )?//r =~ s/, client:.*//sr =~ s/:\d+ of/ of/r } log_lines(qr/\[warn\] .*lync_shield: server/) }

# Answers with what the file says: a status where it isn't 200, a head's lines, a blank one, a body in pieces.
sub answers_with { rename write_file(scene_dir() . '/new', @_), scene_dir() . '/reports' or die }
sub stand_in {
    my ($connection) = @_;
    while (my $asked = eval { $connection->message }) {
        open my $in, '<', scene_dir() . "/reports" or die;
        my ($head, $body) = split /\n\n/, join('', <$in>), 2;
        my @pieces = map { sprintf "%x\r\n%s\r\n", length, $_ } $body =~ /(.{1,9})/gs;
        my $status = $head =~ s/^Status: (.*)\n// ? $1 : '200 OK';
        $connection->write("HTTP/1.1 $status\r\nTransfer-Encoding: chunked\r\nX-Asked: " . ($asked->one('Accept-Encoding') // '-')
            . "\r\n" . join('', map { "$_\r\n" } split /\n/, $head) . "\r\n");
        $connection->write($_) for @pieces, "0\r\n\r\n";
    }
}
sub exchange { exchange_server(parallel => 1, \&stand_in) }
sub pool { pool_server(parallel => 1, \&stand_in) }
sub get { my ($url, @headers) = @_; my ($host, $path) = $url =~ m{^([^/]+)(.*)}; return client("https://$host")->ask("GET $path", @headers)->answer }

scene 'a health check finds it', services => 'services ews owa; health_check healthcheck interval=1s;', sub {
    answers_with("X-OWA-Version: 15.1.2507.6\n\n200 OK");
    my $server = exchange();
    ok(knows(exchange => '15.1.2507.6'), 'the status knows it');
    is_deeply(server_of('exchange')->{missing_fixes}, [
        { cve => 'CVE-2022-41040', build => '15.1.2507.16' }, { cve => 'CVE-2022-41080', build => '15.1.2507.16' },
        { cve => 'CVE-2026-42897', build => '15.1.2507.69' } ], 'and what it lacks');
    sleep 2; # another check or two
    like(join("\n", warnings()), qr/\Alync_shield: server 127\.0\.0\.15 of exchange "mail\.contoso\.com" has build 15\.1\.2507\.6, older than .*\z/,
        'logged once');
    my $metrics = status_text('prometheus');
    like($metrics, qr/^lync_server_build_info\{.*,build="15\.1\.2507\.6"\} 1$/m, 'Prometheus');
    like($metrics, qr/^lync_server_missing_fixes\{.*\} 3$/m, 'and how much it lacks');
    my %unpatched = map { $_->{shield} => "@{ ref $_->{unpatched} ? $_->{unpatched} : [$_->{unpatched}] }" }
        @{ JSON::PP->new->decode(lyncctl(qw(shields --format json)) =~ s/^0 //r) };
    is(join(' ', sort grep { $unpatched{$_} } keys %unpatched), 'CVE-2022-41040 CVE-2022-41080 CVE-2026-42897', 'lyncctl shields');
    like($unpatched{'CVE-2022-41040'}, qr/^127\.0\.0\.15:\d+ 15\.1\.2507\.6$/, 'with the server and its build');

    get('mail.contoso.com/owa/');
    my $known = () = warnings();
    for my $build (qw(15.1.2507.7 15.1.2507.6 15.1.2507.5)) { # as of three servers behind one address
        answers_with("X-OWA-Version: $build\n\n200 OK");
        get('mail.contoso.com/owa/');
    }
    is(scalar(() = warnings()), $known, 'no line for each answer of another build');

    answers_with("X-OWA-Version: 15.1.2507.69\n\n200 OK");
    ok(knows(exchange => '15.1.2507.69'), 'an update is seen');
    is_deeply(server_of('exchange')->{missing_fixes}, [], 'nothing is lacking');
    answers_with("X-OWA-Version: <script>15.1.2507.1\n\n200 OK");
    sleep 2;
    is(server_of('exchange')->{build}, '15.1.2507.69', 'what is no build says nothing');
    is(reload(), 'reloaded', 'reload');
    is(server_of('exchange')->{build}, '15.1.2507.69', 'and it is known after a reload');
};

scene 'answers of Exchange have it', sub {
    answers_with("X-OWA-Version: 15.2.1118.7\nX-FEServer: EX1\nX-BEServer: EX1\nX-CalculatedBETarget: ex1.contoso.local\nX-DiagInfo: EX1\nContent-Type: text/html\n\nhello");
    my $server = exchange();
    my $answer = get('mail.contoso.com/owa/');
    is($answer->one('X-OWA-Version'), '15.2.1118.7', 'passes by default');
    is($answer->one('Content-Security-Policy'), "script-src-attr 'none'", 'CVE-2026-42897: a page gets its policy');
    ok(knows(exchange => '15.2.1118.7'), 'and is known');
    is(get('mail.contoso.com/EWS/Exchange.asmx')->one('Content-Security-Policy'), undef, 'another service has no policy');
    answers_with("Content-Type: text/javascript\n\nhello");
    is(get('mail.contoso.com/owa/boot.js')->one('Content-Security-Policy'), undef, 'nor has what is no page');
    answers_with("Content-Type: text/html\nContent-Security-Policy: frame-ancestors 'self'\n\nhello");
    is_deeply([get('mail.contoso.com/owa/')->all('Content-Security-Policy')], ["frame-ancestors 'self'", "script-src-attr 'none'"], 'browsers obey both');
    is(server_of('exchange')->{build}, '15.2.1118.7', 'without the header it stays known');
};

scene 'CVE-2026-42897 off', user_files => ">>> rows\nCVE-2026-42897 off\n", more => 'shield_file %%SERVROOT%%/html/rows;', sub {
    answers_with("Content-Type: text/html\n\nhello");
    my $server = exchange();
    is(get('mail.contoso.com/owa/')->one('Content-Security-Policy'), undef, 'no policy');
};

my $page = "<html>\n<!-- Web Scheduler Version: 7.0.2046.530 -->\nhello</html>";

scene 'a page of the scheduler has it', sub {
    answers_with("Content-Type: text/html; charset=utf-8\n\n$page");
    my $server = pool();
    my $answer = get('lyncwebext.contoso.com/scheduler/', 'Accept-Encoding' => 'gzip, deflate');
    is($answer->{body}, $page, 'passes as it is by default');
    is($answer->one('X-Asked'), '', 'it was asked for uncompressed');
    ok(knows(pool => '7.0.2046.530'), 'and is known');
    is_deeply([map { $_->{cve} } @{ server_of('pool')->{missing_fixes} }], ['CVE-2026-66302'], 'with what it lacks');
    is(get('lyncwebext.contoso.com/abs/handler', 'Accept-Encoding' => 'gzip, deflate')->one('X-Asked'), 'gzip, deflate', 'elsewhere clients say what they take');
    is(get('lyncwebext.contoso.com/abs/handler')->one('X-Asked'), '-', 'or nothing');
    answers_with("Content-Type: text/html\n\n<!-- Web Scheduler Version: 7.0.2046.999 -->");
    get('lyncwebext.contoso.com/dialin/');
    is(server_of('pool')->{build}, '7.0.2046.530', 'other pages say nothing');
};

scene 'hide_server_names', more => 'hide_server_names on;', sub {
    my @names = qw(X-FEServer X-BEServer X-CalculatedBETarget X-DiagInfo X-MS-Server-Fqdn X-Powered-By X-AspNet-Version);
    answers_with("Content-Type: text/html\nServer: Microsoft-IIS/10.0\nX-OWA-Version: 15.2.1118.7\n", map({ "$_: EX1\n" } @names), "X-Other: 1\n\n$page");
    my @servers = (exchange(), pool());
    my $answer = get('mail.contoso.com/owa/');
    is(join(' ', map { $answer->one($_) // '-' } 'X-OWA-Version', @names, 'X-Other'), '- ' x 8 . '1', 'headers are gone');
    isnt($answer->one('Server'), 'Microsoft-IIS/10.0', 'and what the server is');
    for my $status ('404 Not Found', '200 OK') {
        answers_with("Status: $status\nContent-Type: text/html\n\n$page");
        is(get('lyncwebext.contoso.com/scheduler/')->{body}, $page =~ s/7\.0\.2046\.530/' ' x 12/er, "so is the comment: $status");
    }
    ok(knows(exchange => '15.2.1118.7') && knows(pool => '7.0.2046.530'), 'and they are known all the same');
};

run_suite(publication => '%%OWN%% %%OWN_EXCHANGE%%', services => 'services ews owa; health_check off;',
    before => '%%CONTROL%% %%STATUS%%');
