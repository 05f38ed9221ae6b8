"""Archives and packed streams of the programs that people have, plain and with passwords."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from markers import Document

# For each archive: the program, its arguments, and the outcome. {out} is the archive, {files} the names of its members.
COMMANDS = {
    "deflated.zip": ("zip -q -9 {out} {files}", "complete"),
    "stored.zip": ("zip -q -0 {out} {files}", "complete"),
    "streamed.zip": ("zip -q - {files} > {out}", "complete"),
    "bzip2.zip": ("7z a -bd -tzip -mm=BZip2 {out} {files}", "complete"),
    "lzma.zip": ("7z a -bd -tzip -mm=LZMA {out} {files}", "complete"),
    "deflate64.zip": ("7z a -bd -tzip -mm=Deflate64 {out} {files}", "complete"),
    "zipcrypto.zip": ("zip -q -P secret {out} {files}", "encrypted"),
    "aes.zip": ("7z a -bd -tzip -mem=AES256 -psecret {out} {files}", "encrypted"),
    "bsdtar.zip": ("bsdtar --format zip -cf {out} {files}", "complete"),
    "lzma2.7z": ("7z a -bd {out} {files}", "complete"),
    "ppmd.7z": ("7z a -bd -m0=PPMd {out} {files}", "complete"),
    "bzip2.7z": ("7z a -bd -m0=BZip2 {out} {files}", "complete"),
    "deflate.7z": ("7z a -bd -m0=Deflate {out} {files}", "complete"),
    "separate.7z": ("7z a -bd -ms=off {out} {files}", "complete"),
    "locked.7z": ("7z a -bd -psecret {out} {files}", "encrypted"),
    "locked-names.7z": ("7z a -bd -psecret -mhe=on {out} {files}", "encrypted"),
    "gnu.tar": ("tar --format=gnu -cf {out} {files}", "complete"),
    "pax.tar": ("tar --format=posix -cf {out} {files}", "complete"),
    "ustar.tar": ("tar --format=ustar -cf {out} {files}", "complete"),
    "v7.tar": ("tar --format=v7 -cf {out} {files}", "complete"),
    "packed.tar.gz": ("tar -czf {out} {files}", "complete"),
    "packed.tar.bz2": ("tar -cjf {out} {files}", "complete"),
    "packed.tar.xz": ("tar -cJf {out} {files}", "complete"),
    "packed.tar.zst": ("tar -cf - {files} | zstd -q > {out}", "complete"),
    "packed.tar.lz4": ("tar -cf - {files} | lz4 -q > {out}", "complete"),
    "packed.tar.lz": ("tar -cf - {files} | lzip > {out}", "complete"),
    "packed.tar.lzma": ("tar -cf - {files} | xz --format=lzma > {out}", "complete"),
    "packed.tar.Z": ("tar -cf - {files} | compress -c > {out}", "complete"),
    "new.cpio": ("ls {files} | cpio -o -H newc --quiet > {out}", "complete"),
    "sums.cpio": ("ls {files} | cpio -o -H crc --quiet > {out}", "complete"),
    "portable.cpio": ("ls {files} | cpio -o -H odc --quiet > {out}", "complete"),
    "old.cpio": ("ls {files} | cpio -o -H bin --quiet > {out}", "complete"),
    "library.ar": ("ar rc {out} {files}", "complete"),
    "plain.cab": ("gcab -c -n {out} {files}", "complete"),
    "packed.cab": ("gcab -c -z {out} {files}", "complete"),
    "image.iso": ("genisoimage -quiet -J -R -o {out} {files}", "complete"),
}


def members(folder: Path) -> Document:
    """Files for archives: texts, one of them with a name to look for, and an archive."""
    document = Document(folder)
    folder.mkdir()
    (folder / "first.txt").write_text(document.place("first member") + "\n")
    (folder / "second long name of a member.txt").write_text("text " * 5000 + document.place("second member") + "\n")
    (folder / "inner.txt").write_text(document.place("inner member") + "\n")
    subprocess.run(["tar", "-czf", "inner.tar.gz", "inner.txt"], cwd=folder, check=True)
    (folder / "inner.txt").unlink()
    return document


def all_documents(folder: Path) -> Iterator[Document]:
    source = members(folder / "members")
    names = sorted(path.name for path in source.path.iterdir())
    quoted = " ".join(f"'{name}'" for name in names)
    for name, (command, outcome) in COMMANDS.items():
        document = source.at(folder / name)
        document.outcome = outcome
        if outcome == "encrypted":
            document.places = {}
        programs = [part.split()[0] for part in command.split("|")]
        missing = [program for program in programs if shutil.which(program) is None]
        if missing:
            print(f"SKIPPED: {name}, because {missing[0]} is not installed")
            continue
        line = "set -o pipefail; " + command.format(out=f"'{document.path}'", files=quoted)
        subprocess.run(["bash", "-c", line], cwd=source.path, check=True, capture_output=True, timeout=60)
        yield document
    yield from packages(source, folder)


def packages(source: Document, folder: Path) -> Iterator[Document]:
    """Packages of two distributions, with scripts and descriptions of their own."""
    deb = source.at(folder / "package.deb")
    root = folder / "deb"
    (root / "DEBIAN").mkdir(parents=True)
    control = "Package: sample\nVersion: 1\nArchitecture: all\nMaintainer: A <a@example.org>\nDescription: "
    (root / "DEBIAN/control").write_text(control + deb.place("description") + "\n")
    shutil.copytree(source.path, root / "usr/share/sample")
    subprocess.run(["dpkg-deb", "--build", str(root), str(deb.path)], check=True, capture_output=True)
    yield deb
    if shutil.which("rpmbuild") is None:
        print("SKIPPED: rpmbuild is not installed")
        return
    rpm = source.at(folder / "package.rpm")
    spec = folder / "sample.spec"
    spec.write_text(
        "Name: sample\nVersion: 1\nRelease: 1\nLicense: MIT\nBuildArch: noarch\n"
        f"Summary: {rpm.place('summary')}\n%description\n{rpm.place('description')}\n"
        f"%install\nmkdir -p %{{buildroot}}/opt/sample\ncp -r '{source.path}'/* %{{buildroot}}/opt/sample/\n"
        f"%post\necho {rpm.place('script')}\n%files\n/opt/sample\n"
    )
    define = ["--define", f"_topdir {folder / 'rpm'}"]
    environment = dict(os.environ, HOME=str(folder))
    subprocess.run(["rpmbuild", "-bb", *define, str(spec)], check=True, capture_output=True, env=environment)
    shutil.copy(next((folder / "rpm").rglob("*.rpm")), rpm.path)
    yield rpm
