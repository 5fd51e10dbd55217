#include "lyncctl/doctor/http.h"

#include "base/ascii.h"
#include "base/format.h"

#include <algorithm>
#include <cerrno>
#include <curl/curl.h>
#include <memory>
#include <stdexcept>
#include <system_error>

namespace lync::lyncctl::doctor {

namespace {

constexpr std::string_view blank = " \t\r\n";

struct FreeCurl {
    void operator()(curl_slist* list) const noexcept { curl_slist_free_all(list); }
    void operator()(CURLU* url) const noexcept { curl_url_cleanup(url); }
    void operator()(char* text) const noexcept { curl_free(text); }
};
using ListPtr = std::unique_ptr<curl_slist, FreeCurl>;
using UrlPtr = std::unique_ptr<CURLU, FreeCurl>;
using TextPtr = std::unique_ptr<char, FreeCurl>;

/// Counts what arrives; false, and libcurl gives up, if it is too much. Headers count fourfold, or
/// libcurl would give up sooner without saying why.
bool take_room(HttpAnswer& answer, std::size_t size) {
    if (size > answer.room) {
        answer.fault = Fault{Id::http_too_large, ""};
    }
    answer.room -= std::min(size, answer.room);
    return !answer.fault;
}

extern "C" std::size_t lync_doctor_head(char* data, std::size_t, std::size_t size, void* to) {
    auto& answer = *static_cast<HttpAnswer*>(to);
    if (!take_room(answer, 4 * size)) {
        return 0;
    }
    const std::string_view line = trimmed({data, size}, blank);
    const auto colon = line.find(':');
    if (line.starts_with("HTTP/")) { // a further answer: after 100 Continue, in a handshake
        answer.status_text = line.substr(std::min(line.find(' '), line.size() - 1) + 1);
        answer.headers.clear();
        answer.body.clear();
    } else if (colon != std::string_view::npos) {
        const std::string_view name = line.substr(0, colon);
        const std::string_view value = trimmed(line.substr(colon + 1), blank);
        answer.challenged |= equal_ignore_case(name, "WWW-Authenticate") && value.size() > 20 &&
                             equal_ignore_case(value.substr(0, 5), "NTLM ");
        answer.headers.emplace_back(name, value);
    }
    return size;
}

extern "C" std::size_t lync_doctor_body(char* data, std::size_t, std::size_t size, void* to) {
    auto& answer = *static_cast<HttpAnswer*>(to);
    if (!take_room(answer, size)) {
        return 0;
    }
    answer.body.append(data, size);
    return size;
}

extern "C" int lync_doctor_progress(void*, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    return is_interrupted() ? 1 : 0;
}

/// What is done when TCP is connected and TLS begins.
struct Tls {
    const ConfigureTls& configure;
    bool begun = false;
};

extern "C" CURLcode lync_doctor_tls(CURL*, void* context, void* tls) {
    static_cast<Tls*>(tls)->configure(static_cast<ssl_ctx_st*>(context));
    static_cast<Tls*>(tls)->begun = true;
    return CURLE_OK;
}

/// Of a connection or handshake; `text` is libcurl's.
Fault fault_of_connection(CURL* easy, CURLcode code, bool tls, std::string_view text) {
    if (code == CURLE_OPERATION_TIMEDOUT) {
        return {tls ? Id::tls_timed_out : Id::port_timed_out, ""};
    }
    if (code == CURLE_COULDNT_CONNECT || !tls) {
        long error = 0;
        curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &error);
        return {error == ECONNREFUSED ? Id::port_closed
                : error == ETIMEDOUT  ? Id::port_timed_out
                                      : Id::port_unreachable,
                error == 0 ? std::string(text)
                           : std::generic_category().message(static_cast<int>(error))};
    }
    // "OpenSSL SSL_connect: SSL_ERROR_SYSCALL in ...", or "error:0A00010B:SSL routines::REASON"
    const auto has = [&](const char* words) { return text.find(words) != text.npos; };
    const Id id = has("wrong version number") || has("http request") ||
                          has("packet length too long") || has("record length mismatch")
                      ? Id::tls_not_tls
                  : !has("error:") || has("unexpected eof") ||
                          has("unrecognized name") // what nginx's ssl_reject_handshake says
                      ? Id::tls_closed
                      : Id::tls_failed;
    const auto reason = text.rfind("::");
    return {id, std::string(text.substr(reason == text.npos ? 0 : reason + 2))};
}

std::optional<Id> fault_of(CURLcode code) {
    switch (code) {
    case CURLE_OK:
        return std::nullopt;
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_COULDNT_CONNECT:
        return Id::http_closed;
    case CURLE_OPERATION_TIMEDOUT:
        return Id::http_timed_out;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
        return Id::tls_failed;
    default:
        return Id::http_malformed;
    }
}

template <class Value>
void set(CURL* easy, CURLoption option, Value value) {
    if (const CURLcode code = curl_easy_setopt(easy, option, value); code != CURLE_OK) {
        throw std::runtime_error(formatted("libcurl: {}", curl_easy_strerror(code)));
    }
}

void set(CURL* easy, CURLoption option, const std::string& value) {
    set(easy, option, value.c_str());
}

} // namespace

