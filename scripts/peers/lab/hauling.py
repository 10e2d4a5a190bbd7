"""Tasks on data that have to get to a worker and back, by value or by reference.

A task reads all of its input, works, and returns an output if it is asked for one. By value data are
pickled, as arguments and results of `Pool` are; by reference they lie in a shared array.
"""

import math
import multiprocessing
import time

import numpy as np

from common import array, burn, fill, process, samples_of, touch

_SHARED = []


def pool(workers, *shared):
    """A `Pool` whose workers know these shared arrays, by their place."""
    return multiprocessing.Pool(workers, initializer=init, initargs=shared)


def init(*shared):
    """In a worker: these are what it knows."""
    _SHARED[:] = [samples_of(memory) for memory in shared]


def task(order):
    """In a worker: `(input, steps, output)`.

    The input is None, samples, or the place of a shared array; the output None, a size in bytes, or
    the place of a shared array that is to be filled.
    """
    data, steps, output = order
    work(_SHARED[data] if isinstance(data, int) else data, steps)
    if isinstance(output, tuple):
        fill(_SHARED[output[0]])
        return None
    return None if output is None else array(output)


def work(data, steps):
    if data is not None:
        touch(data)
    burn(steps)


def here(data, steps, output=None):
    """The same in this process, where nothing has to cross."""
    work(data, steps)
    if output is not None:
        touch(array(output))


def all_of(workers, orders):
    """As many as there are, as fast as the pool takes them; what comes back is read."""
    for result in workers.imap(task, orders, chunksize=1):
        if result is not None:
            touch(result)


# ---- where a task pays --------------------------------------------------------------------------

LEAST = 10e-6


def crossover(compare, guess, most, factor):
    """The task length from which workers win.

    `compare(length)` returns what a task takes in this process and by the workers. From the guess on
    lengths are halved or doubled until one is found at which one process wins and one at which the
    workers do, at most `factor` apart. Returned are the two: 0 and the shortest if one process never
    wins, the longest and infinity if the workers never do.
    """
    guess = min(max(guess, LEAST), most)
    compared = compare(guess)
    # What a task takes beside its computing is part of its length.
    reading = max(0.0, compared[0] - guess)
    lower = upper = guess
    if _wins(compared):
        while lower == upper:
            if upper <= LEAST:
                return 0.0, LEAST + reading
            lower = max(upper / 2, LEAST)
            if _wins(compare(lower)):
                upper = lower
    else:
        while lower == upper:
            if lower >= most:
                return lower + reading, math.inf
            upper = min(2 * lower, most)
            if not _wins(compare(upper)):
                lower = upper
    while upper / lower > factor:
        middle = math.sqrt(lower * upper)
        if _wins(compare(middle)):
            upper = middle
        else:
            lower = middle
    return lower + reading, upper + reading


def _wins(compared):
    alone, parallel = compared
    return parallel < alone


# ---- raw bytes ----------------------------------------------------------------------------------


class Courier:
    """One worker at the end of a pipe, which bytes go through as they are: nothing is pickled."""

    def __init__(self, init=None, *arguments):
        self.pipe, theirs = multiprocessing.Pipe()
        self.process = process(_serve, theirs, self.pipe, init, arguments)
        self.process.start()
        theirs.close()

    def send(self, data, steps=0):
        """Has it read all of the bytes; returns when they had arrived there."""
        self.pipe.send(("take", steps))
        self.pipe.send_bytes(memoryview(data).cast("B"))
        return self.pipe.recv()

    def fetch(self, size):
        """Has it make so many bytes, and reads them."""
        self.pipe.send(("make", size))
        touch(np.frombuffer(self.pipe.recv_bytes(), np.uint16))

    def end(self):
        self.pipe.close()
        self.process.join()


def _serve(pipe, parents, init, arguments):
    parents.close()  # a forked worker has it too, and would never see its end
    if init:
        init(*arguments)
    try:
        while True:
            what, number = pipe.recv()
            if what == "take":
                data = np.frombuffer(pipe.recv_bytes(), np.uint16)
                arrived = time.perf_counter()
                work(data, number)
                del data
                pipe.send(arrived)
            else:
                pipe.send_bytes(memoryview(array(number)).cast("B"))
    except EOFError:
        pass
