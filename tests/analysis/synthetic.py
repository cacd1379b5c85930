"""Tables as a study would write them; every number follows from a formula and a seeded jitter."""

import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from tradeoff.analysis import table
from tradeoff.core import rows

TITLES = {"ssd": "SSD", "faster_rcnn": "Faster R-CNN", "rfcn": "R-FCN"}
#: title, cost of the network relative to MobileNet, accuracy
EXTRACTORS = {
    "mobilenet": ("MobileNet", 1.0, 0.19),
    "tiny": ("tiny", 0.4, 0.10),
    "inception_v2": ("Inception v2", 2.0, 0.23),
    "vgg16": ("VGG-16", 9.0, 0.24),
    "resnet50": ("ResNet-50", 3.5, 0.27),
    "resnet101": ("ResNet-101", 6.0, 0.31),
    "inception_resnet_v2": ("Inception ResNet v2", 11.0, 0.34),
}
PROCESSOR = "Intel(R) Xeon(R) Platinum 8375C CPU @ 2.90GHz, 16 threads"
META_ARCHS = {"ssd": (0.6, -0.02), "rfcn": (1.5, 0.0), "faster_rcnn": (1.8, 0.015)}  # cost, accuracy


def made(run_id: str, **changes: Any) -> dict[str, Any]:
    """Return a finished row of COCO on one GPU."""
    row = {
        "run_id": run_id,
        "label": f"model {run_id}",
        "status": "ok",
        "meta_arch": "ssd",
        "extractor": "mobilenet",
        "size": 300,
        "data": "coco",
        "train": "paper",
        "seed": 0,
        "device": "cuda",
        "precision": "fp32",
        "batch_size": 1,
        "weights": "imagenet",
        "ap": 0.2,
        "latency_ms_p50": 30.0,
        "trusted": True,
        "device_name": "NVIDIA H200",
        "eval_images": 5000,
    }
    return rows.checked({**row, **changes})


def cell(
    meta_arch: str,
    extractor: str,
    size: int,
    *,
    width: float = 1.0,
    proposals: int | None = None,
    stride: int = 16,
) -> dict[str, Any]:
    """Return a row whose costs and accuracy follow the trends of the study."""
    words = (meta_arch, extractor, size, width, proposals, *([] if stride == 16 else [stride]))
    jitter = random.Random(str(words)).uniform
    title, network, accuracy = EXTRACTORS[extractor]
    factor, bonus = META_ARCHS[meta_arch]
    dense = stride == 8
    cost = factor * network * width * (size / 300) ** 1.6 * (1.7 if dense else 1.0)
    seconds = 9 + 7 * cost + 0.045 * (proposals or 0) * network**0.5 * (meta_arch == "faster_rcnn")
    ap = (
        accuracy
        + bonus
        + 0.06 * (size - 300) / 300
        - 0.06 * (1 - width)
        - 0.4 / (proposals or 100)
        + 0.014 * dense
        + jitter(-0.01, 0.01)
    )
    own = [] if width == 1.0 else [f"width={width:g}"]
    tail = [*(["stride 8"] if dense else []), *([] if proposals is None else [f"{proposals} prop."])]
    return made(
        "-".join([meta_arch, extractor, str(size), f"{width:g}", str(proposals), *(["s8"] if dense else [])]).replace(
            ".", "_"
        ),
        label=" ".join([TITLES[meta_arch], title, *own, f"{size} px", *tail]),
        meta_arch=meta_arch,
        extractor=extractor,
        size=size,
        stride=None if meta_arch == "ssd" else stride,
        proposals=proposals,
        overrides=" ".join(f"extractor.{word}" for word in own),
        ap=ap,
        ap50=min(1.75 * ap, 1.0),
        ap75=0.95 * ap,
        ap_small=0.25 * ap + 0.04 * (size - 300) / 300,
        ap_medium=1.02 * ap,
        ap_large=1.6 * ap,
        latency_ms_p50=seconds * jitter(0.93, 1.07),
        gmacs=3.0 * cost,
        params=int(4.2e6 * network * width),
        peak_memory_mb=180 + 60 * cost,
        energy_j=0.05 * seconds,
    )


def small_study() -> list[dict[str, Any]]:
    """Return 24 cells, 3 × 2 × 2 × 2, of which 2 are not trusted, with a failed and a skipped row."""
    cells = [
        cell(meta_arch, extractor, size, width=width, proposals=None if meta_arch == "ssd" else 100)
        for meta_arch in META_ARCHS
        for extractor in ("mobilenet", "resnet101")
        for width in (0.5, 1.0)
        for size in (300, 600)
    ]
    for index in (5, 17):
        cells[index] |= {"trusted": False, "reasons": "clock was throttled"}
    return [*cells, failed(), skipped()]


