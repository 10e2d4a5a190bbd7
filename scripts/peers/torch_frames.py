#!/usr/bin/env python3
"""Frames through PyTorch's DataLoader: workers produce tensors in shared memory, the parent sums.

    scripts/peers/torch_frames.py [--frames N]
"""

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


def one_pass(count):
    # Without a batch size each tensor comes as it is, not copied into a batch.
    loader = DataLoader(Produced(count), batch_size=None, num_workers=frames.WORKERS, prefetch_factor=2)
    return [frames.sum_of(tensor.numpy().view("uint16")) for tensor in loader]


def main():
    return frames.main(f"torch {torch.__version__}", one_pass)


if __name__ == "__main__":
    sys.exit(main())
