"""The checklist on 2,000 tasks of 20 µs: sequential, parallel, batched (lecture 26, slide 11).

Sequential first, and how much of that time the processor was at it; then a worker a processor, forked:
`Pool.apply` task by task, `Pool.imap` with a chunk size of 1, and `Pool.map`, which makes four chunks a
worker. All in turns.
"""

import multiprocessing
import time

from common import burn, now, run, warm_up

TASKS = 2_000
TASK = 20e-6


def measure(bench):
    workers, steps = bench.processors, bench.steps(TASK)
    tasks = [steps] * TASKS
    shares = []

    def sequential():
        used, begin = time.process_time(), now()
        for task in tasks:
            burn(task)
        shares.append((time.process_time() - used) / (now() - begin))

    with multiprocessing.Pool(workers) as pool:
        warm_up(pool, workers)

        def one_by_one():
            for task in tasks:
                pool.apply(burn, (task,))

        def parallel():
            for _ in pool.imap(burn, tasks, chunksize=1):
                pass

        bench.phase("sequential, parallel, batched")
        alone, one_by_one, parallel, batched = bench.medians(
            bench.pick(2, 15), sequential, one_by_one, parallel, lambda: pool.map(burn, tasks))
    return {
        "sequential_s": alone,
        # The shares are of the same turns.
        "cpu_share": min(1.0, sorted(shares)[len(shares) // 2]),
        "one_by_one_s": one_by_one,
        "parallel_s": parallel,
        "parallel_speed_up": alone / parallel,
        "batched_s": batched,
        "batched_speed_up": alone / batched,
    }


if __name__ == "__main__":
    run(measure)
