"""First found wins: iterations in vain without a flag and with one (lecture 27, slides 3 and 5).

Four workers have 100,000 items of 1 µs each, and worker 0 finds what is looked for at item 1,000. With a
`Value` as a flag each looks before every item. Every worker counts its items in shared memory, so that
the finder can note how far the others are: what they do after that is wasted.

Then the lecture's search for a prime, four processes with 100,000 numbers each, over and over: how often
there is exactly one result, and how many primes were found after it and kept out. Workers are forked.
"""

import multiprocessing

from common import burn, median, run
from primes import TOO_LATE, WON, is_prime, search_all

WORKERS = 4
ITEMS = 100_000
AT = 1_000
ITEM = 1e-6
FROM = 100_000_000

_SHARED = []


def init(*shared):
    _SHARED[:] = shared


def items(order):
    """A worker's items."""
    worker, steps, looks = order
    found, counts, noted, start = _SHARED
    start.wait()
    for item in range(1, ITEMS + 1):
        if looks and found.value:
            break
        burn(steps)
        counts[worker] = item
        if worker == 0 and item == AT:
            with found.get_lock():
                if not found.value:
                    found.value = True
                    noted[:] = counts[:]
            break


def search_items(bench):
    found = multiprocessing.Value("b", False)
    counts, noted = (multiprocessing.RawArray("q", WORKERS) for _ in range(2))
    shared = (found, counts, noted, multiprocessing.Barrier(WORKERS))
    steps = bench.steps(ITEM)
    wasted, iterations = {False: [], True: []}, {False: [], True: []}
    with multiprocessing.Pool(WORKERS, initializer=init, initargs=shared) as pool:

        def search(looks):
            found.value = False
            counts[:] = [0] * WORKERS
            # The barrier keeps a worker from taking more than one.
            pool.map(items, [(worker, steps, looks) for worker in range(WORKERS)], chunksize=1)
            iterations[looks].append(sum(counts))
            wasted[looks].append(sum(counts) - sum(noted))

        bench.in_turns(bench.pick(2, 15), lambda: search(False), lambda: search(True))
    return {
        "wasted_without": median(wasted[False]),
        "wasted_with": median(wasted[True]),
        "iterations_without": median(iterations[False]),
        "iterations_with": median(iterations[True]),
    }


def search_primes(bench):
    figures = {"searches": 0, "one_result": 0, "too_late": 0}

    def search():
        # Other numbers each time.
        first = FROM + figures["searches"] * WORKERS * ITEMS
        results, parts, _ = search_all(
            [range(first + at * ITEMS, first + (at + 1) * ITEMS) for at in range(WORKERS)])
        ends = [end for end, _ in parts]
        figures["searches"] += 1
        figures["one_result"] += len(results) == 1 and is_prime(results[0]) and ends.count(WON) == 1
        figures["too_late"] += ends.count(TOO_LATE)

    bench.in_turns(bench.pick(1.5, 10), search)
    return figures


def measure(bench):
    bench.phase("4 × 100,000 items")
    figures = search_items(bench)
    bench.phase("4 workers in search of a prime")
    figures.update(search_primes(bench))
    return figures


if __name__ == "__main__":
    run(measure)
