// Any applicationHost.config, with the hosts file after a byte 0x01.

#include "imports.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    const std::size_t cut = std::min(input.find('\x01'), input.size());
    fuzz::import_anything([&] {
        return lync::lyncctl::read_arr(input.substr(0, cut), "applicationHost.config",
                                       input.substr(std::min(cut + 1, input.size())));
    });
    return 0;
}
