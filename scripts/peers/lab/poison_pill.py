"""Sentinels behind queued tasks: is all done before the workers go? (lecture 27, slide 2)

A trial: four processes take 200 tasks of 20 µs from a `multiprocessing.Queue` until each takes a None;
then a `Pool` with four workers, forked like these, is closed and joined with 200 tasks waiting, which is what
`drain_s` times. Every task says that it was done. Last, the same pool is terminated instead.
"""

import multiprocessing

from common import burn, is_there, median, now, process, run, warm_up

WORKERS = 4
TASKS = 200
TASK = 20e-6

_DONE = []


def consume(tasks, steps, taken):
    """Takes until it takes a sentinel; says what it took, in its order."""
    mine = []
    while True:
        task = tasks.get()
        if task is None:
            break
        burn(steps)
        mine.append(task)
    taken.put(mine)


def by_queue(steps):
    """The tasks that each worker took, and the processes that are still there."""
    tasks, taken = multiprocessing.Queue(), multiprocessing.SimpleQueue()
    workers = [process(consume, tasks, steps, taken) for _ in range(WORKERS)]
    for worker in workers:
        worker.start()
    for task in range(TASKS):
        tasks.put(task)
    for _ in workers:
        tasks.put(None)
    taken = [taken.get() for _ in workers]
    for worker in workers:
        worker.join()
    tasks.close()
    tasks.join_thread()
    return taken, sum(is_there(worker.pid) for worker in workers)


def init(done):
    _DONE[:] = [done]


def task(order):
    number, steps = order
    burn(steps)
    # Each has a place of its own, so that no lock is needed.
    _DONE[0][number] += 1


def pool_with_tasks(steps):
    """A pool with all tasks waiting, and the array where each says how often it was done."""
    done = multiprocessing.RawArray("i", TASKS)
    pool = multiprocessing.Pool(WORKERS, initializer=init, initargs=(done,))
    workers = multiprocessing.active_children()
    # How long workers take to start is not what is tried.
    warm_up(pool, WORKERS)
    pool.map_async(task, [(number, steps) for number in range(TASKS)], chunksize=1)
    return pool, done, [worker.pid for worker in workers]


def measure(bench):
    steps = bench.steps(TASK)
    figures = {"trials": 0, "tasks": 0, "lost": 0, "repeated": 0, "out_of_order": 0, "workers_left": 0}
    drains = []

    def count(times):
        figures["tasks"] += len(times)
        figures["lost"] += sum(number == 0 for number in times)
        figures["repeated"] += sum(max(0, number - 1) for number in times)

    def trial():
        figures["trials"] += 1
        taken, left = by_queue(steps)
        figures["workers_left"] += left
        times = [0] * TASKS
        for mine in taken:
            figures["out_of_order"] += sum(one > next_one for one, next_one in zip(mine, mine[1:]))
            for number in mine:
                times[number] += 1
        count(times)

        pool, done, pids = pool_with_tasks(steps)
        begin = now()
        pool.close()
        pool.join()
        drains.append(now() - begin)
        figures["workers_left"] += sum(map(is_there, pids))
        count(done)

    bench.phase("sentinels behind 200 tasks")
    bench.in_turns(bench.pick(3, 15), trial)

    bench.phase("terminating them instead")
    pool, done, _ = pool_with_tasks(steps)
    pool.terminate()
    pool.join()
    return {
        **figures,
        "lost_by_killing": sum(number == 0 for number in done),
        "drain_s": median(drains),
    }


if __name__ == "__main__":
    run(measure)
