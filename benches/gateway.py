#!/usr/bin/env python3
"""Measures the gateway, beside mitmproxy and beside a relay that inspects nothing, in one run on one machine.

Needs the release build of dlp-proxy, and curl with HTTP/2. Builds the origin, the relay and the client of benches/gateway
into target/gateway-bench, and installs mitmproxy from PyPI into target/mitmproxy. Everything is on loopback, with bounded
counts. Writes its tables into docs/BENCHMARKS.md between their marks; `--dry` prints them alone, `--only NAME` measures
one part.

Proxies take turns, run by run. The best run counts: what disturbs a shared machine only ever makes a run longer. CPU time
is that of the proxy's process with its children; origin and client are the same for all.
"""

import argparse
import contextlib
import datetime
import json
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
TOOLS = TARGET / "gateway-bench"
MITMPROXY = TARGET / "mitmproxy"
MITMPROXY_PACKAGE = "mitmproxy>=11,<13"
MIB = 1 << 20
PUT_BYTES = 256 * MIB
RUNS = 5
LARGE_BYTES = 2048 * MIB
LATENCY_COUNT = 10_000
UPLOADS, UPLOAD_BYTES = 1_000, MIB
IDLE = 10_000
# Descriptors that the gateway needs for others, and the time after which it has ended connections that it keeps for nobody.
IDLE_SPARE = 4_000
SETTLED_S = 10
ACTIVE, ACTIVE_S = 500, 20
RELOADS = 100
# What somebody would write who lets mitmproxy look for a few things: shapes of six kinds, and the check of cards.
ADD_ON = r'''
import re

PATTERNS = [re.compile(pattern) for pattern in (
    rb"\b(?:\d[ -]?){12,18}\d\b",
    rb"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}\b",
    rb"\b[\w.+-]+@[\w-]+\.[\w.]+\b",
    rb"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    rb"-----BEGIN [A-Z ]*PRIVATE KEY-----",
    rb"\beyJ[\w-]+\.[\w-]+\.[\w-]+\b",
)]


def is_card(found):
    digits = [int(digit) for digit in re.sub(rb"[ -]", b"", found).decode()]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def request(flow):
    body = flow.request.raw_content or b""
    cards, *others = PATTERNS
    flow.metadata["found"] = sum(is_card(found.group()) for found in cards.finditer(body)) + sum(
        1 for pattern in others for _ in pattern.finditer(body))
'''
# A program that does not do what it should by then has failed.
START_S, STEP_S = 20, 300

def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--dry", action="store_true", help="print the tables and change no file")
    parts = {"put": put, "large": large, "latency": latency, "uploads": uploads, "idle": idle, "reload": reload}
    arguments.add_argument("--only", choices=parts, help="measure one part; changes no file")
    arguments.add_argument("--runs", type=int, default=RUNS, help=f"runs of each upload, {RUNS} when absent")
    options = arguments.parse_args()
    raise_limits()
    prepare(options.only)
    with tempfile.TemporaryDirectory() as folder:
        lab = Lab(Path(folder), options.runs)
        with contextlib.closing(lab):
            tables = [measure(lab) for name, measure in parts.items() if options.only in (None, name)]
    text = "\n\n".join([header(options.runs), *tables])
    print(text)
    if not options.dry and not options.only:
        replace_marked(ROOT / "docs/BENCHMARKS.md", "gateway", text)


