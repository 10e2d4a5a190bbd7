"""From which task length on a `Pool` wins, for payloads of nothing to 50 MB (lecture 26, slide 10).

A task reads all of its payload and computes in the interpreter; its length is what that takes in one
process. For each payload, lengths from 10 µs to 500 ms are tried until two neighbours are found of which
the shorter is done sooner by one process and the longer by the workers. `channel_*` is a payload that is
pickled, `shared_*` one in a shared `multiprocessing.Array`. A worker a processor, forked.

Python's pool has one way to its workers, so that `shared_trip_s` and `shared_none_s` would be the same as
`channel_*` and are left out. What is known of one end alone has no middle.
"""

import math

import hauling
from common import array, median, nothing, run, samples_of, shared_array, warm_up

MOST = 0.5
QUICK = {"none": 0, "1m": 1_000_000, "12m": 12_441_600}
THOROUGH = {"none": 0, "64k": 64_000, "1m": 1_000_000, "12m": 12_441_600, "50m": 49_766_400}


def measure(bench):
    if bench.processors < 2:
        bench.note("one processor: workers win nothing there, however long the task is")
        return {}
    if not bench.has_memory(1_500_000_000, "all of it"):
        return {}
    figures = {}
    for name, size in bench.pick(QUICK, THOROUGH).items():
        data = array(size) if size else None
        shared = [shared_array(bench, size)] if size else []
        if shared:
            samples_of(shared[0])[:] = data
        with hauling.pool(bench.processors, *shared) as pool:
            warm_up(pool, bench.processors)
            if not size:
                trips = bench.in_turns(bench.pick(0.1, 1), lambda: pool.apply(nothing))
                figures["channel_trip_s"] = median(trips[0])
            ways = {"channel": data} if not size else {"channel": data, "shared": 0}
            for way, given in ways.items():
                bench.phase(f"{size} bytes, {way}")
                trip = median(bench.in_turns(0, lambda: pool.apply(hauling.task, ((given, 0, None),)))[0])
                # About where two workers would be even with one process, to begin with.
                loses, wins = hauling.crossover(lambda length: compare(bench, pool, data, given, length, trip),
                                                2 * trip, MOST, bench.pick(2.0, 1.5))
                if loses > 0:
                    figures[f"{way}_{name}_from_s"] = loses
                else:
                    bench.note(f"{way}, {size} bytes: workers always won, from tasks of 10 µs on")
                if wins < math.inf:
                    figures[f"{way}_{name}_to_s"] = wins
                else:
                    bench.note(f"{way}, {size} bytes: workers never won, up to tasks of 500 ms")
                if 0 < loses and wins < math.inf:
                    figures[f"{way}_{name}_s"] = math.sqrt(loses * wins)
    return figures


def compare(bench, pool, data, given, length, trip):
    """What a task of so much computing takes in this process, and by the workers."""
    steps = bench.steps(length)
    # As many as make a turn of some milliseconds, and two for each worker at least, or one if it is long.
    a_worker = 1 if length > 0.1 else min(max(0.004 / (length + trip), 2), 20)
    tasks = bench.processors * int(a_worker)

    def alone():
        for _ in range(tasks):
            hauling.here(data, steps)

    orders = [(given, steps, None)] * tasks
    # Long ones are known by one turn, unless there is time.
    least = 1 if (length + trip) * tasks > 0.1 else 3
    times = bench.medians(bench.pick(0.05, 0.5), alone, lambda: hauling.all_of(pool, orders), least=least)
    return [seconds / tasks for seconds in times]


if __name__ == "__main__":
    run(measure)
