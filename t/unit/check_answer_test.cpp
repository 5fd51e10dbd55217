// Answers to health checks: what the products send passes, however it is cut into pieces; whatever
// else comes gets the reason that an administrator can act upon.

#include "balance/check_answer.h"
#include "catch.h"
#include "table.h"

#include <string>
#include <string_view>
#include <vector>

using namespace lync::balance;
using lync::testing::replaced;

namespace {

// As Lync Server 2013 answers without Accept ["Verify access through your reverse proxy"].
const std::string classic =
    R"({"AccessLocation":"External","Root":{"Links":[)"
    R"({"href":"https:\/\/lyncwebext.contoso.com\/Autodiscover\/AutodiscoverService.svc\/root\/domain","token":"Domain"},)"
    R"({"href":"https:\/\/lyncwebext.contoso.com\/Autodiscover\/AutodiscoverService.svc\/root\/user","token":"User"}]}})";

// UCWA's dialect ["Create an application"].
const std::string ucwa =
    R"({"_links":{"self":{"href":"https://lyncwebext.contoso.com/Autodiscover/AutodiscoverService.svc/root?originalDomain=contoso.com"},)"
    R"("user":{"href":"https://lyncwebext.contoso.com/Autodiscover/AutodiscoverService.svc/root/oauth/user?originalDomain=contoso.com"}}})";

const std::string xml =
    R"(<?xml version="1.0" encoding="utf-8"?><AutodiscoverResponse xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" AccessLocation="External">)"
    R"(<Root><Link token="Domain" href="https://lyncwebext.contoso.com/a?b=1&amp;c=2"/><Link token='User' href='x' /></Root></AutodiscoverResponse>)";

const std::string discovery =
    "\xef\xbb\xbf<?xml version=\"1.0\" encoding=\"utf-8\"?>\r\n<wopi-discovery>\r\n"
    "  <net-zone name=\"internal-https\">\r\n    <app name=\"Excel\"><action name=\"view\" "
    "ext=\"ods\" urlsrc=\"https://wac/x/_layouts/xlviewerinternal.aspx?&lt;ui=UI_LLCC&amp;&gt;\"/>"
    "</app>\r\n  </net-zone>\r\n  <proof-key oldvalue=\"BgI==\" value=\"BgI==\"/>\r\n"
    "</wopi-discovery>";

std::string with_length(std::string_view body, std::string_view more = {}) {
    return "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n" + std::string(more) +
           "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

std::string chunked(std::string_view body, std::size_t size) {
    std::string text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    while (!body.empty()) {
        const std::string_view piece = body.substr(0, size);
        char head[32];
        std::snprintf(head, sizeof(head), "%zX;ext=1\r\n", piece.size());
        text.append(head).append(piece).append("\r\n");
        body.remove_prefix(piece.size());
    }
    return text + "0\r\nX-Trailer: 1\r\n\r\n";
}

struct Outcome {
    Finding finding;
    bool settled = false;
    bool keeps = false;
};

/// The answer in pieces of so many bytes; then the connection ends if `ends` says so.
Outcome judge(Document document, std::string_view answer, std::size_t piece = 1, int ends = 1,
              std::string_view internal = "fepool.contoso.local") {
    CheckAnswer check;
    check.begin(document, internal);
    while (!answer.empty() && !check.take(answer.substr(0, piece))) {
        answer.remove_prefix(std::min(piece, answer.size()));
    }
    if (!check.settled() && ends != 0) {
        check.end(ends == 2);
    }
    return {check.finding(), check.settled(), check.keeps_connection()};
}

/// The same finding for the whole and for every size of pieces.
Outcome judge_all(Document document, const std::string& answer) {
    const Outcome whole = judge(document, answer, answer.size());
    for (const std::size_t piece : {1, 2, 3, 7, 64, 4096}) {
        const Outcome cut = judge(document, answer, piece);
        CAPTURE(answer, piece);
        CHECK(cut.finding == whole.finding);
        CHECK(cut.settled == whole.settled);
    }
    return whole;
}

Reason autodiscover(const std::string& body) {
    const Reason reason = judge_all(Document::autodiscover, with_length(body)).finding.reason;
    CHECK(judge_all(Document::autodiscover, chunked(body, 5)).finding.reason == reason);
    CHECK(judge_all(Document::autodiscover, "HTTP/1.0 200 OK\r\n\r\n" + body).finding.reason ==
          reason);
    return reason;
}

} // namespace

