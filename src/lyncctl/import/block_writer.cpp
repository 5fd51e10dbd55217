#include "lyncctl/import/block_writer.h"

#include "lyncctl/output.h"

#include <algorithm>

namespace lync::lyncctl {

void BlockWriter::line(std::string_view text) {
    const bool doubled = text.empty() && (text_.empty() || text_.ends_with("\n\n"));
    if (doubled || (text.empty() && text_.ends_with("{\n"))) {
        return;
    }
    if (!text.empty()) {
        text_.append(depth_ * 4, ' ').append(text);
    }
    text_ += '\n';
}

void BlockWriter::open(std::string_view text) {
    line(std::string(text) + " {");
    depth_++;
}

void BlockWriter::close() {
    while (text_.ends_with("\n\n")) {
        text_.pop_back();
    }
    depth_--;
    line("}");
}

std::string BlockWriter::padded(std::string_view name) {
    std::string text(name);
    text.append(text.size() + 2 > column ? 2 : column - text.size(), ' ');
    return text;
}

void BlockWriter::directive(std::string_view name, std::string_view arguments) {
    line(padded(name) + std::string(arguments) + ";");
}

void BlockWriter::list(std::string_view name, const std::vector<std::string>& arguments) {
    std::string text = padded(name);
    const std::size_t indent = text.size();
    bool fresh = true;
    for (const std::string& argument : arguments) {
        if (!fresh && depth_ * 4 + text.size() + argument.size() + 2 > width) {
            line(text);
            text.assign(indent, ' ');
            fresh = true;
        }
        text += (fresh ? "" : " ") + argument;
        fresh = false;
    }
    line(text + ";");
}

void BlockWriter::comment(std::string_view text) {
    const std::string clean = printable(text);
    std::string current = "#";
    std::size_t at = 0;
    while (at < clean.size()) {
        const std::size_t end = std::min(clean.find(' ', at), clean.size());
        const std::string word = clean.substr(at, end - at);
        at = end + 1;
        if (word.empty()) {
            continue;
        }
        if (depth_ * 4 + current.size() + 1 + word.size() > width && current.size() > 4) {
            line(current);
            current = "#  ";
        }
        current += " " + word;
    }
    line(current);
}

void BlockWriter::remark(const Remark& remark) {
    std::string text(remark_word(remark.kind));
    if (remark.place.line != 0) {
        text += " (line " + std::to_string(remark.place.line) + ")";
    }
    comment(text + ": " + remark.text);
}

} // namespace lync::lyncctl
