"""The optimisers of a training."""

import torch
from torch import nn

from tradeoff.recipes.train import Training

#: of RMSProp, in the configurations released with the TF Object Detection API
RMSPROP_DECAY = 0.9
RMSPROP_EPSILON = 1.0


def optimizer(detector: nn.Module, training: Training) -> torch.optim.Optimizer:
    """Build the optimiser; only weights of two or more dimensions decay.

    RMSProp is TensorFlow's, for which the study's rates are: its mean square begins at 1, epsilon is added under the
    root, and the momentum gathers steps that hold their rate. With an epsilon of 1 torch's takes other steps.
    """
    trainable = [parameter for parameter in detector.parameters() if parameter.requires_grad]
    groups = [
        {"params": [p for p in trainable if p.ndim > 1], "weight_decay": training.weight_decay},
        {"params": [p for p in trainable if p.ndim <= 1], "weight_decay": 0.0},
    ]
    if training.optimizer == "adamw":
        return torch.optim.AdamW(groups, lr=training.learning_rate)
    if training.optimizer == "rmsprop":
        return rmsprop(groups, training)
    return torch.optim.SGD(groups, lr=training.learning_rate, momentum=training.momentum)


def rmsprop(groups: list[dict[str, object]], training: Training) -> torch.optim.Optimizer:
    """Build TensorFlow's RMSProp."""
    from timm.optim import RMSpropTF  # takes seconds, and few trainings need it

    made: torch.optim.Optimizer = RMSpropTF(
        groups, lr=training.learning_rate, alpha=RMSPROP_DECAY, eps=RMSPROP_EPSILON, momentum=training.momentum
    )
    return made
