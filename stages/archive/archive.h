/*
 * Records of any number of captures in one SQLite file. Every row belongs to an attempt at a
 * capture (table `attempts`) and has the sink's number of its message, so that one that comes
 * twice is stored once. The rows of attempts that came to nothing are taken out again.
 */
#ifndef TAPLINE_ARCHIVE_ARCHIVE_H
#define TAPLINE_ARCHIVE_ARCHIVE_H

#include <tapline/consumer.h>

struct archive;

/** Opens the file, or makes it. NULL, with *error set and a line on stderr, where that fails:
 *  ERR_OUTPUT; ERR_USAGE, where it is another program's; -ENOMEM. */
struct archive *archive_open(const char *path, int *error);

/** Stores one record, or what became of a capture; it lasts from the next archive_commit on. 0;
 *  ERR_OUTPUT, said on stderr; ERR_MALFORMED: it is not as the contract says; -ENOMEM. */
int archive_take(struct archive *archive, const struct tapline_record *record);

/** Makes sure that what was taken lasts. 0 or ERR_OUTPUT, said on stderr. */
int archive_commit(struct archive *archive);

/** Closes; what was not committed is lost. Accepts NULL. */
void archive_close(struct archive **archive);

#endif
