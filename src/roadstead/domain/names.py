"""Names that people see: of users, workspaces, groups, projects and OAuth consumers."""

from roadstead.errors import InvalidInput

LONGEST_NAME = 100
LONGEST_DESCRIPTION = 10_000


def is_name(text: str) -> bool:
    """Return whether a text can be a name: it is printable, neither blank nor too long."""
    return bool(text.strip()) and text.isprintable() and len(text) <= LONGEST_NAME


def is_text(text: str, longest: int) -> bool:
    """Return whether a text can be stored: it is not too long, and has no NUL, which PostgreSQL refuses."""
    return len(text) <= longest and "\0" not in text


def check_name(text: str, complaint: str) -> None:
    """Raise `InvalidInput` with a complaint if a text cannot be a name."""
    if not is_name(text):
        raise InvalidInput(complaint, f"It has 1 to {LONGEST_NAME} printable characters.")
