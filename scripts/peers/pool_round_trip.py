#!/usr/bin/env python3
"""The pools of Python's standard library: an empty task there and back, and many through map.

    scripts/peers/pool_round_trip.py [--quick]

Prints JSON. `scripts/bench-pool` shows it beside the same of framehaul's pool.
"""

import json
import multiprocessing
import platform
import sys
import time
from concurrent.futures import ProcessPoolExecutor

WORKERS = 2
TASKS = 100_000


def nothing(_=None):
    pass


def trips(trip, count):
    """Median and 99th percentile of so many, in microseconds."""
    for _ in range(count // 10):
        trip()
    times = []
    for _ in range(count):
        begin = time.perf_counter_ns()
        trip()
        times.append(time.perf_counter_ns() - begin)
    times.sort()
    return [times[int((len(times) - 1) * share)] / 1e3 for share in (0.5, 0.99)]


def a_second(tasks, run):
    """Tasks a second; `run` consumes their results."""
    begin = time.perf_counter()
    run()
    return tasks / (time.perf_counter() - begin)


def consume(results):
    for _ in results:
        pass


def figures(trip, mapped, count, chunk):
    """`mapped(tasks, chunksize)` gives the results of so many tasks."""
    median, p99 = trips(trip, count)
    alone = TASKS // 10
    return {
        "median_us": median,
        "p99_us": p99,
        "map_by_one_a_second": a_second(alone, lambda: consume(mapped(alone, 1))),
        "map_in_chunks_a_second": a_second(TASKS, lambda: consume(mapped(TASKS, chunk))),
        "chunk": chunk,
    }


def main():
    count = 500 if "--quick" in sys.argv else 5_000
    # What Pool.map itself chooses: four chunks a worker.
    chunk = TASKS // (4 * WORKERS)
    said = {"python": platform.python_version(), "start_method": multiprocessing.get_start_method()}
    with ProcessPoolExecutor(WORKERS) as pool:
        said["ProcessPoolExecutor"] = figures(
            lambda: pool.submit(nothing).result(),
            lambda tasks, size: pool.map(nothing, range(tasks), chunksize=size),
            count, chunk)
    with multiprocessing.Pool(WORKERS) as pool:
        said["multiprocessing.Pool"] = figures(
            lambda: pool.apply(nothing),
            lambda tasks, size: pool.imap(nothing, range(tasks), chunksize=size),
            count, chunk)
    print(json.dumps(said, indent=1))


if __name__ == "__main__":
    main()
