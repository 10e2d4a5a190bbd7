"""100 MB of input for 200 ms of work: who works, and who serialises? (lecture 26, slide 8)

One task on one worker: as an argument of `Pool.apply`, as raw bytes through a pipe, in a file that the
worker maps with `numpy.memmap`, in a shared `multiprocessing.Array`. Moving begins when the argument's
pickling does and ends when the worker has the array. Then four workers with an array each, all
at once: their moving added up (those that wait for their turn are moving, too), and the memory of all
five processes at the peak, the arrays included. Last, one task whose worker may have 200 MB more than it
has at rest (a limit on its address space): 1 if it was done, 0 if its worker died. Workers are forked.

A reference is not moved by anything that could be timed apart, so that `moving_shared_share` is left out.
"""

import os
import resource
import tempfile
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

import numpy as np

import hauling
from common import address_space, array, median, nothing, now, peak_memory, run, samples_of, shared_array, worker_pids

SIZE = 100_000_000
WORK = 0.2
WORKERS = 4


class Timed:
    """An array that knows when its pickling began, and how long it was on its way."""

    def __init__(self, samples, moving=None):
        self.samples, self.moving = samples, moving

    def __reduce__(self):
        # Called before the array is pickled, as `_arrived` is when that has been unpickled.
        return _arrived, (self.samples, now())


def _arrived(samples, begin):
    return Timed(samples, now() - begin)


def task(order):
    """Works on it, and says how long it was moved."""
    timed, steps = order
    hauling.work(timed.samples, steps)
    return timed.moving


def mapped_task(order):
    path, steps = order
    hauling.work(np.memmap(path, np.uint16, "r"), steps)


def measure(bench):
    if not bench.has_memory(1_200_000_000, "all of it"):
        return {}
    steps = bench.steps(WORK)
    figures = one_worker(bench, steps)
    if bench.has_memory(3_000_000_000, "four workers"):
        figures.update(four_workers(bench, steps))
    bench.phase("under a memory limit")
    figures.update(limited(bench))
    return figures


def one_worker(bench, steps):
    bench.phase("one worker")
    data = array(SIZE)
    shared = shared_array(bench, SIZE)
    samples_of(shared)[:] = data
    moving = []
    courier = hauling.Courier()
    with tempfile.TemporaryDirectory() as folder, hauling.pool(1, shared) as pool:
        path = os.path.join(folder, "samples")
        data.tofile(path)
        pool.apply(nothing)
        payload, raw, mapped, by_reference = bench.medians(
            bench.pick(1.5, 15),
            lambda: moving.append(pool.apply(task, ((Timed(data), steps),))),
            lambda: courier.send(data, steps),
            lambda: pool.apply(mapped_task, ((path, steps),)),
            lambda: pool.apply(hauling.task, ((0, steps, None),)),
            least=bench.pick(1, 3),
        )
    courier.end()
    return {
        "moving_s": median(moving),
        "moving_share": median(moving) / payload,
        "payload_s": payload,
        "raw_s": raw,
        "mmap_s": mapped,
        "shared_s": by_reference,
    }


def four_workers(bench, steps):
    bench.phase("four workers")
    shared = [shared_array(bench, SIZE) for _ in range(WORKERS)]
    with hauling.pool(WORKERS, *shared) as pool:
        pids = worker_pids(pool, WORKERS)
        moving = []

        def payloads():
            arrays = [array(SIZE) for _ in range(WORKERS)]
            orders = [(Timed(samples), steps) for samples in arrays]
            moving.append(sum(pool.imap(task, orders, chunksize=1)))

        def references():
            for memory in shared:
                hauling.fill(samples_of(memory))
            pool.map(hauling.task, [(place, steps, None) for place in range(WORKERS)], chunksize=1)

        payload_peak = peak_memory(pids, payloads)
        # What all have mapped is there once.
        shared_peak = WORKERS * SIZE + peak_memory(pids, references)
    return {
        "moving_four_s": moving[0],
        "payload_peak_bytes": payload_peak,
        "shared_peak_bytes": shared_peak,
    }


# ---- under a limit ------------------------------------------------------------------------------


def limit(*shared):
    """In a worker: bounds it, and has nothing said of its death, which is what is tried."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    if shared:
        hauling.init(*shared)
    bound = address_space() + 2 * SIZE
    resource.setrlimit(resource.RLIMIT_AS, (bound, bound))


def is_done(function, order, *shared):
    # `Pool` would replace the worker for ever, and never say that the task is lost.
    with ProcessPoolExecutor(1, initializer=limit, initargs=shared) as executor:
        executor.submit(nothing).result()
        try:
            executor.submit(function, order).result()
        except (BrokenProcessPool, MemoryError):
            return 0
    return 1


def limited(bench):
    # The message and the array are just what the worker may have: whether it gets by is a matter of what
    # the message's buffer takes beside them while it grows.
    if address_space() is None:
        bench.note("under a memory limit: left out, this system has no /proc to tell a worker's size")
        return {}
    data = array(SIZE)
    # Made before the worker, which inherits it, and so not counted among what it may have more.
    shared = shared_array(bench, SIZE)
    samples_of(shared)[:] = data
    figures = {
        "limited_payload": is_done(hauling.task, (data, 0, None)),
        "limited_shared": is_done(hauling.task, (0, 0, None), shared),
    }
    courier = hauling.Courier(limit)
    try:
        courier.send(data)
        figures["limited_raw"] = 1
    except (EOFError, OSError):
        figures["limited_raw"] = 0
    courier.end()
    return figures


if __name__ == "__main__":
    run(measure)
