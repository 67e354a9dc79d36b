"""What people and apps do on a running host, told to webhooks: of people over hooks, of apps by their descriptors."""

import hashlib
import hmac
import json
from pathlib import Path

from roadstead.connect import query_string_hash, read
from tests.api.stocked import stocked, workspace
from tests.events.scene import receiving
from tests.live import AppClient, LiveHost, Received, RecordingApp, recording_app
from tests.smart_http.conftest import wait_until

SLUG = "rings"
SECRET = "It's a Secret to Everybody"


def test_a_push_is_heard_and_answered_with_a_status(host: LiveHost, tmp_path: Path) -> None:
    """A hook hears of a push, signed; an app hears it, too, gives the commit a status, and hears of its own status."""
    made = stocked(host, tmp_path, SLUG, workspace(host, SLUG))
    commit = made.work.commit("first")
    webhooks = {"webhooks": [{"event": "*", "url": "/webhook"}]}
    with receiving() as receiver, recording_app(scopes=["repository"], modules=webhooks) as app:
        url = f"http://127.0.0.1:{receiver.server_address[1]}/hook"
        given = {"url": url, "events": ["repo:push"], "secret": SECRET}
        hook = made.send("POST", f"{made.at}/hooks", json=given).json()
        api = AppClient(host.url, host.install(app, SLUG))
        made.push("main")

        wait_until(lambda: receiver.kept)
        (arrived,) = receiver.kept
        signature = hmac.new(SECRET.encode(), arrived.body.encode(), hashlib.sha256).hexdigest()
        headers = {name.lower(): value for name, value in arrived.headers.items()}
        assert headers["x-hub-signature"] == f"sha256={signature}"
        assert (headers["x-event-key"], headers["x-hook-uuid"]) == ("repo:push", hook["uuid"].strip("{}"))
        (change,) = json.loads(arrived.body)["push"]["changes"]
        assert change["new"]["target"]["hash"] == commit

        pushed = _heard(app, "repo:push")
        assert pushed.body == {"event": "repo:push", "data": json.loads(arrived.body)}
        token = read(pushed.headers["authorization"].removeprefix("JWT "))
        assert token.claims["iss"] == api.installation.client_key
        assert token.claims["qsh"] == query_string_hash("POST", "/webhook", "")

        status = {"key": "unit", "state": "SUCCESSFUL", "url": app.base_url.replace("127.0.0.1", "localhost")}
        assert api("POST", f"{made.at}/commit/{commit}/statuses/build", json=status).status_code == 201
        told = _heard(app, "repo:commit_status_created").body
        assert told["data"]["commit_status"]["state"] == "SUCCESSFUL"
        assert told["data"]["actor"]["type"] == "team"
        assert len(receiver.kept) == 1


def _heard(app: RecordingApp, key: str) -> Received:
    """Return the delivery of an event to an app, once it is there."""

    def heard() -> list[Received]:
        return [one for one in app.received if one.path == "/webhook" and one.body["event"] == key]

    wait_until(heard)
    (found,) = heard()
    return found
