#include "nginx/lockout/lockout.h"

#include "config/publication.h"

#include <algorithm>

namespace lync::nginx {

Lockout::Lockout(const config::Lockout& declared, LockoutZone& shared)
    : zone(shared), log_accounts(declared.log_accounts) {
    limits = {.failures = declared.failures,
              .window = msec(declared.window),
              .hold = msec(declared.hold),
              .source_accounts = declared.source_accounts};
    for (const auto& [name, domain] : declared.domains) {
        domains.add(name, domain);
    }
    for (const std::string& name : declared.exempt_accounts) {
        domains.read(name, "", exempt_accounts.emplace_back());
    }
    for (const std::string& network : declared.exempt_networks) {
        ngx_str_t text{network.size(),
                       reinterpret_cast<u_char*>(const_cast<char*>(network.data()))};
        ngx_ptocidr(&text, &exempt_networks.emplace_back()); // checked when it was declared
    }
}

bool read_source(const ngx_addr_t& from, std::array<unsigned char, 16>& address) noexcept {
    constexpr std::size_t provided = 8;
    const std::string_view bytes = address_bytes(from.sockaddr);
    address = {};
    if (bytes.size() == 4) {
        address[10] = address[11] = 0xff;
        std::ranges::copy(bytes, &address[12]);
    } else {
        std::ranges::copy(is_mapped(bytes) ? bytes : bytes.substr(0, provided), address.data());
    }
    return !bytes.empty();
}

} // namespace lync::nginx
