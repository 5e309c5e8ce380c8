#include "common/bus/realm.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "common/base/error.h"
#include "common/bus/region.h"

#ifndef MADV_COLLAPSE /* the system may know it though the C library's headers do not */
#define MADV_COLLAPSE 25
#endif

/* The realm's parts: one running system, its user, and what that user sees in /proc; and programs
 * that mean the same by what they find. */
struct realm {
    char boot[64];
    uint64_t layout, head_sizes[2];
    uint64_t processes, users; /* namespaces */
    uint64_t user;
};

static bool namespace_of(const char *path, uint64_t *number)
{
    struct stat status;
    bool known = stat(path, &status) == 0;
    *number = known ? status.st_ino : 0;
    return known;
}

static bool read_boot(char *boot, size_t size)
{
    FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");
    bool known = file && fgets(boot, (int)size, file);
    if (file)
        fclose(file);
    return known;
}

int realm_make(size_t size)
{
    int descriptor = memfd_create("tapline", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    /* Others rely on the size, and take it for a sign of life that this is locked. */
    if (descriptor >= 0 && ftruncate(descriptor, (off_t)size) == 0 &&
        fcntl(descriptor, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0 &&
        flock(descriptor, LOCK_SH) == 0)
        return descriptor;
    int error = -errno;
    if (descriptor >= 0)
        close(descriptor);
    return error;
}

int realm_open(uint64_t process, uint64_t descriptor, size_t *size)
{
    enum { FIXED = F_SEAL_SHRINK | F_SEAL_GROW };
    char path[64];
    struct stat status;
    snprintf(path, sizeof path, "/proc/%llu/fd/%llu", (unsigned long long)process,
             (unsigned long long)descriptor);
    int opened = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (opened < 0)
        return errno == ENOENT ? ERR_LOST : -errno;
    int seals = fcntl(opened, F_GET_SEALS);
    if (seals >= 0 && (seals & FIXED) == FIXED && fstat(opened, &status) == 0) {
        *size = (size_t)status.st_size;
        return opened;
    }
    close(opened);
    return ERR_MALFORMED;
}

void *realm_map(int descriptor, size_t from, size_t size, bool writable, int *error)
{
    int protection = writable ? PROT_READ | PROT_WRITE : PROT_READ;
    size_t page = (size_t)sysconf(_SC_PAGESIZE), pages = (size + page - 1) / page * page;
    size_t room = pages + REALM_LARGE_PAGE;
    uint8_t *all = mmap(NULL, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    *error = -errno;
    if (all == MAP_FAILED)
        return NULL;
    size_t before = -(uintptr_t)all % REALM_LARGE_PAGE, behind = REALM_LARGE_PAGE - before;
    void *memory = mmap(all + before, size, protection, MAP_SHARED | MAP_FIXED, descriptor,
                        (off_t)from);
    *error = memory == MAP_FAILED ? -errno : 0;
    if (*error) {
        munmap(all, room);
        return NULL;
    }
    if (before)
        munmap(all, before);
    munmap(all + room - behind, behind);
    return memory;
}

/* Where nothing was written yet there is nothing to join; what others may have written stays. */
bool realm_enlarge(void *pages)
{
    _Atomic uint8_t *first = pages;
    atomic_fetch_or_explicit(first, 0, memory_order_relaxed);
    return madvise(pages, REALM_LARGE_PAGE, MADV_COLLAPSE) == 0;
}

/* Does this system let memory be opened in that way? */
static bool can_be_opened(void)
{
    size_t size;
    int descriptor = realm_make(REGION_PAGE);
    int again = descriptor < 0 ? -1 : realm_open((uint64_t)getpid(), (uint64_t)descriptor, &size);
    if (again >= 0)
        close(again);
    if (descriptor >= 0)
        close(descriptor);
    return again >= 0;
}

uint64_t realm_number(void)
{
    struct realm realm = {.layout = REGION_LAYOUT,
                          .head_sizes = {sizeof(struct region), sizeof(struct stock_head)},
                          .user = geteuid()};
    /* Who is not dumpable (it has capabilities of its own, say) shows nobody its /proc. */
    if (prctl(PR_GET_DUMPABLE) != 1 || !read_boot(realm.boot, sizeof realm.boot) ||
        !namespace_of("/proc/self/ns/pid", &realm.processes) ||
        !namespace_of("/proc/self/ns/user", &realm.users) || !can_be_opened())
        return 0;
    return XXH64(&realm, sizeof realm, 0);
}
