"""How wide text is without asking a font, and where its lines break.

The picture is laid out where no font can be measured (a server, a browser's Python), so widths
come from a table: the advances of DejaVu Sans, the widest of the usual interface fonts.  Text
in a narrower font leaves a little air; it never runs out of its box.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final

ELLIPSIS: Final = "…"

_ADVANCES: Final[dict[float, str]] = {
    0.3: "'IJijl",
    0.35: " ,./:;\\|",
    0.4: "()-[]ft",
    0.45: "!r",
    0.5: '"*_`',
    0.55: "?csz",
    0.6: "FLkvxy",
    0.65: "$0123456789EPSTYabdeghnopqu{}",
    0.7: "ABCKRVXZ",
    0.75: "NU",
    0.8: "&DGHOQ",
    0.85: "#+<=>^w~",
    0.9: "M",
    1.0: "%@Wm" + ELLIPSIS,
}
_EM: Final[dict[str, float]] = {
    character: advance for advance, group in _ADVANCES.items() for character in group
}
_WIDE: Final = 1.0
_OTHER_UPPER: Final = 0.8
_OTHER: Final = 0.7

_JOINER: Final = "\u200d"
# Where a word may break when it does not fit on a line of its own: after a separator, at a hump.
_SEAMS: Final = re.compile(r"(?<=[-_./:#|])(?=[^-_./:#|])|(?<=[a-z0-9])(?=[A-Z])")


def _is_mark(character: str) -> bool:
    """Does the character belong to the one before it (an accent, a joiner, a variant)?"""
    return unicodedata.category(character) in {"Mn", "Me", "Cf"}


@lru_cache(maxsize=4096)
def advance(character: str) -> float:
    r"""The width of one character in ems.

    >>> advance("i"), advance("注"), advance("\u0301")
    (0.3, 1.0, 0.0)
    """
    known = _EM.get(character)
    if known is not None:
        return known
    if _is_mark(character):
        return 0.0
    if is_wide(character):
        return _WIDE
    return _OTHER_UPPER if character.isupper() else _OTHER


def is_wide(character: str) -> bool:
    """Is it drawn a full em wide, as ideographs, kana, Hangul and emoji are?

    >>> [is_wide(character) for character in "A注한"]
    [False, True, True]
    """
    return unicodedata.east_asian_width(character) in "WF"


def width(text: str, size: float) -> float:
    """The width of a line of text in a font of ``size`` pixels.

    >>> width("Wait", 10)
    23.5
    """
    return sum(map(advance, text)) * size


def wrap(text: str, room: float, size: float, lines: int = 3) -> tuple[str, ...]:
    """The text in at most ``lines`` lines of ``room`` pixels; what does not fit is an ellipsis.

    Lines break between words, a long word at its separators and humps, ideographs and kana
    anywhere.

    >>> wrap("Send the order to the warehouse", 100, 13)
    ('Send the', 'order to the', 'warehouse')
    >>> wrap("注文を受け付けて在庫を確認する", 60, 10, lines=2)
    ('注文を受け付', 'けて在庫を…')
    """
    broken = [line for part in text.split("\n") for line in _broken(part, room, size)]
    shown = [line.rstrip() for line in broken[:lines]]
    if len(broken) > lines:
        shown[-1] = _cut(broken[lines - 1] + broken[lines], room, size)
    return tuple(shown) or ("",)


def clipped(text: str, room: float, size: float) -> str:
    """The text on one line, cut with an ellipsis where it is too wide.

    >>> clipped("arn:aws:states:::dynamodb:putItem", 100, 11)
    'arn:aws:states:…'
    """
    return text if width(text, size) <= room else _cut(text, room, size)


def _cut(text: str, room: float, size: float) -> str:
    """As much of the text as leaves room for an ellipsis."""
    kept = ""
    for character in clusters(text):
        if width(kept + character + ELLIPSIS, size) > room:
            break
        kept += character
    return kept.rstrip() + ELLIPSIS


def clusters(text: str) -> list[str]:
    r"""The text in pieces that may not be torn: a character with its accents and joiners.

    >>> clusters("e\u0301a") == ["e\u0301", "a"]
    True
    """
    found: list[str] = []
    for character in text:
        if found and (_is_mark(character) or found[-1].endswith(_JOINER)):
            found[-1] += character
        else:
            found.append(character)
    return found


def _broken(text: str, room: float, size: float) -> list[str]:
    """Lines with the spaces at their ends: they count again when two are put together."""
    lines: list[str] = []
    line = ""
    for token in _tokens(text, room, size):
        if line and width((line + token).rstrip(), size) > room:
            lines.append(line)
            line = ""
        line += token if line else token.lstrip()
    return [*lines, f"{line.rstrip()} "] if line.strip() else lines


def _tokens(text: str, room: float, size: float) -> list[str]:
    """Words with the space after them; one too long for a line in smaller and smaller pieces."""
    tokens: list[str] = []
    for word in re.findall(r"\S+\s*|\s+", text):
        for piece in _beside_ideographs(word) if any(map(_stands_alone, word)) else [word]:
            fits = width(piece.rstrip(), size) <= room
            tokens += [piece] if fits else _torn(piece, room, size)
    return tokens


def _stands_alone(character: str) -> bool:
    """May a line break beside the character?  Hangul is wide too, but Korean breaks at spaces."""
    return is_wide(character) and not "가" <= character <= "힣"


def _beside_ideographs(word: str) -> list[str]:
    """Ideographs one by one, the letters between them together."""
    found: list[str] = []
    for piece in clusters(word):
        if found and not _stands_alone(piece[0]) and not _stands_alone(found[-1][0]):
            found[-1] += piece
        else:
            found.append(piece)
    return found


def _torn(word: str, room: float, size: float) -> list[str]:
    pieces: list[str] = []
    for piece in _SEAMS.split(word):
        fits = width(piece.rstrip(), size) <= room
        pieces += [piece] if fits else clusters(piece)
    return pieces
