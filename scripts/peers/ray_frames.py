#!/usr/bin/env python3
"""Frames through Ray: `put` into its object store, a task that sums what it maps there.

    scripts/peers/ray_frames.py [--frames N]
"""

import os
import sys

# Nothing is reported to anybody.
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")

import ray

import frames


@ray.remote(num_cpus=1)
def task(frame):
    return frames.sum_of(frame)


def one_pass(count):
    """Four frames in flight: two a worker."""
    flying, sums = [], []
    for number in range(count):
        if len(flying) == 2 * frames.WORKERS:
            sums.append(ray.get(flying.pop(0)))
        flying.append(task.remote(ray.put(frames.new_frame(number))))
    return sums + ray.get(flying)


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    ray.init(
        num_cpus=frames.WORKERS,
        object_store_memory=1 << 30,
        include_dashboard=False,
        logging_level="ERROR",
        runtime_env={"env_vars": {"PYTHONPATH": here}},
    )
    try:
        return frames.main(f"ray {ray.__version__}", one_pass)
    finally:
        ray.shutdown()


sys.exit(main())
