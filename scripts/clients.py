#!/usr/bin/env python3
"""Drives the clients that people use through the gateway, against an origin of its own, all on loopback.

    scripts/clients.py [--gateway target/debug/dlp-proxy] [NAME...]

Each client uploads something clean, which has to arrive as it was, and something sensitive, which must not complete, and of
which the origin must not get a byte. A client that is not installed is skipped, and said so; `--require` makes that a failure.
playwright is looked for in the interpreter that runs this. `dlp-proxy/tests/real_clients` drives others from cargo: curl in both
versions of HTTP, rclone to S3, boto3, the SDKs of Dropbox and Slack and Google's; `dlp-proxy/tests/icap.rs` c-icap-client, and
squid without TLS.
"""

import argparse
import contextlib
import http.server
import importlib.util
import os
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NAMES = ["files.example", "dav.example", "github.com", "www.dropbox.com"]
STEP_S = 60
SQUID_CERTIFICATES = Path("/usr/lib/squid/security_file_certgen")
CLEAN = "The minutes of the meeting, to be read by everybody who was there.\n" * 40
# A specimen number, written apart so that this file holds none.
SECRET = CLEAN + "Please charge my credit card number " + "4000 0100 " + "0007 1234, Visa, expiry 12/29.\n"
PAGE = """<!doctype html><title>Upload</title>
<form method="post" enctype="multipart/form-data" action="/upload"><input type="file" name="f"><button>Send</button></form>
<script>const sent = () => fetch("/upload", { method: "POST", body: document.querySelector("input").files[0] }).then(a => a.status)</script>"""
# Bytes that nothing but the file has in common with it.
OF_FILE = 16


class Skipped(Exception):
    """The client is not here."""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gateway", default=ROOT / "target/debug/dlp-proxy", type=Path, help="program of the gateway (default: %(default)s)")
    parser.add_argument("--require", action="store_true", help="a client that is missing is a failure")
    parser.add_argument("names", nargs="*", metavar="CLIENT", help=f"one of {' '.join(CLIENTS)}; all when absent")
    options = parser.parse_args()
    unknown = [name for name in options.names if name not in CLIENTS]
    if unknown:
        parser.error(f"expected clients of the list that --help shows, got {' '.join(unknown)}")
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    with tempfile.TemporaryDirectory() as folder, Origin(Path(folder)) as origin:
        with gateway(options.gateway, Path(folder), origin) as (proxy, icap_port):
            for name in options.names or CLIENTS:
                outcome, text = try_client(name, Scene(Path(folder), origin, proxy, icap_port))
                if outcome == "skipped" and options.require:
                    outcome = "failed"
                counts[outcome] += 1
                print(f"{name}: {outcome}{': ' + text if text else ''}", flush=True)
    print(", ".join(f"{count} {word}" for word, count in counts.items()))
    sys.exit(1 if counts["failed"] else 0)


def try_client(name, scene):
    try:
        for content, is_clean in ((CLEAN, True), (SECRET, False)):
            scene.origin.forget()
            file = scene.folder / "notes.txt"
            file.write_text(content)
            done, said = CLIENTS[name](scene, file)
            arrived = any(holds(body, content) for body in scene.origin.bodies)
            leaked = any(has_some_of(body, content) for body in scene.origin.bodies) or not is_clean and scene.origin.pushes
            if is_clean and not (done and arrived):
                return "failed", f"clean content {'arrived' if arrived else 'did not arrive'}, done={done}: {said[-600:]}"
            if not is_clean and (done or arrived or leaked):
                return "failed", f"sensitive content: done={done} arrived={arrived} leaked={leaked}: {said[-600:]}"
    except Skipped as why:
        return "skipped", str(why)
    except subprocess.TimeoutExpired as late:
        return "failed", f"{late.cmd[0]} took longer than {STEP_S} s"
    return "passed", ""


def holds(body, content):
    """Whether a body is the content, or a form or message that contains it."""
    return content.encode() in body


def has_some_of(body, content):
    """Whether a piece of the content is in a body, however short."""
    content = content.encode()
    return any(content[at : at + OF_FILE] in body for at in range(len(content) - OF_FILE))


