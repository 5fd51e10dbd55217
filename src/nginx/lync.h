/*
 * The border between nginx and the C++ of this module: the one header that the C shim
 * (ngx_lync_module.c) and the adapters (src/nginx) share. Only this room knows nginx. Its folders,
 * each of which knows those above it here alone:
 *
 *     shared/    the workers' memory
 *     servers/   the servers of a group, and connections to them
 *     lockout/   failed sign-ins: the zone, and the store that several proxies share
 *     conf/      turns blocks into servers; what a configuration consists of at run time
 *     request/   judges what the servers get
 *     upstream/  balances what passes
 *     health/    checks servers
 *     status/    lync_status and lync_control
 *
 * process.cpp, in the root, begins and ends a worker with all of them.
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

/* log formats lync and lync_json, before an access_log can name them */
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
