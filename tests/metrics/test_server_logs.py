"""Access logs that real servers write: nginx, Apache and gunicorn, each format by every awk. Those of Caddy are in
test_access_log.py as its documentation shows them."""

from __future__ import annotations

import gzip
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from lockstitch.engine.ask import Query, ask
from lockstitch.metrics.access_log import AccessLog
from lockstitch.metrics.measurement import Measurement, Question, Window
from lockstitch.model.host import Address, Host
from tests.awks import AWKS, awk_folder
from tests.local import LocalRemote
from tests.ports import free_port
from tests.servers import folder
from tests.unpacked import program

READY_SECONDS = 30.0
WELL, SLOW, ILL, HEALTH = 40, 3, 5, 4
APP = """
import time
def app(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/slow":
        time.sleep(0.4)
    start_response("500 Oh" if path == "/ill" else "200 OK", [("Content-Length", "2")])
    return [b"ok"]
"""
NGINX = """
daemon off; master_process off; pid {root}/nginx.pid; error_log {root}/nginx.error;
events {{}}
http {{
    client_body_temp_path {root}/t1; proxy_temp_path {root}/t2; fastcgi_temp_path {root}/t3;
    uwsgi_temp_path {root}/t4; scgi_temp_path {root}/t5;
    log_format timed '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent '
                     '"$http_referer" "$http_user_agent" rt=$request_time urt="$upstream_response_time"';
    log_format json escape=json '{{"time_iso8601":"$time_iso8601","request":"$request","agent":"$http_user_agent",'
                                '"status":$status,"request_time":$request_time}}';
    log_format bars '$msec|$status|$upstream_response_time|$request_time|$request_uri';
    server {{
        listen 127.0.0.1:{port};
        access_log {root}/combined.log combined; access_log {root}/timed.log timed; access_log {root}/json.log json;
        access_log {root}/bars.log bars; access_log {root}/buffered.log timed buffer=64k;
        location / {{ proxy_pass http://127.0.0.1:{behind}; }}
    }}
}}
"""
APACHE = """
ServerRoot {root}
ServerName localhost
PidFile {root}/apache.pid
ErrorLog {root}/apache.error
Listen 127.0.0.1:{port}
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule proxy_module {modules}/mod_proxy.so
LoadModule proxy_http_module {modules}/mod_proxy_http.so
User nobody
Group nogroup
LogFormat "%h %l %u %t \\"%r\\" %>s %O \\"%{{Referer}}i\\" \\"%{{User-Agent}}i\\"" combined
LogFormat "%h %l %u %t \\"%r\\" %>s %O \\"%{{Referer}}i\\" \\"%{{User-Agent}}i\\" %D" timed
CustomLog {root}/apache.log combined
CustomLog {root}/apache-timed.log timed
ProxyPass / http://127.0.0.1:{behind}/
"""
GUNICORN = '%(h)s %(l)s %(u)s %(t)s "%(r)s" %(s)s %(b)s "%(f)s" "%(a)s" %(D)s'
# The log, settings of the source, and whether it has durations.
CASES: dict[str, tuple[str, Mapping[str, str], bool]] = {
    "nginx combined": ("combined.log", {}, False),
    "nginx timed": ("timed.log", {}, True),
    "nginx JSON": ("json.log", {}, True),
    "nginx by its log_format": (
        "bars.log",
        {"format": "'$msec|$status|$upstream_response_time|$request_time|$request_uri'"},
        True,
    ),
    "Apache combined": ("apache.log", {}, False),
    "Apache with %D": (
        "apache-timed.log",
        {"format": '"%h %l %u %t \\"%r\\" %>s %O \\"%{Referer}i\\" \\"%{User-Agent}i\\" %D"'},
        True,
    ),
    "gunicorn": ("gunicorn.log", {}, False),
    "gunicorn with %(D)s": ("gunicorn-timed.log", {"format": GUNICORN}, True),
}


class Servers:
    """Two gunicorns, behind nginx and behind Apache, and what they wrote. Each ends with us."""

    def __init__(self, root: Path, nginx: Path, apache: Path) -> None:
        self.root, self.port = root, free_port()
        self.processes: list[subprocess.Popen[bytes]] = []
        (root / "app.py").write_text(APP)
        behind = [self._gunicorn("gunicorn.log"), self._gunicorn("gunicorn-timed.log", "--access-logformat", GUNICORN)]
        (root / "nginx.conf").write_text(NGINX.format(root=root, port=self.port, behind=behind[0]))
        self._start(str(nginx), "-c", str(root / "nginx.conf"), "-e", str(root / "nginx.error"))
        modules = Path("/usr/lib/apache2/modules")
        if not modules.exists():
            modules = apache.parents[1] / "usr/lib/apache2/modules"
        front = free_port()
        (root / "apache.conf").write_text(APACHE.format(root=root, port=front, behind=behind[1], modules=modules))
        self._start(str(apache), "-X", "-f", str(root / "apache.conf"))
        self.ports = (self.port, front)

    def _gunicorn(self, log: str, *words: str) -> int:
        port = free_port()
        words = ("--bind", f"127.0.0.1:{port}", "--threads", "4", "--access-logfile", str(self.root / log), *words)
        self._start(str(Path(sys.executable).parent / "gunicorn"), *words, "app:app")
        return port

    def _start(self, *words: str) -> None:
        ends = ("setpriv", "--pdeathsig", "TERM", "--")
        environment = {**os.environ, "HOME": str(self.root)}
        with (self.root / "said").open("ab") as said:
            process = subprocess.Popen([*ends, *words], cwd=self.root, stdout=said, stderr=said, env=environment)
        self.processes.append(process)

    def ready(self) -> None:
        """Wait until both fronts serve; what is asked until then does not count."""
        until = time.monotonic() + READY_SECONDS
        for port in self.ports:
            while ask_for(port, "/healthz") != 200:
                said = "".join(
                    path.read_text() for path in (self.root / "said", self.root / "apache.error") if path.exists()
                )
                assert time.monotonic() < until, said
                time.sleep(0.05)

    def stop(self) -> None:
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.wait(10)

    def wait(self, log: str, texts: Mapping[str, int]) -> None:
        """Wait until a log has each text so many times: a server writes a line after it has answered."""
        until = time.monotonic() + READY_SECONDS
        while any((self.root / log).read_text().count(text) < times for text, times in texts.items()):
            assert time.monotonic() < until, (self.root / log).read_text()
            time.sleep(0.02)


