"""A read and a write of each kind of shared state, from a worker (lecture 27, slides 8 and 9).

A key of a Manager's dict, an item of its list, `Value.value`, an element of an `Array`, and an element of
a NumPy view of a `SharedMemory`. Value and Array are as the lecture makes them, with their built-in lock,
which every access takes; under its lock means that the lock is held around that as well. The worker is
a process of its own, forked. Then four workers that count without a lock, each in an element of an array of its
own, and all in the same.
"""

import multiprocessing
import timeit
from multiprocessing import shared_memory

import numpy as np

from common import median, process, run

# What is timed, of which kind, and how often at a time: for some milliseconds each.
ACCESSES = {
    "dict_read": ("dict", "shared['frames']", 50),
    "dict_write": ("dict", "shared['frames'] = 7", 50),
    "list_read": ("list", "shared[0]", 50),
    "list_write": ("list", "shared[0] = 7", 50),
    "value_read": ("value", "shared.value", 20_000),
    "value_write": ("value", "shared.value = 7", 20_000),
    "locked_read": ("value", "with shared.get_lock():\n    shared.value", 20_000),
    "array_read": ("array", "shared[7]", 20_000),
    "array_write": ("array", "shared[7] = 7", 20_000),
    "memory_read": ("memory", "shared[7]", 20_000),
    "memory_write": ("memory", "shared[7] = 7", 20_000),
    "bare_read": ("bare", "shared.value", 20_000),
}


def serve(pipe, state, name):
    """Times what it is asked for, until it is asked for nothing."""
    memory = shared_memory.SharedMemory(name)
    view = np.ndarray(8, np.uint64, memory.buf)
    state = {**state, "memory": view}
    while True:
        what = pipe.recv()
        if what is None:
            break
        kind, statement, times = ACCESSES[what]
        pipe.send(timeit.timeit(statement, globals={"shared": state[kind]}, number=times) / times)
    del view, state  # nothing may look at the memory when it is closed
    memory.close()


WORKERS = 4
TIMES = 20_000


def count(array, place, start):
    start.wait()
    for _ in range(TIMES):
        array[place] = array[place] + 1


def lost(place):
    """Increments that four workers lose, each of which counts in `place(worker)`."""
    array, start = multiprocessing.RawArray("q", WORKERS), multiprocessing.Barrier(WORKERS)
    workers = [process(count, array, place(worker), start) for worker in range(WORKERS)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return WORKERS * TIMES - sum(array)


def accesses(bench, memory):
    """The times of each kind of access, by a worker."""
    taken = {what: [] for what in ACCESSES}
    with multiprocessing.Manager() as server:
        state = {
            "dict": server.dict(frames=0),
            "list": server.list([0]),
            "value": multiprocessing.Value("Q", 0),
            "array": multiprocessing.Array("Q", 256),
            "bare": multiprocessing.Value("Q", 0, lock=False),
        }
        ours, theirs = multiprocessing.Pipe()
        worker = process(serve, theirs, state, memory.name)
        worker.start()

        def turn():
            for what, times in taken.items():
                ours.send(what)
                times.append(ours.recv())

        bench.phase("reading and writing from a worker")
        bench.in_turns(bench.pick(2.5, 20), turn)
        ours.send(None)
        worker.join()
    return taken


def measure(bench):
    # Before the worker, so that both have one resource tracker, which then knows of it once.
    memory = shared_memory.SharedMemory(create=True, size=64)
    try:
        taken = accesses(bench, memory)
    finally:
        memory.close()
        memory.unlink()
    bench.phase("4 workers, an element each, and all the same")
    distinct, same = [], []
    bench.in_turns(bench.pick(0.5, 4), lambda: distinct.append(lost(lambda worker: worker)),
                   lambda: same.append(lost(lambda worker: 0)))
    took = {what: median(times) for what, times in taken.items()}
    bench.note(f"without its lock (lock=False) reading a Value takes {1e9 * took['bare_read']:.0f} ns")
    return {
        "dict_read_s": took["dict_read"],
        "dict_write_s": took["dict_write"],
        "list_read_s": took["list_read"],
        "list_write_s": took["list_write"],
        "value_read_s": took["value_read"],
        "value_write_s": took["value_write"],
        "array_read_s": took["array_read"],
        "array_write_s": took["array_write"],
        "memory_read_s": took["memory_read"],
        "memory_write_s": took["memory_write"],
        "distinct_lost": sum(distinct),
        "same_lost": sum(same),
        "slower": took["dict_read"] / took["value_read"],
        "slower_than_locked": took["dict_read"] / took["locked_read"],
    }


if __name__ == "__main__":
    run(measure)
