"""A seeded generator of damaged annotation files, in every format."""

import json
import random
import re
import shutil
from pathlib import Path
from typing import Any

from tests.data.sets import CROWD, FORMATS, THINGS, written
from tradeoff.recipes.data import Annotated

#: what takes the place of a number or a word
NASTY = (
    b"NaN", b"-Infinity", b"1e400", b"-1e308", b"1e308", b"-1", b"0", b"-0", b"1.5", b"99999999999999999999",
    b"9" * 5000, b"9" * 400, b"", b'""', b"null", b"true", b"[]", b"{}", b"[[1]]", b"[" * 900 + b"]" * 900,
    b"[" * 50000, b"{" * 50000, b"../../x.png", b"/etc/passwd", b"c:\\x", b"\\u0000", b"\\ud800", b"\x00",
    b"\xff\xfe", b"\xed\xa0\x80", "ä\u202e".encode(), b"a.png", b"c.png", b"cat", b"x" * 70000,
    b"1_0", b"0x10", b"inf", b"nan",
    b"&lol;", b"<a>", b"</object>", b"<!DOCTYPE a>", b"!!int ''", b"!!timestamp x", b"!!bool x", b"*a", b"&a [*a]",
    b"!!python/object/apply:os.system [x]", b"a: b: c", b'"', b"'", b",", b",,,,,,,,", b"\n", b"\r",
)  # fmt: skip
#: what takes the place of a value where the form stays good
VALUES: tuple[Any, ...] = (
    float("nan"), float("inf"), -1e308, 1e308, -1, 0, 0.5, 1, 2, 3, 10**30, -(10**400), 2**63, 2**63 - 1, True, None,
    "", "x", "a.png", "../a.png", "/a.png", "\ud800", "a\0.png", "cat", [], {}, [1], [1, 2, 3, 4], {"id": 1},
    [0, 0, 1e-9, 1e-9], [0, 0, -1, 5], [0, 0, 0, 0], [900, 900, 5, 5], [1e308] * 4, [1, 2, float("nan"), 4],
    ["1", "2", "3", "4"], [[1, 2, 3, 4]],
)  # fmt: skip
#: what takes the place of a whole value of YAML
ENTRIES = (
    b"person", b"[cat, dog]", b"{1: cat, 0: dog}", b"{dog: 1, cat: 0}", b"{'0': cat, '1': dog}", b"[1, 2]",
    b"{1.0: cat, 0: dog}", b"{false: cat, true: dog}", b"[[cat, dog]]", b"[cat, null]", b"[1.5, 2]", b"3", b"true",
    b"2020-01-01", b"null", b"", b"[]", b"{}", b".nan", b"!!set {cat, dog}", b"!!binary eA==", b"..",
    b"images/val", b"[images/val]",
    b"0x" + b"f" * 5000, b"[0x" + b"f" * 5000 + b"]", b"{0x" + b"f" * 5000 + b": cat}", b"[" * 400 + b"]" * 400,
)  # fmt: skip
TOKEN = re.compile(rb'"[^"]*"|-?\d+(?:\.\d+)?|[A-Za-z_./]+')
FIELD = re.compile(rb"(?<=[>, \n])-?[\w.]+(?=[<, \n])")
#: below a set, what is no image
ANNOTATIONS = ("*.json", "*.xml", "*.txt", "*.csv", "*.yaml")


def damaged(seed: int, folder: Path, good: dict[str, Path]) -> Annotated:
    """Copy the good set of a format, damage its annotation files, and return the recipe that asks for it."""
    dice = random.Random(seed)
    kind = dice.choice(list(FORMATS))
    shutil.copytree(good[kind], folder)
    files = sorted(path for pattern in ANNOTATIONS for path in folder.rglob(pattern))
    for _ in range(dice.choice((1, 1, 1, 2, 5))):
        damage(dice, dice.choice(files))
    return FORMATS[kind][1](root=str(folder))


def good_sets(folder: Path) -> dict[str, Path]:
    """Write the good set of every format."""
    for kind in FORMATS:
        written(kind, folder / kind, THINGS if kind == "yolo" else (*THINGS, CROWD))
    return {kind: folder / kind for kind in FORMATS}


