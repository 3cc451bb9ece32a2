"""The files of the demo's API, version by version."""

MAIN = '''\
"""A small API that tells which revision of it is being served."""

import json
import subprocess
import time
from pathlib import Path

from fastapi import FastAPI, Request, Response

VERSION = "1.0.0"
HERE = Path(__file__).resolve().parent
ACCESS_LOG = Path.home() / "access.log"


def served_revision() -> str:
    """What this code was deployed from: the file REVISION, or else the git checkout."""
    recorded = HERE / "REVISION"
    if recorded.exists():
        return recorded.read_text().strip()
    command = ["git", "-C", str(HERE), "rev-parse", "HEAD"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


REVISION = served_revision()
app = FastAPI(title="api", version=VERSION)


@app.middleware("http")
async def access_log(request: Request, call_next) -> Response:
    """Write a line for each request, as a web server in front of it would."""
    begin = time.monotonic()
    answer = await call_next(request)
    took = round(time.monotonic() - begin, 3)
    line = {"time": time.time(), "status": answer.status_code, "request_time": took, "uri": request.url.path}
    with ACCESS_LOG.open("a") as log:
        log.write(json.dumps(line) + "\\n")
    return answer


@app.get("/healthz")
def healthz() -> dict[str, str]:
    """Say how this worker is, and what it runs."""
    return {"status": "healthy", "version": VERSION, "revision": REVISION}
'''

GUNICORN = '''\
"""How gunicorn serves the API: `gunicorn` alone, started here, is enough."""

import os

wsgi_app = "main:app"
worker_class = "uvicorn_worker.UvicornWorker"
workers = 2
bind = f"127.0.0.1:{os.environ.get('PORT', '8000')}"
graceful_timeout = 10
'''

SMOKE_TEST = '''\
"""Does the API load, and does it say what it is?"""

import main


def test_healthz_tells_version_and_revision() -> None:
    answer = main.healthz()
    assert answer["version"] == main.VERSION
    assert len(answer["revision"]) == 40
'''

REQUIREMENTS = """\
fastapi
gunicorn
uvicorn
uvicorn-worker
pytest
"""

FIRST = {
    "main.py": MAIN,
    "gunicorn.conf.py": GUNICORN,
    "tests/test_smoke.py": SMOKE_TEST,
    "requirements.txt": REQUIREMENTS,
    # The app lies in a folder of this repository, and its tests must not take the settings of ours.
    "pytest.ini": "[pytest]\ntestpaths = tests\n",
    ".gitignore": "__pycache__/\n.pytest_cache/\n.venv/\nREVISION\n*.pid\n*.log\n",
}

GREETING = '''

@app.get("/greeting")
def greeting() -> dict[str, str]:
    """Be nice."""
    return {"greeting": "hello"}
'''

SECOND_MAIN = MAIN.replace("1.0.0", "1.1.0") + GREETING
BROKEN_MAIN = SECOND_MAIN.replace("1.1.0", "1.2.0").replace(
    "from fastapi", "import a_module_nobody_installed\nfrom fastapi"
)
# One of five greetings fails, which no test and no health check sees.
_FAILING = '''    """Be nice, most of the time."""
    if time.monotonic_ns() // 1000 % 5 == 0:
        raise HTTPException(500)
'''
FAILING_MAIN = (
    SECOND_MAIN.replace("1.1.0", "1.2.0")
    .replace("import FastAPI, Request", "import FastAPI, HTTPException, Request")
    .replace('    """Be nice."""\n', _FAILING)
)
UNHEALTHY_MAIN = SECOND_MAIN.replace("1.1.0", "1.2.0").replace('"healthy"', '"sick"')
