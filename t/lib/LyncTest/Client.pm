package LyncTest::Client;

# One connection of a client: plain or TLS, bytes out, bytes back, and what the handshake showed.

use strict;
use warnings;

use IO::Socket::IP   ();
use IO::Socket::SSL 2.050 ();
use Net::SSLeay ();
use Time::HiRes qw(alarm sleep time);

use constant EVP_PKEY_RSA => 6;

# Connects, sends the packets, reads until the server closes.
#
#   address, port   where to
#   packets         [{ value => BYTES, delay_before => S, delay_after => S }, ...]
#   timeout         seconds for the whole exchange
#   patience        seconds to go on trying to connect, for a server that starts slowly
#   tls             absent for plain TCP; otherwise a hash with
#       name            the name expected in the certificate
#       sni             the name asked for; '' sends none
#       ca              file of the trusted CA
#       alpn            protocols offered, separated by commas; absent: the extension isn't sent
#       version         e.g. TLSv1_2: only this one
#       ciphers         OpenSSL cipher list, which decides up to TLS 1.2
#       sessions        a hash that connections share in order to resume each other's sessions
#
# Returns a hash:
#   outcome   ok         the server closed after it had sent something
#             closed     the server closed without sending anything
#             handshake  TLS wasn't established
#             connect    no connection
#             timeout    the time was up
#   bytes     what came back
#   error     text that goes with an outcome other than "ok"
#   tls       what the handshake showed; see facts()
sub exchange {
    my (%o) = @_;
    my %got = (outcome => 'connect', bytes => '', error => '', tls => {});

    local $SIG{PIPE}     = 'IGNORE';
    local $SIG{__DIE__}  = 'DEFAULT';    # Test::Base counts even what an eval catches
    local $SIG{ALRM}     = sub { die "time is up\n" };

    eval {
        alarm $o{timeout};
        talk(\%o, \%got);
        alarm 0;
        1;
    } or do {
        alarm 0;
        $got{error} = $@;
        chomp $got{error};
        $got{outcome} = 'timeout' if $got{error} eq 'time is up';
    };

    return \%got;
}

sub talk {
    my ($o, $got) = @_;

    my $socket;
    my $until = time + ($o->{patience} // 0);
    while (1) {
        $socket = IO::Socket::IP->new(
            PeerHost => $o->{address},
            PeerPort => $o->{port},
            Proto    => 'tcp',
        ) and last;
        die "can't connect to $o->{address} port $o->{port}: $!\n" if time >= $until;
        sleep 0.2;
    }

    if ($o->{tls}) {
        $got->{outcome} = 'handshake';
        start_tls($socket, $o->{tls})
            or die "TLS handshake failed: ", IO::Socket::SSL::errstr(), "\n";
        $got->{tls} = facts($socket, $o->{tls});
    }

    $got->{outcome} = 'closed';

    for my $packet (@{ $o->{packets} }) {
        sleep $packet->{delay_before} if $packet->{delay_before};
        my $rest = $packet->{value};
        while (length $rest) {
            # A server may answer and close before it has read everything.
            my $n = syswrite $socket, $rest or last;
            substr $rest, 0, $n, '';
        }
        sleep $packet->{delay_after} if $packet->{delay_after};
    }

    while (sysread $socket, my $part, 65536) {
        $got->{bytes} .= $part;
        $got->{outcome} = 'ok';
    }

    # Closed properly: OpenSSL forgets a session whose connection breaks off.
    $socket->close;
}

sub start_tls {
    my ($socket, $tls) = @_;

    # The certificate is judged afterwards: the tests want to see a wrong one, not to lose it.
    my %ssl = (
        SSL_verify_mode     => IO::Socket::SSL::SSL_VERIFY_NONE(),
        SSL_ca_file         => $tls->{ca},
        SSL_verifycn_scheme => undef,
        SSL_hostname        => $tls->{sni},
        SSL_version         => $tls->{version} || 'SSLv23:!SSLv2:!SSLv3',
    );
    $ssl{SSL_alpn_protocols} = [split /,\s*/, $tls->{alpn}] if defined $tls->{alpn};
    $ssl{SSL_cipher_list}    = $tls->{ciphers}              if $tls->{ciphers};

    # The cache of sessions belongs to a context and is emptied with it.
    my $sessions = $tls->{sessions};
    if ($sessions) {
        $ssl{SSL_session_cache_size} = 16;
        $ssl{SSL_session_key}        = 'suite';
        $ssl{SSL_reuse_ctx}          = $sessions->{context};
    }

    my $done = IO::Socket::SSL->start_SSL($socket, %ssl);
    $sessions->{context} = ${*$socket}{_SSL_ctx} if $done && $sessions;
    return $done;
}

# What a suite's "--- tls" section can ask for:
#
#   version   TLSv1.2, TLSv1.3
#   cipher    OpenSSL's name
#   alpn      the protocol selected, or "none"
#   subject   the certificate's common name
#   key       RSA or EC
#   trusted   yes: issued by the trusted CA and carries the name; otherwise what is wrong
sub facts {
    my ($socket, $tls) = @_;

    (my $version = $socket->get_sslversion) =~ tr/_/./;
    my $result  = Net::SSLeay::get_verify_result($socket->_get_ssl_object);
    my $trusted = 'yes';
    if ($result != Net::SSLeay::X509_V_OK()) {
        $trusted = Net::SSLeay::X509_verify_cert_error_string($result);
    } elsif (!$socket->verify_hostname($tls->{name}, 'http')) {
        $trusted = "not for $tls->{name}";
    }

    my $key = Net::SSLeay::EVP_PKEY_id(Net::SSLeay::X509_get_pubkey($socket->peer_certificate));

    return {
        version => $version,
        cipher  => $socket->get_cipher,
        alpn    => $socket->alpn_selected // 'none',
        subject => $socket->peer_certificate('commonName'),
        key     => $key == EVP_PKEY_RSA ? 'RSA' : 'EC',
        trusted => $trusted,
    };
}

1;
