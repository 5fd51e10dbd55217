// Any applicationHost.config, with the hosts file after a byte 0x01.

#include "imports.h"

FUZZ(input) {
    const std::string_view config = fuzz::take_until(input, '\x01');
    fuzz::import_anything([&] {
        lync::lyncctl::Draft draft = lync::lyncctl::read_arr(config, "applicationHost.config");
        draft.hosts = lync::lyncctl::read_hosts(input);
        return draft;
    });
}
