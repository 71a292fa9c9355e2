# SPDX-License-Identifier: GPL-2.0-only

all:

include common.mk

# dkms knows the module's source by this version.
DKMS_VERSION ?= $(VERSION)
DKMS_SOURCE = /usr/src/kevents-$(DKMS_VERSION)

KVER ?= $(shell uname -r)
KDIR ?= /lib/modules/$(KVER)/build
KRELEASE = $(shell sed -n 's/.*UTS_RELEASE "\(.*\)"/\1/p' $(call quote,$(KDIR)/include/generated/utsrelease.h))

all: module lib tools ## module for the running kernel (or KVER=, KDIR=), library, command

help: ## lists the targets
	@sed -n 's/^\([a-z-]*\):.* ## /\1\t/p' Makefile | expand -t 16

# The kernel's build writes beside the sources, so each kernel gets a tree of
# links to them.
module: ## build/module/KERNEL/src/kevents.ko
	@test -e $(call quote,$(KDIR)/Makefile) || { \
		echo 'no kernel headers in' $(call quote,$(KDIR))': install them, or set KVER= or KDIR=' >&2; \
		exit 1; }
	@set -e; tree=$(BUILD)/module/$(KRELEASE); mkdir -p $$tree/src; \
	find $$tree -type l -delete; ln -sr include VERSION $$tree; ln -sr src/* $$tree/src; \
	$(MAKE) -C $(KDIR) M=$(abspath $(BUILD))/module/$(KRELEASE)/src \
		$(if $(shell grep -s '^CONFIG_CC_IS_CLANG=y' $(call quote,$(KDIR)/.config)),LLVM=1) modules

lib: ## build/lib/libkevents.so, .a and kevents.pc
	$(MAKE) -C libkevents

tools: lib ## build/tools/kevents, the command
	$(MAKE) -C tools

apps: lib ## the two applications of tests/apps
	$(MAKE) -C tests/apps

# Against the library as it is once installed.
examples: stage := $(abspath $(BUILD))/stage
examples: lib ## the programs of examples/
	$(MAKE) -s -C libkevents install DESTDIR=$(stage)
	PKG_CONFIG_PATH=$(call quote,$(stage)$(LIBDIR)/pkgconfig) PKG_CONFIG_SYSROOT_DIR=$(stage) \
		$(MAKE) -C examples OUT=$(abspath $(BUILD))/examples

# What the manual shows, for the tests.
docs: lib
	$(MAKE) -C tests/docs

install: lib tools ## all but the module into DESTDIR, PREFIX, LIBDIR, MANDIR
	$(MAKE) -C libkevents install
	$(MAKE) -C tools install
	$(MAKE) -C man install

install-dkms: ## the module's source for dkms into DESTDIR/usr/src
	install -d $(call in,$(DKMS_SOURCE)/src) $(call in,$(DKMS_SOURCE)/include/uapi/linux)
	install -m 644 VERSION $(call in,$(DKMS_SOURCE))
	install -m 644 include/uapi/linux/*.h $(call in,$(DKMS_SOURCE)/include/uapi/linux)
	install -m 644 src/*.[ch] src/Kbuild $(call in,$(DKMS_SOURCE)/src)
	sed 's/^PACKAGE_VERSION=.*/PACKAGE_VERSION="$(DKMS_VERSION)"/' dkms.conf >$(call in,$(DKMS_SOURCE)/dkms.conf)
	chmod 644 $(call in,$(DKMS_SOURCE)/dkms.conf)

deb: ## the Debian packages, in build/deb
	tests/deps/install build deb
	tests/packages/deb $(BUILD)/deb

# Where rpm manages the machine, rpmbuild itself says what is missing.
rpm: ## the RPM packages, in build/rpm
	rpm -q rpm >/dev/null 2>&1 || tests/deps/install build rpm
	tests/packages/rpm $(BUILD)/rpm

demo: ## builds everything, boots a virtual machine and shows what KEvents is for
	@tests/demo

check: ## runs the test suite in virtual machines (KERNEL= one of tests/vm/kernels)
	@tests/check $(if $(KERNEL),--kernel $(KERNEL))

check-long: ## runs the suites that make check leaves out: 32 bits, slow ones (KERNEL=)
	@tests/check --long $(if $(KERNEL),--kernel $(KERNEL))

check-harness: ## tests the build and the test commands
	tests/deps/install build kernel guest tests tests-32
	tests/harness/run

model: ## tries every order in which an event can meet a waiting receiver
	tests/model/run

check-kernels: ## runs the suite on kernels from 5.10 to the newest, arm64 and s390x (ONLY=PATTERN)
	tests/check-kernels $(if $(ONLY),--only '$(ONLY)')

check-debug: ## runs the suite on kernels that check memory, locks and data races (KERNEL=)
	tests/debug/check $(if $(KERNEL),--kernel $(KERNEL))

coverage: ## shows which lines and branches of the module are tested (ONLY=PATTERN, DATA=FILE)
	tests/coverage/run $(if $(ONLY),--only '$(ONLY)') $(if $(DATA),--data '$(DATA)')

bench: ## measures the cost of a message beside other queues (ONLY=PATTERN, KERNEL=)
	tests/bench/run $(if $(KERNEL),--kernel $(KERNEL)) $(if $(ONLY),--only '$(ONLY)')

bench-native: ## does so on this machine itself, which has to load the module
	tests/bench/native $(if $(ONLY),'$(ONLY)')

bench-profile: ## shows which functions of the kernel take the instructions (WHO=NAME/BYTES)
	tests/bench/profile/run $(WHO)

check-packages: ## tests the packages in fresh systems (SUITES= some of tests/packages/suites)
	tests/packages/check $(SUITES)

soak: ## kills clients in a storm of messages, for MINUTES= (20)
	tests/stress/soak/run $(or $(MINUTES),20)

fuzz: ## checks random calls by a model, for MINUTES= (10) from SEED= on (KERNEL=)
	tests/stress/fuzz/run $(or $(MINUTES),10) $(SEED) $(if $(KERNEL),--kernel $(KERNEL))

fuzz-others: ## lets stress-ng and trinity use the device, for MINUTES= (4) (KERNEL=)
	tests/stress/fuzz/others $(or $(MINUTES),4) $(if $(KERNEL),--kernel $(KERNEL))

shell: ## opens a shell in a virtual machine with the module
	tests/guest --interactive

lint: ## runs every static check
	tests/deps/install build kernel tests tests-32 lint
	tests/lint/run

retake: ## replaces the output in README's terminal sessions by the current one
	tests/docs/retake

picture: ## draws README's picture from docs/event.dot
	tests/deps/install picture
	docs/draw docs/event.dot >docs/event.svg

clean: ## removes what was built, keeps what was downloaded
	@rm -rf $(filter-out $(BUILD)/cache,$(wildcard $(BUILD)/*))

.PHONY: all help module lib tools apps examples docs install install-dkms deb rpm demo check model \
	check-debug check-harness check-kernels check-long check-packages coverage bench bench-native \
	bench-profile soak fuzz fuzz-others shell lint retake picture clean
