"""The lecture's cooperative search for a prime (lecture 27, slide 5): lock, look again, set, return."""

import multiprocessing

from common import process

# How a worker's part of a search ended.
WON, TOO_LATE, TOLD, EXHAUSTED = "won", "too late", "told", "exhausted"


def is_prime(number):
    if number < 2:
        return False
    divisor = 2
    while divisor * divisor <= number:
        if number % divisor == 0:
            return False
        divisor += 1
    return True


def search(numbers, found, results, ends, start, every=1, again=False):
    """A worker's part, which looks at the flag every so many numbers.

    With `again` it offers a second result, which is not to be taken. Says how it ended, and how many
    of its results were taken.
    """
    start.wait()
    end, taken = EXHAUSTED, 0
    for place, number in enumerate(numbers):
        if place % every == 0 and found.value:
            end = TOLD
            break
        if is_prime(number):
            taken = int(offer(found, results, number))
            end = WON if taken else TOO_LATE
            if again:
                taken += offer(found, results, number + 1)
            break
    ends.put((end, taken))


def offer(found, results, number):
    """Records the number unless there is a result already; says whether it did."""
    with found.get_lock():
        if found.value:
            return False
        found.value = True
        results.put(number)
    return True


def search_all(ranges, **options):
    """Carries a search out, in a process for each range of numbers.

    Returns the results, how each worker's part ended with how many of its results were taken, and the
    workers, which have been joined.
    """
    found = multiprocessing.Value("b", False)
    results, ends = multiprocessing.Queue(), multiprocessing.SimpleQueue()
    start = multiprocessing.Barrier(len(ranges))
    workers = [process(search, numbers, found, results, ends, start, **options) for numbers in ranges]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    read = []
    # With all workers gone, what they have put is there.
    while not results.empty():
        read.append(results.get())
    return read, [ends.get() for _ in workers], workers
