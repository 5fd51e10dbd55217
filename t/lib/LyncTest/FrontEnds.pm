package LyncTest::FrontEnds;

# The Front Ends of a pool for scenes: each a process of its own (t/pools/servers.py), so that one can
# be killed, frozen or looked at while the others go on. The body of an answer is the address.
#
#     my @fe = front_ends(3);       # 127.0.0.11 to 127.0.0.13 on port OWN
#     $fe[0]->kill;                 # also freeze, thaw, start
#     $fe[1]->seen->{requests};

use strict;
use warnings;

use Exporter qw(import);
use LyncTest::Paths ();
use LyncTest::Ports ();
use LyncTest::Program ();
use LyncTest::Scene ();

our @EXPORT = qw(front_ends front_ends_of asked ask_times held held_in_turn);

my @running;

sub front_ends {
    my ($number, %o) = @_;
    return map { __PACKAGE__->new(address => '127.0.0.' . (11 + $_), %o) } 0 .. $number - 1;
}

# A publication like %%FRONT_ENDS%%: its name, pool and servers, `more` in the pool and `beside` it.
sub front_ends_of {
    my (%o) = (name => 'contoso', pool => 'fepool.contoso.local', more => '', beside => '', @_);
    return "lync_publish $o{name} {\n    %%SOCKETS%%\n" . LyncTest::word('FRONT_ENDS')
        =~ s/contoso\.com/$o{name}.com/gr =~ s/fepool\.contoso\.local/$o{pool}/r
        =~ s/%%SERVERS%%/$o{servers} $o{more}/r . "    $o{beside}\n}\n";
}

sub new {
    my ($class, %o) = @_;
    my $self = bless {
        address => $o{address},
        port    => $o{port} // LyncTest::Ports::port('OWN'),
        tls     => exists $o{tls} ? $o{tls} : 'fepool.contoso.local',
    }, $class;
    $self->start;
    push @running, $self;
    return $self;
}

sub address { $_[0]{address} }

sub start {
    my ($self) = @_;
    $self->{name} = "$self->{address}:$self->{port}";
    $self->{program} = LyncTest::Program->start('pools/servers.py', $LyncTest::Paths::PKI,
        "$self->{name}=" . ($self->{tls} // ''));
    $self->command(server => $self->{name}, says => $self->{address});
    return $self;
}

# With another certificate from now on.
sub restart {
    my ($self, %o) = @_;
    $self->kill;
    @$self{ keys %o } = values %o;
    return $self->start;
}

sub command { my ($self, %command) = @_; return $self->{program}->command(\%command) }

# How many connections and so on; "waiting" are those that are held.
sub seen {
    my ($self) = @_;
    my $seen = $self->command(stats => 1)->{ $self->{name} };
    return { %$seen, map { $_ => scalar @{ $seen->{$_} } } qw(requests checks) };
}

sub kill   { $_[0]{program}->stop('KILL') }
sub freeze { CORE::kill(STOP => $_[0]{program}{pid}) }
sub thaw   { CORE::kill(CONT => $_[0]{program}{pid}) }

# Who answers: { address => how often } of so many requests, one after the other on new connections.
sub ask_times {
    my ($times, %o) = @_;
    my %who;
    for (1 .. $times) {
        my $answer = asked(%o);
        $who{ $answer->{status} == 200 ? $answer->{body} : $answer->{status} }++;
    }
    return \%who;
}

sub asked {
    my (%o) = @_;
    my $host   = $o{host} // 'lyncwebext.contoso.com';
    my $client = LyncTest::Scene::client("https://$host", first => $o{first}, port => $o{port}, address => $o{address});
    my $answer = $client->ask(($o{method} // 'GET') . ' ' . ($o{path} // '/ucwa/v1/x'),
        @{ $o{headers} // [] })->answer;
    $client->close;
    return $answer;
}

# A request that its server holds; the connection, to be read or closed later.
sub held {
    my ($seconds, %o) = @_;
    my $host = $o{host} // 'lyncwebext.contoso.com';
    return LyncTest::Scene::client("https://$host", first => $o{first})
        ->ask("GET /ucwa/v1/x?hold=$seconds");
}

# So many of them, each asked when the one before has arrived at one of these servers.
sub held_in_turn {
    my ($count, $seconds, @servers) = @_;
    my $waiting = sub { my $sum = 0; $sum += $_->seen->{waiting} for @servers; $sum };
    my $before = $waiting->();
    my @clients;
    for my $n (1 .. $count) {
        push @clients, held($seconds);
        LyncTest::Scene::wait_until(sub { $waiting->() >= $before + $n });
    }
    return @clients;
}

Test::Nginx::Util::add_test_cleanup_handler(sub { $_->kill for splice @running });

1;
