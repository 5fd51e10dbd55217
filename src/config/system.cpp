// What a declaration asks of the operating system.

#include "config/publication.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace lync::config {

bool system_has_ipv6() noexcept {
    const int fd = socket(AF_INET6, SOCK_STREAM, 0);
    if (fd == -1) {
        return false;
    }
    sockaddr_in6 any{};
    any.sin6_family = AF_INET6;
    const bool bound = bind(fd, reinterpret_cast<sockaddr*>(&any), sizeof(any)) == 0;
    close(fd);
    return bound;
}

} // namespace lync::config
