#include "status/forms.h"

#include "base/ascii.h"
#include "base/format.h"

#include <openssl/evp.h>

namespace lync::status {

// Made of page.html at build time: cmake/embed.cmake.
extern const unsigned char page_html[];
extern const std::size_t page_html_size;

namespace {

/// The text of the only element `tag` of a document.
std::string_view element(std::string_view document, std::string_view tag) {
    const std::string open = formatted("<{}>", tag);
    const std::string close = formatted("</{}>", tag);
    const std::size_t begin = document.find(open);
    if (begin == std::string_view::npos) {
        return {};
    }
    const std::size_t text = begin + open.size();
    const std::size_t end = document.find(close, text);
    return end == std::string_view::npos ? std::string_view() : document.substr(text, end - text);
}

/// "'sha256-...'", as browsers compare it.
std::string hash_source(std::string_view text) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    if (EVP_Digest(text.data(), text.size(), digest, &length, EVP_sha256(), nullptr) != 1) {
        return "'none'";
    }
    unsigned char base64[2 * EVP_MAX_MD_SIZE];
    const int size = EVP_EncodeBlock(base64, digest, static_cast<int>(length));
    return formatted("'sha256-{}'",
                     std::string(reinterpret_cast<char*>(base64), static_cast<std::size_t>(size)));
}

} // namespace

std::string_view page() noexcept {
    return {reinterpret_cast<const char*>(page_html), page_html_size};
}

std::string content_security_policy(std::string_view document) {
    return formatted("default-src 'none'; script-src {}; style-src {}; connect-src 'self'; "
                     "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
                     hash_source(element(document, "script")),
                     hash_source(element(document, "style")));
}

Format choose_format(std::string_view argument, std::string_view accept, bool scraped) noexcept {
    if (!argument.empty()) {
        return argument == "json"         ? Format::json
               : argument == "prometheus" ? Format::prometheus
               : argument == "html"       ? Format::html
                                          : Format::unknown;
    }
    if (contains_ignore_case(accept, "text/html")) {
        return Format::html;
    }
    if (scraped || contains_ignore_case(accept, "application/openmetrics-text") ||
        (contains_ignore_case(accept, "text/plain") &&
         contains_ignore_case(accept, "version=0.0.4"))) {
        return Format::prometheus;
    }
    return contains_ignore_case(accept, "application/json") ? Format::json : Format::html;
}

} // namespace lync::status
