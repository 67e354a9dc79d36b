"""What is kept is found while nothing that it depends on has changed, and takes no more room than it may."""

from roadstead.storage.kept import Kept


def test_a_value_is_found_while_what_it_depends_on_is_equal() -> None:
    """And not afterwards, until it is made again for the new state."""
    kept = Kept()
    kept.keep("a", (1, 1), "old", 10)
    assert (kept.find("a", (1, 1)), kept.find("a", (1, 2)), kept.find("b", (1, 1))) == ("old", None, None)
    kept.keep("a", (1, 2), "new", 20)
    assert (kept.find("a", (1, 2)), kept.find("a", (1, 1)), kept.size) == ("new", None, 20)


def test_the_value_that_was_unused_longest_makes_room() -> None:
    """One that was found since stays."""
    kept = Kept(640)
    for number in range(64):
        kept.keep(number, None, str(number), 10)
    assert kept.find(0, None) == "0"
    kept.keep("more", None, "more", 10)
    assert (kept.find(0, None), kept.find(1, None), kept.find("more", None), kept.size) == ("0", None, "more", 640)


def test_what_is_asked_for_again_outlives_many_that_are_asked_for_once() -> None:
    """However many these are: they push out each other."""
    kept = Kept(640)
    kept.keep("asked for again", None, "here", 10)
    assert kept.find("asked for again", None) == "here"
    for number in range(1_000):
        kept.keep(number, None, str(number), 10)
    assert (kept.find("asked for again", None), kept.find(999, None), kept.find(0, None)) == ("here", "999", None)
    assert kept.size == 640


def test_new_values_have_room_beside_those_that_are_asked_for_again() -> None:
    """So what is asked for from now on takes the place of what was once, and is no more."""
    kept = Kept(640)
    for number in range(64):
        kept.keep(number, None, "old", 10)
        kept.find(number, None)
    for number in range(64, 128):
        kept.keep(number, None, "new", 10)
        assert kept.find(number, None) == "new"
    assert [kept.find(number, None) for number in (*range(64), 127)] == [None] * 64 + ["new"]
    assert kept.size <= 640


def test_a_large_value_is_not_kept() -> None:
    """It would drop many others; nor is an earlier value of its key kept, which is old by then."""
    kept = Kept(640)
    kept.keep("a", 1, "small", 10)
    kept.keep("a", 2, "large", 11)
    assert (kept.find("a", 1), kept.find("a", 2), kept.size) == (None, None, 0)


def test_a_value_that_was_found_is_replaced_as_any_other() -> None:
    """And takes its own room alone."""
    kept = Kept(640)
    for version in range(100):
        kept.keep("a", version, str(version), 10)
        assert kept.find("a", version) == str(version)
    assert (kept.size, kept.find("a", 98)) == (10, None)
    for number in range(1_000):
        kept.keep(number, None, str(number), 10)
    assert (kept.find("a", 99), kept.size) == ("99", 640)
