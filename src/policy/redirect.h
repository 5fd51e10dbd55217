#pragma once

// Pages at another URL (`redirect`). The URL is constant: no part of a request gets into it, and no
// server is asked.

#include "base/product.h"

#include <span>
#include <string>
#include <string_view>

namespace lync::policy {

struct Redirect {
    std::string host;     ///< lower case; empty: every name but lyncdiscover's
    std::string path;     ///< in normal form (path.h): "/owa", or "" for the root
    std::string location; ///< as the Location header has it
};

/// The one of a path in normal form, that of its own host first; null: there is none.
const Redirect* find_redirect(std::span<const Redirect> redirects, std::string_view host,
                              std::string_view path) noexcept;

/// "/owa" or "https://mail.contoso.com/owa", or why a page can't be moved from there.
struct RedirectFrom {
    std::string host;
    std::string path; ///< in normal form
    std::string error;
};
RedirectFrom read_redirect_from(std::string_view text, Product product);

/// `https://HOST[:PORT][/...]`, or why a client can't be sent there.
struct RedirectTo {
    std::string location; ///< its host in lower-case A-labels, without dot at the end
    std::string host;
    std::string path; ///< in normal form; where it has none, what no redirect is from
    std::string error;
};
RedirectTo read_redirect_to(std::string_view text);

} // namespace lync::policy
