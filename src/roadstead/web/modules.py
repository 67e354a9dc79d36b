"""`/-/apps/…/modules`: the modules of an app; its pages are framed as in the cloud, in a context that the viewer
chooses.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.responses import Response

from roadstead.connect import Descriptor
from roadstead.connect.conditions import Judgement
from roadstead.connect.modules import ProxyRoute
from roadstead.connect.urls import origin_of
from roadstead.domain.apps.descriptors import stored_descriptor
from roadstead.domain.apps.page_loads import PageContext, PageModule, page_context, page_modules, page_url
from roadstead.errors import NotFound
from roadstead.model import Installation
from roadstead.web.apps import AppHead, app_of, head_of
from roadstead.web.page import Visit, render

_LONGEST_VALUE = 500
_MOST_FRAMES = 20


@dataclass(frozen=True, slots=True)
class ListedModule:
    """A module in the list. `verdict` is that of its conditions in the chosen context."""

    module: PageModule
    judgement: Judgement
    link: str
    current: bool


@dataclass(frozen=True, slots=True)
class ShownModule:
    """A module in its frame. `unfilled` are the context parameters that reach the app unreplaced.

    A page that is `elsewhere`, not on the app's origin, may request nothing of the host.
    """

    module: PageModule
    judgement: Judgement
    address: str
    unfilled: list[str]
    elsewhere: bool


@dataclass(frozen=True, slots=True)
class OtherModule:
    """A module without a page, and its most telling member."""

    kind: str
    key: str
    name: str
    url: str


@dataclass(frozen=True, slots=True)
class ModulesPage:
    """Context of `modules.html`.

    `values` are those of the context parameters that can be chosen, and `which` is the chosen module, or `all`.
    `omitted` is the number of pages that are not shown. `account` is the viewer.
    """

    head: AppHead
    modules: list[ListedModule]
    proxies: tuple[ProxyRoute, ...]
    others: list[OtherModule]
    shown: list[ShownModule]
    omitted: int
    which: str
    all_link: str
    values: dict[str, str]
    account: str


async def show(visit: Visit) -> Response:
    app = await app_of(visit)
    descriptor = stored_descriptor(app.descriptor)
    query = visit.request.query_params
    viewer, chosen_values = visit.viewer, {name: value[:_LONGEST_VALUE] for name, value in query.items()}
    context = await page_context(visit.host, app, viewer, chosen_values)
    modules = page_modules(app)
    which = query.get("module", "")
    chosen = _chosen(which, modules)
    values = {name: context.values.get(name, "") for name in context.asked}
    shown = [_shown(visit, app, module, context) for module in chosen[:_MOST_FRAMES]]
    page = ModulesPage(
        head=head_of(app, "/modules"),
        modules=[
            ListedModule(module, context.judge(module.conditions), _link(app, str(number), values), module in chosen)
            for number, module in enumerate(modules)
        ],
        proxies=descriptor.modules.proxy,
        others=list(_others(descriptor, modules)),
        shown=shown,
        omitted=len(chosen) - len(shown),
        which=which,
        all_link=_link(app, "all", values),
        values=values,
        account=viewer.account_id,
    )
    return render("modules.html", page, visit=visit, frames=[one.address for one in shown])


def _chosen(which: str, modules: list[PageModule]) -> list[PageModule]:
    """Return the modules to show. Raise `NotFound`."""
    if which in ("", "all"):
        return modules if which else []
    if not (which.isascii() and which.isdigit() and len(which) < 6 and int(which) < len(modules)):
        raise NotFound("The app has no such module.", "Its descriptor may have changed; see the list again.")
    return [modules[int(which)]]


def _link(app: Installation, which: str, values: dict[str, str]) -> str:
    given = {name: value for name, value in values.items() if value}
    return f"/-/apps/{app.id}/modules?{urlencode({'module': which, **given})}#frames"


def _shown(visit: Visit, app: Installation, module: PageModule, context: PageContext) -> ShownModule:
    address = page_url(visit.host, app, module, context)
    return ShownModule(
        module=module,
        judgement=context.judge(module.conditions),
        address=address,
        unfilled=context.unfilled(module.url),
        elsewhere=origin_of(address) != origin_of(stored_descriptor(app.descriptor).base_url),
    )


def _others(descriptor: Descriptor, pages: list[PageModule]) -> Iterator[OtherModule]:
    """Yield every module of the descriptor that no other part of the pages shows."""
    elsewhere = {"linkers", "linker", "proxy", *(page.kind for page in pages)}
    modules = descriptor.source.get("modules")
    for kind, found in modules.items() if isinstance(modules, dict) else ():
        for module in found if isinstance(found, list) else [found]:
            if isinstance(module, dict) and kind not in elsewhere:
                url = next((text for name in ("url", "destination", "path") if (text := _text(module, name))), "")
                name = _text(module, "event") or _text(module, "name")
                yield OtherModule(kind, _text(module, "key"), name, url)


def _text(module: Mapping[str, object], name: str) -> str:
    """Return a member as text. A name may also be an object with the text in its `value`."""
    value = module.get(name)
    if isinstance(value, dict):
        value = value.get("value")
    return value if isinstance(value, str) else ""
