"""Follow-ups as sites keep them: what one has is so, and what is damaged is counted."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from itertools import permutations

from lockstitch.facts.follow_ups import FollowUp, follow_ups, last_times, line_of, parse_follow, post_mortem

ADDED = FollowUp(
    "f-1", "r1", 'it\'s "x"\n', "ada", "2026-12-04T00:00:00Z", "https://example.com", "bob", "2026-11-29"
).event
ENDED = {"event": "follow done", "id": "f-1", "by": "eve", "at": "2026-11-30"}


def test_whatever_order_the_lines_of_several_sites_come_in_they_say_the_same() -> None:
    other = {**ADDED, "id": "f-2", "at": "2026-11-28"}
    for lines in permutations([ADDED, ADDED, ENDED, other]):
        text = "".join(f"line {line_of(line)}\n" for line in lines)
        known = follow_ups(parse_follow(text, 0).events)
        assert list(known) == ["f-2", "f-1"]
        assert (known["f-1"].closed, known["f-1"].closed_by, known["f-2"].closed) == ("2026-11-30", "eve", "")
        assert known["f-1"].event == ADDED


def test_a_duty_was_done_when_it_was_last_said() -> None:
    again = {**ENDED, "id": "review"}
    assert last_times([again, {**again, "at": "2026-12-30"}, {**again, "at": "2026-12-01"}]) == {"review": "2026-12-30"}
    assert follow_ups([again]) == {}


def test_what_is_damaged_or_unreadable_is_told() -> None:
    whole = line_of(ADDED)
    for cut in range(1, len(whole)):
        facts = parse_follow(f"line {whole}\nline {whole[:cut]}\n", 0)
        assert (len(facts.events), facts.damaged) == (1, 1), cut
    assert parse_follow("unreadable x: Permission denied\n", 0).unreadable == ("x: Permission denied",)
    assert parse_follow("", 9).unreadable
    assert parse_follow('line {"event":"follow"}\nline 7\n', 0).damaged == 2


def test_a_run_that_failed_makes_a_post_mortem() -> None:
    made = post_mortem("r1", "deploy", "put back", "ada@desk", datetime(2026, 11, 29, tzinfo=UTC))
    assert (made.id, made.due, made.owner) == ("pm-r1", "2026-12-04T00:00:00Z", "ada@desk")
    assert follow_ups([json.loads(line_of(made.event))])["pm-r1"] == made
