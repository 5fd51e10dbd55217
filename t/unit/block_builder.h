#pragma once

// Block trees for the tests of the core, written as in nginx.conf, and what a whole publication
// needs around it.

#include "catch.h"
#include "certificate_files.h"
#include "config/block.h"
#include "config/publication.h"
#include "lyncctl/reader.h"
#include "plan/plan.h"
#include "table.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace lync::testing {

/// The directive that `text` opens: `lync_publish contoso { ... }`. Every place is in "nginx.conf".
inline std::unique_ptr<config::Directive> block(std::string_view text) {
    return std::move(lyncctl::read_text(text, "nginx.conf", "", {})->children.at(0));
}

/// `TEXT in FILE:LINE`, as it is printed.
inline std::string shown(const lync::Diagnostic& diagnostic) {
    return diagnostic.text + " in " + diagnostic.place.file + ":" +
           std::to_string(diagnostic.place.line);
}

/// The mistake that `does` ends in, as it is printed; empty if there is none.
template <typename Function>
std::string mistake_of(Function&& does) {
    try {
        does();
    } catch (const lync::Mistake& mistake) {
        return shown(mistake.diagnostic());
    }
    return {};
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
        return mistake_of([&] { declare(text); });
    }

    Strings shown_remarks() const {
        Strings all;
        for (const lync::Diagnostic& remark : remarks) {
            all.push_back(shown(remark));
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

/// What follows from a publication.
inline plan::Plan planned(std::string_view text) {
    return plan::make_plan(World().declare(text));
}

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

/// Another publication beside it; `more` directives stand on line 5 and after.
inline std::string fabrikam(std::string_view more = {},
                            std::string_view web_services = "a.fabrikam.com",
                            std::string_view sip_domain = "fabrikam.com") {
    return "lync_publish fabrikam {\nsip_domain " + std::string(sip_domain) +
           ";\ncertificate public.pem public.key; trusted_ca ca.pem;\n"
           "pool fepool.contoso.local { external_web_services " +
           std::string(web_services) + "; }\n" + std::string(more) + "\n}";
}

/// Office Communications Server with these `edge` blocks, which begin on line 3.
inline std::string ocs(std::string_view edges) {
    return "lync_publish ocs {\nproduct ocs_2007; certificate public.pem public.key; "
           "trusted_ca ca.pem; pool ocspool.contoso.local { external_web_services "
           "ocsweb.contoso.com; server 10.0.0.21; }\n" +
           std::string(edges) + "}";
}

} // namespace lync::testing
