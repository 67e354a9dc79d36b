"""Untrusted text, made safe for a terminal or a log."""

_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\n\t"}


def plain(text: str) -> str:
    """Return the text with each control character written out; line ends and tabs stay."""
    return text.translate(_CONTROLS)
