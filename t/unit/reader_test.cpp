// The reader of nginx.conf. What nginx itself makes of the same text, t/92-lyncctl-reader.t asks
// it; here is what comes out of the reader, and what nginx can't be asked.

#include "catch.h"
#include "lyncctl/reader.h"

#include <unistd.h>

#include <chrono>
#include <map>
#include <string>
#include <thread>

using namespace lync;
using namespace lync::config;

namespace {

/// Files that exist in memory only.
struct Files {
    std::map<std::string, std::string> text;

    Sources sources() const {
        return {
            [this](const std::string& path) -> Sources::File {
                const auto found = text.find(path);
                if (found == text.end()) {
                    return {{}, "open() \"" + path + "\" failed (2: No such file or directory)"};
                }
                return {found->second, {}};
            },
            [this](const std::string& pattern) {
                std::vector<std::string> files;
                const std::string start = pattern.substr(0, pattern.find('*'));
                for (const auto& [path, content] : text) {
                    if (path.starts_with(start)) {
                        files.push_back(path);
                    }
                }
                return files;
            }};
    }
    std::unique_ptr<Directive> read() const {
        Listener nobody;
        return read_configuration("/etc/nginx/nginx.conf", nobody, sources());
    }
    std::string mistake() const {
        try {
            read();
        } catch (const Mistake& mistake) {
            const Diagnostic& said = mistake.diagnostic();
            return said.text + " in " + said.place.file + ":" + std::to_string(said.place.line);
        }
        return {};
    }
};

Files one(std::string text) {
    return {{{"/etc/nginx/nginx.conf", std::move(text)}}};
}

/// A tree on one line: `a(1|2){b(){}}`.
std::string shown(const Directive& directive) {
    std::string text = directive.name + "(";
    for (std::size_t i = 0; i < directive.arguments.size(); i++) {
        text += (i == 0 ? "" : "|") + directive.arguments[i];
    }
    text += ")";
    if (directive.is_block) {
        text += "{";
        for (const auto& child : directive.children) {
            text += shown(*child);
        }
        text += "}";
    }
    return text;
}

} // namespace

TEST_CASE("words, quotes and escapes are nginx's", "[reader]") {
    const auto words = [](const std::string& text) {
        return shown(*one(text).read()->children.front());
    };
    CHECK(words("a b c;") == "a(b|c)");
    CHECK(words("a\n\tb # comment; {\n c;") == "a(b|c)");
    CHECK(words("a \"b c\" 'd;e' f\\ g;") == "a(b c|d;e|f\\ g)");
    CHECK(words("a \"b\\\"c\" 'd\\'e' \\\\f;") == "a(b\"c|d'e|\\f)");
    CHECK(words("a b\\tc\\nd\\re\\xf;") == "a(b\tc\nd\re\\xf)");
    CHECK(words("a b#c ${d} ${e;") == "a(b#c|${d}|${e)");
    CHECK(words("a \"\" '';") == "a(|)");
    CHECK(words("if ($a = \"b\") { return 404; }") == "if(($a|=|b|)){return(404)}");
}

TEST_CASE("blocks nest, and every directive has its place", "[reader]") {
    const auto root = one("a;\nb c {\n  d\n    e;\n  f {\n  }\n}\n").read();
    CHECK(shown(*root) == "(){a()b(c){d(e)f(){}}}");
    const Directive& b = *root->children.at(1);
    CHECK(b.place.file == "/etc/nginx/nginx.conf");
    CHECK(b.place.line == 2);
    CHECK(b.children.at(0)->place.line == 4); // of its ";"
    CHECK(b.children.at(1)->place.line == 5);
}

TEST_CASE("included directives stand in place of the include", "[reader]") {
    Files files = one("a { include conf.d/*.conf; z; }\ninclude /srv/b.conf;\n");
    files.text["/etc/nginx/conf.d/2.conf"] = "two;\n";
    files.text["/etc/nginx/conf.d/1.conf"] = "\none;\n";
    files.text["/srv/b.conf"] = "b; include c.conf;"; // relative to nginx.conf, not to b.conf
    files.text["/etc/nginx/c.conf"] = "c;";
    const auto root = files.read();
    CHECK(shown(*root) == "(){a(){one()two()z()}b()c()}");
    CHECK(root->children.front()->children.front()->place.file == "/etc/nginx/conf.d/1.conf");
    CHECK(root->children.front()->children.front()->place.line == 2);
    CHECK(root->children.front()->children.at(2)->place.file == "/etc/nginx/nginx.conf");
}

