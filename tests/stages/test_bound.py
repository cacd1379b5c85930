"""A time that no machine can reach is refused, and one that was only doubted for a low peak is not."""

import json
from types import SimpleNamespace

import pytest

from tests.stages.test_measure import store, stages_of  # noqa: F401 - a fixture
from tradeoff.core.errors import ImpossibleTime
from tradeoff.core.store import Context, fetch
from tradeoff.probes.roofline import Roof
from tradeoff.recipes.stages import Peak
from tradeoff.run import main
from tradeoff.stages.costs import bound, latency
from tradeoff.stages.costs.subject import Subject
from tradeoff.stages.network import inferring

REAL = Roof(flops_per_s=1e12, bytes_per_s=1e11)
LOW = Roof(flops_per_s=1e6, bytes_per_s=1e6)
