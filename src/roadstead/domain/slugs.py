"""Slugs: the short names in addresses that the cloud makes of names."""

import re
import unicodedata

LONGEST = 62

_WRITTEN = str.maketrans({"ø": "o", "đ": "d", "ł": "l", "ß": "ss", "æ": "ae", "œ": "oe", "'": ""})
"""Letters that Unicode does not take apart into one of ASCII and a mark."""


def slug_of(name: str) -> str:
    """Return the slug of a name: letters lose their marks, and what is not of ASCII is dropped; it may be empty.

    A run of other characters becomes a dash, which ends a slug only if there is nothing else.
    """
    plain = unicodedata.normalize("NFKD", name.lower().translate(_WRITTEN)).encode("ascii", "ignore").decode()
    slug = re.sub(r"-{2,}", "-", re.sub(r"[^a-z0-9_.-]+", "-", plain))[:LONGEST]
    return slug if slug == "-" else slug.rstrip("-")
