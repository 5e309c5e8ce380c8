"""The workload `memory`: what all stages hold at their peaks, for the mix and for one that is twice
as long. A longer capture must not need more."""
import os
import statistics

from metering import STAGES, run_tapline, workload

LENGTHS = (1, 2)


def _peaks(programs, capture, folder, rounds):
    """{stage: megabytes}, medians of some runs."""
    peaks = {}
    for _ in range(rounds):
        run_tapline(programs, capture, folder)
        for stage, (_, megabytes) in programs.usage().items():
            peaks.setdefault(stage, []).append(megabytes)
    return {stage: statistics.median(of) for stage, of in peaks.items()}


def measure_memory(programs, build, folder, scale, rounds):
    """Prints the sums, and how many times as much the longer one takes."""
    path = os.path.join(folder, "mix.pcap")
    sums = []
    print(f"\nmemory: stages at their peaks, medians of {rounds}")
    for length in LENGTHS:
        frames = workload(build, "mix", path, scale * length)
        peaks = _peaks(programs, path, folder, rounds)
        sums.append(sum(peaks.values()))
        print(f"  {frames:,} packets, {os.path.getsize(path) / 1e6:.0f} MB: "
              + ", ".join(f"{stage} {peaks[stage]:.0f}" for stage in STAGES if stage in peaks)
              + f"; together {sums[-1]:.0f} MB", flush=True)
        os.unlink(path)
    print(f"  twice as long takes {sums[1] / sums[0]:.2f} times as much", flush=True)
