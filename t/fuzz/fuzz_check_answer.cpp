// Reads any answer to a health check. However it is cut into pieces, the finding is the same; it
// always comes to one; and what passes says what a product says when it is well.

#include "balance/check_answer.h"
#include "frame.h"

#include <algorithm>
#include <string>

using namespace lync::balance;
using fuzz::require;

namespace {

constexpr std::string_view internal = "fepool.contoso.local";

struct Outcome {
    Finding finding;
    bool keeps;
};

/// The first byte of the input says how the connection ends, each further piece is `piece` bytes.
Outcome judge(Document document, std::string_view answer, std::size_t piece, bool broken) {
    CheckAnswer check;
    check.begin(document, internal);
    while (!answer.empty() && !check.take(answer.substr(0, piece))) {
        answer.remove_prefix(std::min(piece, answer.size()));
    }
    if (!check.settled()) {
        check.end(broken);
    }
    require(check.settled(), "every answer comes to an end", answer);
    return {check.finding(), check.keeps_connection()};
}

} // namespace

FUZZ(answer) {
    const unsigned how = fuzz::choice(answer);
    const auto document = static_cast<Document>(how % 3);
    const bool broken = (how & 4) != 0;
    const std::size_t piece = fuzz::choice(answer) % 64 + 1;

    const Outcome whole = judge(document, answer, std::max<std::size_t>(answer.size(), 1), broken);
    const Outcome cut = judge(document, answer, piece, broken);
    const Outcome bytes = judge(document, answer, 1, broken);
    require(cut.finding == whole.finding && bytes.finding == whole.finding, "pieces change nothing",
            answer);

    const auto has = [answer](std::string_view text) {
        return answer.find(text) != std::string_view::npos;
    };
    switch (whole.finding.reason) {
    case Reason::none:
        require(answer.starts_with("HTTP/1.") && has(" 200"), "what passes is a 200", answer);
        // A document cut into chunks needn't have its words in one piece.
        if (!has("hunked") && !has("HUNKED") && document == Document::autodiscover && !has("\\") &&
            !has("&")) {
            require(has("External") || has("_links"), "what passes says where it is", answer);
        }
        break;
    case Reason::status:
        require(whole.finding.detail >= 101 && whole.finding.detail <= 999 &&
                    whole.finding.detail != 200,
                "a status is one", answer);
        break;
    case Reason::internal:
        require(document == Document::autodiscover, "only autodiscover tells the site", answer);
        break;
    case Reason::no_answer:
    case Reason::broken_off:
        break;
    default:
        require(false, "no other finding comes of an answer", answer);
    }
    require(!whole.keeps || whole.finding.reason != Reason::status, "who says no isn't asked on",
            answer);
}
