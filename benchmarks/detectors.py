"""Whole detectors, from decoded images to final boxes: ours against torchvision's, side by side in one run, batch 1.

SSD300 on VGG-16 (`meta_arch=ssd_liu`) and Faster R-CNN on ResNet-50 without a pyramid (stride 16, 300 proposals,
600 px), of 90 classes. Both sides have the same layers, images, thresholds, and weights in the extractor and in the
second stage. The predictors are random: "untrained" as they are initialised, so that almost every score of SSD passes
the threshold; else spread, so that a few do: 2,000 of SSD, 300 of Faster R-CNN. Prints the medians, the ratio of each
pair and the mean number of detections, writes them to results/measured/detectors_DEVICE.csv, and ends in JSON. Exit
code 1 where a bar is missed:
  SSD takes at most 0.75 of torchvision's time, Faster R-CNN at most 0.8; on a GPU 0.5 and 0.7.
"""

import sys
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import cycle

import numpy as np
import torch
from bars import MEASURED, ended, judged, write
from side_by_side import compare
from torch import Tensor, nn
from torchvision.models import resnet50
from torchvision.models.detection import FasterRCNN, ssd300_vgg16
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor
from torchvision.models.detection.rpn import RPNHead
from torchvision.ops import MultiScaleRoIAlign

from tradeoff.core.machine import Machine
from tradeoff.run import enumerate_cells
from tradeoff.stages.detect import Chain, bring_into_form
from tradeoff.stages.network import build

CLASSES = 90
IMAGES = 8
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
TABLE = MEASURED / f"detectors_{DEVICE}.csv"

Detect = Callable[[np.ndarray], int]  # an image (H, W, 3) uint8 to the number of its detections


def main() -> int:
    """Time all pairs, print and write; return the exit code."""
    rows = []
    for name, (pair, most) in PAIRS.items():
        theirs, ours = pair()
        told = compare(on_images(theirs), on_images(ours))
        counts = {"torchvision_detections": found(theirs), "our_detections": found(ours)}
        rows.append(judged({"pair": name, **told, **counts}, ratio=("<=", most[DEVICE])))
    write(TABLE, rows, device=DEVICE)
    return ended(TABLE, rows)


def images() -> list[np.ndarray]:
    """Return smooth random images (480, 640, 3) uint8."""
    coarse = torch.rand(IMAGES, 3, 15, 20, generator=torch.Generator().manual_seed(0))
    fine = nn.functional.interpolate(coarse, size=(480, 640), mode="bicubic").clamp(0, 1)
    return list((255 * fine).byte().permute(0, 2, 3, 1).contiguous().numpy())


def on_images(detect: Detect) -> Callable[[], int]:
    """Return a call that detects in the next image."""
    pictures = cycle(images())
    return lambda: detect(next(pictures))


def found(detect: Detect) -> float:
    """Return the mean number of detections."""
    with torch.inference_mode():
        return float(np.mean([detect(image) for image in images()]))


def ssd_pair(passing: int | None) -> tuple[Detect, Detect]:
    """Return torchvision's SSD300 and ours, with so many scores above the threshold, or untrained."""
    torch.manual_seed(0)
    theirs = ssd300_vgg16(weights=None, weights_backbone=None, num_classes=CLASSES + 1).eval().to(DEVICE)
    words = ["meta_arch=ssd_liu", "extractor=vgg16", "size=300"]
    chain = our_chain(*words, "inference.score_threshold=0.01", "inference.nms_iou=0.45", "inference.detections=200")
    mine = chain.detector
    copy_weights([theirs.backbone], [mine.extractor, mine.extra])
    detectors = of_torchvision(theirs), of_ours(chain)
    if passing:
        predictors = theirs.head.classification_head.module_list
        spread(detectors[0], predictors, background=0, threshold=0.01, passing=passing)
        spread(detectors[1], mine.logits, background=CLASSES, threshold=0.01, passing=passing)
    bring_into_form(mine, chain.size, chain.inference, DEVICE)
    return detectors


def faster_rcnn_pair() -> tuple[Detect, Detect]:
    """Return Faster R-CNN on the conv4 map of a ResNet-50 with conv5 on each crop, built by torchvision, and ours."""
    torch.manual_seed(0)
    theirs = torchvision_faster_rcnn().eval().to(DEVICE)
    words = ["meta_arch=faster_rcnn", "extractor=resnet50", "size=600", "proposals=300", "extractor.tail_dilation=1"]
    chain = our_chain(*words, "inference.score_threshold=0.05", "inference.nms_iou=0.5", "inference.detections=100")
    mine = chain.detector
    copy_weights([theirs.backbone, theirs.roi_heads.box_head], [mine.extractor, mine.head.tail])
    detectors = of_torchvision(theirs), of_ours(chain)
    predictor = [theirs.roi_heads.box_predictor.cls_score]
    spread(detectors[0], predictor, background=0, threshold=0.05, passing=300)
    spread(detectors[1], [mine.head.classes], background=CLASSES, threshold=0.05, passing=300)
    bring_into_form(mine, chain.size, chain.inference, DEVICE)
    return detectors


