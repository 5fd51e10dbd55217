package LyncTest::Doors;

# Sign-ins by each door, and a server that takes them: "right" is everybody's password. What arrives
# there is written down, a line for each credential that names an account.

use strict;
use warnings;

use Exporter qw(import);
use MIME::Base64 qw(encode_base64 decode_base64);

use LyncTest::Scene;

our @EXPORT = qw(doors_server arrived server_connections try attempt @DOORS type3);

our @DOORS = qw(ntlm spnego basic token soap page);

my $file;

sub lines_of {
    my ($name) = @_;
    open my $in, '<', $name or return;
    chomp(my @lines = <$in>);
    return @lines;
}
sub arrived { my @lines = lines_of($file); return @lines }
sub server_connections { return scalar(my @all = lines_of("$file.connections")) } # that the server has accepted

sub write_down {
    my ($name, $line) = @_;
    open my $out, '>>', $name or die "can't write $name: $!\n";
    syswrite $out, "$line\n";
}

# %o: what pool_server takes, and delay => seconds before a wrong password is answered, or a function of the account's name;
# slow => seconds before any password is;
# ignores => which credentials make no difference, by request line and Authorization; rejects => what SPNEGO says to a wrong one
sub doors_server {
    my (%o) = @_;
    $file = scene_dir() . '/arrived';
    unlink $file, "$file.connections";
    return pool_server(%o, parallel => 1, sub {
        my ($connection) = @_;
        write_down("$file.connections", 'one');
        while (my $request = eval { $connection->message }) {
            my ($status, @answer) = judge($request, %o);
            my $body = pop @answer;
            $connection->write(join "\r\n", "HTTP/1.1 $status Whatever", 'X-Powered-By: ASP.NET',
                @answer, 'Content-Length: ' . length $body, '', $body);
        }
    });
}

my $FAULT = '<s:Envelope><s:Body><s:Fault>FailedAuthentication</s:Fault></s:Body></s:Envelope>';

sub judge {
    my ($request, %o) = @_;
    my $delay = $o{delay};
    my ($path) = $request->{first} =~ /^\S+ ([^ ?]+)/;
    my $auth = $request->one('Authorization') // '';
    my $body = $request->{body};
    my ($who, $password);
    my @wrong = (401, 'WWW-Authenticate: Negotiate', 'WWW-Authenticate: NTLM',
        'WWW-Authenticate: Basic realm="pool"', 'Content-Type: text/html', 'not you');
    my @right = (200, 'Content-Type: text/plain', 'welcome');
    return (@right[0, 1], '') if $o{ignores} && "$request->{first} $auth" =~ $o{ignores};
    @wrong = (401, "WWW-Authenticate: Negotiate $o{rejects}", @wrong[-2, -1]) if $o{rejects};
    if ($path =~ m{^/webticket/oauthtoken}) {
        ($password) = $body =~ /password=([^&]*)$/;
        ($who) = $body =~ /username=([^&]*)/;
        @wrong = (400, 'Content-Type: application/json', '{"error":"invalid_grant","why":"x"}');
    } elsif ($path =~ m{/Auth$}i) {
        ($who) = $body =~ m{<\w+:Username>([^<]*)};
        ($password) = $body =~ m{<\w+:Password>([^<]*)};
        @wrong = (500, 'Content-Type: text/xml', $FAULT);
    } elsif ($path =~ m{^/dialin}) {
        ($who) = $body =~ /user=([^&]*)/;
        ($password) = $body =~ /password=([^&]*)$/;
        @wrong = (200, 'Content-Type: text/html', 'the form again');
        @right = (302, 'Location: /dialin/home', 'Set-Cookie: ticket=1', '');
    } elsif ($path =~ m{^/meet}) {
        return (200, 'Content-Type: text/html', 'anonymous');
    } elsif ($path =~ m{^/scheduler}) { # behind a load balancer, whoever asks
        return (302, 'Location: /scheduler/start', 'Set-Cookie: balancer=1', '');
    } elsif ($auth =~ /^Basic (.*)/) {
        ($who, $password) = split /:/, decode_base64($1), 2;
    } elsif ($auth =~ /^(NTLM|Negotiate) (.*)/) {
        my ($scheme, $token) = ($1, $2);
        my $message = decode_base64($token) =~ s/^.*?(?=NTLMSSP)//sr;
        if (unpack('V', substr $message, 8) == 1) {
            return (401, "WWW-Authenticate: $scheme " . encode_base64("NTLMSSP\0\2\0\0\0challenge", ''),
                'Content-Type: text/html', 'go on');
        }
        my @names = map {
            my ($length, undef, $offset) = unpack 'vvV', substr $message, $_, 8;
            (substr $message, $offset, $length) =~ s/\0//gr;
        } 28, 36, 44;
        $who = $names[0] eq '' ? $names[1] : "$names[0]\\$names[1]";
        $password = $names[2];
    }
    defined $who or return @wrong;
    s/%(..)/chr hex $1/ge for $who, $password;
    write_down($file, $who);
    Time::HiRes::sleep($o{slow}) if $o{slow};
    return @right if $password eq 'right';
    Time::HiRes::sleep(ref $delay ? $delay->($who) : $delay) if $delay;
    return @wrong;
}

