/*
 * Every directive that may stand inside lync_publish, once. The C shim makes its
 * ngx_command_t rows of this table, so that nginx's own parser reads the block; the core makes
 * its grammar of it. Plain preprocessor text: C and C++ read it alike.
 *
 *     LYNC_DIRECTIVES(BLOCK, LINE)
 *
 * calls BLOCK for directives with { }, LINE for those that end in a semicolon, with
 *
 *     name, where it may stand, how often, fewest and most arguments (LYNC_ANY: no limit),
 *     and how it is written, for messages
 */

#ifndef LYNC_DIRECTIVES_H
#define LYNC_DIRECTIVES_H

#define LYNC_IN_PUBLISH 0x01
#define LYNC_IN_POOL 0x02 /* pool and director */
#define LYNC_IN_OFFICE_WEB_APPS 0x04
#define LYNC_IN_EXCHANGE 0x08
#define LYNC_IN_EDGE 0x10
#define LYNC_IN_FARM (LYNC_IN_OFFICE_WEB_APPS | LYNC_IN_EXCHANGE)
#define LYNC_IN_SERVERS (LYNC_IN_POOL | LYNC_IN_FARM)

#define LYNC_ONCE 0
#define LYNC_REPEATABLE 1

#define LYNC_ANY -1

#define LYNC_DIRECTIVES(BLOCK, LINE)                                                               \
    LINE(product, LYNC_IN_PUBLISH, LYNC_ONCE, 1, 1, "product NAME")                                \
    LINE(sip_domain, LYNC_IN_PUBLISH, LYNC_REPEATABLE, 1, LYNC_ANY, "sip_domain DOMAIN ...")       \
    LINE(certificate, LYNC_IN_PUBLISH, LYNC_REPEATABLE, 2, 2, "certificate FILE KEY")              \
    LINE(trusted_ca, LYNC_IN_PUBLISH, LYNC_ONCE, 1, 1, "trusted_ca FILE")                          \
    LINE(backend_verify, LYNC_IN_PUBLISH, LYNC_ONCE, 1, 1, "backend_verify on|off")                \
    BLOCK(pool, LYNC_IN_PUBLISH, LYNC_REPEATABLE, 1, 1, "pool FQDN { ... }")                       \
    BLOCK(director, LYNC_IN_PUBLISH, LYNC_REPEATABLE, 1, 1, "director FQDN { ... }")               \
    LINE(simple_url, LYNC_IN_PUBLISH, LYNC_REPEATABLE, 2, LYNC_ANY,                                \
         "simple_url meet|dialin|scheduler|admin URL ... [pool=FQDN]")                             \
    BLOCK(office_web_apps, LYNC_IN_PUBLISH, LYNC_REPEATABLE, 1, 1, "office_web_apps FQDN { ... }") \
    BLOCK(exchange, LYNC_IN_PUBLISH, LYNC_REPEATABLE, 1, LYNC_ANY, "exchange FQDN ... { ... }")    \
    LINE(http_listen, LYNC_IN_PUBLISH, LYNC_REPEATABLE, 1, LYNC_ANY,                               \
         "http_listen [ADDRESS:]PORT [PARAMETER ...] | off")                                       \
    LINE(https_listen, LYNC_IN_PUBLISH, LYNC_REPEATABLE, 1, LYNC_ANY,                              \
         "https_listen [ADDRESS:]PORT [PARAMETER ...]")                                            \
    LINE(http_autodiscover, LYNC_IN_PUBLISH, LYNC_ONCE, 1, 1, "http_autodiscover auto|on|off")     \
    LINE(https_redirect, LYNC_IN_PUBLISH, LYNC_ONCE, 1, 1, "https_redirect on|off")                \
    LINE(acme_challenge, LYNC_IN_PUBLISH, LYNC_ONCE, 1, 1, "acme_challenge DIR")                   \
    LINE(path_policy, LYNC_IN_PUBLISH, LYNC_ONCE, 1, 1, "path_policy strict|vendor")               \
    LINE(allow_path, LYNC_IN_PUBLISH, LYNC_REPEATABLE, 1, LYNC_ANY,                                \
         "allow_path PREFIX ... | ~* PATTERN")                                                     \
    LINE(deny_path, LYNC_IN_PUBLISH, LYNC_REPEATABLE, 1, LYNC_ANY,                                 \
         "deny_path PREFIX ... | ~* PATTERN")                                                      \
    LINE(redirect, LYNC_IN_PUBLISH, LYNC_REPEATABLE, 2, 2, "redirect [https://NAME]PATH URL")      \
    LINE(meeting_url_guard, LYNC_IN_PUBLISH, LYNC_ONCE, 1, 1, "meeting_url_guard on|off")          \
    LINE(shield, LYNC_IN_PUBLISH, LYNC_ONCE, 1, 1, "shield on|off|log")                            \
    LINE(shield_file, LYNC_IN_PUBLISH, LYNC_REPEATABLE, 1, 1, "shield_file FILE")                  \
    LINE(hide_server_names, LYNC_IN_PUBLISH, LYNC_ONCE, 1, 1, "hide_server_names on|off")          \
    LINE(log_sip_uri, LYNC_IN_PUBLISH, LYNC_ONCE, 1, 1, "log_sip_uri on|off")                      \
    LINE(connection_auth, LYNC_IN_PUBLISH, LYNC_ONCE, 1, 4,                                        \
         "connection_auth on|off [idle=TIME] [age=TIME] [max=NUMBER]")                             \
    LINE(sign_in, LYNC_IN_PUBLISH | LYNC_IN_EXCHANGE, LYNC_ONCE, 1, 4,                             \
         "sign_in any | windows|password|certificate|oauth ...")                                   \
    LINE(lockout, LYNC_IN_PUBLISH, LYNC_ONCE, 1, 5,                                                \
         "lockout on|off [failures=N] [window=TIME] [hold=TIME] [source_accounts=N]")              \
    LINE(lockout_exempt, LYNC_IN_PUBLISH, LYNC_REPEATABLE, 1, LYNC_ANY,                            \
         "lockout_exempt ADDRESS[/BITS]|ACCOUNT ...")                                              \
    LINE(lockout_store, LYNC_IN_PUBLISH, LYNC_ONCE, 1, 4,                                          \
         "lockout_store redis://[USER:PASSWORD@]HOST[:PORT][/DB] key=FILE "                        \
         "[password=FILE] [ca=FILE]")                                                              \
    LINE(account_domain, LYNC_IN_PUBLISH, LYNC_REPEATABLE, 1, LYNC_ANY,                            \
         "account_domain NAME=DOMAIN ...")                                                         \
    LINE(log_accounts, LYNC_IN_PUBLISH, LYNC_ONCE, 1, 1, "log_accounts on|off")                    \
    LINE(pending_get_timeout, LYNC_IN_PUBLISH, LYNC_ONCE, 1, 1, "pending_get_timeout TIME")        \
    LINE(max_upload, LYNC_IN_PUBLISH, LYNC_ONCE, 1, 1, "max_upload SIZE")                          \
    LINE(unknown_host, LYNC_IN_PUBLISH, LYNC_ONCE, 1, 1, "unknown_host refuse|ignore")             \
    LINE(resolve_at_start, LYNC_IN_PUBLISH, LYNC_ONCE, 1, 1, "resolve_at_start on|off")            \
    LINE(server_include, LYNC_IN_PUBLISH, LYNC_REPEATABLE, 1, LYNC_ANY, "server_include FILE ...") \
                                                                                                   \
    LINE(external_web_services, LYNC_IN_POOL, LYNC_ONCE, 1, 1, "external_web_services FQDN")       \
    LINE(server, LYNC_IN_SERVERS, LYNC_REPEATABLE, 1, LYNC_ANY,                                    \
         "server ADDRESS [name=NAME] [weight=N] [max_conns=N] [max_fails=N] "                      \
         "[fail_timeout=TIME] [slow_start=TIME] [backup] [down]")                                  \
    LINE(listening_ports, LYNC_IN_SERVERS, LYNC_ONCE, 1, 2, "listening_ports [http=N] [https=N]")  \
    LINE(computer, LYNC_IN_POOL, LYNC_REPEATABLE, 1, LYNC_ANY, "computer ADDRESS ...")             \
    LINE(affinity, LYNC_IN_SERVERS, LYNC_ONCE, 1, 1, "affinity none|source|cookie")                \
    LINE(health_check, LYNC_IN_SERVERS, LYNC_ONCE, 1, 5,                                           \
         "health_check autodiscover|discovery|healthcheck|tcp=PORT|off "                           \
         "[interval=TIME] [timeout=TIME] [fails=N] [passes=N]")                                    \
    LINE(certificate_name, LYNC_IN_FARM, LYNC_ONCE, 1, 1, "certificate_name FQDN")                 \
    LINE(services, LYNC_IN_EXCHANGE, LYNC_REPEATABLE, 1, LYNC_ANY,                                 \
         "services ews|autodiscover|owa|ecp|activesync|mapi|oab|rpc ... "                          \
         "[timeout=TIME] [max_upload=SIZE]")                                                       \
                                                                                                   \
    BLOCK(edge, LYNC_IN_PUBLISH, LYNC_REPEATABLE, 0, 1, "edge [SITE] { ... }")                     \
    LINE(topology, LYNC_IN_EDGE, LYNC_ONCE, 1, 1,                                                  \
         "topology consolidated|single_site|scaled_single_site|"                                   \
         "multiple_site_remote|scaled_remote_site")                                                \
    LINE(reverse_proxy, LYNC_IN_EDGE, LYNC_ONCE, 1, 2,                                             \
         "reverse_proxy [external=ADDRESS] [internal=ADDRESS]")                                    \
    LINE(access_edge, LYNC_IN_EDGE, LYNC_REPEATABLE, 1, 4,                                         \
         "access_edge [vip] [external=ADDRESS] [internal=ADDRESS] [port=N]")                       \
    LINE(web_conferencing_edge, LYNC_IN_EDGE, LYNC_REPEATABLE, 1, 4,                               \
         "web_conferencing_edge [vip] [external=ADDRESS] [internal=ADDRESS] [port=N]")             \
    LINE(av_edge, LYNC_IN_EDGE, LYNC_REPEATABLE, 1, 4,                                             \
         "av_edge [vip] [external=ADDRESS] [internal=ADDRESS] [port=N]")                           \
    LINE(next_hop, LYNC_IN_EDGE, LYNC_ONCE, 1, LYNC_ANY, "next_hop ADDRESS ...")                   \
    LINE(internal_network, LYNC_IN_EDGE, LYNC_REPEATABLE, 1, LYNC_ANY,                             \
         "internal_network ADDRESS/BITS ...")

#endif /* LYNC_DIRECTIVES_H */
