package AuthToy;

# What the suites of connection-bound authentication play with: the toy server of toy.py, a plain
# nginx with a shared keepalive in front of it (the recipe that the web recommends, which leaks),
# and clients who know their name. A scene is played twice:
#
#     both 'a client after the other', sub {
#         my ($front) = @_;
#         my $alice = $front->client('A');
#         is($alice->ntlm('alice')->{user}, 'alice', 'alice signs in');
#         ...
#     };
#
# first against the publication, where everything that is(), ok() etc. say counts and no identity
# may cross; then against plain nginx, where nothing counts but that an identity does cross: so the
# scene is seen to detect the leak. `alone` plays against the publication only: for what plain
# nginx hasn't got.

use strict;
use warnings;

use Exporter qw(import);
use JSON::PP ();
use MIME::Base64 qw(encode_base64 decode_base64);
use Test::More ();
use Time::HiRes qw(sleep);

use AuthPlain ();
use LyncTest ();
use LyncTest::Paths ();
use LyncTest::Ports ();
use LyncTest::Program ();
use LyncTest::Scene ();

our @EXPORT = qw(
    both alone gone and_strangers is isnt ok like unlike cmp_ok is_deeply note
    type1 type3 kerberos
);

our $HOST = $AuthPlain::HOST;

# A path that the policy lets through, of a service that authenticates.
our $PATH = '/webticket/webticketservice.svc';

# --- tokens

sub type1 () { encode_base64("NTLMSSP\0" . pack('VV', 1, 0xA2088207) . "\0" x 16, '') }

sub type3 {
    my ($challenge, $user) = @_;
    my $nonce = defined $challenge ? substr decode_base64($challenge), 12 : 'none';
    return encode_base64("NTLMSSP\0" . pack('V', 3) . "$nonce|$user", '');
}

sub kerberos { encode_base64("\x60\x82KRB5|$_[0]", '') }

# --- the toy server

my $toy;

# The one of this suite, on both of the pool's servers; started when it is first needed.
sub toy {
    return $toy if $toy;
    my $port = LyncTest::Ports::port('POOL');
    my $pki  = $LyncTest::Paths::PKI;
    $toy = AuthToy::Server->start('auth/toy.py',
        '--tls', "$pki/fepool.contoso.local.pem", "$pki/fepool.contoso.local.key",
        "127.0.0.11:$port", "127.0.0.21:$port",
        '--http', '127.0.0.11:' . LyncTest::Ports::port('POOL_HTTP'));
    $toy->{port} = $port;
    return $toy;
}

package AuthToy::Server;

our @ISA = 'LyncTest::Program';

sub stats { $_[0]->command('stats') }

