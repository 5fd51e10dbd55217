/*
 * The border between nginx and the C++ of this module: the one header that the C shim
 * (ngx_lync_module.c) and the adapters (src/nginx) share. This room is the only one that
 * knows nginx.
 *
 *     lync.h           the border
 *     ngx.h            nginx's headers for C++, and every difference between its versions
 *     guard.h          nothing throws into nginx
 *     commands.h       nginx's tables of directives
 *     conf.h           what hangs on nginx's configuration contexts
 *     publish.cpp      lync_publish { }: block tree, declaration, plan, text
 *     captured_log.h   nginx's messages about generated text, told about the block's own lines
 *     feed.h           text into nginx's parser
 *     zone.h           what all workers share
 *     servers.h        the servers of a group
 *     peer.h           the balancer: which server a request goes to, on whose connection
 *     affinity.h       a client's server, and the cookie MS-WSMAN
 *     server_connection.h  connections to servers between two requests
 *     lockout.h        how often somebody may try a password
 *     health.h         health checks
 *     health_probe.h   one check of one server
 *     resolve.h        servers given by name
 *     timer.h          a timer that belongs to an object
 *     process.cpp      the life of a worker
 *     sockets.cpp      what is settled once all servers are known
 *     request.cpp      the verdict in nginx's phases
 *     target.h         what a server is going to be sent
 *     refusal.cpp      a refusal's status, and its line in the log
 *     hide_addresses.cpp  queries of autodiscover, kept out of the error log
 *     body.h           the verdict on a body
 *     variables.cpp    $lync_*
 *     count_request.h  what is counted, in shared memory
 *     status.cpp       lync_status: who may see it, and what it says
 *     control.cpp      lync_control: servers drained and taken back
 *
 * All functions are called by nginx only, on its one thread. None throws. Memory handed to
 * nginx lives in its pools; C++ objects are destroyed by a cleanup of the cycle's pool.
 */

#ifndef LYNC_H
#define LYNC_H

#ifdef __cplusplus
extern "C" {
#endif

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#if (NGX_COMPAT && !NGX_HTTP_SSL)
#error                                                                                             \
    "configure nginx with the flags of the target, --with-http_ssl_module at least: with --with-compat alone the module passes the signature check but lacks the TLS parts of structures"
#endif

#if !(NGX_HTTP_SSL)
#error "lync_publish needs TLS: configure nginx with --with-http_ssl_module"
#endif

/*
 * The context of directives inside lync_publish: a bit of ngx_command_t.type that nginx
 * itself leaves free. nginx's parser then reads the block, include and quoting included.
 */
#define LYNC_CONF 0x00100000

extern ngx_module_t ngx_lync_module;

/* configuration: create_*_conf return NULL, handlers NGX_CONF_ERROR after one line logged */
void* lync_create_main_conf(ngx_conf_t* cf);
void* lync_create_srv_conf(ngx_conf_t* cf);
void* lync_create_loc_conf(ngx_conf_t* cf);
char* lync_merge_loc_conf(ngx_conf_t* cf, void* parent, void* child);

/* the module's balancer in the place of that of the upstreams it generated */
char* lync_init_main_conf(ngx_conf_t* cf, void* conf);

/* lync_publish NAME { ... }: conf is the main configuration */
char* lync_publish(ngx_conf_t* cf, ngx_command_t* cmd, void* conf);

/* lync_status: the location answers with the status of all publications */
char* lync_status(ngx_conf_t* cf, ngx_command_t* cmd, void* conf);

/* lync_control: the location answers lyncctl, on a Unix-domain socket only */
char* lync_control(ngx_conf_t* cf, ngx_command_t* cmd, void* conf);

/* any directive inside lync_publish */
char* lync_directive(ngx_conf_t* cf, ngx_command_t* cmd, void* conf);

/* lync_rule PUBLICATION ID [acme_challenge]: in generated servers only, names the rules of that
   server */
char* lync_rule(ngx_conf_t* cf, ngx_command_t* cmd, void* conf);

/* log formats lync and lync_json, before anybody can name them */
ngx_int_t lync_add_log_formats(ngx_conf_t* cf);

/* default servers, name hashes, ALPN: once all servers are known */
ngx_int_t lync_settle_sockets(ngx_conf_t* cf);

/* who may see the status and reach the control, and the memory for what is counted: at the end of
 * parsing */
ngx_int_t lync_settle_status(ngx_conf_t* cf);

/* refuses a reload in a process without a master, which nginx doesn't survive */
ngx_int_t lync_refuse_reload(ngx_conf_t* cf);

/* log phase: counts a request */
ngx_int_t lync_log_handler(ngx_http_request_t* r);

/* server rewrite phase, before nginx can complain of a request: hides addresses from the log */
ngx_int_t lync_hide_handler(ngx_http_request_t* r);

/* rewrite phase: passes, redirects or refuses a request */
ngx_int_t lync_request_handler(ngx_http_request_t* r);

/* a worker begins and ends; other processes of nginx are left alone */
ngx_int_t lync_init_process(ngx_cycle_t* cycle);
void lync_exit_process(ngx_cycle_t* cycle);

/* $lync_*: data says which, one of lync_variable_e */
typedef enum {
    LYNC_VARIABLE_PUBLICATION,
    LYNC_VARIABLE_ROLE,
    LYNC_VARIABLE_POOL,
    LYNC_VARIABLE_SERVICE,
    LYNC_VARIABLE_VERDICT,
    LYNC_VARIABLE_SIGN_IN,
    LYNC_VARIABLE_UPSTREAM,
    LYNC_VARIABLE_CLIENT_ADDR,
    LYNC_VARIABLE_HOST,
    LYNC_VARIABLE_RETRY_AFTER,
    LYNC_VARIABLE_QUERY,
    LYNC_VARIABLE_OWNED_CONNECTION,
    LYNC_VARIABLE_LOG_HOST,
    LYNC_VARIABLE_LOG_PATH,
    LYNC_VARIABLE_LOG_USER_AGENT,
    LYNC_VARIABLE_NOTHING
} lync_variable_e;

ngx_int_t lync_variable(ngx_http_request_t* r, ngx_http_variable_value_t* v, uintptr_t data);

#ifdef __cplusplus
}
#endif

#endif /* LYNC_H */
