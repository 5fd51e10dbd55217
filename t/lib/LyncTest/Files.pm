package LyncTest::Files;

# Files as suites read and write them, and the certificates.

use strict;
use warnings;

use Exporter qw(import);

use LyncTest::Paths ();

our @EXPORT = qw(slurp write_file preload make_pki);

# All of a file; undef if it can't be read.
sub slurp {
    my ($file) = @_;
    open my $in, '<', $file or return undef;
    local $/;
    return scalar <$in>;
}

# Returns the file's name.
sub write_file {
    my ($file, @text) = @_;
    open my $out, '>', $file or die "can't write $file: $!\n";
    print $out @text;
    close $out;
    return $file;
}

# A library for LD_PRELOAD, from C; false without a compiler.
sub preload {
    my ($name, $source) = @_;
    write_file("$name.c", $source);
    return system("cc -shared -fPIC -o $name.so $name.c -ldl >$name.log 2>&1") == 0 && "$name.so";
}

sub make_pki {
    system("$LyncTest::Paths::SOURCE/t/pki", $LyncTest::Paths::PKI) == 0
        or die "the certificates for the tests can't be made\n";
}

# Directives of http level for an nginx that writes below its own directory only.
our $TEMPORARY = join '', "access_log off;\n",
    map { "${_}_temp_path $_;\n" } qw(client_body proxy fastcgi uwsgi scgi);

1;
