"""The workload `batch`: thousands of small captures, and a single one that is empty."""
import os
import shutil
import statistics
import struct
import subprocess
import time

from metering import STAGES, TAPLINE, run_tapline, workload

CAPTURES = 10000  # at scale 1
CAPTURE_BYTES = 100_000
MIX_BYTES = 850e6  # what the workload `mix` has at scale 1
FILE_HEAD, FRAME_HEAD = 24, 16
NODE, DAY = "node", "20260105"
SHOWN = (*STAGES, "launcher")


def _cut(mix, folder, most):
    """Cuts a capture into at most so many of CAPTURE_BYTES, and an empty one; how many, and the
    empty one."""
    os.makedirs(folder)
    count, written = 0, None
    with open(mix, "rb") as frames:
        head = frames.read(FILE_HEAD)
        while frame := frames.read(FRAME_HEAD):
            if not written or written.tell() >= CAPTURE_BYTES:
                if written:
                    written.close()
                if count == most:
                    break
                written = open(os.path.join(folder, f"{count:05}.pcap"), "wb")
                written.write(head)
                count += 1
            length, = struct.unpack("<I", frame[8:12])
            written.write(frame + frames.read(length))
    written.close()
    empty = os.path.join(os.path.dirname(folder), "empty.pcap")
    with open(empty, "wb") as file:
        file.write(head)
    return count, empty


def _run(programs, source, out):
    """Wall seconds of one batch; processor seconds by stage, and the launcher's own."""
    begun = time.monotonic()
    process = subprocess.Popen(
        [TAPLINE, "batch", "--quiet", "-src_dir", source, "-ip", NODE, "-sd", DAY, "-ed", DAY,
         "-dst_dir", out], env=programs.environment())
    _, status, used = os.wait4(process.pid, 0)
    wall = time.monotonic() - begun
    if status:
        raise SystemExit(f"bench: the batch failed ({os.waitstatus_to_exitcode(status)})")
    seconds = {stage: of[0] for stage, of in programs.usage().items()}
    seconds["launcher"] = used.ru_utime + used.ru_stime - sum(seconds.values())
    return wall, seconds


def measure_batch(programs, build, folder, scale, rounds):
    """Makes the captures, runs them so many times, and says what that took."""
    mix, place = os.path.join(folder, "mix.pcap"), os.path.join(folder, "batch")
    workload(build, "mix", mix, scale * CAPTURES * CAPTURE_BYTES / MIX_BYTES)
    count, empty = _cut(mix, os.path.join(place, NODE, "tcpdump", DAY), round(scale * CAPTURES))
    os.unlink(mix)
    walls, begins = [], []
    for number in range(rounds):
        wall, seconds = _run(programs, place, os.path.join(folder, f"batch-{number}"))
        walls.append(wall)
        begins.append(run_tapline(programs, empty, folder))
        programs.usage()
    print(f"\nbatch: {count} captures of {CAPTURE_BYTES // 1000} KB")
    print(f"  median {count / statistics.median(walls):.0f}, least {count / max(walls):.0f}, most "
          f"{count / min(walls):.0f} captures a second")
    print("  " + ", ".join(f"{name} {seconds[name]:.2f} s" for name in SHOWN if name in seconds))
    print(f"  {1000 * sum(seconds.values()) / count:.2f} ms of processor time a capture, all "
          "together")
    print(f"  an empty capture by `run`, from start to finish: median "
          f"{statistics.median(begins):.3f} s, most {max(begins):.3f} s", flush=True)
    for name in [place, *(os.path.join(folder, f"batch-{n}") for n in range(rounds))]:
        shutil.rmtree(name)
