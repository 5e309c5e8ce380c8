#include "stages/classifier/stun_texts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "stages/classifier/stun.h"

struct stun_texts {
    struct stun_text kept[STUN_TEXTS]; /* each at the place that its hash gives it */
    struct stun_text passing;          /* one that is too long for that */
};

struct stun_texts *stun_texts_new(void)
{
    return calloc(1, sizeof(struct stun_texts));
}

static void drop(struct stun_text *one)
{
    buffer_free(&one->text);
    buffer_free(&one->pairs);
}

void stun_texts_free(struct stun_texts **texts)
{
    if (!*texts)
        return;
    for (size_t i = 0; i < STUN_TEXTS; i++)
        drop(&(*texts)->kept[i]);
    drop(&(*texts)->passing);
    free(*texts);
    *texts = NULL;
}

static bool holds(const struct stun_text *one, struct slice text)
{
    return one->text.length == text.length && memcmp(one->text.bytes, text.bytes, text.length) == 0;
}

static int take(struct stun_text *one, struct slice text)
{
    buffer_clear(&one->text);
    buffer_clear(&one->pairs);
    int error = stun_object(text, "data_ip", &one->pairs, &one->count, one->digest);
    one->object = error == 0;
    if (error != -ENOMEM)
        error = buffer_append(&one->text, text.bytes, text.length);
    if (error != 0)
        drop(one);
    return error;
}

const struct stun_text *stun_texts_read(struct stun_texts *texts, struct slice text)
{
    if (text.length == 0 || text.length > STUN_TEXT_KEPT)
        return take(&texts->passing, text) == 0 ? &texts->passing : NULL;
    struct stun_text *one = &texts->kept[XXH3_64bits(text.bytes, text.length) % STUN_TEXTS];
    return holds(one, text) || take(one, text) == 0 ? one : NULL;
}
