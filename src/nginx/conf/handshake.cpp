#include "nginx/conf/handshake.h"

#include "base/ascii.h"
#include "config/certificate_pem.h"
#include "nginx/conf/commands.h"
#include "nginx/conf/conf.h"

#include <openssl/err.h>
#include <openssl/evp.h>

#include <algorithm>
#include <memory>
#include <new>
#include <string>
#include <string_view>

namespace lync::nginx {

namespace {

SSL_CTX* context_of(const ngx_http_core_srv_conf_t* server) noexcept {
    return conf_of<ngx_http_ssl_srv_conf_t>(server->ctx->srv_conf, ngx_http_ssl_module).ssl.ctx;
}

/// Published names offer HTTP/1.1 alone, also on a socket where a foreign server has switched
/// HTTP/2 on for all (nginx before 1.25.1): NTLM can't run over it.
int select_http11(SSL*, const unsigned char** chosen, unsigned char* chosen_length,
                  const unsigned char* offered, unsigned offered_length, void*) {
    static constexpr unsigned char http11[] = "\x08http/1.1";
    unsigned char* selected = nullptr;
    if (SSL_select_next_proto(&selected, chosen_length, http11, sizeof(http11) - 1, offered,
                              offered_length) != OPENSSL_NPN_NEGOTIATED) {
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    *chosen = selected;
    return SSL_TLSEXT_ERR_OK;
}

/// The name as nginx compares it, without the dot that may end it.
std::string_view without_dot(std::string_view name) noexcept {
    return name.ends_with('.') ? name.substr(0, name.size() - 1) : name;
}

bool present(SSL* ssl, const config::KeyPair& pair) noexcept {
    return SSL_use_cert_and_key(ssl, pair.certificate.get(), pair.key.get(),
                                pair.intermediates.get(), 1) == 1;
}

bool present(SSL_CTX* tls, const config::KeyPair& pair) noexcept {
    return SSL_CTX_use_cert_and_key(tls, pair.certificate.get(), pair.key.get(),
                                    pair.intermediates.get(), 1) == 1;
}

/// OpenSSL asks which certificates to present; those of the SSL_CTX are for any other name.
int present_certificates(SSL* ssl, void* data) {
    const auto& publication = *static_cast<const Publication*>(data);
    const config::Publication& declared = publication.plan.publication;
    const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    if (name == nullptr) {
        return 1;
    }
    const std::size_t set = declared.presented.set_for(without_dot(name));

    // Where on_hello wasn't asked, the session isn't resumed for any name.
    const SessionContext& context = publication.session_contexts[set];
    SSL_SESSION_set1_id_context(SSL_get_session(ssl), context.data(), context.size());
    if (set == 0) {
        return 1;
    }
    SSL_certs_clear(ssl);
    for (const std::uint32_t index : declared.presented.sets()[set]) {
        if (!present(ssl, *declared.loaded_certificates[index].pair)) {
            return 0;
        }
    }
    return 1;
}

/// The host name in a ClientHello [RFC 6066, 3]; empty if there is none. What isn't well-formed is
/// refused by OpenSSL afterwards.
std::string_view name_in_hello(SSL* ssl) noexcept {
    constexpr std::size_t head = 5; // length of the list, kind and length of the name
    const unsigned char* bytes = nullptr;
    std::size_t size = 0;
    if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &bytes, &size) != 1 ||
        size < head || bytes[2] != TLSEXT_NAMETYPE_host_name) {
        return {};
    }
    const std::size_t length = static_cast<std::size_t>(bytes[3]) << 8 | bytes[4];
    return length + head == size
               ? std::string_view(reinterpret_cast<const char*>(bytes) + head, length)
               : std::string_view();
}

/// The server that nginx chooses for the name; NULL if none has it, or the socket only one.
const ngx_http_core_srv_conf_t* server_for(const ngx_http_addr_conf_t& address,
                                           std::string_view name) noexcept {
    std::array<u_char, TLSEXT_MAXLEN_host_name> lower{};
    const ngx_http_virtual_names_t* names = address.virtual_names;
    if (name.empty() || name.size() > lower.size() || names == nullptr) {
        return nullptr;
    }
    std::transform(name.begin(), name.end(), lower.begin(), ascii_lower);
    return static_cast<ngx_http_core_srv_conf_t*>(
        ngx_hash_find_combined(const_cast<ngx_hash_combined_t*>(&names->names),
                               ngx_hash_key(lower.data(), name.size()), lower.data(), name.size()));
}

/// The versions of the name's own server, not of the default one, whose SSL_CTX it is until now.
void set_versions(SSL* ssl, const SSL_CTX* own) noexcept {
    constexpr auto versions =
        SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1 | SSL_OP_NO_TLSv1_2 | SSL_OP_NO_TLSv1_3;
    SSL_clear_options(ssl, versions);
    SSL_set_options(ssl, SSL_CTX_get_options(own) & versions);
    SSL_set_min_proto_version(ssl, SSL_CTX_get_min_proto_version(const_cast<SSL_CTX*>(own)));
    SSL_set_max_proto_version(ssl, SSL_CTX_get_max_proto_version(const_cast<SSL_CTX*>(own)));
}

int on_hello(SSL* ssl, int* alert, void*) {
    const int result = nginx_on_client_hello(ssl, alert);
    if (result != SSL_CLIENT_HELLO_SUCCESS) {
        return result;
    }
    const auto* c = static_cast<ngx_connection_t*>(ngx_ssl_get_connection(ssl));
    const ngx_http_addr_conf_t& address = *static_cast<ngx_http_connection_t*>(c->data)->addr_conf;
    const std::string_view name = without_dot(name_in_hello(ssl));
    const ngx_http_core_srv_conf_t* server = server_for(address, name);
    const Host* host = server == nullptr ? nullptr : host_of(server);
    if (host != nullptr) {
        const Publication& publication = host->publication;
        const SessionContext& context =
            publication.session_contexts[publication.plan.publication.presented.set_for(name)];
        SSL_set_session_id_context(ssl, context.data(), context.size());
        set_versions(ssl, context_of(server));
    } else if (server != nullptr && host_of(address.default_server) != nullptr) {
        // A foreign name where the SSL_CTX, and so the context, is ours.
        static constexpr SessionContext foreign{};
        SSL_set_session_id_context(ssl, foreign.data(), foreign.size());
    }
    return SSL_CLIENT_HELLO_SUCCESS;
}

/// Checks at load whether OpenSSL presents it with this server's settings, not with the first
/// client.
template <typename Tls>
bool try_certificate(ngx_conf_t* cf, Tls* tls, const config::Publication& declared,
                     std::size_t index) {
    if (present(tls, *declared.loaded_certificates[index].pair)) {
        return true;
    }
    const config::CertificateFiles& files = declared.certificates[index];
    const char* reason = ERR_reason_error_string(ERR_peek_last_error());
    log_at(
        NGX_LOG_EMERG, cf, files.place,
        "certificate \"%s\" can't be presented (%s): have it issued again for a longer key, with "
        "SHA-256",
        files.certificate.c_str(), reason == nullptr ? "unknown" : reason);
    ERR_clear_error();
    return false;
}

} // namespace

