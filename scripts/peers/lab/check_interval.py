"""How often to look at a flag: every 10 or every 1,000 iterations? (lecture 27, slides 6 and 7)

Four workers run the same loop at the same time; an iteration is a call that does nothing (cheap) or 5 µs
of computing (heavy; a look takes Python longer than others). A look is the lecture's:
`n % every == 0 and flag.value`. Windows of as many iterations as lie between two looks at least are timed,
by the processor's time, so that those that were interrupted are none the slower; of them the fastest
counts, since whatever else the machine does only makes one slower.

Then what a look costs for iterations of increasing length: the interval at which looking takes 1 % of
the time is the look over an iteration over 0.01, and the exponent is that of this interval over the
iteration's length, of iterations short enough for a look to be seen beside them. Python has nothing that chooses an interval, so that `auto_exponent`, `cheap_auto` and
`heavy_auto` are left out. Workers are forked.
"""

import math
import multiprocessing
import time

import numpy as np

from common import burn, run

WORKERS = 4
FREQUENT, RARE = 10, 1_000
NEVER = 0
WINDOW = 0.002
HEAVY = 5e-6
# Steps of work an iteration.
LAW = (0, 1, 2, 4, 8, 16, 32, 64, 128)
SHARE = 0.01
# Beside longer iterations a look is lost in what else they differ by.
LONGEST = 2e-6

_SHARED = []


def init(*shared):
    _SHARED[:] = shared


def window(order):
    """Runs the loop together with the other workers; seconds an iteration."""
    steps, iterations, every = order
    flag, start = _SHARED
    start.wait()
    begin = time.process_time()
    if every == NEVER:
        for n in range(iterations):
            burn(steps)
    else:
        for n in range(iterations):
            if n % every == 0 and flag.value:
                break
            burn(steps)
    return (time.process_time() - begin) / iterations


class Fastest:
    """The fastest windows, by steps and interval."""

    def __init__(self, bench, pool):
        self.pool = pool
        self.seconds = {}
        # An iteration's call and loop take about as long as some steps.
        self.guess = lambda steps: (steps + 5) / bench.steps(1)

    def look(self, steps, every):
        # Enough of them for the interval to be seen.
        iterations = max(int(WINDOW / self.guess(steps)), every, 10)
        paces = self.pool.map(window, [(steps, iterations, every)] * WORKERS, chunksize=1)
        best = self.seconds.get((steps, every), math.inf)
        self.seconds[steps, every] = min(best, *paces)

    def of(self, steps, every):
        return self.seconds[steps, every]


def exponent(points):
    """`a` of `y = b x^a`, by least squares of the logarithms."""
    if len(points) < 3 or min(y for _, y in points) <= 0:
        return math.nan
    x, y = np.log(np.array(points)).T
    return float(np.polyfit(x, y, 1)[0])


def measure(bench):
    shared = (multiprocessing.Value("b", False), multiprocessing.Barrier(WORKERS))
    cheap, heavy = 0, bench.steps(HEAVY)
    with multiprocessing.Pool(WORKERS, initializer=init, initargs=shared) as pool:
        fastest = Fastest(bench, pool)

        def intervals():
            for steps in (cheap, heavy):
                for every in (NEVER, 1, FREQUENT, RARE):
                    fastest.look(steps, every)

        def law():
            for steps in LAW:
                fastest.look(steps, NEVER)
                fastest.look(steps, 1)

        bench.phase("4 workers, looking more and less often")
        bench.in_turns(bench.pick(3.5, 20), intervals, law)
    best = []
    for steps in LAW:
        pace = fastest.of(steps, NEVER)
        if pace <= LONGEST:
            best.append((pace, (fastest.of(steps, 1) - pace) / pace / SHARE))

    def slower(steps):
        return fastest.of(steps, FREQUENT) / fastest.of(steps, RARE)

    return {
        "cheap_slower": slower(cheap),
        "heavy_slower": slower(heavy),
        "look_s": fastest.of(cheap, 1) - fastest.of(cheap, NEVER),
        "best_exponent": exponent(best),
    }


if __name__ == "__main__":
    run(measure)
