// Judges any request line on every kind of site. What passes is, to no combination of a server's
// lenient habits, a path that is never published; strict never passes what vendor refuses.
//
// The input: two bytes that choose the habits, a line "METHOD TARGET".

#include "../unit/policy_iis.h"
#include "../unit/policy_sites.h"
#include "frame.h"

using namespace policy_sites;
using fuzz::require;
using policy::Action;

FUZZ(line) {
    const std::uint32_t first = fuzz::choice(line);
    const std::uint32_t habits = first << 8 | fuzz::choice(line);
    std::string_view target = line;
    const std::string_view method = fuzz::take_until(target, ' ');

    struct Pair {
        Site strict;
        Site vendor;
    };
    static const Pair pairs[] = {
        {Site(pool()), Site(pool(false))},
        {Site(discovery()), Site(discovery(false))},
        {Site(meet_host()), Site(meet_host(false))},
        {Site(shared_host()), Site(shared_host(false))},
        {Site(ocs()), Site([] {
             SiteSpec spec = ocs();
             spec.strict = false;
             return spec;
         }())},
    };
    static const Site others[] = {
        Site(exchange()),
        Site(exchange({Service::ews, Service::owa, Service::activesync, Service::mapi, Service::oab,
                       Service::exchange_autodiscover})),
        Site(plain_http(policy::PlainAutodiscover::always)),
    };
    static const Site office_web_apps(spec_of(SiteKind::office_web_apps));

    const std::string path(target.substr(0, target.find('?')));
    bool passed = false;
    for (const Pair& pair : pairs) {
        const policy::Verdict strict = judge(pair.strict, method, target);
        const policy::Verdict vendor = judge(pair.vendor, method, target);
        require(strict.action != Action::redirect && vendor.action != Action::redirect,
                "https is never redirected", line);
        require(strict.action != Action::pass || vendor.action == Action::pass,
                "strict passes no more than vendor", line);
        passed = passed || vendor.action == Action::pass;
    }
    for (const Site& site : others) {
        passed = judge(site, method, target, "lyncdiscover.contoso.com").action == Action::pass ||
                 passed;
    }
    if (passed && path.size() < 512) {
        for (const std::uint32_t bits : {habits, ~0U, 0U}) {
            require(
                !iis::is_never(iis::segments_of(path.empty() ? "/" : path, iis::habits_from(bits))),
                "nothing that is never published passes", line);
        }
    }
    const policy::Verdict verdict = judge(office_web_apps, method, target);
    require(verdict.service == Service::office_web_apps, "Office Web Apps", line);
}
