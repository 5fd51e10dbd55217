#pragma once

// Judging what services answer: the same for a client outside and for the proxy that asks a server.

#include "lyncctl/doctor/documents.h"
#include "lyncctl/doctor/examiner.h"
#include "lyncctl/doctor/questions.h"

#include <initializer_list>

namespace lync::lyncctl::doctor {

/// Accept for an Autodiscover document in XML.
inline constexpr std::string_view accept_autodiscover =
    "application/vnd.microsoft.rtc.autodiscover+xml;v=1";

/// What answered, and for which name.
struct Asked {
    const std::vector<std::string>& published;
    std::string host; ///< the published name that was asked
    std::string farm; ///< findings of servers that stand for each other belong together
};

class Judge {
public:
    Judge(const Asked& asked, const HttpAnswer& answer, Report report)
        : asked_(asked), answer_(answer), report_(std::move(report)) {}

    const HttpAnswer& answer() const noexcept { return answer_; }

    /// Nothing more needs to be asked there: the service can't be at the other end.
    bool hopeless() const noexcept { return hopeless_; }

    /// Anything but autodiscover, which has more to say.
    void question(Expect expect);

    /// A document with External in it whose links were looked at, or nothing and a finding.
    std::optional<Document> autodiscover();

    void user_challenge();
    void oauth_challenge();

    /// Reports an answer that isn't one of these, and whether it did.
    bool objects(std::initializer_list<int> expected);

private:
    void foreign(const std::string& expected, const std::string& why);
    void link(const std::string& href, const std::string& token);
    void links(const std::vector<Link>& links);
    void document(const Document& document, const std::string& expected);
    void windows_challenge();
    void page();

    const Asked& asked_;
    const HttpAnswer& answer_;
    Report report_;
    bool hopeless_ = false;
};

} // namespace lync::lyncctl::doctor
