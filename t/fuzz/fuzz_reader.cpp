// Reads any nginx.conf, with two files that it may include: a tree or a mistake with a place, and
// the tree written down again is read as the same tree.

#include "frame.h"
#include "lyncctl/failure.h"
#include "lyncctl/reader.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

using namespace lync::lyncctl;
using fuzz::require;
using lync::config::Directive;

namespace {

/// A word in double quotes, whatever is in it.
std::string quoted_word(std::string_view word) {
    std::string text = "\"";
    for (const char c : word) {
        if (c == '"' || c == '\\') {
            text += '\\';
        }
        text += c;
    }
    return text + "\"";
}

void write(const Directive& block, std::string& text) {
    for (const auto& child : block.children) {
        text += quoted_word(child->name);
        for (const std::string& argument : child->arguments) {
            text += " " + quoted_word(argument);
        }
        if (child->is_block) {
            text += " {\n";
            write(*child, text);
            text += "}\n";
        } else {
            text += ";\n";
        }
    }
}

} // namespace

FUZZ(input) {
    // The bytes 0x1f part nginx.conf, a.conf and b.conf.
    const std::string files[] = {std::string(fuzz::take_until(input, 0x1f)),
                                 std::string(fuzz::take_until(input, 0x1f)), std::string(input)};
    std::size_t opened = 0;
    const Sources sources{
        [&](const std::string& path) {
            // A hundred files that include each other are enough to know.
            if (++opened > 100) {
                throw Failure("open() \"" + path + "\" failed (24: Too many)");
            }
            return path == "/nginx.conf" ? files[0] : path == "/a.conf" ? files[1] : files[2];
        },
        [](const std::string&) -> std::vector<std::string> {
            return {"/a.conf", "/b.conf"};
        }};

    std::unique_ptr<Directive> tree;
    try {
        tree = read_configuration("/nginx.conf", sources);
    } catch (const lync::Mistake& mistake) {
        const lync::Diagnostic& said = mistake.diagnostic();
        const std::string& text = said.place.file == "/nginx.conf" ? files[0]
                                  : said.place.file == "/a.conf"   ? files[1]
                                                                   : files[2];
        require(!said.text.empty(), "a mistake has a reason", files[0]);
        require(said.place.line >= 1 &&
                    said.place.line <= 1 + std::count(text.begin(), text.end(), '\n'),
                "a mistake has a place in its file", files[0]);
        return;
    }

    std::string written;
    write(*tree, written);
    const auto reread = read_text(written, "/written.conf", "/", sources);
    std::string rewritten;
    write(*reread, rewritten);
    require(written == rewritten, "what is written is read as the same tree", written);
}
