#pragma once

// Block trees for the tests of the core, written as in nginx.conf, and what a whole publication
// needs around it.

#include "catch.h"
#include "certificate_files.h"
#include "config/block.h"
#include "config/publication.h"

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace lync::testing {

/// The directives of `text`, which the first one opens: `lync_publish contoso { ... }`. Words are
/// split as nginx does, as far as tests need it: spaces, ";", "{", "}", double quotes, comments.
/// Every place is in the file "nginx.conf".
class BlockReader {
public:
    explicit BlockReader(std::string_view text) : rest_(text) {}

    std::unique_ptr<config::Directive> read() {
        std::unique_ptr<config::Directive> directive = next();
        if (directive == nullptr) {
            throw std::runtime_error("no directive");
        }
        return directive;
    }

private:
    /// The next directive with its children; nothing at a "}" or at the end.
    std::unique_ptr<config::Directive> next() {
        auto directive = std::make_unique<config::Directive>();
        for (bool first = true;; first = false) {
            const std::string token = word();
            if (token.empty() || token == "}") {
                return nullptr;
            }
            if (token == ";" || token == "{") {
                directive->place = {"nginx.conf", line_};
                directive->is_block = token == "{";
                while (directive->is_block) {
                    auto child = next();
                    if (child == nullptr) {
                        break;
                    }
                    directive->children.push_back(std::move(child));
                }
                return directive;
            }
            if (first) {
                directive->name = token;
            } else {
                directive->arguments.push_back(quoted_ ? token.substr(1) : token);
            }
        }
    }

    /// A word, ";", "{" or "}"; empty at the end. What was in quotes starts with one.
    std::string word() {
        quoted_ = false;
        while (!rest_.empty() && std::string_view(" \n#").find(rest_.front()) != rest_.npos) {
            if (rest_.front() == '#') {
                rest_.remove_prefix(std::min(rest_.find('\n'), rest_.size()));
                continue;
            }
            line_ += rest_.front() == '\n';
            rest_.remove_prefix(1);
        }
        if (rest_.empty()) {
            return {};
        }
        std::size_t size = 1;
        if (rest_.front() == '"') {
            quoted_ = true;
            size = rest_.find('"', 1);
            std::string token(rest_.substr(0, size));
            line_ += static_cast<unsigned>(std::count(token.begin(), token.end(), '\n'));
            rest_.remove_prefix(size + 1);
            return token;
        }
        if (std::string_view(";{}").find(rest_.front()) == rest_.npos) {
            size = std::min(rest_.find_first_of(" \n;{}"), rest_.size());
        }
        std::string token(rest_.substr(0, size));
        rest_.remove_prefix(size);
        return token;
    }

    std::string_view rest_;
    unsigned line_ = 1;
    bool quoted_ = false;
};

inline std::unique_ptr<config::Directive> block(std::string_view text) {
    return BlockReader(text).read();
}

/// `TEXT in FILE:LINE`, as it is printed.
inline std::string told(const lync::Diagnostic& diagnostic) {
    return diagnostic.text + " in " + diagnostic.place.file + ":" +
           std::to_string(diagnostic.place.line);
}

/// What `declare` asks of the world, and what it tells. Certificates are made once: public.pem
/// covers every name of contoso.com (one label), named.pem those that its file says.
class World {
public:
    World() {
        environment.now = test_now;
        environment.full_path = [](std::string_view path) {
            return files().path(std::string(path));
        };
    }

    config::Publication declare(std::string_view text) {
        remarks.clear();
        return config::declare(*block(text), environment, registry, remarks);
    }

    /// The mistake in `text` as it is printed; empty if there is none.
    std::string mistake(std::string_view text) {
        try {
            declare(text);
        } catch (const lync::Mistake& mistake) {
            return told(mistake.diagnostic());
        }
        return {};
    }

    std::vector<std::string> told_remarks() const {
        std::vector<std::string> all;
        for (const lync::Diagnostic& remark : remarks) {
            all.push_back(told(remark));
        }
        return all;
    }

    config::Environment environment;
    config::Registry registry;
    std::vector<lync::Diagnostic> remarks;

private:
    struct Made : Directory {
        Made() {
            const auto key = ec_key();
            const auto rsa = rsa_key(2048);
            write("public.key", pem(key));
            write("public.pem", pem(issue(names({"*.contoso.com", "*.fabrikam.com"}), key.get())));
            write("named.key", pem(key));
            write("named.pem",
                  pem(issue(names({"lyncwebext.contoso.com", "lyncdiscover.contoso.com"}),
                            key.get())));
            write("rsa.key", pem(rsa));
            write("rsa.pem",
                  pem(issue(names({"lyncdiscover.example.com", "both-kinds.contoso.com"}),
                            rsa.get())));
            write("wild.key", pem(key));
            write("wild.pem", pem(issue(names({"*.northwind.example"}), key.get())));
            write("ca.pem", pem(issue(called("contoso-CA"), key.get())));
        }
    };
    static const Made& files() {
        static const Made made;
        return made;
    }
};

/// The smallest publication with `more` directives at its end, each on line 11 or after.
inline std::string smallest(std::string_view more = {}) {
    return R"(lync_publish contoso {
        sip_domain   contoso.com;
        certificate  public.pem public.key;
        trusted_ca   ca.pem;

        pool fepool.contoso.local {
            server                 10.0.0.11;
            external_web_services  lyncwebext.contoso.com;
        }

)" + std::string(more) +
           "\n}\n";
}

} // namespace lync::testing
