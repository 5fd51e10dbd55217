#pragma once

// nginx configuration for people: directives in columns, comments broken into lines.

#include "lyncctl/import/old_proxy.h"

#include <string>
#include <string_view>
#include <vector>

namespace lync::lyncctl {

class BlockWriter {
public:
    void line(std::string_view text);
    void open(std::string_view text);
    void close();
    /// The arguments are as nginx reads them: quoted already where they need it.
    void directive(std::string_view name, std::string_view arguments);
    /// `name a b c ...;` over as many lines as it needs.
    void list(std::string_view name, const std::vector<std::string>& arguments);
    /// Whatever bytes it holds, it stays a comment.
    void comment(std::string_view text);
    /// `# CHANGED, line 12: ...`
    void remark(const Remark& remark);

    std::string take() { return std::move(text_); }

private:
    static constexpr std::size_t width = 96;
    static constexpr std::size_t column =
        23; ///< where arguments begin: after external_web_services

    static std::string padded(std::string_view name);

    std::string text_;
    std::size_t depth_ = 0;
};

} // namespace lync::lyncctl
