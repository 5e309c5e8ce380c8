/* core_tracker PREFIX FRAMES: the flow events of frames. */
#include "common/base/error.h"
#include "common/bus/stage.h"
#include "common/wire/frame.h"
#include "stages/tracker/tracker.h"
#include "tests/bench/core.h"

void core_run(char **arguments)
{
    int error = 0;
    uint64_t frames = 0;
    const struct capture capture = core_capture(NULL);
    struct slice file = core_file(arguments[2]);
    struct tracker *tracker = tracker_new(&capture, core_outlet(arguments[1]), &error);
    core_check(error, "tracker");
    struct unpack batch;
    while (core_batch(&file, &batch))
        while (batch.at < batch.end) {
            struct frame ahead[STAGE_AHEAD];
            uint32_t read = 0;
            int what = FRAME_PACKET;
            for (; batch.at < batch.end && read < STAGE_AHEAD && what == FRAME_PACKET; read++)
                what = frame_unpack(&batch, NULL, &ahead[read]);
            read -= what != FRAME_PACKET;
            frames += read;
            core_check(tracker_frames(tracker, ahead, read), "frames");
            if (what == FRAME_CLOCK)
                core_check(tracker_clock(tracker, ahead[read].time_ns), "clock");
            else
                core_check(what == FRAME_PACKET ? 0 : what, "frames");
        }
    core_check(tracker_finish(tracker, frames), "end");
    tracker_free(&tracker);
    core_close();
}
