#include "common/base/mapping.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct mapping {
    _Atomic(struct mapping *) next; /* of all that there are */
    uint8_t *reserved;              /* address space, of which the mapping is a part */
    size_t reserved_size;
    uint8_t *bytes;
    size_t size;
    int descriptor;
    _Atomic bool broken;
};

static _Atomic(struct mapping *) mappings;
static size_t page_size;

static int map_at(const struct mapping *mapping, size_t from, size_t length)
{
    void *at = mmap(mapping->bytes + from, length, PROT_READ, MAP_SHARED | MAP_FIXED,
                    mapping->descriptor, (off_t)from);
    return at == MAP_FAILED ? -errno : 0;
}

/* ---- a file that cannot be read ----------------------------------------------------------- */

/* The system says so by SIGBUS, to whoever reads. What cannot be had is zeros from then on, so that
 * the reading goes on to where it is asked whether it counts. (mmap(2) is no more than its system
 * call, which a handler may make.) */
static void on_bus_error(int number, siginfo_t *info, void *context)
{
    int before = errno;
    const uint8_t *at = info->si_addr;
    (void)context;
    struct mapping *mapping = atomic_load(&mappings);
    while (mapping && (at < mapping->bytes || at >= mapping->bytes + mapping->size))
        mapping = atomic_load(&mapping->next);
    if (!mapping) {
        signal(number, SIG_DFL); /* it happens again, and ends the process */
        return;
    }
    size_t from = (size_t)(at - mapping->bytes) / page_size * page_size;
    atomic_store(&mapping->broken, true);
    void *zeros = mmap(mapping->bytes + from, mapping->size - from, PROT_READ,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
    if (zeros == MAP_FAILED)
        signal(number, SIG_DFL);
    errno = before;
}

static void be_listed(struct mapping *mapping)
{
    struct sigaction action = {.sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO};
    page_size = (size_t)sysconf(_SC_PAGESIZE);
    if (!atomic_load(&mappings))
        sigaction(SIGBUS, &action, NULL);
    atomic_store(&mapping->next, atomic_load(&mappings));
    atomic_store(&mappings, mapping);
}

static void be_unlisted(const struct mapping *mapping)
{
    _Atomic(struct mapping *) *at = &mappings;
    while (atomic_load(at) && atomic_load(at) != mapping)
        at = &atomic_load(at)->next;
    if (atomic_load(at))
        atomic_store(at, atomic_load(&mapping->next));
}

/* ---- the object --------------------------------------------------------------------------- */

/* Pieces begin where the system's tables of pages do, so that these go with them: otherwise they
 * would be what a large file takes. */
static int map(struct mapping *mapping)
{
    mapping->reserved_size = mapping->size + MAPPING_PIECE;
    void *reserved = mmap(NULL, mapping->reserved_size, PROT_NONE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (reserved == MAP_FAILED)
        return -errno;
    mapping->reserved = reserved;
    mapping->bytes = mapping->reserved + -(uintptr_t)reserved % MAPPING_PIECE;
    return map_at(mapping, 0, mapping->size);
}

struct mapping *mapping_new(int descriptor, uint64_t size, int *error)
{
    struct mapping *mapping = calloc(1, sizeof *mapping);
    *error = -ENOMEM;
    if (!mapping)
        return NULL;
    mapping->size = size;
    mapping->descriptor = fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
    *error = mapping->descriptor < 0 ? -errno : map(mapping);
    if (*error)
        mapping_free(&mapping);
    else
        be_listed(mapping);
    return mapping;
}

const uint8_t *mapping_bytes(const struct mapping *mapping)
{
    return mapping->bytes;
}

uint64_t mapping_size(const struct mapping *mapping)
{
    return mapping->size;
}

int mapping_descriptor(const struct mapping *mapping)
{
    return mapping->descriptor;
}

/* Mapped anew, the pages are gone, and their tables with them. Where that fails they stay. */
void mapping_release(struct mapping *mapping, uint64_t from, uint64_t to)
{
    uint64_t first = from / MAPPING_PIECE * MAPPING_PIECE;
    uint64_t last = to / MAPPING_PIECE * MAPPING_PIECE;
    if (first < last && last <= mapping->size && !mapping_broken(mapping))
        map_at(mapping, first, last - first);
}

bool mapping_broken(const struct mapping *mapping)
{
    return atomic_load_explicit(&mapping->broken, memory_order_relaxed);
}

void mapping_free(struct mapping **mapping)
{
    struct mapping *m = *mapping;
    if (!m)
        return;
    be_unlisted(m);
    if (m->reserved)
        munmap(m->reserved, m->reserved_size);
    if (m->descriptor >= 0)
        close(m->descriptor);
    free(m);
    *mapping = NULL;
}