TEST_CASE("check answer: what the products send passes", "[check_answer]") {
    CHECK(autodiscover(classic) == Reason::none);
    CHECK(autodiscover(xml) == Reason::none);
    CHECK(autodiscover(ucwa) == Reason::none);
    CHECK(autodiscover(replaced(ucwa, "originalDomain", "original\\u0044omain")) == Reason::none);
    CHECK(autodiscover(replaced(ucwa, "https://lyncwebext.contoso.com", "")) == Reason::none);
    CHECK(autodiscover(" \r\n" + classic + "\r\n") == Reason::none);
    CHECK(autodiscover("\xef\xbb\xbf" + classic) == Reason::none);
    CHECK(judge_all(Document::discovery, with_length(discovery)).finding.passed());
    CHECK(judge_all(Document::discovery, chunked(discovery, 100)).finding.passed());
    CHECK(judge_all(Document::healthcheck, with_length("200 OK<br/>EX01.CONTOSO.LOCAL"))
              .finding.passed());
    CHECK(judge_all(Document::healthcheck, with_length("200 OK")).finding.passed());
}

TEST_CASE("check answer: the INTERNAL web site is unmasked", "[check_answer]") {
    CHECK(autodiscover(replaced(classic, "External", "Internal")) == Reason::internal);
    CHECK(autodiscover(replaced(xml, "External", "Internal")) == Reason::internal);
    // UCWA's dialect has no AccessLocation; the site calls itself by the pool's own name.
    CHECK(autodiscover(replaced(ucwa, "lyncwebext.contoso.com", "fepool.contoso.local")) ==
          Reason::internal);
    CHECK(autodiscover(replaced(ucwa, "lyncwebext.contoso.com", "FEPOOL.contoso.local:443")) ==
          Reason::internal);
    CHECK(autodiscover(replaced(ucwa, "lyncwebext.contoso.com", "fepool.contoso.local.x")) ==
          Reason::none);
    // Where the word stands matters: only the document's own one counts.
    CHECK(autodiscover(R"({"Root":{"AccessLocation":"External"}})") == Reason::no_answer);
    CHECK(autodiscover(R"({"x":"AccessLocation","AccessLocation":"External"})") == Reason::none);
    CHECK(autodiscover(R"({"Root":{"AccessLocation":"Internal"},"AccessLocation":"External"})") ==
          Reason::none);
    CHECK(autodiscover(R"({"AccessLocation":"External","AccessLocation":"Internal"})") ==
          Reason::internal);
    CHECK(autodiscover("<AutodiscoverResponse><Root AccessLocation=\"External\"/>"
                       "</AutodiscoverResponse>") == Reason::no_answer);
}

TEST_CASE("check answer: what isn't the document", "[check_answer]") {
    for (const std::string& body : std::vector<std::string>{
             "", " ", "{}", "[]", "External", "null", "\"External\"", "{\"AccessLocation\":1}",
             "{\"AccessLocation\":\"Elsewhere\"}",
             "{\"AccessLocation\":\"ExternalExternalExternal\"}", "{\"AccessLocation\":{}}",
             "{\"_links\":1}", "{\"_links\":\"x\"}", "<html><body>IIS</body></html>",
             "<AutodiscoverResponse/>", "<!DOCTYPE html><html></html>",
             "<AutodiscoverResponse AccessLocation=\"\"/>", "It works!",
             "<AutodiscoverResponse AccessLocation=External/>"}) {
        CAPTURE(body);
        CHECK(autodiscover(body) == Reason::no_answer);
    }
    CHECK(judge_all(Document::discovery, with_length("<wopi/>")).finding.reason ==
          Reason::no_answer);
    CHECK(judge_all(Document::discovery, with_length(classic)).finding.reason == Reason::no_answer);
    CHECK(judge_all(Document::discovery, with_length("<wopi-discovery>")).finding.reason ==
          Reason::no_answer);
    for (const std::string body : {"", "200", "404 Not Found", "<html>200 OK</html>", "200 ok"}) {
        CHECK(judge_all(Document::healthcheck, with_length(body)).finding.reason ==
              Reason::no_answer);
    }
}

