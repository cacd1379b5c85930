"""What may change after training."""

from dataclasses import dataclass, replace
from typing import Literal, Self

from tradeoff.recipes.base import Recipe, option

PRECISIONS = ("fp32", "tf32", "fp16", "bf16")


@dataclass(frozen=True, kw_only=True)
class Inference(Recipe):
    """All that may change after training: it never retrains, and predictions and timings share it."""

    proposals: int | None = option(
        300, "regions that reach the second stage; empty for single-stage detectors", low=1, high=5000
    )
    precision: Literal["fp32", "tf32", "fp16", "bf16"] = option("fp32", "arithmetic of the network")
    score_threshold: float = option(1e-8, "detections below this score are dropped (TF OD API)", low=0, high=1)
    nms_iou: float = option(
        0.6, "overlap above which a detection is dropped for a better one of its class", low=0, high=1
    )
    detections: int = option(100, "detections kept per image", low=1, high=10000)
    winograd: bool = option(
        True,
        "in fp32 on a CPU, 3×3 convolutions go by Winograd's F(4×4, 3×3) where that is faster",
    )

    def meaningful_on(self, device: str) -> Self:
        """Return it with what has no meaning on a device at its default, so that such words make no other cell."""
        return self if replace(self, winograd=True).takes_winograd(device) else replace(self, winograd=True)

    def takes_winograd(self, device: str) -> bool:
        """Tell whether convolutions may go by Winograd's filtering: in full precision on a CPU."""
        return self.winograd and device == "cpu" and self.precision in ("fp32", "tf32")
