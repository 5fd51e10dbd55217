#pragma once

// What is asked of every importer: whatever it reads, it ends with a sentence or with a block that
// the module accepts, once names that the old file doesn't tell are filled in and up to the files
// that aren't there; every byte of the old file that reaches the block is a word of it or stays in
// a comment.

#include "frame.h"

#include "base/ascii.h"
#include "config/grammar.h"
#include "config/publication.h"
#include "lyncctl/failure.h"
#include "lyncctl/import/draft.h"
#include "lyncctl/reader.h"

#include <string>
#include <string_view>

namespace fuzz {

/// No file exists, and no pattern matches one.
inline lync::lyncctl::Sources no_files() {
    return {[](const std::string& path) -> std::string {
                throw lync::lyncctl::Failure("open() \"" + path + "\" failed");
            },
            [](const std::string&) { return std::vector<std::string>{}; }};
}

/// The certificates of what an importer writes aren't there, which nginx says last.
inline bool is_about_files(std::string_view text) {
    return text.find("certificate") != text.npos &&
           (text.find("No such file") != text.npos || text.find("it is a directory") != text.npos);
}

/// Names in place of those that somebody has to write.
inline std::string filled_in(std::string text) {
    for (const std::string_view word :
         {lync::lyncctl::unknown_pool, lync::lyncctl::unknown_external,
          lync::lyncctl::unknown_domain}) {
        const std::string name = "filled-in." + lync::to_ascii_lower(word);
        for (std::size_t at = text.find(word); at != text.npos; at = text.find(word, at)) {
            text.replace(at, word.size(), name);
        }
    }
    return text;
}

/// Whose names a block holds: those that an importer has chosen fit together, those that a topology
/// says may contradict each other, which nginx tells.
enum class Names { chosen, from_file };

inline void require_accepted(const std::string& text, Names names) {
    using namespace lync;
    std::unique_ptr<config::Directive> root;
    try {
        root = lyncctl::read_text(text, "import.conf", "/nowhere/", no_files());
    } catch (const lync::Mistake& mistake) {
        require(false, mistake.what(), text);
    }
    require(root->children.size() == 1 && root->children.front()->name == "lync_publish",
            "one block and nothing beside it", text);
    try {
        config::check_grammar(*root->children.front());
    } catch (const lync::Mistake& mistake) {
        require(false, mistake.what(), text);
    }
    try {
        config::Registry registry;
        std::vector<lync::Diagnostic> remarks;
        config::declare(*root->children.front(), {}, registry, remarks);
    } catch (const lync::Mistake& mistake) {
        require(names == Names::from_file || is_about_files(mistake.what()), mistake.what(), text);
    }
}

template <typename Read>
void import_anything(Read&& read, Names names = Names::chosen) {
    lync::lyncctl::ImportOptions options;
    options.name = "fuzz";
    options.trusted_ca = "/nowhere/ca.pem";
    try {
        require_accepted(filled_in(lync::lyncctl::compose(read(), options).text), names);
    } catch (const lync::Mistake& mistake) {
        require(*mistake.what() != '\0', "a mistake is said", "");
    } catch (const lync::lyncctl::Failure& failure) {
        require(*failure.what() != '\0', "a failure is said", "");
    }
}

} // namespace fuzz
