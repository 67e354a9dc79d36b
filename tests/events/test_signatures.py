"""Signatures of deliveries, checked by the crypto library of Node and the hmac module of Python."""

import hashlib
import hmac
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from roadstead.outbound.webhooks import hub_signature
from roadstead.settings import Settings
from tests.events.scene import Scene, receiving, run

SECRET = "It's a Secret to Everybody · ü"

_NODE = """
const { createHmac, timingSafeEqual } = require("node:crypto");
const { secret, body, signature } = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
const expected = "sha256=" + createHmac("sha256", secret).update(body).digest("hex");
process.exit(timingSafeEqual(Buffer.from(expected), Buffer.from(signature)) ? 0 : 1);
"""


def test_the_documented_signature() -> None:
    """Atlassian's page has this example."""
    expected = "sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9"
    assert hub_signature("It's a Secret to Everybody", b"Hello World!") == expected


@pytest.mark.skipif(shutil.which("node") is None, reason="`node` is not on the PATH")
def test_node_and_python_verify_a_delivery(tmp_path: Path) -> None:
    """What arrived is signed with the hook's secret, byte by byte."""

    async def scenario(scene: Scene) -> None:
        await scene.hook(receiver.url, secret=SECRET)
        await scene.event(1)
        await scene.dispatch()
        await scene.send()

    with receiving() as receiver:
        run(Settings(data=tmp_path), scenario)
    (arrived,) = receiver.kept
    signature = arrived.headers["X-Hub-Signature"]
    assert signature == "sha256=" + hmac.new(SECRET.encode(), arrived.body.encode(), hashlib.sha256).hexdigest()
    asked = json.dumps({"secret": SECRET, "body": arrived.body, "signature": signature})
    assert subprocess.run(["node", "-e", _NODE], input=asked.encode(), check=False).returncode == 0
