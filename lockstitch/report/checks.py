"""Results of `fab check`, `fab facts` and `fab doctor` as text and JSON. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

from lockstitch.facts.clock import Clock
from lockstitch.facts.host import HostReport
from lockstitch.model.finding import Finding
from lockstitch.model.format import sized, span
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.report.text import counted, table
from lockstitch.text import in_environment, oneline, quoted

_LEVELS = {"pass": "pass", "note": "note", "warn": "WARN", "fail": "FAIL"}


@dataclass(frozen=True)
class CheckedHost:
    """The findings of one host, or of the controller, each with its subject (an app, or empty); `away` says why it
    could not be asked."""

    findings: tuple[tuple[str, Finding], ...] = ()
    away: str = ""
    hint: str = ""

    @property
    def result(self) -> str:
        if self.away:
            return "unreachable"
        levels = {finding.level for _, finding in self.findings}
        return "failed" if "fail" in levels else "warned" if "warn" in levels else "ok"


def in_its_environment(checked: Mapping[str, CheckedHost], environment: str | None) -> dict[str, CheckedHost]:
    """Return the same with hints that name the environment."""
    return {
        name: replace(
            host,
            hint=in_environment(host.hint, environment, name),
            findings=tuple((at, replace(f, hint=in_environment(f.hint, environment, name))) for at, f in host.findings),
        )
        for name, host in checked.items()
    }


def checks_text(checked: Mapping[str, CheckedHost], noun: str = "host") -> str:
    """Return each host with its findings, and how many hosts passed."""
    blocks = [_block(name, host) for name, host in checked.items()]
    results = [host.result for host in checked.values()]
    words = {"ok": "ok", "warned": "with warnings", "failed": "failed", "unreachable": "unreachable"}
    counts = [f"{results.count(kind)} {word}" for kind, word in words.items() if kind in results]
    return "\n\n".join([*blocks, f"{counted(len(checked), noun)}: {', '.join(counts)}"])


def _block(name: str, host: CheckedHost) -> str:
    if host.away:
        hint = [f"        HINT: {oneline(host.hint)}"] if host.hint else []
        return "\n".join([f"{name}: it cannot be asked", f"  FAIL  {quoted(host.away)}", *hint])
    return "\n".join([f"{name}:", *finding_lines(host.findings)])


def finding_lines(findings: Sequence[tuple[str, Finding]]) -> list[str]:
    """Return findings, each with its subject (may be empty), in columns: level, check and text, and the hint below."""
    heads = [oneline(f"{about}: {finding.check}" if about else finding.check) for about, finding in findings]
    wide = max(map(len, heads), default=0)
    room = " " * (wide + 10)
    lines = []
    for head, (_, finding) in zip(heads, findings, strict=True):
        first, *rest = map(oneline, finding.says.split("\n"))
        lines += [f"  {_LEVELS[finding.level]}  {head:<{wide}}  {first}", *(f"{room}{line}" for line in rest)]
        lines += [f"{room}HINT: {oneline(finding.hint)}"] if finding.hint else []
    return lines


def checks_json(checked: Mapping[str, CheckedHost], code: int, key: str = "hosts") -> dict[str, Any]:
    """Return the same for programs."""
    return {
        key: {
            name: {
                "result": host.result,
                "words": host.away,
                "findings": [{"about": about, **asdict(finding)} for about, finding in host.findings],
            }
            for name, host in checked.items()
        },
        "exit_code": code,
    }


@dataclass(frozen=True)
class ReportedHost:
    """The facts of one host; `reboot` is why it waits for a reboot (empty: it does not, None: unknown)."""

    report: HostReport
    clock: Clock
    reboot: str | None


_HEADINGS = ("HOST", "OS", "KERNEL", "UP", "CPUS", "LOAD", "MEMORY FREE", "DISK FREE", "CLOCK", "PROGRAMS")


def facts_text(reported: Mapping[str, ReportedHost], away: Mapping[str, CheckedHost]) -> str:
    """Return a line for each host, and below them what does not fit into it."""
    rows = [_row(name, host) for name, host in reported.items()]
    lines = [table(_HEADINGS, rows)] if rows else []
    for name, host in reported.items():
        if host.reboot:
            lines.append(f"{name}: a reboot is pending ({oneline(host.reboot.strip())})")
    lines += [_block(name, host) for name, host in away.items()]
    return "\n".join(lines)


def _row(name: str, host: ReportedHost) -> tuple[str, ...]:
    facts = host.report
    disks = ", ".join(f"{disk.mount} {sized(disk.free)} of {sized(disk.size)}" for disk in facts.disks)
    memory = (
        f"{sized(facts.available)} of {sized(facts.memory)}" if facts.available is not None and facts.memory else "?"
    )
    virtual = f" ({facts.virtual})" if facts.virtual else ""
    return (
        name,
        f"{facts.os or '?'}{virtual}",
        facts.kernel.partition(" ")[2] or "?",
        "?" if facts.uptime is None else span(facts.uptime),
        str(facts.cpus or "?"),
        " ".join(f"{load:.2f}" for load in facts.load) or "?",
        memory
        + (
            f", swap {sized(facts.swap_free)} of {sized(facts.swap)}"
            if facts.swap and facts.swap_free is not None
            else ""
        ),
        disks or "?",
        _clock(host.clock) + (f", {facts.zone}" if facts.zone else ""),
        ", ".join(f"{program} {version}" for program, version in facts.programs.items()) or "none",
    )


def _clock(clock: Clock) -> str:
    if clock.offset is None:
        return "?"
    offset, unsure = clock.offset
    return f"{offset:+.3f} s ±{unsure:.3f} s"


def facts_json(reported: Mapping[str, ReportedHost], away: Mapping[str, CheckedHost], code: int) -> dict[str, Any]:
    """Return the same for programs: sizes in bytes, times in seconds."""
    return {
        "hosts": {name: _data(host) for name, host in reported.items()},
        "unreachable": {name: host.away for name, host in away.items()},
        "exit_code": code,
    }


def _data(host: ReportedHost) -> dict[str, Any]:
    facts = asdict(host.report)
    booted = facts.pop("booted")
    offset = host.clock.offset
    return {
        **facts,
        "booted": datetime.fromtimestamp(booted, UTC).isoformat() if booted is not None else None,
        "clock_offset": None if offset is None else round(offset[0], 4),
        "clock_unsure": None if offset is None else round(offset[1], 4),
        "reboot_pending": None if host.reboot is None else bool(host.reboot),
    }
