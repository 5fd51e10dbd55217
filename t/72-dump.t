# nginx -T shows what a publication becomes, to be read by people; and errors in it point to the line
# of the block that caused them.

use LyncTest;
use LyncTest::Scene;

sub dump_of_this {
    return (LyncTest::nginx('-T'))[1];
}

# The text under a name.
sub section {
    my ($text, $name) = @_;
    return $text =~ /^# configuration file \Q$name\E:\n(.*?)(?=^# configuration file |\z)/ms ? $1 : '';
}

scene 'a publication has a name of its own there, and a comment over each server',
    nginx_T => '# configuration file lync_publish contoso:', sub {
    my $text = section(dump_of_this(), 'lync_publish contoso');
    my ($p8080, $p4443, $p443) = map { port($_) } qw(8080 4443 443);

    my @comments = $text =~ /^# (.*)\nserver \{$/mg;
    my $servers = () = $text =~ /^server \{$/mg;
    is(scalar @comments, $servers, 'a comment over each server');
    for my $expected (
        "https lyncwebext.contoso.com -> pool fepool.contoso.local, port $p4443",
        "https lyncdiscover.contoso.com, lyncdiscover.fabrikam.com -> director dirpool.contoso.local, port $p4443",
        "https mail.contoso.com, autodiscover.contoso.com -> exchange mail.contoso.com, port $p443",
        'http admin.contoso.com -> refused, the admin simple URL is for the inside',
        'https for any other name -> connection closed',
    ) {
        is(scalar(grep { $_ eq $expected } @comments), 1, $expected);
    }
    is(scalar(grep { /^http \S+, \S+, \S+ and \d+ more -> redirected to https$/ } @comments), 1,
        'long lists are cut short') or diag(join "\n", @comments);
    unlike($text, qr/.{161}/, 'no line is too long to read');
    unlike($text, qr/\t| $/m, 'no tabs, no trailing spaces');
};

# The printed text is what nginx runs: given back to nginx as a file it's accepted.
scene 'what is printed is what is run', sub {
    my $text = section(dump_of_this(), 'lync_publish contoso');
    $text =~ s/^\s*lync_rule .*\n//mg;
    my ($status, $said) = nginx('-t', $text);
    is($status, 0, 'the text is a configuration of nginx') or diag($said);
};

scene 'two publications', publication => '%%STANDARD%%', after => '%%FABRIKAM%%', sub {
    my $text = dump_of_this();
    like(section($text, 'lync_publish contoso'), qr/lyncwebext\.contoso\.com/, 'the first');
    like(section($text, 'lync_publish fabrikam'), qr/lyncwebext\.fabrikam\.com/, 'the second');
    unlike(section($text, 'lync_publish contoso'), qr/fabrikam/, 'each its own');
};

run_suite(publication => '%%ENTERPRISE%%');

__DATA__

=== nginx's syntax holds inside: include, comments, quoting, one line for all
--- http_config
    lync_publish "contoso" { %%SOCKETS%% sip_domain 'contoso.com'; # a comment
        %%CERTIFICATE%% %%TRUSTED_CA%% include %%SERVROOT%%/html/pool.conf; include %%SERVROOT%%/html/none-*.conf;
        "simple_url" meet "https://meet.contoso.com"; }
--- user_files
>>> pool.conf
pool fepool.contoso.local { include %%SERVROOT%%/html/inner.conf; external_web_services lyncwebext.contoso.com; }
>>> inner.conf
server 127.0.0.11;
%%PORTS%%
--- asks
GET https://meet.contoso.com/alice -> external