TEST_CASE("check answer: a document that isn't complete", "[check_answer]") {
    for (const std::string& body : {classic, ucwa, xml}) {
        for (std::size_t size = 0; size < body.size(); size++) {
            CAPTURE(size);
            CHECK(judge(Document::autodiscover, with_length(body.substr(0, size))).finding.reason ==
                  Reason::no_answer);
        }
    }
}

TEST_CASE("check answer: words that look like tokens", "[check_answer]") {
    for (const std::string& body : std::vector<std::string>{
             R"({"x":"}{\"\\","y":[{"AccessLocation":"Internal"},["AccessLocation"]],)"
             R"( "AccessLocation" : "External" , "n":-1.5e3,"t":true,"z":null})",
             R"({"_links":{"other":{"href":"https://fepool.contoso.local/"}},"self":{"href":"x"}})",
             "<!-- it's <AutodiscoverResponse --><AutodiscoverResponse\r\n x='a>b' "
             "y=\"AccessLocation='Internal'\" AccessLocation = 'External' >"
             "<a AccessLocation='Internal'/><![CDATA[</x>]]></AutodiscoverResponse >\r\n",
             "<a:AutodiscoverResponse xmlns:a='b' AccessLocation='External'/>"}) {
        CAPTURE(body);
        CHECK(autodiscover(body) == Reason::none);
    }
    CHECK(autodiscover("<x:y AccessLocation='External'/>") == Reason::no_answer);
    CHECK(autodiscover(R"({"_links":[{"self":{"href":"https://fepool.contoso.local/"}}]})") ==
          Reason::none);
    // Texts and depths that no server sends.
    CHECK(autodiscover("{\"" + std::string(2000, 'x') + "\":" + std::string(2000, '[') +
                       std::string(2000, ']') + ",\"AccessLocation\":\"External\"}") ==
          Reason::none);
    CHECK(autodiscover("<" + std::string(2000, 'x') + "/>") == Reason::no_answer);
}

TEST_CASE("check answer: the status", "[check_answer]") {
    for (const std::uint32_t status : {101U, 204U, 302U, 401U, 403U, 404U, 500U, 503U, 999U}) {
        const Outcome outcome =
            judge_all(Document::autodiscover,
                      "HTTP/1.1 " + std::to_string(status) + " Whatever\r\nLocation: x\r\n\r\n");
        CHECK(outcome.settled);
        CHECK(outcome.finding == Finding{Reason::status, status});
    }
    // Settled by the head: nobody waits for a body that may never come.
    CHECK(
        judge(Document::autodiscover, "HTTP/1.1 503 x\r\nContent-Length: 5\r\n\r\n", 9, 0).settled);
    CHECK(judge_all(Document::autodiscover, "HTTP/1.1 500\r\n\r\n").finding ==
          Finding{Reason::status, 500});
    // An interim answer isn't the answer.
    CHECK(judge_all(Document::autodiscover, "HTTP/1.1 100 Continue\r\n\r\n" + with_length(classic))
              .finding.passed());
}

