"""Damages documents, the same way for the same number."""

import random
from collections.abc import Iterator
from pathlib import Path

EXTREMES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
BYTES_MAX = 1024 * 1024


def flip(data: bytearray, dice: random.Random) -> None:
    for _ in range(dice.randint(1, 16)):
        data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)


def overwrite(data: bytearray, dice: random.Random) -> None:
    at = dice.randrange(len(data))
    data[at : at + dice.randint(1, 64)] = dice.choice((b"\x00", b"\xff", b" ", b"A")) * dice.randint(1, 64)


def number(data: bytearray, dice: random.Random) -> None:
    for _ in range(dice.randint(1, 4)):
        width = dice.choice((1, 2, 4, 8))
        value = dice.choice(EXTREMES) % (1 << 8 * width)
        at = dice.randrange(len(data))
        data[at : at + width] = value.to_bytes(width, dice.choice(("little", "big")))


def cut(data: bytearray, dice: random.Random) -> None:
    del data[dice.randrange(len(data)) :]


def remove(data: bytearray, dice: random.Random) -> None:
    at = dice.randrange(len(data))
    del data[at : at + dice.randint(1, 1024)]


def repeat(data: bytearray, dice: random.Random) -> None:
    at, length = dice.randrange(len(data)), dice.randint(1, 2048)
    data[at:at] = bytes(data[at : at + length]) * dice.randint(1, 20)


def move(data: bytearray, dice: random.Random) -> None:
    source, target, length = dice.randrange(len(data)), dice.randrange(len(data)), dice.randint(1, 512)
    data[target : target + length] = data[source : source + length]


MUTATIONS = (flip, overwrite, number, cut, remove, repeat, move)


def mutants(sources: list[Path], count: int) -> Iterator[tuple[str, bytes]]:
    """So many damaged copies of the sources, with names that tell how they came about."""
    contents = [(source, source.read_bytes()) for source in sources]
    contents = [(source, content) for source, content in contents if 0 < len(content) <= BYTES_MAX]
    for index in range(count if contents else 0):
        source, content = contents[index % len(contents)]
        dice = random.Random(f"{source.name} {index}")
        data = bytearray(content)
        chosen = [dice.choice(MUTATIONS) for _ in range(dice.randint(1, 3))]
        for mutation in chosen:
            if data:
                mutation(data, dice)
        names = "-".join(mutation.__name__ for mutation in chosen)
        yield f"{index:05}-{names}-{source.name}", bytes(data)
