// Any topology, and what goes beside it: up to four files, each begun by a byte 0x01.

#include "imports.h"

FUZZ(input) {
    std::vector<lync::lyncctl::TopologyFile> files;
    for (std::size_t i = 1; i <= 4 && (i == 1 || !input.empty()); i++) {
        files.push_back({"topology-" + std::to_string(i) + ".xml",
                         std::string(i < 4 ? fuzz::take_until(input, '\x01') : input)});
    }
    fuzz::import_anything([&] { return lync::lyncctl::read_topology(files); });
}
