// The names of a publication: each is published once, in all publications of one nginx.conf.

#include "config/declare.h"

#include "base/ascii.h"

#include <algorithm>
#include <map>
#include <unordered_map>

namespace lync::config {

namespace {

using Claim = Registry::Claim;

std::string in_publication(std::string_view name) {
    return formatted("lync_publish {}", lync::quoted(name));
}

class Names {
public:
    Names(const Publication& publication, Registry& registry)
        : publication_(publication), registry_(registry) {
        for (const Farm& farm : publication.farms) {
            if (is_web_services(farm.role)) {
                internal_.emplace(farm.name, &farm);
            }
        }
    }

    void check() {
        for (const Farm& farm : publication_.farms) {
            claim_farm(farm);
        }
        check_simple_urls();
        for (const SimpleUrl& url : publication_.simple_urls) {
            claim(url.host, add_claim(formatted("simple_url {}", simple_url_kind_name(url.kind)),
                                      url.place, true));
        }
        claim_sip_domains();
    }

private:
    void claim_farm(const Farm& farm) {
        const bool web_services = is_web_services(farm.role);
        const Farm* first = web_services ? internal_.at(farm.name) : &farm;
        if (first != &farm) {
            throw mistake(farm.place, "{} is duplicate in {}, the first stands at {}",
                          quoted_title(farm), in_publication(publication_.name), at(first->place));
        }
        const Claim& mine =
            add_claim(web_services ? formatted("external_web_services of {}", quoted_title(farm))
                                   : quoted_title(farm),
                      farm.published_place, false);
        for (const std::string& name : farm.published) {
            claim(name, mine);
        }
    }

    /// One claim for a directive: there may be 20,000 names.
    void claim_sip_domains() {
        const auto& domains = publication_.sip_domains;
        const auto& places = publication_.sip_domain_places;
        if (domains.empty()) {
            return; // of an OCS product
        }

        registry_.names.reserve(registry_.names.size() + domains.size());
        for (std::size_t i = 0; i < places.size(); i++) {
            const std::size_t end = i + 1 < places.size() ? places[i + 1].first : domains.size();
            const Claim& mine = add_claim("lyncdiscover of a sip_domain", places[i].second, false);
            for (std::size_t domain = places[i].first; domain < end; domain++) {
                claim("lyncdiscover." + domains[domain], mine);
            }
        }
    }

    /// Sorted by path, with a slash at the end, a URL below another one follows it.
    void check_simple_urls() const {
        std::map<std::pair<std::string_view, std::string>, const SimpleUrl*> urls;
        for (const SimpleUrl& url : publication_.simple_urls) {
            const auto [first, is_new] =
                urls.try_emplace({url.host, to_ascii_lower(url.path) + "/"}, &url);
            if (!is_new) {
                throw mistake(url.place, "{} is duplicate in {}, the first stands at {}",
                              title(url), in_publication(publication_.name),
                              at(first->second->place));
            }
        }
        for (auto below = urls.begin(), above = below; below != urls.end(); above = below++) {
            if (above != below && above->first.first == below->first.first &&
                below->first.second.starts_with(above->first.second)) {
                const auto [first, second] = std::minmax(above->second, below->second);
                throw mistake(second->place,
                              "{} and {} at {} lie one below the other: no simple URL may be a "
                              "prefix of another",
                              title(*second), title(*first), at(first->place));
            }
        }
    }

    static std::string title(const SimpleUrl& url) {
        return formatted("simple URL {}",
                         lync::quoted(formatted("https://{}{}", url.host, url.path)));
    }

    const Claim& add_claim(std::string as, const Place& place, bool simple_url) {
        return registry_.claims.emplace_back(
            Claim{publication_.name, std::move(as), place, simple_url});
    }

    void claim(std::string host, const Claim& mine) {
        refuse_internal(host, mine);

        const auto [known, is_new] = registry_.names.try_emplace(std::move(host), &mine);
        if (is_new) {
            return;
        }
        const Claim& first = *known->second;
        if (first.publication != mine.publication) {
            throw mistake(mine.place, "{} is published twice: as {} of {} and as {} of {} at {}",
                          lync::quoted(known->first), mine.as, in_publication(mine.publication),
                          first.as, in_publication(first.publication), at(first.place));
        }
        if (!first.simple_url || !mine.simple_url) {
            throw mistake(mine.place, "{} is published twice in {}: as {} and as {} at {}",
                          lync::quoted(known->first), in_publication(mine.publication), mine.as,
                          first.as, at(first.place));
        }
    }

    /// Names that must never resolve to, or be answered by, a reverse proxy.
    void refuse_internal(const std::string& host, const Claim& mine) const {
        if (const auto own = internal_.find(host); own != internal_.end()) {
            throw mistake(mine.place,
                          "{} is published as {} but is the own name of {}: clients must be able "
                          "to tell the external name from the pool's own",
                          lync::quoted(host), mine.as, quoted_title(*own->second));
        }
        if (host.starts_with("lyncdiscoverinternal.")) {
            throw mistake(mine.place,
                          "{} is published as {}: clients ask for it first and take its answer for "
                          "the inside, it must not be reachable from outside",
                          lync::quoted(host), mine.as);
        }
    }

    const Publication& publication_;
    Registry& registry_;
    std::unordered_map<std::string_view, const Farm*> internal_; ///< pools and Directors, by FQDN
};

} // namespace

void check_names(const Publication& publication, Registry& registry) {
    Names(publication, registry).check();
}

} // namespace lync::config
