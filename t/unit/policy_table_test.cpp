// The table of paths: that it is whole, that docs/paths.md is derived from it, and the checks of
// allow_path and deny_path. To write the document anew after a change of the table:
//
//     lync_unit "policy: write docs/paths.md"

#include "base/ascii.h"
#include "catch.h"
#include "policy_sites.h"
#include "table.h"

#include <fstream>
#include <set>
#include <sstream>

using namespace policy_sites;
using policy::Exposure;
using policy::PathRow;

#ifndef LYNC_SOURCE_DIR
#define LYNC_SOURCE_DIR "."
#endif

namespace {

const std::string document_path = LYNC_SOURCE_DIR "/docs/paths.md";

std::string products_of(const PathRow& row) {
    if (row.first == lync::Product::ocs_2007 && row.last == lync::Product::sfb_se) {
        return "all";
    }
    const std::string first(lync::product_name(row.first));
    return row.first == row.last ? first
                                 : first + " – " + std::string(lync::product_name(row.last));
}

std::string methods_of(const PathRow& row) {
    static constexpr std::pair<policy::Methods, const char*> names[] = {
        {policy::method_get, "GET"},       {policy::method_head, "HEAD"},
        {policy::method_post, "POST"},     {policy::method_put, "PUT"},
        {policy::method_delete, "DELETE"}, {policy::method_options, "OPTIONS"},
        {policy::method_patch, "PATCH"},
        {policy::method_rpc, "RPC_IN_DATA RPC_OUT_DATA"},
    };
    std::string text;
    for (const auto& [bit, name] : names) {
        if ((row.methods & bit) != 0) {
            text += (text.empty() ? "" : " ") + std::string(name);
        }
    }
    return text;
}

std::string hosts_of(const PathRow& row) {
    std::string text;
    const auto add = [&](policy::Hosts bit, const char* name) {
        if ((row.hosts & bit) != 0) {
            text += (text.empty() ? "" : ", ") + std::string(name);
        }
    };
    add(policy::on_pool, "pools");
    add(policy::on_discovery, "lyncdiscover");
    add(policy::on_pages, "simple URLs");
    add(policy::on_own_pages, "simple URLs of its kind");
    add(policy::on_exchange, "Exchange");
    return text;
}

const char* body_of(const PathRow& row) {
    switch (row.body) {
    case policy::BodyLimit::none:
        return "none";
    case policy::BodyLimit::message:
        return "message";
    case policy::BodyLimit::content:
        return "content";
    }
    return "";
}

void write_rows(std::ostream& out, Exposure exposure) {
    out << "| path | `$lync_service` | products | hosts | methods | body | who needs it |\n"
           "|---|---|---|---|---|---|---|\n";
    for (const PathRow& row : policy::path_rows()) {
        if (row.exposure == exposure) {
            out << "| `" << row.prefix << "` | " << policy::service_name(row.service) << " | "
                << products_of(row) << " | " << hosts_of(row) << " | " << methods_of(row) << " | "
                << body_of(row) << " | " << row.needed_by << " |\n";
        }
    }
}

std::string document() {
    std::ostringstream out;
    out << R"(# Paths

<!-- Derived from the table in src/policy/services.cpp; t/unit/policy_table_test.cpp holds this
     file against it and writes it anew. -->

What each path is, and who may reach it. A path is compared by whole segments and without regard
to letter case, after decoding; it is forwarded as it came. `/abs` covers `/ABS/handler`, not
`/absent`.

- `path_policy strict` publishes the rows of the first table, each on the kinds of hosts named,
  with the methods named. What `allow_path` names is published on every Lync host as well, with the
  methods of its row, or any ordinary method if it has none.
- `path_policy vendor` publishes everything but the last two tables, with GET, HEAD, POST, PUT,
  DELETE, OPTIONS and PATCH.
- `deny_path` wins over both. What is never published can't be allowed.
- A host that is a simple URL without a path (`https://meet.contoso.com`) is published whole, but
  for what is on demand or never published. A host whose simple URLs have paths serves those, the
  virtual directories that their pages fetch scripts and pictures from (`/meet` where a meet URL is
  declared, and so on) and the rows marked "simple URLs".
- Names of Office Web Apps are passed through byte for byte; only administrative paths are refused
  there. Exchange names serve the rows marked "Exchange" that `services` names.

The body that a service takes: "none" is up to 64 KB, "message" up to 4 MB (a UCWA batch, a SOAP
envelope with its tokens), "content"
what `max_upload` says.

## Published

)";
    write_rows(out, Exposure::published);
    out << "\nOn lyncdiscover names `/` is autodiscover's root.\n"
           "\n## On demand\n\nClosed under `strict`; one `allow_path` opens them.\n\n";
    write_rows(out, Exposure::on_demand);
    out << R"(
Documents contradict each other about some of these:

- `/locationinformation`: Lync Server 2010's "Setting up reverse proxy servers" and Lync Server 2013's
  "Certificate requirements for external user access" have the reverse proxy pass it on, as do
  walk-throughs for IIS ARR. Lync Server 2013's "Setting up reverse proxy servers" no longer names it,
  Get-CsService shows no external URL for it, and Test-CsLisConfiguration says "External: not supported".
  `path_policy vendor` opens it, as the guides' `/*` does.
- `/mcx`: Skype for Business Server 2015's guide still tests it for Lync 2010's mobile clients; 2019's
  list of what was removed has it, and Persistent Chat.
- Device updates of Office Communications Server 2007 R2: `/requesthandlerext` in one document,
  `/requesthandler/ucdevice.upx`, which is 2007's, in another. Both are published.
- OPTIONS: `Set-CsWebServiceConfiguration -EnableCORS` makes it necessary; on which paths isn't
  documented.
)";
    out << "\n## Never published\n\nClosed on every host, also on plain HTTP before anything is "
           "redirected.\n`$lync_verdict` is `refuse:admin` or `refuse:internal`. So are the paths "
           "of the admin simple URLs.\n\n"
           "| path | `$lync_service` | products | reason | why |\n|---|---|---|---|---|\n";
    for (const PathRow& row : policy::path_rows()) {
        if (policy::is_never(row.exposure)) {
            out << "| `" << row.prefix << "` | " << policy::service_name(row.service) << " | "
                << products_of(row) << " | "
                << (row.exposure == Exposure::admin ? "admin" : "internal") << " | "
                << row.needed_by << " |\n";
        }
    }
    out << "\n| segment | reason | why |\n|---|---|---|\n";
    for (const policy::NeverPattern& pattern : policy::never_patterns()) {
        out << "| `" << pattern.pattern << "` | "
            << (pattern.exposure == Exposure::admin ? "admin" : "internal") << " | " << pattern.why
            << " |\n";
    }
    out << R"(