# The open connections whose user or owner is so.
sub open_of {
    my ($self, %what) = @_;
    return grep {
        my $c = $_;
        !grep { ($c->{$_} // '') ne ($what{$_} // '') } keys %what;
    } @{ $self->stats->{open} };
}

# --- the two fronts

package AuthToy;

sub front {
    return AuthToy::Front->new(name => 'publication', port => LyncTest::Ports::port('HTTPS'));
}

sub plain {
    return AuthToy::Front->new(name => 'plain', AuthPlain::start(@_));
}

# --- scenes

my $counts = 1;

sub is ($$;$) { return !$counts || Test::More::is($_[0], $_[1], $_[2]) }
sub isnt ($$;$) { return !$counts || Test::More::isnt($_[0], $_[1], $_[2]) }
sub ok ($;$) { return !$counts || Test::More::ok($_[0], $_[1]) }
sub like ($$;$) { return !$counts || Test::More::like($_[0], $_[1], $_[2]) }
sub unlike ($$;$) { return !$counts || Test::More::unlike($_[0], $_[1], $_[2]) }
sub cmp_ok ($$$;$) { return !$counts || Test::More::cmp_ok($_[0], $_[1], $_[2], $_[3]) }
sub is_deeply   { return !$counts || Test::More::is_deeply($_[0], $_[1], $_[2]) }
sub note        { Test::More::note(@_) if $counts }

# Somebody else signs in and goes, and strangers come: where it may cross, it does here.
sub and_strangers {
    my ($front) = @_;
    my $carol = $front->client('Carol');
    is($carol->ntlm('carol')->{user}, 'carol', 'and carol signs in');
    $carol->close;
    gone($front, owner => 'Carol');
    is($_->{user}, '-', 'strangers are strangers') for $front->strangers(2);
}

# Waits until no connection that fits is open; plain nginx never closes what it could hand on.
sub gone {
    my ($front, %what) = @_;
    if (!$front->is_publication) {
        sleep 0.05;
        return 1;
    }
    return LyncTest::Scene::wait_until(sub { !toy()->open_of(%what) });
}

sub play {
    my ($scene, $front, $block) = @_;
    my $toy = toy();
    $toy->command('limit', 0);
    $toy->command('reset');
    $front->{stolen} = [];
    my $done = eval { $scene->($front, $toy, $block); 1 };
    my $error = $@;
    $_->close for values %{ $front->{clients} };
    $front->{clients} = {};
    my $owned = 0;
    if ($front->is_publication) {
        LyncTest::Scene::wait_until(sub {
            $owned = grep { defined $_->{owner} } @{ $toy->stats->{open} };
            return !$owned;
        });
    }
    return ($done ? undef : $error, $front->{stolen}, $toy->stats, $owned);
}

sub judge {
    my ($name, $error, $stolen, $stats, $owned) = @_;
    Test::More::is($error, undef, "$name - played to its end");
    Test::More::is("@$stolen", '', "$name - nobody is taken for somebody else");
    Test::More::is($stats->{crossed}, 0, "$name - no request on somebody else's connection")
        or Test::More::diag(JSON::PP->new->canonical->encode($stats->{crossings}));
    Test::More::is($owned, 0, "$name - a client's connections are closed with it");
    return;
}

sub both {
    my $scene = pop;
    LyncTest::Scene::scene(@_, sub {
        my ($block) = @_;
        judge($block->name, play($scene, front(), $block));
        my $servers = () = $block->http_config =~ /^\s*server\s+127\.0\.0\.[12]1\b/mg;

        $counts = 0;
        my (undef, $stolen, $stats) = play($scene, plain($servers > 1 ? 'two' : 'one'), $block);
        $counts = 1;
        toy()->command('close', 'all');
        Test::More::ok($stats->{crossed} > 0,
            $block->name . ' - plain nginx crosses, and it is seen');
        Test::More::note("plain nginx: $stats->{crossed} crossed; @$stolen");
    });
}

sub alone {
    my $scene = pop;
    LyncTest::Scene::scene(@_, sub {
        my ($block) = @_;
        judge($block->name, play($scene, front(), $block));
    });
}

# --- a front, and its clients

package AuthToy::Front;

sub new {
    my ($class, %o) = @_;
    return bless { clients => {}, stolen => [], %o }, $class;
}

sub is_publication { $_[0]{name} eq 'publication' }

# The client of that name, on a connection of its own; to another URL, and another path there, as
# "to" and "path" say.
sub client {
    my ($self, $name, %o) = @_;
    my $client = bless { name => $name, front => $self, names => {}, options => \%o },
        'AuthToy::Client';
    $self->{clients}{$client} = $client;
    return $client->reconnect;
}

# Strangers, one connection each, who ask without any header: whoever they are taken for is stolen.
sub strangers {
    my ($self, $count) = @_;
    my @answers;
    for my $i (1 .. $count // 3) {
        my $client = $self->client("stranger$i");
        push @answers, $client->get('anonymous');
        $client->close;
    }
    return @answers;
}

package AuthToy::Client;

sub reconnect {
    my ($self) = @_;
    $self->close;
    my $to = $self->{options}{to} // "https://$AuthToy::HOST:$self->{front}{port}";
    my %o = map { $_ => $self->{options}{$_} } grep { exists $self->{options}{$_} } qw(first);
    $self->{connection} = LyncTest::Scene::client($to, %o);
    return $self;
}

# After an answer with which the front may have closed.
sub reconnect_if_closed {
    my ($self) = @_;
    return $self->{connection}->is_closed(0.05) ? $self->reconnect : $self;
}

sub connection { $_[0]{connection} }

sub close {
    my ($self) = @_;
    my $connection = delete $self->{connection} or return;
    $connection->close;
}

# A request, as text: the query, then headers. The query may be preceded by the method.
sub text {
    my ($self, $query, @headers) = @_;
    my $method = $query =~ s/^([A-Z]+) // ? $1 : 'GET';
    my $path = $self->{options}{path} // $AuthToy::PATH;
    return LyncTest::Scene::request("$method https://$self->{connection}{host}$path?$query",
        'X-Client' => $self->{name}, @headers);
}

sub send {
    my ($self, @request) = @_;
    $self->{connection}->write($self->text(@request));
    return $self;
}

# Reads an answer: what the server says of it (see toy.py), and status, challenges, message. Dies if
# there is none.
sub answer {
    my ($self) = @_;
    my $message = $self->{connection}->answer;
    my $body    = $message->{body} =~ s/\.*\z//r;
    my $facts   = $body =~ /^\{/ ? JSON::PP::decode_json($body) : {};
    my $user    = $facts->{user};
    if (defined $user && $user ne '-' && !$self->{names}{$user}) {
        push @{ $self->{front}{stolen} }, "$self->{name} is $user";
    }
    return {
        %$facts,
        name       => $self->{name},
        status     => $message->{status},
        challenges => [$message->all('WWW-Authenticate')],
        message    => $message,
    };
}

sub get {
    my ($self, $query, @headers) = @_;
    return $self->send($query // '', @headers)->answer;
}

# The status of what comes, or "closed".
sub outcome {
    my ($self) = @_;
    my $answer = eval { $self->answer };
    return $answer ? $answer->{status} : 'closed';
}

# The client may be taken for this user.
sub is_also {
    my ($self, $user) = @_;
    $self->{names}{$user} = 1;
    return $self;
}

# The first message of a handshake, and the challenge that comes.
sub begin {
    my ($self, $query, $scheme) = @_;
    $self->send($query // '', Authorization => ($scheme // 'NTLM') . ' ' . AuthToy::type1());
    return $self->challenged;
}

sub challenged {
    my ($self) = @_;
    my $answer = $self->answer;
    ($self->{challenge}) =
        map { /(?:NTLM|Negotiate) (\w{12,}=*)/ ? $1 : () } @{ $answer->{challenges} };
    return $answer;
}

# The last one.
sub send_last {
    my ($self, $user, $query, $scheme) = @_;
    return $self->is_also($user)->send($query // '',
        Authorization => ($scheme // 'NTLM') . ' ' . AuthToy::type3($self->{challenge}, $user));
}

sub finish {
    my ($self, @how) = @_;
    return $self->send_last(@how)->answer;
}

sub ntlm {
    my ($self, $user, $query, $scheme) = @_;
    $self->begin($query, $scheme);
    return $self->finish($user, $query, $scheme);
}

sub negotiate {
    my ($self, $user, $query) = @_;
    return $self->is_also($user)->get($query // '',
        Authorization => 'Negotiate ' . AuthToy::kerberos($user));
}

1;
