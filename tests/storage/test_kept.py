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


def test_a_large_value_is_not_kept() -> None:
    """It would drop many others; nor is an earlier value of its key kept, which is old by then."""
    kept = Kept(640)
    kept.keep("a", 1, "small", 10)
    kept.keep("a", 2, "large", 11)
    assert (kept.find("a", 1), kept.find("a", 2), kept.size) == (None, None, 0)
