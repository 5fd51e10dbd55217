// Any config.xml.

#include "imports.h"

FUZZ(input) {
    fuzz::import_anything([&] { return lync::lyncctl::read_pfsense(input, "config.xml"); });
}
