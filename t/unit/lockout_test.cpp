// When an account or a source is held, for how long, and what a flood of names can do.

#include "accounts/lockout.h"
#include "block_builder.h"
#include "catch.h"
#include "config/declare.h"
#include "table.h"

#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

using namespace lync::accounts;

namespace {

constexpr Limits limits{.failures = 3, .window = 1000, .hold = 5000, .source_accounts = 4};

} // namespace

TEST_CASE("lockout: exactly as many attempts pass as may fail", "[accounts]") {
    Attempts account{};
    for (const std::uint64_t now : {10, 20, 30}) {
        REQUIRE(account.admit(limits, now) == Admission::pass);
        account.flights.end(now + limits.patience);
        CHECK(account.fail(limits, now + 5) == (now == 30));
    }
    CHECK(account.admit(limits, 36) == Admission::held);
    CHECK(account.admit(limits, 5034) == Admission::held);
    CHECK(account.admit(limits, 5035) == Admission::pass); // the hold ends
    CHECK(account.failures == 0);                          // and begins anew
}

TEST_CASE("lockout: those on their way count", "[accounts]") {
    Attempts account{};
    for (int i = 0; i < 3; i++) {
        REQUIRE(account.admit(limits, 10) == Admission::pass);
    }
    CHECK(account.admit(limits, 11) == Admission::wait);
    account.flights.end(10 + limits.patience);
    CHECK_FALSE(account.fail(limits, 12));
    CHECK(account.admit(limits, 13) == Admission::wait); // one has failed, two are on their way
    account.flights.end(10 + limits.patience);
    account.clear(12, 13); // one was the owner
    CHECK(account.admit(limits, 14) == Admission::pass);
    // What a dead worker has left ends by itself.
    CHECK(account.admit(limits, 15) == Admission::pass);
    CHECK(account.admit(limits, 16) == Admission::wait);
    CHECK(account.admit(limits, 10 + flight_patience) == Admission::pass);

    // A slow server's answers to bodies count for longer.
    account = {};
    Limits of_body = limits;
    of_body.patience = body_patience;
    for (int i = 0; i < 3; i++) {
        REQUIRE(account.admit(of_body, 10) == Admission::pass);
    }
    CHECK(account.admit(limits, 9 + body_patience) == Admission::wait);
    CHECK(account.admit(limits, 10 + body_patience) == Admission::pass);
}

TEST_CASE("lockout: what is forgotten and what isn't", "[accounts]") {
    Attempts account{};
    account.fail(limits, 10);
    account.fail(limits, 1009); // each failure begins the window again, as in Active Directory
    CHECK(account.fail(limits, 2008));
    account = {};
    account.fail(limits, 10);
    account.fail(limits, 1009);
    CHECK_FALSE(account.fail(limits, 2009)); // the window is over
    CHECK(account.failures == 1);
    account.clear(2008, 2010); // what was sent before it doesn't count
    CHECK(account.failures == 1);
    account.clear(2009, 2010);
    CHECK(account.failures == 0);
    // One that was on its way when the account was held neither prolongs the hold nor ends it.
    account.fail(limits, 3000);
    account.fail(limits, 3000);
    CHECK(account.fail(limits, 3000));
    CHECK_FALSE(account.fail(limits, 4000));
    CHECK(account.held == 8000);
}

