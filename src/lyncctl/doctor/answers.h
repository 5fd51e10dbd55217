#pragma once

// Judging what services answer: the same for a client outside and for the proxy that asks a server.

#include "lyncctl/doctor/documents.h"
#include "lyncctl/doctor/examiner.h"
#include "lyncctl/doctor/questions.h"

#include <initializer_list>

namespace lync::lyncctl::doctor {

inline constexpr std::string_view autodiscover_type =
    "application/vnd.microsoft.rtc.autodiscover+xml";

/// "401 Unauthorized" as a person reads it: the code and what it is called.
std::string status_text(int status);

/// The finding for an answer that isn't one of `expected`; nothing if it is.
struct Objection {
    Id id;
    std::string what;
};
std::optional<Objection> objection_to(const HttpAnswer& answer,
                                      std::initializer_list<int> expected);

/// Who answered, for whom.
struct Asked {
    Examiner& examiner;
    const PublishedNames& published;
    std::string host; ///< the published name that was asked
    /// Keeps findings of servers that stand for each other together: the farm's name.
    std::string key;
    bool is_server;       ///< a server itself was asked, not the publication
    bool refused = false; ///< 403 is no service's answer but that of something in front of all
};

/// Judges one answer, and reports what is wrong with it.
class Judge {
public:
    Judge(const Asked& asked, const HttpAnswer& answer, Report report)
        : asked_(asked), answer_(answer), report_(std::move(report)) {}

    /// Nothing more needs to be asked there: the service can't be at the other end.
    bool hopeless() const noexcept { return hopeless_; }

    /// Anything but autodiscover, which has more to say.
    void question(Expect expect);

    /// A document with External in it whose links were looked at, or nothing and a finding.
    std::optional<AutodiscoverDocument> autodiscover();

    void user_challenge();
    void oauth_challenge();

private:
    bool objects(std::initializer_list<int> expected);
    void foreign(std::string_view expected, const std::string& why);
    void link(const std::string& href, const std::string& token);
    bool links(const std::vector<Link>& links);
    void document(AddressList list, std::string_view expected);
    void windows_challenge();
    void page();

    const Asked& asked_;
    const HttpAnswer& answer_;
    Report report_;
    bool hopeless_ = false;
};

/// The token names something for clients inside: its address isn't meant for anybody else.
bool is_for_inside(std::string_view token) noexcept;

} // namespace lync::lyncctl::doctor
