"""Make the extractor weights that are shipped for shapes: `python -m tradeoff.weights extractor.width=0.5`.

Takes the words of an extractor, trains it to tell shapes apart, then to find them, and writes the file that
`extractor.weights=shapes` looks for. With `extractor.weights=shapes` it goes on from the file that is there, and only
finds. `make warmstart` makes all that are shipped.
"""

import json
import sys
from dataclasses import replace
from pathlib import Path

from tradeoff.core.errors import ConfigError, TradeoffError
from tradeoff.core.machine import detect
from tradeoff.recipes.experiment import Experiment
from tradeoff.recipes.extractors import Extractor

#: steps of the joint pretraining between two files
SAVED_EVERY = 600


def main(arguments: list[str]) -> int:
    """Run the command; return its exit code."""
    if {"-h", "--help"} & set(arguments):
        print(__doc__)
        return 0
    try:
        print(json.dumps(make(arguments)))
    except TradeoffError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def make(arguments: list[str]) -> dict[str, object]:
    """Pretrain the one extractor that the words name and write its weights.

    Raises:
        ConfigError: when the words are wrong, or name several extractors.
    """
    from tradeoff.run import enumerate_cells

    ways = ["-m", "meta_arch=ssd,rfcn,faster_rcnn", "size=192", "train.proposals=12", "train.minutes=null"]
    cells = [cell for cell, _ in enumerate_cells([*ways, *arguments])]
    recipes = {cell.extractor for cell in cells}
    if len(recipes) != 1:
        raise ConfigError(f"{len(recipes)} extractors: give the words of one")
    (recipe,) = recipes
    path = recipe.shipped_path()
    path.parent.mkdir(exist_ok=True)
    return pretrain_to(path, recipe, cells)


def pretrain_to(path: Path, recipe: Extractor, cells: list[Experiment]) -> dict[str, object]:
    """Classify, unless the recipe has weights already, then detect; write the weights after each."""
    from tradeoff.stages.network import save
    from tradeoff.stages.pretrain import SEED, Pretraining, pretrain
    from tradeoff.stages.pretrain_jointly import JointPretraining, pretrain_jointly

    if recipe.weights is None:
        state, right = pretrain(recipe, Pretraining(), lambda step, right: tell(step, f"{100 * right:.1f} % right"))
        save(path, state)
        tell(0, f"classifies {100 * right:.1f} % of the crops")
    machine = detect("cpu")
    started = [replace(cell, extractor=replace(recipe, weights=str(path)), seed=SEED) for cell in cells]
    stages = [cell.stages(machine).train for cell in started]
    for step, losses, state_now in pretrain_jointly(stages, JointPretraining()):
        tell(step, ", ".join(f"{name} {loss:.3f}" for name, loss in losses.items()))
        if step % SAVED_EVERY < len(stages):
            save(path, state_now())
    save(path, state_now())
    return {"path": str(path), "bytes": path.stat().st_size}


def tell(step: int, text: str) -> None:
    """Print a line now and then."""
    if step % 100 < 3:
        print(f"step {step}: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
