// Any config.xml.

#include "imports.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    fuzz::import_anything([&] { return lync::lyncctl::read_pfsense(input, "config.xml"); });
    return 0;
}
