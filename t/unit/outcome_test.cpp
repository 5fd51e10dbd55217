// What follows from the end of a try: rows of facts and outcomes, and rules that hold for all of
// the 4,096 combinations.

#include "balance/outcome.h"
#include "catch.h"

#include <cstdint>
#include <string>
#include <string_view>

using namespace lync::balance;

namespace {

/// A letter for each fact, in the order of `Try`; what isn't named is false.
///     f failed  a answered  s sent  b body sent  v arrived  k kept  t timed out
///     o owned  c credential  g safe (GET)  w waits  l lost before
Try of(std::string_view facts, std::uint64_t elapsed = 0) {
    const auto has = [facts](char c) { return facts.find(c) != std::string_view::npos; };
    return {.failed = has('f'),
            .answered = has('a'),
            .sent = has('s'),
            .body_sent = has('b'),
            .arrived = has('v'),
            .kept = has('k'),
            .timed_out = has('t'),
            .owned = has('o'),
            .credential = has('c'),
            .safe = has('g'),
            .waits = has('w'),
            .lost_before = has('l'),
            .elapsed = elapsed};
}

struct Row {
    const char* what;
    const char* facts;
    std::uint64_t elapsed;
    const char* outcome; ///< s stale, a again, l lost
    Evidence evidence;
};

constexpr Row rows[] = {
    {"an answer", "asbvg", 5, "a", Evidence::answer},
    {"the client has gone before one", "sbvg", 5, "a", Evidence::none},

    {"connection refused", "fg", 0, "a", Evidence::failure},
    {"connection refused, a POST", "f", 0, "a", Evidence::failure},
    {"connecting takes too long", "ftg", 5000, "a", Evidence::failure},
    {"connection refused after the client's own was lost", "fgl", 0, "", Evidence::failure},

    {"closed in place of an answer", "fsbvg", 5, "", Evidence::broke_off},
    {"closed in the middle of an answer", "fasbvg", 5, "", Evidence::broke_off},
    {"closed during an upload", "fsv", 5, "", Evidence::none},
    {"no answer in time", "fsbvtg", 60000, "", Evidence::broke_off},
    {"a pending GET that nothing ends", "fsbvtgw", 960000, "", Evidence::none},
    {"a pending GET that breaks off", "fsbvgw", 5000, "", Evidence::broke_off},

    {"kept, closed before the GET came", "fsbkg", 0, "sa", Evidence::none},
    {"kept, closed before the POST came", "fsbk", 0, "s", Evidence::none},
    {"kept, closed as the GET came", "fsbvkg", 5, "sa", Evidence::none},
    {"kept, closed as the POST came", "fsbvk", 5, "s", Evidence::broke_off},
    {"kept, closed after a while", "fsbvkg", 1000, "s", Evidence::broke_off},
    {"kept, closed as a pending GET came", "fsbvkgw", 5, "s", Evidence::broke_off},
    {"kept, closed before a pending GET came", "fsbkgw", 5, "sa", Evidence::none},
    {"kept, no answer in time", "fsbvktg", 60000, "", Evidence::broke_off},
    {"kept, closed in the middle of an answer", "fasbvkg", 5, "", Evidence::broke_off},

    {"owned, closed before the GET came", "fsbkog", 0, "sa", Evidence::none},
    {"owned, closed as the GET came", "fsbvkog", 5, "sal", Evidence::none},
    {"owned, closed as a message of a handshake came", "fsbvkocg", 5, "sl", Evidence::broke_off},
    {"owned, closed before a message of a handshake came", "fsbkocg", 5, "s", Evidence::none},
    {"fresh, closed after a credential", "fsbvocg", 5, "l", Evidence::broke_off},
    {"a credential, connection refused", "focg", 0, "a", Evidence::failure},
    {"stale once more after the client's own was lost", "fsbkgl", 0, "s", Evidence::none},
};

} // namespace

TEST_CASE("outcome: a row for each end") {
    for (const Row& row : rows) {
        INFO(row.what);
        const Outcome result = outcome(of(row.facts, row.elapsed));
        const std::string_view wanted = row.outcome;
        CHECK(result.stale == (wanted.find('s') != std::string_view::npos));
        CHECK(result.again == (wanted.find('a') != std::string_view::npos));
        CHECK(result.lost == (wanted.find('l') != std::string_view::npos));
        CHECK(result.evidence == row.evidence);
    }
}

TEST_CASE("outcome: what is never done") {
    constexpr std::string_view letters = "fasbvktocgwl";
    for (unsigned bits = 0; bits < 1U << letters.size(); bits++) {
        std::string facts;
        for (std::size_t i = 0; i < letters.size(); i++) {
            if ((bits >> i & 1U) != 0) {
                facts += letters[i];
            }
        }
        const Try t = of(facts);
        if (!t.failed || (!t.sent && t.arrived)) {
            continue;
        }
        INFO(facts);
        const Outcome result = outcome(t);
        // Nothing that a server may have acted on is asked twice.
        CHECK_FALSE((result.again && t.arrived && !t.safe));
        CHECK_FALSE((result.again && t.arrived && t.answered));
        // A credential that has been sent is for this connection alone.
        CHECK_FALSE((result.again && t.sent && t.owned && t.credential));
        // A client's own connection that was lost is followed by no try but the one it allows.
        CHECK_FALSE((result.again && t.lost_before));
        CHECK(result.evidence != Evidence::answer);
    }
}
