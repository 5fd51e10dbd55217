// Any nginx.conf without its includes.

#include "imports.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    fuzz::import_anything([&] {
        return lync::lyncctl::read_nginx_text(input, "/nowhere/nginx.conf", fuzz::no_files());
    });
    return 0;
}
