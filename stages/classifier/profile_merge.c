/* Platform files: reading, including, merging. */
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"
#include "common/base/log.h"
#include "stages/classifier/members.h"
#include "stages/classifier/profile.h"
#include "stages/classifier/profile_json.h"
#include "stages/classifier/signature_read.h"

/* A signature as it was read and as it was written: what is handed on is what somebody wrote. */
struct draft {
    struct signature signature;
    struct json_object *json; /* borrowed from its file */
    const char *file;
};

struct merge {
    struct fault fault;
    size_t file_count, draft_count;
    char *paths[PROFILE_FILES];
    struct json_object *files[PROFILE_FILES];
    const char *platforms[PROFILE_FILES]; /* borrowed from the files */
    struct draft drafts[PROFILE_SIGNATURES];
};

static bool fits_name(const char *name)
{
    return name[0] && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_") == strlen(name);
}

/* Puts a file on the list of those to read, once. */
static bool add_path(struct merge *m, const char *directory, size_t length, const char *name,
                     const char *suffix)
{
    char *path = NULL;
    if (asprintf(&path, "%.*s%s%s", (int)length, directory, name, suffix) < 0)
        return fault_say(&m->fault, "no memory");
    for (size_t i = 0; i < m->file_count; i++)
        if (strcmp(m->paths[i], path) == 0) {
            free(path);
            return true;
        }
    if (m->file_count == PROFILE_FILES) {
        free(path);
        return fault_say(&m->fault, "more than %d platform files", PROFILE_FILES);
    }
    m->paths[m->file_count++] = path;
    return true;
}

static struct json_object *read_json(const char *path, const struct fault *fault)
{
    char *text = malloc(PROFILE_BYTES + 1);
    FILE *file = text ? fopen(path, "rbe") : NULL;
    size_t length = file ? fread(text, 1, PROFILE_BYTES + 1, file) : 0;
    struct json_object *json = NULL;
    if (!text)
        fault_say(fault, "no memory");
    else if (!file || ferror(file))
        fault_say(fault, "%s", strerror(errno));
    else
        json = profile_json(text, length, fault);
    if (file)
        fclose(file);
    free(text);
    return json;
}

/* Included platforms are files beside the one that includes them. */
static bool add_includes(struct merge *m, const char *path, struct json_object *json)
{
    struct json_object *includes = member(json, "includes");
    if (!includes)
        return true;
    const char *slash = strrchr(path, '/');
    size_t directory = slash ? (size_t)(slash - path) + 1 : 0;
    bool list = json_object_is_type(includes, json_type_array);
    for (size_t i = 0; list && i < json_object_array_length(includes); i++) {
        struct json_object *entry = json_object_array_get_idx(includes, i);
        const char *name = json_object_get_string(entry);
        if (!json_object_is_type(entry, json_type_string) || !fits_name(name))
            list = false;
        else if (!add_path(m, path, directory, name, ".json"))
            return false;
    }
    return list || fault_say(&m->fault, "\"includes\" must be a list of platforms' names");
}

/* Two files may give the same signature; then they must agree about it to the letter, so that the
 * order of the files cannot matter. */
static bool add_draft(struct merge *m, struct json_object *json, const char *file)
{
    struct draft draft = {.json = json, .file = file};
    if (!signature_read(json, &draft.signature, m->fault))
        return false;
    struct fault fault = m->fault;
    fault.signature = draft.signature.name;
    for (size_t i = 0; i < m->draft_count; i++) {
        if (strcmp(m->drafts[i].signature.name, draft.signature.name) != 0)
            continue;
        if (m->drafts[i].file == file)
            return fault_say(&fault, "is there twice");
        return strcmp(json_object_to_json_string(m->drafts[i].json),
                      json_object_to_json_string(json)) == 0 ||
               fault_say(&fault, "%s has another one of that name", m->drafts[i].file);
    }
    if (m->draft_count == PROFILE_SIGNATURES)
        return fault_say(&fault, "more than %d signatures", PROFILE_SIGNATURES);
    m->drafts[m->draft_count++] = draft;
    return true;
}

