"""`/-/apps/…/values`: search, add, remove, import and export the values of one linker."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlencode

from starlette.responses import RedirectResponse, Response

from roadstead.api.errors import status_of
from roadstead.domain.linking import linkers
from roadstead.errors import RoadsteadError
from roadstead.model import Installation, Linker, LinkerValue
from roadstead.web.apps import AppHead, app_of, head_of
from roadstead.web.page import Visit, render, require
from roadstead.web.value_lists import read_list

_SHOWN = 100
_COUNTED = 10_000
_LONGEST_LIST = 200_000
"""Characters. After an error, a longer list is not put back into the form."""

_DONE = {
    "added": "Added {value}.",
    "loaded": "Added the list; {count:,} of its values are new.",
    "replaced": "Replaced all values with the {count:,} of the list.",
    "removed": "Removed {value}.",
    "cleared": "Removed all {count:,} values.",
}


@dataclass(frozen=True, slots=True)
class Typed:
    """The unusable input of the operator, to fill the forms with again."""

    value: str = ""
    list: str = ""
    how: str = "add"


@dataclass(frozen=True, slots=True)
class Wrong:
    """The field with an error, and the error. `faults` name the wrong lines of a list."""

    where: Literal["value", "list", "replace", "clear"]
    message: str
    status: int = 400
    faults: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ValuesPage:
    """Context of `values.html`, and of `parts/values.html`, the part that changes during a search.

    `counted` is how many values begin with the searched text, as far as they were counted. `after` and `before` are the
    page's place in the list; `first`, `previous` and `next` lead to other pages of it. `removed` is a value that was
    removed just now, and can be added again.
    """

    head: AppHead
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
    removed: str
    typed: Typed
    wrong: Wrong | None


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
    value = form.get("value", "").strip()
    try:
        await linkers.add_value(visit.host, app.id, linker.key, value)
    except RoadsteadError as exc:
        return await _page(visit, app, linker, typed=Typed(value=value), wrong=_wrong("value", exc))
    return _back(app, linker, done="added", value=value, **_place(form))


async def load(visit: Visit) -> Response:
    form = await visit.form()
    app, linker = await _linker(visit, form.get("linker", ""))
    text, how = form.get("file") or form.get("list", ""), form.get("how", "add")
    read = await asyncio.to_thread(read_list, text)
    wrong = _wrong_with(read.values, read.faults) or _unsure(form)
    if wrong is None:
        try:
            if how == "replace":
                await linkers.replace_values(visit.host, app.id, linker.key, read.values)
                return _back(app, linker, done="replaced", count=str(len(read.values)))
            added = await linkers.add_values(visit.host, app.id, linker.key, read.values)
            return _back(app, linker, done="loaded", count=str(added))
        except RoadsteadError as exc:
            wrong = _wrong("list", exc)
    typed = Typed(list=text if len(text) <= _LONGEST_LIST else "", how=how)
    return await _page(visit, app, linker, typed=typed, wrong=wrong)


def _wrong_with(values: list[str], faults: list[str]) -> Wrong | None:
    if faults:
        rule = f"{linkers.VALUE_RULE} Nothing was changed."
        return Wrong("list", f"Some lines of the list cannot be used. {rule}", faults=faults)
    return None if values else Wrong("list", "The list is empty. Choose a file, or write one value on each line.")


def _unsure(form: dict[str, str]) -> Wrong | None:
    """Return an error if all values are to be replaced and the checkbox for it is not ticked."""
    if form.get("how") == "replace" and form.get("sure") != "yes":
        return Wrong("replace", "Nothing was replaced. Tick that you want to replace all values.")
    return None


async def remove(visit: Visit) -> Response:
    form = await visit.form()
    app, linker = await _linker(visit, form.get("linker", ""))
    identity = form.get("id", "")
    require(identity.isascii() and identity.isdigit() and len(identity) < 19, "There is no such value.")
    value = await linkers.delete_value(visit.host, app.id, linker.key, int(identity))
    return _back(app, linker, done="removed", value=value, **_place(form))


async def clear(visit: Visit) -> Response:
    form = await visit.form()
    app, linker = await _linker(visit, form.get("linker", ""))
    if form.get("sure") != "yes":
        wrong = Wrong("clear", "Nothing was removed. Tick that you want to remove all values.")
        return await _page(visit, app, linker, wrong=wrong)
    await linkers.delete_values(visit.host, app.id, linker.key)
    return _back(app, linker, done="cleared", count=str(linker.value_count))


async def _linker(visit: Visit, key: str) -> tuple[Installation, Linker]:
    """Return the installation and its linker. Raise `NotFound`."""
    app = await app_of(visit)
    return app, await linkers.get_linker(visit.host, app.id, key)


async def _page(
    visit: Visit, app: Installation, linker: Linker, *, typed: Typed | None = None, wrong: Wrong | None = None
) -> Response:
    query = visit.request.query_params
    begins, after, before = (query.get(name, "").strip() for name in ("begins", "after", "before"))
    found = await linkers.values_beginning(visit.host, linker, begins, after=after, before=before, limit=_SHOWN + 1)
    values = found[-_SHOWN:] if before else found[:_SHOWN]
    goes_on = len(found) > _SHOWN
    has_previous, has_next = (goes_on, True) if before else (bool(after), goes_on)
    counted = await linkers.count_values_beginning(visit.host, linker, begins, most=_COUNTED) if begins else 0
    context = ValuesPage(
        head=head_of(app, "/linkers"),
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
        done=_done(query),
        removed=_value(query) if query.get("done") == "removed" else "",
        typed=typed or Typed(),
        wrong=wrong,
    )
    template = "parts/values.html" if visit.part_only else "values.html"
    return render(template, context, visit=visit, status=wrong.status if wrong else 200)


def _wrong(name: Literal["value", "list"], refusal: RoadsteadError) -> Wrong:
    faults = [reason for reasons in (refusal.fields or {}).values() for reason in reasons]
    return Wrong(name, f"{refusal.message} {refusal.detail}", status_of(refusal), faults)


def _done(query: Mapping[str, str]) -> str:
    """Return a notice of the last action, which is in the address."""
    return _DONE.get(query.get("done", ""), "").format(count=_number(query.get("count", "0")), value=_value(query))


def _value(query: Mapping[str, str]) -> str:
    value = query.get("value", "")
    return value if linkers.fault_of(value) is None else "the value"


def _place(form: Mapping[str, str]) -> dict[str, str]:
    """Return the place in the list that the form came from."""
    return {name: form.get(name, "") for name in ("begins", "after", "before")}


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0


def _address(app: Installation, linker: Linker, **query: str) -> str:
    given = {name: value for name, value in query.items() if value}
    return f"/-/apps/{app.id}/values?{urlencode({'linker': linker.key, **given})}"


def _back(app: Installation, linker: Linker, **query: str) -> Response:
    return RedirectResponse(_address(app, linker, **query), 303)
