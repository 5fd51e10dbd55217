// The table of findings. docs/doctor.md shows the same rows; t/lyncctl/doctor_test compares them.

#include "lyncctl/doctor/findings.h"

#include <array>

namespace lync::lyncctl::doctor {

namespace {

constexpr Severity E = Severity::error;
constexpr Severity W = Severity::warning;

constexpr std::array table{
    Kind{Id::control_panel_reachable, "control-panel-reachable", E,
         "the Control Panel (/cscp) answers from outside: administration is open to the Internet",
         "publish through lync_publish alone, which never lets /cscp pass; take away the rule or "
         "the server block that answers here"},
    Kind{Id::autodiscover_internal, "autodiscover-internal", E,
         "the answer says AccessLocation Internal: the request reached the internal web site, so "
         "the port flip from 443 to the external web site (4443; 80 to 8080) is missing, and "
         "clients are sent to internal names",
         "let \"listening_ports\" of the pool name the ports of the external web services in "
         "Topology Builder, and a load balancer between proxy and pool map 4443 to 4443"},
    Kind{Id::server_internal_site, "server-internal-site", E,
         "the server's listening port answers with AccessLocation Internal: it belongs to the "
         "internal web site",
         "let \"listening_ports\" of the pool name the ports of the external web site (Topology "
         "Builder, web services, external: listening ports)"},

    Kind{Id::dns_no_such_name, "dns-no-such-name", E, "the name doesn't exist in the DNS",
         "add an A record (AAAA for IPv6) that leads to the reverse proxy; \"lyncctl show dns\" "
         "lists all records"},
    Kind{Id::dns_no_address, "dns-no-address", E, "the name exists but has no address",
         "add an A record (AAAA for IPv6) that leads to the reverse proxy"},
    Kind{Id::dns_no_answer, "dns-no-answer", E, "no DNS server answered in time",
         "see whether this machine reaches its DNS servers, and whether the zone's own servers "
         "answer"},
    Kind{Id::dns_failed, "dns-failed", E, "the DNS server reported a failure",
         "look at the zone and its delegation: SERVFAIL is often a broken DNSSEC signature or an "
         "unreachable name server of the zone"},
    Kind{Id::dns_past_proxy, "dns-past-proxy", E,
         "the name leads to a server of the pool, past the reverse proxy: clients reach the wrong "
         "port and the internal web site",
         "let the record lead to the reverse proxy"},
    Kind{Id::dns_elsewhere, "dns-elsewhere", E,
         "the name leads to another machine than the publication's other names, and that machine "
         "doesn't answer for it",
         "let the record lead where the other names lead; a leftover record of a hosted service "
         "or of an older proxy is the usual cause"},

    Kind{Id::port_closed, "port-closed", E, "the connection is refused: nothing listens there",
         "start nginx; compare http_listen and https_listen, and the firewall's port forwarding"},
    Kind{Id::port_timed_out, "port-timed-out", E,
         "the connection isn't answered: a firewall drops it, or the address is nobody's",
         "open 443 (and 80) to the reverse proxy; from inside, let the firewall turn such "
         "connections around (hairpin)"},
    Kind{Id::port_unreachable, "port-unreachable", E, "the network says that there is no way",
         "look at routing and at the address in the DNS"},

    Kind{Id::tls_not_tls, "tls-not-tls", E, "what answers on the https port doesn't speak TLS",
         "the listening line there needs \"ssl\"; or a firewall forwards 443 to port 80"},
    Kind{Id::tls_closed, "tls-closed", E,
         "the connection is closed during the TLS handshake: the name isn't published there, or a "
         "device on the way objects",
         "compare the published names (\"lyncctl show names\") with what nginx has loaded; reload "
         "nginx"},
    Kind{Id::tls_timed_out, "tls-timed-out", E, "the TLS handshake isn't answered",
         "something accepts connections in the proxy's place: look at load balancers and "
         "firewalls on the way"},
    Kind{Id::tls_old_only, "tls-old-only", E,
         "only TLS 1.1 or older is spoken, which clients no longer accept",
         "offer TLS 1.2 and 1.3 (lync_publish does): another device terminates TLS here"},
    Kind{Id::tls_failed, "tls-failed", E, "the TLS handshake fails",
         "look at the error log of whatever terminates TLS there"},
    Kind{Id::certificate_self_signed, "certificate-self-signed", E,
         "the certificate is signed by itself, no client trusts it",
         "put a certificate of a public CA into \"certificate\""},
    Kind{Id::certificate_untrusted, "certificate-untrusted", E,
         "the certificate's CA isn't one that clients trust",
         "outside a certificate of a public CA is needed (--ca FILE tells the doctor of another); "
         "if the issuer is a firewall's, it intercepts TLS: exempt these names"},
    Kind{Id::certificate_chain, "certificate-chain", E,
         "the certificate of an intermediate CA isn't sent along: many clients, phones among "
         "them, can't complete the chain",
         "append the intermediate CA's certificate to the file of \"certificate\", after the own"},
    Kind{Id::certificate_expired, "certificate-expired", E, "the certificate has expired",
         "renew it and reload nginx"},
    Kind{Id::certificate_not_yet_valid, "certificate-not-yet-valid", E,
         "the certificate isn't valid yet, or this machine's clock is wrong",
         "compare the clocks; present the older certificate until then"},
    Kind{Id::certificate_name, "certificate-name", E,
         "the certificate doesn't name the host: clients refuse it",
         "request a certificate with all names (\"lyncctl show certificate\")"},
    Kind{Id::certificate_weak, "certificate-weak", E,
         "the certificate's key or signature is too weak for today's clients",
         "request a new certificate: RSA 2048 or ECDSA P-256, signed over SHA-256"},
    Kind{Id::certificate_invalid, "certificate-invalid", E, "the certificate isn't acceptable",
         "request a new server certificate from a public CA"},
    Kind{Id::http2_only, "http2-only", E,
         "only HTTP/2 is offered: Lync clients speak HTTP/1.1, and NTLM can't travel over HTTP/2",
         "offer http/1.1 in TLS (ALPN) for these names, as lync_publish does"},

    Kind{Id::http_closed, "http-closed", E, "the request gets no answer, the connection is closed",
         "the name isn't published there: compare \"lyncctl show names\" with what nginx has "
         "loaded; reload nginx"},
    Kind{Id::http_timed_out, "http-timed-out", E, "the request isn't answered in time",
         "the pool is slow or hangs: look at its servers with --from proxy"},
    Kind{Id::http_malformed, "http-malformed", E, "the answer isn't HTTP that a client can read",
         "something else than a web server answers there, or a device on the way garbles answers"},
    Kind{Id::http_too_large, "http-too-large", E,
         "the answer is far larger than this service ever sends",
         "see what answers there: it isn't the service"},
    Kind{Id::http_unavailable, "http-unavailable", E,
         "503: the proxy can't use any server of the pool, or the pool's application is stopped",
         "look at the servers with --from proxy; nginx's error log names the cause"},
    Kind{Id::http_bad_gateway, "http-bad-gateway", E,
         "502: a proxy on the way gets no usable answer from the server behind it",
         "look at the servers with --from proxy; lync_publish itself answers 503, so this 502 may "
         "be another proxy's"},
    Kind{Id::http_gateway_timeout, "http-gateway-timeout", E,
         "504: a proxy on the way gives up waiting",
         "look at the servers with --from proxy, and at time-outs of other proxies on the way"},
    Kind{Id::http_server_error, "http-server-error", E, "the server reports an error of its own",
         "look at the event log and IIS's log of the Front End"},
    Kind{Id::http_preauthentication, "http-preauthentication", E,
         "credentials are asked for where every client may ask without: a proxy authenticates "
         "before the pool does, which Lync clients don't support",
         "switch off authentication on the proxy for these names (auth_basic, auth_request, "
         "pre-authentication of a firewall); anonymous authentication belongs on in IIS there"},
    Kind{Id::http_redirect, "http-redirect", E,
         "the answer is an HTTP redirect where clients need the service itself; to another host "
         "they don't follow it",
         "take the redirect away: the service has to answer under this name"},
    Kind{Id::http_refused, "http-refused", E,
         "the path is refused or not found where the product has a service",
         "nginx's access log (format lync) shows the verdict; a pass means that the pool itself "
         "refuses: run Enable-CsComputer there, or see whether the component is installed"},
    Kind{Id::http_foreign_page, "http-foreign-page", E,
         "something else answers in place of the service: an intercepting proxy's page, a "
         "welcome page, another site",
         "see which server block or device answers this name; nginx -t warns of \"conflicting "
         "server name\""},
    Kind{Id::autodiscover_malformed, "autodiscover-malformed", E,
         "the Autodiscover document can't be read",
         "ask the server itself with --from proxy: if its answer is good, something on the way "
         "changes bodies"},
    Kind{Id::autodiscover_incomplete, "autodiscover-incomplete", E,
         "the Autodiscover document lacks links that clients need",
         "compare the external web services FQDN of the pool in Topology Builder, publish the "
         "topology, run Enable-CsComputer"},
    Kind{Id::autodiscover_loop, "autodiscover-loop", E,
         "Redirect links lead in a circle: clients give up",
         "compare the pools' external web services FQDNs and -AutodiscoverUrl of hosting "
         "providers"},
    Kind{Id::link_not_published, "link-not-published", E,
         "the service sends clients to a host that isn't published: they can't reach it",
         "publish the name, or correct it in Topology Builder (external web services FQDN; for "
         "Office Web Apps -ExternalURL) and publish the topology"},
    Kind{Id::link_not_https, "link-not-https", E,
         "the service sends clients to an address that isn't plain https",
         "let the published ports in Topology Builder be 443 and 80; switch SSL offloading off "
         "(for Office Web Apps -AllowHttp and -SSLOffloaded)"},
    Kind{Id::http_autodiscover_redirected, "http-autodiscover-redirected", E,
         "the certificate doesn't name this lyncdiscover host, so clients ask over plain HTTP, "
         "and there they get an HTTP redirect in place of the answer",
         "add the name to the certificate, or let plain HTTP of this host go to 8080: "
         "\"http_autodiscover on\", and no redirect by a device in front"},
    Kind{Id::challenge_missing, "challenge-missing", E,
         "no Windows challenge: sign-in isn't possible, or the service is open to everybody",
         "switch on Windows authentication for the directory in IIS's external web site; let no "
         "proxy take WWW-Authenticate away; where it is blocked outside on purpose "
         "(Set-CsAuthConfig), this is as it should be"},
    Kind{Id::challenge_without_ntlm, "challenge-without-ntlm", E,
         "the challenge offers neither NTLM nor Negotiate: it isn't the pool's",
         "take away authentication on the proxy, and proxies that rewrite WWW-Authenticate; where "
         "Windows authentication is blocked outside on purpose (Set-CsAuthConfig), this is as it "
         "should be"},
    Kind{Id::ticket_url_missing, "ticket-url-missing", E,
         "the user document isn't answered with a 401 that names the web ticket service: clients "
         "don't learn where to sign in",
         "let 401 answers pass untouched, with X-MS-WebTicketURL; switch off error pages of "
         "proxies on the way"},

    Kind{Id::server_dns, "server-dns", E, "the server's name has no address on this machine",
         "write the server's address in \"server\", or make the name resolve on the proxy"},
    Kind{Id::server_closed, "server-closed", E,
         "the server refuses connections: its services are stopped, or the port is wrong",
         "Get-CsWindowsService on the server; compare \"listening_ports\" with Topology Builder"},
    Kind{Id::server_timed_out, "server-timed-out", E,
         "the server doesn't answer: it is down, or a firewall drops what the proxy sends",
         "open the listening ports from the proxy to the server (\"lyncctl show firewall\")"},
    Kind{Id::server_unreachable, "server-unreachable", E, "the proxy has no way to the server",
         "a route to the pool's network on the proxy"},
    Kind{Id::server_tls, "server-tls", E, "the TLS handshake with the server fails",
         "see whether the external web site has its certificate bound (Set-CsCertificate -Type "
         "WebServicesExternal), and whether the port is the https one"},
    Kind{Id::server_tls_old, "server-tls-old", E, "the server speaks TLS 1.1 or older only",
         "enable TLS 1.2 on the server (Schannel)"},
    Kind{Id::server_certificate_self_signed, "server-certificate-self-signed", E,
         "the server's certificate is signed by itself",
         "assign the certificate that the internal CA issued (Set-CsCertificate)"},
    Kind{Id::server_certificate_untrusted, "server-certificate-untrusted", E,
         "\"trusted_ca\" doesn't hold the CA that issued the server's certificate",
         "put that CA's certificate, with its intermediates, into the file of \"trusted_ca\""},
    Kind{Id::server_certificate_expired, "server-certificate-expired", E,
         "the server's certificate has expired", "renew it on the server"},
    Kind{Id::server_certificate_not_yet_valid, "server-certificate-not-yet-valid", E,
         "the server's certificate isn't valid yet, or a clock is wrong", "compare the clocks"},
    Kind{Id::server_certificate_name, "server-certificate-name", E,
         "the server's certificate doesn't carry the pool's name: it is another pool's server, or "
         "the name is missing",
         "compare \"pool\" and \"server\" with Topology Builder; request the certificate again "
         "with Request-CsCertificate; for farms \"certificate_name\""},
    Kind{Id::server_certificate_invalid, "server-certificate-invalid", E,
         "the server's certificate isn't acceptable", "request it again from the internal CA"},
    Kind{Id::server_answer, "server-answer", E,
         "the server connects but doesn't answer as this service does",
         "look at IIS on the server: application pools, event log; compare \"listening_ports\""},
    Kind{Id::server_link, "server-link", E,
         "the server sends clients to a host that isn't published",
         "publish the name, or correct the external web services FQDN in Topology Builder and "
         "publish the topology"},

    Kind{Id::sign_in_refused, "sign-in-refused", E,
         "the user name or the password is refused, or NTLM is switched off for this user",
         "try DOMAIN\\user, and the same from inside; look at the security log of the Front End "
         "(0xC000035B: Extended Protection has to be off for the external web site)"},
    Kind{Id::sign_in_broken, "sign-in-broken", E,
         "the NTLM handshake loses its connection: a device on the way shares or closes server "
         "connections",
         "let \"connection_auth\" be on; other proxies and load balancers on the way must keep "
         "one server connection for one client connection; --from proxy shows the server alone"},
    Kind{Id::sign_in_skipped, "sign-in-skipped", E,
         "no sign-in was tried: the doctor gives no password to a server that it can't trust",
         "mend what was found about this host first"},

    Kind{Id::dns_cname_foreign, "dns-cname-foreign", W,
         "the name is an alias of a name in another domain: phones don't accept that over https",
         "an A record in place of the CNAME, or a CNAME within the SIP domain"},
    Kind{Id::dns_internal_visible, "dns-internal-visible", W,
         "a name of the inside has a public address: clients outside ask it first, and it shows "
         "what should stay inside",
         "take the record out of the public zone"},
    Kind{Id::http_port_closed, "http-port-closed", W,
         "port 80 isn't reachable: addresses typed without https lead nowhere",
         "open port 80 to the reverse proxy, or say \"http_listen off\""},
    Kind{Id::http_redirect_missing, "http-redirect-missing", W,
         "plain HTTP isn't redirected to https: addresses typed without https lead nowhere, or "
         "travel in the clear",
         "\"https_redirect on\" (the default), and nothing else listening on port 80"},
    Kind{Id::certificate_expires_soon, "certificate-expires-soon", W,
         "the certificate expires within 30 days", "renew it and reload nginx"},
    Kind{Id::http2_chosen, "http2-chosen", W,
         "HTTP/2 is preferred where clients sign in by NTLM, which can't travel over it: browsers "
         "ask for the password again and again",
         "offer http/1.1 alone for these names, as lync_publish does"},
    Kind{Id::tls_old_accepted, "tls-old-accepted", W, "TLS 1.1 or older is still accepted",
         "offer TLS 1.2 and 1.3 alone, as lync_publish does"},
    Kind{Id::oauth_challenge_incomplete, "oauth-challenge-incomplete", W,
         "one of the two WWW-Authenticate lines of the OAuth challenge is missing: mobile clients "
         "and the web SDK need both",
         "let no proxy on the way merge or drop WWW-Authenticate lines"},
    Kind{Id::server_http_closed, "server-http-closed", W,
         "the server's plain HTTP port isn't reachable; this publication sends nothing there now",
         "open it from the proxy for the day when a lyncdiscover name isn't in the certificate"},
    Kind{Id::server_certificate_expires_soon, "server-certificate-expires-soon", W,
         "the server's certificate expires within 30 days", "renew it on the server"},
};

constexpr bool in_order() {
    for (std::size_t i = 0; i < table.size(); i++) {
        if (static_cast<std::size_t>(table[i].id) != i) {
            return false;
        }
    }
    return true;
}
static_assert(in_order(), "the table stands in the order of Id");

} // namespace

std::span<const Kind> kinds() noexcept {
    return table;
}

} // namespace lync::lyncctl::doctor
