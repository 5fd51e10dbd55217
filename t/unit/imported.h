#pragma once

// What the tests of `lyncctl import` share: fixtures, and the block that an import writes, declared
// as the module does.

#include "base/ascii.h"
#include "block_builder.h"
#include "catch.h"
#include "lyncctl/failure.h"
#include "lyncctl/import/draft.h"
#include "table.h"

#include <fstream>
#include <set>
#include <sstream>

namespace lync::testing {

using namespace lync::lyncctl;
using lync::testing::shown;

inline std::string fixture(const std::string& name) {
    std::ifstream file(std::string(LYNC_SOURCE_DIR) + "/t/lyncctl/fixtures/" + name,
                       std::ios::binary);
    REQUIRE(file);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

inline std::string replaced_all(std::string text, std::string_view what, std::string_view with) {
    REQUIRE(text.find(what) != std::string::npos);
    for (std::size_t at = text.find(what); at != text.npos;
         at = text.find(what, at + with.size())) {
        text.replace(at, what.size(), with);
    }
    return text;
}

/// A draft composed, and its block declared as the module does, with the files of World for those
/// that aren't there and names for those that somebody has to write.
struct Result {
    Result(Draft draft, const std::vector<std::string>& skipped = {}) {
        if (draft.pools.empty()) { // not of a topology
            settle(draft, skipped);
        }
        draft.certificates = {{"public.pem", "public.key"}};
        draft.trusted_ca = "ca.pem";
        text = compose(draft);
        remarks = std::move(draft.remarks);
        std::istringstream in(text);
        for (std::string line; std::getline(in, line);) {
            std::istringstream split(line);
            std::string all;
            for (std::string word; split >> word;) {
                all += (all.empty() ? "" : " ") + word;
            }
            lines.insert(all);
        }
        INFO(text);
        std::string filled = text;
        for (const std::string_view word : {unknown_pool, unknown_external, unknown_domain}) {
            for (std::size_t at = 0; (at = filled.find(word, at)) != filled.npos;) {
                filled.replace(at, word.size(), "filled-in." + to_ascii_lower(word));
            }
        }
        World world;
        CHECK(world.mistake(filled) == "");
        CHECK(text.find("\n\n\n") == text.npos);
        CHECK(text.find("\n\n}") == text.npos);
    }

    /// How many remarks hold a text, their kinds before them.
    std::size_t says(std::string_view what) const {
        return static_cast<std::size_t>(
            std::count_if(remarks.begin(), remarks.end(), [&](const Remark& remark) {
                const std::string all = std::string(remark_word(remark.kind)) + ": " + remark.text;
                return all.find(what) != std::string::npos;
            }));
    }
    /// Which of these lines the block hasn't, spaces aside.
    std::string lacks(std::initializer_list<std::string_view> wanted) const {
        std::string missing;
        for (const std::string_view line : wanted) {
            missing += lines.contains(std::string(line)) ? "" : std::string(line) + "\n";
        }
        return missing;
    }
    /// Outside of comments.
    bool holds(std::string_view what) const {
        return text.find(what, text.find("\nlync_publish ")) != std::string::npos;
    }

    std::string text;
    std::set<std::string> lines;
    std::vector<Remark> remarks;
};

template <typename Function>
std::string mistake(Function&& function) {
    try {
        function();
    } catch (const Mistake& mistake) {
        return shown(mistake.diagnostic());
    } catch (const Failure& failure) {
        return failure.what();
    }
    return {};
}

} // namespace lync::testing