def ask_for(port: int, path: str) -> int:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}", headers={"User-Agent": 'A "quoted\\" [agent] 500'}
    )
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            answer.read()
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code
    except OSError:
        return 0


def no_request(port: int) -> None:
    """Send what is no request, as those who scan ports do."""
    with socket.create_connection(("127.0.0.1", port), 10) as line, suppress(OSError):
        line.sendall(b'\x16\x03\x01"\\x\n\n')
        while line.recv(4096):
            pass


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    nginx, apache = program("nginx", "nginx"), program("apache2", "apache2-bin")
    if nginx is None or apache is None:
        pytest.skip("nginx and Apache cannot be had: there is no apt-get")
    with folder() as root:
        running = Servers(root, nginx, apache)
        try:
            running.ready()
            paths = ["/a?b=%22c%22"] * WELL + ["/ill"] * ILL + ["/healthz"] * HEALTH + ["/slow"] * SLOW
            with ThreadPoolExecutor(4) as pool:
                for port in running.ports:
                    list(pool.map(lambda path, port=port: ask_for(port, path), paths))
            for port in running.ports:
                no_request(port)
            lines = {"/a?b": WELL, "/ill": ILL, "/slow": SLOW}
            for log, *_ in CASES.values():
                running.wait(log, lines if log.startswith("gunicorn") else {**lines, "400": 1})
            yield running
        finally:
            running.stop()


Measure = Callable[..., Measurement]


@pytest.fixture(params=AWKS)
def measure(request: pytest.FixtureRequest, tmp_path: Path) -> Measure:
    """Ask for a source's measurement of the last minutes, with one awk on the host."""
    awk = awk_folder(request.param, tmp_path)
    if awk is None:
        pytest.skip(f"{request.param} cannot be had")
    remote = LocalRemote(tmp_path / "homes", env={"PATH": f"{awk}:{os.environ['PATH']}"})

    def carry_out(path: Path, **settings: Any) -> Measurement:
        now = time.time()
        question = Question((Window(now - 1200, now + 60),), (0.3,), ("/healthz",))
        probe = AccessLog(kind="access_log", path=str(path), **settings).probe(question)
        answer = ask(remote, [Query("web1", Host("web1", Address("web1")), (probe,))])["web1"].facts[0]
        assert isinstance(answer, Measurement)
        return answer

    return carry_out


@pytest.mark.parametrize("case", list(CASES))
def test_every_format_by_every_awk(servers: Servers, measure: Measure, tmp_path: Path, case: str) -> None:
    log, settings, timed = CASES[case]
    # Another test adds to the logs.
    measured = measure(shutil.copy(servers.root / log, tmp_path / log), **settings)
    assert measured.blind == "", measured
    (requests,) = measured.windows
    no_requests = {} if case.startswith("gunicorn") else {400: 1}
    assert dict(requests.statuses) == {200: WELL + SLOW, 500: ILL, **no_requests}
    if timed:
        assert (requests.longer_than(0.3).bad, requests.untimed) == (SLOW, 0)
    else:
        assert requests.untimed == requests.total and measured.untimed_hint


def test_a_log_that_nginx_holds_back_is_blind(servers: Servers, measure: Measure) -> None:
    assert "it has no line" in measure(servers.root / "buffered.log").blind


@pytest.mark.parametrize("way", ["renamed", "copytruncate"])
def test_rotation_of_a_log_that_nginx_writes(servers: Servers, measure: Measure, way: str) -> None:
    """Both ways of logrotate; compressed, what was written in the window is blind and never left out."""
    log, older = servers.root / "timed.log", servers.root / "timed.log.1"
    total = measure(log).windows[0].total
    if way == "renamed":
        log.rename(older)
        servers.processes[2].send_signal(signal.SIGUSR1)
        until = time.monotonic() + READY_SECONDS
        while not log.exists():
            assert time.monotonic() < until
            time.sleep(0.02)
    else:
        shutil.copy(log, older)
        os.truncate(log, 0)
    for _ in range(3):
        assert ask_for(servers.port, "/after") == 200
    servers.wait("timed.log", {"/after": 3})
    measured = measure(log)
    assert (measured.blind, measured.windows[0].total) == ("", total + 3)
    (servers.root / "timed.log.1.gz").write_bytes(gzip.compress(older.read_bytes()))
    whole = older.read_text() + log.read_text()
    older.unlink()
    assert "timed.log.1.gz: the window begins in a file that is compressed already" in measure(log).blind
    (servers.root / "timed.log.1.gz").unlink()
    # Written in place: nginx goes on at its end.
    log.write_text(whole)
