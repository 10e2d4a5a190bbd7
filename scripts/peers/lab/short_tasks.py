"""Eight tasks of a millisecond: sequential, by a warm `Pool`, and batched (lecture 26, slide 7).

A worker a processor, forked. A round trip is `Pool.apply` of a function that does nothing; by the pool
is `Pool.map` with a chunk size of 1, batched the same with a chunk for each worker. Then many tasks as long
as a round trip, and five times as long.
"""

import multiprocessing

from common import burn, nothing, run, warm_up

TASKS = 8
TASK = 0.001
SEVERAL = 5
MANY = 200


def measure(bench):
    workers, steps = bench.processors, bench.steps(TASK)
    tasks = [steps] * TASKS

    def sequential():
        for task in tasks:
            burn(task)

    with multiprocessing.Pool(workers) as pool:
        warm_up(pool, workers)

        def one_by_one():
            for task in tasks:
                pool.apply(burn, (task,))

        bench.phase("8 tasks of 1 ms")
        trip, alone, one_by_one, by_pool, batched = bench.medians(
            bench.pick(1.5, 10),
            lambda: pool.apply(nothing),
            sequential,
            one_by_one,
            lambda: pool.map(burn, tasks, chunksize=1),
            lambda: pool.map(burn, tasks, chunksize=-(-TASKS // workers)),
        )

        def speed_up(length):
            many = [bench.steps(length)] * MANY

            def here():
                for task in many:
                    burn(task)

            here, by_pool = bench.medians(
                bench.pick(0.5, 5), here, lambda: pool.map(burn, many, chunksize=1))
            return here / by_pool

        bench.phase("tasks as long as a round trip, and longer")
        once, several = speed_up(trip), speed_up(SEVERAL * trip)
    return {
        "round_trip_s": trip,
        "sequential_s": alone,
        "pool_s": by_pool,
        "slower": by_pool / alone,
        "one_by_one_s": one_by_one,
        "batched_s": batched,
        "batching": min(by_pool, alone) / batched,
        "once_speed_up": once,
        "several_speed_up": several,
    }


if __name__ == "__main__":
    run(measure)
