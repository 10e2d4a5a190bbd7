#!/usr/bin/env python3
"""Frames through PyTorch's DataLoader: workers produce tensors in shared memory, the parent sums.

    scripts/peers/torch_frames.py [--frames N]
"""

import functools
import sys

import torch
from torch.utils.data import DataLoader, Dataset

import frames


class Produced(Dataset):
    def __init__(self, count):
        self.count = count

    def __len__(self):
        return self.count

    def __getitem__(self, number):
        # Tensors of uint16 cannot do much yet; the bits are the same.
        return torch.from_numpy(frames.new_frame(number).view("int16"))


@functools.cache
def loader(count):
    """Its workers stay from pass to pass. Without a batch size no tensor is copied into a batch."""
    return DataLoader(
        Produced(count),
        batch_size=None,
        num_workers=frames.WORKERS,
        prefetch_factor=2,
        persistent_workers=True,
    )


def one_pass(count):
    return [frames.sum_of(tensor.numpy().view("uint16")) for tensor in loader(count)]


def main():
    return frames.main(f"torch {torch.__version__}", one_pass)


if __name__ == "__main__":
    sys.exit(main())
