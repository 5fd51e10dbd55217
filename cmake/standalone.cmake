# lyncctl with all libraries in it that Debian's base system lacks: lync_tool_libraries.
#
# Debian's libcurl.a speaks LDAP and RTMP too. lyncctl allows it HTTP alone (set_fixed, http.cpp), so
# what those would call is left out, and with it a dozen libraries.

find_library(CURL_ARCHIVE libcurl.a REQUIRED)
execute_process(COMMAND ${CMAKE_NM} ${CURL_ARCHIVE} OUTPUT_VARIABLE lync_symbols ERROR_QUIET)
string(REGEX MATCHALL "U (ldap|ber|RTMP)_[A-Za-z0-9_]+" lync_unused "${lync_symbols}")
list(TRANSFORM lync_unused REPLACE "U (.*)" "-Wl,--defsym=\\1=0")
list(REMOVE_DUPLICATES lync_unused)

set(lync_tool_libraries ${lync_unused}
    -Wl,-Bstatic -lcares -lpugixml -lcurl -lnghttp2 -lssh2 -lpsl -lbrotlidec -lbrotlicommon
    -Wl,-Bdynamic -lgssapi_krb5 -lunistring -lzstd -lz)
