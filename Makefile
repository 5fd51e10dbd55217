# A thin front: what is behind each target can also be typed by hand.
#
#     make build       the module, for the installed nginx      -> build/ngx_lync_module.so
#                      and the command-line tool                -> build/lyncctl
#     make install     both, loaded by nginx, with manuals and completion (DESTDIR, MODULES_DIR)
#     make uninstall   takes all of it away
#     make demo        the lab, shown once                         (lab/lab demo)
#     make demo-up     the lab, kept running                       (lab/lab up)
#     make demo-down   stops it                                    (lab/lab down)
#     make test        unit tests, growth, nginx's own way of building, the suites in all modes,
#                      lyncctl's own tests, the examples
#                                     (ctest, t/nginx-build, t/run, t/lyncctl/*_test, t/docs/examples)
#     make bench       what the module costs, beside nginx by hand  (bench/run; BENCH=--quick)
#     make deb         Debian packages of the committed source      (packaging/build)
#     make package-test  installs, upgrades and removes them in a Debian of its own (t/packages)
#     make docs-test   the examples, and what the documentation has people type (t/docs)
#     make keepalived-test  two proxies, one of which fails         (t/failover)
#     make acme-test   certificates by certbot from a CA on loopback  (t/acme)
#     make container-test  packaging/Containerfile, built and run   (t/container)
#     make browser-test  the status page in Chromium, Prometheus with the alert rules, counters over
#                      100,000 requests, 5,000 names              (t/status)
#     make storm       500 identities at random, none may cross     (t/auth/storm.py)
#     make soak        50 reloads with 1,000 pending GETs held      (t/pools/reloads.py; SOAK=...)
#     make guesses     lyncsmash's attacks, and a million invented names   (t/hostile; FLOOD=...)
#     make test-hard   all of it in a sanitized nginx, memory that runs out, killed workers (t/hostile)
#     make coverage    lines and branches that all of it together reaches     (t/coverage)
#     make fuzz        builds and runs the fuzz targets, two at a time: t/fuzz/README.md
#     make growth      whether the time of each fuzz target is linear in its input
#     make bench-verdict  what a verdict costs, and a row of the shield at worst  (bench/*.cpp)
#     make deps        installs what is missing of the Debian packages to build and to run
#     make test-deps   those of the tests as well
#     make clean       removes build/
#
# demo and test begin on a bare Debian 12: they install, build and run. Variables:
#
#     BUILD              directory of all that is generated (build)
#     NGINX_BINARY       the nginx to run (/usr/sbin/nginx); not called NGINX, from which nginx
#                        itself takes the sockets that another nginx hands over
#     NGINX_SOURCE_DIR   build for the nginx built in this source tree, not for the installed one
#     JOBS               compilers side by side (the number of processors)
#     SUITES             suites side by side (4: they wait more than they compute)
#     CMAKE_FLAGS        further arguments of cmake
#     FUZZ_SECONDS       how long each fuzz target runs (1800)
#     GROWTH             inputs of each target of make growth (300)

BUILD            ?= build
NGINX_BINARY     ?= /usr/sbin/nginx
NGINX_SOURCE_DIR ?=
JOBS             ?= $(shell nproc)
SUITES           ?= 4
CMAKE_FLAGS      ?=
FUZZ_SECONDS     ?= 1800
GROWTH           ?= 300

