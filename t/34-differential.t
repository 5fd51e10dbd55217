# The differential test: more than 20,000 spellings of paths that are never to be published go
# through the real nginx to a server that writes down what arrives, and a resolver with the habits
# of IIS (t/unit/policy_iis.h) looks for those that would be such a path there: none. All legitimate
# spellings of published paths arrive, byte for byte.
#
# t/differential/spellings.cpp makes and resolves them.

use LyncTest;
use LyncTest::Scene qw(:DEFAULT arrived);

my $program = $LyncTest::Paths::MODULE =~ s{[^/]+$}{lync_spellings}r; # built with the module

sub targets { my @lines = `$program @_`; chomp @lines; return @lines }

# Sends all of them, several at a time; what an answer that closes the connection leaves unanswered
# is sent again. The number of answers by status, and each one's status.
sub send_all {
    my ($host, @targets) = @_;
    my (%count, @statuses, $client);
    my %sessions;
    my $batch = 40;
    while (@statuses < @targets) {
        $client //= client("https://$host", sessions => \%sessions);
        my $last = @statuses + $batch - 1;
        $last = $#targets if $last > $#targets;
        my @asked = @targets[@statuses .. $last];
        $client->write(join '', map { "GET $_ HTTP/1.1\r\nHost: $host\r\n\r\n" } @asked);
        for (@asked) {
            my $answer = eval { $client->answer };
            die "no answer to $targets[@statuses]\n" if !$answer && !$client;
            if (!$answer) {
                undef $client;
                last;
            }
            push @statuses, $answer->{status};
            $count{ $answer->{status} }++;
            if (lc($answer->one('Connection') // '') eq 'close') {
                $client->close;
                undef $client;
                last;
            }
        }
    }
    $client->close if $client;
    return (\%count, \@statuses);
}

# What has arrived at the server, without method and version.
sub arrived_targets { map { s{^GET (.*) HTTP/1\.[01]$}{$1}sr } arrived($_[0]) }

# Those of the targets that are never to be published to a server with IIS's habits.
sub resolved {
    return targets('resolve <' . write_file(scene_dir() . '/targets', map { "$_\n" } @_));
}

sub never {
    my ($number) = @_;
    my @targets = targets("never $number");
    my %distinct = map { $_ => 1 } @targets;
    cmp_ok(scalar keys %distinct, '>=', $number, 'distinct request lines');
    for my $host ('lyncwebext.contoso.com') {
        my $before = () = arrived 0;
        my ($count, $statuses) = send_all($host, @targets);
        my @arrived = arrived_targets($before + ($count->{200} // 0));
        splice @arrived, 0, $before;
        my @found = resolved(@arrived);
        is(scalar @arrived, $count->{200} // 0, "$host: each 200 is a request that has arrived");
        is(scalar @found, 0, "$host: none arrives as a path never to be published")
            or diag(join "\n", @found[0 .. ($#found < 9 ? $#found : 9)]);
        diag(sprintf '%s: %d request lines (%s), %d arrived, %d of them as a never published path',
            $host, scalar @targets, join(', ', map { "$count->{$_} x $_" } sort keys %$count),
            scalar @arrived, scalar @found);
    }
}

scene 'never published, under strict', timeout => 60, sub { never(20_500) };
scene 'never published, under vendor', more => 'path_policy vendor;', timeout => 60, sub { never(20_500) };

scene 'published', sub {
    my @targets = targets('published');
    my ($count, $statuses) = send_all('lyncwebext.contoso.com', @targets);
    my @refused = map { $targets[$_] } grep { $statuses->[$_] != 200 } 0 .. $#targets;
    is(join("\n", @refused), '', 'every legitimate spelling passes');
    my @arrived = arrived_targets(scalar @targets);
    is_deeply([sort @arrived], [sort @targets], 'and arrives byte for byte');
    diag(sprintf '%d legitimate spellings, %d arrived byte for byte', scalar @targets, scalar @arrived);
};

# The resolver isn't blind: sent past the publication, they are what they claim to be.
scene 'the resolver', sub {
    my @found = resolved(qw(/cscp /x/..%5ccscp /%2563scp/ /abs/handler /abs/int /%uff43scp));
    is("@found", '/cscp /x/..%5ccscp /%2563scp/ /abs/int /%uff43scp', 'the resolver sees');
    my @targets = targets('never 6000');
    @found = resolved(@targets);
    cmp_ok(scalar @found, '>', @targets * 0.6, 'most of what is sent would be a never published path');
    diag(sprintf 'the resolver finds %d of %d', scalar @found, scalar @targets);
};

run_suite(before => '%%LOG_ARRIVED%% %%LOGGED_SERVER%%', publication => <<'PUBLICATION');
%%OWN%%
    shield      off;
    simple_url  admin  https://admin.contoso.com;
    simple_url  admin  https://lync.contoso.com/Admin;
PUBLICATION
