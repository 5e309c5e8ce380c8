/*
 * Memory that processes of one machine read of each other: a file without a name
 * (memfd_create(2)), which others open by way of /proc/PROCESS/fd. Nothing of it stays behind,
 * however any of them ends.
 */
#ifndef TAPLINE_COMMON_REALM_H
#define TAPLINE_COMMON_REALM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** A number that stands for everybody who can open this process's memory, and whose memory it can
 *  open: processes of the same user that see each other in /proc. 0: it cannot be done here. */
uint64_t realm_number(void);

/** Makes memory of so many bytes, zeros; its size stays for ever, and it is locked for as long as
 *  this process has it open. The descriptor, the caller's to close, or a negated errno. */
int realm_make(size_t size);

/** Opens what a process has open under that descriptor, and says how large it is. A descriptor,
 *  the caller's; ERR_LOST: that process is gone, or has it open no more; ERR_MALFORMED: it is no
 *  memory of that kind; or a negated errno. */
int realm_open(uint64_t process, uint64_t descriptor, size_t *size);

/** Memory may lie in pages of this size, which a processor finds faster than many small ones. */
enum { REALM_LARGE_PAGE = 2 * 1024 * 1024 };

/** Maps what lies there, from an offset of whole pages on, for reading, or also for writing: at an
 *  address at which it can be in large pages, where the offset is one of whole large ones. To be
 *  unmapped by the caller (munmap(2)). NULL, with *error set to a negated errno. */
void *realm_map(int descriptor, size_t from, size_t size, bool writable, int *error);

/** Joins the pages of REALM_LARGE_PAGE bytes, which were mapped for writing and begin where one can,
 *  into a large one (MADV_COLLAPSE, madvise(2)); whatever stands there stays. False: the system
 *  does not do that, or cannot now. */
bool realm_enlarge(void *pages);

#endif
