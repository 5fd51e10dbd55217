#pragma once

// What is asked of every importer: whatever it reads, it ends with a sentence or with a block that
// the module's grammar accepts; every byte of the old file that reaches the block is a word of it
// or stays in a comment.

#include "frame.h"

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

inline void require_accepted(const std::string& text) {
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
    } catch (const lync::Mistake&) { // files may be missing, and names contradict each other
    }
}

template <typename Read>
void import_anything(Read&& read) {
    try {
        lync::lyncctl::Draft draft = read();
        if (draft.pools.empty()) { // not of a topology
            settle(draft);
        }
        require_accepted(compose(draft));
    } catch (const lync::Mistake& mistake) {
        require(*mistake.what() != '\0', "a mistake is said", "");
    } catch (const lync::lyncctl::Failure& failure) {
        require(*failure.what() != '\0', "a failure is said", "");
    }
}

} // namespace fuzz
