// sign_in any | DOOR ...

#include "base/ascii.h"
#include "config/declare.h"

#include <algorithm>

namespace lync::config {

namespace {

using policy::bit;
using policy::Door;
using policy::Doors;
using policy::Service;

constexpr Doors with_password = bit(Door::windows) | bit(Door::password);

/// The doors for a client that has nothing from the pool yet. `certificate` isn't one: certprov
/// asks for a ticket first [MS-OCAUTHWS, 1.3.1]. OCS has Windows authentication only, apart from
/// its pages of forms; AD FS and OAuth came with Lync Server 2013.
constexpr Doors ways_in(Product product) noexcept {
    return is_ocs(product)                 ? bit(Door::windows)
           : product == Product::lync_2010 ? with_password
                                           : with_password | bit(Door::oauth);
}

/// The same for a service of Exchange: only OWA, and its Options (ecp) with it, has a form.
constexpr Doors ways_in(Service service) noexcept {
    return service == Service::owa || service == Service::exchange_admin
               ? with_password | bit(Door::oauth)
               : bit(Door::windows) | bit(Door::oauth);
}

/// "windows", "password" or "oauth"
std::string words(Doors set) {
    std::vector<std::string_view> names;
    for (const Door door : policy::doors) {
        if ((set & bit(door)) != 0) {
            names.push_back(policy::door_name(door));
        }
    }
    return either_of(names);
}

const Place& place_of(const Directive& block) {
    const Directive* directive = find(block, "sign_in");
    return directive == nullptr ? block.place : directive->place;
}

[[noreturn]] void refuse(const std::string& what, Doors ways, const Place& place) {
    throw mistake(place, "no client could sign in to {}: \"sign_in\" has to open {} as well", what,
                  words(ways));
}

void check_exchange(const Publication& publication, const Farm& farm, const Directive& block,
                    std::vector<Diagnostic>& remarks) {
    const Doors open = publication.sign_in_of(farm).open;
    const Place& place = farm.sign_in ? farm.published_place : place_of(block);
    Doors ways = policy::no_door;
    std::string closed;
    for (const FarmService& service : farm.services) {
        const Doors leads_in = ways_in(service.service);
        ways |= leads_in;
        if ((leads_in & open) == 0) {
            closed +=
                (closed.empty() ? "" : ", ") + std::string(policy::service_name(service.service));
        }
    }
    if ((ways & open) == 0) {
        refuse(quoted_title(farm), ways, place);
    }
    if (!closed.empty()) {
        warn(remarks, place,
             "no client can sign in to {} of {}: their doors are {}, \"password\" opens OWA's form "
             "only",
             closed, quoted_title(farm), words(ways_in(Service::ews)));
    }
}

} // namespace

policy::SignInRule read_sign_in(const Directive& directive) {
    if (directive.arguments.size() == 1 && directive.arguments.front() == "any") {
        return {};
    }
    policy::SignInRule rule{policy::no_door, true};
    for (const std::string& word : directive.arguments) {
        const auto* door = std::find_if(policy::doors.begin(), policy::doors.end(),
                                        [&](Door each) { return policy::door_name(each) == word; });
        if (door == policy::doors.end()) {
            invalid_value(word, directive, word == "any" ? "it stands alone" : "");
        }
        if ((rule.open & bit(*door)) != 0) {
            invalid_value(word, directive, "it is duplicate");
        }
        rule.open |= bit(*door);
    }
    return rule;
}

void check_sign_in(const Publication& publication, const Directive& block,
                   std::vector<Diagnostic>& remarks) {
    const Doors open = publication.sign_in.open;
    const std::string product = formatted("product {}", product_name(publication.product));
    if ((ways_in(publication.product) & open) == 0) {
        refuse(product, ways_in(publication.product), place_of(block));
    }
    // Modern authentication came with Skype for Business; before, AD FS signs in by /passiveauth.
    const auto opens_passive = [](std::string_view path) {
        return equal_ignore_case(path, "/passiveauth");
    };
    if (publication.product == Product::lync_2013 && (open & with_password) == 0 &&
        publication.strict && std::ranges::none_of(publication.allow_paths, opens_passive)) {
        throw mistake(place_of(block),
                      "no client could sign in to {}: its \"oauth\" is /passiveauth, which "
                      "\"allow_path /passiveauth\" publishes",
                      product);
    }

    bool windows = (open & bit(Door::windows)) != 0;
    for (const Farm& farm : publication.farms) {
        if (farm.role == Role::exchange) {
            check_exchange(publication, farm, block, remarks);
            windows |= (publication.sign_in_of(farm).open & bit(Door::windows)) != 0;
        }
    }
    const Directive* idle = find(block, "connection_auth");
    if (!windows && idle != nullptr) {
        warn(remarks, idle->place,
             "\"connection_auth\" does nothing in {}: \"sign_in\" closes \"windows\", so no "
             "client authenticates a connection",
             block.title());
    }
}

} // namespace lync::config
