"""Prints the findings of raw frames as NumPy and OpenCV see them, one line of JSON a frame.

Usage: findings.py FRAMES.npy
       findings.py FILE HEIGHT WIDTH CHANNELS DTYPE
"""

import json
import sys

import cv2
import numpy as np


def luma(frame):
    if frame.shape[2] == 1:
        return frame[:, :, 0]
    red, green, blue = (frame[:, :, c].astype(np.uint32) for c in range(3))
    return ((13933 * red + 46871 * green + 4732 * blue + 32768) >> 16).astype(frame.dtype)


def findings(index, y, before):
    bins = np.bincount((y >> (8 * y.itemsize - 8)).ravel(), minlength=256)
    reached = np.cumsum(bins)
    difference = 0 if before is None else np.abs(y.astype(np.int64) - before).sum()
    return {
        "frame": index,
        "luma": {
            "min": int(y.min()),
            "max": int(y.max()),
            "mean": int(y.sum(dtype=np.uint64)) / y.size,
        },
        "histogram": {
            "bins": bins.tolist(),
            # round() rounds halves to even.
            "p10": int(np.argmax(reached >= round(y.size * 10 / 100))),
            "p90": int(np.argmax(reached >= round(y.size * 90 / 100))),
        },
        "motion": {"mean_abs_diff": int(difference) / y.size},
        "sharpness": {"laplacian_variance": float(cv2.Laplacian(y, cv2.CV_64F).var())},
    }


def main():
    path, *shape = sys.argv[1:]
    if shape:
        height, width, channels, dtype = shape
        frames = np.fromfile(path, dtype).reshape(-1, int(height), int(width), int(channels))
    else:
        frames = np.load(path, mmap_mode="r")
    before = None
    for index, frame in enumerate(frames):
        y = luma(frame)
        print(json.dumps(findings(index, y, before)))
        before = y


main()
