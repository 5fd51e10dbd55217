package LyncTest::ConfTest;

# For suites that ask one thing only: what does `nginx -t` say to this configuration? A real nginx
# answers, a few dozen times a second, and all that it says is compared: the exit code, and every
# line of level warn and above, each with its file and line.
#
#     use LyncTest::ConfTest;
#     run_conf_tests();
#
#     __DATA__
#
#     === a server with a port
#     --- pool
#     pool fepool.contoso.local {
#         external_web_services  lyncwebext.contoso.com;
#         server                 10.0.0.11:4443;    # here
#     }
#     --- says
#     invalid address "10.0.0.11:4443" in "server" directive of pool "fepool.contoso.local": it has a
#     port: write the address only, ports come from listening_ports in %%HERE%%
#
# What is tested is the smallest publication, with some of its parts replaced:
#
#     sip_domain, certificate, trusted_ca, pool, sockets
#                   what stands in place of that directive; an empty section leaves it out
#     more          further directives of the block
#     publication   the inside of the block instead of all these
#     before, after further directives of http level, before and after the block
#     http          all of http level instead
#     main          further directives outside of http
#     unclosed      the file ends after these, without a "}"; %%END%% is its end
#     file NAME     a file beside nginx.conf
#
# and what is expected:
#
#     says          the one line of an nginx that refuses
#     warns         the lines of an nginx that accepts, one paragraph each; empty: no line at all
#
# A line that begins with "# ---" is a heading. Messages may be broken into several lines wherever a
# space stands. A line of the configuration that ends in the comment "# here" is %%HERE%% (FILE:LINE)
# in them; any other word does as well; "# block" is the line of lync_publish. %%PKI%% are the
# certificates (t/pki), %%DIR%% is the directory of nginx.conf, %%x00%% is a byte, %%a*300%% a
# character repeated.
#
# Many rows that differ in a line are a table:
#
#     === an address of a server
#     --- refused: in pool
#     server 10.0.0.11:4443;              | invalid address ... it has a port
#     server [2001:db8::11];
#     server [2001:DB8:0:0::11];          | is duplicate ... the first stands at
#     server 10.0.0.11 weight=5;          |
#
# Each row is the lines up to the one with a bar, put in place of that part, or inside of the pool ("in
# pool"); the block's other sections hold for all of them. Behind the bar stand the words that the message has, "..." for those between
# them: its whole wording is asserted once, in t/unit, or here where nginx or src/nginx words it. Its
# place is the line with the bar, unless "in %%WORD%%" ends it. "accepted" is a table of warnings;
# with nothing behind the bar, of none; "crit: " begins a line of that level.
#
# "root" is a row for root alone, "without_dac" runs nginx like a user who may not read everything.

use strict;
use warnings;

use Exporter qw(import);
use File::Path qw(make_path remove_tree);
use LyncTest::Files;
use LyncTest::Paths ();
use POSIX qw(WIFSIGNALED WTERMSIG WEXITSTATUS);
use Test::More;

our @EXPORT = qw(run_conf_tests);

my @parts = (
    [sip_domain  => "sip_domain   contoso.com;\n"],
    [certificate => "certificate  %%PKI%%/public.pem %%PKI%%/public.key;\n"],
    [trusted_ca  => "trusted_ca   %%PKI%%/internal-ca.pem;\n"],
    [pool        => <<'END'],
pool fepool.contoso.local {
    server                 10.0.0.11;
    external_web_services  lyncwebext.contoso.com;
}
END
    [sockets     => "http_listen  127.0.0.1:18080;\nhttps_listen 127.0.0.1:18443;\n"],
);

my %known = map { $_ => 1 } (map { $_->[0] } @parts),
    qw(more publication before after http main unclosed says warns root without_dac refused accepted);

