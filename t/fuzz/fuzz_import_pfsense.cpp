// Any config.xml, with certificates written to files or not.

#include "imports.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
    fuzz::import_anything([&] {
        lync::lyncctl::OldProxy proxy = lync::lyncctl::read_pfsense(
            input, "config.xml", (data[0] & 1) != 0 ? "/nowhere/out/" : "", "fuzz");
        for (const lync::lyncctl::ImportedFile& file : proxy.files) {
            fuzz::require(file.path.starts_with("/nowhere/out/fuzz") &&
                              file.path.find("/../") == std::string::npos,
                          "files are where they were wanted", file.path);
            fuzz::require(file.content.find("-----BEGIN ") != std::string::npos,
                          "what is written is PEM", file.path);
            fuzz::require(file.secret || file.content.find("PRIVATE KEY-----") == std::string::npos,
                          "no key where everybody may read", file.path);
        }
        return proxy;
    });
    return 0;
}
