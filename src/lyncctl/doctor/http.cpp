#include "lyncctl/doctor/http.h"

#include "base/ascii.h"

#include <algorithm>
#include <curl/curl.h>
#include <memory>
#include <stdexcept>

namespace lync::lyncctl::doctor {

namespace {

constexpr std::string_view blank = " \t\r\n";

struct FreeEasy {
    void operator()(CURL* easy) const noexcept { curl_easy_cleanup(easy); }
    void operator()(curl_slist* list) const noexcept { curl_slist_free_all(list); }
    void operator()(CURLU* url) const noexcept { curl_url_cleanup(url); }
    void operator()(char* text) const noexcept { curl_free(text); }
};
using EasyPtr = std::unique_ptr<CURL, FreeEasy>;
using ListPtr = std::unique_ptr<curl_slist, FreeEasy>;
using UrlPtr = std::unique_ptr<CURLU, FreeEasy>;
using TextPtr = std::unique_ptr<char, FreeEasy>;

/// Counts what arrives; false, and libcurl gives up, if it is too much.
bool has_room(HttpAnswer& answer, std::size_t size, std::size_t before, std::size_t limit) {
    answer.bytes += size;
    if (size <= limit - before) {
        return true;
    }
    answer.outcome = HttpAnswer::Outcome::too_large;
    return false;
}

extern "C" std::size_t lync_doctor_head(char* data, std::size_t, std::size_t size, void* to) {
    auto& answer = *static_cast<HttpAnswer*>(to);
    if (!has_room(answer, size, answer.head_bytes, HttpClient::head_limit)) {
        return 0;
    }
    answer.head_bytes += size;
    const std::string_view line = trimmed({data, size}, blank);
    const auto colon = line.find(':');
    if (line.starts_with("HTTP/")) { // a further answer: after 100 Continue, in a handshake
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
    if (!has_room(answer, size, answer.body.size(), HttpClient::body_limit)) {
        return 0;
    }
    answer.body.append(data, size);
    return size;
}

HttpAnswer::Outcome outcome_of(CURLcode code) {
    switch (code) {
    case CURLE_OK:
        return HttpAnswer::Outcome::answered;
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_COULDNT_CONNECT:
        return HttpAnswer::Outcome::closed;
    case CURLE_OPERATION_TIMEDOUT:
        return HttpAnswer::Outcome::timed_out;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
        return HttpAnswer::Outcome::tls;
    default:
        return HttpAnswer::Outcome::malformed;
    }
}

template <class Value>
void set(CURL* easy, CURLoption option, Value value) {
    if (const CURLcode code = curl_easy_setopt(easy, option, value); code != CURLE_OK) {
        throw std::runtime_error(std::string("libcurl: ") + curl_easy_strerror(code));
    }
}

/// `set` for texts.
void set(CURL* easy, CURLoption option, const std::string& value) {
    set(easy, option, value.c_str());
}

} // namespace

std::string_view HttpAnswer::header(std::string_view name) const noexcept {
    for (const auto& [n, value] : headers) {
        if (equal_ignore_case(n, name)) {
            return value;
        }
    }
    return {};
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
    ListPtr list;
    for (const std::string& line :
         {request.accept.empty() ? "Accept:" : "Accept: " + request.accept,
          request.host_header.empty() ? std::string() : "Host: " + request.host_header}) {
        if (!line.empty()) {
            curl_slist* longer = curl_slist_append(list.get(), line.c_str());
            static_cast<void>(list.release());
            list.reset(longer);
        }
    }
    return list;
}

/// TLS was looked at before; whoever gets a password is verified again.
void set_trust(CURL* easy, const HttpRequest& request) {
    set(easy, CURLOPT_SSL_VERIFYPEER, request.verify_ca ? 1L : 0L);
    set(easy, CURLOPT_SSL_VERIFYHOST, request.verify_ca ? 2L : 0L);
    if (request.verify_ca && !request.verify_ca->empty()) {
        set(easy, CURLOPT_CAINFO, *request.verify_ca);
        set(easy, CURLOPT_CAPATH, static_cast<const char*>(nullptr));
    }
    if (request.ntlm != nullptr) {
        if (!request.verify_ca) {
            throw std::logic_error("a password is for verified servers only");
        }
        set(easy, CURLOPT_HTTPAUTH, static_cast<long>(CURLAUTH_NTLM));
        set(easy, CURLOPT_USERNAME, request.ntlm->user);
        set(easy, CURLOPT_PASSWORD, request.ntlm->password);
        set(easy, CURLOPT_FRESH_CONNECT, 1L);
    }
}

/// Runs a request to its end; Ctrl-C throws.
CURLcode perform(CURLM* multi, CURL* easy) {
    struct Attached {
        CURLM* multi;
        CURL* easy;
        ~Attached() { curl_multi_remove_handle(multi, easy); }
    } attached{multi, easy};
    curl_multi_add_handle(multi, easy);
    for (int running = 1; running != 0;) {
        curl_multi_perform(multi, &running);
        if (running != 0) {
            curl_waitfd extra{interrupt_fd(), CURL_WAIT_POLLIN, 0};
            curl_multi_poll(multi, &extra, interrupt_fd() < 0 ? 0 : 1, 200, nullptr);
            throw_if_interrupted();
        }
    }
    int left = 0;
    const CURLMsg* message = curl_multi_info_read(multi, &left);
    return message == nullptr ? CURLE_OPERATION_TIMEDOUT : message->data.result;
}

} // namespace

HttpClient::HttpClient() {
    static const CURLcode once = curl_global_init(CURL_GLOBAL_DEFAULT);
    (void)once;
    multi_ = curl_multi_init();
    if (multi_ == nullptr) {
        throw std::runtime_error("libcurl can't be started");
    }
}

HttpClient::~HttpClient() {
    curl_multi_cleanup(static_cast<CURLM*>(multi_));
}

HttpAnswer HttpClient::get(const HttpRequest& request, const Deadline& deadline) {
    HttpAnswer answer;
    const EasyPtr easy(curl_easy_init());
    const ListPtr headers = header_lines(request);
    const ListPtr connect(curl_slist_append(nullptr, ("::" + request.to.text()).c_str()));
    char error[CURL_ERROR_SIZE] = "";

    CURL* e = easy.get();
    set(e, CURLOPT_URL, request.url);
    set(e, CURLOPT_CONNECT_TO, connect.get());
    set(e, CURLOPT_PROXY, "");
    set(e, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    set(e, CURLOPT_HTTPHEADER, headers.get());
    set(e, CURLOPT_USERAGENT, "lyncctl doctor");
    set(e, CURLOPT_NOSIGNAL, 1L);
    set(e, CURLOPT_PATH_AS_IS, 1L);
    set(e, CURLOPT_TIMEOUT_MS, static_cast<long>(std::max<long long>(1, deadline.left().count())));
    set(e, CURLOPT_HEADERFUNCTION, lync_doctor_head);
    set(e, CURLOPT_HEADERDATA, static_cast<void*>(&answer));
    set(e, CURLOPT_WRITEFUNCTION, lync_doctor_body);
    set(e, CURLOPT_WRITEDATA, static_cast<void*>(&answer));
    set(e, CURLOPT_ERRORBUFFER, static_cast<char*>(error));
    set_trust(e, request);

    const CURLcode code = perform(static_cast<CURLM*>(multi_), e);
    long status = 0;
    curl_easy_getinfo(e, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(e, CURLINFO_NUM_CONNECTS, &answer.connections);
    answer.status = static_cast<int>(status);
    if (answer.outcome != HttpAnswer::Outcome::too_large) {
        answer.outcome = outcome_of(code);
    }
    if (code != CURLE_OK) {
        answer.detail = *error != '\0' ? error : curl_easy_strerror(code);
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

} // namespace lync::lyncctl::doctor
