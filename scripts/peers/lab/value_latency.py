"""What a look at a shared flag costs, while nobody writes it and while somebody does (lecture 27, slides 4, 6).

The flag is the lecture's `multiprocessing.Value('b', False)`, whose `.value` takes its lock; the stop flag
is a `multiprocessing.Event`; the ordinary variable is an attribute of an object. Contended: another process, forked,
writes the value under its lock all the time, and only reads count during which the value was seen to
change. All times have the loop in them, which is timed beside them.
"""

import multiprocessing
import timeit

from common import median, now, process, run

MANY = 100_000
# Fewer reads than this share that saw a new value were not disturbed: both had one processor. Then it
# is tried again, so many times at most.
DISTURBED = 1e-3
TRIES = 5


class Ordinary:
    value = False


def write(flag, stop):
    number = 0
    while not stop.is_set():
        for _ in range(64):
            number = (number + 1) % 100
            with flag.get_lock():
                flag.value = number


def seconds(statement, names):
    return timeit.timeit(statement, globals=names, number=MANY) / MANY


def contended(flag):
    """Seconds a read, and the share of reads that saw a new value."""
    stop = multiprocessing.Event()
    writer = process(write, flag, stop)
    writer.start()
    first = flag.value
    while flag.value == first:
        pass
    last, changes = first, 0
    begin = now()
    for _ in range(MANY):
        value = flag.value
        if value != last:
            changes += 1
            last = value
    taken = now() - begin
    stop.set()
    writer.join()
    return taken / MANY, changes / MANY


def measure(bench):
    flag = multiprocessing.Value("b", False)
    names = {"flag": flag, "bare": multiprocessing.Value("b", False, lock=False),
             "ordinary": Ordinary(), "event": multiprocessing.Event()}
    locked = "with flag.get_lock():\n    if not flag.value:\n        flag.value = True\nflag.value = False"
    statements = {
        "plain": "ordinary.value",
        "quiet": "flag.value",
        "watch": "event.is_set()",
        "locked": locked,
        "reset": "flag.value = False",
        "bare": "bare.value",
        "loop": "pass",
    }
    taken = {name: [] for name in statements}
    reads = []

    def turn():
        for name, statement in statements.items():
            taken[name].append(seconds(statement, names))
        for _ in range(TRIES):
            read = contended(flag)
            if read[1] >= DISTURBED:
                reads.append(read)
                break
        flag.value = False

    bench.phase("reading a flag")
    bench.in_turns(bench.pick(4, 20), turn)
    times = {name: median(each) for name, each in taken.items()}
    bench.note(f"without its lock (lock=False) reading a Value takes {1e9 * times['bare']:.0f} ns; the loop in "
               f"all of these takes {1e9 * times['loop']:.0f} ns")
    if not reads:
        bench.note("contended_s: left out, no other process ever wrote at the same time")
    return {
        "plain_s": times["plain"],
        "quiet_s": times["quiet"],
        "watch_s": times["watch"],
        "contended_s": median([read for read, _ in reads]),
        "new": median([new for _, new in reads]),
        # Without setting it back, which each repetition needs.
        "locked_s": times["locked"] - times["reset"],
    }


if __name__ == "__main__":
    run(measure)
