// Any nginx.conf without its includes.

#include "imports.h"

FUZZ(input) {
    fuzz::import_anything([&] {
        return lync::lyncctl::read_nginx(
            *lync::lyncctl::read_text(input, "/nowhere/nginx.conf", "/nowhere/", fuzz::no_files()),
            "/nowhere/");
    });
}
