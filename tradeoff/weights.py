"""Ship extractor weights: `python -m tradeoff.weights results/warmstart.csv`.

Takes the extractor out of every trained row of a table and writes it, in half precision, to where
`extractor.weights=shapes` looks for it. `make warmstart` trains the rows and calls this.
"""

import json
import sys
from pathlib import Path
from typing import Any

import torch

from tradeoff.core.errors import TableError, TradeoffError
from tradeoff.core.rows import read_csv
from tradeoff.extractors.timm import backbone_state, shipped
from tradeoff.stages.network import load, save


def main(arguments: list[str]) -> int:
    """Run the command; return its exit code."""
    if len(arguments) != 1 or arguments[0] in ("-h", "--help"):
        print(__doc__, file=sys.stderr)
        return 0 if arguments and arguments[0] in ("-h", "--help") else 2
    try:
        written = export(Path(arguments[0]))
    except TradeoffError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 2
    print(json.dumps({str(path): path.stat().st_size for path in written}))
    return 0