def damage(dice: random.Random, path: Path) -> None:
    """Damage one file."""
    if not path.is_file():
        return
    if dice.random() < 0.03:
        return path.unlink()
    content = path.read_bytes()
    change = dice.choice((replace_token, replace_token, flip, cut, double, insert, shorten, encode))
    if dice.random() < 0.5:
        change = {".json": replace_value, ".yaml": replace_entry}.get(path.suffix, replace_field)
    path.write_bytes(change(dice, content))
    return None


def replace_token(dice: random.Random, content: bytes) -> bytes:
    """Put something nasty in the place of a number or a word."""
    tokens = list(TOKEN.finditer(content))
    if not tokens:
        return dice.choice(NASTY)
    found, new = dice.choice(tokens), dice.choice(NASTY)
    if found.group().startswith(b'"') and dice.random() < 0.5:
        new = b'"' + new.replace(b'"', b"") + b'"'
    return content[: found.start()] + new + content[found.end() :]


def replace_value(dice: random.Random, content: bytes) -> bytes:
    """Put something else in the place of a value of a JSON file, or take a key away, so that it is JSON still."""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return content
    places = [(document, key) for key in document] if isinstance(document, dict) else []
    for holder, key in places:
        inner = holder[key]
        if isinstance(inner, (list, dict)):
            places += [(inner, name) for name in (inner if isinstance(inner, dict) else range(len(inner)))]
    if places:
        holder, key = dice.choice(places)
        holder[key] = dice.choice(VALUES)
        if isinstance(holder, dict) and dice.random() < 0.1:
            del holder[key]
    return json.dumps(document).encode(errors="replace")


def replace_entry(dice: random.Random, content: bytes) -> bytes:
    """Put another whole value behind a key of a YAML file."""
    lines = content.split(b"\n")
    chosen = dice.randrange(len(lines))
    lines[chosen] = lines[chosen].split(b": ")[0] + b": " + dice.choice(ENTRIES)
    return b"\n".join(lines)


def replace_field(dice: random.Random, content: bytes) -> bytes:
    """Put another number or name in the place of one, so that the lines and tags stay as they are."""
    fields = list(FIELD.finditer(content))
    if not fields:
        return content
    found, value = dice.choice(fields), dice.choice(VALUES)
    new = json.dumps(value) if isinstance(value, float) else str(value)
    return content[: found.start()] + new.encode(errors="replace") + content[found.end() :]


def span(dice: random.Random, content: bytes) -> tuple[int, int]:
    """Choose a part of the content."""
    start = dice.randrange(len(content) + 1)
    return start, min(len(content), start + dice.choice((1, 3, 20, 200)))


def flip(dice: random.Random, content: bytes) -> bytes:
    """Flip a bit of a few bytes."""
    changed = bytearray(content)
    for _ in range(dice.choice((1, 1, 4)) if content else 0):
        changed[dice.randrange(len(changed))] ^= 1 << dice.randrange(8)
    return bytes(changed)


def cut(dice: random.Random, content: bytes) -> bytes:
    """Leave a part out."""
    start, end = span(dice, content)
    return content[:start] + content[end:]


def double(dice: random.Random, content: bytes) -> bytes:
    """Repeat a part."""
    start, end = span(dice, content)
    return content[:end] + content[start:]


def insert(dice: random.Random, content: bytes) -> bytes:
    """Put random bytes somewhere."""
    start, _ = span(dice, content)
    return content[:start] + dice.randbytes(dice.choice((1, 2, 8))) + content[start:]


def shorten(dice: random.Random, content: bytes) -> bytes:
    """Keep the beginning."""
    return content[: dice.randrange(len(content) + 1)]


def encode(dice: random.Random, content: bytes) -> bytes:
    """Write the same text in another encoding."""
    return content.decode(errors="replace").encode(
        dice.choice(("utf-8-sig", "utf-16", "utf-32-le", "latin-1")), "replace"
    )
