"""Work on small and large data: speed-up of a `Pool` over one process (lecture 26, slides 4 and 10).

Light is 1 ms in the interpreter, medium 75 ms, heavy 200 ms; small is 1 kB of input, large 12 MB of input or output.
A worker a processor, forked; data cross as arguments and results, pickled, or lie in a shared
`multiprocessing.Array`.
"""

import hauling
from common import array, median, nothing, run, samples_of, shared_array, warm_up

LIGHT, MEDIUM, HEAVY = 0.001, 0.075, 0.2
SMALL, LARGE = 1_000, 12_441_600


def measure(bench):
    if not bench.has_memory(1_000_000_000, "all of it"):
        return {}
    workers = bench.processors
    small, large = array(SMALL), array(LARGE)
    # One to read, and one for each task to write.
    tasks = {"light": bench.pick(2, 4) * workers, "medium": workers, "heavy": workers}
    shared = [shared_array(bench, LARGE) for _ in range(1 + max(tasks.values()))]
    samples_of(shared[0])[:] = large
    figures = {}
    with hauling.pool(workers, *shared) as pool:
        warm_up(pool, workers)
        trips = bench.in_turns(bench.pick(0.1, 1), lambda: pool.apply(nothing))
        figures["round_trip_s"] = median(trips[0])
        rows = (("light", LIGHT, 2), ("medium", MEDIUM, 2), ("heavy", HEAVY, bench.pick(1, 3)))
        for name, seconds, least in rows:
            bench.phase(f"{name} tasks")
            figures.update(row(bench, pool, name, tasks[name], bench.steps(seconds), small, large, shared, least))
    return figures


def row(bench, pool, name, tasks, steps, small, large, shared, least):
    def alone(data, output=None):
        for _ in range(tasks):
            hauling.here(data, steps, output)

    def by_pool(data, output=None):
        hauling.all_of(pool, [(data, steps, output)] * tasks)

    def out_by_reference():
        hauling.all_of(pool, [(None, steps, (1 + number,)) for number in range(tasks)])
        for memory in shared[1:1 + tasks]:
            hauling.touch(samples_of(memory))

    times = bench.medians(
        bench.pick(1, 10),
        lambda: alone(small),
        lambda: by_pool(small),
        lambda: alone(large),
        lambda: by_pool(large),
        lambda: by_pool(0),
        lambda: alone(None, LARGE),
        lambda: by_pool(None, LARGE),
        out_by_reference,
        least=least,
    )
    small_alone, small_pool, in_alone, in_payload, in_reference, out_alone, out_payload, out_reference = times
    return {
        f"{name}_small": small_alone / small_pool,
        f"{name}_large_in_payload": in_alone / in_payload,
        f"{name}_large_in_reference": in_alone / in_reference,
        f"{name}_large_out_payload": out_alone / out_payload,
        f"{name}_large_out_reference": out_alone / out_reference,
    }


if __name__ == "__main__":
    run(measure)
