# cmake -DIN=page.html -DOUT=page_html.cpp -P embed.cmake: a file as an array of bytes.

file(READ ${IN} bytes HEX)
string(LENGTH "${bytes}" digits)
math(EXPR size "${digits} / 2")
if(size GREATER 60000)
    message(FATAL_ERROR "${IN} has ${size} bytes: the page is to stay under 60 KB")
endif()
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
string(REGEX REPLACE
       "(0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,)"
       "    \\1\n" bytes "${bytes}")
file(WRITE ${OUT} "// Made of page.html by cmake/embed.cmake.
#include <cstddef>

namespace lync::status {

extern const unsigned char page_html[];
extern const std::size_t page_html_size;

const unsigned char page_html[] = {
${bytes}
};
const std::size_t page_html_size = ${size};

} // namespace lync::status
")
