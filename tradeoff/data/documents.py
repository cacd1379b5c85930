"""A set in any format as one document, and all that is wrong with it, told before any work starts; no torch."""

import os
from collections.abc import Sequence
from dataclasses import replace

from tradeoff.core.errors import DataError
from tradeoff.data import coco_json, csv_boxes, minival, voc, yolo
from tradeoff.data.coco_faults import Kinds, category_differences, image_faults, list_faults, whole, worded
from tradeoff.data.document import Document, Entry, joined
from tradeoff.data.image_files import Header, headers, size_fault
from tradeoff.recipes.sources import Source

READERS = {"coco": coco_json.read, "voc": voc.read, "yolo": yolo.read, "csv": csv_boxes.read}


def read(source: Source) -> Document:
    """Read a set; several annotation files, as a training on COCO 2014 has, become one document."""
    parts = [read_part(source, place) for place in range(len(source.annotations))]
    return parts[0] if len(parts) == 1 else merged(parts)


def read_part(source: Source, place: int) -> Document:
    """Read what a source takes of one annotation file with its image folder."""
    document = READERS[source.format](source.annotations[place], source.folders[place], source.classes)
    return minival.kept(document, source.subset) if source.subset else document


def merged(parts: Sequence[Document]) -> Document:
    """Return one document of several, whose ids differ; the image folder is the one that holds all of theirs."""
    folder = os.path.commonpath([part.folder for part in parts])
    images = [
        {**entry, "file_name": os.path.join(os.path.relpath(part.folder, folder), str(entry.get("file_name")))}
        for part in parts
        for entry in part.entries("images")
    ]
    annotations = [entry for part in parts for entry in part.entries("annotations")]
    lists = {"images": images, "annotations": annotations, "categories": parts[0].entries("categories")}
    faults = [fault for part in parts for fault in part.faults]
    path = " and ".join(part.path for part in parts)
    return Document(path, folder, lists, joined([part.sha256 for part in parts]), faults)


def classes(source: Source) -> tuple[str, ...]:
    """Return the labels of a set, sorted."""
    return tuple(str(entry.get("name")) for entry in read(source).entries("categories"))


def faults(train: Source, val: Source) -> list[str]:
    """Return every fault of a set to train on and one to score on; an empty list is good."""
    found: Kinds = []
    documents = []
    for source, training in ((train, True), (val, False)):
        for place in range(len(source.annotations)):
            document = read_part(source, place)
            kinds, _ = examined(document, training)
            found += kinds
            documents.append(document)
        if source.subset == "minival":
            found.append(minival.missing_faults(document))
    found += [list(category_differences(documents[0], other)) for other in documents[1:]]
    return worded(found)


def examined(document: Document, training: bool, pixels: bool = False) -> tuple[Kinds, dict[str, Header]]:
    """Look for the faults of a document and of its image files.

    Args:
        document: what was read.
        training: whether it is to train on; then boxes without area and boxes outside of their image are let through.
        pixels: whether every image is decoded.

    Returns:
        The faults by kind, and the headers of the image files that can be read, by file name.
    """
    names = file_names(document)
    if not os.path.isdir(document.folder):
        return [*list_faults(document, training), [f"{document.folder}: no such folder of images"]], {}
    found: dict[str, Header] = {}
    broken, differing = [], []
    read = headers(document.folder, [name for _, name in names], pixels)
    for (entry, name), header in zip(names, read, strict=True):
        place = f"{document.path}: image {entry.get('id')}"
        if isinstance(header, DataError):
            broken.append(f"{place}: {header}")
            continue
        found[name] = header
        fault = size_fault(header, (entry.get("height"), entry.get("width")))
        if fault:
            differing.append(f"{place}: {document.image_path(name)} {fault}")
    return [*list_faults(with_stated_sizes(document, found), training), broken, differing], found


def file_names(document: Document) -> list[tuple[Entry, str]]:
    """Return the images whose entries have no fault of their own, with their file names."""
    good = [entry for entry in document.entries("images") if whole(entry.get("id")) and not any(image_faults(entry))]
    return [(entry, entry["file_name"]) for entry in good]


def with_stated_sizes(document: Document, found: dict[str, Header]) -> Document:
    """Fill in the width and height of images that state none, from their files."""
    images = [
        {"width": header.width, "height": header.height, **entry} if header else entry
        for entry, header in ((entry, found.get(str(entry.get("file_name")))) for entry in document.entries("images"))
    ]
    return replace(document, lists={**document.lists, "images": images}) if images else document


def fingerprint(source: Source) -> str:
    """Return the SHA-256 by which a set is known, of formats that have no annotation file to take it of.

    Raises:
        DataError: with the faults of the form of its files.
    """
    document = read(source)
    if document.faults:
        raise DataError("\n".join(worded([document.faults])))
    return document.sha256
