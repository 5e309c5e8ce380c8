/*
 * The scene of one test: opened before it and closed behind it by cmocka.
 */
#ifndef TAPLINE_TESTS_TRACKER_STAGED_H
#define TAPLINE_TESTS_TRACKER_STAGED_H

#include "tests/unit/tracker/scene.h"

static struct scene scene;

static int open_scene(void **state)
{
    (void)state;
    scene_open(&scene);
    return 0;
}

static int close_scene(void **state)
{
    (void)state;
    scene_close(&scene);
    return 0;
}

/** The capture has ended: every flow is closed. */
static void finish(void)
{
    assert_int_equal(tracker_finish(scene.tracker, scene.frames), 0);
}

#endif