// What two proxies know becomes the same, in whatever order and however often it is sent.
TEST_CASE("lockout: proxies come to the same", "[accounts]") {
    const auto fill = [](const Attempts& from, Attempts& to, std::uint64_t now) {
        Report report;
        from.fill(report);
        report.window = limits.window;
        report.hold = limits.hold;
        return to.merge(report, now);
    };
    Attempts first{};
    Attempts second{};
    first.fail(limits, 10, 1);
    second.fail(limits, 10, 2); // in the same millisecond
    CHECK_FALSE(fill(first, second, 11));
    CHECK_FALSE(fill(second, first, 11));
    CHECK_FALSE(fill(first, second, 11));
    CHECK(first.failures == 2);
    CHECK(second.failures == 2);

    // A success voids what was before it, and what is sent of that afterwards.
    const Attempts before = second;
    first.clear(10, 11);
    CHECK_FALSE(fill(first, second, 11));
    CHECK(second.failures == 0);
    second.fail(limits, 12, 3);
    fill(before, second, 13);
    CHECK(second.failures == 1);
    fill(second, first, 13);
    CHECK(first.failures == 1);
    CHECK(first.last == 12);

    // A hold is everybody's, and so is its release and its end.
    first.fail(limits, 14, 4);
    CHECK(first.fail(limits, 15, 5));
    CHECK(fill(first, second, 16));
    CHECK_FALSE(fill(first, second, 16));
    CHECK(second.admit(limits, 5014) == Admission::held);
    CHECK(Attempts(second).admit(limits, 5015) == Admission::pass);
    second.release(20);
    fill(second, first, 21);
    CHECK(first.admit(limits, 22) == Admission::pass);

    // Failures of two that were alone hold as soon as somebody looks.
    Attempts third{};
    Attempts fourth{};
    for (const std::uint16_t chance : {1, 2}) {
        third.fail(limits, 30, chance);
        fourth.fail(limits, 30, static_cast<std::uint16_t>(chance + 2));
    }
    CHECK_FALSE(fill(third, fourth, 31));
    CHECK(fourth.admit(limits, 32) == Admission::held);
    CHECK_FALSE(fill(third, fourth, 5040)); // that hold is over
    CHECK(fourth.admit(limits, 5040) == Admission::pass);
    // Nor is there room for more than an account has.
    for (std::uint16_t chance = 0; chance < 40; chance++) {
        Attempts other{};
        other.fail(limits, 6000, chance);
        fill(other, fourth, 6001);
    }
    CHECK(fourth.failures == most_failures);
}

// A store's clock was two hours ahead, and is put right: what was counted and cleared by it.
TEST_CASE("lockout: a clock that is put right", "[accounts]") {
    constexpr std::uint64_t ahead = 7'200'000;
    const auto report_of = [](const auto& record) {
        Report report;
        record.fill(report);
        report.window = limits.window;
        report.hold = limits.hold;
        return report;
    };
    // A hold ends when one from now on would, and not later if it is sent again.
    Attempts held{};
    for (const std::uint16_t chance : {1, 2, 3}) {
        held.fail(limits, ahead, chance);
    }
    Attempts other{};
    CHECK(other.merge(report_of(held), 100));
    CHECK_FALSE(held.merge(report_of(other), 100));
    for (Attempts* account : {&held, &other}) {
        CHECK(account->admit(limits, 99 + limits.hold) == Admission::held);
        CHECK(account->admit(limits, 100 + limits.hold) == Admission::pass);
    }
    // Failures still count, for a window from then on.
    Attempts failed{};
    failed.fail(limits, ahead, 1);
    failed.fail(limits, ahead, 2);
    other = {};
    other.merge(report_of(failed), 100);
    CHECK(other.failures == 2);
    CHECK(other.last == 100);
    failed.merge(report_of(other), 200);
    CHECK(Attempts(failed).fail(limits, 201));
    CHECK_FALSE(Attempts(failed).fail(limits, 200 + limits.window));
    // Until somebody signs in, which all learn, or is released.
    failed.clear(299, 300);
    CHECK(failed.failures == 0);
    failed.cleared = 299; // as the store has it
    other = {};
    other.fail(limits, ahead, 3);
    other.fail(limits, 301, 4);
    other.merge(report_of(failed), 301);
    CHECK(other.failures == 1);
    // What others have counted since is not void by what was cleared before.
    Attempts signed_in{};
    signed_in.cleared = ahead;
    signed_in.merge(report_of(other), 302);
    CHECK(signed_in.failures == 1);
    other.merge(report_of(signed_in), 303);
    CHECK(other.failures == 1);
    Report cleared = report_of(signed_in);
    cleared.cleared = ahead;
    other.merge(cleared, 304);
    CHECK(other.failures == 1);
    // Clocks that differ by little lose nothing: a failure a little ahead outlives an old clear.
    other.fail(limits, 310, 5);
    other.merge(report_of(failed), 308);
    CHECK(other.failures == 2);

    Source source{};
    for (const std::uint64_t account : {1, 2, 3, 4}) {
        source.fail(account, limits, ahead);
    }
    Source same{};
    CHECK(same.merge(report_of(source), 100));
    CHECK(same.is_held(99 + limits.hold));
    CHECK_FALSE(same.is_held(100 + limits.hold));
    CHECK(same.last == 100);
    // A store that lies about the time holds nobody for longer, either.
    cleared.held = cleared.last = std::uint64_t(-1);
    CHECK(other.merge(cleared, 400));
    CHECK(other.held == 400 + limits.hold);
}

