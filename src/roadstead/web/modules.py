"""`/-/apps/…/modules`: the pages that an app declares, framed as in the cloud, with a context of one's choice."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.responses import Response

from roadstead.domain.descriptors import stored_name
from roadstead.domain.page_loads import PageModule, page_modules, page_url
from roadstead.errors import NotFound
from roadstead.model import Installation
from roadstead.web.apps import app_of
from roadstead.web.page import Visit, render

_LONGEST_VALUE = 500


@dataclass(frozen=True, slots=True)
class ModulesPage:
    """Context of `modules.html`.

    `shown` is the module that is shown, `number` its place in the list, and `address` where its page is. `values` are
    those of its context parameters that can be chosen.
    """

    app: Installation
    name: str
    modules: list[PageModule]
    shown: PageModule | None
    number: int | None
    values: dict[str, str]
    address: str


async def show(visit: Visit) -> Response:
    app = await app_of(visit)
    modules = page_modules(app)
    query = visit.request.query_params
    number = query.get("module")
    if number is None:
        page = ModulesPage(app, stored_name(app.descriptor), modules, None, None, {}, "")
        return render("modules.html", page, visit=visit)
    if not (number.isascii() and number.isdigit() and len(number) < 6 and int(number) < len(modules)):
        raise NotFound("The app has no such module.", "Its descriptor may have changed; see the list again.")
    module = modules[int(number)]
    values = {name: query.get(name, "")[:_LONGEST_VALUE] for name in module.asked}
    address = await page_url(visit.host, app, module, {name: value for name, value in values.items() if value})
    page = ModulesPage(app, stored_name(app.descriptor), modules, module, int(number), values, address)
    return render("modules.html", page, visit=visit, frames=_origin(address))


def _origin(address: str) -> str:
    """As a source of a content security policy, which knows host names in ASCII alone."""
    parts = urlsplit(address)
    origin = f"{parts.scheme}://{parts.netloc}"
    return origin if origin.isascii() else "'none'"
