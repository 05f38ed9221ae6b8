#!/usr/bin/env python3
"""Documents that real programs write, with known words in known places: made, scanned and judged.

    scripts/corpus/corpus.py check target/debug/dlp            every word found, every lock named
    scripts/corpus/corpus.py mutate target/debug/dlp --count 2000   damaged copies of each family: no crash, no hang

Programs that are not installed are named and left out. Both commands end with 1 when something is wrong.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import archives
import data
import messages
import mutate
import office
import pages
from markers import Document

# What workers report of the engines in them. Anything else that panics is ours.
OF_WORKERS = {"engine_panic", "engine_crash", "sandbox_violation", "worker_protocol"}
SECONDS_PER_FILE = 20


def make(folder: Path) -> list[Document]:
    documents = []
    for maker in (office, pages, archives, messages, data):
        below = folder / maker.__name__
        below.mkdir()
        documents.extend(maker.all_documents(below))
    return documents


def records(dlp: str, arguments: list[str], timeout: float) -> tuple[int, list[dict], str]:
    done = subprocess.run([dlp, *arguments], capture_output=True, timeout=timeout, text=True, errors="replace")
    return done.returncode, [json.loads(line) for line in done.stdout.split("\n") if line], done.stderr


def misses(dlp: str, document: Document) -> list[str]:
    """What is wrong with the reading of a document."""
    path = str(document.path)
    _, texts, words = records(dlp, ["extract", *document.arguments, "--format", "jsonl", path], 120)
    text = "".join(record.get("join", "\n") + record.get("text", "") for record in texts)
    wrong = [f"{place}: {word} was not read" for place, word in document.places.items() if word not in text]
    arguments = ["scan", *document.arguments, "--format", "jsonl", "--min-confidence", "low", path]
    _, found, _ = records(dlp, arguments, 120)
    classes = {record["class"] for record in found if record["record"] == "problem"}
    if document.outcome == "complete" and classes:
        reasons = {record["reason"] for record in found if record["record"] == "problem"}
        wrong.append(f"not complete: {', '.join(sorted(reasons))}")
    elif document.outcome != "complete" and document.outcome not in classes:
        wrong.append(f"not named {document.outcome}: {classes or words}")
    numbers = {record["finding_id"] for record in found if record.get("detector") == "pii.pl.pesel"}
    if document.places and not numbers:
        wrong.append("the scan found none of the numbers")
    return wrong


def check(dlp: str, only: str) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        documents = [document for document in make(Path(folder)) if only in str(document.path)]
        places = sum(len(document.places) for document in documents)
        missed = 0
        for document in documents:
            wrong = misses(dlp, document)
            missed += len(wrong)
            for line in wrong:
                print(f"{document.path.relative_to(folder)}: {line}")
    print(f"{len(documents)} documents, {places} places, {missed} wrong")
    return missed == 0


def families(documents: list[Document]) -> dict[str, list[Path]]:
    by_ending = defaultdict(list)
    for document in documents:
        if document.path.is_file() and not document.arguments:
            by_ending[document.path.suffix.lstrip(".")].append(document.path)
    return by_ending


def mutate_all(dlp: str, count: int, only: str) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "made"
        made.mkdir()
        good = True
        for family, sources in sorted(families(make(made)).items()):
            if only in family:
                good &= family_survives(dlp, family, list(mutate.mutants(sources, count)))
    return good


def family_survives(dlp: str, family: str, mutants: list[tuple[str, bytes]]) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        for name, data in mutants:
            (Path(folder) / name).write_bytes(data)
        start = time.monotonic()
        trouble = survived(dlp, folder, max(120.0, len(mutants) * 1.0))
        # One at a time, to name the file that it was.
        names = [name for name, _ in mutants] if trouble else []
        for name in names:
            alone = survived(dlp, str(Path(folder) / name), SECONDS_PER_FILE)
            if alone:
                kept = Path(tempfile.gettempdir()) / f"dlp-mutant-{name}"
                kept.write_bytes((Path(folder) / name).read_bytes())
                print(f"{family}: {alone}: {kept}")
        seconds = time.monotonic() - start
    print(f"{family}: {len(mutants)} damaged files in {seconds:.0f} s{': ' + trouble if trouble else ''}", flush=True)
    return not trouble


def survived(dlp: str, path: str, timeout: float) -> str:
    """What went wrong with a scan; nothing if it came to its end."""
    try:
        code, found, words = records(dlp, ["scan", "--format", "jsonl", path], timeout)
    except subprocess.TimeoutExpired:
        return f"no end within {timeout:.0f} s"
    if code not in (0, 1, 3):
        return f"ended with {code}: {words[-300:]}"
    panics = [record for record in found if record.get("class") == "parser-panic" and record["reason"] not in OF_WORKERS]
    return f"panicked: {panics[0]}" if panics else ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=("check", "mutate"))
    parser.add_argument("dlp", help="the program to try")
    parser.add_argument("--count", type=int, default=2000, help="damaged files of each family")
    parser.add_argument("--only", default="", help="documents whose path, or families whose ending, holds this")
    arguments = parser.parse_args()
    program = str(Path(arguments.dlp).resolve())
    if arguments.command == "check":
        good = check(program, arguments.only)
    else:
        good = mutate_all(program, arguments.count, arguments.only)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