my $root = "$LyncTest::Paths::RUN/t/conf_" . ((split m{/}, $0)[-1] =~ s/\.t$//r) . "_$$";

# Runs the rows given, of the same names and values as sections, and those of the caller's DATA.
sub run_conf_tests {
    my $package = caller;
    my $data    = do { no strict 'refs'; \*{"${package}::DATA"} };

    make_pki();

    for my $row (@_, rows($data)) {
        if (my $why = reason_to_skip($row)) {
            SKIP: { skip("$row->{title}: $why", 1) }
            next;
        }
        my %places;
        my $outcome = outcome($row, \%places);
        my $expected = expected($row, \%places);
        ref $expected ? like($outcome, $expected, $row->{title}) : is($outcome, $expected, $row->{title});
    }

    done_testing();
    if (Test::More->builder->is_passing) {
        remove_tree($root);
    } else {
        diag("the last configuration is left for a look: $root/nginx.conf");
    }
}

sub rows {
    my ($data) = @_;
    my (@rows, $text);

    while (my $line = <$data>) {
        if ($line =~ /^=== (.+?)\s*$/) {
            push @rows, { title => $1, files => {} };
            undef $text;
        } elsif ($line =~ /^--- file (\S+)\s*$/) {
            $text = \($rows[-1]{files}{$1} = '');
        } elsif ($line =~ /^--- (refused|accepted): ([\w ]+?)\s*$/) {
            @{ $rows[-1] }{qw(table part)} = ($1, $2);
            $text = \($rows[-1]{rows} = '');
        } elsif ($line =~ /^--- (\w+)(?:: (.*?))?\s*$/) {
            die "$0: no section is called \"$1\"\n" if !$known{$1};
            die "$0: \"$1\" stands twice in \"$rows[-1]{title}\"\n" if exists $rows[-1]{$1};
            $text = \($rows[-1]{$1} = $2 // '');
        } elsif ($line =~ /^# ---/) {
            undef $text;
        } elsif (defined $text) {
            $$text .= $line;
        } elsif ($line =~ /\S/ && $line !~ /^#/) {
            die "$0: a line stands outside of a section: $line";
        }
    }
    @rows = map { $_->{table} ? of_table($_) : $_ } @rows;
    for my $row (@rows) {
        die "$0: \"$row->{title}\" expects nothing\n"
            if !grep { defined $row->{$_} } qw(says warns words);
        s/\n+\z/\n/ for grep { defined } @{$row}{ map { $_->[0] } @parts }, values %{ $row->{files} };
    }
    return @rows;
}

# The rows of a table.
sub of_table {
    my ($table) = @_;
    my ($part, $begin) = $table->{part} eq 'in pool'
        ? (pool => "pool fepool.contoso.local {\nexternal_web_services lyncwebext.contoso.com;\n") : ($table->{part}, '');

    my @rows;
    my $lines = '';
    for (split /\n/, $table->{rows}) {
        next if !/\S/ && $lines eq '';
        my ($line, $words) = /^(.*?)\s*(?:^|\s)\|(?:\s+(.*?))?\s*$/;
        if (!defined $line) {
            $lines .= "$_\n";
            next;
        }
        my $place = 'here';
        $place = lc $1 if defined $words && $words =~ s/ in %%(\w+)%%$//;
        $line .= '  # here' if "$lines$line" !~ /#\s*here\s*$/m;
        $lines .= "$line\n";
        my ($shown) = $lines =~ /^\s*(.{1,80})/;
        push @rows, { %$table, title => "$table->{title}: $shown", $part => $begin . $lines . ($begin ? "}\n" : ''),
            words => $words // '', place => $place };
        $lines = '';
    }
    die "$0: \"$table->{title}\": no bar behind $lines" if $lines ne '';
    return @rows;
}

sub reason_to_skip {
    my ($row) = @_;
    return 'only for root' if defined $row->{root} && $> != 0;
    if (defined $row->{without_dac} && system('setpriv', without_dac(), 'true') != 0) {
        return "this user can't give up a capability";
    }
    return;
}

# Root reads everything; without these two capabilities it doesn't.
sub without_dac { '--bounding-set=-dac_override,-dac_read_search' }

# %%WORD%% of configurations and messages alike.
sub expand {
    my ($text, $places) = @_;
    my %word = (PKI => $LyncTest::Paths::PKI, DIR => $root);

    1 while $text =~ s{%%(?:x([0-9a-f]{2})|(\S)\*(\d+)|(\w+))%%}{
        defined $1 ? chr hex $1
      : defined $2 ? $2 x $3
      : $word{$4} // $places->{ lc $4 } // die "$0: %%$4%% is nowhere\n"
    }ge;
    return $text;
}

sub configuration {
    my ($row) = @_;
    my $inside = $row->{publication};
    if (!defined $inside) {
        $inside = join '', (map { $row->{ $_->[0] } // $_->[1] } @parts), $row->{more} // '';
    }

    my $http = $row->{http} // join '', $row->{before} // '',
        "lync_publish contoso {    # block\n$inside}\n", $row->{after} // '';

    my $main = $row->{main} // '';
    my $end  = defined $row->{unclosed} ? '' : '}';
    return <<"END_CONF";
load_module $LyncTest::Paths::MODULE;
pid nginx.pid;
events {}
${main}http {
$LyncTest::Files::TEMPORARY$http$end
END_CONF
}

# Writes a file, and notes the places that its comments mark.
sub write_marked {
    my ($name, $text, $places) = @_;
    $text = expand($text, {});

    my $number = 0;
    for my $line (split /\n/, $text) {
        $number++;
        $places->{$1} //= "$root/$name:$number" if $line =~ /#\s*(\w+)\s*$/;
    }
    $places->{end} = "$root/$name:" . (1 + ($text =~ tr/\n//));

    write_file("$root/$name", $text);
}

# How nginx ends and what it says, as text to compare.
sub outcome {
    my ($row, $places) = @_;

    remove_tree($root);
    make_path("$root/logs"); # the access log of an nginx whose configure was told of none
    write_marked($_, $row->{files}{$_}, $places) for sort keys %{ $row->{files} // {} };
    write_marked('nginx.conf', configuration($row), $places);
    chmod 0, "$root/unreadable" if defined $row->{without_dac};

    my @command = ($LyncTest::Paths::NGINX, '-t', '-p', "$root/", '-e', "$root/error.log",
        '-c', "$root/nginx.conf");
    unshift @command, 'setpriv', without_dac() if defined $row->{without_dac};

    my $pid = fork // die "can't fork: $!\n";
    if ($pid == 0) {
        open STDERR, '>', "$root/stderr" or exit 127;
        exec @command or exit 127;
    }
    waitpid $pid, 0;
    my $ended = WIFSIGNALED($?) ? 'signal ' . WTERMSIG($?) : 'exit code ' . WEXITSTATUS($?);

    my @said   = lines("$root/stderr", qr/^nginx: /);
    my @logged = lines("$root/error.log", qr/^\S+ \S+ (?=\[)/);
    s/^(\[\w+\]) \d+#\d+: (?:\*\d+ )?/$1 / for @logged;

    # A terminal gets no notices; everything else must be in the log as well as on the terminal.
    @logged = grep { !/^\[(?:notice|info|debug)\] / } @logged;
    @said = grep { !/^\[(?:notice|info|debug)\] |^(?:the )?configuration / } @said;

    my $text = join "\n", $ended, @said;
    $text .= join "\n", "\nbut in the log:", @logged, '' if "@said" ne "@logged";
    return $text;
}

sub lines {
    my ($file, $prefix) = @_;
    return map { s/$prefix//r } split /\n/, slurp($file) // '';
}

sub expected {
    my ($row, $places) = @_;
    if (defined $row->{words}) {
        return 'exit code 0' if $row->{table} eq 'accepted' && $row->{words} eq '';
        my $text = $row->{words} =~ s/^crit: //r;
        my ($code, $level) = $row->{table} eq 'refused' ? (1, 'emerg') : (0, $text eq $row->{words} ? 'warn' : 'crit');
        my $words = join '.*', map { quotemeta expand($_, $places) } split / \.\.\. /, $text;
        my $place = $places->{ $row->{place} } // die "$0: $row->{place} is nowhere\n";
        return qr/\Aexit code $code\n\[$level\] .*$words.* in \Q$place\E\z/;
    }
    my @lines = defined $row->{says}
        ? ('exit code 1', paragraphs('emerg', $row->{says}, $places))
        : ('exit code 0', paragraphs('warn', $row->{warns} // '', $places));
    return join "\n", @lines;
}

sub paragraphs {
    my ($level, $text, $places) = @_;
    return map { s/\s*\n\s*/ /gr =~ s/^\s+|\s+$//gr }
        map { "[$level] " . expand($_, $places) } grep { /\S/ } split /\n\s*\n/, $text;
}

1;