std::vector<SessionContext> contexts_of(const config::Publication& declared) {
    std::vector<SessionContext> contexts;
    for (const auto& set : declared.presented.sets()) {
        std::string digests = "lync";
        for (const std::uint32_t index : set) {
            digests += declared.loaded_certificates[index].digest;
        }
        if (EVP_Digest(digests.data(), digests.size(), contexts.emplace_back().data(), nullptr,
                       EVP_sha256(), nullptr) != 1) {
            throw std::bad_alloc();
        }
    }
    return contexts;
}

ngx_int_t settle_handshake(ngx_conf_t* cf, const ngx_http_core_srv_conf_t* server,
                           const Host& host) {
    SSL_CTX* tls = context_of(server);
    if (tls == nullptr) {
        return NGX_OK;
    }
    SSL_CTX_set_alpn_select_cb(tls, select_http11, nullptr);

    // In place of nginx's, which would read files of the names that the generated text has.
    const Publication& publication = host.publication;
    const config::Publication& declared = publication.plan.publication;
    const bool several = declared.presented.sets().size() > 1;
    SSL_CTX_set_cert_cb(tls, several ? present_certificates : nullptr,
                        const_cast<Publication*>(&publication));
    const SessionContext& context = publication.session_contexts.front();
    SSL_CTX_set_session_id_context(tls, context.data(), context.size());
    for (const std::uint32_t index : declared.presented.sets().front()) {
        if (!try_certificate(cf, tls, declared, index)) {
            return NGX_ERROR;
        }
    }
    if (!several || host.planned.id != declared.farms.front().published.front()) {
        return NGX_OK;
    }
    const std::unique_ptr<SSL, decltype(&SSL_free)> ssl(SSL_new(tls), SSL_free);
    if (ssl == nullptr) {
        throw std::bad_alloc();
    }
    for (std::size_t i = 0; i < declared.loaded_certificates.size(); i++) {
        if (!try_certificate(cf, ssl.get(), declared, i)) {
            return NGX_ERROR;
        }
    }
    return NGX_OK;
}

bool has_tls(const ngx_http_core_srv_conf_t& server) noexcept {
    return context_of(&server) != nullptr;
}

void settle_default_handshake(const ngx_conf_t* cf, const ngx_http_core_srv_conf_t* server) {
    SSL_CTX* tls = context_of(server);
    // OpenResty's may have a callback as well, and OpenSSL has room for one.
    if (tls != nullptr && !find_command(cf->cycle, "ssl_client_hello_by_lua_block")) {
        SSL_CTX_set_client_hello_cb(tls, on_hello, nullptr);
    }
}

} // namespace lync::nginx
