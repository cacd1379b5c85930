"""Classification losses: what wrong class scores cost, and how logits become scores.

Legend: C classes; label C is the background. Softmax has a column for it, the last; sigmoid and focal have none.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

ClassificationLossKind = Literal["softmax", "sigmoid", "focal"]


@dataclass(frozen=True, kw_only=True)
class ClassificationLoss:
    """How classes are told apart.

    kind: softmax is one choice of C + 1; sigmoid C independent questions; focal these with easy answers discounted.
    alpha: of focal, 0..1: the weight of true classes; that of wrong ones is 1 - alpha.
    gamma: of focal, at least 0: how steeply easy answers are discounted.

    Source: Lin et al. 2017 (RetinaNet), eq. 5, for focal.
    """

    kind: ClassificationLossKind = "softmax"
    alpha: float = 0.25
    gamma: float = 2.0

    def columns(self, classes: int) -> int:
        """Return how many logits a box has for C classes."""
        return classes + (self.kind == "softmax")

    def __call__(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return the loss of each box, summed over the columns, float32 and at least 0.

        Args:
            logits: (..., columns).
            labels: (...) int64, 0..C.
        """
        logits = logits.float()
        if self.kind == "softmax":
            return F.cross_entropy(logits.flatten(0, -2), labels.flatten(), reduction="none").view(labels.shape)
        truth = labels[..., None] == torch.arange(logits.shape[-1], device=logits.device)
        if self.kind == "focal":
            return focal(logits, truth, self.alpha, self.gamma).sum(dim=-1)
        return F.binary_cross_entropy_with_logits(logits, truth.to(logits), reduction="none").sum(dim=-1)

    def scores(self, logits: Tensor) -> Tensor:
        """Return the scores (..., C) 0..1 of logits (..., columns), in float32, without the background."""
        if self.kind == "softmax":
            return logits.float().softmax(dim=-1)[..., :-1]
        return logits.float().sigmoid()


def focal(logits: Tensor, truth: Tensor, alpha: float, gamma: float) -> Tensor:
    """Return the focal loss of independent yes-or-no questions, one by one.

    Args:
        logits: (...) float.
        truth: (...) bool.
        alpha: weight of the true ones, 0..1.
        gamma: exponent of the probability that was missed; 0 is the weighted cross entropy.

    Source: Lin et al. 2017 (RetinaNet), eq. 5. Computed from log-sigmoids, so that no gradient is infinite where an
    answer is certain.
    """
    sure = torch.where(truth, logits, -logits)
    weight = torch.where(truth, alpha, 1 - alpha)
    return weight * (gamma * F.logsigmoid(-sure)).exp() * F.softplus(-sure)
