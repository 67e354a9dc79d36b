"""`roadstead routes`: print the map of the API."""

from roadstead.cli.options import AsJson
from roadstead.cli.output import print_json, print_table
from roadstead.cli.tables import Row


def routes(as_json: AsJson = False) -> None:
    """Print every address of the API, and what it needs."""
    from roadstead.routes import MAP

    if as_json:
        names = ("method", "address", "operation", "needs", "summary")
        print_json(
            [
                dict(zip(names, (one.method, one.template.path, one.name, one.needs.name, one.summary), strict=True))
                for one in MAP.operations
            ]
        )
    else:
        rows = [Row((one.method, one.template.path, one.needs.name)) for one in MAP.operations]
        print_table(("METHOD", "ADDRESS", "NEEDS"), rows)
