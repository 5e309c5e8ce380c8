# tapline: build, test, install. `make help` lists what there is.

CC      ?= gcc
PREFIX  ?= /usr/local
OPT     ?= -O2
STAGES  := reader tracker classifier extractor sink lobby
PACKAGES := libzmq libpcap msgpack json-c libcrypto zlib libzstd libxxhash

# Every variant (compiler, sanitizers) builds into a folder of its own, so that none spoils another.
comma   := ,
VARIANT := $(notdir $(CC))$(if $(SANITIZE),-$(subst $(comma),-,$(SANITIZE)))$(if $(FUZZING),-fuzzing)
BUILD   := build/$(VARIANT)

WARNINGS := -Wall -Wextra -Werror -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
            -Wpointer-arith -Wcast-qual -Wwrite-strings -Wvla -Wformat=2 -Wundef
CPPFLAGS += -I. -Iinclude -D_GNU_SOURCE -isystem /usr/share/include/llhttp
CFLAGS   += -std=c11 $(OPT) -g $(WARNINGS) -MMD -MP $(shell pkg-config --cflags $(PACKAGES) 2>/dev/null)
LDLIBS   += $(shell pkg-config --libs $(PACKAGES) 2>/dev/null) -lresolv -lm
ifdef SANITIZE
CFLAGS  += -fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer
LDFLAGS += -fsanitize=$(SANITIZE)
endif
ifdef FUZZING
CFLAGS  += -fsanitize=fuzzer-no-link
endif

PROGRAMS := $(STAGES:%=$(BUILD)/bin/tapline-%)

.PHONY: all
all: $(PROGRAMS)

# ---- libraries and programs: common, and one library and one program for each stage ----------

objects = $(patsubst %.c,$(BUILD)/%.o,$(filter-out %/main.c,$(1)))
COMMON_OBJECTS := $(call objects,$(wildcard common/*/*.c))

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

$(BUILD)/common.a: $(COMMON_OBJECTS)
	@rm -f $@
	@ar rcsP $@ $^

# llhttp comes as sources that its package leaves to be compiled by whoever uses it.
LLHTTP_OBJECTS := $(patsubst %,$(BUILD)/llhttp/%.o,api http llhttp)
$(BUILD)/llhttp/%.o: /usr/share/llhttp/%.c
	@mkdir -p $(@D)
	$(CC) -I/usr/share/include/llhttp $(filter-out $(WARNINGS),$(CFLAGS)) -w -c -o $@ $<
EXTRA_extractor = $(LLHTTP_OBJECTS)

define STAGE
$(BUILD)/$(1).a: $(call objects,$(wildcard stages/$(1)/*.c)) $$(EXTRA_$(1))
	@mkdir -p $$(@D)
	@rm -f $$@
	@ar rcsP $$@ $$^
$(BUILD)/bin/tapline-$(1): $(BUILD)/stages/$(1)/main.o $(BUILD)/$(1).a $(BUILD)/common.a
	@mkdir -p $$(@D)
	$$(CC) $$(LDFLAGS) -o $$@ $$^ $$(LDLIBS)
.PHONY: stage-$(1)
stage-$(1): $(BUILD)/$(1).a $$(if $$(wildcard stages/$(1)/main.c),$(BUILD)/bin/tapline-$(1))
endef
$(foreach stage,$(STAGES),$(eval $(call STAGE,$(stage))))

# ---- tests: every area has unit tests and fuzz targets, linked with its library and common ----

AREAS := common $(STAGES)

define AREA
LIBRARY_$(1) := $(if $(filter common,$(1)),,$(BUILD)/$(1).a) $(BUILD)/common.a
UNITS_$(1) := $$(patsubst %.c,$(BUILD)/%,$$(wildcard tests/unit/$(1)/test_*.c))
FUZZERS_$(1) := $$(patsubst %.c,$(BUILD)/%,$$(wildcard tests/fuzz/$(1)/fuzz_*.c))
.PHONY: unit-$(1) fuzz-replay-$(1) fuzz-$(1)
$$(UNITS_$(1)): %: %.o $$(LIBRARY_$(1))
	$$(CC) $$(LDFLAGS) -o $$@ $$^ -lcmocka $$(LDLIBS)
$$(FUZZERS_$(1)): %: %.o $$(if $(FUZZING),,$(BUILD)/tests/fuzz/replay.o) $$(LIBRARY_$(1))
	$$(CC) $$(LDFLAGS) $(if $(FUZZING),-fsanitize=fuzzer) -o $$@ $$^ $$(LDLIBS)
unit-$(1): $$(UNITS_$(1))
	@set -e; for test in $$^; do $$$$test; done
fuzz-replay-$(1): $$(FUZZERS_$(1))
	@set -e; for target in $$^; do $$$$target tests/fuzz/corpus/$$$$(basename $$$$target); done
ifdef FUZZING
fuzz-$(1): $$(FUZZERS_$(1))
	@set -e; for target in $$^; do tests/fuzz/run $$$$target $(FUZZ_SECONDS); done
else
fuzz-$(1):
	@$$(MAKE) --no-print-directory CC=clang FUZZING=1 SANITIZE=address,undefined fuzz-$(1)
endif
endef
FUZZ_SECONDS ?= 30
$(foreach area,$(AREAS),$(eval $(call AREA,$(area))))

.PHONY: unit fuzz fuzz-replay clean help
unit: $(AREAS:%=unit-%)
fuzz: $(AREAS:%=fuzz-%)
fuzz-replay: $(AREAS:%=fuzz-replay-%)

clean:
	rm -rf build

help:
	@echo "make                 build the programs into $(BUILD)/bin"

.SECONDARY:
-include $(shell find build -name '*.d' 2>/dev/null)
