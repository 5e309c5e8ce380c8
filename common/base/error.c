#include "common/base/error.h"

#include <string.h>

const char *error_text(int code)
{
    switch (code) {
    case 0: return "success";
    case ERR_AGAIN: return "more is needed";
    case ERR_EOF: return "end of input";
    case ERR_TRUNCATED: return "the input ends within something";
    case ERR_MALFORMED: return "malformed";
    case ERR_VERSION: return "another version";
    case ERR_LIMIT: return "a limit was reached";
    case ERR_FLOWS:
        return "more flows are open at once than one tracker may hold; allow more (--flows), or "
               "let more trackers share them (-j)";
    case ERR_USAGE: return "wrong use";
    case ERR_UNREADABLE: return "the capture cannot be read";
    case ERR_LOST: return "a worker or a message was lost";
    case ERR_LATE: return "a record came too late";
    case ERR_STOPPED: return "told to stop";
    case ERR_OUTPUT: return "the results cannot be written";
    default: return error_is_system(code) ? strerror(-code) : "unknown error";
    }
}

/* Ours lie below any errno; the last of them is the highest. */
bool error_is_system(int code)
{
    return code < 0 && code > ERR_OUTPUT;
}

enum exit_status error_exit(int code)
{
    switch (code) {
    case 0: return EXIT_DONE;
    case ERR_USAGE:
    case ERR_FLOWS: return EXIT_WRONG_USE;
    case ERR_UNREADABLE: return EXIT_UNREADABLE;
    case ERR_OUTPUT: return EXIT_OUTPUT;
    default: return EXIT_PIPELINE;
    }
}
