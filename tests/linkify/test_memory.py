"""Memory: unused objects are freed immediately, without a garbage collection, and few are kept."""

import gc
from collections.abc import Iterator
from weakref import ref

import pytest

from roadstead.linkify import Linker, check_linker, compile_linkers, keeping
from roadstead.linkify.values.index import ValueIndex

TEXTS = ("see BB-1 and X#2: a b", "grüße an BB-1, SE-2, BB:3 ünd X#2")


@pytest.fixture
def no_collector() -> Iterator[None]:
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@pytest.mark.sample(2)
@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize(
    "regex",
    [r"((?K)-\d+)", r"X#(\d+)", r"(?<!x)((?K)-\d+)", r"(\w+)\s(?K)|(?K):(\d+)", r"([ab])x\1", r"(?i)((?K)-[a-f\d]+)"],
    ids=["a value first", "no value", "bounded", "a value anywhere", "a back-reference", "any case"],
)
def test_a_pattern_that_is_let_go_frees_its_memory(regex: str) -> None:
    """Its programs, one for each kind of text, are in no reference cycle."""
    regex += "(?:let go)?"
    linker = Linker("k", regex, r"https://t.example/\g<0>", values={"BB", "SE"} if "(?K)" in regex else frozenset())
    compiled = compile_linkers([linker])
    for text in TEXTS:
        compiled.linkify(text)
    programs = ref(compiled._families[0]._programs)
    del compiled
    for number in range(keeping._KEPT_UNUSED):
        check_linker(Linker("k", f"other{number}", r"https://t.example/\g<0>"))
    assert programs() is None


@pytest.mark.usefixtures("no_collector")
def test_values_that_were_changed_free_the_memory_of_those_before() -> None:
    """An index with a change on top is in no reference cycle, so its lower layers are freed with their last user."""
    index = ValueIndex.of({0: {"BB", "SE"}}, ignore_case=True).changed(0, added=["NN"], removed=["BB"])
    assert index.owners.find("NN") == (0,)
    owners = ref(index.owners)
    del index
    assert owners() is None


def test_a_pattern_in_use_is_made_once() -> None:
    """After any number of other patterns, compiling a pattern that is in use gives its existing programs."""
    regex = r"IN-USE-(\d+)"
    compiled = compile_linkers([Linker("k", regex, r"https://t.example/\1")])
    programs = compiled._families[0]._programs
    for number in range(keeping._KEPT_UNUSED):
        check_linker(Linker("k", f"another{number}", r"https://t.example/\g<0>"))
    again = compile_linkers([Linker("k", regex, r"https://t.example/\1")])
    assert again._families[0]._programs is programs


def test_what_is_shared_is_found_by_all_that_it_was_made_of() -> None:
    """Each other argument makes another object, and an argument by name, which finds none, is refused."""
    find = keeping.shared(lambda first, second: frozenset({(first, second)}))
    assert find("a", 1) is find("a", 1)
    assert (find("a", 1), find("a", 2)) == (frozenset({("a", 1)}), frozenset({("a", 2)}))
    with pytest.raises(TypeError):
        find("a", second=3)  # type: ignore[call-arg]


def test_what_is_made_for_keys_never_grows_beyond_a_number() -> None:
    """Programs for ever new values do not accumulate."""
    made: keeping.Made[int, str] = keeping.Made(str, most=3)
    assert [made[number] for number in (*range(10), 9)] == [*"0123456789", "9"]
    assert len(made) <= 3
