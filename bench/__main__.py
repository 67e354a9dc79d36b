"""`python -m bench [SUITE]`: measure, and print each figure beside its target."""

import argparse
from collections.abc import Callable, Iterable
from pathlib import Path

from bench import (
    api,
    bulk,
    cores,
    deliveries,
    git,
    hostile,
    invisible,
    linkify,
    load,
    mix,
    pages,
    peers,
    people,
    postgresql,
    routing,
    scale,
    soak,
    start,
)
from bench.figures import Figure, show

Suite = Callable[[argparse.Namespace], Iterable[Figure | str]]

SUITES: dict[str, tuple[str, Suite]] = {
    "api": ("One processor, 32 connections, beside a bare hello-world on the same server", lambda _: api.figures()),
    "bulk": ("A whole set of values, beside raw SQL", lambda _: bulk.figures()),
    "start": ("Starting and waiting", lambda _: start.figures()),
    "linkify": (
        "Texts to finished HTML, beside Python's re",
        lambda options: linkify.figures(options.repo),
    ),
    "hostile": ("Hostile patterns over texts made for them", lambda _: hostile.figures()),
    "mix": ("A realistic mix on a thousand installations and a million values", mix.figures),
    "soak": ("The mix beside hostile texts and an app that updates itself every five seconds", soak.figures),
    "routing": ("Finding an address among all of Atlassian's document", lambda _: routing.figures()),
    "git": (
        "Reads of git repositories beside a cold git, over HTTP beside a bare hello-world; pushes beside file://",
        lambda _: git.figures(),
    ),
    "deliveries": ("Deliveries of events to subscribers", lambda _: deliveries.figures()),
    "invisible": (
        "What a caller may not see, beside what does not exist: the time of the refusal",
        lambda _: invisible.figures(),
    ),
    "scale": ("The cost of the number of values", scale.figures),
    "pages": ("Each page with a hundred apps and a million values", pages.figures),
    "people": ("What users may do, and reads with a user's token beside hello-world", lambda _: people.figures()),
    "postgresql": ("On PostgreSQL", lambda _: postgresql.figures()),
    "peers": ("Beside what a user would pick instead", lambda options: peers.figures(options.openapi)),
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure; show figures beside their targets.")
    parser.add_argument("suite", nargs="?", choices=SUITES, help="Without one, all.")
    parser.add_argument("--openapi", type=Path, metavar="FILE", help="Atlassian's OpenAPI document, for Prism to mock.")
    parser.add_argument("--repo", type=Path, default=Path(), metavar="PATH", help="A git repository, for its messages.")
    parser.add_argument(
        "--seconds", type=float, default=30, metavar="N", help="How long mix and soak last; default 30."
    )
    options = parser.parse_args()
    cores.take_ours()
    for name in [options.suite] if options.suite else SUITES:
        title, figures = SUITES[name]
        try:
            show(title, figures(options))
        except load.UnexpectedAnswer as exc:
            raise SystemExit(f"The benchmark broke off: {exc}") from exc


if __name__ == "__main__":
    main()