TEST_CASE("lockout: a source that tries many accounts", "[accounts]") {
    Source source{};
    for (const std::uint64_t account : {1, 2, 2, 3, 1, 3}) {
        CHECK_FALSE(source.fail(account, limits, 10));
    }
    source.clear(3); // mistyped
    CHECK_FALSE(source.fail(4, limits, 11));
    CHECK(source.fail(5, limits, 12));
    CHECK(source.is_held(5011));
    CHECK_FALSE(source.is_held(5012));
    CHECK_FALSE(source.fail(6, limits, 5012));
    CHECK(source.failures == 1);
    // A clock that is put right by the store's may go back a little.
    CHECK_FALSE(source.fail(7, limits, 5010));
    CHECK(source.failures == 2);
    CHECK(source.last == 5012);
}

TEST_CASE("lockout: a source's attempts on their way count", "[accounts]") {
    Source source{};
    CHECK_FALSE(source.fail(1, limits, 10));
    for (int i = 0; i < 3; i++) {
        REQUIRE(source.admit(limits, 10) == Admission::pass);
    }
    CHECK(source.admit(limits, 11) == Admission::wait);
    CHECK(source.is_needed(11)); // nobody takes its place
    source.flights.end(10 + limits.patience);
    source.clear(1);
    CHECK(source.admit(limits, 11) == Admission::pass);
    CHECK(source.admit(limits, 11) == Admission::pass);
    CHECK(source.admit(limits, 11) == Admission::wait);
    CHECK(source.admit(limits, 9 + source_patience) == Admission::wait);
    CHECK(source.admit(limits, 10 + source_patience) == Admission::pass); // they wait for mail
}

TEST_CASE("lockout: a million names push nobody out who is held", "[accounts]") {
    using Accounts = Table<Attempts, 256>;
    const auto table = std::make_unique<Accounts>();
    std::mt19937_64 random(1); // tags are hashes
    constexpr Limits long_hold{
        .failures = 3, .window = 1000, .hold = 100'000'000, .source_accounts = 4};
    std::set<std::uint64_t> held;
    while (held.size() < 200) {
        const std::uint64_t tag = random() | 1;
        Attempts* account = table->make(tag, 1);
        REQUIRE(account != nullptr);
        while (!account->fail(long_hold, 1)) {
        }
        held.insert(tag);
    }
    const std::uint64_t nearly = random() | 1; // one failure is left
    table->make(nearly, 1)->fail(long_hold, 1);
    table->find(nearly)->fail(long_hold, 1);
    for (std::uint64_t now = 2; now < 1'000'002; now++) {
        if (Attempts* account = table->make(random() | 1, now)) {
            account->fail(long_hold, now);
        }
    }
    for (const std::uint64_t tag : held) {
        REQUIRE(table->find(tag) != nullptr);
        CHECK(table->find(tag)->is_held(1'000'002));
    }
    REQUIRE(table->find(nearly) != nullptr);
    CHECK(table->find(nearly)->failures == 2);
}

TEST_CASE("lockout: where all are held there is no room, and none is made", "[accounts]") {
    Table<Attempts, 1> table{};
    for (std::uint64_t tag = 1; tag <= decltype(table)::ways; tag++) {
        table.make(tag, 1)->held = 1000;
    }
    CHECK(table.make(99, 500) == nullptr);
    CHECK(table.make(3, 500)->tag == 3);
    CHECK(table.make(99, 1000)->tag == 99);
}

TEST_CASE("lockout: all failures take as long as the slowest, and some more", "[accounts]") {
    Pace pace{};
    CHECK(pace.answer_after() == Pace::first * 3 / 2);
    pace.learn(2000);
    CHECK(pace.answer_after() == 3000);
    pace.learn(10);
    CHECK(pace.answer_after() > 2900);
    for (int i = 0; i < 5000; i++) {
        pace.learn(10);
    }
    CHECK(pace.answer_after() == Pace::first * 3 / 2);
    pace.learn(1'000'000);
    CHECK(pace.answer_after() == Pace::most);
}

