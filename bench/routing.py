"""Finding an address among all of Atlassian's document, beside a linear search with compiled patterns."""

import csv
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from time import perf_counter

from bench.figures import Figure
from roadstead.api.answers import Answer
from roadstead.api.map import Map
from roadstead.api.needs import ANYONE
from roadstead.api.operation import Call, Group

FACTS = Path(__file__).parent.parent / "tests" / "bitbucket_operations.csv"
TIMES = 200
ROUNDS = 5


def figures() -> Iterator[Figure]:
    """Yield the time of the slowest address, by the tree and by the search."""
    addresses = _addresses()
    paths = [re.sub(r"{\w+}", "some-name", address) for address in addresses]
    operations = _map(addresses)
    patterns = [re.compile(re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", f"^{address}$")) for address in addresses]

    def by_tree(path: str) -> object:
        return operations.find({"path": path, "raw_path": path.encode()})

    def by_search(path: str) -> Mapping[str, str] | None:
        return next((found.groupdict() for found in (one.match(path) for one in patterns) if found is not None), None)

    yield Figure("addresses", len(addresses), "")
    yield Figure("the worst address, by the tree", _worst(by_tree, paths), "µs", "most", 5)
    yield Figure("the worst address, by linear search", _worst(by_search, paths), "µs")


def _addresses() -> list[str]:
    with FACTS.open(encoding="utf-8", newline="") as lines:
        return list(dict.fromkeys(line["address"] for line in csv.DictReader(lines)))


def _map(addresses: list[str]) -> Map:
    group = Group("all", below="")
    for address in addresses:
        group.get(address, needs=ANYONE, gives={})(_handler)
    return Map([group])


async def _handler(call: Call) -> Answer:
    raise NotImplementedError


def _worst(find: Callable[[str], object], paths: list[str]) -> float:
    """Return the microseconds that the slowest of the paths takes, in its best round."""
    return max(min(_microseconds(find, path) for _ in range(ROUNDS)) for path in paths)


def _microseconds(find: Callable[[str], object], path: str) -> float:
    began = perf_counter()
    for _ in range(TIMES):
        find(path)
    return (perf_counter() - began) / TIMES * 1e6
