"""`/-/apps/…/values`: the values of one linker, to be searched, added, removed, and moved as CSV.

CSV here is one column without a heading: one value a line.
"""

import asyncio
import csv
import io
from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.responses import RedirectResponse, Response

from roadstead.api.errors import status_of
from roadstead.domain import linkers
from roadstead.domain.descriptors import stored_name
from roadstead.errors import InvalidInput, RoadsteadError
from roadstead.model import Installation, Linker, LinkerValue
from roadstead.web.apps import app_of
from roadstead.web.page import Visit, render, require

_SHOWN = 100
_COUNTED = 10_000

_DONE = {
    "added": "It was added.",
    "loaded": "The list was added; {count} of its values are new.",
    "replaced": "The values are those of the list now.",
    "removed": "It was removed.",
    "cleared": "All values were removed.",
}


@dataclass(frozen=True, slots=True)
class ValuesPage:
    """Context of `values.html`, and of `parts/values.html`, which is the part that changes while one searches.

    `counted` is how many values begin with what is searched for, as far as they were counted. `after` and `before` say
    where in the list the page is; `first`, `previous` and `next` lead to other pages of it.
    """

    app_id: int
    app_name: str
    workspace: str
    linker: Linker
    begins: str
    after: str
    before: str
    values: list[LinkerValue]
    counted: int
    more_than_counted: bool
    first: str | None
    previous: str | None
    next: str | None
    done: str
    refusal: RoadsteadError | None


async def show(visit: Visit) -> Response:
    app, linker = await _linker(visit, visit.request.query_params.get("linker", ""))
    return await _page(visit, app, linker)


async def download(visit: Visit) -> Response:
    _, linker = await _linker(visit, visit.request.query_params.get("linker", ""))
    values = await linkers.all_values(visit.host, linker)
    return Response(
        "\r\n".join([*sorted(values), ""]),
        media_type="text/csv",
        headers={"Content-Disposition": 'attachment; filename="values.csv"', "Cache-Control": "no-store"},
    )


async def add(visit: Visit) -> Response:
    form = await visit.form()
    app, linker = await _linker(visit, form.get("linker", ""))
    try:
        await linkers.add_value(visit.host, app.id, linker.key, form.get("value", "").strip())
    except RoadsteadError as exc:
        return await _page(visit, app, linker, refusal=exc)
    return _back(app, linker, done="added")


async def load(visit: Visit) -> Response:
    form = await visit.form()
    app, linker = await _linker(visit, form.get("linker", ""))
    try:
        values = await asyncio.to_thread(read_values, form.get("file") or form.get("list", ""))
        if form.get("how") == "replace":
            require(form.get("sure") == "yes", "Nothing was replaced.", "Tick that you are sure.")
            await linkers.replace_values(visit.host, app.id, linker.key, values)
            return _back(app, linker, done="replaced")
        added = await linkers.add_values(visit.host, app.id, linker.key, values)
    except RoadsteadError as exc:
        return await _page(visit, app, linker, refusal=exc)
    return _back(app, linker, done="loaded", count=str(added))


async def remove(visit: Visit) -> Response:
    form = await visit.form()
    app, linker = await _linker(visit, form.get("linker", ""))
    identity = form.get("id", "")
    require(identity.isascii() and identity.isdigit() and len(identity) < 19, "There is no such value.")
    await linkers.delete_value(visit.host, app.id, linker.key, int(identity))
    place = {name: form.get(name, "") for name in ("begins", "after", "before")}
    return _back(app, linker, done="removed", **place)


async def clear(visit: Visit) -> Response:
    form = await visit.form()
    app, linker = await _linker(visit, form.get("linker", ""))
    require(form.get("sure") == "yes", "Nothing was removed.", "Go back and tick that you are sure.")
    await linkers.delete_values(visit.host, app.id, linker.key)
    return _back(app, linker, done="cleared")


def read_values(text: str) -> list[str]:
    """The values of a list, one a line, each once; what they may be is not judged. Raises `InvalidInput`."""
    values: dict[str, None] = {}
    rows = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    try:
        for row in rows:
            if len(row) > 1:
                raise InvalidInput(
                    f"Line {rows.line_num} of the list has {len(row)} columns.", "Give one value on each line."
                )
            if row and (value := row[0].strip()):
                values[value] = None
    except csv.Error as exc:
        raise InvalidInput(f"Line {rows.line_num} of the list cannot be read.", f"{exc}.") from exc
    if not values:
        raise InvalidInput("The list is empty.", "Choose a file, or write one value on each line.")
    return list(values)


async def _linker(visit: Visit, key: str) -> tuple[Installation, Linker]:
    """Raises `NotFound`."""
    app = await app_of(visit)
    return app, await linkers.get_linker(visit.host, app.id, key)


async def _page(visit: Visit, app: Installation, linker: Linker, *, refusal: RoadsteadError | None = None) -> Response:
    query = visit.request.query_params
    begins, after, before = (query.get(name, "").strip() for name in ("begins", "after", "before"))
    found = await linkers.values_beginning(visit.host, linker, begins, after=after, before=before, limit=_SHOWN + 1)
    values = found[-_SHOWN:] if before else found[:_SHOWN]
    goes_on = len(found) > _SHOWN
    has_previous, has_next = (goes_on, True) if before else (bool(after), goes_on)
    counted = await linkers.count_values_beginning(visit.host, linker, begins, most=_COUNTED) if begins else 0
    context = ValuesPage(
        app_id=app.id,
        app_name=stored_name(app.descriptor),
        workspace=app.workspace.slug,
        linker=linker,
        begins=begins,
        after=after,
        before=before,
        values=values,
        counted=counted,
        more_than_counted=counted == _COUNTED,
        first=_address(app, linker, begins=begins) if after or before else None,
        previous=_address(app, linker, begins=begins, before=values[0].value) if values and has_previous else None,
        next=_address(app, linker, begins=begins, after=values[-1].value) if values and has_next else None,
        done=_DONE.get(query.get("done", ""), "").format(count=_number(query.get("count", "0"))),
        refusal=refusal,
    )
    template = "parts/values.html" if visit.part_only else "values.html"
    return render(template, context, visit=visit, status=status_of(refusal) if refusal else 200)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0


def _address(app: Installation, linker: Linker, **query: str) -> str:
    given = {name: value for name, value in query.items() if value}
    return f"/-/apps/{app.id}/values?{urlencode({'linker': linker.key, **given})}"


def _back(app: Installation, linker: Linker, **query: str) -> Response:
    return RedirectResponse(_address(app, linker, **query), 303)
