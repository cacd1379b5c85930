"""Types that every floor shares."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Level:
    """Static facts of a feature map, so that heads are built without running the extractor."""

    name: str
    channels: int
    stride_px: int