# A type 3; the password is where the workstation's name would be.
sub type3 {
    my ($who, $password) = @_;
    my ($domain, $user) = $who =~ /^(.*)\\(.*)$/ ? ($1, $2) : ('', $who);
    my ($offset, $fields, $payload) = (64, '', '');
    for my $text ('', '', $domain, $user, $password, '') {
        my $units = join '', map { "$_\0" } split //, $text;
        $fields .= pack 'vvV', length $units, length $units, $offset + length $payload;
        $payload .= $units;
    }
    return "NTLMSSP\0" . pack('V', 3) . $fields . pack('V', 1) . $payload;
}

sub form { (map { s/([^A-Za-z0-9])/sprintf '%%%02X', ord $1/ger } @_) }

# Sends what signs in by a door, on a connection of its own or the one given; what is left to do is
# to read the answer.
sub attempt {
    my ($door, $who, $password, $client) = @_;
    $client //= client('https://lyncwebext.contoso.com');
    my $post = sub {
        my ($path, $type, $body) = @_;
        $client->ask("POST $path", 'Content-Type' => $type, 'Content-Length' => length $body)
            ->write($body);
    };
    if ($door eq 'basic') {
        $client->ask('GET /abs/handler', Authorization => 'Basic ' . encode_base64("$who:$password", ''));
    } elsif ($door eq 'ntlm' || $door eq 'spnego') {
        my ($scheme, $before) = $door eq 'ntlm' ? ('NTLM', '') : ('Negotiate', "\xa1\x81\x80");
        $client->ask('GET /abs/handler', Authorization => "$scheme "
            . encode_base64("NTLMSSP\0\1\0\0\0\7\0\0\0", ''))->answer;
        $client->ask('GET /abs/handler',
            Authorization => "$scheme " . encode_base64($before . type3($who, $password), ''));
    } elsif ($door eq 'token') {
        $post->('/webticket/oauthtoken', 'application/x-www-form-urlencoded', sprintf
            'grant_type=password&username=%s&password=%s', form($who, $password));
    } elsif ($door eq 'soap') {
        $post->('/webticket/webticketservice.svc/Auth', 'text/xml; charset=utf-8',
            "<s:Envelope><o:UsernameToken><o:Username>$who</o:Username>"
                . "<o:Password>$password</o:Password></o:UsernameToken></s:Envelope>");
    } else {
        $post->('/dialin/Conference.aspx', 'application/x-www-form-urlencoded',
            sprintf 'user=%s&password=%s', form($who, $password));
    }
    return $client;
}

sub try {
    my $answer = attempt(@_)->answer;
    return $answer->{status};
}

1;
