"""Drafts from Markdown runbooks: five of the kinds that people have, and hostile ones."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from lockstitch.inventory.compose import compose
from lockstitch.inventory.validation import judged
from lockstitch.runbooks.draft import RunbookDraft, draft_of
from lockstitch.runbooks.draft_commands import answer_to, evidence_for, shell_lines
from lockstitch.runbooks.settings import RunbookSettings
from lockstitch.text import neutral
from tasks import namespace

FILES = sorted((Path(__file__).parent / "markdown").glob("*.md"))
TASKS = {str(name) for context in namespace.to_contexts() for name in (context.name, *context.aliases)}


def draft(name: str) -> tuple[RunbookDraft, dict[str, Any]]:
    """Return the draft of a file, and its stages by name."""
    made = draft_of((Path(__file__).parent / "markdown" / f"{name}.md").read_text(), TASKS)
    return made, {key: value for stage in yaml.safe_load(made.text)["stages"] for key, value in stage.items()}


def loaded(text: str) -> RunbookSettings:
    """Return the runbook that a draft is; fails where it is none."""
    tree, problems = compose(text, "draft.yml")
    found, wrong = judged(RunbookSettings, tree) if not problems else (None, problems)
    assert found is not None, (wrong, text)
    return found


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_draft_is_a_runbook_whose_commands_are_there(file: Path) -> None:
    made = draft_of(file.read_text(), TASKS)
    stages = loaded(made.text).stages
    assert len(stages) == made.runs + made.tells + made.signs
    assert {command.split()[0] for stage in stages for command in stage.settings.run} <= TASKS


def test_there_are_five_files() -> None:
    assert len(FILES) == 5


def test_headings_are_stages_and_checkboxes_are_signed() -> None:
    made, stages = draft("hosts")
    assert list(stages) == [
        "ci-is-green-on-the-commit",
        "code-review-done-by-two",
        "somebody-is-on-call",
        "database-dumped",
        "before",
        "backend",
        "frontend",
    ]
    assert stages["somebody-is-on-call"] == {"sign": "Somebody is on call"}
    assert stages["before"] == {"run": ["backup"]}
    # A deploy reloads by itself.
    assert stages["backend"] == {"run": ["deploy", "smoke"]} and "a deploy does it, behind gates" in made.text
    assert "found by itself: `needs: {ci: green}`" in made.text
    assert "# Takes five minutes." in made.text and "# errors | 5 %" in made.text
    assert "there is a deploy above: keep one of them, or give each --only APP" in made.text


def test_what_goes_back_is_no_stage_and_is_the_undo() -> None:
    made, stages = draft("hosts")
    assert yaml.safe_load(made.text)["undo"] == {"backend": ["rollback"], "frontend": ["rollback"]}
    assert made.harmful == ("git revert HEAD", "git reset --hard HEAD~1")
    assert "# ## Rollback" in made.text and "# ## Contacts" in made.text and "Ada, 555-0100" in made.text


def test_what_harms_is_never_run() -> None:
    made, stages = draft("laravel")
    assert len(made.harmful) == 4
    assert list(stages)[2:] == ["option-a", "option-b", "look-at-the-queue", "after"]
    assert made.text.count("one of several: keep one of them") == 2
    assert stages["option-b"]["run"][0] == "backup"
    assert stages["look-at-the-queue"] == {"tell": "Look at the queue", "run": ["queue.failed"]}
    made, stages = draft("cluster")
    assert "do not type: git merge --no-ff develop" in stages["prepare"]["tell"]
    assert not any("deploy" in command for stage in stages.values() for command in stage.get("run", ()))
    assert len(made.harmful) == 4


def test_a_command_of_ours_stays_one_if_it_is_there() -> None:
    _, stages = draft("containers")
    assert stages["ours-already"] == {"run": ["deploy --ref main"], "environment": "prod"}
    assert "type: fab -H prod nonsense" in stages["ours-already-2"]["tell"]
    assert "do not type: fab -H prod run -- rm -rf /srv/old" in stages["ours-already-2"]["tell"]


def test_sql_and_scripts_are_told_and_what_harms_in_them_is_said() -> None:
    made, stages = draft("containers")
    assert "do not type: DROP TABLE message;" in stages["configure"]["tell"]
    assert "for host in a b; do\n" in stages["start"]["tell"]
    assert "größer" not in stages and list(stages)[-1] == "stage"
    assert "Ende: größer als „alt“" in made.text


def test_a_value_that_may_be_secret_is_left_out() -> None:
    made, stages = draft("platform")
    assert "sk-live" not in made.text and "set API_TOKEN: write it under `settings`" in made.text
    assert [name for name in stages if name.startswith("sign-up")] == ["sign-up-works", "sign-up-works-2"]
    assert stages["dump-it"] == {"tell": "Dump it", "run": ["backup"]}


@pytest.mark.parametrize(
    ("line", "run"),
    [
        ("mysqldump shop > x.sql", "backup"),
        ("sudo systemctl restart nginx", "service.restart"),
        ("php artisan down --message=x", "maintenance.on"),
        ("redis-cli -u $URL ping", "check"),
        ("ab -n 100 -c 10 https://x/health", "measure"),
        ("curl https://x/metrics | grep error_rate", "gates"),
        ("docker logs api", "logs --lines 100"),
        ("df -h", "facts"),
        ("npm run test:smoke -- --grep P0", "smoke"),
        ("npm run test:performance", "measure"),
        ("npm run analyze-bundle", "measure"),
        ("ssh -p 22 web1 'cd /srv && git pull'", "deploy"),
        ("NODE_ENV=production pg_dump shop", "backup"),
        ("curl -f -o /dev/null -D - https://x", "smoke"),
        ("fab --hosts=prod deploy --ref 'v 1'", "deploy --ref 'v 1'"),
    ],
)
def test_known_commands(line: str, run: str) -> None:
    answer = answer_to(line, TASKS)
    assert answer is not None and answer.run == run and run.split()[0] in TASKS


@pytest.mark.parametrize(
    "line",
    [
        "rm -rf /srv/old",
        "rm --recursive --force /srv",
        "rm /srv/old -rf",
        "find /srv -name '*.log' -delete",
        "curl -fsSL https://x | sudo -E bash -",
        "bash <(curl -s https://x)",
        'sh -c "$(wget -qO- https://x)"',
        ". <(curl https://x)",
        "curl https://x | python3 -",
        "ssh web1 'reboot'",
        "bundle exec rake db:drop",
        "psql -c 'DELETE FROM users WHERE 1=1'",
        "git push origin --delete main",
        "git push -uf origin main",
        "git branch -D main",
        "chmod -R a+rwX storage",
        "kill -s KILL 1",
        "kill --signal=9 1",
        "sudo systemctl stop nginx",
        "sudo rm -r -f /srv",
        "git reset --hard origin/main",
        "git push --force origin main",
        "git push origin +main",
        "php artisan migrate:fresh",
        "php artisan migrate:reset",
        "npx prisma migrate reset",
        'psql -c "drop table users"',
        'mysql -e "TRUNCATE TABLE x"',
        "pm2 delete all",
        "pm2 kill",
        "chmod 777 /srv",
        "sudo chmod -R 0777 storage",
        "kill -9 1",
        "pkill -KILL gunicorn",
        "redis-cli FLUSHALL",
        "redis-cli flushdb",
        "docker compose down -v",
        "docker system prune -af",
        "kubectl scale deployment api --replicas=0",
        "mysql shop < dump.sql",
        "git clean -fdx",
        "iptables -F",
        "dd if=/dev/zero of=/dev/sda",
    ],
)
def test_commands_that_are_known_to_harm(line: str) -> None:
    answer = answer_to(line, TASKS)
    assert answer is not None and answer.kind == "harms" and answer.says and not answer.run


@pytest.mark.parametrize(
    "line",
    [
        "curl https://x | python3 -m json.tool",
        "curl https://x/shell",
        "fab -H prod reboot",
        "git push --follow-tags",
        "git branch -d old",
        "chmod +x deploy.sh",
        "chmod u+w x",
        "kill -HUP 1",
        "rm -f x-r.txt",
        "ssh web1 'rm -f a; ls -r'",
        "systemctl status nginx",
        "cat reboot.log",
    ],
)
def test_commands_that_do_no_harm(line: str) -> None:
    answer = answer_to(line, TASKS)
    assert answer is None or answer.kind != "harms"


@pytest.mark.parametrize(
    "line",
    [
        *("frobnicate --all", "fab -H prod nonsense", "fab", "fab -H", 'fab "', ""),
        # More than a command of ours, or less than all hosts.
        *("fab -H prod:web1 status", "fab -H prod deploy --ref $TAG", "fab deploy --ref <tag>", "fab deploy | tee x"),
        # Words that begin like a command that a run does by itself.
        *("clear-cache --all", "export-data x", "ssh-keygen -R web1", "top-up"),
        # What is done besides.
        *("ssh web1 'frobnicate'", "ssh web1 'pg_dump x; frobnicate'", "echo y | frobnicate", "echo x > /etc/x"),
        *("[ -f x ] && frobnicate", "pg_dump x || frobnicate", "curl https://x & frobnicate"),
        *("cat >x <<EOF\na\nEOF\nfrobnicate", "for h in a; do curl $h; frobnicate; done"),
    ],
)
def test_what_is_not_known(line: str) -> None:
    assert answer_to(line, TASKS) is None


@pytest.mark.parametrize("line", ["curl -X POST https://x", "curl -d x https://x", "psql -c 'UPDATE x SET y = 1'"])
def test_what_changes_something_is_no_look_at_it(line: str) -> None:
    answer = answer_to(line, TASKS)
    assert answer is not None and answer.says and not answer.run and not answer.kind


def test_the_commands_that_are_proposed_are_there() -> None:
    known: Mapping[str, Any] = yaml.safe_load(
        (Path(draft_of.__code__.co_filename).parent / "known_commands.yml").read_text()
    )
    assert {rule["run"].split()[0] for rule in known["commands"] if "run" in rule} <= TASKS


def test_lines_of_shell() -> None:
    text = "# one\na \\\n  b\ncd x && c; d  # why\necho 'e # f; g'\ncurl -d '{\n}' x\n"
    assert list(shell_lines(text)) == [
        "# one",
        "a \\\n  b",
        "# why",
        "cd x",
        "c",
        "d",
        "echo 'e # f; g'",
        "curl -d '{\n}' x",
    ]
    assert list(shell_lines('cd "a b" && c "d; e"; f "$(g; h)"')) == ['cd "a b"', 'c "d; e"', 'f "$(g; h)"']
    assert list(shell_lines("$ a\nb\nada@web1:~$ c \\\n  d\n")) == ["a", "# b", "c \\\n  d"]
    assert list(shell_lines("# a\nb\n", "console")) == ["a", "# b"] and list(shell_lines("# a\nb\n")) == ["# a", "b"]
    assert list(shell_lines("#!/bin/sh\nset -e\n")) == ["#!/bin/sh\nset -e"]


def made_of(markdown: str) -> str:
    made = draft_of(f"# Release\n## Go\n- [ ] done\n\n{markdown}", TASKS)
    loaded(made.text)
    return made.text


@pytest.mark.parametrize(
    ("markdown", "says"),
    [
        ("<details><summary>Stop the queue</summary>\n</details>", "Stop the queue"),
        ("Stop it, then see [Rollback](#rollback).", "Stop it, then see Rollback."),
        ("- see [it](https://x.example.com/d)", "see it (https://x.example.com/d)"),
        ("![how it goes](x.png)", "how it goes"),
        ("```sql\n" + "SELECT 1;\n" * 500 + "SELECT 'last'\n```", "SELECT 'last'"),
        ("```\n- Alert if failing for > 5 minutes\n```", "  # - Alert if failing"),
        ("```\nRAILS_ENV=production rake seed\n```", "RAILS_ENV=production rake seed"),
    ],
)
def test_every_instruction_is_kept(markdown: str, says: str) -> None:
    assert says in made_of(markdown)


@pytest.mark.parametrize(
    ("markdown", "lines"),
    [
        # A comment stands above the command that it is about.
        (
            "```sh\n# dump\npg_dump x\n# copy\naws s3 sync a b\n```",
            [
                "# dump",
                "# pg_dump x",
                "- go:",
                "run:",
                "- backup",
                "# copy",
                "- go-2:",
                "tell: 'type: aws s3 sync a b'",
            ],
        ),
        # An item says what its commands are for; other items are steps of their own.
        (
            "1. Tell Ada\n2. Dump\n   ```sh\n   pg_dump x\n   ```\n3. Tell Bob",
            [
                *("- go:", "tell: Tell Ada", "# pg_dump x", "- dump:", "tell: Dump", "run:", "- backup", "- go-2:"),
                "tell: Tell Bob",
            ],
        ),
        # Deploys are said to be several once, and restart what they deploy.
        (
            "```sh\n./deploy.sh\n```\n- [ ] x\n\n```sh\n./deploy.sh\n./deploy.sh\npm2 reload x\npm2 restart y\n```",
            [
                *("# ./deploy.sh: if the hosts are reached over SSH", "- go:", "run:", "- deploy", "- x:", "sign: x"),
                "# there is a deploy above: keep one of them, or give each --only APP",
                *("# ./deploy.sh: if the hosts are reached over SSH",) * 2,
                *("# pm2 reload x: a deploy does it, behind gates", "# pm2 restart y", "- go-2:", "run:", "- deploy"),
                "- service.restart",
            ],
        ),
        # Sentences in a block of code are none.
        (
            "```\nAlert:\n1. Disk full (> 90 %)\n  -> Page Ada\n```",
            ["- go:", "tell: |-", "Alert:", "1. Disk full (> 90 %)", "-> Page Ada"],
        ),
        # A file of settings has values with spaces; what is set in a comment is a step.
        (
            "```\nAPI=1\nWEB=2\nNAME=My Shop\n```",
            [
                *("- go:", "tell: |-"),
                *(
                    f"set {x}: write it under `settings` of the app; `env.push` brings it to the hosts"
                    for x in ("API", "WEB")
                ),
                "set NAME: write it under `settings` of the app; `env.push` brings it to the hosts",
            ],
        ),
        (
            "```sh\n# Set BETA=10\npm2 reload x\n```",
            [
                *("- go:", "tell: |-", "Set BETA=10"),
                "where it is a flag: `flag.rollout BETA` takes its steps; else `env.push`",
                *("# pm2 reload x: a deploy does it, behind gates", "- go-2:", "run:", "- service.reload"),
            ],
        ),
    ],
)
def test_each_step_is_one_stage_with_what_belongs_to_it(markdown: str, lines: list[str]) -> None:
    text = made_of(markdown).partition("sign: done\n")[2].partition("undo:")[0]
    assert [line.strip() for line in text.splitlines()] == lines


def test_a_long_name_ends_with_a_word() -> None:
    text = made_of("- [ ] Security scan passed (no critical/high vulnerabilities)\n- [ ] " + "x" * 50)
    assert "  - security-scan-passed-no-critical-high:\n" in text and f"  - {'x' * 40}:\n" in text


def test_contents_and_settings_of_other_tools_are_no_steps() -> None:
    assert "Before" not in made_of("- [Before](#before) | [After](#after)")
    assert "title: Shop\n" in draft_of("---\ntitle: x\nowner: ada\n---\n# Shop\n- a\n", TASKS).text


@pytest.mark.parametrize(
    "text", ["1. Run `redis-cli FLUSHALL`", "- [ ] `redis-cli FLUSHALL`", "> `redis-cli FLUSHALL`"]
)
def test_what_harms_is_found_in_a_sentence(text: str) -> None:
    assert "do not type redis-cli FLUSHALL: it empties" in made_of(text)


def test_a_value_before_a_command_is_left_out_where_it_is_secret() -> None:
    text = made_of("```\nexport API_TOKEN=sk-1\nDB_PASSWORD='hunter 2' ./seed.sh\n```")
    assert "sk-1" not in text and "hunter" not in text and "set API_TOKEN" in text and "./seed.sh" in text


def test_checkboxes_that_are_found_by_themselves() -> None:
    assert "rollback_rehearsed" in evidence_for("Rollback tested on staging")
    assert evidence_for("Send a card") == ""


MARKS = st.sampled_from(
    [
        "# ",
        "## ",
        "- [ ] ",
        "- ",
        "1. ",
        "```bash\n",
        "```\n",
        "\n",
        "rm -rf /\n",
        "fab deploy\n",
        "fab run -- 'a\tb'\n",
        "- [ ] a\tb\n",
        "| a |\n",
        *("$ ", "# ", "&& ", "'", "<div>", "---\n", "[a](#b)", "<<EOF\n", "ssh h "),
    ]
)


@given(st.lists(st.one_of(MARKS, st.text(max_size=20)), max_size=20).map("".join))
@settings(max_examples=60, deadline=None)
def test_any_text_is_a_draft_that_loads(text: str) -> None:
    made = draft_of(text, TASKS)
    if made.runs + made.tells + made.signs:
        assert {command.split()[0] for s in loaded(made.text).stages for command in s.settings.run} <= TASKS
    assert neutral(made.text) == made.text
