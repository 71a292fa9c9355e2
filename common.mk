# SPDX-License-Identifier: GPL-2.0-only
# What the makefiles share. Each includes it before anything else.

# Paths are relative to where make runs: the names in the dependency files hold in a
# checkout that was moved, too.
top := $(patsubst %/,%,$(dir $(lastword $(MAKEFILE_LIST))))
VERSION := $(shell cat $(top)/VERSION)

BUILD := $(top)/build
# On the command line it is absolute.
override BUILD := $(patsubst $(abspath $(top))/%,$(top)/%,$(BUILD))

PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
MANDIR ?= $(PREFIX)/share/man