static bool read_file(struct merge *m, size_t index)
{
    static const char *const known[] = {"platform", "title", "includes", "signatures", NULL};
    const char *path = m->fault.file = m->paths[index];
    char platform[SIGNATURE_NAME], title[128];
    struct json_object *signatures, *json = m->files[index] = read_json(path, &m->fault);
    if (!json || !members_known(json, "a platform file", known, &m->fault) ||
        !member_text(json, "platform", platform, sizeof platform, &m->fault) ||
        (member(json, "title") && !member_text(json, "title", title, sizeof title, &m->fault)))
        return false;
    if (!fits_name(platform))
        return fault_say(&m->fault, "\"platform\" takes a-z, 0-9, \"-\" and \"_\"");
    m->platforms[index] = json_object_get_string(member(json, "platform"));
    if (!add_includes(m, path, json) ||
        !member_objects(json, "signatures", 0, PROFILE_SIGNATURES, &signatures, &m->fault))
        return false;
    for (size_t i = 0; i < json_object_array_length(signatures); i++)
        if (!add_draft(m, json_object_array_get_idx(signatures, i), path))
            return false;
    return true;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int by_rank(const void *a, const void *b)
{
    return signature_compare(&((const struct draft *)a)->signature,
                             &((const struct draft *)b)->signature);
}

static void write_document(struct merge *m, struct buffer *document)
{
    qsort(m->platforms, m->file_count, sizeof m->platforms[0], by_text);
    qsort(m->drafts, m->draft_count, sizeof m->drafts[0], by_rank);
    struct json_object *root = json_object_new_object();
    struct json_object *platforms = json_object_new_array(), *list = json_object_new_array();
    for (size_t i = 0; i < m->file_count; i++)
        if (i == 0 || strcmp(m->platforms[i - 1], m->platforms[i]) != 0)
            json_object_array_add(platforms, json_object_new_string(m->platforms[i]));
    for (size_t i = 0; i < m->draft_count; i++)
        json_object_array_add(list, json_object_get(m->drafts[i].json));
    json_object_object_add(root, "platforms", platforms);
    json_object_object_add(root, "signatures", list);
    size_t length = 0;
    const char *text = json_object_to_json_string_length(
        root, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &length);
    buffer_append(document, text, length);
    json_object_put(root);
}

static bool read_files(struct merge *m, const char *const files[], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        m->fault.file = files[i];
        if (!add_path(m, "", 0, files[i], ""))
            return false;
    }
    for (size_t i = 0; i < m->file_count; i++)
        if (!read_file(m, i))
            return false;
    return true;
}

int profile_merge(const char *const files[], size_t count, struct buffer *document,
                  char fault[PROFILE_FAULT])
{
    struct merge *m = calloc(1, sizeof *m);
    size_t before = document->length;
    int error = ERR_USAGE;
    if (!m) {
        snprintf(fault, PROFILE_FAULT, "no memory");
        return -ENOMEM;
    }
    m->fault = (struct fault){fault, PROFILE_FAULT, NULL, NULL};
    if (read_files(m, files, count)) {
        write_document(m, document);
        m->fault.file = "the platform files together";
        error = document->length - before <= PROFILE_BYTES ? 0 : ERR_USAGE;
        if (error)
            fault_say(&m->fault, "larger than %d bytes", PROFILE_BYTES);
    }
    for (size_t i = 0; i < m->file_count; i++) {
        json_object_put(m->files[i]);
        free(m->paths[i]);
    }
    free(m);
    return document->failed ? -ENOMEM : error;
}

int profile_command(const char *const files[], size_t count)
{
    struct buffer document = {0};
    char fault[PROFILE_FAULT] = "no memory";
    int status = EXIT_DONE;
    if (profile_merge(files, count, &document, fault) != 0) {
        log_error("%s", fault);
        status = EXIT_WRONG_USE;
    } else if (printf("%.*s\n", (int)document.length, (const char *)document.bytes) < 0 ||
               fflush(stdout) != 0) {
        log_error("stdout: %s", strerror(errno));
        status = EXIT_OUTPUT;
    }
    buffer_free(&document);
    return status;
}
