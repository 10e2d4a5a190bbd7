"""Six requirements of a pool for early termination, each checked on running ones (lecture 27, slide 11).

A figure is the share of the checks that were met: 1. workers that ended when the one flag was set; 2.
loops that looked exactly as often as asked; 3. races of four for the same prime with exactly one result; 4.
workers that offered two results, of which one was taken at most; 5. results read when no worker was
left, as a zombie either; 6. searches for nothing that ended and said so. Kept out are results of
the races that the second look, under the lock, refused. Four processes each time, forked.
"""

import multiprocessing
import time
from collections import Counter

from common import is_there, process, run
from primes import EXHAUSTED, TOO_LATE, WON, search_all

WORKERS = 4
ITERATIONS = 10_000
INTERVALS = (1, 10, 1_000)
# All look for the same prime, which takes some time to see: the others come to it before the first is done.
PRIME = 100_000_000_003
NO_PRIMES = [range(24, 29), range(90, 97), range(114, 127), range(200, 211)]


def loop(flag, every, iterations, start, ended, looks):
    """Looks at the flag every so many iterations; without a number of them it goes on for ever."""
    start.wait()
    number = count = 0
    while iterations is None or number < iterations:
        if number % every == 0:
            count += 1
            if flag.value:
                break
        number += 1
    with ended.get_lock():
        ended.value += 1
    looks.put(count)


def loops(every, iterations):
    """Four of them, under way, and what they share."""
    flag, ended = multiprocessing.Value("b", False), multiprocessing.Value("i", 0)
    start, looks = multiprocessing.Barrier(WORKERS + 1), multiprocessing.SimpleQueue()
    workers = [process(loop, flag, every, iterations, start, ended, looks) for _ in range(WORKERS)]
    for worker in workers:
        worker.start()
    start.wait()
    return workers, flag, ended, looks


class Checks:
    def __init__(self):
        self.times, self.met = Counter(), Counter()
        self.kept_out = 0

    def add(self, key, is_met):
        self.times[key] += 1
        self.met[key] += bool(is_met)

    def share(self, key):
        return self.met[key] / self.times[key]

    def one_flag(self):
        workers, flag, ended, _ = loops(100, None)
        time.sleep(0.005)
        early = ended.value
        with flag.get_lock():
            flag.value = True
        for worker in workers:
            worker.join(10)
            self.add("flag", not early and worker.exitcode == 0)
            if worker.is_alive():
                worker.kill()

    def interval(self):
        for every in INTERVALS:
            workers, _, _, looks = loops(every, ITERATIONS)
            for worker in workers:
                self.add("interval", looks.get() == ITERATIONS // every)
            for worker in workers:
                worker.join()

    def one_result(self):
        results, parts, workers = search_all([range(PRIME, PRIME + 1_000)] * WORKERS, again=True)
        # It is the first thing asked about them once the results have been read.
        self.add("cleanup", results and not any(is_there(worker.pid) for worker in workers))
        ends = [end for end, _ in parts]
        self.add("lock", results == [PRIME] and ends.count(WON) == 1)
        self.kept_out += ends.count(TOO_LATE)
        for _, taken in parts:
            self.add("channel", taken <= 1)

    def no_result(self):
        results, parts, _ = search_all(NO_PRIMES)
        self.add("no_result", not results and all(end == EXHAUSTED for end, _ in parts))


def measure(bench):
    checks = Checks()
    bench.phase("one flag and its interval")
    bench.in_turns(bench.pick(1, 5), checks.one_flag, checks.interval)
    bench.phase("one result, or none, and no worker left")
    bench.in_turns(bench.pick(2, 10), checks.one_result, checks.no_result)
    return {
        "flag": checks.share("flag"),
        "interval": checks.share("interval"),
        "lock": checks.share("lock"),
        "channel": checks.share("channel"),
        "cleanup": checks.share("cleanup"),
        "no_result": checks.share("no_result"),
        "kept_out": checks.kept_out,
    }


if __name__ == "__main__":
    run(measure)
