"""Service laravel: the check of what who deploys and who serves may write to, and the command to type."""

from __future__ import annotations

import grp
import os
import pwd
from pathlib import Path

from lockstitch.services.release_context import Unwritable
from tests.services.test_laravel import laravel, place, release
from tests.services.test_laravel_hosts import as_somebody, heard

__all__ = ["release"]


def test_what_who_serves_or_who_deploys_may_not_write_to_is_told(release: Path, tmp_path: Path) -> None:
    """php-fpm's user made the log with its own umask; and the other way round."""
    service, at = laravel(group="www-data"), place(tmp_path / "app")
    probe = service.rights(at)

    def looked() -> list[tuple[str, str, str]]:
        found = probe.parse(heard(probe.command, env).stdout, 0)
        assert found is not None
        return [(each.user, Path(each.path).name, each.mode) for each in found]

    me = pwd.getpwuid(os.getuid()).pw_name
    env = as_somebody(
        tmp_path,
        systemctl="echo 77",
        ps="echo other",
        id=f'case $1 in -un) echo {me} ;; -Gn) echo "${{GROUPS_OF_OTHER:-other}}" ;; esac',
    )
    assert probe.parse(heard(probe.command, env).stdout, 0) is None, "nothing is deployed: nothing is known"
    (tmp_path / "app/current").symlink_to("releases/2")
    log = release / "storage/logs/laravel.log"
    for folder in ("storage", "storage/logs", "bootstrap/cache"):
        (release / folder).chmod(0o777)
    log.chmod(0o644)
    assert looked() == [("other", "laravel.log", "644")]
    env["GROUPS_OF_OTHER"] = f"other {grp.getgrgid(log.stat().st_gid).gr_name}"
    assert looked() == [("other", "laravel.log", "644")], "its group may only read it"
    log.chmod(0o664)
    assert looked() == []
    log.chmod(0o666)
    (release / "storage/logs").chmod(0o700)
    assert looked() == [("other", "logs", "700")]
    (release / ".env").write_text("LOG_CHANNEL=stderr\n")
    assert looked() == [], "it logs elsewhere"
    (release / "storage").chmod(0o755)
    assert looked() == [("other", "storage", "755")]
    (release / "storage").chmod(0o777)
    cache = release / "bootstrap/cache"
    cache.chmod(0o755)
    assert looked() == [("other", "cache", "755")]
    service = laravel(group=None)
    probe = service.rights(at)
    assert looked() == [], "no group shares it: who deploys makes what is there"
    lines = (f"unwritable {me} www-data:www-data 644 {log}", "looked")
    (note,) = laravel().warnings(place(about=lines))
    assert f"{me} may not write to {log} (www-data:www-data, mode 644)" in note and "UMask=0002" in note


def test_the_command_for_what_may_not_be_written() -> None:
    def hint(owner: str, mode: str, path: str = "/app/shared/storage", group: str | None = "www-data") -> str:
        return laravel(group=group).rights_hint(Unwritable("deploy", path, owner, mode))

    fix = "sudo chgrp -R www-data /app/shared/storage && sudo chmod -R g+rwX /app/shared/storage"
    assert fix in hint("root:root", "755") and fix in hint("www-data:www-data", "2755")
    assert "usermod --append --groups www-data deploy" in hint("www-data:www-data", "2775")
    assert "chgrp -R GROUP '/app/a b'" in hint("root:root", "755", "/app/a b", None)


def test_the_user_of_a_pool_without_workers_is_read_from_its_file(release: Path, tmp_path: Path) -> None:
    """A pool that starts workers on demand has none now; where its user is not known either, nobody could look."""
    (tmp_path / "app/current").symlink_to("releases/2")
    conf, pool = tmp_path / "php-fpm.conf", tmp_path / "pool.d"
    pool.mkdir()
    conf.write_text(f"[global]\ninclude={pool}/*.conf\n")
    shown = f"{{ path=/usr/sbin/php-fpm8.2 ; argv[]=/usr/sbin/php-fpm8.2 --nodaemonize --fpm-config {conf} ; }}"
    env = as_somebody(
        tmp_path,
        systemctl=f'case "$*" in *MainPID*) echo 0 ;; *) echo "{shown}" ;; esac',
        id="case $1 in -un) echo me ;; -Gn) echo none ;; esac",
    )
    probe = laravel(group="www-data").rights(place(tmp_path / "app"))
    (release / "bootstrap/cache").chmod(0o755)
    assert probe.parse(heard(probe.command, env).stdout, 0) is None
    (pool / "www.conf").write_text("[www]\nuser = other\ngroup = other\n")
    found = probe.parse(heard(probe.command, env).stdout, 0)
    assert found and {each.user for each in found} == {"other"}
