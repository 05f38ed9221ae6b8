"""PDF documents of two writers, and what qpdf makes of them; images with things written into them."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from markers import Document


def report(folder: Path) -> Document:
    from reportlab.lib.pagesizes import A4
    from reportlab.pdfgen import canvas

    document = Document(folder / "report.pdf")
    page = canvas.Canvas(str(document.path), pagesize=A4)
    page.drawString(72, 750, document.place("first page"))
    page.textAnnotation(document.place("annotation"), Rect=[72, 600, 300, 650])
    page.acroForm.textfield(name="number", value=document.place("form"), x=72, y=500, width=400)
    page.setSubject(document.place("subject"))
    page.bookmarkPage("here")
    page.addOutlineEntry(document.place("outline"), "here")
    page.showPage()
    page.drawString(72, 750, document.place("second page"))
    page.showPage()
    page.save()
    return document


def with_own_font(folder: Path) -> Iterator[Document]:
    from fpdf import FPDF

    fonts = sorted(Path("/usr/share/fonts").rglob("*Sans*.ttf"))
    if not fonts:
        print("SKIPPED: no font to embed")
        return
    document = Document(folder / "embedded-font.pdf")
    page = FPDF()
    page.add_page()
    page.add_font("own", fname=str(fonts[0]))
    page.set_font("own", size=12)
    page.cell(text=document.place("embedded font") + " zażółć gęślą jaźń")
    page.output(str(document.path))
    yield document


QPDF = {
    "object-streams": ["--object-streams=generate"],
    "linearized": ["--linearize"],
    "plain": ["--qdf", "--object-streams=disable"],
    "owner-only-256": ["--encrypt", "", "owner", "256", "--"],
    "owner-only-128": ["--encrypt", "", "owner", "128", "--use-aes=y", "--"],
    "locked-256": ["--encrypt", "secret", "owner", "256", "--"],
    "locked-128": ["--allow-weak-crypto", "--encrypt", "secret", "owner", "128", "--use-aes=n", "--"],
}


def variants(source: Document, folder: Path) -> Iterator[Document]:
    if shutil.which("qpdf") is None:
        print("SKIPPED: qpdf is not installed")
        return
    for name, arguments in QPDF.items():
        variant = source.at(folder / f"{source.path.stem}-{name}.pdf")
        if name.startswith("locked"):
            variant.places, variant.outcome = {}, "encrypted"
        subprocess.run(["qpdf", *arguments, str(source.path), str(variant.path)], check=True, timeout=60)
        yield variant
    attached = folder / "attached.txt"
    variant = source.at(folder / "attachment.pdf")
    attached.write_text(variant.place("attachment"))
    arguments = ["qpdf", str(source.path), "--add-attachment", str(attached), "--", str(variant.path)]
    subprocess.run(arguments, check=True, timeout=60)
    attached.unlink()
    yield variant


def images(folder: Path) -> Iterator[Document]:
    from PIL import Image, ImageDraw, ImageFont, PngImagePlugin

    plain = Image.new("RGB", (900, 120), "white")
    for ending in ("png", "jpg", "tiff", "webp", "gif"):
        document = Document(folder / f"image.{ending}")
        exif = Image.Exif()
        exif[0x010E] = document.place("description")
        arguments = {"exif": exif} if ending in ("jpg", "tiff", "webp") else {}
        if ending == "png":
            arguments["pnginfo"] = notes = PngImagePlugin.PngInfo()
            notes.add_text("Comment", document.place("text"))
            notes.add_itxt("Comment", document.place("international"), zip=True)
            notes.add_text("Comment", document.place("packed"), zip=True)
            del document.places["description"]
        if ending == "gif":
            arguments["comment"] = document.place("comment").encode()
            del document.places["description"]
        plain.save(document.path, **arguments)
        yield document
    if shutil.which("tesseract") is None:
        print("SKIPPED: tesseract is not installed")
        return
    ImageDraw.Draw(plain).text((20, 30), "Scanned PESEL 44051401359", fill="black", font=ImageFont.load_default(40))
    for ending in ("png", "jpg", "tiff", "pdf"):
        document = Document(folder / f"scan.{ending}", {"pixels": "44051401359"}, arguments=["--ocr=eng"])
        plain.save(document.path)
        yield document


def all_documents(folder: Path) -> Iterator[Document]:
    source = report(folder)
    yield source
    yield from with_own_font(folder)
    yield from variants(source, folder)
    yield from images(folder)
