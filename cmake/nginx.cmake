# Drives nginx's own configure script to build ngx_lync_module.so for one nginx: the installed
# one (nginx-dev), or NGINX_SOURCE_DIR, a source tree with a built nginx in it or an unpacked
# nginx-dev. Always with that nginx's recorded flags: a module built with fewer loads and then
# corrupts structures.

set(nginx_objs ${CMAKE_BINARY_DIR}/nginx)

if(NGINX_SOURCE_DIR AND NOT EXISTS ${NGINX_SOURCE_DIR}/conf_flags)
    set(nginx_dir ${NGINX_SOURCE_DIR})
    set(nginx_configure ./configure)
    if(NOT EXISTS ${nginx_dir}/configure AND EXISTS ${nginx_dir}/auto/configure)
        set(nginx_configure ./auto/configure)
    endif()
    if(NOT EXISTS ${nginx_dir}/objs/nginx)
        message(FATAL_ERROR "${nginx_dir}/objs/nginx doesn't exist: build that nginx first, the "
                            "module takes its configure flags from it")
    endif()
    # `nginx -V` prints the flags as one would type them, quoted for the shell.
    set(nginx_flags "eval \"set -- $(${nginx_dir}/objs/nginx -V 2>&1 \
        | sed -n 's/^configure arguments: //p')\"")
else()
    set(nginx_dir /usr/share/nginx/src)
    if(NGINX_SOURCE_DIR)
        set(nginx_dir ${NGINX_SOURCE_DIR})
    endif()
    set(nginx_configure ./configure)
    if(NOT EXISTS ${nginx_dir}/conf_flags)
        message(FATAL_ERROR "nginx-dev isn't installed: apt-get install nginx-dev, or give a "
                            "source tree with -DNGINX_SOURCE_DIR=DIR")
    endif()
    set(nginx_flags ". ./conf_flags; set -- \"\${NGX_CONF_FLAGS[@]}\"")
endif()

set(nginx_library ${CMAKE_BINARY_DIR}/liblync_nginx.a)
# With what a packager adds to all C.
set(nginx_cc_opt "-O2 -g ${CMAKE_C_FLAGS}")
set(nginx_ld_opt "${CMAKE_SHARED_LINKER_FLAGS}")
if(LYNC_SANITIZE)
    string(APPEND nginx_cc_opt " -fsanitize=${LYNC_SANITIZE} -fno-omit-frame-pointer")
    string(APPEND nginx_ld_opt " -fsanitize=${LYNC_SANITIZE}")
endif()

# Later --with-cc-opt and --with-ld-opt win over those recorded.
file(GENERATE OUTPUT ${CMAKE_BINARY_DIR}/configure-nginx CONTENT "#!/bin/bash
set -e
cd '${nginx_dir}'
${nginx_flags}
export LYNC_LIBRARY='${nginx_library}'
export CC='${CMAKE_C_COMPILER}'
exec ${nginx_configure} \"$@\" --with-cc-opt='${nginx_cc_opt}' --with-ld-opt='${nginx_ld_opt}' \\
    --add-dynamic-module='${CMAKE_SOURCE_DIR}' --builddir='${nginx_objs}'
")

# The adapters need ngx_auto_config.h, so configure runs before anything is compiled.
add_custom_command(
    OUTPUT ${nginx_objs}/Makefile ${nginx_objs}/ngx_auto_config.h
    COMMAND bash ${CMAKE_BINARY_DIR}/configure-nginx > ${CMAKE_BINARY_DIR}/configure-nginx.log
    DEPENDS ${CMAKE_SOURCE_DIR}/config ${CMAKE_SOURCE_DIR}/config.make
            ${CMAKE_SOURCE_DIR}/CMakeLists.txt ${CMAKE_SOURCE_DIR}/cmake/nginx.cmake
    COMMENT "Configuring for ${nginx_dir}"
    VERBATIM)
add_custom_target(nginx_configured DEPENDS ${nginx_objs}/ngx_auto_config.h)

add_nginx_library(${nginx_dir} ${nginx_objs})
add_dependencies(lync_nginx nginx_configured)

add_custom_command(
    OUTPUT ${CMAKE_BINARY_DIR}/ngx_lync_module.so
    COMMAND make -s -f ${nginx_objs}/Makefile ${nginx_objs}/ngx_lync_module.so
    COMMAND ${CMAKE_COMMAND} -E copy ${nginx_objs}/ngx_lync_module.so
            ${CMAKE_BINARY_DIR}/ngx_lync_module.so
    DEPENDS lync_nginx ${nginx_objs}/Makefile ${CMAKE_SOURCE_DIR}/ngx_lync_module.c
            ${CMAKE_SOURCE_DIR}/src/nginx/lync.h ${CMAKE_SOURCE_DIR}/src/config/directives.h
            ${CMAKE_SOURCE_DIR}/src/nginx/exports.map
    WORKING_DIRECTORY ${nginx_dir}
    COMMENT "Linking ngx_lync_module.so"
    VERBATIM)
add_custom_target(module ALL DEPENDS ${CMAKE_BINARY_DIR}/ngx_lync_module.so)