TEST_CASE("lockout: what is written", "[accounts]") {
    std::vector<lync::Diagnostic> remarks;
    const auto read = [&remarks](const std::string& lines) {
        const auto block = lync::testing::block("lync_publish contoso {\n" + lines + "\n}");
        remarks.clear();
        return lync::config::read_lockout(*block, remarks);
    };
    CHECK_FALSE(read("").on);
    const lync::config::Lockout usual = read("lockout on;");
    CHECK(usual.on);
    CHECK(usual.failures == 4);
    CHECK(usual.hold == usual.window);

    // The other directives may stand before it.
    const lync::config::Lockout all = read(
        "lockout_exempt 10.0.0.0/8 2001:db8::1 CONTOSO\\\\room ::ffff:192.0.2.1 room@contoso.com;\n"
        "account_domain CONTOSO=contoso.com;\nlog_accounts on;\n"
        "lockout on failures=2 window=1h hold=90s source_accounts=0;\n"
        "account_domain contoso.local=contoso.com;");
    CHECK(all.failures == 2);
    CHECK(all.window.count() == 3600);
    CHECK(all.hold.count() == 90);
    CHECK(all.source_accounts == 0);
    CHECK(all.log_accounts);
    CHECK(all.exempt_networks ==
          std::vector<std::string>{"10.0.0.0/8", "2001:db8::1/128", "192.0.2.1/32"});
    CHECK(all.exempt_accounts == std::vector<std::string>{"CONTOSO\\room", "room@contoso.com"});
    CHECK(all.domains.size() == 2);
    CHECK(remarks.empty());

    for (const std::string line :
         {"account_domain A=a;", "log_accounts on;", "lockout_exempt ::1;"}) {
        read("lockout off;\n" + line);
        REQUIRE(remarks.size() == 1);
        CHECK(remarks[0].text == '"' + line.substr(0, line.find(' ')) +
                                     "\" does nothing in lync_publish \"contoso\" without "
                                     "\"lockout on\"");
    }

    read("lockout on window=30 hold=1m;");
    REQUIRE(remarks.size() == 1);
    CHECK(remarks[0].text ==
          "\"window\" in \"lockout\" directive of lync_publish \"contoso\" is 30 "
          "seconds: Active Directory counts in minutes, write \"window=30m\" if you mean minutes");

    for (const auto& [line, message] : lync::testing::rows(R"(
        lockout maybe;              | invalid value "maybe"
        lockout on failures=0;      | failures is a number from 1 to 16
        lockout on failures=17;     | failures is a number from 1 to 16
        lockout on source_accounts=33; | source_accounts is a number from 0 to 32
        lockout on hold=;           | invalid parameter "hold="
        lockout on max=3;           | it is written "lockout on|off [failures=N] [window=TIME] [hold=TIME] [source_accounts=N]"
        lockout on hold=1m hold=2m; | duplicate
        lockout_exempt 10.0.0.1/8;  | it has bits beyond the network's 8
        lockout_exempt 10.0.0.999;  | invalid value "10.0.0.999" in "lockout_exempt" directive of lync_publish "contoso": a network is written ADDRESS/BITS
        lockout_exempt 10.0.0;      | a network is written ADDRESS/BITS
        lockout_exempt 10.0.0.*;    | a network is written ADDRESS/BITS
        lockout_exempt 10.0.0.0-10.0.0.9; | a network is written ADDRESS/BITS
        lockout_exempt ken,room;    | an account is written ken@contoso.com or CONTOSO\\ken
        lockout_exempt CONTOSO\\\\*; | an account is written
        account_domain CONTOSO\\\\=a; | it is NAME=DOMAIN
        account_domain CONTOSO;     | it is NAME=DOMAIN, such as CONTOSO=contoso.com
        account_domain =a;          | it is NAME=DOMAIN
        account_domain A=b b=c;     | "b" is written as "c"
        account_domain b=c A=B;     | "B" is written as "c"
        account_domain A=b a=c;     | "a" means "b" already
        lockout_store redis://a key=k; | "lockout_store" in lync_publish "contoso" does nothing without "lockout on"
    )")) {
        INFO(line);
        const std::string text = lync::testing::mistake_of([&] { read(line); });
        CHECK(text.find(message) != std::string::npos);
    }
}