def big_study() -> list[dict[str, Any]]:
    """Return a study of 66 cells, five of them not trusted, with failed and skipped rows."""
    names = ("mobilenet", "inception_v2", "resnet50", "resnet101", "inception_resnet_v2")
    cells = [cell("ssd", name, size) for name in (*names, "tiny") for size in (300, 600)]
    cells += [cell("rfcn", name, size, proposals=300) for name in (*names, "tiny") for size in (300, 600)]
    cells += [
        cell("faster_rcnn", name, size, proposals=proposals)
        for name in names
        for size in (300, 600)
        for proposals in (10, 50, 100, 300)
    ]
    cells += [cell("rfcn", "resnet50", 600, width=0.5, proposals=100), cell("ssd", "resnet50", 600, width=0.5)]
    for index in (3, 20, 30, 41, 60):
        cells[index] |= {"trusted": False, "reasons": "clock was throttled"}
    return [*cells, failed(), skipped()]


def full_study() -> list[dict[str, Any]]:
    """Return the study's grid on six extractors, 172 cells, four not trusted, with failed and skipped rows."""
    names = ("mobilenet", "inception_v2", "resnet50", "resnet101", "vgg16", "inception_resnet_v2")
    return grid(names, dense=("resnet101", "inception_resnet_v2"), counts=(10, 20, 50, 100, 300))


def mini_study() -> list[dict[str, Any]]:
    """Return a small part of it on a processor in which every axis is varied: 28 cells, a failed, a skipped row."""
    rows = grid(("mobilenet", "resnet101"), dense=("resnet101",), counts=(10, 100))
    return [row | {"device": "cpu", "device_name": PROCESSOR} for row in rows]


def grid(names: Sequence[str], dense: Sequence[str], counts: Sequence[int]) -> list[dict[str, Any]]:
    """Return three meta-architectures × extractors × 300 and 600 px × strides × numbers of proposals."""
    cells = [cell("ssd", name, size) for name in names for size in (300, 600)]
    cells += [
        cell(meta_arch, name, size, proposals=proposals, stride=stride)
        for meta_arch in ("faster_rcnn", "rfcn")
        for name in names
        for stride in ((16, 8) if name in dense else (16,))
        for size in (300, 600)
        for proposals in counts
    ]
    for index in range(3, len(cells), 43):
        cells[index] |= {"trusted": False, "reasons": "clock was throttled"}
    return [*cells, failed(), skipped()]


def zoo() -> list[dict[str, Any]]:
    """Return published rows as a table of others has them: a mean time, another device, a source and a protocol."""
    numbers = [
        ("ssd", "mobilenet", 30, 0.21),
        ("ssd", "inception_v2", 42, 0.24),
        ("faster_rcnn", "resnet50", 89, 0.30),
    ]
    return [
        made(
            f"zoo{index}",
            label=f"{meta_arch}_{extractor}_coco",
            meta_arch=meta_arch,
            extractor=extractor,
            size=None,
            precision=None,
            device=None,
            device_name="NVIDIA GTX Titan X",
            eval_images=8059,
            trusted=None,
            weights=None,
            ap=ap,
            latency_ms_p50=None,
            latency_ms_mean=float(ms),
        )
        for index, (meta_arch, extractor, ms, ap) in enumerate(numbers)
    ]


def unsure(frame: pd.DataFrame, ap: float = 0.006, latency: float = 0.03) -> pd.DataFrame:
    """Give every row 95 % intervals: ± so much AP, ± so great a part of the latency."""
    return frame.assign(
        ap_low=frame["ap"] - ap,
        ap_high=frame["ap"] + ap,
        ap_small_low=frame["ap_small"] - ap,
        ap_small_high=frame["ap_small"] + ap,
        latency_ms_low=frame["latency_ms_p50"] * (1 - latency),
        latency_ms_high=frame["latency_ms_p50"] * (1 + latency),
    )


def published(
    frame: pd.DataFrame, source: str = "TF1 detection zoo", protocol: str = "minival, 600 px"
) -> pd.DataFrame:
    """Say of rows where they are from."""
    return frame.assign(source=source, protocol=protocol)


def failed() -> dict[str, Any]:
    return made(
        "failed",
        status="failed",
        label="R-FCN ResNet-152 900 px 300 prop.",
        ap=None,
        latency_ms_p50=None,
        trusted=None,
        reason="train: the process was ended by SIGKILL; out of memory, or killed by hand: try a smaller size or "
        "train.batch_size",
    )


def skipped() -> dict[str, Any]:
    return made(
        "skipped",
        status="skipped",
        label="Faster R-CNN MobileNet 600 px stride 8 100 prop.",
        ap=None,
        latency_ms_p50=None,
        trusted=None,
        reason="stride=8 is not available for this extractor (it has: 16)",
    )


def framed(folder: Path, study: list[Mapping[str, Any]]) -> pd.DataFrame:
    """Save rows, merge them and read the table."""
    return table.read(written(folder, study))


def written(folder: Path, study: list[Mapping[str, Any]]) -> Path:
    """Save rows and merge them; return the table."""
    for row in study:
        rows.save(folder / "rows", row)
    rows.merge(folder / "rows", folder / "results.csv")
    return folder / "results.csv"