TEST_CASE("mistakes have a place and a reason", "[reader]") {
    const std::string conf = " in /etc/nginx/nginx.conf:";
    CHECK(one("a;\n}\n").mistake() == "unexpected \"}\"" + conf + "2");
    CHECK(one("a b\n").mistake() ==
          "unexpected end of file, expecting \";\" or \"}\"" + conf + "2");
    CHECK(one("a {\n").mistake() == "unexpected end of file, expecting \"}\"" + conf + "2");
    CHECK(one("a \"b\"c;").mistake() == "unexpected \"c\"" + conf + "1");
    CHECK(one("\n;").mistake() == "unexpected \";\"" + conf + "2");
    CHECK(one("include a b;").mistake() ==
          "invalid number of arguments in \"include\" directive" + conf + "1");
    CHECK(one("\ninclude missing.conf;").mistake() ==
          "open() \"/etc/nginx/missing.conf\" failed (2: No such file or directory)" + conf + "2");
    CHECK(one("\na " + std::string(5000, 'x') + ";").mistake() ==
          "too long parameter \"xxxxxxxxxx...\" started" + conf + "2");

    Files files = one("a {\ninclude b.conf;\n}\n");
    files.text["/etc/nginx/b.conf"] = "c;\n}\n";
    CHECK(files.mistake() == "unexpected \"}\" in /etc/nginx/b.conf:2");
}

TEST_CASE("what never ends is a mistake, not a crash", "[reader]") {
    Files files = one("include a.conf;\n");
    files.text["/etc/nginx/a.conf"] = "include a.conf;\n";
    CHECK(files.mistake() ==
          "open() \"/etc/nginx/a.conf\" failed (24: Too many open files) in /etc/nginx/a.conf:1");
    files.text["/etc/nginx/a.conf"] = "a {\ninclude a.conf;\n}\n";
    CHECK_THAT(files.mistake(), Catch::Matchers::StartsWith("open()") ||
                                    Catch::Matchers::StartsWith("too many blocks"));

    std::string deep;
    for (int i = 0; i < 100000; i++) {
        deep += "a{";
    }
    std::string many, wide = "a";
    for (int i = 0; i < 2000001; i++) {
        many += "a;";
        wide += " a";
    }
    CHECK(one(many).mistake() == "more than 2000000 words in /etc/nginx/nginx.conf:1");
    CHECK(one(wide).mistake() == "more than 2000000 words in /etc/nginx/nginx.conf:1");
    CHECK_THAT(one(deep).mistake(), Catch::Matchers::StartsWith("too many blocks in each other"));
}

TEST_CASE("the code of a Lua block is one argument", "[reader]") {
    const auto root =
        one("location / {\n content_by_lua_block {\n"
            "  local s = \"}\" .. '\\'}' -- }\n  --[[ }\n]]\n  local t = { a = [=[}]=] }\n"
            " }\n deny all;\n}\n")
            .read();
    const Directive& location = *root->children.front();
    REQUIRE(location.children.size() == 2);
    CHECK(location.children[0]->name == "content_by_lua_block");
    CHECK_FALSE(location.children[0]->is_block);
    CHECK(location.children[0]->arguments.size() == 1);
    CHECK(location.children[1]->name == "deny");
    CHECK(location.children[1]->place.line == 8);
    CHECK_THAT(one("a_by_lua_block { \"").mistake(),
               Catch::Matchers::StartsWith("unexpected end of file"));
}

TEST_CASE("a listener hears of directives in nginx's order, and may refuse them", "[reader]") {
    struct Log : Listener {
        std::string heard;
        std::string opened(const Directive& directive, const Blocks& blocks) override {
            heard += "+" + directive.name + std::to_string(blocks.size());
            return directive.name == "bad" ? "it is bad" : "";
        }
        void closed(const Directive& block, const Blocks& blocks) override {
            heard += "-" + block.name + std::to_string(blocks.size());
        }
        std::string retold(std::string text, const Blocks& blocks) override {
            return text + ", in " + blocks.back()->name;
        }
    } log;
    const Files files = one("a { b; c { } }\nd;\ne {\n bad; }\n");
    try {
        read_configuration("/etc/nginx/nginx.conf", log, files.sources());
        FAIL("it was read");
    } catch (const Mistake& mistake) {
        CHECK(mistake.diagnostic().text == "it is bad, in e");
        CHECK(mistake.diagnostic().place.line == 4);
    }
    CHECK(log.heard == "+a1+b2+c2-c2-a1+d1+e1+bad2");
}

TEST_CASE("a pipe is read to its end", "[reader]") {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    std::thread writer([&] {
        for (const std::string_view part : {"a;\n", "b;\n"}) {
            std::this_thread::sleep_for(std::chrono::milliseconds(50)); // meets an empty pipe
            CHECK(::write(ends[1], part.data(), part.size()) == static_cast<ssize_t>(part.size()));
        }
        ::close(ends[1]);
    });
    Listener nobody;
    const auto root = read_configuration("/dev/fd/" + std::to_string(ends[0]), nobody);
    writer.join();
    ::close(ends[0]);
    REQUIRE(root->children.size() == 2);
    CHECK(root->children[1]->place.line == 2);
}
