"""What `Pool` and `ProcessPoolExecutor` offer, each shown live (lecture 26, slides 5 and 6).

A figure is 1 if at least one of the two was seen to do it, and 0 if neither was; the notes say which.
Workers are forked, except those of an executor that replaces them after so many tasks, which Python
does not do with workers that are forked.
"""

import asyncio
import inspect
import itertools
import multiprocessing
import os
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from multiprocessing.pool import AsyncResult, ThreadPool

from common import run

WORKERS = 2
SETUP = 41
_STATE = []


def init(setup):
    _STATE[:] = [setup + 1]


def state(_):
    return _STATE[0]


def square(number):
    return number * number


def who(_):
    return os.getpid()


def fail(why):
    raise ValueError(why)



def of_pool(pool):
    """What it was seen to do."""
    result = pool.apply_async(square, (7,))
    called_back = []
    pool.apply_async(square, (9,), callback=called_back.append).wait()

    async def wrapped():
        # By hand: a future of the loop's own that a callback in another thread resolves.
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        pool.apply_async(square, (5,), callback=lambda value: loop.call_soon_threadsafe(future.set_result, value))
        return await future

    try:
        pool.apply(fail, ("as asked",))
        error = None
    except ValueError as raised:
        error = str(raised)
    return {
        "future": isinstance(result, Future),
        "async": asyncio.run(wrapped()) == 25,
        "as_completed": False,  # AsyncResults cannot be waited for together
        "callback": called_back == [81],
        "initializer": pool.apply(state, (None,)) == SETUP + 1,
        "streaming": streams(),
        "max_tasks": fresh_in_pool(),
        "errors": error == "as asked",
        "one_line_switch": squares_of(ThreadPool) == squares_of(multiprocessing.Pool),
        # Said beside the figures.
        "result": isinstance(result, AsyncResult) and result.get() == 49,
    }


def streams():
    """Endless, and taken only as far as it is wanted. In a pool of its own, which never gets to anything
    else: it feeds its workers whether anybody takes the results or not."""
    with multiprocessing.Pool(WORKERS) as pool:
        streamed = itertools.islice(pool.imap(square, itertools.count()), 100)
        return list(streamed) == [square(number) for number in range(100)]


def squares_of(kind):
    with kind(WORKERS) as pool:
        return list(pool.map(square, range(5)))


def of_executor(executor):
    future = executor.submit(square, 7)
    called_back = []
    with_callback = executor.submit(square, 9)
    with_callback.add_done_callback(lambda done: called_back.append(done.result()))
    with_callback.result()
    completed = {done.result() for done in as_completed([executor.submit(square, n) for n in range(5)])}

    async def wrapped():
        return await asyncio.wrap_future(executor.submit(square, 5))

    error = executor.submit(fail, "as asked").exception()
    return {
        "future": isinstance(future, Future) and future.result() == 49,
        "async": asyncio.run(wrapped()) == 25,
        "as_completed": completed == {0, 1, 4, 9, 16},
        "callback": called_back == [81],
        "initializer": executor.submit(state, None).result() == SETUP + 1,
        # Without a bound on what is submitted ahead, `map` takes all of its input first.
        "streaming": "buffersize" in inspect.signature(executor.map).parameters,
        "max_tasks": fresh_in_executor(),
        "errors": isinstance(error, ValueError) and str(error) == "as asked",
        "one_line_switch": squares_of(ThreadPoolExecutor) == squares_of(ProcessPoolExecutor),
    }


def fresh_in_pool():
    with multiprocessing.Pool(1, maxtasksperchild=1) as pool:
        return len({pool.apply(who, (None,)) for _ in range(3)}) == 3


def fresh_in_executor():
    if "max_tasks_per_child" not in inspect.signature(ProcessPoolExecutor).parameters:
        return False
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn, max_tasks_per_child=1) as executor:
        return len({executor.submit(who, None).result() for _ in range(3)}) == 3


def measure(bench):
    bench.phase("feature by feature")
    with multiprocessing.Pool(WORKERS, initializer=init, initargs=(SETUP,)) as pool:
        by_pool = of_pool(pool)
    with ProcessPoolExecutor(WORKERS, initializer=init, initargs=(SETUP,)) as executor:
        by_executor = of_executor(executor)
    if by_pool.pop("result"):
        bench.note("what Pool returns is an AsyncResult, which is waited for by .get()")
    for key, shown in by_pool.items():
        if shown != by_executor[key]:
            bench.note(f"{key}: {'Pool' if shown else 'ProcessPoolExecutor'} alone")
    return {key: by_pool[key] or by_executor[key] for key in by_executor}


if __name__ == "__main__":
    run(measure)
