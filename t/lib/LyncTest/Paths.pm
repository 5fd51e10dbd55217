package LyncTest::Paths;

# Where things are. t/run says it in the environment; without it, the defaults are those of
# "make build", so that "prove -It/lib t/NAME.t" works by itself.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);

# The top of the source tree.
our $SOURCE = abs_path(dirname(__FILE__) . '/../../..');

# What "make build" filled: the module, Test::Nginx, the PKI.
our $BUILD = abs_path($ENV{LYNC_BUILD} // "$SOURCE/build") // "$SOURCE/build";

# The directory of this run: one below it for each server root.
our $RUN = $ENV{LYNC_RUN_DIR} // "$BUILD/test/default";

our $MODULE = $ENV{TEST_NGINX_LOAD_MODULES} // "$BUILD/ngx_lync_module.so";

our $NGINX = $ENV{TEST_NGINX_BINARY} // (-x '/usr/sbin/nginx' ? '/usr/sbin/nginx' : 'nginx');

our $PKI = "$BUILD/pki";

# Where t/fetch-test-nginx has put Test::Nginx.
our $TEST_NGINX = "$BUILD/test-nginx/usr/share/perl5";

1;