# Suites that ask nginx for its opinion of a configuration (t/9*.t) start one nginx after the other
# themselves: the modes in which Test::Nginx runs its own make no difference to them. Those of pools
# bring workers, reloads and second instances of their own, and begin with nothing shared. t/34 asks
# one question thousands of times, of which no answer depends on another.
LIVE_SUITES = $(filter-out t/34% t/37-lockout-store% t/37-sign-in-lab% t/9% t/55% t/56% t/57% t/58% \
    t/59% t/81%,$(wildcard t/*.t))

MODULE := $(abspath $(BUILD))/ngx_lync_module.so
export BUILD NGINX_BINARY NGINX_SOURCE_DIR JOBS

# To build and to run.
PACKAGES := nginx nginx-dev cmake g++ make pkg-config libssl-dev libpcre2-dev zlib1g-dev libidn2-dev libunistring-dev libfmt-dev \
    libhiredis-dev

# Of lyncctl.
PACKAGES += libcli11-dev libpugixml-dev nlohmann-json3-dev libcurl4-openssl-dev libc-ares-dev

# Of the lab.
LAB_PACKAGES := openssl curl python3

# Of unit tests, and of lyncctl's own.
TEST_PACKAGES := $(LAB_PACKAGES) catch2 nftables iproute2 util-linux

# Of the suites: what Test::Nginx::Socket stands on, the suites' own TLS client, and the tools they call.
TEST_PACKAGES += perl libtest-base-perl libtest-longstring-perl libtext-diff-perl libipc-run-perl \
    liblist-moreutils-perl libfilter-perl liburi-perl libwww-perl libhttp-message-perl \
    libio-socket-ssl-perl libnet-ssleay-perl nghttp2-client procps psmisc binutils

# Real servers for connection_auth: NTLM by Apache, Kerberos with a KDC.
TEST_PACKAGES += apache2-bin libapache2-mod-auth-gssapi gss-ntlmssp krb5-kdc krb5-admin-server \
    krb5-user python3-requests-ntlm python3-gssapi

# The status as its schema says.
TEST_PACKAGES += python3-jsonschema

# What several proxies share counts in.
TEST_PACKAGES += redis-server

# A real DNS server for servers given by name.
TEST_PACKAGES += dnsmasq-base

.PHONY: fuzz growth bench-verdict
.PHONY: install uninstall tool-tests test-deps lab-deps build-and-tests
.PHONY: all build deps demo demo-up demo-down test unit nginx-build suites examples test-nginx bench storm soak test-hard hostile guesses clean
.PHONY: acme-test browser-test deb docs-test keepalived-test container-test package-test coverage coverage-run

all: build

# Silent when nothing is missing. A package that another one provides counts as there.
deps:
	@missing=; \
	installed=$$(dpkg-query -W -f '$${db:Status-Abbrev} $${Package}, $${Provides}\n' | \
	    sed -n 's/^ii *//p' | sed 's/ ([^)]*)//g; s/, */\n/g'); \
	for package in $(PACKAGES); do \
	    printf '%s\n' "$$installed" | grep -qx "$$package" || missing="$$missing $$package"; \
	done; \
	test -n "$$missing" || exit 0; \
	sudo=; \
	if test "$$(id -u)" != 0; then \
	    if ! command -v sudo >/dev/null; then \
	        echo "missing packages:$$missing; run as root: apt-get install$$missing" >&2; \
	        exit 1; \
	    fi; \
	    sudo=sudo; \
	fi; \
	echo "installing:$$missing"; \
	$$sudo apt-get -q update && \
	$$sudo env DEBIAN_FRONTEND=noninteractive \
	    apt-get -q -y --no-install-recommends install $$missing

# After deps, not beside it: apt-get runs once at a time.
lab-deps: deps
	@$(MAKE) --no-print-directory deps PACKAGES="$(LAB_PACKAGES)"

test-deps: deps
	@$(MAKE) --no-print-directory deps PACKAGES="$(TEST_PACKAGES)"

build: deps
	@mkdir -p $(BUILD)
	@cmake -S . -B $(BUILD) -DNGINX_SOURCE_DIR=$(NGINX_SOURCE_DIR) $(CMAKE_FLAGS) \
	    >$(BUILD)/cmake.log 2>&1 || { cat $(BUILD)/cmake.log; exit 1; }
	cmake --build $(BUILD) -j $(JOBS)

# Where Debian's packages put it, too: nginx reads modules-enabled/*.conf, and the same name can't be
# loaded twice.
MODULES_DIR ?= /usr/lib/nginx/modules
MODULE_CONF  = /usr/share/nginx/modules-available/mod-http-lync.conf
ENABLED      = /etc/nginx/modules-enabled/50-mod-http-lync.conf
COMPLETION   = /usr/share/bash-completion/completions/lyncctl
install: build
	install -D -s -m 644 $(MODULE) $(DESTDIR)$(MODULES_DIR)/ngx_lync_module.so
	install -D -m 644 /dev/null $(DESTDIR)$(MODULE_CONF)
	echo 'load_module $(MODULES_DIR)/ngx_lync_module.so;' > $(DESTDIR)$(MODULE_CONF)
	install -d $(DESTDIR)$(dir $(ENABLED))
	ln -sf $(MODULE_CONF) $(DESTDIR)$(ENABLED)
	install -D -s -m 755 $(BUILD)/lyncctl $(DESTDIR)/usr/bin/lyncctl
	install -D -m 644 docs/lyncctl.8 $(DESTDIR)/usr/share/man/man8/lyncctl.8
	install -D -m 644 docs/lync_publish.5 $(DESTDIR)/usr/share/man/man5/lync_publish.5
	install -D -m 644 src/lyncctl/lyncctl.bash $(DESTDIR)$(COMPLETION)

uninstall:
	rm -f $(addprefix $(DESTDIR),$(ENABLED) $(MODULE_CONF) $(MODULES_DIR)/ngx_lync_module.so \
	    /usr/bin/lyncctl /usr/share/man/man8/lyncctl.8 /usr/share/man/man5/lync_publish.5 $(COMPLETION))

demo demo-up demo-down: export LAB_DIR = $(abspath $(BUILD))/lab
demo demo-up: export LYNC_MODULE = $(MODULE)
demo: lab-deps build
	lab/lab demo

demo-up: lab-deps build
	lab/lab up

demo-down:
	lab/lab down

# The suites run as they are, after a reload instead of a start, and with several workers on random
# ports: each way has its own mistakes to find.
test: unit growth nginx-build suites tool-tests examples hostile

# The unit tests are built where Catch2 is there before cmake looks for it.
build-and-tests: test-deps
	@$(MAKE) --no-print-directory build

unit: build-and-tests
	cd $(BUILD) && ctest --output-on-failure -j $(JOBS) --no-tests=error

nginx-build: build-and-tests
	t/nginx-build

suites: build-and-tests test-nginx
	t/run -j $(SUITES)
	t/run -j $(SUITES) --hup $(filter-out t/37-lockout% t/39% t/55%,$(LIVE_SUITES)) # holds, builds and failures outlive blocks
	t/run -j $(SUITES) --workers 2 --random $(LIVE_SUITES)

# lyncctl against worlds of its own: servers with one fault each, the lab, network namespaces. What
# it says of configurations the suites ask (t/9*.t).
tool-tests: build-and-tests
	printf '%s\n' t/lyncctl/*_test | xargs -P $(JOBS) -I {} sh -c \
	    'said=$$(timeout 600 {} 2>&1); code=$$?; printf "== %s\n%s\n" {} "$$said"; exit $$code'

# Beside Debian's default site, so with Debian's nginx.
examples: build-and-tests
	@if test -n "$(NGINX_SOURCE_DIR)" -o "$(NGINX_BINARY)" != /usr/sbin/nginx -o ! -e /etc/nginx/sites-enabled/default; \
	then echo "t/docs/examples is skipped: this isn't Debian's nginx with its default site"; \
	elif unshare --net --mount --pid --fork --mount-proc true 2>/dev/null; then t/docs/examples; \
	else echo "t/docs/examples is skipped: it needs root and namespaces"; fi

# Both sides hostile, for half a minute: t/hostile/requests. More of it: make hostile HOSTILE='--seconds 1800'.
HOSTILE ?= --seconds 30
hostile: build-and-tests
	t/hostile/requests --seed 1 --module $(MODULE) --nginx $(NGINX_BINARY) $(HOSTILE)

# As root: in namespaces, with the lab's stand-ins behind it.
docs-test: examples
	@$(MAKE) --no-print-directory deps PACKAGES="jq"
	t/docs/run
	t/docs/install

keepalived-test: build-and-tests
	@$(MAKE) --no-print-directory deps PACKAGES="keepalived"
	t/failover/run

acme-test: build-and-tests
	@$(MAKE) --no-print-directory deps PACKAGES="pebble certbot shellcheck curl"
	t/acme/run

test-nginx: test-deps
	@t/fetch-test-nginx $(BUILD)

# Heavy, and a matter of minutes: a browser, a Prometheus, npm for axe-core. Prometheus is unpacked
# below BUILD, not installed: Debian's package would start a service. 77 says that something isn't
# there.
browser-test: build-and-tests
	@command -v chromium >/dev/null && command -v chromedriver >/dev/null || \
	    $(MAKE) deps PACKAGES="chromium chromium-driver fonts-dejavu-core"
	t/status/fetch-prometheus $(BUILD)/prometheus
	t/status/browser.py
	t/status/scrape.py
	t/status/count.py
	t/status/scale.py

FLOOD ?= --names 1000000
guesses: build-and-tests
	@$(MAKE) --no-print-directory deps PACKAGES=wrk
	t/hostile/lyncsmash --module $(MODULE) --nginx $(NGINX_BINARY)
	t/hostile/flood $(FLOOD) --module $(MODULE) --nginx $(NGINX_BINARY)

# An nginx in which mistakes show, and the module built for it: units, suites, lyncctl's own tests,
# memory that runs out, workers that are killed. t/82 bounds address space, of which sanitizers take
# more than there is.
HARD = $(abspath $(BUILD))/hard
HARD_NGINX = $(HARD)/nginx/nginx/objs/nginx
HARD_ENV = LSAN_OPTIONS=suppressions=$(abspath t/hostile/leaks):print_suppressions=0 \
    ASAN_OPTIONS=detect_leaks=1:exitcode=0:fast_unwind_on_malloc=0
test-hard: build-and-tests test-nginx
	@$(MAKE) --no-print-directory deps PACKAGES="dpkg-dev xz-utils"
	t/hostile/build-nginx $(HARD)/nginx
	cmake -S . -B $(HARD) -DNGINX_SOURCE_DIR=$(HARD)/nginx/nginx -DCMAKE_BUILD_TYPE=Debug \
	    -DLYNC_SANITIZE=address,undefined $(CMAKE_FLAGS)
	cmake --build $(HARD) -j $(JOBS)
	cd $(HARD) && ctest --output-on-failure -j $(JOBS)
	t/run -j $(SUITES) --hard $(filter-out t/82%,$(wildcard t/*.t))
	$(MAKE) --no-print-directory tool-tests LYNCCTL=$(HARD)/lyncctl
	$(HARD_ENV) t/hostile/allocations --module $(HARD)/ngx_lync_module.so --nginx $(HARD_NGINX)
	$(HARD_ENV) t/hostile/kills 60 --module $(HARD)/ngx_lync_module.so --nginx $(HARD_NGINX)
	$(HARD_ENV) t/hostile/requests --module $(HARD)/ngx_lync_module.so --nginx $(HARD_NGINX) $(HOSTILE)

# Units, suites in one mode, lyncctl's own tests and the hostile programs, counted by gcov. Processes of
# several users write into the same files when they exit.
COVERAGE = $(abspath $(BUILD))/coverage
COVERAGE_FLAGS = -DCMAKE_BUILD_TYPE=Debug $(addprefix -DCMAKE_,$(addsuffix =--coverage,\
    C_FLAGS CXX_FLAGS SHARED_LINKER_FLAGS))
coverage: test-nginx
	@$(MAKE) --no-print-directory deps PACKAGES=gcovr
	@mkdir -p $(COVERAGE) && ln -sfn ../test-nginx $(COVERAGE)/test-nginx
	find $(COVERAGE) -name '*.gcda' -delete
	umask 0 && $(MAKE) --no-print-directory coverage-run BUILD=$(COVERAGE) CMAKE_FLAGS="$(COVERAGE_FLAGS)"
	t/coverage $(COVERAGE)

coverage-run: unit
	t/run -j $(SUITES)
	$(MAKE) --no-print-directory tool-tests hostile
	t/hostile/allocations --module $(MODULE) --nginx $(NGINX_BINARY)
	t/hostile/kills 20 --module $(MODULE) --nginx $(NGINX_BINARY)

# Measurements want a machine of their own.
bench: build-and-tests
	@$(MAKE) --no-print-directory deps PACKAGES="wrk valgrind haproxy"
	bench/run --module $(MODULE) $(BENCH)

storm: build-and-tests
	t/auth/storm.py --module $(MODULE) $(STORM)

soak: build-and-tests
	t/pools/reloads.py --module $(MODULE) --nginx $(NGINX_BINARY) $(SOAK)

DEB_PACKAGES = nginx build-essential git debhelper \
    $$(sed -n '/^Build-Depends/,/^Standards/s/.* \([a-z][a-z0-9+.-]*\),*$$/\1/p' packaging/debian/control | xargs)
deb:
	@$(MAKE) --no-print-directory deps PACKAGES="$(DEB_PACKAGES)"
	packaging/build $(BUILD)/deb

package-test:
	@$(MAKE) --no-print-directory deps PACKAGES="$(DEB_PACKAGES) debootstrap lintian openssl curl"
	t/packages $(BUILD)

container-test:
	@$(MAKE) --no-print-directory deps PACKAGES="podman crun runc debootstrap openssl"
	t/container $(BUILD)

# With clang's libFuzzer. New inputs go to BUILD/fuzz/corpus, what breaks
# a promise to BUILD/fuzz/findings; the first finding of a target ends it and fails the run.
FUZZ_CXX   ?= clang++
FUZZ_TARGETS = judge path shield meeting_url credentials account sign_in check_answer reader import_arr import_pfsense import_nginx import_topology
FUZZ_FLAGS   = -std=c++20 -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -Isrc
FUZZ_LIBS    = -lpugixml -lidn2 -lunistring -lssl -lcrypto -lpcre2-8
FUZZ_PROGRAMS = $(FUZZ_TARGETS:%=$(BUILD)/fuzz/fuzz_%)

# What the targets ask, compiled once.
FUZZ_SOURCES = $(wildcard $(addprefix src/,base/*.cpp accounts/*.cpp config/*.cpp policy/*.cpp plan/*.cpp balance/*.cpp \
    lyncctl/import/*.cpp)) $(addprefix src/lyncctl/,addresses.cpp reader.cpp files.cpp output.cpp)
FUZZ_OBJECTS = $(FUZZ_SOURCES:src/%.cpp=$(BUILD)/fuzz/objects/%.o)

fuzz:
	@$(MAKE) --no-print-directory deps PACKAGES="clang libclang-rt-14-dev libfmt-dev libidn2-dev libunistring-dev libpcre2-dev libssl-dev \
	    libcli11-dev libpugixml-dev nlohmann-json3-dev"
	$(MAKE) -j $(JOBS) $(FUZZ_PROGRAMS)
	@mkdir -p $(BUILD)/fuzz/findings
	printf '%s\n' $(FUZZ_TARGETS) | xargs -P 2 -I '{}' t/fuzz/run '{}' $(BUILD)/fuzz $(FUZZ_SECONDS)

# The same targets, asked how their time grows with the input.
GROWTH_PROGRAMS = $(FUZZ_TARGETS:%=$(BUILD)/fuzz/growth_%)
growth: build-and-tests
	@$(MAKE) --no-print-directory deps PACKAGES="libpugixml-dev nlohmann-json3-dev"
	@mkdir -p $(BUILD)/fuzz
	$(MAKE) -j $(JOBS) $(GROWTH_PROGRAMS)
	printf '%s\n' $(FUZZ_TARGETS) | xargs -I '{}' t/fuzz/run '{}' $(BUILD)/fuzz growth $(GROWTH)

$(BUILD)/fuzz/growth_%: t/fuzz/fuzz_%.cpp t/fuzz/growth.cpp $(BUILD)/liblync_tool.a $(BUILD)/liblync_core.a $(wildcard t/fuzz/*.h)
	$(CXX) -std=c++20 -O2 -DNDEBUG -Isrc -o $@ $(filter %.cpp %.a,$^) $(FUZZ_LIBS)

$(BUILD)/fuzz/objects/%.o: src/%.cpp
	@mkdir -p $(@D)
	$(FUZZ_CXX) $(FUZZ_FLAGS) -c -MMD -MP -o $@ $<

$(BUILD)/fuzz/fuzzed.a: $(FUZZ_OBJECTS)
	rm -f $@
	ar rcs $@ $^

$(BUILD)/fuzz/fuzz_%: t/fuzz/fuzz_%.cpp $(BUILD)/fuzz/fuzzed.a
	$(FUZZ_CXX) $(FUZZ_FLAGS) -MMD -MP -o $@ $(filter %.cpp %.a,$^) $(FUZZ_LIBS)

.SECONDARY: $(FUZZ_OBJECTS)
-include $(FUZZ_OBJECTS:.o=.d) $(FUZZ_PROGRAMS:=.d)

bench-verdict:
	@$(MAKE) --no-print-directory deps PACKAGES="g++ libbenchmark-dev libpcre2-dev libidn2-dev libunistring-dev libfmt-dev"
	@mkdir -p $(BUILD)
	$(CXX) -std=c++20 -O2 -DNDEBUG -Isrc -o $(BUILD)/bench_verdict bench/verdict.cpp \
	    src/policy/*.cpp src/base/*.cpp -lpcre2-8 -lidn2 -lbenchmark -lpthread
	$(CXX) -std=c++20 -O2 -DNDEBUG -Isrc -o $(BUILD)/bench_shield bench/shield.cpp \
	    src/policy/*.cpp src/base/*.cpp -lpcre2-8 -lidn2
	$(BUILD)/bench_shield
	$(BUILD)/bench_verdict --benchmark_repetitions=9 --benchmark_report_aggregates_only=true

# Only what was generated; a lab that still runs is stopped first.
clean:
	@test ! -d $(BUILD)/lab || lab/lab down
	rm -rf $(BUILD)
