#include "status/page.h"

#include "base/ascii.h"
#include "base/format.h"

#include <openssl/evp.h>

#include <algorithm>

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

/// How much a media type that is named is wanted, in thousandths [RFC 9110, section 12.4.2]; 0 if
/// it isn't named. What isn't a weight is 1, as if nothing stood there.
unsigned weight_of(std::string_view accept, std::string_view type) noexcept {
    while (!accept.empty()) {
        const std::string_view range = take_until(accept, ',');
        if (!contains_ignore_case(range, type)) {
            continue;
        }
        std::string_view rest = range;
        for (std::size_t at = rest.find(';'); at != rest.npos; at = rest.find(';')) {
            rest = trimmed(rest.substr(at + 1), " \t");
            if (!rest.starts_with("q=0") && !rest.starts_with("Q=0")) {
                continue;
            }
            unsigned weight = 0;
            for (std::size_t i = 0; i < 3; i++) {
                const bool there = rest.size() > 4 + i && rest[3] == '.';
                const char c = there ? rest[4 + i] : '0';
                weight = weight * 10 + (c >= '0' && c <= '9' ? static_cast<unsigned>(c - '0') : 0);
            }
            return weight;
        }
        return 1000;
    }
    return 0;
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
    const unsigned html = weight_of(accept, "text/html");
    const unsigned json = weight_of(accept, "application/json");
    if (html != 0 && html >= json) {
        return Format::html;
    }
    if (scraped || contains_ignore_case(accept, "application/openmetrics-text") ||
        (contains_ignore_case(accept, "text/plain") &&
         contains_ignore_case(accept, "version=0.0.4"))) {
        return Format::prometheus;
    }
    return json != 0 ? Format::json : Format::html;
}

} // namespace lync::status
