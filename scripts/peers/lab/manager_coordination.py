"""Workers that look at a flag in a `Manager`'s dict, or in a `Value` (lecture 26, slide 9).

Four workers that look ten times a second, and 1, 2, 4 and 8 that look as often as they can. The clock is
looked at after every look at the Manager, and after a thousand looks at the Value, which are much
shorter. The Value has its lock, which every look takes. Beside them as many workers that look at nothing
and do tasks of 20 us. Workers are processes of their own, forked.
"""

import multiprocessing
import time

from common import burn, now, process, run

WORKERS = (1, 2, 4, 8)
KEY = "stop"
TASK = 20e-6


def look_at_manager(flag, pause, start, seconds, looks):
    # Connects before the time begins.
    bool(flag[KEY])
    start.wait()
    count, until = 0, now() + seconds
    while True:
        bool(flag[KEY])
        count += 1
        if pause:
            time.sleep(pause)
        if now() >= until:
            break
    looks.put(count)


def look_at_value(flag, pause, start, seconds, looks):
    start.wait()
    count, until = 0, now() + seconds
    while now() < until:
        for _ in range(1_000):
            bool(flag.value)
        count += 1_000
    looks.put(count)


def work_alone(steps, pause, start, seconds, looks):
    start.wait()
    count, until = 0, now() + seconds
    while now() < until:
        burn(steps)
        count += 1
    looks.put(count)


def looks_a_second(look, flag, workers, pause, seconds):
    """Of all workers together."""
    start, looks = multiprocessing.Barrier(workers), multiprocessing.SimpleQueue()
    lookers = [process(look, flag, pause, start, seconds, looks) for _ in range(workers)]
    for looker in lookers:
        looker.start()
    count = sum(looks.get() for _ in lookers)
    for looker in lookers:
        looker.join()
    return count / seconds


def measure(bench):
    seconds = bench.pick(0.8, 4)
    flag = multiprocessing.Value("b", False)
    with multiprocessing.Manager() as server:
        shared = server.dict({KEY: False})
        bench.phase("4 workers, ten times a second")
        leisurely = looks_a_second(look_at_manager, shared, 4, 0.1, seconds)
        by_manager, by_value, alone = {}, {}, {}
        steps = bench.steps(TASK)
        for workers in WORKERS:
            bench.phase(f"{workers} workers, as often as they can")
            by_manager[workers] = looks_a_second(look_at_manager, shared, workers, 0, 0.5 * seconds)
            by_value[workers] = looks_a_second(look_at_value, flag, workers, 0, 0.25 * seconds)
            alone[workers] = looks_a_second(work_alone, steps, workers, 0, 0.25 * seconds)
    return {
        "leisurely_per_s": leisurely,
        "leisurely_share": leisurely / by_manager[1],
        "manager_1_per_s": by_manager[1],
        "manager_2_per_s": by_manager[2],
        "manager_4_per_s": by_manager[4],
        "manager_8_per_s": by_manager[8],
        "call_s": 1 / by_manager[1],
        "manager_gain": by_manager[4] / by_manager[1],
        "manager_8_gain": by_manager[8] / by_manager[1],
        "shared_1_per_s": by_value[1],
        "shared_2_per_s": by_value[2],
        "shared_4_per_s": by_value[4],
        "shared_8_per_s": by_value[8],
        "shared_gain": by_value[4] / by_value[1],
        "shared_8_gain": by_value[8] / by_value[1],
        "alone_1_per_s": alone[1],
        "alone_2_per_s": alone[2],
        "alone_4_per_s": alone[4],
        "alone_8_per_s": alone[8],
        "shared_over_manager": by_value[1] / by_manager[1],
    }


if __name__ == "__main__":
    run(measure)
