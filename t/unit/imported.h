#pragma once

// What the tests of `lyncctl import` share: fixtures, and the block that an import writes, declared
// as the module does.

#include "base/ascii.h"
#include "block_builder.h"
#include "catch.h"
#include "lyncctl/failure.h"
#include "lyncctl/import/draft.h"

#include <fstream>
#include <set>
#include <sstream>

namespace lync::testing {

using namespace lync::lyncctl;
using lync::testing::told;

inline std::string fixture(const std::string& name) {
    std::ifstream file(std::string(LYNC_SOURCE_DIR) + "/t/lyncctl/fixtures/" + name,
                       std::ios::binary);
    REQUIRE(file);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

/// The certificates of World stand in for those that aren't there.
inline ImportOptions options() {
    ImportOptions options;
    options.certificate = "public.pem";
    options.key = "public.key";
    options.trusted_ca = "ca.pem";
    return options;
}

inline std::string replaced(std::string text, std::string_view what, std::string_view with) {
    const std::size_t at = text.find(what);
    REQUIRE(at != std::string::npos);
    return text.replace(at, what.size(), with);
}

/// Composes, and has the block declared as the module does.
struct Result {
    template <typename Source>
    Result(Source source, const ImportOptions& options)
        : imported(compose(std::move(source), options)) {
        INFO(imported.text);
        std::string filled = imported.text;
        for (const std::string_view word : {unknown_pool, unknown_external, unknown_domain}) {
            for (std::size_t at = filled.find(word); at != std::string::npos;
                 at = filled.find(word, at)) {
                filled.replace(at, word.size(), "filled-in." + to_ascii_lower(word));
            }
        }
        World world;
        CHECK(world.mistake(filled) == "");
    }

    /// How many remarks of that kind hold a text.
    std::size_t says(std::string_view text) const {
        return static_cast<std::size_t>(std::count_if(
            imported.remarks.begin(), imported.remarks.end(), [&](const Remark& remark) {
                const std::string all = std::string(remark_word(remark.kind)) + ": " + remark.text;
                return all.find(text) != std::string::npos;
            }));
    }
    /// Which of these lines the block hasn't, spaces aside.
    std::string lacks(std::initializer_list<std::string_view> lines) const {
        std::set<std::string> all;
        std::istringstream in(imported.text);
        for (std::string text; std::getline(in, text);) {
            std::istringstream split(text);
            std::string words;
            for (std::string word; split >> word;) {
                words += (words.empty() ? "" : " ") + word;
            }
            all.insert(words);
        }
        std::string missing;
        for (const std::string_view line : lines) {
            missing += all.contains(std::string(line)) ? "" : std::string(line) + "\n";
        }
        return missing;
    }
    bool holds(std::string_view text) const {
        return imported.text.find(text) != std::string::npos;
    }

    Imported imported;
};

template <typename Function>
std::string mistake(Function&& function) {
    try {
        function();
    } catch (const Mistake& mistake) {
        return told(mistake.diagnostic());
    } catch (const Failure& failure) {
        return failure.what();
    }
    return {};
}

} // namespace lync::testing
