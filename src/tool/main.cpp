#include "tool/cli.h"

int main(int argc, char** argv) {
    return lync::tool::run(argc, argv);
}
