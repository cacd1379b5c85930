"""The accuracy of extractors as classifiers, as published; `imagenet_top1.csv` says where."""

import csv
from importlib.resources import files
from typing import Any

import pandas as pd

from tradeoff.analysis.comparable import values

#: of an extractor that did not learn on ImageNet, its accuracy there says nothing
ELSEWHERE = ("random", "scratch", "shapes")
#: options that leave an extractor the network that was classified with
HARMLESS = ("weights", "pretrained", "title", "strides", "ssd_strides", "ssd_layers", "tail_stride", "batch_norm_eps")


def top1_pct(frame: pd.DataFrame) -> pd.Series:
    """Return the top-1 accuracy on ImageNet of each row's extractor, (N,) %, NaN where unknown or without meaning.

    Of options of an extractor only the width of MobileNet has published accuracies; other ones leave it unknown.
    """
    known = {row["extractor"]: float(row["top1_pct"]) for row in entries()}
    names = [
        named(extractor, words)
        for extractor, words in zip(frame["extractor"], values(frame, "overrides"), strict=True)
    ]
    found = pd.Series([known.get(name, float("nan")) for name in names], index=frame.index, dtype=float)
    return found.mask(values(frame, "weights").isin(ELSEWHERE))


def named(extractor: Any, words: Any) -> str:
    """Name an extractor as the table of accuracies does."""
    options = (
        []
        if pd.isna(words)
        else [w.removeprefix("extractor.") for w in str(words).split() if w.startswith("extractor.")]
    )
    own = [option for option in options if option.partition("=")[0] not in HARMLESS and option != "width=1.0"]
    return " ".join([str(extractor), *own])


def sources(frame: pd.DataFrame) -> list[str]:
    """Return where the accuracies of the extractors of rows come from, each once."""
    names = {
        named(extractor, words)
        for extractor, words in zip(frame["extractor"], values(frame, "overrides"), strict=True)
    }
    return sorted({row["source"] for row in entries() if row["extractor"] in names})


def entries() -> list[dict[str, str]]:
    """Return the table of accuracies."""
    text = files("tradeoff.analysis").joinpath("imagenet_top1.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))