## How a path is read

IIS takes `\` for `/`, decodes percent and `%u` escapes, collapses dot segments and double slashes,
and, by version and module, ignores trailing dots and spaces of a segment, strips `;` parameters,
decodes a second time and maps look-alike characters to ASCII. Every path is therefore read twice,
strictly and as leniently as can be. If the verdicts differ, or the service, or the pool, the
request is refused as `ambiguous_path`; if either reading is never published, it is refused as
that. Some shapes are refused whatever they lead to, since no client sends them and servers differ
about them:

- `..` above the root, or together with anything encoded, a backslash, a double slash or a `;`;
- an encoded slash or a backslash together with `;` or an encoded `#`; an encoded `?`;
- bytes that aren't UTF-8, overlong forms among them;
- segments of dots and spaces alone, other than `.` and `..`;
- `(S(...))` and the like, `::`, `:$`; more than five layers of encoding.

Bad escapes, control characters (`%00`), a raw `#` and paths over 8 KB are malformed: 400.
)";
    return out.str();
}

} // namespace

TEST_CASE("policy: docs/paths.md is what the table says", "[policy]") {
    std::ifstream file(document_path);
    REQUIRE(file);
    std::stringstream text;
    text << file.rdbuf();
    CHECK(text.str() == document());
}

TEST_CASE("policy: write docs/paths.md", "[.]") {
    std::ofstream(document_path) << document();
}

TEST_CASE("policy: the table is whole", "[policy]") {
    std::set<Service> services;
    for (const PathRow& row : policy::path_rows()) {
        INFO(row.prefix);
        CHECK(row.prefix.starts_with('/'));
        CHECK(row.prefix.size() > 2);
        CHECK_FALSE(row.prefix.ends_with('/'));
        CHECK(row.first <= row.last);
        CHECK_FALSE(row.needed_by.empty());
        CHECK(policy::service_name(row.service) != "unknown");
        services.insert(row.service);
        for (const char c : row.prefix) {
            CHECK_FALSE((c >= 'A' && c <= 'Z'));
        }
        if (policy::is_never(row.exposure)) {
            CHECK(policy::find_never(row.prefix, row.last, row.hosts).closed);
            CHECK(policy::find_never(row.prefix, row.first, row.hosts).closed);
            CHECK_FALSE(policy::check_allow_path(row.prefix, row.last).empty());
        } else {
            CHECK_FALSE(policy::find_never(row.prefix, row.first, row.hosts).closed);
            if (row.service != Service::exchange_admin) { // on a Lync host it is never published
                CHECK(policy::check_allow_path(row.prefix, row.first).empty());
            }
            CHECK((row.methods & policy::method_get) != 0);
            CHECK((row.methods & policy::method_head) != 0);
            CHECK(policy::find_row(row.prefix, row.first, row.hosts)->prefix == row.prefix);
            CHECK(policy::find_row(std::string(row.prefix) + "/x", row.last, row.hosts)->service ==
                  row.service);
            CHECK(policy::find_row(std::string(row.prefix) + "x", row.first, row.hosts) == nullptr);
        }
        // two rows of the same path belong to different products or hosts
        for (const PathRow& other : policy::path_rows()) {
            if (&other != &row && other.prefix == row.prefix && (other.hosts & row.hosts) != 0) {
                CHECK((other.last < row.first || row.last < other.first));
            }
        }
    }
    CHECK(services.size() > 30);
}

