#pragma once

// The sites of a publication as the plan would compile them, for the tests of the policy room.

#include "policy/site.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace policy_sites {

using namespace lync;
using policy::Service;
using policy::Site;
using policy::SiteKind;

/// A host with rules of its own, for a test to change one of them.
struct SiteSpec : policy::RuleSpec {
    policy::SiteSpec host;

    operator policy::SiteSpec() const {
        policy::SiteSpec site = host;
        site.rules = std::make_shared<const policy::Rules>(*this);
        return site;
    }
};

inline SiteSpec spec_of(SiteKind kind, bool strict = true) {
    SiteSpec spec;
    spec.host.kind = kind;
    spec.strict = strict;
    spec.host.target = 1;
    spec.admin_paths = {"/Admin", "/contososipdomain/Admin"};
    spec.meet_urls = {{"meet.contoso.com", ""}, {"lync.contoso.com", "/Meet"}};
    return spec;
}

inline SiteSpec pool(bool strict = true) {
    return spec_of(SiteKind::web_services, strict);
}
inline SiteSpec discovery(bool strict = true) {
    return spec_of(SiteKind::autodiscover, strict);
}

/// https://meet.contoso.com
inline SiteSpec meet_host(bool strict = true) {
    SiteSpec spec = spec_of(SiteKind::simple_urls, strict);
    spec.host.simple_urls = {{"", Service::meet, 2}};
    return spec;
}

/// https://lync.contoso.com/Meet, /Dialin, /fabrikam/Meet
inline SiteSpec shared_host(bool strict = true) {
    SiteSpec spec = spec_of(SiteKind::simple_urls, strict);
    spec.host.simple_urls = {{"/Meet", Service::meet, 2},
                             {"/fabrikam/Meet", Service::meet, 3},
                             {"/Dialin", Service::dialin, 4}};
    return spec;
}

inline SiteSpec exchange(std::vector<Service> services = {Service::ews,
                                                          Service::exchange_autodiscover}) {
    SiteSpec spec = spec_of(SiteKind::exchange);
    spec.host.exchange_services = std::move(services);
    return spec;
}

inline SiteSpec plain_http(policy::PlainAutodiscover autodiscover) {
    SiteSpec spec = spec_of(SiteKind::plain_http);
    spec.host.plain_autodiscover = autodiscover;
    return spec;
}

inline SiteSpec ocs(lync::Product product = lync::Product::ocs_2007_r2) {
    SiteSpec spec = pool();
    spec.product = product;
    return spec;
}

/// With every row that is built in.
inline SiteSpec shielded(SiteSpec spec) {
    for (const policy::ShieldRow& row : policy::shield_rows()) {
        spec.shields.push_back(policy::make_shield(row));
    }
    return spec;
}

inline policy::Verdict judge(const Site& site, std::string_view method, std::string_view target,
                             std::string_view host = "lyncwebext.contoso.com") {
    return site.judge({method, policy::split_target(target), host});
}

/// "pass:ucwa", "redirect", "refuse:path"
inline std::string judged(const policy::Verdict& verdict) {
    switch (verdict.action) {
    case policy::Action::pass:
        return "pass:" + std::string(policy::service_name(verdict.service));
    case policy::Action::redirect:
        return "redirect";
    case policy::Action::refuse:
        break;
    }
    return "refuse:" + std::string(policy::reason_name(verdict.reason));
}

inline std::string judged(const Site& site, std::string_view method, std::string_view target,
                          std::string_view host = "lyncwebext.contoso.com") {
    return judged(judge(site, method, target, host));
}

} // namespace policy_sites
