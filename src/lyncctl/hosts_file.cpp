#include "lyncctl/hosts_file.h"

#include "base/ascii.h"

#include <algorithm>

namespace lync::lyncctl {

HostsFile read_hosts(std::string_view text) {
    using lync::to_ascii_lower;

    HostsFile file;
    if (text.starts_with("\xef\xbb\xbf")) {
        text.remove_prefix(3);
    }
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        std::string_view line = text.substr(0, std::min(end, text.find('#')));
        text.remove_prefix(std::min(end + 1, text.size()));
        std::string address;
        while (!line.empty()) {
            const std::size_t start = std::min(line.find_first_not_of(" \t\r"), line.size());
            line.remove_prefix(start);
            const std::size_t size = std::min(line.find_first_of(" \t\r"), line.size());
            if (size == 0) {
                break;
            }
            if (address.empty()) {
                address = line.substr(0, size);
            } else {
                const std::string name = to_ascii_lower(line.substr(0, size));
                file.addresses.try_emplace(name, address);
                file.names[address].insert(name);
            }
            line.remove_prefix(size);
        }
    }
    return file;
}

} // namespace lync::lyncctl
