"""Bodies and headers through a real nginx with the configuration that is in `deploy/`."""

import json
import os
from pathlib import Path

import httpx

from tests.acceptance.nginx import deployed
from tests.smart_http.conftest import Place
from tests.smart_http.git_client import Work
from tests.smart_http.test_lfs import MEDIA, Large, ask, offered

LARGE = Large(os.urandom(18 * 1024 * 1024))
"""More than the longest body of a call of the API, which is as much as nginx takes elsewhere."""


def test_nothing_that_the_host_takes_is_too_large(place: Place, work: Work, tmp_path: Path) -> None:
    """A push, an object of git LFS and a file for Downloads."""
    (work.folder / "large").write_bytes(LARGE.content)
    work.git("add", "large")
    work.git("commit", "--quiet", "-m", "large")
    with deployed(tmp_path, place.host.url) as url:
        work.git("push", "--quiet", place.url().replace(place.host.url[7:], url[7:]), "main")
        href, header = offered(ask(place, "upload", LARGE.named), "upload")
        sent = httpx.put(href.replace(place.host.url, url), content=LARGE.content, headers=header)
        assert sent.status_code == 200, sent.text
        downloads = f"{url}/2.0/repositories/{place.repository.full_name}/downloads"
        files = {"files": ("large", LARGE.content)}
        answer = httpx.post(downloads, files=files, headers={"Authorization": f"Bearer {place.ann}"})
        assert answer.status_code == 201, answer.text
        refused = httpx.post(url, content=LARGE.content)
        assert refused.status_code == 413


def test_a_credential_beside_an_offer_does_no_harm(place: Place, tmp_path: Path) -> None:
    """git-lfs sends what `http.extraHeader` has with each request, and nginx refuses two `Authorization`."""
    small = Large(b"small")

    def send(method: str, action: tuple[str, dict[str, str]], body: bytes = b"") -> httpx.Response:
        href, header = action
        sent = [*header.items(), ("Authorization", f"Bearer {place.ann}"), ("Content-Type", MEDIA)]
        answer = httpx.request(method, href.replace(place.host.url, url), content=body, headers=sent)
        assert answer.status_code == 200, answer.text
        return answer

    with deployed(tmp_path, place.host.url) as url:
        uploading = ask(place, "upload", small.named)
        send("PUT", offered(uploading, "upload"), small.content)
        send("POST", offered(uploading, "verify"), json.dumps(small.named).encode())
        answer = send("GET", offered(ask(place, "download", small.named), "download"))
    assert (answer.content, answer.headers["cache-control"]) == (small.content, "private")
