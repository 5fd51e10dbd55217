// lync_publish NAME { ... }: from nginx's tokens to servers that nginx runs.

#include "base/ascii.h"
#include "base/format.h"
#include "config/explain_nginx_message.h"
#include "nginx/conf/commands.h"
#include "nginx/conf/conf.h"
#include "nginx/conf/parse_generated.h"
#include "nginx/guard.h"
#include "plan/directives.h"
#include "plan/render.h"

#include <algorithm>
#include <unordered_map>

namespace lync::nginx {

namespace {

using config::Directive;

char* const failed = static_cast<char*>(NGX_CONF_ERROR);

/// The directive that nginx has just read, with the place where it stands.
std::unique_ptr<Directive> current_directive(ngx_conf_t* cf, const ngx_command_t* cmd) {
    auto directive = std::make_unique<Directive>();
    const auto words = elements<ngx_str_t>(*cf->args);
    directive->name = view(words[0]);
    for (const ngx_str_t& word : words.subspan(1)) {
        directive->arguments.emplace_back(view(word));
    }
    directive->place.file = view(cf->conf_file->file.name);
    directive->place.line = static_cast<unsigned>(cf->conf_file->line);
    directive->is_block = (cmd->type & NGX_CONF_BLOCK) != 0;
    return directive;
}

/// Lets nginx parse the children of `block`, which come back through lync_directive.
char* read_children(ngx_conf_t* cf, MainConf& conf, Directive& block) {
    const ngx_conf_t saved = *cf;
    conf.reading.push_back(&block);
    cf->cmd_type = LYNC_CONF;
    char* result = ngx_conf_parse(cf, nullptr);
    conf.reading.pop_back();
    // The log was exchanged by the caller, not by the parser.
    *cf = saved;
    return result;
}

std::string with_place(const std::string& text, std::string_view file, std::size_t line) {
    return formatted("{} in {}:{}", text, file, line);
}

/// nginx's message about a line of a block of ours, with the block named and the remedy added.
std::string explain_in_block(const MainConf& conf, std::string_view message) {
    const config::ParserMessage parsed = config::parse_message(message);
    return parsed.line == 0 || conf.reading.empty()
               ? std::string(message)
               : with_place(config::explain_in_block(parsed.text, *conf.reading.back()),
                            parsed.file, parsed.line);
}

/// nginx's message about a line that was generated, at the directive that caused the line, or
/// about one of a file that server_include names. A location of such a file is the file's own.
std::string explain_in_plan(const ngx_conf_t* cf, const plan::Rendered& rendered,
                            std::string_view publication, std::string_view name,
                            std::string_view message) {
    const config::ParserMessage parsed = config::parse_message(message);
    const bool generated = parsed.file == name;
    if (parsed.line == 0 || (generated && parsed.line > rendered.origins.size()) ||
        (!generated && cf->cmd_type != NGX_HTTP_SRV_CONF)) {
        return std::string(message);
    }
    if (!generated) {
        return with_place(plan::explain_included(parsed.text, publication), parsed.file,
                          parsed.line);
    }
    const Place& origin = rendered.origin(parsed.line);
    return with_place(config::explain_generated(parsed.text), origin.file, origin.line);
}

void log_diagnostic(ngx_conf_t* cf, const Diagnostic& diagnostic) {
    constexpr ngx_uint_t levels[] = {NGX_LOG_EMERG, NGX_LOG_CRIT, NGX_LOG_WARN, NGX_LOG_NOTICE};
    log_at(levels[static_cast<std::size_t>(diagnostic.severity)], cf, diagnostic.place, "%*s",
           diagnostic.text.size(), diagnostic.text.data());
}

config::Environment environment_of(ngx_conf_t* cf) {
    config::Environment environment;
    environment.now = std::chrono::sys_seconds(std::chrono::seconds(ngx_time()));
    environment.lists_names = ngx_test_config != 0;
    environment.has_ipv6 = config::system_has_ipv6();
    const auto* core =
        reinterpret_cast<ngx_core_conf_t*>(ngx_get_conf(cf->cycle->conf_ctx, ngx_core_module));
    if (geteuid() == 0 && core->user != static_cast<ngx_uid_t>(NGX_CONF_UNSET_UINT)) {
        environment.worker = core->user;
        environment.worker_group = core->group;
    }
    environment.full_path = [cf](std::string_view path) {
        ngx_str_t name = copy(cf->pool, path);
        if (name.data == nullptr || ngx_conf_full_name(cf->cycle, &name, 1) != NGX_OK) {
            throw std::bad_alloc();
        }
        return std::string(view(name));
    };
    return environment;
}

/// Has nginx parse the plan's text, and reports errors in it at the directives of the block.
char* run_plan(ngx_conf_t* cf, MainConf& conf, const Publication& publication) {
    plan::Dialect dialect;
    dialect.version = nginx_version;
    dialect.has = [cf](std::string_view name) { return bool(find_command(cf->cycle, name)); };

    const bool first = conf.publications.size() == 1;
    const std::string& publication_name = publication.plan.publication.name;
    const std::string name = "lync_publish " + publication_name;
    const plan::Rendered rendered = plan::render(publication.plan, dialect, first);
    const CapturedLog captured(cf, [&](std::string_view message) {
        return explain_in_plan(cf, rendered, publication_name, name, message);
    });
    conf.feeding = &publication;
    char* result = parse_generated(cf, name, rendered.text, true);
    conf.feeding = nullptr;
    return result;
}

/// Of its server, while the configuration is made.
const ngx_http_conf_ctx_t& context_of(const Host& host) noexcept {
    return *conf_of<LocConf>(host.loc_conf, ngx_lync_module).parent;
}

/// Whether a server_include lets a generated server listen on more than the block says: by http
/// where it publishes https, for instance.
bool listens_elsewhere(ngx_conf_t* cf, const Publication& publication) {
    std::unordered_map<const void*, std::size_t> sockets;
    each_socket(cf, [&](const ngx_http_conf_addr_t& address) {
        for (const auto* server : elements<ngx_http_core_srv_conf_t*>(address.servers)) {
            sockets[server]++;
        }
    });
    return std::any_of(publication.hosts.begin(), publication.hosts.end(), [&](const Host& host) {
        return sockets[context_of(host).srv_conf[ngx_http_core_module.ctx_index]] >
               host.planned.sockets.size();
    });
}

/// The request header that a server_include states a second time; empty if there is none.
std::string_view header_stated_twice(ngx_conf_t* cf, const Publication& publication) {
    const Command set_header = find_command(cf->cycle, "proxy_set_header");
    for (const Host& host : publication.hosts) {
        const ngx_array_t* stated = *set_header.value<ngx_array_t*>(context_of(host).loc_conf);
        if (stated == nullptr || stated == NGX_CONF_UNSET_PTR) {
            continue;
        }
        const auto rows = elements<ngx_keyval_t>(*stated);
        for (const std::string_view header : plan::stated_headers) {
            if (std::count_if(rows.begin(), rows.end(), [&](const ngx_keyval_t& row) {
                    return equal_ignore_case(view(row.key), header);
                }) > 1) {
                return header;
            }
        }
    }
    return {};
}

/// Whether a server_include names certificates, which no client would be presented.
bool states_certificates(const Publication& publication) {
    return std::any_of(publication.hosts.begin(), publication.hosts.end(), [](const Host& host) {
        const ngx_array_t* certificates =
            conf_of<ngx_http_ssl_srv_conf_t>(context_of(host).srv_conf, ngx_http_ssl_module)
                .certificates;
        return certificates != nullptr && certificates->nelts > (host.planned.tls ? 1 : 0);
    });
}

/// What nginx would take from the files of server_include, and no publication could stand.
char* check_includes(ngx_conf_t* cf, const Publication& publication) {
    const config::Publication& declared = publication.plan.publication;
    if (declared.includes.empty()) {
        return NGX_CONF_OK;
    }
    const std::string_view header = header_stated_twice(cf, publication);
    const std::string name = lync::quoted(declared.name);
    std::string wrong;
    if (listens_elsewhere(cf, publication)) {
        wrong =
            formatted("\"listen\" in a server_include of lync_publish {}: all generated servers "
                      "would listen there, those of plain HTTP and those of https: sockets are "
                      "opened by the block's own \"http_listen\" and \"https_listen\"",
                      name);
    } else if (states_certificates(publication)) {
        wrong = formatted("\"ssl_certificate\" in a server_include of lync_publish {}: names are "
                          "presented the certificates of the block's own \"certificate\"",
                          name);
    } else if (!header.empty()) {
        wrong = formatted("\"proxy_set_header\" of {} in a server_include of lync_publish {}: "
                          "generated servers state this header themselves, and servers would get "
                          "two: take it out",
                          lync::quoted(header), name);
    } else {
        return NGX_CONF_OK;
    }
    log_diagnostic(cf, {Severity::error, std::move(wrong), declared.includes.front().second});
    return failed;
}

/// A certificate and passwords of http level would be inherited, and have no value that means
/// "none": a server of plain HTTP would load it as well, and fail where it needs a password. nginx
/// merges these before it asks this module, so they are taken out once the servers are read.
void undo_tls_inheritance(const Publication& publication) noexcept {
    const auto none = [](ngx_array_t*& value) {
        value = value == NGX_CONF_UNSET_PTR ? nullptr : value;
    };
    for (const Host& host : publication.hosts) {
        auto& tls =
            conf_of<ngx_http_ssl_srv_conf_t>(context_of(host).srv_conf, ngx_http_ssl_module);
        leave_tls_to_listen(tls); // `ssl on`, which asks for them
        none(tls.passwords);
        none(tls.certificates);
        none(tls.certificate_keys);
    }
}

/// Some modules add up what is stated, which can't be undone: empty location configurations of
/// these.
void make_blank_confs(ngx_conf_t* cf, MainConf& conf) {
    for (const std::string_view adding : {"limit_req", "limit_conn", "sub_filter"}) {
        const Command command = find_command(cf->cycle, adding);
        const auto* module =
            command ? static_cast<const ngx_http_module_t*>(command.module->ctx) : nullptr;
        void* parent = module == nullptr ? nullptr : module->create_loc_conf(cf);
        void* blank = parent == nullptr ? nullptr : module->create_loc_conf(cf);
        if (blank != nullptr && module->merge_loc_conf(cf, parent, blank) == NGX_CONF_OK) {
            conf.blank_confs.emplace_back(command.module->ctx_index, blank);
        }
    }
}

/// Some directives are inherited and have no value that means "none". Those from http level are
/// removed from our servers, those of a server_include stay. `proxy_method $request_method` is
/// nginx's default. Limits and filters that are stated only to do nothing are removed as well.
void undo_inheritance(ngx_conf_t* cf, const Host& host) {
    void** here = static_cast<ngx_http_conf_ctx_t*>(cf->ctx)->loc_conf;
    void** http = main_conf_of(cf).http_loc_conf;

    if (host.publication.plan.publication.includes.empty()) {
        for (const auto& [index, blank] : main_conf_of(cf).blank_confs) {
            here[index] = blank;
        }
    }

    conf_of<ngx_http_core_loc_conf_t>(here, ngx_http_core_module).post_action = {};

    for (const std::string_view adding : {"add_header", "add_trailer"}) {
        if (const Command command = find_command(cf->cycle, adding)) {
            auto** added = command.value<ngx_array_t*>(here);
            if (*added == *command.value<ngx_array_t*>(http)) {
                *added = nullptr;
            }
        }
    }
    if (const Command proxy_method = find_command(cf->cycle, "proxy_method")) {
        *proxy_method.value<ngx_http_complex_value_t*>(here) = nullptr;
    }
}

char* publish(ngx_conf_t* cf, const ngx_command_t* cmd, MainConf& conf) {
    conf.http_loc_conf = static_cast<ngx_http_conf_ctx_t*>(cf->ctx)->loc_conf;
    if (conf.publications.empty()) {
        make_blank_confs(cf, conf);
    }

    const std::unique_ptr<Directive> block = current_directive(cf, cmd);
    {
        const CapturedLog captured(
            cf, [&](std::string_view message) { return explain_in_block(conf, message); });
        if (read_children(cf, conf, *block) != NGX_CONF_OK) {
            return failed;
        }
    }

    try {
        std::vector<Diagnostic> remarks;
        config::Publication declared =
            config::declare(*block, environment_of(cf), conf.registry, remarks);
        for (const Diagnostic& remark : remarks) {
            log_diagnostic(cf, remark);
        }
        conf.publications.push_back(
            std::make_unique<Publication>(plan::make_plan(std::move(declared)), conf.transports));
        Publication& made = *conf.publications.back();
        const config::Lockout& lockout = made.plan.publication.lockout;
        if (lockout.on) {
            made.lockout = std::make_unique<Lockout>(lockout, conf.lockout);
        }
        if (lockout.store && !conf.store_settings) {
            conf.store_settings = std::make_unique<StoreSettings>(cf, *lockout.store);
        }
    } catch (const Mistake& mistake) {
        log_diagnostic(cf, mistake.diagnostic());
        return failed;
    }
    Publication& added = *conf.publications.back();
    if (char* result = run_plan(cf, conf, added); result != NGX_CONF_OK) {
        return result;
    }
    undo_tls_inheritance(added);
    return check_includes(cf, added);
}

char* add_directive(ngx_conf_t* cf, const ngx_command_t* cmd, MainConf& conf) {
    Directive& block = *conf.reading.back();
    Directive& added = *block.children.emplace_back(current_directive(cf, cmd));
    added.block = &block;
    return added.is_block ? read_children(cf, conf, added) : NGX_CONF_OK;
}

char* attach_rule(ngx_conf_t* cf, const MainConf& conf, LocConf& location) {
    const std::string_view id = view(elements<ngx_str_t>(*cf->args)[2]);
    if (conf.feeding == nullptr || !conf.feeding->by_id.contains(id)) {
        return const_cast<char*>(
            "stands in generated servers only, write a \"lync_publish\" block");
    }
    const Host* host = conf.feeding->by_id.at(id);
    const auto* context = static_cast<ngx_http_conf_ctx_t*>(cf->ctx);
    conf_of<SrvConf>(context->srv_conf, ngx_lync_module).host = host;

    location.judged = 1;
    if (cf->args->nelts == 4) {
        location.challenges = 1;
        return NGX_CONF_OK;
    }
    host->loc_conf = context->loc_conf;

    // Whatever nginx says of this server later, it says of the directive that caused it.
    const Place& place = host->planned.place;
    auto& server = conf_of<ngx_http_core_srv_conf_t>(context->srv_conf, ngx_http_core_module);
    server.file_name = str(place.file).data;
    server.line = place.line;
    return NGX_CONF_OK;
}

/// For `access_log FILE lync;`: everything an administrator asks of one request, in one line.
/// No query string: the one of autodiscover holds people's addresses, unless log_sip_uri is on.
constexpr std::string_view log_formats =
    "log_format lync '$lync_client_addr [$time_local] $lync_publication/$lync_service "
    "$lync_verdict \"$request_method $scheme://$host$uri\" $status $body_bytes_sent "
    "$request_time \"$http_user_agent\" pool=$lync_pool server=$upstream_addr "
    "server_status=$upstream_status server_time=$upstream_response_time "
    "connection=$connection/$connection_requests sign_in=$lync_sign_in';\n"
    "log_format lync_json escape=json '{\"time\":\"$time_iso8601\","
    "\"publication\":\"$lync_publication\",\"service\":\"$lync_service\","
    "\"verdict\":\"$lync_verdict\",\"role\":\"$lync_role\",\"pool\":\"$lync_pool\","
    "\"client\":\"$lync_client_addr\",\"method\":\"$request_method\",\"scheme\":\"$scheme\","
    "\"host\":\"$lync_log_host\",\"path\":\"$lync_log_path\",\"status\":\"$status\","
    "\"bytes\":\"$body_bytes_sent\",\"time_total\":\"$request_time\","
    "\"user_agent\":\"$lync_log_user_agent\","
    "\"server\":\"$upstream_addr\",\"server_status\":\"$upstream_status\","
    "\"server_connect_time\":\"$upstream_connect_time\","
    "\"server_header_time\":\"$upstream_header_time\","
    "\"server_time\":\"$upstream_response_time\",\"connection\":\"$connection\","
    "\"connection_requests\":\"$connection_requests\","
    "\"owned_connection\":\"$lync_owned_connection\",\"sign_in\":\"$lync_sign_in\","
    "\"query\":\"$lync_query\"}';\n";

} // namespace

} // namespace lync::nginx

