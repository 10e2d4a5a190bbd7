"""Prints the findings of raw frames as NumPy and OpenCV see them, one line of JSON a frame.

Usage: findings.py FRAMES.npy [THUMBNAILS.npy]
       findings.py FILE HEIGHT WIDTH CHANNELS DTYPE

Thumbnails are of at most 16 by 9 pixels; those in a file that is given must be the same.
"""

import hashlib
import json
import sys

import cv2
import numpy as np


def luma(frame):
    if frame.shape[2] == 1:
        return frame[:, :, 0]
    red, green, blue = (frame[:, :, c].astype(np.uint32) for c in range(3))
    return ((13933 * red + 46871 * green + 4732 * blue + 32768) >> 16).astype(frame.dtype)


def thumbnail(frame, width=16, height=9):
    large_height, large_width, channels = frame.shape
    height, width = min(height, large_height), min(width, large_width)
    small = np.empty((height, width, channels), frame.dtype)
    for i in range(height):
        rows = slice(i * large_height // height, (i + 1) * large_height // height)
        for j in range(width):
            columns = slice(j * large_width // width, (j + 1) * large_width // width)
            # A mean in double precision is exact enough to be rounded: np.rint, halves to even.
            small[i, j] = np.rint(frame[rows, columns].mean(axis=(0, 1), dtype=np.float64))
    return small


def findings(index, y, before, small):
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
        "thumbnail": {
            "width": small.shape[1],
            "height": small.shape[0],
            "sha256": hashlib.sha256(small.tobytes()).hexdigest(),
        },
    }


def main():
    path, *shape = sys.argv[1:]
    given = None
    if len(shape) > 1:
        height, width, channels, dtype = shape
        frames = np.fromfile(path, dtype).reshape(-1, int(height), int(width), int(channels))
    else:
        frames = np.load(path, mmap_mode="r")
        given = np.load(shape[0]) if shape else None
    before = None
    for index, frame in enumerate(frames):
        y = luma(frame)
        small = thumbnail(frame)
        if given is not None:
            assert given.dtype == small.dtype and len(given) == len(frames)
            np.testing.assert_array_equal(given[index], small)
        print(json.dumps(findings(index, y, before, small)))
        before = y


main()
