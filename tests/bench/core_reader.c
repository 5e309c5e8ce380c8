/* core_reader PREFIX CAPTURE: the frames of a capture, packed for the tracker. */
#include "common/base/error.h"
#include "common/wire/pack.h"
#include "stages/reader/capture_clock.h"
#include "stages/reader/merge.h"
#include "tests/bench/core.h"

static void tally(const struct outlet *outlet, uint64_t frames)
{
    struct buffer map = {0};
    pack_map(&map, 3);
    pack_str(&map, "role");
    pack_uint(&map, TAPLINE_READER);
    pack_str(&map, "frames");
    pack_uint(&map, frames);
    pack_str(&map, "trackers");
    pack_array(&map, 1);
    pack_uint(&map, frames);
    core_check(outlet_tally(outlet, &map), "tally");
    buffer_free(&map);
}

void core_run(char **arguments)
{
    char fault[512];
    int error;
    struct frame *frame;
    struct capture_clock clock = {0};
    const struct outlet *outlet = core_outlet(arguments[1]);
    const char *const paths[] = {arguments[2]};
    struct merge *merge = merge_open(paths, 1, NULL, NULL, fault, sizeof fault, &error);
    core_check(error, arguments[2]);
    while ((error = merge_next(merge, &frame)) == 0) {
        struct buffer *batch = core_open_batch(TAPLINE_TRACKER);
        frame_pack(batch, frame, NULL);
        if (capture_clock_frame(&clock, frame->time_ns))
            frame_pack_clock(batch, clock.time_ns);
        core_filled(TAPLINE_TRACKER);
    }
    core_check(error == ERR_EOF ? 0 : error, arguments[2]);
    tally(outlet, merge_frames(merge));
    core_close();
    merge_free(&merge);
}
