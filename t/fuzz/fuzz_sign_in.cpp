// Asks which door a header, a form, JSON or SOAP is for: the first byte says which. Readers of
// others (pugixml, nlohmann's) and a plain one of forms must find no password where the module
// finds none, and no name but the one that it counts.

#include "accounts/account.h"
#include "base/ascii.h"
#include "frame.h"
#include "policy/sign_in.h"

#include <nlohmann/json.hpp>
#include <pugixml.hpp>

#include <algorithm>
#include <string>
#include <vector>

using namespace lync;
using namespace lync::policy;
using fuzz::lower;
using fuzz::plain_decode;

namespace {

/// What is longer than any page's name, each character as %u0070, is none.
bool is_password(const std::string& name) {
    return name.size() <= 85 && lower(name).find("passw") != std::string::npos;
}

bool finds(const SignIn& sign_in, Door door) {
    return (sign_in.doors & bit(door)) != 0;
}

void check_form(std::string_view body, const SignIn& token, const SignIn& page) {
    std::vector<std::string> names;
    for (std::string_view rest = body; !rest.empty();) {
        std::string_view value = fuzz::take_until(rest, '&');
        const std::string name = lower(plain_decode(fuzz::take_until(value, '=')));
        const std::string local = name.substr(name.rfind('$') + 1); // behind ASP.NET's containers
        const std::string decoded = plain_decode(value);
        if (name == "grant_type" && lower(decoded) == "password") {
            fuzz::require(finds(token, Door::password), "a grant for a password is one", body);
        }
        if (name == "username") {
            names.push_back(decoded);
        }
        fuzz::require(!is_password(local) || decoded.empty() || finds(page, Door::password),
                      "a form with a password signs in", body);
    }
    fuzz::require(token.form == AccountForm::none || token.form != AccountForm::field ||
                      names.size() <= 1,
                  "of two names none counts", body);
}

void check_json(std::string_view body, const SignIn& page) {
    bool found = false;
    const auto parsed = nlohmann::json::parse(
        body,
        [&](int, nlohmann::json::parse_event_t event, nlohmann::json& value) {
            found |= event == nlohmann::json::parse_event_t::key &&
                     is_password(value.get<std::string>());
            return true;
        },
        false);
    fuzz::require(parsed.is_discarded() || !found || finds(page, Door::password),
                  "JSON with a password signs in", body);
}

struct Elements : pugi::xml_tree_walker {
    bool token = false;
    std::vector<std::string> names;
    bool for_each(pugi::xml_node& node) override {
        const std::string name = node.name();
        const std::string local = name.substr(name.find(':') + 1);
        token |= local == "UsernameToken";
        if (local == "Username") {
            names.emplace_back(node.child_value());
        }
        return true;
    }
};

void check_soap(std::string_view body, const SignIn& token) {
    pugi::xml_document document;
    Elements elements;
    // The module takes for XML what begins as XML: pugixml forgives text before it.
    if (!trimmed(body, " \t\r\n").starts_with('<') ||
        !document.load_buffer(body.data(), body.size(), pugi::parse_default, pugi::encoding_utf8)) {
        return;
    }
    document.traverse(elements);
    fuzz::require(!elements.token || finds(token, Door::password), "a UsernameToken is found",
                  body);
    accounts::Account ours, theirs;
    const accounts::Domains domains;
    if (elements.token && token.form == AccountForm::text && elements.names.size() == 1 &&
        body.find('&') == body.npos &&
        accounts::read_account(token.form, token.account, domains, ours) ==
            accounts::Finding::named &&
        accounts::read_account(token.form, elements.names[0], domains, theirs) ==
            accounts::Finding::named) {
        fuzz::require(ours.text() == theirs.text(),
                      "the name is the one that a reader of XML finds", body);
    }
    fuzz::require(!elements.token || elements.names.size() <= 1 || token.form == AccountForm::none,
                  "of two names none counts", body);
}

} // namespace

FUZZ(text) {
    const unsigned how = fuzz::choice(text) % 4;
    if (how == 0) {
        const SignIn sign_in = sign_in_of_header(text);
        const std::string value = lower(trimmed(text, " \t"));
        for (const std::string scheme : {"ntlm ", "negotiate ", "basic "}) {
            const bool carries = value.starts_with(scheme) &&
                                 value.find_first_not_of(" \t", scheme.size()) != std::string::npos;
            fuzz::require(!carries || finds(sign_in, Door::windows), "a credential is for windows",
                          text);
        }
        return;
    }
    const bool quiet = std::ranges::none_of(text, [](char c) {
        return static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\r' && c != '\n';
    });
    const auto ask = [&](SignInBody kind) {
        return sign_in_of_text({.kind = kind, .posts = true, .body = text});
    };
    const SignIn token = ask(SignInBody::token);
    const SignIn page = ask(SignInBody::page);
    if (!quiet) { // nothing that is read at all
        fuzz::require(finds(token, Door::password) && finds(page, Door::password),
                      "what isn't text could be a password", text);
    } else if (how == 1) {
        check_form(text, token, page);
    } else if (how == 2) {
        check_json(text, page);
    } else {
        check_soap(text, token);
    }
}
