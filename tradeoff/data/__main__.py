"""Look at a data set before anything is trained on it: `python -m tradeoff.data check PATH`."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any, get_args

from tradeoff.core.errors import ConfigError, DataError, TradeoffError
from tradeoff.recipes.sources import Format, Source

USAGE = """Look at a data set before anything is trained on it.

  python -m tradeoff.data check PATH              every fault of a set, and a card of what it holds
  python -m tradeoff.data convert PATH OUT.json   the same objects in COCO's JSON

PATH is an annotation file (COCO's JSON, a CSV file, YOLO's data.yaml, a VOC list of names) or a folder that holds one
or several of them under their customary names. Exit code: 0 good, 1 faults, 2 a wrong command. The last line is JSON;
its `told` holds every fault of a part, of which the lines above it show 20 of a kind.
"""


def main(arguments: list[str]) -> int:
    """Run the command; return its exit code: 0 good, 1 faults, 2 a wrong command."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    told = parser().parse_args(arguments)
    try:
        sources = chosen(told)
        found = check(sources, told.pixels) if told.command == "check" else convert(sources, Path(told.out))
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 2
    except TradeoffError as error:
        print(error, file=sys.stderr)
        found = {"faults": str(error).count("\n") + 1}
    print(json.dumps(found))
    return 1 if found["faults"] else 0


def parser() -> argparse.ArgumentParser:
    """Return the words of the command."""
    whole = argparse.ArgumentParser(
        "python -m tradeoff.data", description=USAGE, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = whole.add_subparsers(dest="command", required=True, metavar="check|convert")
    for name in ("check", "convert"):
        command = commands.add_parser(name)
        command.add_argument("path", metavar="PATH")
        if name == "convert":
            command.add_argument("out", metavar="OUT.json", help="is written; a file that is there is replaced")
        else:
            command.add_argument("--pixels", action="store_true", help="decode every image, not its header alone")
        command.add_argument("--format", choices=get_args(Format), help="found by itself where it is not given")
        command.add_argument("--images", metavar="FOLDER", help="image folder; found by itself by customary names")
        command.add_argument("--part", metavar="NAME", help="one part, such as val, where there are several")
    return whole


def chosen(told: argparse.Namespace) -> dict[str, Source]:
    """Return the parts that the command is about.

    Raises:
        DataError: if there is nothing to read.
        ConfigError: if there is no such part, or the command takes one part and there are several.
    """
    from tradeoff.data.find import find

    parts = find(told.path, told.format, told.images)
    names = ", ".join(parts)
    if told.part and told.part not in parts:
        raise ConfigError(f"{told.path}: --part {told.part}: expected one of {names}")
    if told.command == "convert" and not told.part and len(parts) > 1:
        raise ConfigError(f"{told.path}: holds {names}; give one of them as --part NAME")
    return {told.part: parts[told.part]} if told.part else parts


def check(sources: dict[str, Source], pixels: bool) -> dict[str, Any]:
    """Print the card and the faults of each part, training first; return the cards and the number of faults."""
    from tradeoff.data import card, documents
    from tradeoff.data.find import is_training

    cards, training = {}, None
    for name in sorted(sources, key=lambda name: not is_training(name)):
        document = documents.read(sources[name])
        kinds, headers = documents.examined(document, is_training(name), pixels)
        training = document if training is None and is_training(name) else training
        kinds.append(list(documents.category_differences(training, document)) if training else [])
        facts = card.card(documents.with_stated_sizes(document, headers), headers)
        told = [fault for kind in kinds for fault in kind]
        cards[name] = {"format": sources[name].format, **facts, "faults": len(told), "told": told}
        print(card.text(f"{name} ({sources[name].format})", cards[name], documents.worded(kinds)))
    return {"parts": cards, "faults": sum(facts["faults"] for facts in cards.values())}


def convert(sources: dict[str, Source], out: Path) -> dict[str, Any]:
    """Write one part as COCO's JSON, with the sizes of its images; return where its images are.

    Raises:
        DataError: with its faults; nothing is written then.
    """
    from tradeoff.core.files import write_atomic
    from tradeoff.data import documents
    from tradeoff.data.coco_faults import worded
    from tradeoff.data.find import is_training

    ((name, source),) = sources.items()
    document = documents.read(source)
    kinds, headers = documents.examined(document, is_training(name))
    if any(kinds):
        raise DataError("\n".join(worded(kinds)))
    lists = documents.with_stated_sizes(document, headers).lists
    if not out.parent.is_dir():
        raise DataError(f"{out.parent}: no such folder")
    write_atomic(out, json.dumps(lists))
    counts = {key: len(entries) for key, entries in lists.items()}
    return {"written": str(out), "image_folder": document.folder, **counts, "faults": 0}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
