"""Exit statuses, and the one exception that carries them (common/base/error.h has the same)."""

DONE = 0
WRONG_USE = 2
UNREADABLE = 3  # the capture cannot be read at all
CUT = 4  # results published, but the capture broke off
PIPELINE = 5  # the pipeline failed
OUTPUT = 6  # the results could not be written
INTERRUPTED = 130

# What the worst of several runs is: wrong use stops everything, a cut still has its results.
SEVERITY = (DONE, CUT, UNREADABLE, OUTPUT, PIPELINE, WRONG_USE, INTERRUPTED)


class Failure(Exception):
    """Ends the command: what went wrong, where and what to do, and the exit status."""

    def __init__(self, status, text):
        super().__init__(text)
        self.status = status


def worst(statuses):
    """The gravest of several exit statuses."""
    return max(statuses, key=lambda s: SEVERITY.index(s) if s in SEVERITY else len(SEVERITY),
               default=DONE)
