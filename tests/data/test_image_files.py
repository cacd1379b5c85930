"""Image files of every kind: what is read, what is refused, and with which words."""

import hashlib
import random
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tradeoff.core.errors import DataError
from tradeoff.data.decode import read_rgb
from tradeoff.data.image_files import PIXELS_MAX, Header, header, headers, size_fault

NOISE = np.random.default_rng(7).integers(0, 256, (24, 36, 3), dtype=np.uint8)
MODES = ("RGB", "L", "P", "CMYK", "RGBA", "LA", "1", "I;16", "YCbCr")


def saved(path: Path, mode: str = "RGB", **options: object) -> Path:
    """Write the noise in a mode."""
    if mode == "I;16":
        image = Image.fromarray(NOISE[..., 0].astype(np.uint16) * 256 + 255)
    else:
        image = Image.fromarray(NOISE).convert(mode)
    image.save(path, **options)
    return path


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_has_one_defined_conversion(mode: str, tmp_path: Path) -> None:
    """What is expected is computed from the stored values of each mode by its definition, in numpy."""
    path = saved(tmp_path / ("x.tif" if mode in ("CMYK", "YCbCr", "LA") else "x.png"), mode)
    pixels = read_rgb(str(path)).astype(float)
    with Image.open(path) as image:
        stored = np.asarray(image.convert("RGBA") if mode == "P" else image).astype(float)
    if mode == "CMYK":  # an ink of 255 is full, black takes light from every colour
        wanted = (255 - stored[..., :3]) * (255 - stored[..., 3:]) / 255
    elif mode == "YCbCr":  # BT.601, full range
        y, cb, cr = np.moveaxis(stored, 2, 0) - [[[0]], [[128]], [[128]]]
        wanted = np.stack([y + 1.402 * cr, y - 0.344136 * cb - 0.714136 * cr, y + 1.772 * cb], 2).clip(0, 255)
    elif mode in ("L", "1"):
        wanted = np.repeat(stored[..., None] * (255 if mode == "1" else 1), 3, 2)
    elif mode == "I;16":  # the high byte
        wanted = np.repeat((stored // 256)[..., None], 3, 2)
    else:  # transparency is dropped
        wanted = np.repeat(stored[..., :1], 3, 2) if mode == "LA" else stored[..., :3]
    assert np.abs(pixels - wanted).max() <= 1


def test_the_conversions_are_those_that_they_were(tmp_path: Path) -> None:
    """Golden: of lossless files, so that no decoder's rounding is in it."""
    found = hashlib.sha256()
    for mode in ("RGB", "L", "RGBA", "LA", "I;16"):
        found.update(read_rgb(str(saved(tmp_path / "x.png", mode))).tobytes())
    assert found.hexdigest()[:16] == "159bdf1ac9cb0189"


@pytest.mark.parametrize("ending", ["jpg", "png", "webp", "tif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_pixels_are_as_stored_whatever_exif_notes(orientation: int, ending: str, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    plain, path = saved(tmp_path / f"plain.{ending}"), saved(tmp_path / f"x.{ending}", exif=exif)
    if ending == "tif" and orientation != 1:  # Pillow turns it by itself
        for read in (header, read_rgb):
            with pytest.raises(
                DataError, match=rf"x\.tif: .*turned by its orientation {orientation}; save it turned"
            ):
                read(str(path))
        return
    np.testing.assert_array_equal(read_rgb(str(path)), read_rgb(str(plain)))
    found = header(str(path))
    assert found == Header(36, 24, orientation)
    assert size_fault(found, (24, 36)) is None
    unclear = size_fault(found, (None, None)) or ""
    turned = size_fault(found, (36, 24)) or ""
    assert "but 24×36 is stated" in turned
    for words in (unclear, turned):
        assert (f"EXIF orientation {orientation}; save it turned" in words) == (orientation >= 5)


@pytest.mark.parametrize("stated", [(24, 24), (None, None)])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_no_size_tells_how_a_square_is_meant(orientation: int, stated: tuple[int | None, int | None]) -> None:
    words = size_fault(Header(24, 24, orientation), stated) or ""
    assert (f"EXIF orientation {orientation}; save it turned" in words) == (orientation >= 5)


def test_floating_point_has_no_known_range_and_is_refused(tmp_path: Path) -> None:
    Image.fromarray(np.full((4, 4), 0.5, np.float32)).save(tmp_path / "x.tif")
    with pytest.raises(DataError, match=r"x\.tif: cannot be read as an image \(mode F: expected one of"):
        read_rgb(str(tmp_path / "x.tif"))


@pytest.mark.parametrize("ending", ["eps", "tga", "ico", "pcx", "sgi"])
def test_formats_that_nobody_needs_are_not_opened(ending: str, tmp_path: Path) -> None:
    """Pillow gives EPS to Ghostscript, which runs the program that such a file is."""
    path = saved(tmp_path / f"x.{ending}")
    for read in (header, read_rgb):
        with pytest.raises(DataError, match=rf"x\.{ending}: cannot be read as an image \(none of JPEG, PNG"):
            read(str(path))


def chunk(name: bytes, content: bytes) -> bytes:
    """Return a chunk of a PNG file."""
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("height", [1 + PIXELS_MAX // 30_000, 6_000, 30_000])
def test_a_decompression_bomb_is_refused_by_its_header(height: int, tmp_path: Path) -> None:
    """Pillow refuses from 179 million pixels on, and only warns of half as many."""
    size = chunk(b"IHDR", struct.pack(">IIBBBBB", 30_000, height, 8, 2, 0, 0, 0))
    (tmp_path / "x.png").write_bytes(b"\x89PNG\r\n\x1a\n" + size + chunk(b"IDAT", b"") + chunk(b"IEND", b""))
    for read in (header, read_rgb):
        with pytest.raises(DataError, match=r"x\.png: cannot be read as an image \(.*pixels"):
            read(str(tmp_path / "x.png"))


@pytest.mark.parametrize("ending", ["jpg", "png", "bmp", "gif", "tif", "webp"])
def test_a_file_without_its_end_is_found_by_the_header_check(ending: str, tmp_path: Path) -> None:
    path = saved(tmp_path / f"x.{ending}")
    assert header(str(path)) == Header(36, 24, 1)
    content = path.read_bytes()
    path.write_bytes(content[: -len(content) // 3])
    with pytest.raises(DataError, match=rf"x\.{ending}: cannot be read as an image"):
        header(str(path))


def test_the_end_of_the_small_picture_in_exif_is_not_that_of_the_image(tmp_path: Path) -> None:
    small = tmp_path / "small.jpg"
    Image.fromarray(NOISE).save(small)
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x927C] = small.read_bytes()  # the maker's note, as good a place as the first directory
    path = saved(tmp_path / "x.jpg", exif=exif, quality=95)
    content = path.read_bytes()
    assert header(str(path)) == Header(36, 24, 1)
    assert content.find(b"\xff\xd9") < content.rfind(b"\xff\xda")
    path.write_bytes(content[:-100])
    with pytest.raises(DataError, match=r"x\.jpg: cannot be read as an image \(.*truncated"):
        header(str(path))


def test_bytes_after_the_end_of_an_image_are_no_fault(tmp_path: Path) -> None:
    path = saved(tmp_path / "x.jpg")
    path.write_bytes(path.read_bytes() + bytes(100_000))
    assert header(str(path)) == Header(36, 24, 1)


def test_a_flipped_bit_in_a_png_is_found_when_its_pixels_are_decoded(tmp_path: Path) -> None:
    path = saved(tmp_path / "x.png")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert header(str(path)) == Header(36, 24, 1)
    with pytest.raises(DataError, match=r"x\.png"):
        header(str(path), pixels=True)


def test_headers_come_in_the_order_of_the_paths_and_a_broken_file_does_not_stop_the_others(tmp_path: Path) -> None:
    saved(tmp_path / "x.png")
    (tmp_path / "folder").mkdir()
    found = list(headers(str(tmp_path), ["x.png", "gone.png", "folder", "x.png"]))
    assert found[0] == found[3] == Header(36, 24, 1)
    assert ["gone.png" in str(found[1]), "No such file" in str(found[1]), "directory" in str(found[2])] == [True] * 3


@pytest.mark.filterwarnings("ignore")  # Pillow warns of some damages that it can mend
def test_a_damaged_image_is_read_or_refused_by_name(tmp_path: Path) -> None:
    dice, refused = random.Random(0), 0
    path = tmp_path / "x"
    for ending in ("jpg", "png", "bmp", "gif", "tif", "webp", "ppm"):
        good = saved(tmp_path / f"good.{ending}").read_bytes()
        for _ in range(120):
            content = bytearray(good)
            for _ in range(dice.choice((1, 4, 30))):
                content[min(dice.randrange(len(content)), dice.randrange(len(content)))] = dice.randrange(256)
            path.write_bytes(content[: dice.choice((len(content), dice.randrange(len(content))))])
            refused += is_refused(path, pixels=dice.random() < 0.5)
    assert refused > 200


def is_refused(path: Path, pixels: bool) -> bool:
    """Tell whether a file is refused, by its name, when its header or its pixels are read."""
    try:
        header(str(path), pixels)
        image = read_rgb(str(path))
    except DataError as error:
        return str(error).startswith(f"{path}: cannot be read as an image")
    assert image.shape[2] == 3
    return False
