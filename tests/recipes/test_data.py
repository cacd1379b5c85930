"""What can be asked for as data, and what is in a key."""

import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest
import yaml

from tests.data.coco_files import document, write
from tradeoff.core.digest import digest
from tradeoff.core.errors import ConfigError, DataError
from tradeoff.recipes import formats
from tradeoff.recipes.data import Coco, CocoSplit, Shapes

CONF = Path(__file__).parents[2] / "conf" / "data"


def test_coco_without_any_place_is_refused_with_how_to_give_one() -> None:
    with pytest.raises(ConfigError, match=r"^data\.root: required.*data\.root=FOLDER.*data\.val_images"):
        Coco.from_mapping({}, "data.")


def test_coco_with_one_path_missing_names_it_alone() -> None:
    paths = {"train_annotations": "a", "train_images": "b", "val_annotations": "c"}
    with pytest.raises(ConfigError, match=r"or give data\.val_images$"):
        Coco(**paths)
    Coco(**paths, val_images="d")


def test_relative_paths_are_below_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    data = Coco(root="coco", val_images="elsewhere")
    assert data.paths("train") == (
        str(tmp_path / "coco/annotations/instances_train2017.json"),
        str(tmp_path / "coco/train2017"),
    )
    assert data.paths("val")[1] == str(tmp_path / "elsewhere")


def test_two_places_are_two_data_sets_but_equal_annotations_are_one_key(tmp_path: Path) -> None:
    here, there = (Coco(root=str(write(tmp_path / name))) for name in ("here", "there"))
    assert here != there
    assert digest(here.val_split(None)) == digest(there.val_split(None))
    assert digest(here.train_split(0)) == digest(there.train_split(0))


def test_the_key_of_a_coco_split_is_as_it_was() -> None:
    """Golden: a change makes every finished training on COCO start again."""
    split = CocoSplit(annotations=("a",), folders=("b",), sha256="ab" * 32, files="0123456789ab", train=True, seed=3)
    assert digest(split) == "a2f7a0b7fda8"


def test_the_key_follows_the_content_of_the_annotation_file(tmp_path: Path) -> None:
    data = Coco(root=str(write(tmp_path)))
    before = digest(data.val_split(None))
    content = document()
    content["annotations"].pop()
    write(tmp_path, val=content)
    assert digest(data.val_split(None)) != before


def test_a_missing_annotation_file_is_told_when_a_split_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"instances_val2017\.json: cannot be read"):
        Coco(root=str(tmp_path)).val_split(None)


def test_keys_differ_by_split_seed_and_number_of_images(tmp_path: Path) -> None:
    for data in (Coco(root=str(write(tmp_path))), Shapes()):
        splits = [data.train_split(0), data.train_split(1), data.val_split(None), data.val_split(2)]
        assert len({digest(split) for split in splits}) == 4


def test_the_validation_pictures_depend_on_the_validation_seed_and_the_generator_alone() -> None:
    key = digest(Shapes().val_split(100))
    assert key == digest(Shapes(val_images=200).val_split(100))
    assert key != digest(Shapes(val_seed=1).val_split(100))
    assert key != digest(Shapes(clutter=3).val_split(100))


def test_no_more_pictures_are_scored_than_the_set_has() -> None:
    assert Shapes().val_split(None) == Shapes().val_split(500) == Shapes().val_split(9_999)


def test_sides_in_the_wrong_order_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"data\.side_min_px=200: expected at most side_max_px=100"):
        Shapes.from_mapping({"side_min_px": 200, "side_max_px": 100}, "data.")


MENU = {"shapes": Shapes, "coco": Coco, "voc": formats.Voc, "yolo": formats.Yolo, "csv": formats.Csv}


@pytest.mark.parametrize("name", [path.stem for path in CONF.glob("*.yaml")])
def test_the_menu_lists_every_option_with_its_default(name: str) -> None:
    menu, recipe = yaml.safe_load((CONF / f"{name}.yaml").read_text()), MENU[name]
    assert menu.pop("_target_") == f"{recipe.__module__.rpartition('.')[2]}.{recipe.__name__}"
    defaults = {spec.name: spec.default for spec in fields(recipe)}
    assert menu == defaults


def test_asking_for_data_loads_neither_torch_nor_arrays_nor_images() -> None:
    code = (
        "import sys; from tradeoff.recipes.data import Shapes; Shapes().train_split(0); Shapes().check()\n"
        "print({'torch', 'numpy', 'PIL'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_checking_coco_needs_neither_torch_nor_arrays(tmp_path: Path) -> None:
    code = (
        "import sys; from tradeoff.recipes.data import Coco; Coco(root=sys.argv[1]).check()\n"
        "print({'torch', 'numpy'} & set(sys.modules))"
    )
    command = [sys.executable, "-c", code, str(write(tmp_path))]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == "set()"
