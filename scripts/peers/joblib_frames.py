#!/usr/bin/env python3
"""Frames through joblib: arrays beyond 1 MB are dumped into a file that workers map, automatically.

    scripts/peers/joblib_frames.py [--frames N]
"""

import os
import sys

import joblib

import frames


def one_pass(count):
    # The frames are produced one by one, as workers come to need them.
    task = joblib.delayed(frames.sum_of)
    return PARALLEL(task(frames.new_frame(number)) for number in range(count))


if __name__ == "__main__":
    here = os.path.dirname(os.path.abspath(__file__))
    os.environ["PYTHONPATH"] = os.pathsep.join([here, os.environ.get("PYTHONPATH", "")])
    # Kept, as the pool of workers is between the calls.
    with joblib.Parallel(n_jobs=frames.WORKERS, pre_dispatch=2 * frames.WORKERS, batch_size=1) as PARALLEL:
        sys.exit(frames.main(f"joblib {joblib.__version__}", one_pass))
