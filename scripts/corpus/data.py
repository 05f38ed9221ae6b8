"""Files of data as programs write them: tables in columns and in records, packed streams, and what git exchanges."""

import datetime
import io
import plistlib
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path

import brotli
import fastavro
import pyarrow
import pyarrow.parquet
import snappy

from markers import Document

# How columns are written: arguments of the writer.
PARQUET = {
    "plain": {"compression": "none", "use_dictionary": False},
    "dictionary": {"compression": "snappy"},
    "gzip": {"compression": "gzip", "use_dictionary": False},
    "brotli": {"compression": "brotli", "use_dictionary": False},
    "zstd": {"compression": "zstd", "data_page_version": "2.0", "use_dictionary": False},
    "lz4": {"compression": "lz4", "use_dictionary": False},
    "lengths": {"use_dictionary": False, "column_encoding": {"text": "DELTA_LENGTH_BYTE_ARRAY"}},
    "fronts": {"use_dictionary": False, "column_encoding": {"text": "DELTA_BYTE_ARRAY"}},
}
AVRO = ("null", "deflate", "bzip2", "xz", "snappy", "zstandard")
SCHEMA = {
    "type": "record",
    "name": "Person",
    "fields": [
        {"name": "text", "type": "string"},
        {"name": "inner", "type": ["null", {"type": "record", "name": "Inner", "fields": [
            {"name": "list", "type": {"type": "array", "items": "string"}},
            {"name": "map", "type": {"type": "map", "values": ["null", "string"]}},
        ]}]},
        {"name": "number", "type": "long"},
    ],
}


def tables(folder: Path) -> Iterator[Document]:
    for name, arguments in PARQUET.items():
        document = Document(folder / f"{name}.parquet")
        rows = [document.place(f"parquet {name} {row}") for row in ("first", "second")]
        columns = {"text": rows + [None], "lists": [[document.place(f"parquet {name} list"), "other"], [], None]}
        table = pyarrow.table(columns | {"number": [1, None, 3]})
        pyarrow.parquet.write_table(table, document.path, **arguments)
        yield document


def records(folder: Path) -> Iterator[Document]:
    for codec in AVRO:
        document = Document(folder / f"{codec}.avro")
        inner = {"list": [document.place(f"avro {codec} list")], "map": {"key": document.place(f"avro {codec} map")}}
        rows = [
            {"text": document.place(f"avro {codec} text"), "inner": inner, "number": 44},
            {"text": "plain", "inner": None, "number": -1},
        ]
        with document.path.open("wb") as file:
            fastavro.writer(file, SCHEMA, rows, codec=codec)
        yield document


def streams(folder: Path) -> Iterator[Document]:
    document = Document(folder / "stream.txt.br")
    document.path.write_bytes(brotli.compress((document.place("brotli stream") + "\n").encode()))
    yield document
    document = Document(folder / "stream.txt.sz")
    document.path.write_bytes(snappy.StreamCompressor().compress((document.place("snappy stream") + "\n").encode()))
    yield document


def lists(folder: Path) -> Iterator[Document]:
    """Property lists in their binary form: settings, and an archive of objects, whose values are named by numbers."""
    document = Document(folder / "settings.plist")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.txt", document.place("list member"))
    settings = {
        "text": document.place("list text"),
        "wide": document.place("list wide") + " żółw",
        "accounts": [{"user": "jan", "note": document.place("list nested")}, [document.place("list in list")]],
        "file": packed.getvalue(),
        "bytes": document.place("list bytes").encode(),
        "number": 44051401359,
        "negative": -7,
        "day": datetime.datetime(1985, 3, 9, 12, 0),
        "ratio": 0.5,
        "is": True,
    }
    document.path.write_bytes(plistlib.dumps(settings, fmt=plistlib.FMT_BINARY))
    yield document
    document = Document(folder / "archive.plist")
    objects = ["$null", {"$class": plistlib.UID(7), "NS.keys": [plistlib.UID(2)], "NS.objects": [plistlib.UID(3)]}, "owner"]
    objects += [{"$class": plistlib.UID(6), "note": plistlib.UID(4), "none": plistlib.UID(0), "age": 41}]
    objects += [document.place("list archived"), document.place("list unnamed"), {"$classname": "Person"}]
    objects += [{"$classname": "NSDictionary"}]
    archive = {"$archiver": "NSKeyedArchiver", "$version": 100000, "$objects": objects, "$top": {"root": plistlib.UID(1)}}
    document.path.write_bytes(plistlib.dumps(archive, fmt=plistlib.FMT_BINARY))
    yield document


def repositories(folder: Path) -> Iterator[Document]:
    """A bundle, and the pack of the same objects: the second file of a name is told as a difference to the first."""
    if not shutil.which("git"):
        print("git is not installed: no packs")
        return
    work, document = folder / "work", Document(folder / "all.bundle")
    common = "".join(f"line {number} of a file that stays\n" for number in range(400))
    run = lambda *words: subprocess.run(
        ["git", "-c", "user.name=a", "-c", "user.email=a@example.com", *words], cwd=work, check=True, capture_output=True
    )
    work.mkdir()
    run("init", "--quiet")
    for place in ("first commit", "second commit"):
        (work / "file.txt").write_text(common + document.place(place) + "\n")
        run("add", "file.txt")
        run("commit", "--quiet", "-m", "change " + document.place(f"message of the {place}"))
    run("gc", "--quiet")
    run("bundle", "create", "--quiet", str(document.path), "--all")
    pack = next((work / ".git/objects/pack").glob("*.pack"))
    copy = document.at(folder / "objects.pack")
    copy.path.write_bytes(pack.read_bytes())
    shutil.rmtree(work)
    yield document
    yield copy


def all_documents(folder: Path) -> Iterator[Document]:
    yield from tables(folder)
    yield from records(folder)
    yield from streams(folder)
    yield from lists(folder)
    yield from repositories(folder)
