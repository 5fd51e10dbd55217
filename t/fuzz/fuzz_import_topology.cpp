// Any topology, and what goes beside it: up to four files, each begun by a byte 0x01.

#include "imports.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    constexpr std::size_t most_files = 4;
    std::vector<lync::lyncctl::TopologyFile> files(1, {"topology-1.xml", ""});
    for (std::size_t i = 0; i < size; i++) {
        if (data[i] == 1 && files.size() < most_files) {
            files.push_back({"topology-" + std::to_string(files.size() + 1) + ".xml", ""});
        } else {
            files.back().content += static_cast<char>(data[i]);
        }
    }
    fuzz::import_anything([&] { return lync::lyncctl::read_topology(files, ""); },
                          fuzz::Names::from_file);
    return 0;
}
