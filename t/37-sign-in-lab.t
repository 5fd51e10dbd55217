# sign_in in the lab: what its clients do with each set of doors that docs/doors.md recommends, and
# lockout on. Every stop of the tour goes as without, but for those that sign in by a closed door.

use strict;
use warnings;

use FindBin ();
use Test::More;

use lib "$FindBin::Bin/lib";
use LyncTest::Files qw(slurp);
use LyncTest::Paths ();

my $source = $LyncTest::Paths::SOURCE;
my $dir = "$LyncTest::Paths::RUN/t/lab_$$";

my @windows = ('A client downloads the address book', 'A client reads the calendar', 'A phone waits for mail',
    'Outlook for Mac waits for new mail', 'Outlook for Windows waits for a notification');
my @password = ('It gets a web ticket', 'It asks the Director again, with the ticket', 'It asks its home pool',
    'A phone gets its token', 'It starts its UCWA application', 'It waits for messages');

my $challenges = 'A web client asks for an OAuth token\'s whereabouts'; # finds fewer

my @lync_token = ('A client with modern authentication asks who it may be', 'It starts its UCWA application, too');
my @exchange_token = ('A client with modern authentication asks where tokens come from', 'It reads the calendar');

my $all = 'windows password certificate oauth';
my %differs = (
    "$all, $all" => [],
    'certificate oauth, oauth' => [@windows, @password],
    'password certificate oauth, password oauth' => [@windows],
    'password, any' => [$windows[0], @lync_token, $challenges],
    'windows certificate, windows' => [@password, @lync_token, @exchange_token, $challenges],
);

my $docs = slurp("$source/docs/doors.md") // die "no docs: $!\n";
my @sets = map { "$_, $_" } $docs =~ /^    sign_in +(.*);$/m;
push @sets, "$1, $2" while $docs =~ /^\|.*\| `sign_in (.*?);` \| `sign_in (.*?);`/mg;
is_deeply([sort @sets], [sort keys %differs], 'what is recommended is what is tried');

for (@sets) {
    my ($lync, $exchange) = split /, /;
    my @differs = @{ $differs{$_} // [] };
    system('mkdir', '-p', $dir) == 0 or die "no $dir\n";
    my $conf = slurp("$source/lab/nginx.conf.in") // die "no lab: $!\n";
    $conf =~ s/(product\s+\S+;)/$1\n        lockout on;\n        sign_in $lync;/ or die "no product\n";
    $conf =~ s/(services\s+ews)/sign_in $exchange; $1 owa/ or die "no services\n";
    open my $out, '>', "$dir/conf" or die "$dir/conf: $!\n";
    print $out $conf;
    close $out;

    local $ENV{LAB_CONF} = "$dir/conf";
    local $ENV{LAB_DIR} = "$dir/lab";
    local $ENV{LAB_NET} = sprintf '127.%d.%d', 16 + $$ % 200, 1 + $$ / 200 % 200;
    local @ENV{qw(LYNC_MODULE NGINX_BINARY)} = ($LyncTest::Paths::MODULE, $LyncTest::Paths::NGINX);
    my ($title, %wrong);
    my $said = `'$source/lab/lab' demo 2>&1`;
    for my $line (split /\n/, $said) {
        $title = $1 if $line =~ /^\s*\d+\s+(\S.*)$/;
        $wrong{$title} = 1 if $line =~ /^\s+\x{e2}\x{9c}\x{98}/;
    }
    like($said, qr/^\d+ of \d+ as expected/m, "the tour with sign_in $lync, for Exchange $exchange") or diag($said);
    is_deeply([sort keys %wrong], [sort @differs], 'only who comes by a closed door is refused') or diag($said);
}
system('rm', '-rf', $dir) if Test::More->builder->is_passing;

done_testing();
