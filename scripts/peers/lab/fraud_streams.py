"""One of four workers finds what was looked for: how soon are the others at the next? (lecture 27, slide 10)

Four workers analyse streams side by side, of 4K frames with a byte a pixel: whether a row
has second differences, in NumPy. They take turns to be the one in whose first frame, half-way down, is what is looked
for: it moves the flag, a `Value` that has the number of the stream, on to the next. The others
look at it every 1, 10, 100, 1,000 or 2,160 rows (a whole frame), abandon theirs, and begin the next
stream. Timed is from the find to the beginning of the next stream by the first and by the last of the
others. Then frames of a stream with nothing to find, for what looking costs. Workers are forked.
"""

import math
import multiprocessing

import numpy as np

from common import median, now, process, run

WORKERS = 4
WIDTH, HEIGHT = 3840, 2160
INTERVALS = (1, 10, 100, 1_000, HEIGHT)
STREAMS = 6

DARK = np.full(WIDTH, 20, np.uint8)
STRIPED = np.tile(np.array([20, 200], np.uint8), WIDTH // 2)


class Shared:
    """What the workers of some streams share."""

    def __init__(self, streams):
        self.stream = multiprocessing.Value("i", 0)
        # By worker and stream; 0 for never.
        self.begun = multiprocessing.RawArray("d", WORKERS * (streams + 1))
        self.found = multiprocessing.RawArray("d", streams)
        self.start = multiprocessing.Barrier(WORKERS)


def is_suspicious(row):
    return np.diff(row.astype(np.int16), 2).any()


def analyse(shared, stream, every, finds):
    """A frame, or as much of it as until another has found it; says whether it was found here."""
    frame = [DARK] * HEIGHT
    if finds:
        frame[HEIGHT // 2] = STRIPED
    for number, row in enumerate(frame):
        if number % every == 0 and shared.stream.value != stream:
            return False
        if is_suspicious(row):
            return True
    return False


def find(worker, shared, streams, every):
    """Stream after stream, until all have been found."""
    shared.start.wait()
    while True:
        stream = shared.stream.value
        shared.begun[worker * (streams + 1) + stream] = now()
        if stream == streams:
            break
        first = True
        while shared.stream.value == stream:
            if analyse(shared, stream, every, first and stream % WORKERS == worker):
                with shared.stream.get_lock():
                    if shared.stream.value == stream:  # no other has found it meanwhile
                        shared.found[stream] = now()
                        shared.stream.value = stream + 1
            first = False


def find_nothing(worker, shared, frames, every):
    shared.start.wait()
    shared.begun[2 * worker] = now()
    for _ in range(frames):
        analyse(shared, 0, every, False)
    shared.begun[2 * worker + 1] = now()


def in_workers(target, shared, number, every):
    workers = [process(target, worker, shared, number, every) for worker in range(WORKERS)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


def gone_on(shared, streams):
    """For each stream, how long after the find the first and the last of the others began one behind it."""
    first, last = [], []
    for stream in range(streams):
        at, after = shared.found[stream], []
        for worker in range(WORKERS):
            begun = shared.begun[worker * (streams + 1):(worker + 1) * (streams + 1)]
            # Who had not begun this stream when it was found was not kept from the next.
            if worker == stream % WORKERS or not 0 < begun[stream] < at:
                continue
            behind = [began for began in begun[stream + 1:] if began]
            after.extend([min(behind) - at] if behind else [])
        if after:
            first.append(min(after))
            last.append(max(after))
    return first, last


def seconds_a_frame(frames, every):
    """Of all workers together."""
    shared = Shared(1)
    in_workers(find_nothing, shared, frames, every)
    return (max(shared.begun) - min(shared.begun)) / (WORKERS * frames)


def measure(bench):
    firsts, lasts = ({every: [] for every in INTERVALS} for _ in range(2))
    fastest = dict.fromkeys((1, HEIGHT), math.inf)

    def finds():
        for every in INTERVALS:
            shared = Shared(STREAMS)
            in_workers(find, shared, STREAMS, every)
            first, last = gone_on(shared, STREAMS)
            firsts[every] += first
            lasts[every] += last

    def nothing_found():
        for every in fastest:
            # Whatever else the machine does only makes it slower.
            fastest[every] = min(fastest[every], seconds_a_frame(4, every))

    bench.phase("streams in which one worker finds it")
    bench.in_turns(bench.pick(2, 16), finds, least=1)
    bench.phase("streams in which there is nothing to find")
    bench.in_turns(bench.pick(1.5, 8), nothing_found)
    soonest = min(median(times) for times in firsts.values() if times)
    latest = median(firsts[HEIGHT])
    all_begun = min(median(times) for times in lasts.values() if times)
    # How long one worker is at it, beside as many as there are processors for.
    frame = min(WORKERS, bench.processors) * fastest[HEIGHT]
    return {
        "soonest_s": soonest,
        "latest_s": latest,
        "late": latest / soonest,
        "all_s": all_begun,
        "waits": all_begun / frame,
        "frame_s": frame,
        "slower": fastest[1] / fastest[HEIGHT],
    }


if __name__ == "__main__":
    run(measure)
