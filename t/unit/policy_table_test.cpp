// The table of paths: that it is whole, that the tables of docs/paths.md say the same, and the
// checks of allow_path and deny_path.

#include "base/ascii.h"
#include "base/format.h"
#include "catch.h"
#include "policy_sites.h"
#include "table.h"

#include <fstream>
#include <set>

using namespace policy_sites;
using policy::Exposure;
using policy::PathRow;

namespace {

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
        {policy::method_patch, "PATCH"},   {policy::method_rpc, "RPC_IN_DATA RPC_OUT_DATA"},
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

/// The rows of the document's tables, in their order, without the reason in their last column.
std::vector<std::string> document_rows() {
    std::vector<std::string> rows;
    const auto name = [](Exposure exposure) {
        return exposure == Exposure::admin ? "admin" : "internal";
    };
    for (const Exposure exposure : {Exposure::published, Exposure::on_demand}) {
        for (const PathRow& row : policy::path_rows()) {
            if (row.exposure == exposure) {
                rows.push_back(formatted("| `{}` | {} | {} | {} | {} | {} | ", row.prefix,
                                         policy::service_name(row.service), products_of(row),
                                         hosts_of(row), methods_of(row), body_of(row)));
            }
        }
    }
    for (const PathRow& row : policy::path_rows()) {
        if (policy::is_never(row.exposure)) {
            rows.push_back(formatted("| `{}` | {} | {} | {} | ", row.prefix,
                                     policy::service_name(row.service), products_of(row),
                                     name(row.exposure)));
        }
    }
    return rows;
}

} // namespace

TEST_CASE("policy: the tables of docs/paths.md are what the table says", "[policy]") {
    std::ifstream file(LYNC_SOURCE_DIR "/docs/paths.md");
    REQUIRE(file);
    for (const std::string& row : document_rows()) {
        std::string line;
        while (std::getline(file, line) && !line.starts_with("| `")) {
        }
        REQUIRE(line.starts_with(row));
        REQUIRE(line.substr(row.size()).find('|') > 3); // says who needs it, or why not
    }
    // What is closed by pattern rather than by row.
    std::vector<std::string> patterns;
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with("| `")) {
            patterns.push_back(line.substr(3, line.find('`', 3) - 3));
        }
    }
    CHECK(patterns ==
          std::vector<std::string>{"/SERVICE/int", "*.config",
                                   "bin, app_browsers, app_code, app_data, app_globalresources, "
                                   "app_localresources, app_webreferences",
                                   "APP_GL~1, OCSPOW~1", "_vti_*"});
}

TEST_CASE("policy: the table is whole", "[policy]") {
    std::set<Service> services;
    for (const PathRow& row : policy::path_rows()) {
        INFO(row.prefix);
        CHECK(row.prefix.starts_with('/'));
        CHECK(row.prefix.size() > 2);
        CHECK_FALSE(row.prefix.ends_with('/'));
        CHECK(row.first <= row.last);
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
                       | it must begin with a slash
        passiveauth    | it must begin with a slash
        https://x/y    | it must begin with a slash
        /x?y           | it must be a path without a query
        /x#y           | it must be a path without a fragment
        /%70assiveauth | it must be written without percent encoding: it is compared with decoded paths
        /a\b           | it must be written with forward slashes
        /a/*           | it must be a plain prefix of whole segments, without "*" or ";"
        /a;b           | it must be a plain prefix of whole segments, without "*" or ";"
        /a b           | it must consist of printable ASCII characters
        /müller        | it must consist of printable ASCII characters
        /a//b          | it must not have empty segments
        /a/../b        | it must not have segments that end in a dot
        /a./b          | it must not have segments that end in a dot
        /..            | it must not have segments that end in a dot
    )")) {
        INFO(path);
        CHECK(policy::check_allow_path(path) == message);
        CHECK(policy::check_deny_path(path) == message);
    }
    CHECK(policy::check_allow_path("/" + std::string(1024, 'x')) ==
          "it must have no more than 1024 characters");
    CHECK(policy::check_allow_path("/").starts_with("it would allow every path"));
    CHECK(policy::check_deny_path("/").starts_with("it would deny every path"));

    for (const char* path :
         {"/cscp", "/CSCP/x", "/OcsPowerShell", "/ecp/", "/rgsconfig", "/macp", "/reports"}) {
        INFO(path);
        CHECK(policy::check_allow_path(path) ==
              "it is an administrative path, which is never published: remove it");
        CHECK(policy::check_deny_path(path).empty());
    }
    for (const char* path : {"/abs/int", "/x/web.config", "/bin", "/_vti_bin",
                             "/DeviceUpdateFiles_Int", "/requesthandler/files"}) {
        INFO(path);
        CHECK(policy::check_allow_path(path) ==
              "it is an internal path, which is never published: remove it");
    }
    CHECK(policy::check_allow_path("/requesthandler", lync::Product::ocs_2007_r2).empty());
}