def torchvision_faster_rcnn() -> FasterRCNN:
    """Build `meta_arch=faster_rcnn extractor=resnet50 extractor.tail_dilation=1` out of torchvision's parts."""
    network = with_statistics(resnet50(weights=None))
    for layer in (network.layer4[0].conv2, network.layer4[0].downsample[0]):
        layer.stride = (1, 1)
    stages = [layer for name, layer in network.named_children() if name not in ("layer4", "avgpool", "fc")]
    body = nn.Sequential(*stages)
    body.out_channels = 1024
    head = RPNHead(1024, 12)
    head.conv = nn.Sequential(nn.Conv2d(1024, 512, 3, padding=1), nn.ReLU())
    head.cls_logits, head.bbox_pred = nn.Conv2d(512, 12, 1), nn.Conv2d(512, 48, 1)
    return FasterRCNN(
        body,
        rpn_anchor_generator=AnchorGenerator(((64, 128, 256, 512),), ((0.5, 1.0, 2.0),)),
        rpn_head=head,
        rpn_post_nms_top_n_test=300,
        box_roi_pool=MultiScaleRoIAlign(["0"], 14, sampling_ratio=1),
        box_head=nn.Sequential(nn.MaxPool2d(2), network.layer4, nn.AdaptiveAvgPool2d(1), nn.Flatten()),
        box_predictor=FastRCNNPredictor(2048, CLASSES + 1),
        min_size=600,
        max_size=1024,
    )


@torch.no_grad()
def with_statistics(network: nn.Module) -> nn.Module:
    """Give batch norm the statistics of some images, without which the maps of an untrained network grow and grow."""
    pixels = torch.from_numpy(np.stack(images())).permute(0, 3, 1, 2).float().div(255)
    network.train()
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.momentum = None  # the mean of all that is seen
    network((pixels - 0.45) / 0.225)
    return network.eval()


def our_chain(*words: str) -> Chain:
    """Return our detector of some words, untrained."""
    ((cell, _),) = enumerate_cells(list(words))
    stages = cell.stages(Machine(DEVICE, "", "", ""))
    detector = build(stages.train, CLASSES).eval().to(DEVICE, memory_format=torch.channels_last)
    train = stages.train
    return Chain(detector, stages.predict.inference, train.size, train.resizer, DEVICE)


def copy_weights(theirs: Iterable[nn.Module], ours: Iterable[nn.Module]) -> None:
    """Give ours the weights of theirs, layer by layer in the order of their definition."""
    for one, other in zip(layers(theirs), layers(ours), strict=True):
        other.load_state_dict(one.state_dict())


def layers(parts: Iterable[nn.Module]) -> list[nn.Module]:
    """Return the convolutions and batch norms of some modules."""
    return [layer for part in parts for layer in part.modules() if isinstance(layer, nn.Conv2d | nn.BatchNorm2d)]


def of_torchvision(model: nn.Module) -> Detect:
    """Return how torchvision's detectors are called."""

    def detect(image: np.ndarray) -> int:
        (told,) = model([torch.from_numpy(image).permute(2, 0, 1).to(DEVICE).float().div(255)])
        return len(told["scores"].cpu())

    return detect


def of_ours(chain: Chain) -> Detect:
    """Return how ours are called."""
    return lambda image: len(chain([image])[0].scores)


@torch.inference_mode()
def spread(
    detect: Detect, predictors: Sequence[nn.Module], *, background: int, threshold: float, passing: int
) -> None:
    """Scale class predictors to logits of deviation 2, with a bias for the background that lets some scores pass."""
    logits = seen(detect, predictors)
    factor = 2 / logits.std()
    low, high = 0.0, 30.0
    for _ in range(40):
        bias = (low + high) / 2
        if count_passing(factor * logits, background, bias, threshold) > passing:
            low = bias
        else:
            high = bias
    for layer in predictors:
        layer.weight.mul_(factor)
        layer.bias.mul_(factor).view(-1, CLASSES + 1)[:, background] += bias


def count_passing(logits: Tensor, background: int, bias: float, threshold: float) -> int:
    """Count the scores of objects above the threshold when the background has a bias."""
    shifted = logits.clone()
    shifted[:, background] += bias
    above = shifted.softmax(1) > threshold
    return int(above.sum() - above[:, background].sum())


def seen(detect: Detect, predictors: Sequence[nn.Module]) -> Tensor:
    """Return the logits (M, C + 1) that class predictors give on the first image."""
    outputs: list[Tensor] = []

    def keep(_module: nn.Module, _inputs: object, out: Tensor) -> None:
        cells = out.permute(0, 2, 3, 1) if out.ndim == 4 else out
        outputs.append(cells.reshape(-1, CLASSES + 1))

    hooks = [layer.register_forward_hook(keep) for layer in predictors]
    detect(images()[0])
    for hook in hooks:
        hook.remove()
    return torch.cat(outputs)


#: how each pair is made, and the most that ours may take of torchvision's time
SSD, FASTER_RCNN = {"cpu": 0.75, "cuda": 0.5}, {"cpu": 0.8, "cuda": 0.7}
PAIRS = {
    "ssd300_vgg16": (partial(ssd_pair, 2000), SSD),
    "ssd300_vgg16_untrained": (partial(ssd_pair, None), SSD),
    "faster_rcnn_resnet50": (faster_rcnn_pair, FASTER_RCNN),
}

if __name__ == "__main__":
    sys.exit(main())
