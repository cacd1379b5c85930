"""Make the extractor weights that are shipped for shapes: `python -m tradeoff.weights extractor.width=0.5`.

Takes the words of an extractor, trains it to tell shapes apart, and writes the file that `extractor.weights=shapes`
looks for. `make warmstart` makes all that are shipped.
"""

import json
import sys

from tradeoff.core.errors import ConfigError, TradeoffError


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

    cells = enumerate_cells(arguments)
    if len(cells) != 1:
        raise ConfigError(f"{len(cells)} extractors: give the words of one")
    recipe = cells[0][0].extractor

    from tradeoff.stages.network import save
    from tradeoff.stages.pretrain import Pretraining, pretrain

    def report(step: int, right: float) -> None:
        if step % 100 == 0:
            print(f"step {step}: {100 * right:.1f} % right", file=sys.stderr, flush=True)

    state, right = pretrain(recipe, Pretraining(), report)
    path = recipe.shipped_path()
    path.parent.mkdir(exist_ok=True)
    save(path, state)
    return {"path": str(path), "bytes": path.stat().st_size, "right_pct": round(100 * right, 1)}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
