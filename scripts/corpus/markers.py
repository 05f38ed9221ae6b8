"""Words and numbers that are written into the files of the corpus, one for each place, so that a miss names its place."""

from dataclasses import dataclass, field
from pathlib import Path

WEIGHTS = (1, 3, 7, 9, 1, 3, 7, 9, 1, 3)


def pesel(number: int) -> str:
    """A made-up identity number with a right check digit: the same for the same number, another for each."""
    digits = f"{50 + number % 40:02}{1 + number % 12:02}{1 + number % 28:02}{number % 10000:04}"
    check = (10 - sum(int(digit) * weight for digit, weight in zip(digits, WEIGHTS)) % 10) % 10
    return digits + str(check)


@dataclass
class Document:
    """A file of the corpus: where it lies, and what must be read in it."""

    path: Path
    places: dict[str, str] = field(default_factory=dict)
    # What the scan has to say of it: `complete`, or the class of a problem.
    outcome: str = "complete"
    # Arguments that the scan needs besides.
    arguments: list[str] = field(default_factory=list)

    def place(self, name: str) -> str:
        """The text for a place: a word that stands nowhere else, and a number that is found."""
        word = "Marker" + name.title().replace(" ", "")
        number = pesel(sum(ord(letter) * 31**index for index, letter in enumerate(name)) % 10007)
        self.places[name] = word
        return f"{word} PESEL {number}"

    def only(self, *names: str) -> "Document":
        """Keeps these places: what a conversion leaves of them."""
        self.places = {name: word for name, word in self.places.items() if name in names}
        return self

    def at(self, path: Path, *names: str) -> "Document":
        """The same content in another file, all places or these."""
        copy = Document(path, dict(self.places), self.outcome, list(self.arguments))
        return copy.only(*names) if names else copy
