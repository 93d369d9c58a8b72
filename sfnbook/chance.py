"""Randomness as a function of place and purpose: 64-bit hashes by SplitMix64.

The same seed, place and purpose give the same bits, whatever else the execution did, so a step
back has nothing to restore and forks can be compared.  SplitMix64 is used because NumPy can
compute the same bits for many runs at once.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

MASK: Final = (1 << 64) - 1
GAMMA: Final = 0x9E3779B97F4A7C15
FACTORS: Final = (0xBF58476D1CE4E5B9, 0x94D049BB133111EB)
_FIRST, _SECOND = FACTORS


def mix(bits: int) -> int:
    """One SplitMix64 output for the state ``bits``.

    >>> hex(mix(0))
    '0xe220a8397b1dcdaf'
    """
    z = (bits + GAMMA) & MASK
    z = ((z ^ (z >> 30)) * _FIRST) & MASK
    z = ((z ^ (z >> 27)) * _SECOND) & MASK
    return z ^ (z >> 31)


@lru_cache(maxsize=4096)
def digest(text: str) -> int:
    """64 bits of a text (FNV-1a, then mixed); Python's own hash differs from run to run."""
    bits = 0xCBF29CE484222325
    for byte in text.encode("utf-8", "surrogatepass"):
        bits = ((bits ^ byte) * 0x100000001B3) & MASK
    return mix(bits)


def combine(*parts: int) -> int:
    """Fold numbers into 64 bits; order matters.

    >>> combine(1, 2) != combine(2, 1)
    True
    """
    bits = 0
    for part in parts:
        bits = mix(bits ^ (part & MASK))
    return bits


def fraction(bits: int) -> float:
    """64 bits as a number in [0, 1), with 53 significant bits."""
    return (bits >> 11) * (1.0 / (1 << 53))


def uuid_text(bits: int) -> str:
    """A version 4 UUID made of 64 bits.

    >>> uuid_text(0)
    'e220a839-7b1d-4daf-a706-dd2f4d197e6f'
    """
    high = mix(bits)
    low = mix(high)
    high = (high & ~0xF000) | 0x4000
    low = (low & ~(0b11 << 62)) | (0b10 << 62)
    digits = f"{high:016x}{low:016x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
