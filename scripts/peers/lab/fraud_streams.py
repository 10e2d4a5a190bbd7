"""One of four workers finds what was looked for: how soon are the others at the next? (lecture 27, slide 10)

Four workers analyse streams side by side, one each, of frames of 1920 x 1080 with a byte a pixel: whether a
row has second differences, in NumPy. They take turns to be the one in whose second frame, in its last row,
is what is looked for: it moves the flag, a `Value` that has the number of the stream, on to the next. The
others look at it every 1, 10, 100 or 1,080 rows (a whole frame), abandon theirs, and begin the next stream.
Timed is from the find to the beginning of the next stream, by each of the others; rows that they analyse
after it are counted as wasted. Then frames of a stream with nothing to find, for what looking costs.
Workers are forked.
"""

import math
import multiprocessing

import numpy as np

from common import median, now, process, run

WORKERS = 4
WIDTH, HEIGHT = 1920, 1080
INTERVALS = {"row": 1, "rows_10": 10, "rows_100": 100, "frame": HEIGHT}
STREAMS = 16
# The frame of a stream, from 0, in which it is found.
AT = 1

DARK = np.full(WIDTH, 20, np.uint8)
STRIPED = np.tile(np.array([20, 200], np.uint8), WIDTH // 2)


class Shared:
    """What the workers of some streams share."""

    def __init__(self, streams):
        self.stream = multiprocessing.Value("i", 0)
        # By worker and stream; 0 for never.
        self.begun = multiprocessing.RawArray("d", WORKERS * (streams + 1))
        self.found = multiprocessing.RawArray("d", streams)
        # Rows analysed in vain, by worker.
        self.wasted = multiprocessing.RawArray("q", WORKERS)
        self.start = multiprocessing.Barrier(WORKERS)


def is_suspicious(row):
    return np.diff(row.astype(np.int16), 2).any()


def analyse(shared, stream, every, has_it, worker=None):
    """A frame, or as much of it as until another has found it; says whether it was found here."""
    frame = [DARK] * HEIGHT
    if has_it:
        frame[-1] = STRIPED
    for number, row in enumerate(frame):
        if number % every == 0 and shared.stream.value != stream:
            return False
        if is_suspicious(row):
            return True
        if worker is not None and shared.found[stream]:
            shared.wasted[worker] += 1
    return False


def find(worker, shared, streams, every):
    """Stream after stream, until all have been found."""
    shared.start.wait()
    while True:
        stream = shared.stream.value
        shared.begun[worker * (streams + 1) + stream] = now()
        if stream == streams:
            break
        number = 0
        while shared.stream.value == stream:
            has_it = number == AT and stream % WORKERS == worker
            if analyse(shared, stream, every, has_it, worker):
                with shared.stream.get_lock():
                    if shared.stream.value == stream:  # no other has found it meanwhile
                        shared.found[stream] = now()
                        shared.stream.value = stream + 1
            number += 1


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
    """For each stream, how long after the find the others began one behind it, in order."""
    all_of_them = []
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
            all_of_them.append(sorted(after))
    return all_of_them


def seconds_a_frame(frames, every):
    """Of all workers together."""
    shared = Shared(1)
    in_workers(find_nothing, shared, frames, every)
    return (max(shared.begun) - min(shared.begun)) / (WORKERS * frames)


def p99(times):
    """What 99 in a hundred do not exceed; not a number if fewer than ten are beyond it."""
    within = math.ceil(0.99 * len(times))
    return sorted(times)[within - 1] if len(times) - within >= 10 else math.nan


def measure(bench):
    after, wasted = ({every: [] for every in INTERVALS.values()} for _ in range(2))
    fastest = dict.fromkeys((1, HEIGHT), math.inf)

    def finds():
        for every in INTERVALS.values():
            shared = Shared(STREAMS)
            in_workers(find, shared, STREAMS, every)
            after[every] += gone_on(shared, STREAMS)
            wasted[every].append(sum(shared.wasted) / STREAMS / HEIGHT)

    def nothing_found():
        for every in fastest:
            # Whatever else the machine does only makes it slower.
            fastest[every] = min(fastest[every], seconds_a_frame(4, every))

    bench.phase("streams in one of which it is found")
    bench.in_turns(bench.pick(2, 16), finds, least=1)
    bench.phase("streams in which there is nothing to find")
    bench.in_turns(bench.pick(1.5, 8), nothing_found)
    firsts, lasts = ({every: median([times[place] for times in all_times])
                      for every, all_times in after.items()} for place in (0, -1))
    soonest, latest = min(firsts.values()), firsts[HEIGHT]
    all_begun = min(lasts.values())
    # How long one worker is at it, beside as many as there are processors for.
    frame = min(WORKERS, bench.processors) * fastest[HEIGHT]
    figures = {
        "soonest_s": soonest,
        "latest_s": latest,
        "late": latest / soonest,
        "all_s": all_begun,
        "waits": all_begun / frame,
        "frame_s": frame,
        "slower": fastest[1] / fastest[HEIGHT],
    }
    for name, every in INTERVALS.items():
        each = [seconds for times in after[every] for seconds in times]
        figures[f"{name}_median_s"] = median(each)
        figures[f"{name}_p99_s"] = p99(each)
        figures[f"{name}_wasted"] = sum(wasted[every]) / len(wasted[every])
    return figures


if __name__ == "__main__":
    run(measure)
