"""Progress over a whole tree, on a terminal only."""
import shutil
import time

REDRAW_SECONDS = 0.1


class BatchProgress:
    """One line that is drawn over itself, and gone at the end."""

    def __init__(self, stream, quiet):
        self._stream = stream
        self._on = not quiet and stream.isatty()
        self._drawn = 0.0

    def begin(self, captures, size):
        """So many captures, of so many bytes together, are to be done."""
        self._captures, self._size = captures, max(size, 1)
        self._done = self._failed = self._bytes = 0
        self._started = time.monotonic()

    def step(self, size, failed):
        """One capture of `size` bytes has ended."""
        self._done += 1
        self._failed += failed
        self._bytes += size
        now = time.monotonic()
        if self._on and now - self._drawn >= REDRAW_SECONDS:
            self._drawn = now
            self._draw(now - self._started)

    def _draw(self, elapsed):
        columns = shutil.get_terminal_size().columns
        share = self._bytes / self._size
        left = elapsed / share - elapsed if share else 0
        text = (f" {share:4.0%}  {self._done}/{self._captures} captures"
                f"  {self._done / max(elapsed, 1e-3):.0f}/s  {self._failed} failed"
                f"  {int(left) // 60}:{int(left) % 60:02d} left")
        room = max(columns - len(text) - 4, 0)
        bar = "█" * int(share * room)
        self._stream.write(f"\r[{bar:<{room}}]{text}"[:columns + 1])
        self._stream.flush()

    def say(self, text):
        """Lets messages through, above the line."""
        self.end()
        self._stream.write(text)
        self._stream.flush()

    def end(self):
        """Clears the line."""
        if self._on and self._drawn:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
