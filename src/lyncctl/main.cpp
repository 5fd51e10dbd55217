#include "lyncctl/commands.h"

int main(int argc, char** argv) {
    return lync::lyncctl::run(argc, argv);
}
