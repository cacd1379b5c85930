"""Post-processing: ours against torchvision's, the same raw outputs, thresholds and images, side by side in one run.

SSD300 with 8,732 anchors and 90 classes, batch 1 and 4. torchvision loops over classes and images; ours does not.
Prints the medians, the ratio of each pair, and one line of JSON.
"""

import json

import torch
from side_by_side import compare
from torchvision.models.detection import ssd300_vgg16
from torchvision.models.detection.image_list import ImageList

from tradeoff.ops.boxes import clip, decode
from tradeoff.ops.nms import detect

ANCHORS, CLASSES = 8732, 90


def raw(images: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return random logits (N, A, C + 1), few of them confident as of trained detectors, and deltas (N, A, 4)."""
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(images, ANCHORS, CLASSES + 1, generator=generator)
    logits[..., 0] += 6
    logits[:, ::40, 1:] += 4 * torch.rand(images, len(range(0, ANCHORS, 40)), CLASSES, generator=generator)
    return logits, torch.randn(images, ANCHORS, 4, generator=generator)


def main() -> None:
    """Time both and print."""
    model = ssd300_vgg16(weights=None, weights_backbone=None).eval()
    told = {}
    for images in (1, 4):
        logits, deltas = raw(images)
        maps = [torch.zeros(images, 1, s, s) for s in (38, 19, 10, 5, 3, 1)]
        blank = torch.zeros(images, 3, 300, 300)
        anchors = model.anchor_generator(ImageList(blank, [(300, 300)] * images), maps)
        sizes = torch.full((images, 2), 300.0)

        def theirs(logits=logits, deltas=deltas, anchors=anchors, images=images):
            heads = {"cls_logits": logits, "bbox_regression": deltas}
            return model.postprocess_detections(heads, anchors, [(300, 300)] * images)

        def ours(logits=logits, deltas=deltas, anchors=anchors, sizes=sizes):
            scores = logits.softmax(-1)[..., 1:]
            boxes = clip(decode(deltas, anchors[0]), sizes)
            return detect(boxes, scores, iou=0.45, score_threshold=0.01, keep=200)

        told[f"batch_{images}"] = compare(theirs, ours)
        print(f"batch {images}: {told[f'batch_{images}']}")
    print(json.dumps(told))


if __name__ == "__main__":
    main()