TEST_CASE("check answer: what is no HTTP", "[check_answer]") {
    for (const std::string& answer : std::vector<std::string>{
             "SSH-2.0-OpenSSH_9.2\r\n",
             "\x15\x03\x01\x00\x02\x02\x46",
             "HTTP/2 200\r\n\r\n",
             "HTTP/1.1 20 OK\r\n\r\n",
             "HTTP/1.1 2000 OK\r\n\r\n",
             "HTTP/1.1 abc\r\n\r\n",
             "HTTP/1.2 200 OK\r\n\r\n",
             "HTTP/1.1\r\n\r\n",
             "{\"AccessLocation\":\"External\"}",
             "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
             "HTTP/1.1 099 x\r\n\r\n",
             "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
             "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
             "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
             "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
             "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
             "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
             "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n",
             "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{x\r\n",
             "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n11111111111111111\r\n"}) {
        CAPTURE(answer);
        CHECK(judge_all(Document::autodiscover, answer).finding.reason == Reason::no_answer);
    }
}

TEST_CASE("check answer: a connection that ends too early", "[check_answer]") {
    const std::string answer = with_length(classic);
    for (std::size_t size = 0; size < answer.size(); size++) {
        CHECK(judge(Document::autodiscover, answer.substr(0, size)).finding.reason ==
              Reason::broken_off);
    }
    const std::string pieces = chunked(classic, 20);
    for (std::size_t size = 0; size < pieces.size(); size++) {
        CHECK(judge(Document::autodiscover, pieces.substr(0, size)).finding.reason ==
              Reason::broken_off);
    }
    // Without a length the end is the end, unless the connection was reset.
    const std::string endless = "HTTP/1.1 200 OK\r\n\r\n" + classic;
    CHECK(judge(Document::autodiscover, endless, 10, 1).finding.passed());
    CHECK(judge(Document::autodiscover, endless, 10, 2).finding.reason == Reason::broken_off);
    CHECK_FALSE(judge(Document::autodiscover, endless, 10, 0).settled);
}

TEST_CASE("check answer: nothing is endless", "[check_answer]") {
    CheckAnswer head;
    head.begin(Document::autodiscover);
    head.take("HTTP/1.1 200 OK\r\n");
    const std::string header = "X-Filler: " + std::string(1000, 'a') + "\r\n";
    std::size_t sent = 0;
    while (!head.take(header)) {
        sent += header.size();
        REQUIRE(sent <= CheckAnswer::longest_head);
    }
    CHECK(head.finding().reason == Reason::no_answer);

    CheckAnswer body;
    body.begin(Document::autodiscover);
    body.take("HTTP/1.1 200 OK\r\n\r\n");
    const std::string spaces(65536, ' ');
    sent = 0;
    while (!body.take(spaces)) {
        sent += spaces.size();
        REQUIRE(sent <= CheckAnswer::longest_body);
    }
    CHECK(body.finding().reason == Reason::no_answer);

    // Chunks and what stands beside them are bounded together, or an answer had no end.
    CHECK(judge(Document::autodiscover, chunked(std::string(100000, ' ') + classic, 100), 4096)
              .finding.passed());
    CHECK(judge(Document::autodiscover, chunked(std::string(100000, ' ') + classic, 1), 4096)
              .finding.reason == Reason::no_answer);
    // A long header is none of those that matter.
    CHECK(judge_all(Document::autodiscover,
                    with_length(classic, "Set-Cookie: " + std::string(4000, 'x') + "\r\n"))
              .finding.passed());
}

TEST_CASE("check answer: whether the connection may be used again", "[check_answer]") {
    const auto keeps = [](const std::string& answer) {
        return judge(Document::healthcheck, answer, answer.size()).keeps;
    };
    CHECK(keeps(with_length("200 OK")));
    CHECK(keeps(chunked("200 OK", 3)));
    CHECK_FALSE(keeps(with_length("200 OK", "Connection: close\r\n")));
    CHECK_FALSE(keeps(with_length("200 OK", "connection: Upgrade, CLOSE\r\n")));
    CHECK_FALSE(keeps("HTTP/1.1 200 OK\r\n\r\n200 OK"));
    CHECK_FALSE(keeps("HTTP/1.0 200 OK\r\nContent-Length: 6\r\n\r\n200 OK"));
    CHECK(keeps("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 6\r\n\r\n200 OK"));
    // Bytes beyond the answer.
    CHECK_FALSE(keeps(with_length("200 OK") + "HTTP/1.1 200 OK\r\n"));
}
