# Called by nginx's auto/make: how its Makefile comes by the static library.

if [ -z "$LYNC_LIBRARY" ]; then

    case $NGX_OBJS in
        /*) ngx_lync_objs=$NGX_OBJS ;;
        *)  ngx_lync_objs=`pwd`/$NGX_OBJS ;;
    esac

    cat << END                                                >> $NGX_MAKEFILE

.PHONY:	lync_library

$NGX_OBJS/lync/liblync_nginx.a:	lync_library

# The core takes a minute. Whether nginx has been configured with what the module needs is asked
# first.
lync_library:
	\$(CC) -fsyntax-only \$(CFLAGS) \$(ALL_INCS) $ngx_addon_dir/ngx_lync_module.c
	cmake -S $ngx_addon_dir -B $NGX_OBJS/lync \\
		-DLYNC_NGINX_DIR=`pwd` -DLYNC_NGINX_OBJS=$ngx_lync_objs \\
		-DCMAKE_BUILD_TYPE=RelWithDebInfo
	cmake --build $NGX_OBJS/lync --target lync_nginx

END

fi
