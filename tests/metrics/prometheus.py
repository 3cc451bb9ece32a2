"""A real Prometheus on loopback, with a history that was prepared."""

from __future__ import annotations

import base64
import subprocess
import time
import urllib.request
from collections.abc import Iterable, Mapping
from pathlib import Path

from tests.ports import free_port
from tests.servers import as_nobody, own
from tests.unpacked import unpacked

Labels = Mapping[str, str]
Row = tuple[str, Labels, Iterable[tuple[float, float]]]
READY_SECONDS = 20.0


def programs() -> Path | None:
    """The folder of `prometheus` and `promtool`, or None where they cannot be had."""
    found = unpacked("prometheus", "usr/bin/prometheus", "prometheus")
    return found.parent if found else None


class PrometheusServer:
    """One server. `history` are series: name, labels, samples (epoch seconds and values). `config` is that of its web
    server, and `login`, USER:PASSWORD, is for what then asks for one."""

    def __init__(self, programs: Path, root: Path, history: Iterable[Row], config: str = "", login: str = "") -> None:
        self.root, self.port = root, free_port()
        metrics, data, settings = root / "history.om", root / "data", root / "prometheus.yml"
        metrics.write_text(_open_metrics(history))
        settings.write_text("global: {scrape_interval: 1h}\n")
        data.mkdir()
        create = [str(programs / "promtool"), "tsdb", "create-blocks-from", "openmetrics", str(metrics), str(data)]
        subprocess.run(create, check=True, capture_output=True)
        for path in (data, *data.rglob("*")):
            own(path)
        words = [str(programs / "prometheus"), f"--config.file={settings}", f"--storage.tsdb.path={data}"]
        words += [f"--web.listen-address=127.0.0.1:{self.port}", "--log.level=warn"]
        if config:
            (root / "web.yml").write_text(config)
            words.append(f"--web.config.file={root / 'web.yml'}")
        with (root / "log").open("wb") as log:
            self._process = subprocess.Popen([*as_nobody(), *words], cwd=root, stdout=log, stderr=log)
        self._wait(login)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _wait(self, login: str) -> None:
        asked = urllib.request.Request(f"{self.url}/-/ready")
        if login:
            asked.add_header("Authorization", f"Basic {base64.b64encode(login.encode()).decode()}")
        until = time.monotonic() + READY_SECONDS
        while True:
            try:
                with urllib.request.urlopen(asked, timeout=2):
                    return
            except OSError:
                pass
            assert self._process.poll() is None and time.monotonic() < until, (self.root / "log").read_text()
            time.sleep(0.05)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(10)


def _open_metrics(history: Iterable[Row]) -> str:
    """The text that promtool reads: all of a name together."""
    by_name: dict[str, list[str]] = {}
    for name, labels, samples in history:
        shown = ",".join(f'{label}="{value}"' for label, value in labels.items())
        by_name.setdefault(name, []).extend(f"{name}{{{shown}}} {value} {at:.3f}" for at, value in samples)
    return "\n".join([line for lines in by_name.values() for line in lines] + ["# EOF\n"])
