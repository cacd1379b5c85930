"""Image files before their pixels: opened safely, their sizes, and what is wrong with them; no arrays.

Pixels are taken as they are stored; a rotation noted in EXIF is not applied. Where boxes could be meant on an image
given a quarter turn, because its turned size is the one that is stated, or none is, the file is refused. So is a TIFF
with any such note: Pillow applies it by itself.
"""

import os
import struct
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import NamedTuple

from PIL import Image, UnidentifiedImageError

from tradeoff.core.errors import DataError
from tradeoff.core.files import opened as opened_file

#: the most pixels of an image; the number at which Pillow begins to warn of decompression bombs
PIXELS_MAX = 89_478_485
#: Pillow's modes that have a defined conversion to 8-bit RGB; floating point (F) has no known range
MODES = ("1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", "LAB", "HSV", "I")
#: Pillow's formats that are read, MPO being one of JPEG; others are old, or run what the file says, as EPS does
FORMATS = ("JPEG", "PNG", "BMP", "GIF", "TIFF", "WEBP", "PPM")
#: what stands in the last bytes of a whole file
ENDS = {"JPEG": b"\xff\xd9", "MPO": b"\xff\xd9", "PNG": b"IEND"}
LAST_BYTES = 16
ORIENTATION = 0x0112
#: headers that are read beside each other, for disks that answer late
THREADS = 8
BROKEN = (
    OSError, SyntaxError, ValueError, TypeError, LookupError, ArithmeticError, EOFError, AttributeError,
    NotImplementedError, MemoryError, struct.error, zlib.error, Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)  # fmt: skip


class Header(NamedTuple):
    """What an image file says of itself; orientation is EXIF's, 1 (upright) to 8."""

    width: int
    height: int
    orientation: int

    @property
    def turned(self) -> bool:
        """Whether EXIF notes another size than that of the pixels: a quarter turn."""
        return self.orientation in (5, 6, 7, 8)


@contextmanager
def opened(path: str) -> Iterator[Image.Image]:
    """Open an image file of a known kind and a sane size.

    Raises:
        DataError: if the file is missing, broken, no image or too large, also while it is used; names the file.
    """
    try:
        with opened_file(path) as file, Image.open(file, formats=FORMATS) as image:
            if image.width * image.height > PIXELS_MAX:
                raise ValueError(f"{image.width}×{image.height} px: expected at most {PIXELS_MAX} pixels")
            if not image.mode.startswith(MODES):
                raise ValueError(f"mode {image.mode}: expected one of {', '.join(MODES)}")
            if image.format == "TIFF" and orientation(image) != 1:
                raise ValueError(f"a TIFF to be turned by its orientation {orientation(image)}; save it turned")
            yield image
    except BROKEN as error:
        raise DataError(f"{path}: cannot be read as an image ({reason(error)}); replace the file") from error


def reason(error: BaseException) -> str:
    """Return why an image cannot be read."""
    if isinstance(error, UnidentifiedImageError):
        return f"none of {', '.join(FORMATS)}"
    return str(getattr(error, "strerror", None) or error)


def header(path: str, pixels: bool = False) -> Header:
    """Read the header of an image file, and look whether its end is there.

    Args:
        path: the file.
        pixels: whether to decode all of it, which finds more of what is broken and takes some ms an image.

    Raises:
        DataError: if the file is missing, truncated, broken, no image or too large; names the file.
    """
    with opened(path) as image:
        found = Header(image.width, image.height, orientation(image))
        if pixels or not has_end(path, ENDS.get(str(image.format))):
            image.load()
        return found


def orientation(image: Image.Image) -> int:
    """Return how an image is to be turned by its note in EXIF, or of a TIFF by its tag; 1 is not at all."""
    noted = image.getexif() if "exif" in image.info or image.format == "TIFF" else {}
    return int(noted.get(ORIENTATION, 1))


def has_end(path: str, mark: bytes | None) -> bool:
    """Tell whether a file ends with the mark of a whole one; without it a decoder has the last word.

    Further from the end it tells nothing: the small picture in the EXIF of a JPEG has the same.
    """
    if mark is None:
        return False
    with opened_file(path) as file:
        file.seek(-min(LAST_BYTES, file.seek(0, os.SEEK_END)), os.SEEK_END)
        return mark in file.read()


def headers(folder: str, names: list[str], pixels: bool = False) -> Iterator[Header | DataError]:
    """Yield the header of each file below a folder, or why it cannot be had, in the order of the names.

    The folder may be a link; a link below it must not lead out of it.
    """
    from tradeoff.core.progress import watched  # rich: only once there are files to read

    below = os.path.join(os.path.realpath(folder), "")

    def read(name: str) -> Header | DataError:
        path = os.path.join(folder, name)
        target = os.path.realpath(path)
        if not os.path.join(target, "").startswith(below):
            return DataError(f"{path}: a link out of the image folder, to {target}; put a copy or a hard link there")
        try:
            return header(path, pixels)
        except DataError as error:
            return error

    with ThreadPoolExecutor(THREADS) as pool:
        yield from watched(pool.map(read, names), len(names), "image files")


def size_fault(found: Header, stated_hw: tuple[int | None, int | None]) -> str | None:
    """Return how the size of a file differs from the one stated, or what is unclear about it; None is good."""
    height, width = stated_hw
    got = f"is {found.width}×{found.height} px"
    if width in (None, found.width) and height in (None, found.height):
        if found.turned and (None in stated_hw or found.width == found.height):
            return (
                f"{got}, to be turned by its EXIF orientation {found.orientation}; save it turned, without the note"
            )
        return None
    fault = f"{got}, but {width}×{height} is stated"
    if found.turned and (height, width) == (found.width, found.height):
        fault += (
            f", its size when turned by its EXIF orientation {found.orientation}; save it turned, without the note"
        )
    return fault
