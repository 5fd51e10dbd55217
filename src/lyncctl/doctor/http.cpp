#include "lyncctl/doctor/http.h"

#include "base/ascii.h"

#include <algorithm>
#include <curl/curl.h>
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

/// What arrives of one request.
struct Arriving {
    HttpAnswer answer;
    std::size_t head = 0;
};

extern "C" std::size_t lync_doctor_head(char* data, std::size_t, std::size_t size, void* to) {
    auto& arriving = *static_cast<Arriving*>(to);
    const std::string_view line = trimmed({data, size}, blank);
    arriving.head += size;
    if (arriving.head > HttpClient::head_limit) {
        arriving.answer.too_large = true;
        return 0;
    }
    if (line.starts_with("HTTP/")) { // a further answer: after 100 Continue, in a handshake
        arriving.answer.headers.clear();
        arriving.answer.body.clear();
        return size;
    }
    const auto colon = line.find(':');
    if (colon != std::string_view::npos) {
        const std::string_view name = line.substr(0, colon);
        const std::string_view value = trimmed(line.substr(colon + 1), blank);
        if (equal_ignore_case(name, "WWW-Authenticate") && value.size() > 20 &&
            equal_ignore_case(value.substr(0, 5), "NTLM ")) {
            arriving.answer.challenged = true;
        }
        arriving.answer.headers.emplace_back(name, value);
    }
    return size;
}

extern "C" std::size_t lync_doctor_body(char* data, std::size_t, std::size_t size, void* to) {
    auto& answer = static_cast<Arriving*>(to)->answer;
    if (answer.body.size() + size > HttpClient::body_limit) {
        answer.too_large = true;
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
        return HttpAnswer::Outcome::closed;
    case CURLE_RECV_ERROR:
        return HttpAnswer::Outcome::closed;
    case CURLE_OPERATION_TIMEDOUT:
        return HttpAnswer::Outcome::timed_out;
    case CURLE_COULDNT_CONNECT:
        return HttpAnswer::Outcome::refused;
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

struct HttpClient::Multi {
    CURLM* handle = nullptr;
};

HttpClient::HttpClient() : multi_(std::make_unique<Multi>()) {
    static const CURLcode once = curl_global_init(CURL_GLOBAL_DEFAULT);
    (void)once;
    multi_->handle = curl_multi_init();
    if (multi_->handle == nullptr) {
        throw std::runtime_error("libcurl can't be started");
    }
}

HttpClient::~HttpClient() {
    curl_multi_cleanup(multi_->handle);
}

HttpAnswer HttpClient::get(const HttpRequest& request, const Deadline& deadline) {
    throw_if_interrupted();
    Arriving arriving;
    const EasyPtr easy(curl_easy_init());
    ListPtr headers;
    const auto add_header = [&](const std::string& line) {
        curl_slist* longer = curl_slist_append(headers.get(), line.c_str());
        if (longer == nullptr) {
            throw std::bad_alloc();
        }
        static_cast<void>(headers.release());
        headers.reset(longer);
    };
    add_header(request.accept.empty() ? "Accept:" : "Accept: " + request.accept);
    if (!request.host_header.empty()) {
        add_header("Host: " + request.host_header);
    }
    const ListPtr connect(curl_slist_append(nullptr, ("::" + request.to.text()).c_str()));
    char error[CURL_ERROR_SIZE] = "";

    CURL* e = easy.get();
    set(e, CURLOPT_URL, request.url);
    set(e, CURLOPT_CONNECT_TO, connect.get());
    set(e, CURLOPT_PROXY, "");
    set(e, CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
    set(e, CURLOPT_FOLLOWLOCATION, 0L);
    set(e, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    set(e, CURLOPT_HTTPHEADER, headers.get());
    set(e, CURLOPT_USERAGENT, "lyncctl doctor");
    set(e, CURLOPT_NOSIGNAL, 1L);
    set(e, CURLOPT_PATH_AS_IS, 1L);
    set(e, CURLOPT_TIMEOUT_MS, static_cast<long>(std::max<long long>(1, deadline.left().count())));
    set(e, CURLOPT_HEADERFUNCTION, lync_doctor_head);
    set(e, CURLOPT_HEADERDATA, static_cast<void*>(&arriving));
    set(e, CURLOPT_WRITEFUNCTION, lync_doctor_body);
    set(e, CURLOPT_WRITEDATA, static_cast<void*>(&arriving));
    set(e, CURLOPT_ERRORBUFFER, static_cast<char*>(error));
    set(e, CURLOPT_SSL_VERIFYPEER, request.verify_ca ? 1L : 0L);
    set(e, CURLOPT_SSL_VERIFYHOST, request.verify_ca ? 2L : 0L);
    if (request.verify_ca && !request.verify_ca->empty()) {
        set(e, CURLOPT_CAINFO, *request.verify_ca);
        set(e, CURLOPT_CAPATH, static_cast<const char*>(nullptr));
    }
    if (request.ntlm != nullptr) {
        if (!request.verify_ca) {
            throw std::logic_error("a password is for verified servers only");
        }
        set(e, CURLOPT_HTTPAUTH, static_cast<long>(CURLAUTH_NTLM));
        set(e, CURLOPT_USERNAME, request.ntlm->user);
        set(e, CURLOPT_PASSWORD, request.ntlm->password);
        set(e, CURLOPT_FRESH_CONNECT, 1L);
    }

    CURLM* multi = multi_->handle;
    curl_multi_add_handle(multi, e);
    struct Remove {
        CURLM* multi;
        CURL* easy;
        ~Remove() { curl_multi_remove_handle(multi, easy); }
    } remove{multi, e};

    CURLcode code = CURLE_OPERATION_TIMEDOUT;
    for (int running = 1; running != 0;) {
        curl_multi_perform(multi, &running);
        if (running != 0) {
            curl_waitfd extra{interrupt_fd(), CURL_WAIT_POLLIN, 0};
            curl_multi_poll(multi, &extra, interrupt_fd() < 0 ? 0 : 1, 200, nullptr);
            throw_if_interrupted();
        }
    }
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi, &left)) {
        if (message->msg == CURLMSG_DONE && message->easy_handle == e) {
            code = message->data.result;
        }
    }

    HttpAnswer& answer = arriving.answer;
    long status = 0;
    curl_easy_getinfo(e, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(e, CURLINFO_NUM_CONNECTS, &answer.connections);
    answer.status = static_cast<int>(status);
    answer.outcome = answer.too_large ? HttpAnswer::Outcome::answered : outcome_of(code);
    if (code != CURLE_OK) {
        answer.detail = *error != '\0' ? error : curl_easy_strerror(code);
    }
    return std::move(answer);
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
