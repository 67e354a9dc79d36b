"""The map of the pages."""

from starlette.routing import Mount, Route

from roadstead.web import authorize, debugger, home, sign_in, traffic
from roadstead.web.page import Page, static_files
from roadstead.web.sign_in import for_operator

ROUTES = [
    Route("/", Page(GET=home.show)),
    Route("/site/addons/authorize", Page(GET=for_operator(authorize.ask), POST=for_operator(authorize.decide))),
    Route("/-/traffic", Page(GET=for_operator(traffic.show))),
    Route("/-/traffic/{call:int}", Page(GET=for_operator(traffic.show_call))),
    Route("/-/jwt", Page(GET=for_operator(debugger.show), POST=for_operator(debugger.examine))),
    Route("/-/sign-in", Page(GET=sign_in.open_link, POST=sign_in.enter_code)),
    Route("/-/sign-out", Page(POST=sign_in.leave)),
    Mount("/-/static", static_files()),
]
