"""The page of a repository on a host that serves git over SSH."""

import httpx

from roadstead.domain.access import credentials
from tests.live import LiveHost
from tests.smart_http.conftest import Place
from tests.web.reading import texts


def test_the_page_of_a_repository_shows_both_ways_to_clone_it(ssh_host: LiveHost, place: Place) -> None:
    """The commands name the addresses that the API gives."""
    api = f"{ssh_host.url}/2.0/repositories/{place.repository.full_name}"
    links = httpx.get(api, headers={"Authorization": f"Bearer {place.ann}"}).json()["links"]["clone"]
    _, over_ssh = (link["href"] for link in links)
    with httpx.Client(base_url=ssh_host.url) as browser:
        assert browser.get(ssh_host.work(credentials.sign_in_link)).status_code == 303
        commands = texts(browser.get(f"/{place.repository.full_name}"), "pre[data-copy='the command']")
    assert commands == [f"git clone {place.public_url}", f"git clone {over_ssh}"]
