#pragma once

// What is asked of every importer: whatever it reads, it ends with a sentence or with a block that
// the module accepts, up to the files that aren't there; every byte of the old file that reaches
// the block is a word of it or stays in a comment.

#include "syntax/grammar.h"
#include "syntax/reader.h"
#include "tool/failure.h"
#include "tool/import.h"
#include "topology/publication.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace fuzz {

/// Stops at a broken promise; libFuzzer keeps the input.
inline void require(bool holds, const char* promise, std::string_view text) {
    if (!holds) {
        std::fprintf(stderr, "broken: %s: %.*s\n", promise, static_cast<int>(text.size()),
                     text.data());
        std::abort();
    }
}

/// No file exists, and no pattern matches one.
inline lync::syntax::Sources no_files() {
    return {[](const std::string& path) {
                return lync::syntax::Sources::File{{}, "open() \"" + path + "\" failed"};
            },
            [](const std::string&) { return std::vector<std::string>{}; }};
}

/// The certificates of what an importer writes aren't there, which nginx says last.
inline bool is_about_files(std::string_view text) {
    return text.find("certificate") != text.npos &&
           (text.find("No such file") != text.npos || text.find("it is a directory") != text.npos);
}

inline void require_accepted(const std::string& text) {
    using namespace lync;
    syntax::Listener listener;
    std::unique_ptr<syntax::Directive> root;
    try {
        root = syntax::read_text(text, "import.conf", "/nowhere/", listener, no_files());
    } catch (const syntax::Mistake& mistake) {
        require(false, mistake.what(), text);
    }
    require(root->children.size() == 1 && root->children.front()->name == "lync_publish",
            "one block and nothing beside it", text);
    try {
        topology::Registry registry;
        std::vector<syntax::Diagnostic> remarks;
        topology::declare(*root->children.front(), {}, registry, remarks);
    } catch (const syntax::Mistake& mistake) {
        require(is_about_files(mistake.what()), mistake.what(), text);
    }
}

template <typename Read>
void import_anything(Read&& read) {
    lync::tool::ImportOptions options;
    options.name = "fuzz";
    options.trusted_ca = "/nowhere/ca.pem";
    try {
        lync::tool::OldProxy proxy = read();
        require_accepted(lync::tool::compose(std::move(proxy), options).text);
    } catch (const lync::syntax::Mistake& mistake) {
        require(*mistake.what() != '\0', "a mistake is said", "");
    } catch (const lync::tool::Failure& failure) {
        require(*failure.what() != '\0', "a failure is said", "");
    }
}

} // namespace fuzz
