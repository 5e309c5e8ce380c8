/*
 * One connection that speaks HTTP, as a test drives it: what each side says, and what the
 * records hold.
 */
#ifndef TAPLINE_TESTS_EXTRACTOR_HTTP_SCENE_H
#define TAPLINE_TESTS_EXTRACTOR_HTTP_SCENE_H

#include "tests/unit/extractor/rig.h"

static struct rig *rig;

/** cmocka's set-up; a test's initial state may point to more hints (uint32_t). */
static int set_up(void **state)
{
    uint32_t *hints = *state;
    rig = rig_new(&LIMITS_DEFAULT, TAPLINE_HINT_HTTP | (hints ? *hints : 0));
    return rig->error;
}

static int tear_down(void **state)
{
    (void)state;
    int error = rig->error;
    rig_free(&rig);
    return error;
}

#define ask(text) rig_say(rig, RIG_CLIENT, text)
#define answer(text) rig_say(rig, RIG_SERVER, text)

/** The n-th record's value of a key. */
#define expect(n, key, value) assert_string_equal(rig_field(rig, n, key), value)

#endif
