// What a declaration asks of the operating system.

#include "base/descriptor.h"
#include "config/publication.h"

#include <netinet/in.h>
#include <sys/socket.h>

namespace lync::config {

bool system_has_ipv6() noexcept {
    const Descriptor fd(socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in6 any{};
    any.sin6_family = AF_INET6;
    return bind(fd.get(), reinterpret_cast<sockaddr*>(&any), sizeof(any)) == 0;
}

} // namespace lync::config
