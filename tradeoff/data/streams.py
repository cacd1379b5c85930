"""Random streams that never coincide, keyed by what they are for, a seed and an index."""

from enum import IntEnum

import numpy as np


class Stream(IntEnum):
    """What a stream is for."""

    TRAIN_PICTURE = 1
    VAL_PICTURE = 2
    EPOCH_ORDER = 3
    FLIP = 4
    COLOUR = 5
    EXPAND = 6
    CROP = 7
    CROP_RATIO = 8
    PAD_RATIO = 9


def generator(stream: Stream, seed: int, index: int) -> np.random.Generator:
    """Return the generator of one stream.

    The 128 bits of the key are (stream, seed, index), so two streams are the same only when all three are.

    Args:
        stream: what it is for.
        seed: 0..2^32-1.
        index: 0..2^64-1, such as the number of an example.

    Source: Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3" (Philox).
    """
    if not 0 <= seed < 2**32:
        raise ValueError(f"seed {seed}: expected 0 to 2^32-1")
    return np.random.Generator(np.random.Philox(key=np.array([stream << 32 | seed, index], dtype=np.uint64)))
