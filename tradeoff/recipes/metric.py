"""What can be asked for as `metric.`: how accuracy is computed and told."""

from dataclasses import dataclass
from importlib.util import find_spec
from itertools import pairwise
from typing import Literal

from tradeoff.core.errors import ConfigError
from tradeoff.recipes.base import Recipe, option


@dataclass(frozen=True, kw_only=True)
class Metric(Recipe):
    """How saved detections are scored; what it leaves open, COCO, Pascal VOC and Open Images have fixed."""

    engine: Literal["hotcoco", "pycocotools"] = option("hotcoco", "does COCO's matching; the figures are the same")
    size_edges_px: tuple[float, ...] = option(
        (16.0, 32.0, 96.0, 256.0), "rising; own sizes are areas between their squares", low=1, high=99_999, least=1
    )
    score_threshold: float = option(0.5, "at which precision, recall and F1 are told", low=0, high=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        if any(low >= high for low, high in pairwise(self.size_edges_px)):
            edges = ",".join(f"{edge:g}" for edge in self.size_edges_px)
            raise ConfigError(f"size_edges_px=[{edges}]: expected rising edges, such as [16,32,96,256]")

    def check_engine(self) -> None:
        """Refuse an engine that is not installed, before any work starts.

        Raises:
            ConfigError: naming what to install.
        """
        if find_spec(self.engine) is None:
            (other,) = {"hotcoco", "pycocotools"} - {self.engine}
            mend = f"pip install {self.engine}, or give metric.engine={other}"
            raise ConfigError(f"metric.engine={self.engine}: is not installed; {mend}")
