#include "stages/sink/record_files.h"

#include <stdlib.h>

#include "stages/sink/writer.h"

struct record_files {
    int directory;
    struct writer *writers[RECORD_FILES]; /* NULL: not made yet */
    uint64_t lines[RECORD_FILES];
};

struct record_files *record_files_new(int directory)
{
    struct record_files *f = calloc(1, sizeof *f);
    if (f)
        f->directory = directory;
    return f;
}

void record_files_free(struct record_files **files)
{
    if (!*files)
        return;
    for (size_t i = 0; i < RECORD_FILES; i++)
        writer_free(&(*files)->writers[i]);
    free(*files);
    *files = NULL;
}

static int make(struct record_files *f, enum record_file file)
{
    int error = 0;
    if (!f->writers[file])
        f->writers[file] = writer_new(f->directory, RECORD_FILE_NAMES[file], &error);
    return error;
}

struct buffer *record_files_text(struct record_files *f, enum record_file file, int *error)
{
    *error = make(f, file);
    return *error ? NULL : writer_text(f->writers[file]);
}

int record_files_go_on(struct record_files *f, enum record_file file, uint64_t lines)
{
    f->lines[file] += lines;
    return writer_go_on(f->writers[file]);
}

int record_files_finish(struct record_files *f)
{
    int error = 0;
    for (enum record_file file = 0; file < RECORD_FILES && !error; file++) {
        error = make(f, file);
        if (!error)
            error = writer_finish(f->writers[file]);
        writer_free(&f->writers[file]);
    }
    return error;
}

const uint64_t *record_files_lines(const struct record_files *f)
{
    return f->lines;
}
