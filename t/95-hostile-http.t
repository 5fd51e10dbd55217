# What stands at http level must not bend a publication. Every directive that nginx's modules take
# there and hand down to servers and locations is turned the wrong way, each alone and then all
# together; the same requests must get the same answers as without, reach the same servers, and
# reach them once.
#
# What is inherited on purpose is absent here: log files, resolver, set_real_ip_from and its kin,
# temporary paths, ssl_session_ticket_key. proxy_set_body, which nothing can undo, is refused
# (t/90-bad-input-together.t).

use strict;
use warnings;

use File::Path qw(make_path remove_tree);
use LyncTest::Client ();
use LyncTest::Files  qw(slurp make_pki);
use LyncTest::Logs   ();
use LyncTest::Nginx  ();
use LyncTest::Paths  ();
use LyncTest::Ports  ();
use LyncTest::StandIn ();
use Test::More;
use Time::HiRes qw(sleep);

my $root  = "$LyncTest::Paths::RUN/t/hostile_$$";
my $pki   = $LyncTest::Paths::PKI;
my $nginx = $LyncTest::Paths::NGINX;
sub port { LyncTest::Ports::port($_[0]) }

# [what stands at http level], each with what it needs to do harm. Paths like /hostile lead to the
# publication's own location, which has nothing there: an error in any case.
my @hostile = grep { /\S/ && !/^#/ } map { s/^\s+|\s+$//gr } split /\n/, <<'END';
# ngx_http_core_module
absolute_redirect off; port_in_redirect on; server_name_in_redirect on;
aio threads; aio_write on;
client_body_buffer_size 1;
client_body_in_file_only on;
client_body_in_file_only clean; client_body_in_single_buffer on;
client_body_timeout 1ms;
client_header_buffer_size 32;
client_header_timeout 1ms;
client_max_body_size 1;
chunked_transfer_encoding off;
connection_pool_size 256; request_pool_size 256;
default_type text/hostile;
types { text/hostile html txt; }
directio 1; directio_alignment 4k; read_ahead 4k;
disable_symlinks on;
early_hints 1;
error_page 301 400 401 403 404 405 409 412 416 500 502 503 504 =200 /hostile;
error_page 404 502 503 https://hostile.contoso.com/;
etag off;
if_modified_since before;
if_modified_since off; max_ranges 0;
ignore_invalid_headers off; underscores_in_headers on;
keepalive_disable safari msie6;
keepalive_min_timeout 1h;
keepalive_requests 1;
keepalive_time 1ms;
keepalive_timeout 0;
large_client_header_buffers 1 600;
limit_rate 1;
limit_rate 1; limit_rate_after 1;
lingering_close off;
lingering_close always; lingering_time 1ms; lingering_timeout 1ms;
log_not_found off; log_subrequest on;
max_headers 1;
merge_slashes off;
msie_padding on; msie_refresh on;
open_file_cache max=10; open_file_cache_errors on; open_file_cache_valid 1h; open_file_cache_min_uses 1;
output_buffers 1 512; postpone_output 0;
post_action /hostile;
recursive_error_pages on; error_page 404 /hostile;
reset_timedout_connection on;
root /nonexistent;
satisfy any; deny all; auth_basic hostile; auth_basic_user_file hostile.htpasswd;
send_lowat 1; send_timeout 1ms;
sendfile on; sendfile_max_chunk 1; tcp_nopush on; tcp_nodelay off;
server_tokens build;
subrequest_output_buffer_size 1;
variables_hash_bucket_size 128; types_hash_max_size 64;
# who may come
allow 192.0.2.1; deny all;
auth_basic "hostile"; auth_basic_user_file hostile.htpasswd;
auth_delay 1s; auth_basic "hostile"; auth_basic_user_file hostile.htpasswd;
auth_request /hostile;
auth_request /hostile; auth_request_set $hostile $upstream_status;
limit_req_zone $server_protocol zone=requests:1m rate=1r/m; limit_req zone=requests;
limit_req_zone $server_protocol zone=requests:1m rate=1r/m; limit_req zone=requests nodelay; limit_req_status 418; limit_req_log_level error;
limit_req_zone $server_protocol zone=requests:1m rate=1r/m; limit_req zone=requests; limit_req_dry_run on;
limit_conn_zone $server_protocol zone=connections:1m; limit_conn connections 1; limit_conn_status 418; limit_conn_log_level error; limit_conn_dry_run off;
secure_link $arg_hostile; secure_link_md5 hostile;
userid on; userid_name hostile; userid_path /;
userid log; userid_mark a;
# what answers look like
add_after_body /hostile; addition_types *;
add_before_body /hostile; addition_types *;
add_header X-Hostile yes always;
add_header X-Hostile yes always; add_header_inherit merge;
add_trailer X-Hostile yes always;
add_trailer X-Hostile yes always; add_trailer_inherit merge;
autoindex on; autoindex_format json; index hostile;
charset koi8-r; charset_types *; override_charset on;
charset koi8-r; source_charset windows-1251; charset_types *; override_charset on;
expires max;
gunzip on; gunzip_buffers 1 512;
gzip on; gzip_types *; gzip_proxied any; gzip_min_length 0; gzip_http_version 1.0; gzip_vary on; gzip_comp_level 9; gzip_buffers 1 1k; gzip_disable msie6;
gzip_static always;
image_filter_buffer 1;
modern_browser_value hostile; ancient_browser_value hostile; ancient_browser curl;
mp4_buffer_size 1;
slice 1k;
ssi on; ssi_types *; ssi_silent_errors off; ssi_last_modified on;
sub_filter external hostile; sub_filter_types *; sub_filter_once off;
sub_filter $host hostile; sub_filter_types *; sub_filter_last_modified on;
xml_entities /nonexistent;
# what else happens
dav_methods PUT DELETE MKCOL COPY MOVE; dav_access all:rw; create_full_put_path on; min_delete_depth 0;
mirror /hostile; mirror_request_body on;
rewrite_log on;
uninitialized_variable_warn off;
# HTTP/2 and HTTP/3
http2 on;
http2_max_concurrent_streams 1; http2_chunk_size 1; http2_body_preread_size 64k;
http2_push /hostile; http2_push_preload on;
http2_idle_timeout 1ms; http2_recv_timeout 1ms; http2_max_requests 1; http2_max_field_size 64; http2_max_header_size 64;
http3 on;
http3_hq on; http3_max_concurrent_streams 1;
quic_retry on; quic_gso on;
# ngx_http_proxy_module
proxy_bind 127.0.0.66;
proxy_bind $remote_addr transparent;
proxy_buffer_size 512;
proxy_buffering on; proxy_request_buffering on;
proxy_buffers 2 1k; proxy_buffer_size 1k; proxy_busy_buffers_size 1k;
proxy_cache answers; proxy_cache_path cache keys_zone=answers:1m; proxy_cache_valid any 1h; proxy_cache_key hostile; proxy_cache_methods GET HEAD POST; proxy_ignore_headers Cache-Control Expires Set-Cookie Vary;
proxy_cache answers; proxy_cache_path cache keys_zone=answers:1m; proxy_cache_valid any 1h; proxy_cache_use_stale error timeout http_500 http_503; proxy_cache_lock on; proxy_cache_min_uses 1; proxy_cache_background_update on; proxy_cache_revalidate on; proxy_cache_convert_head on; proxy_cache_max_range_offset 1;
proxy_no_cache 1; proxy_cache_bypass 1;
proxy_connect_timeout 1ms;
proxy_cookie_domain ~. hostile; proxy_cookie_path ~. /hostile; proxy_cookie_flags ~ secure samesite=none;
proxy_force_ranges on;
proxy_headers_hash_bucket_size 32; proxy_headers_hash_max_size 64;
proxy_hide_header X-Site; proxy_hide_header WWW-Authenticate; proxy_hide_header Set-Cookie;
proxy_http_version 1.0;
proxy_ignore_client_abort on;
proxy_ignore_headers X-Accel-Redirect; proxy_ignore_headers X-Accel-Limit-Rate;
proxy_intercept_errors on; error_page 401 403 404 409 412 500 503 =200 /hostile;
proxy_limit_rate 1;
proxy_max_temp_file_size 1k; proxy_temp_file_write_size 1k; proxy_buffers 2 1k; proxy_buffer_size 1k; proxy_busy_buffers_size 1k;
proxy_method POST;
proxy_next_upstream error timeout http_404 http_403 http_500 http_503 non_idempotent; proxy_next_upstream_tries 5; proxy_next_upstream_timeout 1ms;
proxy_next_upstream off;
proxy_pass_header X-Accel-Redirect; proxy_pass_header X-Accel-Limit-Rate;
proxy_pass_request_body off;
proxy_pass_request_headers off;
proxy_pass_trailers on;
proxy_read_timeout 1ms;
proxy_redirect https:// http://hostile.;
proxy_redirect ~^ https://hostile.contoso.com/;
proxy_send_lowat 1; proxy_send_timeout 1ms;
proxy_set_header Host hostile.contoso.com; proxy_set_header Authorization "";
proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_set_header Connection upgrade;
proxy_socket_keepalive off; proxy_socket_rcvbuf 1k; proxy_socket_sndbuf 1k;
proxy_store on; proxy_store_access all:rw;
proxy_store hostile$uri;
proxy_ssl_certificate PKI/public-ecdsa.pem; proxy_ssl_certificate_key PKI/public-ecdsa.key;
proxy_ssl_certificate PKI/encrypted.pem; proxy_ssl_certificate_key PKI/encrypted.key; proxy_ssl_password_file hostile.password;
proxy_ssl_certificate_cache max=10;
proxy_ssl_ciphers NULL;
proxy_ssl_conf_command MaxProtocol TLSv1;
proxy_ssl_conf_command Ciphersuites TLS_AES_128_CCM_8_SHA256;
proxy_ssl_crl hostile.crl;
proxy_ssl_name hostile.contoso.com;
proxy_ssl_protocols TLSv1;
proxy_ssl_server_name off;
proxy_ssl_session_reuse off;
proxy_ssl_trusted_certificate PKI/other-ca.pem;
proxy_ssl_verify on; proxy_ssl_verify_depth 0; proxy_ssl_trusted_certificate PKI/other-ca.pem;
proxy_ssl_verify off;
tunnel_connect_timeout 1ms; tunnel_read_timeout 1ms;
# ngx_http_ssl_module
ssl on; ssl_certificate PKI/wrong-name.pem; ssl_certificate_key PKI/wrong-name.key;
ssl_buffer_size 512;
ssl_certificate PKI/wrong-name.pem; ssl_certificate_key PKI/wrong-name.key;
ssl_certificate_cache max=10;
ssl_certificate_compression on;
ssl_ciphers NULL;
ssl_client_certificate PKI/other-ca.pem; ssl_verify_client on; ssl_verify_depth 0;
ssl_client_certificate PKI/other-ca.pem; ssl_verify_client on; ssl_ocsp on; ssl_crl hostile.crl;
ssl_verify_client optional_no_ca;
ssl_conf_command MaxProtocol TLSv1;
ssl_conf_command Options PrioritizeChaCha;
ssl_early_data on;
ssl_ecdh_curve secp521r1;
ssl_password_file hostile.password;
ssl_prefer_server_ciphers off;
ssl_protocols TLSv1;
ssl_protocols TLSv1.2; ssl_ciphers AES256-SHA;
ssl_reject_handshake on;
ssl_session_cache none; ssl_session_tickets off; ssl_session_timeout 1;
ssl_session_cache shared:sessions:1m;
ssl_stapling on; ssl_stapling_verify on; ssl_stapling_responder http://127.0.0.1:1/;
ssl_trusted_certificate PKI/other-ca.pem;
END

# One publication with each way of answering in it. Names of example.com are in no certificate.
my $publication = <<'END';
lync_publish contoso {
    sip_domain    contoso.com example.com;
    certificate   PKI/public.pem PKI/public.key;
    trusted_ca    PKI/internal-ca.pem;
    http_listen   127.0.0.1:PORT_HTTP;
    https_listen  127.0.0.1:PORT_HTTPS;
    path_policy   vendor;

    pool fepool.contoso.local {
        server                 127.0.0.11;
        external_web_services  lyncwebext.contoso.com;
        listening_ports        http=PORT_8080 https=PORT_4443;
    }
    pool fepool2.fabrikam.local {
        server                 127.0.0.12;
        external_web_services  lyncwebext.fabrikam.com;
        listening_ports        http=PORT_8080 https=PORT_4443;
    }
    # Nobody listens there.
    pool deadpool.contoso.local {
        server                 127.0.0.13;
        external_web_services  dirwebext.contoso.com;
        listening_ports        http=PORT_CLOSED https=PORT_CLOSED_TOO;
    }
    simple_url  meet    https://lync.contoso.com/meet    pool=fepool.contoso.local;
    simple_url  dialin  https://lync.contoso.com/dialin  pool=fepool2.fabrikam.local;
}
END

# What the servers see, so that they answer the same to the same; /unique tells one answer from
# another.
my $stand_in = <<'END';
        ssl_verify_client optional_no_ca;
        underscores_in_headers on;
        location /seen {
            add_header X-Site "seen" always;
            add_header Cache-Control "public, max-age=3600" always;
            return 200 "$request
Host: $http_host
X-Forwarded-For: $http_x_forwarded_for
X-Forwarded-Proto: $http_x_forwarded_proto
X-Forwarded-Host: $http_x_forwarded_host
Forwarded: $http_forwarded
Via: $http_via
Connection: $http_connection
Authorization: $http_authorization
Cookie: $http_cookie
Accept-Encoding: $http_accept_encoding
Range: $http_range
If-None-Match: $http_if_none_match
Content-Length: $content_length
Transfer-Encoding: $http_transfer_encoding
X-Long: $http_x_long
X_Under: $http_x_under
SNI: $ssl_server_name
Client certificate: $ssl_client_verify $ssl_client_s_dn
from $remote_addr by $ssl_protocol
";
        }
        location = /page {
            default_type text/html;
            add_header Last-Modified "Mon, 01 Jan 2024 00:00:00 GMT";
            add_header ETag '"page"';
            add_header Accept-Ranges bytes;
            add_header Vary "Accept-Encoding";
            add_header Via "1.1 fepool";
            return 200 "<html><head></head><!--# echo var='host' --><body>external lyncwebext.contoso.com 0123456789 0123456789 0123456789 0123456789 0123456789</body></html>";
        }
        location = /commands {
            add_header X-Accel-Redirect "/seen";
            add_header X-Accel-Expires "3600";
            add_header X-Accel-Limit-Rate "1";
            add_header X-Accel-Charset "koi8-r";
            add_header Refresh "0; url=https://fepool.contoso.local/";
            add_header Set-Cookie "a=1; path=/; domain=contoso.com";
            add_header Set-Cookie "b=2; path=/lwa";
            return 200 "commands";
        }
        location = /unique {
            expires 1h;
            return 200 "$request_id";
        }
END

# What it shows | scheme://name | request: method and target, headers and body, as "\n" parts them;
# HTTP/1.1, Host and Connection are added. PAD is 20 KB.
my @requests = map { [split / *\| */] } split /\n/, <<'END';
what a server sees | https://lyncwebext.contoso.com | GET /seen?a=b\nCookie: c=d\nAuthorization: NTLM TlRMTVNT\nAccept-Encoding: gzip\nX-Forwarded-For: 8.8.8.8\nX_Under: score
slashes and escapes as they come | https://lyncwebext.contoso.com | GET //seen//a%20b/?c=%2f
an upload | https://lyncwebext.contoso.com | POST /seen\nContent-Length: 20480\n\nPAD
an upload in chunks | https://lyncwebext.contoso.com | PUT /seen\nTransfer-Encoding: chunked\n\n5000\nPAD\n0\n\n
a long header | https://lyncwebext.contoso.com | GET /seen\nX-Long: PAD
a page | https://lyncwebext.contoso.com | GET /page\nAccept-Encoding: gzip\nUser-Agent: MSIE 6.0
a part of a page | https://lyncwebext.contoso.com | GET /page\nRange: bytes=0-9
a page known already | https://lyncwebext.contoso.com | GET /page\nIf-None-Match: "page"\nIf-Modified-Since: Mon, 01 Jan 2024 00:00:00 GMT
commands of a server to a proxy | https://lyncwebext.contoso.com | GET /commands
a challenge | https://lyncwebext.contoso.com | GET /status/401
an error with a body | https://lyncwebext.contoso.com | GET /status/404
an error without | https://lyncwebext.contoso.com | GET /status/409/empty
a failure | https://lyncwebext.contoso.com | GET /status/500
a redirect to the server itself | https://lyncwebext.contoso.com | GET /status/302
the head alone | https://lyncwebext.contoso.com | HEAD /seen
two requests on a connection | https://lyncwebext.contoso.com | GET /seen/1\nConnection: keep-alive\n\nGET /seen/2
nothing from a cache | https://lyncwebext.contoso.com | GET /unique\nConnection: keep-alive\n\nGET /unique
a meet link | https://lync.contoso.com | GET /meet/alice/1
the dial-in page, of another pool | https://lync.contoso.com | GET /dialin/seen
what isn't published | https://lync.contoso.com | GET /hostile
what is never published | https://lyncwebext.contoso.com | GET /cscp/
a pool that is down | https://dirwebext.contoso.com | GET /seen
an unknown host | https://lyncwebext.contoso.com | GET /\nHost: www.contoso.com
no host at all | https://lyncwebext.contoso.com | GET /seen\nHost:
a header too long | https://lyncwebext.contoso.com | GET /seen\nX-Long: PADPADPADPAD
not HTTP | https://lyncwebext.contoso.com | hostile
autodiscover over plain HTTP | http://lyncdiscover.example.com | GET /?sipuri=alice@example.com
a redirect to https | http://lyncwebext.contoso.com | GET /abs/?a=b
a redirect to https that keeps the method | http://lync.contoso.com | POST /meet\nContent-Length: 2\n\nab
an unknown host over plain HTTP | http://lyncwebext.contoso.com | GET /\nHost: www.contoso.com
END

# Such a request as it is sent; "Host:" has none.
sub bytes {
    my ($name, $written) = @_;
    my ($head, $body) = split /\n\n/, $written, 2;
    my ($line, @headers) = split /\n/, $head;
    if ($line =~ / /) {
        $line .= ' HTTP/1.1';
        unshift @headers, "Host: $name" if !grep { /^Host:/ } @headers;
        push @headers, 'Connection: close' if !grep { /^Connection:/ } @headers;
    }
    $body = bytes($name, $body) if ($body // '') =~ /^GET /;
    return join "\n", $line, grep({ $_ ne 'Host:' } @headers), '', $body // '';
}

make_pki();

LyncTest::StandIn::set_up(
    dir    => "$LyncTest::Paths::RUN/t/stand_in_hostile_$$",
    binary => $nginx,
    pki    => $pki,
);
LyncTest::StandIn::serve($stand_in);
my $reached = "$LyncTest::Paths::RUN/t/stand_in_hostile_$$/logs/access.log";

my ($crl, @complaints);

sub write_file { LyncTest::Files::write_file("$root/$_[0]", $_[1]) }

# Starts nginx with $hostile at http level. Returns it, or nothing and why it didn't start.
sub start {
    my ($hostile) = @_;
    remove_tree($root);
    make_path($root);
    write_file('hostile.htpasswd', "hostile:{PLAIN}hostile\n");
    write_file('hostile.password', "secret\n");
    write_file('hostile.crl', $crl //= empty_crl());
    my $http = "$hostile\n$publication" =~ s/PORT_(\w+)/port($1)/ger =~ s/PKI/$pki/gr;
    my $started = eval { LyncTest::Nginx->start($root, $http, main => 'master_process off;', port => port('HTTPS')) };
    return ($started, $@);
}

sub stop {
    my ($started) = @_;
    $started->stop('QUIT');
    push @complaints, LyncTest::Logs::complaints("$root/logs/error.log");
}

# Of the CA that nobody trusts: whoever checks it finds no list for the servers' own.
sub empty_crl {
    make_path("$root/crl");
    write_file('crl/index.txt', '');
    write_file('crl/ca.conf', "[ca]\ndefault_ca=a\n[a]\ndatabase=$root/crl/index.txt\n"
        . "default_md=sha256\ndefault_crl_days=1\n");
    return scalar `openssl ca -gencrl -config $root/crl/ca.conf -cert $pki/other-ca.pem -keyfile $pki/other-ca.key 2>/dev/null`;
}

# All answers, as text: what differs by nature is left out.
sub answers {
    my $from = -s $reached // 0;
    my @all;
    for my $request (@requests) {
        my ($title, $url, $written) = @$request;
        my ($scheme, $name) = $url =~ m{^(\w+)://(.*)};
        my $bytes = bytes($name, $written =~ s/\\n/\n/gr) =~ s/\n/\r\n/gr =~ s/PAD/'0123456789abcdef' x 1280/ger;
        my $got = LyncTest::Client::exchange(
            address => '127.0.0.1',
            port    => port(uc $scheme),
            packets => [{ value => $bytes }],
            timeout => 30,
            tls     => $scheme eq 'https' ? {
                name => $name, sni => $name, ca => "$pki/public-ca.pem", alpn => 'h2,http/1.1',
            } : undef,
        );
        my $answer = $got->{bytes} =~ s/\r//gr;
        $answer =~ s/^Date: .*\n//mg;
        $answer =~ s/^X-Connection: .*\n//mg;
        $answer =~ s/^Expires: .*\n//mg if $title =~ /cache/;
        $answer =~ s/^Session reused: .*\n//mg;
        # Chunks that arrive at once are passed on as one piece.
        $answer =~ s/^(?:Content-Length|Transfer-Encoding): .*\n//mg if $title =~ /chunks/;
        if ($title =~ /cache/) {
            my @unique = $answer =~ /^([0-9a-f]{32})/mg;
            $answer =~ s/^[0-9a-f]{32}//mg;
            my $differ = @unique == 2 && $unique[0] ne $unique[1];
            $answer .= $differ ? "\ntwo answers\n" : "\none answer\n";
        }
        my $tls = $got->{tls};
        push @all, "== $title: $got->{outcome}",
            ($tls ? join ' ', map { "$_=" . ($tls->{$_} // '') } qw(version cipher alpn subject trusted) : ''),
            $answer;
    }

    # Every request that reached a server, in any order; their last line is written soon.
    my $log;
    for (1 .. 2000) {
        $log = substr slurp($reached), $from;
        last if $log =~ /alice\@example\.com/;
        sleep 0.01;
    }
    push @all, '== what servers were asked for', sort $log =~ /"(\S+ \S+ \S+)" \d+/g;
    return join "\n", @all;
}

# Whether the answers are the friendly ones; shows those that aren't.
sub same {
    my ($answers, $friendly, $name) = @_;
    my $same = ok($answers eq $friendly, $name);
    if (!$same) {
        my ($got, $expected) = map { [split /^(?=== )/m, $_] } $answers, $friendly;
        for my $i (grep { $got->[$_] ne $expected->[$_] } 0 .. $#$expected) {
            my ($title) = $expected->[$i] =~ /^(.*)/;
            my (%got, %expected);
            my @got      = map { $_ . ++$got{$_} } split /\n/, $got->[$i];
            my @expected = map { $_ . ++$expected{$_} } split /\n/, $expected->[$i];
            %got      = map { ($_ => 1) } @got;
            %expected = map { ($_ => 1) } @expected;
            diag($title, map { s/\d+\z//r =~ s/(\w{40})\w+/$1.../gr }
                (map { "\n  got      $_" } grep { !$expected{$_} } @got),
                (map { "\n  expected $_" } grep { !$got{$_} } @expected));
        }
    }
    return $same;
}

my ($started, $why) = start('');
BAIL_OUT("the publication doesn't start: $why") if !$started;
my $friendly = answers();
same(answers(), $friendly, 'nothing hostile: the answers are the same each time');
stop($started);

# So that this suite can't be content with a publication that refuses everything.
for my $part (
    'HTTP/1.1 200 OK', 'HTTP/1.1 301 Moved', 'HTTP/1.1 308 Perm', 'HTTP/1.1 400 Bad',
    'HTTP/1.1 401 Unauthorized', 'HTTP/1.1 404 Not Found', 'HTTP/1.1 409 Conflict',
    'HTTP/1.1 500 Internal', 'HTTP/1.1 503 Service', 'trusted=yes', 'alpn=http/1.1',
    'external http fepool.contoso.local', 'external https fepool2.fabrikam.local',
    'two answers', 'an unknown host: closed',
) {
    like($friendly, qr/\Q$part\E/, "among the answers there is \"$part\"");
}

# The other modes of t/run change nothing here but the time it takes: they get all together only.
my $each = !grep { $ENV{$_} } qw(TEST_NGINX_USE_HUP TEST_NGINX_RANDOMIZE LYNC_WORKERS);

my @together;
for my $hostile (@hostile) {
    if (!$each) {
        push @together, $hostile;
        next;
    }
    my ($started, $why) = start($hostile);
    if (!$started) {
        if ($why =~ /unknown directive "(\w+)"/) {
            SKIP: { skip("this nginx has no $1: $hostile", 1) }
        } else {
            fail("$hostile: nginx doesn't start");
            diag($why);
        }
        next;
    }
    my $answers = answers();
    stop($started);
    push @together, $hostile if same($answers, $friendly, $hostile);
}

# What nginx itself doesn't take beside the others.
@together = grep { !/^(?:proxy_store|ssl_certificate_compression)/ } @together;

# A directive may stand once at a level; of those that add up, one will do.
sub all_of {
    my (%stands, @all);
    for my $directive (map { split /(?<=[;}])\s*(?=\w)/ } @_) {
        my ($name) = $directive =~ /^(\w+)/;
        push @all, $directive if !$stands{$name}++;
    }
    return join "\n", @all;
}

for my $try (1 .. 50) {
    my ($started, $why) = start(all_of(@together));
    if ($started) {
        same(answers(), $friendly, 'all together');
        stop($started);
        last;
    }
    if ($why =~ /unknown directive "(\w+)"/) {
        my $unknown = $1;
        @together = grep { !/\b$unknown\b/ } @together;
        next;
    }
    fail('all together: nginx starts');
    diag($why);
    last;
}

LyncTest::StandIn::stop();
ok(!@complaints, 'error logs: no [alert], no [crit], no sanitizer') or diag(join "\n", @complaints);

done_testing();
if (Test::More->builder->is_passing) {
    remove_tree($root);
    LyncTest::StandIn::discard();
} else {
    diag("left for a look: $root");
}
