"""A sample API that tells its version and the revision of the release it was loaded from."""

import subprocess
import time
from pathlib import Path

from fastapi import FastAPI, Response

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
app = FastAPI()


@app.get("/healthz")
def healthz(response: Response) -> dict[str, str]:
    """Whether this worker is well, and what it runs."""
    if not HEALTHY:
        response.status_code = 503
    return {"status": "healthy" if HEALTHY else "degraded", "version": VERSION, "revision": REVISION}


@app.get("/")
def root() -> dict[str, str]:
    """What this worker runs, however well it is."""
    return {"version": VERSION, "revision": REVISION}


@app.get("/slow")
def slow() -> dict[str, str]:
    """An answer that takes half a second, as long as a reload must let it."""
    time.sleep(0.5)
    return {"version": VERSION, "revision": REVISION}
