/* core_tracker PREFIX FRAMES: the flow events of frames. */
#include "common/base/error.h"
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
            struct frame frame;
            int what = frame_unpack(&batch, &frame);
            frames += what == FRAME_PACKET;
            error = what == FRAME_PACKET  ? tracker_frame(tracker, &frame)
                    : what == FRAME_CLOCK ? tracker_clock(tracker, frame.time_ns)
                                          : what;
            core_check(error, "frame");
        }
    core_check(tracker_finish(tracker, frames), "end");
    tracker_free(&tracker);
    core_close();
}
