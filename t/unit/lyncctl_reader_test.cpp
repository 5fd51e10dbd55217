// The reader of nginx.conf: what comes out of it, and what it refuses.

#include "catch.h"
#include "lyncctl/failure.h"
#include "lyncctl/reader.h"

#include <map>
#include <string>

using namespace lync;
using namespace lync::lyncctl;
using lync::config::Directive;

namespace {

/// Files that exist in memory only.
struct Files {
    std::map<std::string, std::string> text;

    Sources sources() const {
        return {[this](const std::string& path) {
                    const auto found = text.find(path);
                    if (found == text.end()) {
                        throw Failure("open() \"" + path +
                                      "\" failed (2: No such file or directory)");
                    }
                    return found->second;
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
        return read_configuration("/etc/nginx/nginx.conf", sources());
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
    CHECK(one("a b {\n").mistake() ==
          "unexpected end of file, expecting \"}\" of a \"b\" that was opened at "
          "/etc/nginx/nginx.conf:1" +
              conf + "2");
    CHECK(one("\na \"b;\n").mistake() ==
          "unexpected end of file, missing terminating \"\"\" character" + conf + "2");
    CHECK(one("\n\xef\xbb\xbf# a\nb {\n").mistake() ==
          "unknown directive \"\xef\xbb\xbf#\": the file begins with a byte order mark, save it "
          "as UTF-8 without one" +
              conf + "3");
    CHECK(one("\n;").mistake() == "unexpected \";\"" + conf + "2");
    CHECK(one("include a b;").mistake() ==
          "invalid \"include\" directive: it is written \"include FILE;\"" + conf + "1");
    CHECK(one("\ninclude missing.conf;").mistake() ==
          "open() \"/etc/nginx/missing.conf\" failed (2: No such file or directory)" + conf + "2");

    Files files = one("a {\ninclude b.conf;\n}\n");
    files.text["/etc/nginx/b.conf"] = "c;\n}\n";
    CHECK(files.mistake() == "unexpected \"}\" in /etc/nginx/b.conf:2");
}

TEST_CASE("what never ends is a mistake, not a crash", "[reader]") {
    Files files = one("include a.conf;\n");
    files.text["/etc/nginx/a.conf"] = "include a.conf;\n";
    CHECK(files.mistake() == "too many files include each other in /etc/nginx/a.conf:1");
    files.text["/etc/nginx/a.conf"] = "a {\ninclude a.conf;\n}\n";
    CHECK(files.mistake() == "too many files include each other in /etc/nginx/a.conf:2");
    // 2^50 files of nothing.
    files.text["/etc/nginx/a.conf"] = "include b*;\n";
    files.text["/etc/nginx/b1"] = files.text["/etc/nginx/b2"] = "include a.conf;";
    CHECK_FALSE(files.mistake().empty());

    std::string deep, many, wide = "a";
    for (int i = 0; i < 100000; i++) {
        deep += "a{";
    }
    for (int i = 0; i < 2000001; i++) {
        many += "a;";
        wide += " a";
    }
    CHECK(one(many).mistake() ==
          "the configuration has more than 500000 directives in /etc/nginx/nginx.conf:1");
    CHECK(one(wide).mistake() == "more than 2000000 words in /etc/nginx/nginx.conf:1");
    CHECK(one(deep).mistake() == "too many blocks in each other in /etc/nginx/nginx.conf:1");
}

TEST_CASE("the code of a Lua block is one argument", "[reader]") {
    const auto root =
        one("location / {\n content_by_lua_block {\n"
            "  local s = \"}\" .. '\\'}' -- }\n  --[[ }\n don't\n--]]\n  local t = { a = '}' }\n"
            " }\n deny all;\n}\n")
            .read();
    const Directive& location = *root->children.front();
    REQUIRE(location.children.size() == 2);
    CHECK(location.children[0]->name == "content_by_lua_block");
    CHECK_FALSE(location.children[0]->is_block);
    CHECK(location.children[0]->arguments.size() == 1);
    CHECK(location.children[1]->name == "deny");
    CHECK(location.children[1]->place.line == 9);
    CHECK_THAT(one("a_by_lua_block { \"").mistake(),
               Catch::Matchers::StartsWith("unexpected end of file"));
}