std::string_view HttpAnswer::header(std::string_view name) const {
    const auto values = all(name);
    return values.empty() ? std::string_view() : values.front();
}

std::vector<std::string_view> HttpAnswer::all(std::string_view name) const {
    std::vector<std::string_view> values;
    for (const auto& [n, value] : headers) {
        if (equal_ignore_case(n, name)) {
            values.emplace_back(value);
        }
    }
    return values;
}

std::string HttpAnswer::content_type() const {
    const std::string_view value = header("Content-Type");
    return to_ascii_lower(trimmed(value.substr(0, value.find(';')), blank));
}

namespace {

ListPtr header_lines(const HttpRequest& request) {
    const std::string accept = request.accept.empty()
                                   ? "Accept:"
                                   : "Accept: " + request.accept; // none, or libcurl has one
    ListPtr list(curl_slist_append(nullptr, accept.c_str()));
    if (list && !request.host_header.empty()) {
        curl_slist_append(list.get(), ("Host: " + request.host_header).c_str());
    }
    return list;
}

using EasyPtr = std::unique_ptr<void, void (*)(void*)>;

EasyPtr make_easy() {
    static const CURLcode once = curl_global_init(CURL_GLOBAL_DEFAULT);
    (void)once;
    EasyPtr easy(curl_easy_init(), curl_easy_cleanup);
    if (!easy) {
        throw std::runtime_error("libcurl can't be started");
    }
    return easy;
}

/// What all requests have in common. `error`: of CURL_ERROR_SIZE.
void set_fixed(CURL* easy, const Deadline& deadline, char* error) {
    set(easy, CURLOPT_TIMEOUT_MS,
        static_cast<long>(std::max<long long>(1, deadline.left().count())));
    set(easy, CURLOPT_ERRORBUFFER, error);
    set(easy, CURLOPT_SSL_VERIFYPEER, 0L);
    set(easy, CURLOPT_SSL_VERIFYHOST, 0L);
    set(easy, CURLOPT_PROTOCOLS_STR, "http,https"); // the rest may not even be linked
    set(easy, CURLOPT_PROXY, "");
    set(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    set(easy, CURLOPT_USERAGENT, "lyncctl doctor");
    set(easy, CURLOPT_NOSIGNAL, 1L);
    set(easy, CURLOPT_PATH_AS_IS, 1L);
    set(easy, CURLOPT_NOPROGRESS, 0L);
    set(easy, CURLOPT_XFERINFOFUNCTION, lync_doctor_progress);
}

void set_sign_in(CURL* easy, const HttpRequest& request) {
    set(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    set(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    if (!request.ca_file.empty()) {
        set(easy, CURLOPT_CAINFO, request.ca_file);
        set(easy, CURLOPT_CAPATH, static_cast<const char*>(nullptr));
    }
    set(easy, CURLOPT_HTTPAUTH, static_cast<long>(CURLAUTH_NTLM));
    set(easy, CURLOPT_USERNAME, request.ntlm->user);
    set(easy, CURLOPT_PASSWORD, request.ntlm->password);
    set(easy, CURLOPT_FRESH_CONNECT, 1L);
}

} // namespace

HttpClient::HttpClient() : easy_(make_easy()) {}

std::optional<Fault> connect_to(const Endpoint& endpoint, const std::string& name,
                                const ConfigureTls& configure, const Deadline& deadline) {
    const EasyPtr owner = make_easy();
    CURL* easy = owner.get();
    char error[CURL_ERROR_SIZE] = "";
    const ListPtr connect(curl_slist_append(nullptr, ("::" + endpoint.text()).c_str()));
    set_fixed(easy, deadline, error);
    set(easy, CURLOPT_URL, (configure ? "https://" : "http://") + name);
    set(easy, CURLOPT_CONNECT_TO, connect.get());
    set(easy, CURLOPT_CONNECT_ONLY, 1L);
    set(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);
    Tls tls{configure};
    if (configure) {
        set(easy, CURLOPT_SSL_CTX_FUNCTION, lync_doctor_tls);
        set(easy, CURLOPT_SSL_CTX_DATA, static_cast<void*>(&tls));
    }
    const CURLcode code = curl_easy_perform(easy);
    throw_if_interrupted();
    return code == CURLE_OK
               ? std::nullopt
               : std::optional(fault_of_connection(
                     easy, code, tls.begun, *error != '\0' ? error : curl_easy_strerror(code)));
}

HttpAnswer HttpClient::get(const HttpRequest& request, const Deadline& deadline) {
    HttpAnswer answer;
    answer.room = request.size_limit;
    char error[CURL_ERROR_SIZE] = "";
    const ListPtr headers = header_lines(request);
    const ListPtr connect(curl_slist_append(nullptr, ("::" + request.to.text()).c_str()));

    CURL* easy = easy_.get();
    curl_easy_reset(easy); // connections stay
    set_fixed(easy, deadline, error);
    set(easy, CURLOPT_HEADERFUNCTION, lync_doctor_head);
    set(easy, CURLOPT_WRITEFUNCTION, lync_doctor_body);
    set(easy, CURLOPT_URL, request.url);
    if (request.unix_socket.empty()) {
        set(easy, CURLOPT_CONNECT_TO, connect.get());
    } else {
        set(easy, CURLOPT_UNIX_SOCKET_PATH, request.unix_socket);
        set(easy, CURLOPT_USERAGENT, "lyncctl");
    }
    if (request.post) {
        set(easy, CURLOPT_POSTFIELDS, "");
    }
    set(easy, CURLOPT_HTTPHEADER, headers.get());
    set(easy, CURLOPT_HEADERDATA, static_cast<void*>(&answer));
    set(easy, CURLOPT_WRITEDATA, static_cast<void*>(&answer));
    if (request.ntlm != nullptr) {
        set_sign_in(easy, request);
    }

    const CURLcode code = curl_easy_perform(easy);
    throw_if_interrupted();
    long status = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(easy, CURLINFO_NUM_CONNECTS, &answer.connections);
    answer.status = static_cast<int>(status);
    if (const auto id = fault_of(code); id && !answer.fault) {
        answer.fault = Fault{*id, *error != '\0' ? error : curl_easy_strerror(code)};
    }
    return answer;
}

std::optional<Url> parse_url(std::string_view text) {
    const UrlPtr parsed(curl_url());
    const std::string copy(text);
    if (!parsed || copy.size() != std::string_view(copy.c_str()).size() ||
        curl_url_set(parsed.get(), CURLUPART_URL, copy.c_str(), CURLU_NON_SUPPORT_SCHEME) !=
            CURLUE_OK) {
        return std::nullopt;
    }
    const auto part = [&](CURLUPart which) {
        char* value = nullptr;
        if (curl_url_get(parsed.get(), which, &value, 0) != CURLUE_OK) {
            return std::string();
        }
        const TextPtr owned(value);
        return std::string(value);
    };
    Url url;
    url.scheme = part(CURLUPART_SCHEME);
    url.host = part(CURLUPART_HOST);
    url.port = part(CURLUPART_PORT);
    url.target = part(CURLUPART_PATH);
    if (const std::string query = part(CURLUPART_QUERY); !query.empty()) {
        url.target += "?" + query;
    }
    for (std::string* lowered : {&url.scheme, &url.host}) {
        *lowered = to_ascii_lower(*lowered);
    }
    return url;
}

std::string url_escaped(const std::string& text) {
    const TextPtr escaped(curl_easy_escape(nullptr, text.c_str(), static_cast<int>(text.size())));
    return escaped ? std::string(escaped.get()) : std::string();
}

} // namespace lync::lyncctl::doctor
