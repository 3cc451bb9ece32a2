"""A sample API with a PostgreSQL database, which tells the revision of the release it was loaded from."""

import subprocess
from pathlib import Path

from database import engine
from fastapi import FastAPI, Response
from sqlalchemy import text

VERSION = "1.0.0"
HEALTHY = True
HERE = Path(__file__).resolve().parent
# Each version writes what its newest migration made.
ADD = "INSERT INTO notes (text) VALUES (:text) RETURNING id"


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
app = FastAPI()


@app.get("/healthz")
def healthz(response: Response) -> dict[str, str]:
    """Whether this worker is well, and what it runs; the database is not asked."""
    if not HEALTHY:
        response.status_code = 503
    return {"status": "healthy" if HEALTHY else "degraded", "version": VERSION, "revision": REVISION}


@app.get("/notes")
def count() -> dict[str, int]:
    """How many notes there are."""
    with engine().begin() as connection:
        return {"count": connection.execute(text("SELECT count(*) FROM notes")).scalar_one()}


@app.post("/notes")
def add(note: str = "a note") -> dict[str, int]:
    """Add one note; 500 where the database lacks what this version writes."""
    with engine().begin() as connection:
        return {"id": connection.execute(text(ADD), {"text": note}).scalar_one()}
