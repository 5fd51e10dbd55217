// redirect: pages at another URL, and the paths that can't be redirected.

#include "config/declare.h"

#include <algorithm>

namespace lync::config {

namespace {

/// Whether people open pages under a name: that of a pool, a simple URL, or Exchange.
bool has_pages(const Publication& publication, std::string_view host) {
    const auto is_farm = [host](const Farm& farm) {
        return farm.role != Role::office_web_apps &&
               std::find(farm.published.begin(), farm.published.end(), host) !=
                   farm.published.end();
    };
    const auto is_url = [host](const SimpleUrl& url) {
        const std::string_view name = url.host;
        return url.kind != SimpleUrlKind::admin &&
               (name == host ||
                (name.ends_with(".*") && host.starts_with(name.substr(0, name.size() - 1))));
    };
    return std::any_of(publication.farms.begin(), publication.farms.end(), is_farm) ||
           std::any_of(publication.simple_urls.begin(), publication.simple_urls.end(), is_url);
}

} // namespace

void read_redirects(const Directive& block, Publication& publication) {
    std::vector<policy::RedirectTo> targets;
    std::vector<const Directive*> lines;
    each(block, "redirect", [&](const Directive& directive) {
        const std::string& from_text = directive.arguments[0];
        auto from = policy::read_redirect_from(from_text, publication.product);
        if (from.error.empty() && !from.host.empty() && !has_pages(publication, from.host)) {
            from.error = "it is no name of a pool, a simple URL or Exchange in this publication";
        }
        for (std::size_t i = 0; i < lines.size(); i++) {
            const policy::Redirect& other = publication.redirects[i];
            if (other.host == from.host && other.path == from.path) {
                from.error = formatted("the same page stands at {}", at(lines[i]->place));
            }
        }
        if (!from.error.empty()) {
            invalid_value(from_text, directive, from.error);
        }
        auto to = policy::read_redirect_to(directive.arguments[1]);
        if (!to.error.empty()) {
            invalid_value(directive.arguments[1], directive, to.error);
        }
        publication.redirects.push_back(
            {std::move(from.host), std::move(from.path), std::move(to.location)});
        targets.push_back(std::move(to));
        lines.push_back(&directive);
    });
    for (std::size_t i = 0; i < lines.size(); i++) {
        const policy::Redirect* next =
            has_pages(publication, targets[i].host)
                ? policy::find_redirect(publication.redirects, targets[i].host, targets[i].path)
                : nullptr;
        if (next != nullptr) {
            invalid_value(lines[i]->arguments[1], *lines[i],
                          formatted("it leads on to {}: write where that ends", next->location));
        }
    }
}

} // namespace lync::config
