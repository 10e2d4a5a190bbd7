"""What the programs beside it share: the frame, its sum, and how their figures are printed.

A frame is 3840 × 2160 RGB, 16 bits a sample: 49,766,400 bytes. Each program hands frames over from
one process to another with its library's own means, and all samples are summed there.
"""

import argparse
import json
import statistics
import time

import numpy as np

SHAPE = (2160, 3840, 3)
WORKERS = 2
PASSES = 3

# Random samples, the same in every process and program.
_SAMPLES = np.random.default_rng(1).integers(0, 1 << 16, size=SHAPE, dtype=np.uint16)


def produce(frame, number):
    """Writes frame `number` once into memory that the library has asked for, or into new memory."""
    np.copyto(frame, _SAMPLES)
    frame.flat[0] = number
    return frame


def new_frame(number):
    return produce(np.empty(SHAPE, np.uint16), number)


def sum_of(frame):
    return int(frame.sum(dtype=np.uint64))


def expected(number):
    """The sum of that frame, whoever computes it."""
    return sum_of(_SAMPLES) - int(_SAMPLES.flat[0]) + number


def main(library, one_pass):
    """`one_pass(frames)` has so many frames summed and returns their sums in order. Prints a line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--frames", type=int, default=60)
    frames = parser.parse_args().frames
    if frames < 1:
        parser.error("--frames must be 1 or more")
    wanted = [expected(number) for number in range(frames)]
    one_pass(frames)  # warms up
    times = []
    right = True
    for _ in range(PASSES):
        begin = time.perf_counter()
        sums = one_pass(frames)
        times.append((time.perf_counter() - begin) / frames * 1e3)
        right = right and list(sums) == wanted
    print(json.dumps({
        "library": library,
        "ms_per_frame": statistics.median(times),
        "frames": frames,
        "workers": WORKERS,
        "passes": PASSES,
        "sums_are_right": right,
    }))
    return 0 if right else 1
