"""The map of the pages."""

from starlette.routing import Mount, Route

from roadstead.web import apps, authorize, debugger, home, install, lab, modules, sign_in, traffic, values
from roadstead.web.page import Page, static_files
from roadstead.web.sign_in import for_operator

ROUTES: list[Route | Mount] = [
    Route("/", Page(GET=home.show)),
    Route("/-/install", Page(GET=for_operator(install.ask), POST=for_operator(install.judge))),
    Route("/-/install/run", Page(POST=for_operator(install.run))),
    Route("/-/apps/{app:int}", Page(GET=for_operator(apps.show))),
    Route("/-/apps/{app:int}/secret", Page(POST=for_operator(apps.show_secret))),
    Route("/-/apps/{app:int}/renew", Page(POST=for_operator(apps.renew_secret))),
    Route("/-/apps/{app:int}/update", Page(POST=for_operator(apps.update))),
    Route("/-/apps/{app:int}/uninstall", Page(POST=for_operator(apps.uninstall))),
    Route("/-/apps/{app:int}/modules", Page(GET=for_operator(modules.show))),
    Route("/-/apps/{app:int}/values", Page(GET=for_operator(values.show))),
    Route("/-/apps/{app:int}/values.csv", Page(GET=for_operator(values.download))),
    Route("/-/apps/{app:int}/values/add", Page(POST=for_operator(values.add))),
    Route("/-/apps/{app:int}/values/load", Page(POST=for_operator(values.load))),
    Route("/-/apps/{app:int}/values/remove", Page(POST=for_operator(values.remove))),
    Route("/-/apps/{app:int}/values/clear", Page(POST=for_operator(values.clear))),
    Route("/-/lab", Page(GET=for_operator(lab.show), POST=for_operator(lab.try_out))),
    Route("/-/lab/commits", Page(POST=for_operator(lab.load_commits))),
    Route("/site/addons/authorize", Page(GET=for_operator(authorize.ask), POST=for_operator(authorize.decide))),
    Route("/-/traffic", Page(GET=for_operator(traffic.show))),
    Route("/-/traffic/{call:int}", Page(GET=for_operator(traffic.show_call))),
    Route("/-/jwt", Page(GET=for_operator(debugger.show), POST=for_operator(debugger.examine))),
    Route("/-/sign-in", Page(GET=sign_in.open_link, POST=sign_in.enter_code)),
    Route("/-/sign-out", Page(POST=sign_in.leave)),
    Mount("/-/static", static_files()),
]
