"""A sample API that tells its version and the revision of the release it was loaded from. It is an ASGI application
without a framework: a framework's import is most of what a worker of this size would cost."""

import asyncio
import json
import subprocess
import time
from pathlib import Path

VERSION = "1.0.0"
HEALTHY = True
START_SECONDS = 0
HERE = Path(__file__).resolve().parent


def revision_on_disk() -> str:
    """The revision of the code beside this file, as it is right now."""
    file = HERE / "REVISION"
    if file.exists():
        return file.read_text().strip()
    ask = ["git", "-C", str(HERE), "rev-parse", "HEAD"]
    asked = subprocess.run(ask, capture_output=True, text=True, check=False)
    return asked.stdout.strip() or "unknown"


# Read once, at import: a worker tells the code it runs, not the code that lies on the disk by then.
REVISION = revision_on_disk()
time.sleep(START_SECONDS)


def answer(path: str) -> tuple[int, dict[str, str]]:
    """The status and the body of the answer: what this worker runs and, at /healthz, whether it is well."""
    runs = {"version": VERSION, "revision": REVISION}
    if path == "/healthz":
        return (200 if HEALTHY else 503), {"status": "healthy" if HEALTHY else "degraded", **runs}
    return (200, runs) if path in ("/", "/slow") else (404, {})


async def app(scope, receive, send) -> None:
    """Answer one request; /slow takes half a second, as long as a reload must let it."""
    if scope["type"] == "lifespan":
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    if scope["path"] == "/slow":
        await asyncio.sleep(0.5)
    status, body = answer(scope["path"])
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": json.dumps(body).encode()})
