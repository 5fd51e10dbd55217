package LyncTest::Logs;

# What the error logs of a suite say when it's over.
#
# Test::Nginx wipes an error log when the next block starts, so what nginx writes while it stops
# would be lost. Each block therefore gets a second error log, which stays until all are read here:
# no [alert], [crit] or [emerg], no sanitizer's line and no refused request's query may stand in it
# that the block's own "--- error_log" doesn't expect.

use strict;
use warnings;

our $BAD = qr/\[(?:alert|crit|emerg)\]|Sanitizer|runtime error:|Assertion .*failed
    |lync_refused:.*\ request:\ "[^"]*\?/x;

# The lines of FILE that must not be there. $patterns is a block's "--- error_log".
sub complaints {
    my ($file, $patterns) = @_;
    open my $in, '<', $file or return;
    my @lines;
    while (my $line = <$in>) {
        next if $line !~ $BAD || expected($line, $patterns);
        chomp $line;
        push @lines, $line;
    }
    return @lines;
}

sub expected {
    my ($line, $patterns) = @_;
    return 0 if !defined $patterns;

    my @patterns = ref $patterns eq 'ARRAY' ? @$patterns
                 : ref $patterns            ? $patterns
                 :                            split /\n+/, $patterns;
    for my $pattern (@patterns) {
        next if !defined $pattern || $pattern eq '';
        return 1 if ref $pattern ? $line =~ $pattern : index($line, $pattern) >= 0;
    }
    return 0;
}

1;
