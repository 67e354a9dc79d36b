"""The page on coverage, the facts it is made from, and the map agree."""

from roadstead.routes import MAP
from tests.coverage_page import PAGE, TESTS, facts, page, served, unnamed


def test_the_page_is_made_from_the_facts() -> None:
    """The page is generated, so a changed fact must be in it: `make coverage` writes it."""
    assert PAGE.read_text("utf-8") == page(facts())


def test_what_works_is_what_is_served() -> None:
    """An operation of Bitbucket's on the map works according to the facts, and no other does."""
    working = {(fact.method, unnamed(fact.address)) for fact in facts() if fact.test}
    assert working == served()
    assert len(served()) == len([one for one in MAP.operations if one.template.path.startswith("/2.0/")])


def test_what_works_has_a_test_and_what_will_not_a_reason() -> None:
    """Each named test exists, and no operation is both served and refused."""
    for fact in facts():
        assert not (fact.test and fact.reason), fact
        assert not fact.test or (TESTS.parent / fact.test).is_file(), fact
        assert not fact.reason or fact.reason.endswith("."), fact


def test_every_operation_of_the_document_has_one_line() -> None:
    """The document of 2026-08 has 337 operations, each at its own address."""
    assert len({(fact.method, unnamed(fact.address)) for fact in facts()}) == len(facts()) == 337