def raise_limits():
    """Descriptors for the idle connections, for everything that is started from here."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def prepare(only):
    if not (TARGET / "release/dlp-proxy").exists():
        sys.exit("no release build: cargo build --release -p dlp-proxy")
    environment = os.environ | {"CARGO_TARGET_DIR": str(TOOLS)}
    build = ["cargo", "build", "--quiet", "--release", "--locked", "--manifest-path", ROOT / "benches/gateway/Cargo.toml"]
    subprocess.run(build, env=environment, check=True)
    if only in (None, "put", "latency") and not (MITMPROXY / "bin/mitmdump").exists():
        venv.create(MITMPROXY, with_pip=True)
        subprocess.run([MITMPROXY / "bin/pip", "install", "--quiet", MITMPROXY_PACKAGE], check=True)


class Lab:
    """An origin, and a folder for whatever is measured."""

    def __init__(self, folder, runs):
        self.folder, self.runs = folder, runs
        self.origin_port = free_port()
        self.origin_ca = folder / "origin-ca.pem"
        self.origin = Program([TOOLS / "release/sink", self.origin_port, self.origin_ca], self.origin_port)
        self.url = f"https://localhost:{self.origin_port}/notes.txt"

    def close(self):
        self.origin.stop()

    @contextlib.contextmanager
    def gateway(self, **settings):
        """The gateway, as it is by default but for what a lab needs."""
        port, admin = free_port(), free_port()
        state = Path(tempfile.mkdtemp(dir=self.folder))
        lines = {
            "listen.proxy": [f"127.0.0.1:{port}"],
            "listen.admin": f"127.0.0.1:{admin}",
            "upstream.use_system_roots": False,
            "upstream.extra_roots": [str(self.origin_ca)],
            "upstream.allow_private": True,
            "connect.allowed_ports": [self.origin_port],
            "limits.idle_timeout": "10m",
        } | {name.replace("__", "."): value for name, value in settings.items()}
        config = [f'resolver.override = {{ "localhost" = "127.0.0.1:{self.origin_port}" }}']
        config += [f"{name} = {json.dumps(value)}" for name, value in lines.items()]
        config.append('inspection.large = { unknown = "stream" }')
        (state / "gateway.toml").write_text("\n".join(config))
        command = [TARGET / "release/dlp-proxy", "--config", state / "gateway.toml", "--state-dir", state]
        with running(Program(command, port, DLP_LOG="warn")) as program:
            program.ca = state / "ca.pem"
            yield program

    @contextlib.contextmanager
    def relay(self):
        port, ca = free_port(), self.folder / "relay-ca.pem"
        with running(Program([TOOLS / "release/relay", port, ca, self.origin_ca], port)) as program:
            program.ca = ca
            yield program

    @contextlib.contextmanager
    def mitmproxy(self, add_on=None, is_streamed=False):
        port, state = free_port(), Path(tempfile.mkdtemp(dir=self.folder))
        command = [MITMPROXY / "bin/mitmdump", "--quiet", "--listen-host", "127.0.0.1", "--listen-port", port]
        command += ["--set", f"confdir={state}", "--set", f"ssl_verify_upstream_trusted_ca={self.origin_ca}"]
        if add_on:
            (state / "add_on.py").write_text(add_on)
            command += ["--scripts", state / "add_on.py"]
        if is_streamed:
            command += ["--set", "stream_large_bodies=1m"]
        with running(Program(command, port)) as program:
            program.ca = state / "mitmproxy-ca-cert.pem"
            yield program

    def put(self, proxy, file, version, times=1):
        """Uploads a file, or several of it as one; returns the seconds that curl took."""
        command = ["curl", "--silent", "--show-error", "--fail", f"--http{version}", "--max-time", STEP_S]
        command += ["--header", "Expect:", "--header", "Content-Type: text/plain", "--upload-file", file if times == 1 else "-"]
        command += ["--write-out", "\n%{http_version} %{time_total}", self.url, "--noproxy", "*" if not proxy else ""]
        command += ["--cacert", proxy.ca, "--proxy", f"http://127.0.0.1:{proxy.port}"] if proxy else [
            "--cacert", self.origin_ca,
        ]
        reading = None if times == 1 else subprocess.Popen(["cat", *[file] * times], stdout=subprocess.PIPE)
        received, ended = output(command, reading and reading.stdout).split("\n")
        spoken, seconds = ended.split()
        assert int(received) == times * file.stat().st_size, f"the origin got {received} bytes"
        assert spoken[0] == version[0], f"HTTP/{spoken} was spoken"
        return float(seconds)

    def load(self, what, proxy=None, **options):
        return json.loads(output(self.load_command(what, proxy, **options)))

    def load_command(self, what, proxy, **options):
        options |= {"origin": self.origin_port, "ca": proxy.ca if proxy else self.origin_ca}
        options |= {"proxy": proxy.port} if proxy else {}
        return [TOOLS / "release/load", what, *(f"--{key}={value}" for key, value in options.items())]


class Program:
    """Something that was started here, and is ended here."""

    def __init__(self, command, port, **environment):
        self.port = port
        clean = {key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")}
        self.process = subprocess.Popen(
            [str(word) for word in command], env=clean | environment, stdout=subprocess.DEVNULL
        )
        end = time.monotonic() + START_S
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                return
            if self.process.poll() is not None or time.monotonic() > end:
                self.stop()
                sys.exit(f"{command[0]} does not listen")
            time.sleep(0.05)

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def cpu_s(self):
        """User and system time, with children that have ended."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")

    def memory_mib(self, which):
        """`VmRSS`, the memory now, or `VmHWM`, the most since `forget_peak`."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(which + r":\s+(\d+)", status).group(1)) / 1024

    def forget_peak(self):
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")


@contextlib.contextmanager
def running(program):
    try:
        yield program
    finally:
        program.stop()


def put(lab):
    """One large upload, in both versions of HTTP."""
    file = lab.folder / "notes.txt"
    write_text(file, PUT_BYTES)
    streamed, held = {"inspection__gate_max": "1MiB"}, {"inspection__gate_max": "512MiB"}
    with (
        lab.gateway(**streamed) as pipelined,
        lab.gateway(**held) as gate,
        lab.relay() as relay,
        lab.mitmproxy() as mitmproxy,
        lab.mitmproxy(is_streamed=True) as passing,
        lab.mitmproxy(ADD_ON) as searching,
    ):
        rows = {
            "no proxy": None,
            "gateway, inspected while it leaves": pipelined,
            "gateway, held until it was inspected": gate,
            "relay on hudsucker, no inspection": relay,
            "mitmproxy, which holds it for its add-ons, no inspection": mitmproxy,
            "mitmproxy, which passes it by its add-ons, no inspection": passing,
            "mitmproxy, held, with an add-on that looks for six shapes": searching,
        }
        best = {name: {"1.1": [], "2": []} for name in rows}
        for run in range(lab.runs + 1):
            for name, proxy in rows.items():
                for version in ("1.1", "2"):
                    before = proxy.cpu_s() if proxy else 0
                    if proxy:
                        proxy.forget_peak()
                    wall = lab.put(proxy, file, version)
                    used = (proxy.cpu_s() - before, proxy.memory_mib("VmHWM")) if proxy else (0, 0)
                    # The first run fills caches.
                    if run:
                        best[name][version].append((wall, *used))
    lines = [f"| PUT of {PUT_BYTES // MIB} MiB of text | HTTP/1.1 | HTTP/2 |", "|---|---|---|"]

    def cell(runs, has_cpu):
        wall, cpu, memory = min(r[0] for r in runs), min(r[1] for r in runs), max(r[2] for r in runs)
        return f"{wall:.2f} s, {cpu:.2f} s CPU, {memory:.0f} MiB" if has_cpu else f"{wall:.2f} s"

    for name, proxy in rows.items():
        lines.append(f"| {name} | {cell(best[name]['1.1'], proxy)} | {cell(best[name]['2'], proxy)} |")
    file.unlink()
    ours, relays, theirs, passed, searched = (list(best.values())[at] for at in (1, 3, 4, 5, 6))
    ratio = lambda a, b, v, at: min(r[at] for r in a[v]) / min(r[at] for r in b[v])
    lines += ["", "Time of others over that of the gateway, which inspects while it leaves (wall, CPU): " + "; ".join(
        f"{who} {ratio(what, ours, v, 0):.1f}, {ratio(what, ours, v, 1):.1f} over HTTP/{v}"
        for who, what in (
            ("mitmproxy", theirs),
            ("mitmproxy that passes it by", passed),
            ("mitmproxy with its add-on", searched),
            ("relay", relays),
        )
        for v in ("1.1", "2")
    ) + "."]
    return "\n".join(lines)


def large(lab):
    """Memory while much is uploaded."""
    # Lines without numbers: of what may be something, an inspection takes note of 10,000 at most, and is incomplete then.
    piece = lab.folder / "piece.txt"
    line = b"The minutes of the meeting are to be read by everybody who was there, and by nobody else.\n"
    piece.write_bytes((line * (64 * MIB // len(line) + 1))[: 64 * MIB])
    lines = [f"| PUT of {LARGE_BYTES // MIB} MiB of text | growth of memory | CPU |", "|---|---|---|"]
    for name, settings in {
        "inspected while it leaves": {"inspection__gate_max": "1MiB"},
        "held until it was inspected": {"inspection__gate_max": "4GiB", "inspection__spool_total_max": "4GiB"},
    }.items():
        if "held" in name and shutil.disk_usage(lab.folder).free < 4 * LARGE_BYTES:
            lines.append(f"| {name} | not measured: too little room on the disk | |")
            continue
        for version in ("1.1", "2"):
            with lab.gateway(**settings) as gateway:
                lab.put(gateway, piece, version)
                idle_mib, before = gateway.memory_mib("VmRSS"), gateway.cpu_s()
                gateway.forget_peak()
                lab.put(gateway, piece, version, LARGE_BYTES // piece.stat().st_size)
                growth = gateway.memory_mib("VmHWM") - idle_mib
                lines.append(f"| {name}, HTTP/{version} | {growth:.0f} MiB | {gateway.cpu_s() - before:.1f} s |")
    return "\n".join(lines)


def latency(lab):
    """Small requests on a warm connection."""
    lines = ["| POST of 1 KiB, one after the other | HTTP/1.1 p50, p99 | HTTP/2 p50, p99 |", "|---|---|---|"]
    with lab.gateway() as gateway, lab.relay() as relay, lab.mitmproxy() as mitmproxy:
        rows = {"no proxy": None, "gateway": gateway, "relay on hudsucker": relay, "mitmproxy": mitmproxy}
        best = {name: {} for name in rows}
        for _ in range(2):
            for name, proxy in rows.items():
                for version in ("h1", "h2"):
                    # What takes long is asked less often.
                    count = LATENCY_COUNT // {"mitmproxy": 10, "relay on hudsucker": 100}.get(name, 1)
                    measured = lab.load("latency", proxy, http=version, count=count, bytes=1024)
                    best[name].setdefault(version, []).append(measured)
    for name in rows:
        cells = (
            ", ".join(f"{min(run[key] for run in best[name][version]) / 1000:.2f} ms" for key in ("p50_us", "p99_us"))
            for version in ("h1", "h2")
        )
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def uploads(lab):
    """Many uploads at once."""
    lines = [f"| {UPLOADS:,} uploads of 1 MiB at once | done, failed | wall | memory |", "|---|---|---|---|"]
    for version in ("h1", "h2"):
        with lab.gateway() as gateway:
            gateway.forget_peak()
            counted = lab.load("uploads", gateway, http=version, count=UPLOADS, bytes=UPLOAD_BYTES)
            peak = gateway.memory_mib("VmHWM")
            lines.append(
                f"| {shown(version)} | {counted['done']}, {counted['failed']} | {counted['seconds']:.1f} s | {peak:.0f} MiB |"
            )
    return "\n".join(lines)


def idle(lab):
    """Connections that say nothing, and what others notice of them."""
    lines = [
        f"| idle connections | open | memory | {SETTLED_S} s later | {ACTIVE} others, p99 without, with them | p50 |",
        "|---|---|---|---|---|---|",
    ]
    for version in ("plain", "h1", "h2"):
        with lab.gateway() as gateway:
            active = lambda: lab.load("active", gateway, http=version, connections=ACTIVE, bytes=1024, seconds=ACTIVE_S)
            alone = active()
            # Connections to origins that are in use beside them take descriptors too.
            room = resource.getrlimit(resource.RLIMIT_NOFILE)[0] - IDLE_SPARE
            command = lab.load_command("idle", gateway, http=version, count=min(IDLE, room))
            client = subprocess.Popen([str(w) for w in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            try:
                opened = json.loads(client.stdout.readline())
                memory = gateway.memory_mib("VmRSS")
                time.sleep(SETTLED_S)
                settled = gateway.memory_mib("VmRSS")
                beside = active()
            finally:
                client.communicate(timeout=60)
            assert not alone["failed"] + beside["failed"], f"{alone}, {beside}"
            p99, p50 = (", ".join(f"{run[key] / 1000:.2f} ms" for run in (alone, beside)) for key in ("p99_us", "p50_us"))
            lines.append(f"| {shown(version)} | {opened['open']:,} | {memory:.0f} MiB | {settled:.0f} MiB | {p99} | {p50} |")
    return "\n".join(lines)


def reload(lab):
    """Configurations read anew while requests come."""
    lines = [f"| {RELOADS} reloads under load | requests | failed |", "|---|---|---|"]
    for version in ("h1", "h2"):
        with lab.gateway() as gateway:
            seconds = RELOADS // 5
            command = lab.load_command("steady", gateway, http=version, connections=8, bytes=1024, seconds=seconds)
            client = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, text=True)
            for _ in range(RELOADS):
                gateway.process.send_signal(signal.SIGHUP)
                time.sleep(0.18)
            counted = json.loads(client.communicate(timeout=STEP_S)[0])
            lines.append(f"| {shown(version)} | {counted['done']:,} | {counted['failed']} |")
    return "\n".join(lines)


def shown(version):
    return {"plain": "plain HTTP", "h1": "HTTP/1.1", "h2": "HTTP/2"}[version]


def write_text(path, length):
    """The sources of Python's library, one after the other, as often as it takes. Addresses in them are taken apart: many of
    them in one upload would be a list of people."""
    sources = sorted(Path(os.__file__).parent.glob("*.py"))
    text = b"".join(source.read_bytes() for source in sources).replace(b"@", b" at ")
    with open(path, "wb") as out:
        while length > 0:
            length -= out.write(text[:length])


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def output(command, stdin=None):
    """What a program prints; its failure is ours."""
    words = [str(word) for word in command]
    done = subprocess.run(words, stdin=stdin, stdout=subprocess.PIPE, text=True, timeout=STEP_S)
    if done.returncode:
        sys.exit(f"{command[0]} failed with {done.returncode}")
    return done.stdout


def header(runs):
    model = next(
        (l.split(":")[1].strip() for l in open("/proc/cpuinfo", encoding="utf-8") if l.startswith("model name")), "?"
    )
    today = datetime.date.today().isoformat()
    return f"{today}, {model}, {os.cpu_count()} cores, which client, proxy and origin share; best of {runs} runs."


def replace_marked(path, name, text):
    begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
    before, _, rest = path.read_text().partition(begin)
    _, _, after = rest.partition(end)
    if not after and end not in rest:
        sys.exit(f"{path} has no marks {begin} and {end}")
    path.write_text(f"{before}{begin}\n{text}\n{end}{after}")


if __name__ == "__main__":
    main()