class Scene:
    """Where clients find what they need."""

    def __init__(self, folder, origin, proxy, icap_port):
        self.folder, self.origin, self.proxy, self.icap_port = folder, origin, proxy, icap_port
        self.ca = folder / "state/ca.pem"

    def run(self, command, **environment):
        """Whether a program succeeds, and what it says."""
        if not shutil.which(command[0]):
            raise Skipped(f"{command[0]} is not installed")
        names = ("NO_PROXY", "SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "AWS_CA_BUNDLE", "GIT_SSL_CAINFO")
        clean = {key: value for key, value in os.environ.items() if key.upper() not in names}
        proxy = {"HTTPS_PROXY": self.proxy, "https_proxy": self.proxy}
        ran = subprocess.run(
            [str(word) for word in command],
            env=clean | proxy | {key: str(value) for key, value in environment.items()},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=STEP_S, text=True,
        )
        return ran.returncode == 0, ran.stdout

    def python(self, module, script, *arguments):
        if not importlib.util.find_spec(module):
            raise Skipped(f"the Python module {module} is not installed")
        return self.run([sys.executable, "-c", script, *arguments], REQUESTS_CA_BUNDLE=self.ca)


def curl(scene, file):
    command = ["curl", "-sS", "--fail", "--max-time", STEP_S, "--cacert", scene.ca, "-T", file]
    return scene.run([*command, "https://files.example/notes.txt"])


def curl_form(scene, file):
    command = ["curl", "-sS", "--fail", "--max-time", STEP_S, "--cacert", scene.ca, "--http2", "-F", f"f=@{file}"]
    return scene.run([*command, "https://files.example/upload"])


def rclone_webdav(scene, file):
    remote = ":webdav,vendor=other,url='https://dav.example/':"
    flags = ["--config", "/dev/null", "--ca-cert", scene.ca, "--retries", "1", "--low-level-retries", "1"]
    return scene.run(["rclone", *flags, "copyto", file, f"{remote}notes.txt"])


def git_push(scene, file):
    work = Path(tempfile.mkdtemp(dir=scene.folder))
    shutil.copy(file, work / "notes.txt")
    # Objects of a push are compressed, so what has arrived is read from the repository.
    shutil.rmtree(scene.origin.repositories, ignore_errors=True)
    bare = scene.origin.repositories / "someone/notes.git"
    quiet = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null", "GIT_TERMINAL_PROMPT": "0"}
    for command in (
        ["git", "init", "-q", "--bare", bare],
        ["git", "-C", bare, "config", "http.receivepack", "true"],
        ["git", "-C", work, "init", "-q", "-b", "main"],
        ["git", "-C", work, "add", "."],
        ["git", "-C", work, "-c", "user.name=a", "-c", "user.email=a@a.example", "commit", "-q", "-m", "Notes"],
    ):
        done, said = scene.run(command, **quiet)
        if not done:
            return False, said
    trust = ["-c", f"http.sslCAInfo={scene.ca}", "-c", f"http.proxy={scene.proxy}"]
    push = scene.run(["git", "-C", work, *trust, "push", "https://github.com/someone/notes.git", "main"], **quiet)
    arrived, content = scene.run(["git", "-C", bare, "show", "main:notes.txt"], **quiet)
    if arrived:
        scene.origin.bodies.append(content.encode())
    return push


def chromium(scene, file):
    return in_browser(scene, file, """
    with page.expect_navigation(timeout=30000) as navigation:
        page.click('button')
    status = navigation.value.status
""")


def chromium_script(scene, file):
    return in_browser(scene, file, """
    status = page.evaluate('sent()')
""")


def in_browser(scene, file, sending):
    script = f"""
import sys
from playwright.sync_api import sync_playwright
with sync_playwright() as play:
    browser = play.chromium.launch(executable_path=sys.argv[3], args=['--no-sandbox'], proxy={{'server': sys.argv[1]}})
    page = browser.new_context(ignore_https_errors=True).new_page()
    page.goto('https://www.dropbox.com/upload-page', timeout=30000)
    page.set_input_files('input[type=file]', sys.argv[2])
{sending}
    print(status, page.title(), page.inner_text('body')[:300])
    browser.close()
    sys.exit(0 if status == 200 else 1)
"""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if not program:
        raise Skipped("chromium is not installed")
    return scene.python("playwright", script, scene.proxy, file, program)


def curl_through_squid(scene, file):
    """Squid opens TLS itself, and asks the gateway whether the upload may leave."""
    if not shutil.which("squid") or not SQUID_CERTIFICATES.exists():
        raise Skipped("squid with OpenSSL is not installed")
    with squid(scene) as (port, ca):
        command = ["curl", "-sS", "--fail", "--max-time", STEP_S, "--cacert", ca, "--proxy", f"http://127.0.0.1:{port}"]
        return scene.run([*command, "-T", file, f"https://files.example:{scene.origin.port}/notes.txt"])


@contextlib.contextmanager
def squid(scene):
    """Squid on a port of its own, with an authority of its own."""
    folder, port = Path(tempfile.mkdtemp(dir=scene.folder)), free_port()
    # Started as root it becomes another user, who writes there.
    scene.folder.chmod(0o755)
    folder.chmod(0o777)
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem"]
    make += ["-subj", "/CN=squid", "-days", "2", "-addext", "keyUsage=critical,keyCertSign"]
    subprocess.run(make, cwd=folder, check=True, stderr=subprocess.DEVNULL)
    (folder / "hosts").write_text("127.0.0.1 files.example\n")
    (folder / "ca.key").chmod(0o644)
    (folder / "squid.conf").write_text(f"""
http_port 127.0.0.1:{port} ssl-bump cert={folder}/ca.pem key={folder}/ca.key generate-host-certificates=on
sslcrtd_program {SQUID_CERTIFICATES} -s {folder}/certificates -M 4MB
acl begins at_step SslBump1
ssl_bump peek begins
ssl_bump bump all
tls_outgoing_options cafile={scene.origin.ca}
http_access allow all
cache deny all
hosts_file {folder}/hosts
pid_filename {folder}/pid
access_log none
cache_log {folder}/cache.log
coredump_dir {folder}
shutdown_lifetime 0 seconds
icap_enable on
icap_preview_enable on
icap_service dlp_req reqmod_precache icap://127.0.0.1:{scene.icap_port}/reqmod bypass=off
adaptation_access dlp_req allow all
""")
    subprocess.run([SQUID_CERTIFICATES, "-c", "-s", folder / "certificates", "-M", "4MB"], check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["chmod", "-R", "a+rwX", folder / "certificates"], check=True)
    process = subprocess.Popen(["squid", "-N", "-f", folder / "squid.conf"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(port, process, f"squid did not start; {folder}/cache.log may say why")
        yield port, folder / "ca.pem"
    finally:
        process.terminate()
        process.wait(30)


CLIENTS = {
    "curl": curl,
    "curl form": curl_form,
    "rclone to WebDAV": rclone_webdav,
    "git push": git_push,
    "Chromium, page with a file": chromium,
    "Chromium, script of a page": chromium_script,
    "curl through squid, which asks over ICAP": curl_through_squid,
}


class Origin:
    """An HTTPS server that stands for every site and keeps what it gets."""

    def __init__(self, folder):
        self.bodies, self.repositories = [], folder / "repositories"
        # Bytes that were pushed. They are compressed, so nothing else tells of them.
        self.pushes = 0
        # Paths that WebDAV clients have written, with their lengths.
        self.stored = {}
        self.ca = folder / "origin-ca.pem"
        make_certificates(folder)
        origin = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            server_version = "origin"

            def handle_any(self):
                with contextlib.suppress(ConnectionError):
                    return answer_request(self, origin)
                self.close_connection = True

            do_GET = do_HEAD = do_PUT = do_POST = do_PATCH = do_PROPFIND = do_MKCOL = do_OPTIONS = do_DELETE = handle_any

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "leaf.pem", folder / "leaf.key")
        # The handshake belongs to the thread of the connection.
        self.server.socket = context.wrap_socket(
            self.server.socket, server_side=True, do_handshake_on_connect=False, suppress_ragged_eofs=True
        )
        self.port = self.server.server_address[1]

    def forget(self):
        self.bodies.clear()
        self.pushes = 0

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()


def answer_request(request, origin):
    """Reads a request, keeps its body, and answers as the service would, as far as the clients look."""
    host, path = request.headers.get("Host", ""), request.path
    body = bytearray()
    # From the first byte on, so that what breaks off is seen as well.
    origin.bodies.append(body)
    read_body(request, body)
    if host.startswith("github.com"):
        origin.pushes += len(body)
        return answer_git(request, origin, body)
    status, fields, content = 200, {"Content-Type": "text/plain"}, b"done"
    if path == "/upload-page":
        fields, content = {"Content-Type": "text/html"}, PAGE.encode()
    elif host.startswith("dav.example"):
        status, fields, content = answer_webdav(request, origin, body)
    reply(request, status, fields, content)


def answer_webdav(request, origin, body):
    """As much of RFC 4918 as it takes to write a file and look at it."""
    path = request.path.rstrip("/") or "/"
    if request.command == "PUT":
        origin.stored[path] = len(body)
    if request.command != "PROPFIND":
        return 201, {}, b""
    if path != "/" and path not in origin.stored:
        return 404, {}, b""
    kind = "<d:collection/>" if path == "/" else ""
    found = (
        f'<?xml version="1.0"?><d:multistatus xmlns:d="DAV:"><d:response><d:href>{path}</d:href><d:propstat><d:prop>'
        f"<d:resourcetype>{kind}</d:resourcetype><d:getcontentlength>{origin.stored.get(path, 0)}</d:getcontentlength>"
        "<d:getlastmodified>Thu, 01 Jan 2026 00:00:00 GMT</d:getlastmodified></d:prop>"
        "<d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response></d:multistatus>"
    )
    return 207, {"Content-Type": "application/xml"}, found.encode()


def read_body(request, body):
    if "chunked" not in request.headers.get("Transfer-Encoding", ""):
        return read_bytes(request, int(request.headers.get("Content-Length") or 0), body)
    while size := int(request.rfile.readline().split(b";")[0], 16):
        read_bytes(request, size, body)
        request.rfile.readline()
    request.rfile.readline()


def read_bytes(request, count, body):
    while count and (piece := request.rfile.read1(count)):
        body += piece
        count -= len(piece)
    if count:
        raise ConnectionError("the body breaks off")


def reply(request, status, fields, content):
    request.send_response(status)
    for name, value in fields.items():
        request.send_header(name, value)
    request.send_header("Content-Length", str(len(content)))
    request.end_headers()
    if request.command != "HEAD":
        request.wfile.write(content)


def answer_git(request, origin, body):
    """Git's own server side, as a CGI program."""
    path, _, query = request.path.partition("?")
    environment = os.environ | {
        "GIT_PROJECT_ROOT": str(origin.repositories), "GIT_HTTP_EXPORT_ALL": "1", "PATH_INFO": path,
        "QUERY_STRING": query, "REQUEST_METHOD": request.command, "CONTENT_LENGTH": str(len(body)),
        "CONTENT_TYPE": request.headers.get("Content-Type", ""), "REMOTE_ADDR": "127.0.0.1",
        "HTTP_CONTENT_ENCODING": request.headers.get("Content-Encoding", ""),
        "GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
        "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*",
    }
    ran = subprocess.run(["git", "http-backend"], input=body, env=environment, stdout=subprocess.PIPE, timeout=STEP_S)
    head, _, content = ran.stdout.partition(b"\r\n\r\n")
    fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if ": " in line)
    reply(request, int(fields.pop("Status", "200").split()[0]), fields, content)


def make_certificates(folder):
    """An authority, and a certificate for all names."""
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    names = ",".join(f"DNS:{name}" for name in NAMES)
    for command in (
        ["req", "-x509", *key, "-keyout", "origin-ca.key", "-out", "origin-ca.pem", "-subj", "/CN=origin", "-days", "2"],
        ["req", *key, "-keyout", "leaf.key", "-out", "leaf.csr", "-subj", "/CN=leaf", "-addext", f"subjectAltName={names}"],
        ["x509", "-req", "-in", "leaf.csr", "-CA", "origin-ca.pem", "-CAkey", "origin-ca.key", "-copy_extensions", "copy",
         "-days", "2", "-out", "leaf.pem"],
    ):
        subprocess.run(["openssl", *command], cwd=folder, check=True, stderr=subprocess.DEVNULL)


@contextlib.contextmanager
def gateway(program, folder, origin):
    """The gateway as it is by default: every body is held until it was inspected."""
    port, icap_port = free_port(), free_port()
    hosts = ", ".join(f'"{name}" = "127.0.0.1:{origin.port}"' for name in NAMES)
    config = folder / "gateway.toml"
    config.write_text(
        f'resolver.override = {{ {hosts} }}\nlisten.proxy = ["127.0.0.1:{port}"]\nlisten.admin = "127.0.0.1:0"\n'
        f'listen.icap = ["127.0.0.1:{icap_port}"]\n'
        f'upstream.use_system_roots = false\nupstream.extra_roots = ["{origin.ca}"]\n'
    )
    process = subprocess.Popen([program, "--config", config, "--state-dir", folder / "state"], stderr=subprocess.DEVNULL)
    try:
        wait_for(port, process, f"{program} did not start; try --gateway")
        yield f"http://127.0.0.1:{port}", icap_port
    finally:
        process.terminate()
        process.wait(30)


def wait_for(port, process, otherwise):
    """Until somebody listens."""
    for _ in range(600):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        if process.poll() is not None:
            break
        time.sleep(0.1)
    sys.exit(otherwise)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


if __name__ == "__main__":
    main()