TEST_CASE("policy: prefixes are compared by whole segments", "[policy]") {
    CHECK(policy::covers("/meet", "/meet"));
    CHECK(policy::covers("/meet", "/meet/x"));
    CHECK_FALSE(policy::covers("/meet", "/meeting"));
    CHECK_FALSE(policy::covers("/meet", "/mee"));
    CHECK_FALSE(policy::covers("/meet", ""));
    CHECK(policy::covers("", ""));
    CHECK(policy::covers("", "/x"));
}

TEST_CASE("policy: services of Exchange", "[policy]") {
    for (const policy::ExchangeService& each : policy::exchange_services()) {
        INFO(each.word);
        const policy::PathRow* row = policy::find_row(lync::to_ascii_lower(each.directory),
                                                      lync::Product::sfb_se, policy::on_exchange);
        REQUIRE(row != nullptr);
        CHECK(row->service == each.service);
        CHECK(row->exposure == Exposure::published);
    }
}

TEST_CASE("policy: methods are case-sensitive words", "[policy]") {
    CHECK(policy::method_bit("GET") == policy::method_get);
    CHECK(policy::method_bit("DELETE") == policy::method_delete);
    CHECK(policy::method_bit("OPTIONS") == policy::method_options);
    CHECK(policy::method_bit("RPC_IN_DATA") == policy::method_rpc);
    CHECK(policy::method_bit("RPC_OUT_DATA") == policy::method_rpc);
    for (const char* method : {"", "get", "Get", "TRACE", "CONNECT", "PROPFIND", "DEBUG", "MKCOL",
                               "GETS", "BITS_POST", "SEARCH", "LOCK", "COPY", "MOVE"}) {
        CHECK(policy::method_bit(method) == policy::method_none);
    }
}

TEST_CASE("policy: arguments of allow_path and deny_path", "[policy]") {
    for (const char* path :
         {"/passiveauth", "/PassiveAuth/", "/own/app.v2", "/~x/a_b", "/abs/Ext"}) {
        INFO(path);
        CHECK(policy::check_allow_path(path).empty());
        CHECK(policy::check_deny_path(path).empty());
    }
    for (const auto& [path, message] : lync::testing::rows(R"(
                       | must begin with a slash
        passiveauth    | must begin with a slash
        https://x/y    | must begin with a slash
        /x?y           | must be a path without a query
        /x#y           | must be a path without a fragment
        /%70assiveauth | must be written without percent encoding: it is compared with decoded paths
        /a\b           | must be written with forward slashes
        /a/*           | must be a plain prefix of whole segments, without "*" or ";"
        /a;b           | must be a plain prefix of whole segments, without "*" or ";"
        /a b           | must consist of printable ASCII characters
        /müller        | must consist of printable ASCII characters
        /a//b          | must not have empty segments
        /a/../b        | must not have segments that end in a dot
        /a./b          | must not have segments that end in a dot
        /..            | must not have segments that end in a dot
    )")) {
        INFO(path);
        CHECK(policy::check_allow_path(path) == message);
        CHECK(policy::check_deny_path(path) == message);
    }
    CHECK(policy::check_allow_path("/" + std::string(1024, 'x')) ==
          "must have no more than 1024 characters");
    CHECK(policy::check_allow_path("/").starts_with("would allow every path"));
    CHECK(policy::check_deny_path("/").starts_with("would deny every path"));

    for (const char* path :
         {"/cscp", "/CSCP/x", "/OcsPowerShell", "/ecp/", "/rgsconfig", "/macp", "/reports"}) {
        INFO(path);
        CHECK(policy::check_allow_path(path) ==
              "is an administrative path, which is never published: remove it");
        CHECK(policy::check_deny_path(path).empty());
    }
    for (const char* path : {"/abs/int", "/x/web.config", "/bin", "/_vti_bin",
                             "/DeviceUpdateFiles_Int", "/requesthandler/files"}) {
        INFO(path);
        CHECK(policy::check_allow_path(path) ==
              "is an internal path, which is never published: remove it");
    }
    CHECK(policy::check_allow_path("/requesthandler", lync::Product::ocs_2007_r2).empty());
}
