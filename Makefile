# tapline: build, test, install. `make help` lists what there is.

ifeq ($(origin CC),default)
CC      := gcc
endif
PREFIX  ?= /usr/local
# What sanitizers watch need not be as quick as it can be, but takes half as long to compile.
OPT     ?= $(if $(SANITIZE),-O1,-O3)
STAGES  := reader tracker classifier extractor sink lobby tap archive
PACKAGES := libzmq msgpack json-c libcrypto zlib libzstd libxxhash

# Every variant (compiler, sanitizers) builds into a folder of its own, so that none spoils another.
comma   := ,
VARIANT := $(notdir $(CC))$(if $(SANITIZE),-$(subst $(comma),-,$(SANITIZE)))$(if $(FUZZING),-fuzzing)
BUILD   := build/$(VARIANT)

WARNINGS := -Wall -Wextra -Werror -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
            -Wpointer-arith -Wcast-qual -Wwrite-strings -Wvla -Wformat=2 -Wundef
CPPFLAGS += -I. -Iinclude -D_GNU_SOURCE -isystem /usr/share/include/llhttp
CFLAGS   += -std=c11 $(OPT) -g $(WARNINGS) -MMD -MP $(shell pkg-config --cflags $(PACKAGES) 2>/dev/null)
LDLIBS   += $(shell pkg-config --libs $(PACKAGES) 2>/dev/null) -lresolv -lm
LDLIBS_archive := $(shell pkg-config --libs sqlite3 2>/dev/null)
LDLIBS_reader  := $(shell pkg-config --libs libpcap 2>/dev/null)
ifdef SANITIZE
CFLAGS  += -fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer
LDFLAGS += -fsanitize=$(SANITIZE)
endif
ifdef FUZZING
CFLAGS  += -fsanitize=fuzzer-no-link
endif

PROGRAMS := $(STAGES:%=$(BUILD)/bin/tapline-%)

.PHONY: all
all: $(PROGRAMS) library launcher

# ---- libraries and programs: common, and one library and one program for each stage ----------

# What every packet passes through is optimised by gcc as a whole when it is linked: that takes more
# than a tenth of the processor time off a run. Tests do without, as each of them would take so long
# to link; so do the variants that look for faults, and clang, which would need another linker.
ifeq ($(patsubst gcc%,gcc,$(notdir $(CC)))$(SANITIZE)$(FUZZING),gcc)
WHOLE        := -flto=auto -flto-partition=one
WHOLE_STAGES := reader tracker classifier extractor sink
WHOLE_COMMON := $(wildcard common/base/*.c common/net/*.c common/recognise/*.c common/wire/*.c) \
                common/bus/dispatch.c common/bus/session.c
endif

# llhttp comes as sources that its package leaves to be compiled by whoever uses it.
LLHTTP          := $(patsubst %,llhttp/%.o,api http llhttp)
EXTRA_extractor := $(LLHTTP)

objects = $(patsubst %.c,$(BUILD)/%.o,$(filter-out %/main.c,$(1)))
wholes = $(patsubst %.c,$(BUILD)/whole/%.o,$(wildcard stages/$(1)/*.c) $(WHOLE_COMMON)) \
         $(EXTRA_$(1):%=$(BUILD)/whole/%)
# What a stage's program is linked from.
parts = $(if $(filter $(1),$(WHOLE_STAGES)),$(call wholes,$(1)),\
        $(BUILD)/stages/$(1)/main.o $(BUILD)/$(1).a) $(BUILD)/common.a
COMMON_OBJECTS := $(call objects,$(wildcard common/*/*.c))

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

$(BUILD)/whole/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(WHOLE) -c -o $@ $<

$(BUILD)/common.a: $(COMMON_OBJECTS)
	@rm -f $@
	@ar rcsP $@ $^

$(BUILD)/llhttp/%.o: /usr/share/llhttp/%.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(filter-out $(WARNINGS),$(CFLAGS)) -w -c -o $@ $<

$(BUILD)/whole/llhttp/%.o: /usr/share/llhttp/%.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(filter-out $(WARNINGS),$(CFLAGS)) $(WHOLE) -w -c -o $@ $<

