// Any nginx.conf without its includes.

#include "imports.h"

FUZZ(input) {
    fuzz::import_anything([&] {
        return lync::lyncctl::read_nginx_text(input, "/nowhere/nginx.conf", fuzz::no_files());
    });
}