TEST_CASE("lockout: where several proxies count together", "[accounts]") {
    const auto read = [](const std::string& line) {
        const auto block = lync::testing::block(
            "lync_publish contoso {\nlockout on;\nlockout_store " + line + ";\n}");
        std::vector<lync::Diagnostic> remarks;
        return *lync::config::read_lockout(*block, remarks).store;
    };
    const auto store = read("redis://proxies:a%40b:c%2f@redis.contoso.local:6380/3 key=/k");
    CHECK(store.shown == "redis://redis.contoso.local:6380/3");
    CHECK(store.address == "redis.contoso.local:6380");
    CHECK(store.user == "proxies");
    CHECK(store.password == "a@b:c/");
    CHECK(store.database == 3);
    CHECK(store.key == "/k");
    CHECK_FALSE(store.tls);
    CHECK(read("redis://:secret@10.0.0.1 key=/k").password == "secret");
    const auto tls = read("rediss://[2001:DB8::1] key=/k password=/p ca=/c");
    CHECK(tls.tls);
    CHECK(tls.address == "[2001:db8::1]:6379");
    CHECK(tls.host == "2001:db8::1");
    CHECK(tls.password_file == "/p");
    CHECK(read("unix:/run/redis.sock key=/k").address == "unix:/run/redis.sock");

    const std::string form =
        "it is redis://[USER:PASSWORD@]HOST[:PORT][/DB], the same with rediss:// "
        "for TLS, or unix:PATH";
    for (const auto& [line, message] : lync::testing::rows(R"(
        http://a key=k                    | invalid value "http" in "lockout_store" directive of lync_publish "contoso": FORM
        redis:// key=k                    | invalid value "redis" in "lockout_store" directive of lync_publish "contoso": FORM
        redis://u:pass@ key=k             | invalid value "redis://" in "lockout_store" directive of lync_publish "contoso": FORM
        redis://u:pass@a_b!c key=k        | invalid value "redis://a_b!c" in "lockout_store" directive of lync_publish "contoso": FORM
        redis://u:pass@a:0 key=k          | invalid value "redis://a:0" in "lockout_store" directive of lync_publish "contoso": its port is a number from 1 to 65535
        redis://u:pass@a:x key=k          | invalid value "redis://a:x" in "lockout_store" directive of lync_publish "contoso": its port is a number from 1 to 65535
        redis://u:pass@a/x key=k          | invalid value "redis://a/x" in "lockout_store" directive of lync_publish "contoso": its database is a number
        redis://u:pa%ss@a key=k           | invalid value "redis://a" in "lockout_store" directive of lync_publish "contoso": the user and password in front of its "@" are written USER:PASSWORD, with %XX for other characters
        redis://u:%00@a key=k             | invalid value "redis://a" in "lockout_store" directive of lync_publish "contoso": the user and password in front of its "@" are written USER:PASSWORD, with %XX for other characters
        unix:redis.sock key=k             | invalid value "unix" in "lockout_store" directive of lync_publish "contoso": FORM
        redis://a                         | "lockout_store" in lync_publish "contoso" needs key=FILE, a secret line that is the same at all proxies: "openssl rand -hex 32" makes one
        redis://a key=                    | invalid parameter "key=" in "lockout_store" directive of lync_publish "contoso": it is written "lockout_store redis://[USER:PASSWORD@]HOST[:PORT][/DB] key=FILE [password=FILE] [ca=FILE]"
        redis://a key=k pass=secret       | invalid parameter "pass=secret" in "lockout_store" directive of lync_publish "contoso": it is written "lockout_store redis://[USER:PASSWORD@]HOST[:PORT][/DB] key=FILE [password=FILE] [ca=FILE]"
        redis://a key=k key=k             | duplicate
        rediss://a key=k                  | "lockout_store" in lync_publish "contoso" needs ca=FILE, the CA of the certificate of rediss://
        redis://a key=k ca=c              | "lockout_store" in lync_publish "contoso" has ca=, and no TLS: it is written rediss://
        redis://:x@a key=k password=p     | "lockout_store" in lync_publish "contoso" has two passwords: that of the URL and that of password=
        redis://u@a key=k                 | "lockout_store" in lync_publish "contoso" has a user and no password: it is USER:PASSWORD@, or password=FILE as well
    )")) {
        INFO(line);
        const std::string text = lync::testing::mistake_of([&] { read(line); });
        CHECK(text.find("pass@") == std::string::npos);
        const std::size_t mark = message.find("FORM");
        const std::string whole = mark == std::string::npos
                                      ? std::string(message)
                                      : std::string(message).replace(mark, 4, form);
        CHECK(text.find(whole) != std::string::npos);
    }
}
