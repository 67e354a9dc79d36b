import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadstead.connect import SCOPES, UnknownScope, implied_by, parse_scopes
from roadstead.connect.scopes import GRANULAR, parse_token_scopes, satisfy


@pytest.mark.sample(10)
@pytest.mark.parametrize(
    ("asked", "granted"),
    [
        ("", ""),
        ("email", "email"),
        ("repository", "repository"),
        ("repository:write", "repository repository:write"),
        ("repository:admin", "repository:admin"),
        ("repository:delete", "repository:delete"),
        ("project", "project repository"),
        ("project:admin", "project:admin"),
        ("project:write", "project:admin"),
        ("pullrequest", "pullrequest repository"),
        ("pullrequest:write", "pullrequest pullrequest:write repository repository:write"),
        ("issue", "issue"),
        ("issue:write", "issue issue:write"),
        ("snippet:write", "snippet snippet:write"),
        ("wiki", "wiki"),
        ("webhook", "webhook"),
        ("account:write", "account account:write"),
        ("team:write", "team team:write"),
        ("pipeline:write", "pipeline pipeline:write"),
        ("pipeline:variable", "pipeline:variable"),
        ("runner:write", "runner runner:write"),
        ("test:write", "test test:write"),
        ("account pullrequest", "account pullrequest repository"),
    ],
)
def test_scopes_imply_what_is_documented(asked: str, granted: str) -> None:
    """Proves the table of implications, line by line."""
    assert implied_by(asked.split()) == frozenset(granted.split())


@given(st.sets(st.sampled_from(sorted(SCOPES))))
def test_implication_is_closed(scopes: set[str]) -> None:
    """Proves that nothing implied implies anything more, and that no scope is lost."""
    granted = implied_by(scopes)
    assert scopes <= granted <= SCOPES
    assert implied_by(granted) == granted


def test_there_are_all_scopes_of_the_api() -> None:
    """Proves the number of scopes in the published document."""
    assert len(SCOPES) == 26


@pytest.mark.parametrize(
    ("text", "scopes"),
    [("", set()), ("  ", set()), ("account  email\n", {"account", "email"}), ("project:write", {"project:admin"})],
)
def test_scopes_are_read_from_oauth_parameters(text: str, scopes: set[str]) -> None:
    """Proves that white space separates and that a renamed scope gets its present name."""
    assert parse_scopes(text) == scopes


@pytest.mark.parametrize(
    ("text", "unknown", "suggestion"),
    [
        ("account repositry", "repositry", "repository"),
        ("REPOSITORY", "REPOSITORY", None),
        ("account,email", "account,email", None),
        ("zzz", "zzz", None),
    ],
)
def test_unknown_scopes_are_named(text: str, unknown: str, suggestion: str | None) -> None:
    """Proves that the invalid scope is named, with a similar valid one if there is one."""
    with pytest.raises(UnknownScope) as refusal:
        parse_scopes(text)
    assert refusal.value.scope == unknown
    if suggestion:
        assert refusal.value.suggestion == suggestion


def test_there_are_all_granular_scopes_of_the_api() -> None:
    """Proves the number of scopes in the published document, none of which is a classic one."""
    assert (len(GRANULAR), sorted(GRANULAR & SCOPES)) == (34, [])


READ, WRITE = "read:repository:bitbucket", "write:repository:bitbucket"


@pytest.mark.parametrize(
    ("granted", "scope", "granular", "enough"),
    [
        ({"repository"}, "repository", [READ], True),
        ({"repository:write"}, "repository", [READ], True),
        ({READ}, "repository", [READ], True),
        ({WRITE}, "repository", [READ], False),
        ({WRITE}, "repository:write", [READ, WRITE], False),
        ({READ, WRITE}, "repository:write", [READ, WRITE], True),
        ({READ, "account"}, "repository:write", [WRITE], False),
        ({READ, "account"}, "account", [], True),
        ({READ}, "account", [], False),
        (set(), "account", [], False),
        (set(), "account", [READ], False),
        ({"webhook"}, None, [READ], True),
        ({READ}, None, [READ], True),
        ({WRITE}, None, [READ], False),
    ],
)
def test_classic_scopes_imply_and_granular_ones_add_up(
    granted: set[str], scope: str | None, granular: list[str], enough: bool
) -> None:
    """Proves that the classic scope is enough, also implied, or else all granular ones together."""
    assert satisfy(granted, scope, granular) == enough


def test_a_token_has_scopes_of_either_kind() -> None:
    """Proves that granular names are read beside classic ones, and that an invented one is refused."""
    assert parse_token_scopes(f"project:write {READ}") == {"project:admin", READ}
    with pytest.raises(UnknownScope):
        parse_token_scopes("read:everything:bitbucket")
    with pytest.raises(UnknownScope):
        parse_scopes(READ)
