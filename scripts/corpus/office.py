"""Office documents: written by Python libraries, then by LibreOffice in every other format that it has."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from markers import Document


def text_document(folder: Path) -> Document:
    import docx

    document = Document(folder / "text.docx")
    word = docx.Document()
    paragraph = word.add_paragraph(document.place("body"))
    # One number over several runs, as editors leave it.
    split = word.add_paragraph()
    for part in document.place("runs").partition("PESEL 5"):
        split.add_run(part)
    table = word.add_table(rows=1, cols=2)
    table.cell(0, 0).text = document.place("cell")
    section = word.sections[0]
    section.header.paragraphs[0].text = document.place("header")
    section.footer.paragraphs[0].text = document.place("footer")
    word.add_comment(paragraph.runs, text=document.place("comment"), author="Anna", initials="A")
    word.core_properties.subject = document.place("subject")
    word.core_properties.keywords = document.place("keywords")
    hidden = word.add_paragraph().add_run(document.place("hidden"))
    hidden.font.hidden = True
    word.save(document.path)
    return document


def workbook(folder: Path) -> Document:
    import openpyxl
    from openpyxl.comments import Comment
    from openpyxl.packaging.custom import StringProperty

    document = Document(folder / "sheet.xlsx")
    book = openpyxl.Workbook()
    sheet = book.active
    sheet["B2"] = document.place("cell")
    sheet["B3"].comment = Comment(document.place("comment"), "Anna")
    sheet.oddHeader.center.text = document.place("header")
    hidden = book.create_sheet("Second")
    hidden["A1"] = document.place("hidden sheet")
    hidden.sheet_state = "hidden"
    book.properties.subject = document.place("subject")
    book.custom_doc_props.append(StringProperty(name="Project", value=document.place("custom")))
    book.save(document.path)
    return document


def presentation(folder: Path) -> Document:
    import pptx
    from pptx.util import Inches

    document = Document(folder / "slides.pptx")
    deck = pptx.Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[5])
    slide.shapes.title.text = document.place("title")
    frame = slide.shapes.add_textbox(Inches(1), Inches(2), Inches(6), Inches(1)).text_frame
    frame.text = document.place("body")
    table = slide.shapes.add_table(1, 1, Inches(1), Inches(4), Inches(6), Inches(1)).table
    table.cell(0, 0).text = document.place("cell")
    slide.notes_slide.notes_text_frame.text = document.place("notes")
    hidden = deck.slides.add_slide(deck.slide_layouts[5])
    hidden.shapes.title.text = document.place("hidden slide")
    hidden._element.set("show", "0")
    deck.core_properties.subject = document.place("subject")
    deck.save(document.path)
    return document


# What LibreOffice keeps of each document in each format.
TEXT_PARTS = ("body", "runs", "cell", "header", "footer", "comment", "subject", "keywords", "hidden")
SHEET_PARTS = ("cell", "comment", "header", "hidden sheet", "subject", "custom")
SLIDE_PARTS = ("title", "body", "cell", "notes", "hidden slide", "subject")
CONVERSIONS = {
    "text.docx": {
        "doc": TEXT_PARTS,
        "rtf": TEXT_PARTS,
        "odt": TEXT_PARTS,
        "fodt": TEXT_PARTS,
        "docx": TEXT_PARTS,
        "pdf": ("body", "runs", "cell", "header", "footer", "subject", "keywords"),
        "html": ("body", "runs", "cell", "header", "footer", "comment", "subject", "keywords"),
        "epub": ("body", "runs", "cell"),
    },
    "sheet.xlsx": {
        "xls": SHEET_PARTS,
        "ods": SHEET_PARTS,
        "fods": SHEET_PARTS,
        "xlsx": SHEET_PARTS,
        "html": ("cell", "comment", "subject"),
    },
    "slides.pptx": {
        "ppt": SLIDE_PARTS,
        "odp": SLIDE_PARTS,
        "fodp": SLIDE_PARTS,
        "pptx": SLIDE_PARTS,
        "pdf": ("title", "body", "cell", "subject"),
    },
}


def conversions(source: Document, folder: Path) -> Iterator[Document]:
    """The document in every other format, where LibreOffice is installed."""
    if shutil.which("soffice") is None:
        print("SKIPPED: LibreOffice is not installed")
        return
    for ending, places in CONVERSIONS[source.path.name].items():
        target = folder / f"{source.path.stem}-libreoffice-{ending}"
        target.mkdir(exist_ok=True)
        profile = f"-env:UserInstallation=file://{folder / 'libreoffice-profile'}"
        command = ["soffice", profile, "--headless", "--convert-to", ending, "--outdir", str(target), str(source.path)]
        subprocess.run(command, check=False, capture_output=True, timeout=180)
        made = target / f"{source.path.stem}.{ending}"
        if made.exists():
            yield source.at(made, *places)
        else:
            print(f"SKIPPED: LibreOffice writes no {ending} of {source.path.name}")


def all_documents(folder: Path) -> Iterator[Document]:
    for make in (text_document, workbook, presentation):
        document = make(folder)
        yield document
        yield from conversions(document, folder)
