"""Images per second of CNN-14 in a plain loop in PyTorch, for train_speed.py: in a process of its own.

    python benchmarks/torch_loop.py bfloat16 128 3 2048

takes the precision, the batch size, the epochs and the number of pictures. Where PyTorch and TensorFlow are in one
process, the first convolution of PyTorch crashed it.
"""

import sys
import time
from typing import Any

import numpy as np
import torch
from torch import nn

CLASSES = 28


def main(precision: str, batch_size: int, epochs: int, images: int) -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (images, 32, 32, 1), dtype=np.uint8)
    model = network().to(memory_format=torch.channels_last).train()
    optimizer, criterion = torch.optim.Adam(model.parameters(), 1e-3), nn.CrossEntropyLoss()
    pixels, labels = torch.from_numpy(pictures.transpose(0, 3, 1, 2)), torch.arange(images) % CLASSES
    seconds = []
    for _ in range(epochs):
        start = time.perf_counter()
        for rows in torch.randperm(images).split(batch_size):
            batch = pixels[rows].float().div(255).contiguous(memory_format=torch.channels_last)
            with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
                answers = model(batch)
            optimizer.zero_grad()
            criterion(answers.float(), labels[rows]).backward()
            optimizer.step()
        seconds.append(time.perf_counter() - start)
    print(images / min(seconds[1:]))


def network() -> Any:
    """CNN-14 in PyTorch, without its softmax."""
    layers: list[Any] = []
    channels = 1
    for filters, dropout in ((32, 0), (64, 0), (64, 0.25), (64, 0.25)):
        for _ in range(2):
            layers += [nn.Conv2d(channels, filters, 3, padding=1), nn.ReLU()]
            channels = filters
        layers += [nn.MaxPool2d(2), nn.Dropout(dropout)] if dropout else [nn.MaxPool2d(2)]
    layers += [nn.Flatten()]
    for _ in range(2):
        layers += [nn.Linear(256, 256), nn.ReLU()]
    return nn.Sequential(*layers, nn.Dropout(0.25), nn.Linear(256, CLASSES))


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
