"""Gates beside the sources that they judge by: whether there is such a source, and whether it has such numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lockstitch.inventory.merge import name_of, placements
from lockstitch.inventory.metrics import GateSettings
from lockstitch.inventory.model import App
from lockstitch.inventory.validation import did_you_mean
from lockstitch.inventory.yaml_tree import Problem, YamlNode
from lockstitch.metrics.base import Kind, Source, source_types

_NEEDS: Mapping[str, Kind] = {
    "status": "requests",
    "percentile": "durations",
    "rate": "requests",
    "match": "records",
    "value": "values",
}
_FORMS: Mapping[Kind, str] = {
    "requests": "{status: 5xx, max: 5%}",
    "durations": "{percentile: 95, max: 300ms}",
    "records": "{match: ERROR, max: 0}",
    "shares": "{max: 5%}",
    "values": "{value: NAME, max: NUMBER}",
}


def implied_sources(placed: Mapping[tuple[str, str], App], declared: Mapping[str, Source]) -> dict[str, Source]:
    """Return the sources that gates name by their kind, which need no settings."""
    names = {gate.source for app in placed.values() for gate in app.gates.values()} - set(declared)
    known = {name: model for name, model in source_types().items() if name in names} if names else {}
    return {
        name: model.model_validate({"kind": name})
        for name, model in known.items()
        if not any(field.is_required() for key, field in model.model_fields.items() if key != "kind")
    }


def unknown_hosts(tree: YamlNode, sources: Mapping[str, Source]) -> Iterator[Problem]:
    """Yield a problem for each host that a source names and the inventory does not have."""
    groups = tree.get("groups").entries.values()
    known = [name_of(host) for group in groups for host in group.get("hosts").items]
    for name, source in sources.items():
        for host in source.host_names():
            if host not in known:
                says = f"there is no host {host}{did_you_mean(host, dict.fromkeys(known))}"
                yield tree.get("metrics", name).problem(says)


def misfits(tree: YamlNode, placed: Mapping[tuple[str, str], App], sources: Mapping[str, Source]) -> Iterator[Problem]:
    """Yield a problem for each gate whose source is missing, or has no such numbers."""
    for placement in placements(tree):
        app = placed.get((placement.app, placement.host))
        for name, gate in app.gates.items() if app else ():
            node = placement.tree.get("gates", name)
            if gate.source not in sources:
                says = f"there is no metric source {gate.source}{did_you_mean(gate.source, sources)}"
                yield node.get("source").problem(says)
            elif wrong := _misfit(gate, sources[gate.source]):
                key, says = wrong
                yield (node.get(key) if key else node).problem(says)


def uneven_rules(tree: YamlNode, placed: Mapping[tuple[str, str], App]) -> Iterator[Problem]:
    """Yield a problem for each app whose rules to go back differ between its hosts: a watch takes all of them back."""
    first: dict[str, tuple[str, App]] = {}
    for placement in placements(tree):
        if app := placed.get((placement.app, placement.host)):
            host, other = first.setdefault(app.name, (placement.host, app))
            for key in ("rollback_on", "watch"):
                if getattr(app, key) != getattr(other, key):
                    says = f"it differs from that of {app.name} on {host}: write it once, at the app"
                    yield placement.tree.get(key).problem(says)


def _kinds_with(need: Kind) -> str:
    """Return the kinds of sources that know such numbers of the time before."""
    known = {kind: model for kind, model in source_types().items() if model.knows_before}
    examples = {kind: model.model_validate({"kind": kind, **model.examples[0]}) for kind, model in known.items()}
    return " or ".join(kind for kind, source in examples.items() if need in source.measures())


def _misfit(gate: GateSettings, source: Source) -> tuple[str, str] | None:
    """Return the key that does not fit the source, and why; None where all do."""
    kinds, units = source.measures(), source.units()
    forms = " or ".join(form for kind, form in _FORMS.items() if kind in kinds)
    if "before" in gate.against and not source.knows_before:
        kind = _NEEDS.get(gate.form, "shares")
        says = f"{gate.source} is counted from when it is read first, and knows nothing of the time before"
        return "against", f"{says}: write against: old, or max; a source of kind {_kinds_with(kind)} knows it"
    if need := _NEEDS.get(gate.form):
        if need not in kinds:
            return gate.form, f"{gate.source} has no {need}: it is judged by {forms}"
    elif "shares" not in kinds and "" not in units:
        return "", f"say what of {gate.source} is judged: {forms}"
    elif "shares" in kinds:
        fits = gate.max is None or gate.max.part is not None
        return None if fits else ("max", f"{gate.source} counts: write a percentage, such as max: 5%")
    if gate.form not in ("value", ""):
        return None
    name = gate.value or ""
    if name not in units:
        return "value", f"{gate.source} has no value {name}{did_you_mean(name, units)}"
    if gate.max is None:
        return "against", f"{gate.source} has a value of now alone: write max"
    if units[name] == "percentage" and gate.max.part is None:
        return "max", f"{name or gate.source} is a part: write a percentage, such as max: 90%"
    if units[name] == "number" and gate.max.number is None:
        return "max", f"{name or gate.source} is a number: write one, such as max: 100"
    return None