define STAGE
$(BUILD)/$(1).a: $(call objects,$(wildcard stages/$(1)/*.c)) $(EXTRA_$(1):%=$(BUILD)/%)
	@mkdir -p $$(@D)
	@rm -f $$@
	@ar rcsP $$@ $$^
$(BUILD)/bin/tapline-$(1): $(call parts,$(1))
	@mkdir -p $$(@D)
	$$(CC) $$(OPT) $$(WHOLE) $$(LDFLAGS) -o $$@ $$^ $$(LDLIBS) $$(LDLIBS_$(1))
.PHONY: stage-$(1)
stage-$(1): $(BUILD)/bin/tapline-$(1)
endef
$(foreach stage,$(STAGES),$(eval $(call STAGE,$(stage))))

# ---- libtapline: what other programs listen with (<tapline/consumer.h>), and nothing else of ours --

LIBRARY  := $(BUILD)/lib
SONAME   := libtapline.so.1
LIBRARY_SOURCES := $(patsubst %,common/consumer/%.c,consumer heads intake value) \
                   common/wire/unpack.c common/bus/keys.c common/base/error.c
LIBRARY_OBJECTS := $(patsubst %.c,$(BUILD)/pic/%.o,$(LIBRARY_SOURCES))

.PHONY: library
library: $(LIBRARY)/libtapline.a $(LIBRARY)/libtapline.so

$(BUILD)/pic/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -fPIC -fvisibility=hidden -c -o $@ $<

# The static library is one object as well, so that only what the header names can be linked with.
$(LIBRARY)/libtapline.a: $(LIBRARY_OBJECTS)
	@mkdir -p $(@D)
	@rm -f $@
	ld -r -o $(@D)/tapline.o $^
	objcopy --localize-hidden $(@D)/tapline.o
	@ar rcs $@ $(@D)/tapline.o

$(LIBRARY)/$(SONAME): $(LIBRARY_OBJECTS)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -shared -Wl,-soname,$(SONAME) -o $@ $^ $(shell pkg-config --libs libzmq 2>/dev/null)

$(LIBRARY)/libtapline.so: $(LIBRARY)/$(SONAME)
	@ln -sf $(SONAME) $@

# ---- the launcher: compiled once, or every start of it would have to ---------------------------

# Python itself knows what has changed.
.PHONY: launcher
launcher:
	@python3 -m compileall -q deploy/launcher

# ---- tests: every area has unit tests and fuzz targets, linked with its library and common ----

AREAS := common $(STAGES)

define AREA
LIBRARY_$(1) := $(if $(filter common,$(1)),,$(BUILD)/$(1).a) $(BUILD)/common.a
UNITS_$(1) := $$(patsubst %.c,$(BUILD)/%,$$(wildcard tests/unit/$(1)/test_*.c))
FUZZERS_$(1) := $$(patsubst %.c,$(BUILD)/%,$$(wildcard tests/fuzz/$(1)/fuzz_*.c))
.PHONY: unit-$(1) fuzz-replay-$(1) fuzz-$(1)
$$(UNITS_$(1)): %: %.o $$(LIBRARY_$(1))
	$$(CC) $$(LDFLAGS) -o $$@ $$^ -lcmocka $$(LDLIBS) $$(LDLIBS_$(1))
$$(FUZZERS_$(1)): %: %.o $$(if $(FUZZING),,$(BUILD)/tests/fuzz/replay.o) $$(LIBRARY_$(1))
	$$(CC) $$(LDFLAGS) $(if $(FUZZING),-fsanitize=fuzzer) -o $$@ $$^ $$(LDLIBS) $$(LDLIBS_$(1))
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

.PHONY: unit fuzz fuzz-replay
unit: $(AREAS:%=unit-%)
fuzz: $(AREAS:%=fuzz-%)
fuzz-replay: $(AREAS:%=fuzz-replay-%)

.PHONY: test-programs
test-programs: all $(foreach area,$(AREAS),$(UNITS_$(area)) $(FUZZERS_$(area)))

# ---- measuring: tests/bench ------------------------------------------------------------------

BENCH_MAKER := $(patsubst %,$(BUILD)/tests/bench/%.o,workloads samples capture_writer segments)
$(BUILD)/tests/bench/workloads: $(BENCH_MAKER) $(BUILD)/reader.a $(BUILD)/common.a
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)
$(BUILD)/tests/bench/meter: $(BUILD)/tests/bench/meter.o
	$(CC) $(LDFLAGS) -o $@ $^

CORES := reader tracker classifier extractor sink
define CORE
$(BUILD)/tests/bench/core_$(1): $(BUILD)/tests/bench/core_$(1).o $(BUILD)/tests/bench/core.o \
                                $(filter-out %/main.o,$(call parts,$(1)))
	$$(CC) $$(OPT) $$(WHOLE) $$(LDFLAGS) -o $$@ $$^ $$(LDLIBS)
endef
$(foreach stage,$(CORES),$(eval $(call CORE,$(stage))))

.PHONY: bench-instructions
bench-instructions: all $(CORES:%=$(BUILD)/tests/bench/core_%)
	@tests/bench/instructions $(BUILD) $(CC)

.PHONY: bench
bench: all $(BUILD)/tests/bench/workloads $(BUILD)/tests/bench/meter
	@tests/bench/bench $(BUILD)

.PHONY: bench-growth
bench-growth: all $(BUILD)/tests/bench/workloads $(BUILD)/tests/bench/meter
	@tests/bench/growth $(BUILD)

# ---- what people type ---------------------------------------------------------------------------

.PHONY: demo test chaos install uninstall clean help
demo:
	@deploy/install-packages build
	@$(MAKE) --no-print-directory -s all
	@TZ=Asia/Shanghai deploy/tapline run tests/captures/demo/edge-node.pcap.gz build/demo

test:
	@deploy/install-packages test
	@tests/run

CHAOS_ROUNDS ?= 300
chaos: all
	@tests/chaos/chaos.py --rounds $(CHAOS_ROUNDS) $(CHAOS_SEED:%=--seed %)

BINDIR   = $(DESTDIR)$(PREFIX)/bin
SHAREDIR = $(DESTDIR)$(PREFIX)/share/tapline
LIBDIR   = $(DESTDIR)$(PREFIX)/lib
VERSION  := $(shell sed -n 's/.*TAPLINE_VERSION "\(.*\)"/\1/p' include/tapline/version.h)

install: all
	install -d $(BINDIR) $(addprefix $(SHAREDIR)/,launcher platforms topologies examples)
	install -d $(LIBDIR)/pkgconfig $(DESTDIR)$(PREFIX)/include/tapline
	install -m 755 $(PROGRAMS) deploy/tapline $(BINDIR)
	install -m 644 deploy/launcher/*.py $(SHAREDIR)/launcher
	python3 -m compileall -q $(SHAREDIR)/launcher
	install -m 644 deploy/platforms/* $(SHAREDIR)/platforms
	install -m 644 deploy/topologies/* $(SHAREDIR)/topologies
	install -m 644 deploy/examples/* $(SHAREDIR)/examples
	install -m 644 include/tapline/*.h $(DESTDIR)$(PREFIX)/include/tapline
	install -m 644 $(LIBRARY)/libtapline.a $(LIBRARY)/$(SONAME) $(LIBDIR)
	ln -sf $(SONAME) $(LIBDIR)/libtapline.so
	sed 's|@PREFIX@|$(PREFIX)|; s|@VERSION@|$(VERSION)|' deploy/tapline.pc.in > $(LIBDIR)/pkgconfig/tapline.pc

uninstall:
	rm -f $(STAGES:%=$(BINDIR)/tapline-%) $(BINDIR)/tapline
	rm -rf $(SHAREDIR) $(DESTDIR)$(PREFIX)/include/tapline
	rm -f $(LIBDIR)/libtapline.a $(LIBDIR)/$(SONAME) $(LIBDIR)/libtapline.so $(LIBDIR)/pkgconfig/tapline.pc

clean:
	rm -rf build deploy/launcher/__pycache__

help:
	@echo "make demo            install what is missing, build, run on a shipped capture"
	@echo "make test            the same, and every test"
	@echo "make                 build the programs into $(BUILD)/bin"
	@echo "make install         PREFIX=$(PREFIX), DESTDIR as usual; make uninstall"
	@echo "make unit-AREA       unit tests of common or of one stage; make unit: all of them"
	@echo "make fuzz            fuzz every decoder for FUZZ_SECONDS each; make fuzz-AREA"
	@echo "make bench           tapline beside its peers: BENCH_SCALE=0.1 for a quick look"
	@echo "make bench-growth    cost a packet by the length of a capture and by open connections"
	@echo "make bench-instructions   instructions a packet of every stage, against those known"
	@echo "make SANITIZE=address,undefined ...   the same in a build of its own; also CC=clang"
	@echo "make chaos           kill, stop and starve workers at random moments; CHAOS_ROUNDS, CHAOS_SEED"
	@echo "make clean"

.SECONDARY:
-include $(shell find build -name '*.d' 2>/dev/null)
