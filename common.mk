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

refusal := $(shell $(top)/tests/deps/path 'the path of this checkout' "$$(pwd -P)")
$(if $(refusal),$(error $(refusal)))

# $(call quote,TEXT): TEXT as one word of a shell command
quote = '$(subst ','\'',$(1))'

# $(call in,PLACE): the same for a place in what is installed
in = $(call quote,$(DESTDIR)$(1))

# $(call fill,NAME,TEXT,SCRIPT): a command of sed, as a word of a shell command, that
# puts TEXT in the place of @NAME@ once sed's SCRIPT has made it fit
fill = "s|@$(1)@|$$(printf '%s\n' $(call quote,$(2)) | sed -e $(call quote,$(3)) -e 's/[\\&|]/\\&/g')|"
