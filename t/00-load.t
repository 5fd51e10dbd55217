# The module loads into nginx, exports what nginx reads and nothing else, and the source keeps to
# the borders between its rooms: who may include whom.

use strict;
use warnings;

use Test::More;

use File::Basename qw(basename);
use File::Path qw(remove_tree);
use LyncTest::Nginx;
use LyncTest::Paths;

my $module = $LyncTest::Paths::MODULE;
my $source = $LyncTest::Paths::SOURCE;

# --- the module

my $root = "$LyncTest::Paths::RUN/t/load_$$";
my ($status, $said) = LyncTest::Nginx::try($root, '-t', '');
is($status, 0, 'nginx -t accepts a configuration that loads the module');
like($said, qr/test is successful/, 'nginx says so');
unlike($said, qr/\[(?:warn|alert|crit)\]|Sanitizer/, 'without a warning');
remove_tree($root);

# With hidden visibility alone, weak symbols of the C++ library would still leave the module and
# meet those of other modules: nginx loads all into one name space.
my @exported = sort map { (split)[-1] } `nm -D --defined-only $module`;
is_deeply(\@exported, [qw(ngx_module_names ngx_module_order ngx_modules)],
    'the module exports the three tables nginx reads and nothing else');

# --- the source

my @files = sort map { glob "$source/src/$_" } qw(*/*.cpp */*.h */*/*.cpp */*/*.h);
ok(@files > 0, 'there are sources');

sub lines {
    my ($file) = @_;
    open my $in, '<', $file or die "can't read $file: $!\n";
    return <$in>;
}

# FILE:LINE of every line below src that $wanted accepts; it sees the line and the room.
sub places {
    my ($wanted) = @_;
    my @found;
    for my $file (@files) {
        my ($room) = substr($file, length "$source/src/") =~ m{^(\w+)/};
        my $number = 0;
        for my $line (lines($file)) {
            $number++;
            push @found, substr($file, length "$source/") . ":$number: $line"
                if $wanted->($line, $room);
        }
    }
    return @found;
}

sub none {
    my ($name, @found) = @_;
    ok(!@found, $name) or diag(@found);
}

none('only src/nginx includes headers of nginx', places(sub {
    my ($line, $room) = @_;
    $room ne 'nginx' && $line =~ /^\s*#\s*include\s*[<"](?:ngx_|nginx\.h)/;
}));

# The border needs nginx's types; one header wraps nginx's for C++, so that what differs between
# versions has one place.
my @wrappers = grep { grep /^\s*#\s*include\s*<(?:ngx_|nginx\.h)/, lines($_) } @files;
is_deeply([map { basename($_) } @wrappers], [qw(lync.h ngx.h)],
    'and there the border does, and one header for all of C++');

my %may_include = (
    base    => [qw(base)],
    policy  => [qw(base policy)],
    accounts => [qw(base policy accounts)],
    config  => [qw(base policy accounts config)],
    plan    => [qw(base policy config plan)],
    balance => [qw(base balance)],
    status  => [qw(base policy config plan balance status)],
    nginx   => [qw(base policy accounts config plan balance status nginx)],
    lyncctl => [qw(base policy config plan lyncctl)],
);

none('a room includes only the rooms it stands on', places(sub {
    my ($line, $room) = @_;
    my ($other) = $line =~ /^\s*#\s*include\s*"(\w+)\// or return 0;
    return !grep { $_ eq $other } @{ $may_include{$room} // [] };
}));

# The folders of src/nginx, the lowest first. What they all stand on are headers in its root, which
# is also where process.cpp puts all of them together.
my @folders = qw(shared servers lockout conf request upstream health status);
my %height = map { $folders[$_] => $_ } 0 .. $#folders;

is_deeply([sort map { basename($_) } grep -d, glob "$source/src/nginx/*"], [sort @folders],
    'src/nginx consists of these folders');

none('a folder of src/nginx includes only those below it, and its root headers none', map {
    my ($path) = m{/src/nginx/(.+)};
    my $own = $path =~ m{^(\w+)/} ? $height{$1} : $path =~ /\.h$/ ? -1 : @folders;
    map { "$path: $_" }
        grep { m{^\s*#\s*include\s*"nginx/(\w+)/} && ($height{$1} // @folders) > $own } lines($_);
} grep m{/src/nginx/}, @files);

# The core has neither exceptions of its own on the way of a request, nor threads, nor state that
# would survive a reload.
none('no threads', places(sub {
    $_[0] =~ /^\s*#\s*include\s*<(?:thread|mutex|future|condition_variable|pthread\.h)>/;
}));

# What workers share is made of atomics; nothing else has any use for them.
is_deeply([map { substr($_, length "$source/src/") }
        grep { grep /^\s*#\s*include\s*<atomic>/, lines($_) } @files],
    [qw(balance/health.h nginx/lockout/zone.h nginx/shared/process_id.h nginx/shared/zone.h status/shared_counters.h)],
    'atomics are for shared memory alone');

none('no writable state outlives a configuration', places(sub {
    $_[0] =~ /^(?:static |thread_local |inline )+(?!.*\b(?:const|constexpr|constinit const)\b)[\w:<>,*& ]+\s\w+(?:\[\w*\])?\s*(?:=|\{|;)/
        && $_[0] !~ /\(/;
}));

none('no source file is past 600 lines', map {
    my $lines = () = lines($_);
    $lines > 600 ? substr($_, length "$source/") . ": $lines lines\n" : ();
} @files, "$source/ngx_lync_module.c");

# One version in one place: what is released has a section of its own.
my ($version) = map { /\bversion = "(.*)"/ } lines("$source/src/base/version.h");
my ($released) = map { /^## \[(\d.*)\] - \d{4}-\d\d-\d\d$/ } lines("$source/CHANGELOG.md");
is($released, $version, 'the version is the latest one of CHANGELOG.md');

# Left over from work on a single block, it would hide all the others.
none('no suite runs one block only', map {
    my $suite = basename($_);
    map { "$suite: $_" } grep /^--- (?:ONLY|LAST)\b|\b(?:ONLY|LAST) *=>/, lines($_)
} glob "$source/t/*.t");

done_testing();
