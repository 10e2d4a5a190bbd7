"""4K frames of 50 MB to workers, as pixels and as file names (lecture 26, slide 3).

Each frame's brightness is computed: by one process that reads the files, by 1, 2 and 4 workers of a
`Pool` that are sent the frames, by a worker a processor that are sent the files' names and read them,
and by the same that map them. Eight frames (four if it is to be quick), which the page cache has; workers
are forked, before the time begins. Busy processors are those of this process and its workers; what the
machine can copy is not measured, so that `share_of_memory` is left out.
"""

import multiprocessing
import os
import pickle
import resource
import shutil
import tempfile

import numpy as np

from common import array, median, now, run, warm_up

SHAPE = (2160, 3840, 3)
FRAME = 2 * 2160 * 3840 * 3


def brightness(frame):
    """Mean luma, by the weights of BT.709."""
    # Column by column first: the sum of 2160 samples fits 32 bits, which is the fastest way.
    channels = frame.sum(axis=0, dtype=np.uint32).sum(axis=0, dtype=np.uint64)
    return float(channels @ (0.2126, 0.7152, 0.0722)) / (SHAPE[0] * SHAPE[1])


def brightness_of_file(path):
    return brightness(np.load(path))


def brightness_of_mapped(path):
    return brightness(np.load(path, mmap_mode="r"))


def write_frames(folder, count):
    paths = [os.path.join(folder, f"{number}.npy") for number in range(count)]
    samples = array(FRAME).reshape(SHAPE)
    for path in paths:
        np.save(path, samples)
    return paths


def processor_time():
    return sum(usage.ru_utime + usage.ru_stime for usage in
               (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))


class Arm:
    """A way to analyse all frames, and how it went."""

    def __init__(self, workers, analyse, read, paths):
        self.workers, self.analyse, self.read, self.paths = workers, analyse, read, paths
        self.fps, self.busy = [], []

    def one_pass(self):
        if self.workers is None:
            begin = now()
            for path in self.paths:
                self.analyse(path)
            self.fps.append(len(self.paths) / (now() - begin))
            return
        pool = multiprocessing.Pool(self.workers)
        warm_up(pool, self.workers)
        used, begin = processor_time(), now()
        # The pipe to the workers has no room for a frame, so that these are read as they are taken.
        inputs = map(self.read, self.paths) if self.read else self.paths
        for _ in pool.imap(self.analyse, inputs, chunksize=1):
            pass
        seconds = now() - begin
        pool.close()
        pool.join()  # their processor time is known from then on
        self.fps.append(len(self.paths) / seconds)
        self.busy.append((processor_time() - used) / seconds)


def measure(bench):
    if not bench.has_memory(2_000_000_000, "all of it"):
        return {}
    frames = bench.pick(4, 8)
    if shutil.disk_usage(tempfile.gettempdir()).free < 2 * frames * FRAME:
        bench.note(f"all of it: left out, {frames} frames do not fit in {tempfile.gettempdir()}")
        return {}
    with tempfile.TemporaryDirectory() as folder:
        bench.phase("writing frames")
        paths = write_frames(folder, frames)
        every = bench.processors
        sequential = Arm(None, brightness_of_file, None, paths)
        payloads = [Arm(workers, brightness, np.load, paths) for workers in (1, 2, 4)]
        path = Arm(every, brightness_of_file, None, paths)
        mapped = Arm(every, brightness_of_mapped, None, paths)
        bench.phase("all ways in turns")
        arms = [sequential, *payloads, path, mapped]
        bench.in_turns(bench.pick(0, 15), *(arm.one_pass for arm in arms), least=bench.pick(1, 3))
        shipped = len(pickle.dumps(np.load(paths[0])))
    best = max(payloads, key=lambda arm: median(arm.fps))
    fastest = median(best.fps)
    figures = {
        "frame_bytes": shipped,
        "bytes_per_s": shipped * fastest,
        "sequential_fps": median(sequential.fps),
        "path_fps": median(path.fps),
        "mmap_fps": median(mapped.fps),
        "slower": median(sequential.fps) / fastest,
        "busy": median(best.busy),
        "design": median(path.fps) / max(median(sequential.fps), fastest),
    }
    for arm in payloads:
        figures[f"payload_{arm.workers}_fps"] = median(arm.fps)
    return figures


if __name__ == "__main__":
    run(measure)