using namespace lync::nginx;

void* lync_create_main_conf(ngx_conf_t* cf) {
    return guarded<void*>(cf->log, nullptr,
                          [&]() -> void* { return create_in<MainConf>(cf->pool); });
}

void* lync_create_srv_conf(ngx_conf_t* cf) {
    return ngx_pcalloc(cf->pool, sizeof(SrvConf));
}

void* lync_create_loc_conf(ngx_conf_t* cf) {
    auto* conf = static_cast<LocConf*>(ngx_pcalloc(cf->pool, sizeof(LocConf)));
    if (conf != nullptr) {
        conf->parent = static_cast<ngx_http_conf_ctx_t*>(
            cf->ctx); // a location's configurations are made while its parent's are there
    }
    return conf;
}

char* lync_merge_loc_conf(ngx_conf_t* cf, void*, void*) {
    const auto* server =
        static_cast<SrvConf*>(ngx_http_conf_get_module_srv_conf(cf, ngx_lync_module));
    if (server->host != nullptr) {
        undo_inheritance(cf, *server->host);
    }
    return NGX_CONF_OK;
}

char* lync_publish(ngx_conf_t* cf, ngx_command_t* cmd, void* conf) {
    return guarded(cf->log, failed,
                   [&] { return publish(cf, cmd, *static_cast<MainConf*>(conf)); });
}

char* lync_directive(ngx_conf_t* cf, ngx_command_t* cmd, void* conf) {
    return guarded(cf->log, failed,
                   [&] { return add_directive(cf, cmd, *static_cast<MainConf*>(conf)); });
}

char* lync_rule(ngx_conf_t* cf, ngx_command_t*, void* conf) {
    return guarded(cf->log, failed,
                   [&] { return attach_rule(cf, main_conf_of(cf), *static_cast<LocConf*>(conf)); });
}

ngx_int_t lync_add_log_formats(ngx_conf_t* cf) {
    return parse_generated(cf, "lync_publish log formats", log_formats, false) == NGX_CONF_OK
               ? NGX_OK
               : NGX_ERROR;
}
