"""The accuracy of extractors on ImageNet is that of the network which the row has."""

import math

import pytest

from tests.analysis.synthetic import framed, made
from tradeoff.analysis.imagenet import entries, sources, top1_pct


@pytest.mark.parametrize(
    ("change", "top1"),
    [
        ({"extractor": "resnet101"}, 76.4),
        ({"extractor": "mobilenet", "overrides": "extractor.width=0.5 train.steps=3"}, 63.3),
        ({"extractor": "mobilenet", "overrides": "extractor.width=1.0 extractor.pretrained=True"}, 71.1),
        ({"extractor": "mobilenet", "overrides": "extractor.width=0.6"}, None),
        ({"extractor": "resnet101", "weights": "scratch"}, None),
        ({"extractor": "resnet101", "weights": None}, 76.4),  # as published rows have it
        ({"extractor": "tiny"}, None),
    ],
)
def test_it_is_known_for_the_networks_that_were_classified_with(tmp_path, change, top1):
    (got,) = top1_pct(framed(tmp_path, [made("a", **change)]))
    assert got == top1 or (top1 is None and math.isnan(got))


def test_every_accuracy_has_a_source(tmp_path):
    assert all(row["source"] and 40 < float(row["top1_pct"]) < 100 for row in entries())
    assert sources(framed(tmp_path, [made("a"), made("b", extractor="resnet50")])) == [
        "Huang et al. 2017, table 2",
        "tensorflow/models research/slim/README.md",
    ]
