"""Counts of weights and of multiply-adds, by the rules of those who published them."""

import copy
import re

import torch
from torch import nn

from tradeoff import config

#: layers of the Inceptions that are published without padding (the "V" in the figures of arXiv 1602.07261, table 1 of
#: arXiv 1512.00567), under timm's names; those of the tail have none here either
VALID = {
    "inception_v3": r"Conv2d_1a_3x3|Conv2d_2a_3x3|Pool1|Conv2d_4a_3x3|Pool2|Mixed_6a.(branch3x3|branch3x3dbl_3|pool)",
    "inception_v4": r"features.[01]|features.3|features.4.branch0.1|features.4.branch1.3|features.5"
    r"|features.10.(branch0|branch1.2|branch2)",
    "inception_resnet_v2": r"conv2d_1a|conv2d_2a|maxpool_3a|conv2d_4a|maxpool_5a"
    r"|mixed_6a.(branch0|branch1.2|branch2)",
}


def extractor(name, **options):
    """Build the extractor of a yaml for Faster R-CNN."""
    recipe = config.recipe({**config.load("extractor", name), **options}, "extractor.")
    return recipe.build(level_strides=(16,), tail=True)


def parts(built, name):
    """Return the parts whose weights the study counts: the whole backbone, but of VGG-16 the convolutions alone."""
    return [built] if name == "vgg16" else [built, built.tail()]


def modules(pieces):
    """Return all modules of some parts."""
    return [module for piece in pieces for module in piece.modules()]


def weights(pieces):
    """Return the sizes of all weights and biases of convolutions."""
    convolutions = [module for module in modules(pieces) if isinstance(module, nn.Conv2d)]
    return sum(p.numel() for layer in convolutions for p in layer.parameters())


def norms(pieces):
    """Return the channels of each batch norm, in order."""
    return [module.num_features for module in modules(pieces) if isinstance(module, nn.BatchNorm2d)]


def as_published(body, name):
    """Return a body without the padding that detection adds."""
    body = copy.deepcopy(body)
    for key, module in body.named_modules():
        valid = re.match(f"({VALID[name]})(\\.|$)", key.replace("features_", "features.")) is not None
        if valid and isinstance(module, nn.Conv2d | nn.MaxPool2d):
            module.padding = (0, 0) if isinstance(module, nn.Conv2d) else 0
    return body


def macs(pieces, size):
    """Count the multiply-adds of the convolutions of parts that run one after the other on a size×size image."""
    counted = []

    def count(module, given, output):
        counted.append(module.weight.numel() * output.shape[2] * output.shape[3])

    hooks = [module.register_forward_hook(count) for module in modules(pieces) if isinstance(module, nn.Conv2d)]
    features = torch.empty(1, 3, size, size, device="meta")
    with torch.no_grad():
        for piece in pieces:
            features = piece.to("meta").eval()(features)
    for hook in hooks:
        hook.remove()
    return sum(counted)
