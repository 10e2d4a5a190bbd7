"""A 100 MB array across a process boundary: what each copy takes (lecture 26, slide 2).

The three copies one by one: `pickle.dumps`, a pipe from this process to another, `pickle.loads`. Then
the whole way, there and back: as an argument and a result of `Pool.apply`, as raw bytes through a
pipe, and in a shared `multiprocessing.Array`. Memory is what both processes have at the peak, the array
included. Workers are forked.
"""

import pickle

import numpy as np

import hauling
from common import array, median, now, peak_memory, run, samples_of, shared_array, touch, worker_pids

SIZE = 100_000_000


def measure(bench):
    if not bench.has_memory(1_200_000_000, "all of it"):
        return {}
    shared = shared_array(bench, SIZE)
    view = samples_of(shared)
    courier = hauling.Courier()
    with hauling.pool(1, shared) as pool:
        pids = worker_pids(pool, 1)
        bench.phase("memory")

        def payload():
            pool.apply(hauling.task, ((array(SIZE), 0, None),))

        def raw():
            courier.send(array(SIZE))

        def by_reference():
            view[:] = 1
            pool.apply(hauling.task, ((0, 0, None),))

        payload_peak = peak_memory(pids, payload)
        raw_peak = peak_memory([courier.process.pid], raw)
        # What both have mapped is there once.
        shared_peak = SIZE + peak_memory(pids, by_reference)
        payload_output_peak = peak_memory(pids, lambda: pool.apply(hauling.task, ((None, 0, SIZE),)))
        raw_output_peak = peak_memory([courier.process.pid], lambda: courier.fetch(SIZE))
        shared_output_peak = SIZE + peak_memory(pids, lambda: pool.apply(hauling.task, ((None, 0, (0,)),)))

        bench.phase("there and back")
        data = array(SIZE)
        copies = {"dumps": [], "pipe": [], "loads": []}

        def one_by_one():
            begin = now()
            message = pickle.dumps(data)
            copies["dumps"].append(now() - begin)
            begin = now()
            pickle.loads(message)
            copies["loads"].append(now() - begin)

        def by_pipe():
            begin = now()
            copies["pipe"].append(courier.send(data) - begin)

        def trip(*order):
            result = pool.apply(hauling.task, (order,))
            if result is not None:
                touch(result)

        def shared_output():
            trip(None, 0, (0,))
            touch(view)

        times = bench.medians(
            bench.pick(2, 20),
            one_by_one,
            by_pipe,
            lambda: trip(data, 0, None),
            lambda: np.copyto(view, data),
            lambda: trip(0, 0, None),
            lambda: trip(None, 0, SIZE),
            lambda: courier.fetch(SIZE),
            shared_output,
        )
    courier.end()
    _, raw_input, payload_input, copy, shared_input, payload_output, raw_output, shared_output = times
    return {
        "serialize_bytes_per_s": SIZE / median(copies["dumps"]),
        "transfer_bytes_per_s": SIZE / median(copies["pipe"]),
        "deserialize_bytes_per_s": SIZE / median(copies["loads"]),
        "payload_input_s": payload_input,
        "payload_output_s": payload_output,
        "payload_peak": payload_peak / SIZE,
        "payload_output_peak": payload_output_peak / SIZE,
        "raw_input_s": raw_input,
        "raw_output_s": raw_output,
        "raw_peak": raw_peak / SIZE,
        "raw_output_peak": raw_output_peak / SIZE,
        "shared_copy_s": copy,
        "shared_input_s": shared_input,
        "shared_output_s": shared_output,
        "shared_peak": shared_peak / SIZE,
        "shared_output_peak": shared_output_peak / SIZE,
    }


if __name__ == "__main__":
    run(measure)
