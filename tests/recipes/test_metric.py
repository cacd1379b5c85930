"""How accuracy is asked for: words below `metric.`, checked before any work starts."""

import sys
from dataclasses import fields

import pytest
import yaml

from tradeoff import config, pipeline
from tradeoff.config import faults
from tradeoff.core.errors import ConfigError
from tradeoff.core.machine import Machine
from tradeoff.recipes.metric import Metric
from tradeoff.run import enumerate_cells, read_words
from tradeoff.runner import Places

CPU = Machine("cpu", "a CPU", "2.15", "0.30")


def cell(*words):
    ((found, _),) = enumerate_cells(["extractor=tiny", "train=smoke", *words])
    return found


def test_the_yaml_lists_every_option_with_the_default_of_the_recipe():
    listed = yaml.safe_load((config.home() / "conf" / "config.yaml").read_text())["metric"]
    assert set(listed) == {spec.name for spec in fields(Metric)}
    assert Metric.from_mapping(listed) == cell().metric == Metric()


def test_words_below_metric_reach_the_scoring_alone():
    base, other = cell(), cell("metric.size_edges_px=[20,40]", "metric.score_threshold=0.3")
    assert (other.metric.size_edges_px, other.metric.score_threshold) == ((20.0, 40.0), 0.3)
    assert other.overrides == ("metric.score_threshold=0.3", "metric.size_edges_px=[20,40]")
    one, two = (found.stages(CPU).keys() for found in (base, other))
    assert {name for name in one if one[name] != two[name]} == {"evaluate_key"}


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("metric.engine=fast", "one of hotcoco, pycocotools"),
        ("metric.size_edges_px=[96,32]", "expected rising edges"),
        ("metric.size_edges_px=[32,32]", "expected rising edges"),
        ("metric.size_edges_px=[]", "at least 1"),
        ("metric.size_edges_px=[0,32]", "from 1 to 99999"),
        ("metric.score_threshold=2", "from 0 to 1"),
        ("metric.size_edge_px=[32]", "did you mean 'size_edges_px'"),
    ],
)
def test_a_wrong_word_is_told_with_its_name(word, said):
    (fault,) = faults(read_words([word]))
    assert fault.startswith("metric.")
    assert said in fault


def test_a_missing_engine_stops_the_command_before_anything_is_trained(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "hotcoco", None)
    places = Places(results_dir=tmp_path / "results")
    with pytest.raises(ConfigError, match=r"pip install hotcoco, or give metric\.engine=pycocotools"):
        pipeline.check([cell()], places)
    pipeline.check([cell("metric.engine=pycocotools")], places)
    pipeline.check([cell("train.steps=0")], places)  # nothing is scored
