"""Rules for every metric source that there is."""

from __future__ import annotations

from lockstitch.metrics.base import source_types
from lockstitch.metrics.measurement import Measurement, Window


def test_each_has_examples_that_are_valid_and_its_probe_never_raises() -> None:
    assert list(source_types()) == sorted(source_types())
    for kind, model in source_types().items():
        assert model.examples, kind
        for example in model.examples:
            source = model.model_validate({"kind": kind, **example})
            probe = source.probe((Window(-60),), (0.5,), ("/healthz",))
            for text, code in (("", 0), ("", 124), ("garbage\nfile x\nlines 1", 0), ("file x\nunreadable y", 0)):
                answer = probe.parse(text, code)
                assert isinstance(answer, Measurement)
                assert answer.blind, (kind, text)
