
/*
 * Copyright (C) 2026 the ngx_lync_module authors
 *
 * The shim between nginx and the C++ of this module: tables and hooks, no
 * logic.  What the directives mean is told in docs/, how it works in src/.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "src/nginx/lync.h"
#include "src/config/directives.h"


static char *ngx_lync_byte_order_mark(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static ngx_int_t ngx_lync_add_variables(ngx_conf_t *cf);
static ngx_int_t ngx_lync_preconfiguration(ngx_conf_t *cf);
static ngx_int_t ngx_lync_postconfiguration(ngx_conf_t *cf);


/*
 * The number of arguments is checked by the core, which also says how a
 * directive is written.
 */

#define ngx_lync_block(name, where, times, fewest, most, usage)               \
                                                                              \
    { ngx_string(#name),                                                      \
      LYNC_CONF|NGX_CONF_BLOCK|NGX_CONF_ANY,                                  \
      lync_directive,                                                         \
      NGX_HTTP_MAIN_CONF_OFFSET,                                              \
      0,                                                                      \
      NULL },

#define ngx_lync_line(name, where, times, fewest, most, usage)                \
                                                                              \
    { ngx_string(#name),                                                      \
      LYNC_CONF|NGX_CONF_ANY,                                                 \
      lync_directive,                                                         \
      NGX_HTTP_MAIN_CONF_OFFSET,                                              \
      0,                                                                      \
      NULL },


static ngx_command_t  ngx_lync_commands[] = {

    { ngx_string("lync_publish"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_BLOCK|NGX_CONF_ANY,
      lync_publish,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    /* What Notepad makes of a file's first word. */

    { ngx_string("\xef\xbb\xbflync_publish"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_BLOCK|NGX_CONF_ANY,
      ngx_lync_byte_order_mark,
      0,
      0,
      NULL },

    { ngx_string("\xef\xbb\xbf#"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_BLOCK|NGX_CONF_ANY,
      ngx_lync_byte_order_mark,
      0,
      0,
      NULL },

    { ngx_string("lync_status"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      lync_status,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("lync_control"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      lync_control,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("lync_rule"),
      NGX_HTTP_LOC_CONF|NGX_CONF_TAKE23,
      lync_rule,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("include"),
      LYNC_CONF|NGX_CONF_TAKE1,
      ngx_conf_include,
      0,
      0,
      NULL },

    LYNC_DIRECTIVES(ngx_lync_block, ngx_lync_line)

      ngx_null_command
};


static ngx_http_module_t  ngx_lync_module_ctx = {
    ngx_lync_preconfiguration,             /* preconfiguration */
    ngx_lync_postconfiguration,            /* postconfiguration */

    lync_create_main_conf,                 /* create main configuration */
    lync_init_main_conf,                   /* init main configuration */

    lync_create_srv_conf,                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    lync_create_loc_conf,                  /* create location configuration */
    lync_merge_loc_conf                    /* merge location configuration */
};


ngx_module_t  ngx_lync_module = {
    NGX_MODULE_V1,
    &ngx_lync_module_ctx,                  /* module context */
    ngx_lync_commands,                     /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    lync_init_process,                     /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    lync_exit_process,                     /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static ngx_http_variable_t  ngx_lync_variables[] = {

    { ngx_string("lync_publication"), NULL, lync_variable,
      LYNC_VARIABLE_PUBLICATION, 0, 0 },

    { ngx_string("lync_role"), NULL, lync_variable,
      LYNC_VARIABLE_ROLE, 0, 0 },

    { ngx_string("lync_pool"), NULL, lync_variable,
      LYNC_VARIABLE_POOL, 0, 0 },

    { ngx_string("lync_service"), NULL, lync_variable,
      LYNC_VARIABLE_SERVICE, 0, 0 },

    { ngx_string("lync_verdict"), NULL, lync_variable,
      LYNC_VARIABLE_VERDICT, 0, 0 },

    { ngx_string("lync_sign_in"), NULL, lync_variable,
      LYNC_VARIABLE_SIGN_IN, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("lync_upstream"), NULL, lync_variable,
      LYNC_VARIABLE_UPSTREAM, 0, 0 },

    { ngx_string("lync_client_addr"), NULL, lync_variable,
      LYNC_VARIABLE_CLIENT_ADDR, 0, 0 },

    { ngx_string("lync_host"), NULL, lync_variable,
      LYNC_VARIABLE_HOST, 0, 0 },

    { ngx_string("lync_query"), NULL, lync_variable,
      LYNC_VARIABLE_QUERY, 0, 0 },

    { ngx_string("lync_owned_connection"), NULL, lync_variable,
      LYNC_VARIABLE_OWNED_CONNECTION, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("lync_log_host"), NULL, lync_variable,
      LYNC_VARIABLE_LOG_HOST, 0, 0 },

    { ngx_string("lync_log_path"), NULL, lync_variable,
      LYNC_VARIABLE_LOG_PATH, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("lync_log_user_agent"), NULL, lync_variable,
      LYNC_VARIABLE_LOG_USER_AGENT, 0, 0 },

    { ngx_string("lync_nothing"), NULL, lync_variable,
      LYNC_VARIABLE_NOTHING, 0, 0 },

      ngx_http_null_variable
};


static char *
ngx_lync_byte_order_mark(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    return "can't be read: the file begins with a byte order mark, "
           "save it as UTF-8 without one";
}


static ngx_int_t
ngx_lync_add_variables(ngx_conf_t *cf)
{
    ngx_http_variable_t  *var, *v;

    for (v = ngx_lync_variables; v->name.len; v++) {
        var = ngx_http_add_variable(cf, &v->name, v->flags);
        if (var == NULL) {
            return NGX_ERROR;
        }

        var->get_handler = v->get_handler;
        var->data = v->data;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_lync_preconfiguration(ngx_conf_t *cf)
{
    if (ngx_lync_add_variables(cf) != NGX_OK) {
        return NGX_ERROR;
    }

    return lync_add_log_formats(cf);
}


static ngx_int_t
ngx_lync_postconfiguration(ngx_conf_t *cf)
{
    ngx_http_handler_pt        *h;
    ngx_http_core_main_conf_t  *cmcf;

    if (lync_refuse_reload(cf) != NGX_OK) {
        return NGX_ERROR;
    }

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_SERVER_REWRITE_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = lync_hide_handler;

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_REWRITE_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = lync_request_handler;

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_LOG_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = lync_log_handler;

    if (lync_settle_status(cf) != NGX_OK) {
        return NGX_ERROR;
    }

    return lync_settle_sockets(cf);
}
