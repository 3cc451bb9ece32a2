"""Copies of backups elsewhere: compared where they are, and never half a backup that looks like one."""

from __future__ import annotations

import fcntl
import hashlib
import io
import json
import logging
import os
import shutil
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from botocore.loaders import JSONFileLoader
from hypothesis import given
from hypothesis import strategies as st
from moto.server import ThreadedMotoServer

from lockstitch.databases.backup import MANIFEST, BackupDirectory
from lockstitch.databases.backup_directory import BEGIN, CHECK, FINISH
from lockstitch.databases.engine import in_vault
from lockstitch.engine.offsite import Bucket, StoreError, bucket_of, fetch, push_to_bucket, push_to_host, s3
from lockstitch.engine.offsite.manifest import parse
from lockstitch.engine.offsite.source import BackupSource
from lockstitch.errors import CheckError, ExitCode, HostLostError, LockstitchError, UsageError
from lockstitch.inventory.database import OffsiteSettings
from lockstitch.model.command import Command, Secret
from lockstitch.model.host import Address, Host
from lockstitch.model.plan import Script, Step
from lockstitch.remote import FileError
from tests.local import LocalRemote

DB1, FAR = Host("db1", Address("db1")), Host("far", Address("far"))
NAME = "main-20261120T020000Z-1a2b"
VAULT = "backups"
FOLDER = {
    "database/toc.dat": b"toc" * 1000,
    "database/3001.dat.gz": os.urandom(300_000),
    "database/blobs/blob_1.dat": b"",
}


@pytest.fixture
def remote(tmp_path: Path) -> LocalRemote:
    return LocalRemote(tmp_path / "hosts")


def stored(remote: LocalRemote, name: str = NAME) -> BackupSource:
    return BackupSource(remote, DB1, VAULT, name)


def lines_of(files: dict[str, bytes]) -> list[str]:
    return [
        f'{{"name":"{name}","bytes":{len(data)},"sha256":"{hashlib.sha256(data).hexdigest()}"}}'
        for name, data in sorted(files.items())
    ]


def manifest_of(files: dict[str, bytes], name: str = NAME) -> bytes:
    lines = lines_of(files)
    whole = hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()
    head = json.dumps({"lockstitch": 1, "name": name, "sha256": whole}, separators=(",", ":"))[:-1]
    text = "\n".join([f"{head},", '"contents":{', '},"files":[', ",\n".join(lines), ""])
    return f'{text}],"seal":"{hashlib.sha256(text.encode()).hexdigest()}"}}\n'.encode()


def resealed(raw: bytes) -> bytes:
    text = raw[: raw.index(b'],"seal"')]
    return text + b'],"seal":"%s"}\n' % hashlib.sha256(text).hexdigest().encode()


@pytest.fixture
def backup(remote: LocalRemote) -> Callable[..., Path]:
    """Makes a backup on db1."""

    def make(files: dict[str, bytes] = FOLDER, name: str = NAME) -> Path:
        place = remote.home("db1") / VAULT / name
        for file, data in files.items():
            (place / file).parent.mkdir(parents=True, exist_ok=True)
            (place / file).write_bytes(data)
        (place / MANIFEST).write_bytes(manifest_of(files, name))
        return place

    return make


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


class Told:
    """What was told of the progress, which only ever grows."""

    def __init__(self) -> None:
        self.said: list[tuple[str, int, int]] = []

    def __call__(self, name: str, done: int, in_all: int) -> None:
        assert not self.said or self.said[-1][1] <= done <= in_all
        self.said.append((name, done, in_all))

    @property
    def finished(self) -> bool:
        return self.said[-1][1] == self.said[-1][2]


# The manifest


def test_the_manifest_that_a_host_writes_is_understood(remote: LocalRemote) -> None:
    made = 'mkdir database; printf one >database/1.dat; printf "%s" "two words" >database/toc.dat; : >tables; echo 5 >size; echo 15.4 >server; cp server tool; echo 2026-01-01T00:00:00Z >at\n'
    variables = {"known": f'{{"lockstitch":1,"name":"{NAME}"'}
    command = in_vault(BackupDirectory(VAULT, "main"), NAME, f"(\n{BEGIN}{made}{FINISH})", variables)
    (result,) = remote.run(DB1, Script((Step("dump", "", command),)))
    assert result.ok, result.output
    manifest = stored(remote).manifest()
    assert [(file.name, file.bytes) for file in manifest.files] == [("database/1.dat", 3), ("database/toc.dat", 9)]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda raw: raw[:-20], "cannot be read: it is cut off or was changed"),
        (lambda raw: b"", "cannot be read"),
        (lambda raw: b"[" * 100_000, "cannot be read"),
        (lambda raw: b"\xff\xfe", "cannot be read"),
        (lambda raw: b'{"name":"x","sha256":"y","files":{}}', "is that of another backup"),
        (lambda raw: raw.replace(b'"bytes":3000', b'"bytes":3001'), "was changed: its seal is not that of its lines"),
        (lambda raw: resealed(raw.replace(b'"bytes":3000', b'"bytes":3001')), "was changed: its files are not those"),
        (lambda raw: raw.replace(b"\n", b"\n\n", 1), "was changed: its seal is not that of its lines"),
        (lambda raw: raw.replace(b'"bytes":3000', b'"bytes":true'), "cannot be read"),
        (lambda raw: raw.replace(NAME.encode(), b"another"), "is that of another backup"),
        (lambda raw: manifest_of({}), "names no files"),
        (lambda raw: manifest_of({"/etc/passwd": b""}), "names a file that is none of a backup: '/etc/passwd'"),
        (lambda raw: manifest_of({"database/../../x": b""}), "names a file that is none of a backup"),
        (lambda raw: manifest_of({"..": b""}), "names a file that is none of a backup"),
        (lambda raw: manifest_of({"a//b": b""}), "names a file that is none of a backup"),
        (lambda raw: manifest_of({MANIFEST: b""}), "names a file that is none of a backup"),
        (lambda raw: manifest_of({".hidden": b""}), "names a file that is none of a backup"),
    ],
)
def test_a_manifest_that_cannot_be_relied_on_is_refused(
    remote: LocalRemote, backup: Callable[..., Path], tmp_path: Path, change: Callable[[bytes], bytes], says: str
) -> None:
    place = backup()
    (place / MANIFEST).write_bytes(change((place / MANIFEST).read_bytes()))
    with pytest.raises(CheckError) as error:
        fetch(stored(remote), tmp_path / "to", Told())
    assert error.value.message.startswith(f"db1: the manifest of {NAME} {says}")
    assert not (tmp_path / "to").exists()


@given(st.text(max_size=40))
def test_no_name_leads_out_of_the_folder(name: str) -> None:
    try:
        (file,) = parse(manifest_of({name: b""}), NAME).files
    except ValueError:
        return
    assert not Path(file.name).is_absolute() and ".." not in Path(file.name).parts and file.name.isprintable()


@pytest.mark.parametrize("name", ["../x", "", "a/b", "-rf", ".hidden"])
def test_a_backup_is_a_name(remote: LocalRemote, tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="is not the name of a backup"):
        fetch(stored(remote, name), tmp_path, Told())


def test_a_backup_that_is_not_there(remote: LocalRemote, tmp_path: Path) -> None:
    with pytest.raises(CheckError, match=f"db1: there is no backup {NAME} in backups") as error:
        fetch(stored(remote), tmp_path, Told())
    assert error.value.hint == "fab -H ENV backup.list"


# Fetching


@pytest.mark.parametrize("files", [FOLDER, {"database.dump": os.urandom(3_000_000)}, {"database.dump": b""}])
def test_fetch(remote: LocalRemote, backup: Callable[..., Path], tmp_path: Path, files: dict[str, bytes]) -> None:
    place, told = backup(files), Told()
    target = fetch(stored(remote), tmp_path / "a/b", told)
    assert target == tmp_path / "a/b" / NAME and contents(target) == contents(place)
    assert [path.name for path in target.parent.iterdir()] == [NAME]
    for path in [target, *target.rglob("*")]:
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600)
    assert told.finished and told.said[-1][2] == sum(map(len, files.values()))


def damaged(place: Path, how: str) -> None:
    file = place / "database/3001.dat.gz"
    match how:
        case "flipped":
            flip(file)
        case "longer":
            file.write_bytes(file.read_bytes() + b"x")
        case "shorter":
            file.write_bytes(file.read_bytes()[:-1])
        case "gone":
            file.unlink()


@pytest.mark.parametrize("how", ["flipped", "longer", "shorter", "gone"])
def test_a_damaged_backup_is_not_fetched(
    remote: LocalRemote, backup: Callable[..., Path], tmp_path: Path, how: str
) -> None:
    damaged(backup(), how)
    with pytest.raises((CheckError, FileError), match=r"db1: (there is no )?.*3001\.dat\.gz"):
        fetch(stored(remote), tmp_path / "to", Told())
    assert list((tmp_path / "to").iterdir()) == []


@pytest.mark.parametrize("after", [0, 1, 100_000])
def test_a_host_that_is_lost_leaves_nothing(
    remote: LocalRemote, backup: Callable[..., Path], tmp_path: Path, after: int
) -> None:
    backup()
    remote.cuts.append(lambda host, path, mode: after if path.endswith("3001.dat.gz") else None)
    with pytest.raises(HostLostError):
        fetch(stored(remote), tmp_path / "to", Told())
    assert list((tmp_path / "to").iterdir()) == []
    remote.cuts.clear()
    assert fetch(stored(remote), tmp_path / "to", Told()).is_dir()


def test_what_is_there_is_not_touched(remote: LocalRemote, backup: Callable[..., Path], tmp_path: Path) -> None:
    backup()
    (tmp_path / NAME).mkdir()
    with pytest.raises(UsageError, match="is there already"):
        fetch(stored(remote), tmp_path, Told())
    shutil.rmtree(tmp_path / NAME)
    (tmp_path / NAME).symlink_to("nowhere")
    with pytest.raises(UsageError, match="is there already"):
        fetch(stored(remote), tmp_path, Told())


def test_what_a_dead_fetch_left_is_removed(remote: LocalRemote, backup: Callable[..., Path], tmp_path: Path) -> None:
    place = backup()
    (tmp_path / "to" / f".{NAME}.part/database/old").mkdir(parents=True)
    (tmp_path / "to" / f".{NAME}.part/link").symlink_to(tmp_path)
    assert contents(fetch(stored(remote), tmp_path / "to", Told())) == contents(place)
    assert tmp_path.is_dir()


def test_a_link_that_is_swapped_in_while_it_is_fetched(
    remote: LocalRemote, backup: Callable[..., Path], tmp_path: Path
) -> None:
    backup()
    to, victim = tmp_path / "to", tmp_path / "victim"
    (victim / "database").mkdir(parents=True)

    def swap(host: Host, path: str, mode: str) -> None:
        part = to / f".{NAME}.part"
        if path.endswith("3001.dat.gz"):
            part.rename(tmp_path / "away")
            part.symlink_to(victim)

    remote.cuts.append(swap)
    with pytest.raises(CheckError, match="cannot be fetched"):
        fetch(stored(remote), to, Told())
    assert list(victim.rglob("*")) == [victim / "database"]


def test_a_part_that_is_a_link_is_not_followed(
    remote: LocalRemote, backup: Callable[..., Path], tmp_path: Path
) -> None:
    backup()
    (tmp_path / "victim").mkdir()
    (tmp_path / "victim" / "mine").write_text("mine")
    (tmp_path / f".{NAME}.part").symlink_to(tmp_path / "victim")
    with pytest.raises(CheckError, match="cannot be fetched"):
        fetch(stored(remote), tmp_path, Told())
    assert (tmp_path / "victim" / "mine").read_text() == "mine"


def test_two_fetches_at_once(remote: LocalRemote, backup: Callable[..., Path], tmp_path: Path) -> None:
    backup()
    part = tmp_path / f".{NAME}.part"
    part.mkdir()
    descriptor = os.open(part, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        with pytest.raises(UsageError, match="somebody is fetching it already"):
            fetch(stored(remote), tmp_path, Told())
    finally:
        os.close(descriptor)
    assert part.is_dir()


def test_too_little_room_here(
    remote: LocalRemote, backup: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup()
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(1, 1, 1000))
    with pytest.raises(CheckError, match="has room for"):
        fetch(stored(remote), tmp_path / "to", Told())
    assert list((tmp_path / "to").iterdir()) == []


def test_a_folder_that_is_a_file(remote: LocalRemote, backup: Callable[..., Path], tmp_path: Path) -> None:
    backup()
    (tmp_path / "file").write_text("")
    with pytest.raises(CheckError, match="cannot be fetched"):
        fetch(stored(remote), tmp_path / "file", Told())


# A bucket


KEY, SECRET = Secret("AKIAIOSFODNN7EXAMPLE"), Secret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")


@pytest.fixture(scope="session")
def moto() -> Iterator[str]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    # Every client reads the megabytes that describe its service: once will do.
    read = JSONFileLoader.load_file
    loaded = cache(lambda path: read(JSONFileLoader(), path))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(JSONFileLoader, "load_file", lambda self, path: loaded(path))
        yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def client(moto: str) -> Any:
    made = boto3.client(
        "s3", endpoint_url=moto, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x"
    )
    made.create_bucket(Bucket="store")
    yield made
    for entry in made.list_objects_v2(Bucket="store").get("Contents", ()):
        made.delete_object(Bucket="store", Key=entry["Key"])
    made.delete_bucket(Bucket="store")
    made.close()


@pytest.fixture
def bucket(moto: str, client: Any) -> Bucket:
    return Bucket("store", "some/prefix/", moto, "us-east-1", KEY, SECRET, insecure=True)


def objects(client: Any) -> dict[str, bytes]:
    found = client.list_objects_v2(Bucket="store").get("Contents", ())
    return {o["Key"]: client.get_object(Bucket="store", Key=o["Key"])["Body"].read() for o in found}


def pushed_of(place: Path) -> dict[str, bytes]:
    return {f"some/prefix/{NAME}/{name}": data for name, data in contents(place).items()}


@pytest.mark.parametrize("files", [FOLDER, {"database.dump": os.urandom(20 << 20)}, {"database.dump": b""}])
def test_push_to_a_bucket(
    remote: LocalRemote, backup: Callable[..., Path], bucket: Bucket, client: Any, files: dict[str, bytes]
) -> None:
    place, told = backup(files), Told()
    pushed = push_to_bucket(stored(remote), bucket, told)
    assert objects(client) == pushed_of(place) and told.finished
    assert (pushed.files, pushed.sent, pushed.already) == (len(files), len(files), False)
    assert pushed.where.endswith(f"some/prefix/{NAME}")


@pytest.mark.parametrize("size", [8 << 20, (8 << 20) + 1, 16 << 20])
def test_a_dump_of_whole_parts(
    remote: LocalRemote, backup: Callable[..., Path], bucket: Bucket, client: Any, size: int
) -> None:
    place = backup({"database.dump": b"x" * size})
    push_to_bucket(stored(remote), bucket, Told())
    assert objects(client) == pushed_of(place)


def test_a_second_push_says_so_and_reads_nothing_of_the_host_but_the_manifest(
    remote: LocalRemote, backup: Callable[..., Path], bucket: Bucket
) -> None:
    backup()
    push_to_bucket(stored(remote), bucket, Told())
    remote.opened.clear()
    told = Told()
    again = push_to_bucket(stored(remote), bucket, told)
    assert again.already and again.sent == 0 and told.finished
    assert [Path(path).name for _, path, _ in remote.opened] == [MANIFEST]


def test_a_proof_is_taken_over(remote: LocalRemote, backup: Callable[..., Path], bucket: Bucket, client: Any) -> None:
    place = backup()
    push_to_bucket(stored(remote), bucket, Told())
    head, rest = (place / MANIFEST).read_text().split("\n", 1)
    (place / MANIFEST).write_text(f'{head}\n"proven":{{"at":"2026-11-21T00:00:00Z"}},\n{rest}')
    again = push_to_bucket(stored(remote), bucket, Told())
    assert not again.already and again.sent == 0 and objects(client) == pushed_of(place)


@pytest.mark.parametrize("how", ["flipped", "longer", "shorter", "gone"])
def test_a_damaged_backup_is_not_pushed(
    remote: LocalRemote, backup: Callable[..., Path], bucket: Bucket, client: Any, how: str
) -> None:
    damaged(backup(), how)
    with pytest.raises((CheckError, FileError), match=r"3001\.dat\.gz"):
        push_to_bucket(stored(remote), bucket, Told())
    assert not any(key.endswith(("manifest.json", "3001.dat.gz")) for key in objects(client))


@pytest.mark.parametrize("after", [0, 1000, 9 << 20, 17 << 20])
def test_a_push_that_is_cut_off_goes_on(
    remote: LocalRemote, backup: Callable[..., Path], bucket: Bucket, client: Any, after: int
) -> None:
    place = backup({"database/1.dat": b"first", "database/2.dat": os.urandom(18 << 20)})
    remote.cuts.append(lambda host, path, mode: after if path.endswith("2.dat") else None)
    with pytest.raises(HostLostError) as error:
        push_to_bucket(stored(remote), bucket, Told())
    assert error.value.hint == "type it again: what is there whole is not sent again"
    assert list(objects(client)) == [f"some/prefix/{NAME}/database/1.dat"]
    assert "Uploads" not in client.list_multipart_uploads(Bucket="store")
    remote.cuts.clear()
    pushed = push_to_bucket(stored(remote), bucket, Told())
    assert pushed.sent == 1 and objects(client) == pushed_of(place)


def tampering(client: Any, monkeypatch: pytest.MonkeyPatch, which: str) -> None:
    """Whatever is written to a key that ends like that is changed at the far end at once."""
    write = s3.Store.write

    def written(self: s3.Store, key: str, stream: Any, size: int) -> None:
        write(self, key, stream, size)
        if key.endswith(which):
            data = bytearray(client.get_object(Bucket="store", Key=key)["Body"].read())
            data[0] ^= 1
            client.put_object(Bucket="store", Key=key, Body=bytes(data))

    monkeypatch.setattr(s3.Store, "write", written)


@pytest.mark.parametrize("which", ["toc.dat", MANIFEST])
def test_what_changes_at_the_far_end_is_noticed(
    remote: LocalRemote,
    backup: Callable[..., Path],
    bucket: Bucket,
    client: Any,
    monkeypatch: pytest.MonkeyPatch,
    which: str,
) -> None:
    backup()
    with monkeypatch.context() as patched:
        tampering(client, patched, which)
        with pytest.raises(CheckError, match="read back, its SHA-256 differs") as error:
            push_to_bucket(stored(remote), bucket, Told())
    assert which in error.value.message and error.value.exit_code == ExitCode.CHECK_SAID_NO
    if which != MANIFEST:
        assert not any(key.endswith(MANIFEST) for key in objects(client))
    assert push_to_bucket(stored(remote), bucket, Told()).sent == (which != MANIFEST)


def test_a_copy_that_rotted_is_sent_again(
    remote: LocalRemote, backup: Callable[..., Path], bucket: Bucket, client: Any
) -> None:
    place = backup()
    push_to_bucket(stored(remote), bucket, Told())
    client.put_object(Bucket="store", Key=f"some/prefix/{NAME}/database/toc.dat", Body=b"rotten")
    pushed = push_to_bucket(stored(remote), bucket, Told())
    assert pushed.sent == 1 and not pushed.already and objects(client) == pushed_of(place)


def test_another_backup_of_that_name_is_not_touched(
    remote: LocalRemote, backup: Callable[..., Path], bucket: Bucket, client: Any
) -> None:
    backup({"database.dump": b"one"})
    push_to_bucket(stored(remote), bucket, Told())
    before = objects(client)
    backup({"database.dump": b"another"})
    with pytest.raises(CheckError, match=f"has another backup called some/prefix/{NAME}"):
        push_to_bucket(stored(remote), bucket, Told())
    assert objects(client) == before


def test_constant_memory(remote: LocalRemote, backup: Callable[..., Path], bucket: Bucket, tmp_path: Path) -> None:
    backup({"database.dump": b"x" * (192 << 20)})
    chunks: list[int] = []

    class Nowhere:
        """Takes what it is given and forgets it, as a far store does."""

        def __init__(self, stream: Any, *where: str, **options: Any) -> None:
            while data := stream.read(options["Config"].multipart_chunksize):
                chunks.append(len(data))

    there = s3.Store(bucket)
    there._client.upload_fileobj = Nowhere
    source = stored(remote)
    (file,) = source.manifest().files
    tracemalloc.start()
    try:
        with source.open(file, lambda more: None) as stream:
            there.write("key", stream, file.bytes)
        assert tracemalloc.get_traced_memory()[1] < 40 << 20
    finally:
        tracemalloc.stop()
    assert sum(chunks) == 192 << 20


def test_the_biggest_dump_has_no_more_parts_than_s3_takes(bucket: Bucket) -> None:
    there, said = s3.Store(bucket), []
    there._client.upload_fileobj = lambda *what, Config: said.append(Config.multipart_chunksize)
    for size in (0, 1 << 30, 1 << 40, 5 << 40):
        there.write("key", None, size)
        assert size / said[-1] < 10_000
    assert said[:2] == [8 << 20] * 2


@pytest.mark.parametrize(
    ("change", "kind", "says"),
    [
        ({"name": "nobodys"}, UsageError, "bucket nobodys at http://127.0.0.1:"),
        ({"endpoint": "http://127.0.0.1:1"}, StoreError, "Could not connect to the endpoint URL"),
        ({"endpoint": "no url"}, UsageError, "Invalid endpoint: no url"),
        ({"insecure": False}, UsageError, "is http://, where all can read the dumps along"),
    ],
)
def test_a_store_that_does_not_do(
    remote: LocalRemote,
    backup: Callable[..., Path],
    bucket: Bucket,
    monkeypatch: pytest.MonkeyPatch,
    change: dict[str, str],
    kind: type[LockstitchError],
    says: str,
) -> None:
    monkeypatch.setattr("lockstitch.engine.offsite.s3._RETRIES", {"mode": "standard", "max_attempts": 1})
    backup()
    with pytest.raises(kind) as error:
        push_to_bucket(stored(remote), Bucket(**{**vars(bucket), **change}), Told())
    assert says in error.value.message and error.value.hint and error.value.__suppress_context__


def test_an_endpoint_from_the_environment_is_judged_like_a_written_one(
    moto: str, client: Any, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", moto)
    with pytest.raises(UsageError, match="is http://, where all can read") as refused:
        s3.Store(Bucket("store", region="us-east-1", key=KEY, secret=SECRET))
    assert "insecure: true" in refused.value.hint
    with s3.Store(Bucket("store", region="us-east-1", key=KEY, secret=SECRET, insecure=True)) as there:
        there.write("key", io.BytesIO(b"x"), 1)
    assert OffsiteSettings.model_validate({"bucket": "abc", "endpoint": moto, "insecure": True}).insecure


def test_no_error_shows_a_key(
    remote: LocalRemote, backup: Callable[..., Path], bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    from botocore.exceptions import ClientError

    backup()
    shown = f"the key {KEY.reveal()} does not exist, nor does {SECRET.reveal()}"

    def refuse(self: s3.Store, key: str) -> None:
        raise ClientError({"Error": {"Code": "InvalidAccessKeyId", "Message": shown}}, "GetObject")

    monkeypatch.setattr(s3.Store, "_body", refuse)
    for one in (bucket, Bucket(**{**vars(bucket), "key": None, "secret": None})):
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY.reveal())
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET.reveal())
        with pytest.raises(StoreError) as error:
            push_to_bucket(stored(remote), one, Told())
        assert "refuses us: InvalidAccessKeyId: the key *** does not exist, nor does ***" in error.value.message
        assert error.value.exit_code == ExitCode.UNREACHABLE and "s3:GetObject" in error.value.hint
    assert KEY.reveal() not in repr(bucket) and SECRET.reveal() not in str(bucket)


def test_no_log_shows_a_key(
    remote: LocalRemote, backup: Callable[..., Path], bucket: Bucket, caplog: pytest.LogCaptureFixture
) -> None:
    backup()
    with caplog.at_level(logging.DEBUG):
        push_to_bucket(stored(remote), bucket, Told())
    assert KEY.reveal() not in caplog.text and SECRET.reveal() not in caplog.text


def test_without_credentials(
    remote: LocalRemote, backup: Callable[..., Path], bucket: Bucket, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    backup()
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(UsageError, match="Unable to locate credentials") as error:
        push_to_bucket(stored(remote), Bucket("store", endpoint=bucket.endpoint, insecure=True), Told())
    assert "AWS_PROFILE" in error.value.hint
    monkeypatch.setenv("AWS_PROFILE", "none-of-mine")
    with pytest.raises(StoreError, match="none-of-mine"):
        push_to_bucket(stored(remote), Bucket("store", endpoint=bucket.endpoint, insecure=True), Told())


def test_without_boto3(
    remote: LocalRemote, backup: Callable[..., Path], bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup()
    for name in [name for name in sys.modules if name.partition(".")[0] in ("boto3", "botocore")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(UsageError, match="boto3, which is not installed") as error:
        push_to_bucket(stored(remote), bucket, Told())
    assert error.value.hint == "pip install 'lockstitch[s3]'"


def test_boto3_is_imported_only_when_it_is_needed() -> None:
    import subprocess

    said = subprocess.run(
        [sys.executable, "-c", "import sys, lockstitch.engine.offsite; print('boto3' in sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[3],
    )
    assert said.stdout == "False\n"


def test_what_an_inventory_says_of_a_bucket(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THE_KEY", "id")
    monkeypatch.setenv("THE_SECRET", "word")
    settings = OffsiteSettings.model_validate(
        {"bucket": "store", "prefix": "p", "region": "eu-west-1", "key": "env:THE_KEY", "secret": "env:THE_SECRET"}
    )
    assert bucket_of(settings) == Bucket("store", "p", None, "eu-west-1", Secret("id"), Secret("word"))
    assert bucket_of(OffsiteSettings.model_validate({"bucket": "store"})) == Bucket("store")
    assert Bucket("store").place("a", "b") == "a/b" and Bucket("store", "/p/q/").place("a") == "p/q/a"


@pytest.mark.parametrize(
    ("written", "key", "says"),
    [
        ({}, "", "name either a bucket or a host"),
        ({"bucket": "abc", "host": "far", "directory": "x"}, "", "name either a bucket or a host, not both"),
        ({"host": "far"}, "", "a host needs a directory"),
        ({"bucket": "abc", "directory": "x"}, "directory", "that is of a host"),
        ({"host": "far", "directory": "x", "region": "r"}, "region", "that is of a bucket"),
        ({"bucket": "abc", "key": "env:A"}, "key", "key and secret are given both"),
        ({"bucket": "abc", "endpoint": "http://store.example.com"}, "endpoint", "insecure: true"),
        ({"bucket": "abc", "endpoint": "http://127.0.0.1:9000"}, "endpoint", "insecure: true"),
        ({"host": "far", "directory": "x", "insecure": True}, "insecure", "that is of a bucket"),
    ],
)
def test_an_inventory_names_one_of_the_two(written: dict[str, Any], key: str, says: str) -> None:
    from pydantic import ValidationError

    with pytest.raises(ValidationError) as error:
        OffsiteSettings.model_validate(written)
    assert error.value.errors()[0]["ctx"]["key"] == key and says in error.value.errors()[0]["msg"]


@pytest.mark.parametrize("prefix", ["/x", "../x", "a/./b", "a\nb"])
def test_no_prefixes(prefix: str) -> None:
    with pytest.raises(ValueError, match="cannot be a folder in a bucket"):
        OffsiteSettings.model_validate({"bucket": "abc", "prefix": prefix})


# Another host


def far(remote: LocalRemote) -> Path:
    return remote.home("far") / "copies of db1"


def push(remote: LocalRemote, told: Told | None = None) -> Any:
    return push_to_host(stored(remote), FAR, "copies of db1", told or Told())


@pytest.mark.parametrize("files", [FOLDER, {"database.dump": os.urandom(3_000_000)}, {"database.dump": b""}])
def test_push_to_a_host(remote: LocalRemote, backup: Callable[..., Path], files: dict[str, bytes]) -> None:
    place, told = backup(files), Told()
    pushed = push(remote, told)
    assert contents(far(remote)) == {f"{NAME}/{name}": data for name, data in contents(place).items()}
    assert told.finished and pushed.sent == len(files) and not pushed.already
    assert pushed.where == f"far: copies of db1/{NAME}"
    for path in far(remote).rglob("*"):
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600)
    check = Command(f"(\n{CHECK})", values={"directory": "copies of db1", "name": NAME})
    (result,) = remote.run(FAR, Script((Step("check", "", check),)))
    assert result.ok, result.output


def test_a_second_push_to_a_host_says_so(remote: LocalRemote, backup: Callable[..., Path]) -> None:
    place = backup()
    push(remote)
    again = push(remote)
    assert again.already and again.sent == 0
    head, rest = (place / MANIFEST).read_text().split("\n", 1)
    (place / MANIFEST).write_text(f'{head}\n"proven":{{"at":"2026-11-21T00:00:00Z"}},\n{rest}')
    renewed = push(remote)
    assert not renewed.already and renewed.sent == 0
    assert contents(far(remote) / NAME) == contents(place) and push(remote).already


@pytest.mark.parametrize("how", ["flipped", "longer", "shorter", "gone"])
def test_a_damaged_backup_is_not_pushed_to_a_host(remote: LocalRemote, backup: Callable[..., Path], how: str) -> None:
    damaged(backup(), how)
    with pytest.raises((CheckError, FileError), match=r"3001\.dat\.gz"):
        push(remote)
    assert list(far(remote).iterdir()) == []


@pytest.mark.parametrize("which", [DB1, FAR])
@pytest.mark.parametrize("after", [0, 1000])
def test_either_host_is_lost(remote: LocalRemote, backup: Callable[..., Path], which: Host, after: int) -> None:
    place = backup()
    remote.cuts.append(lambda host, path, mode: after if host == which and path.endswith("3001.dat.gz") else None)
    with pytest.raises(HostLostError, match=which.name) as error:
        push(remote)
    assert error.value.hint == "nothing on far looks like a backup of that name; type it again"
    assert list(far(remote).iterdir()) == []
    remote.cuts.clear()
    push(remote)
    assert contents(far(remote) / NAME) == contents(place)


def test_the_far_host_stays_lost_and_the_next_push_removes_what_it_left(
    remote: LocalRemote, backup: Callable[..., Path]
) -> None:
    place = backup()
    remote.cuts.append(lambda host, path, mode: 10 if host == FAR else None)

    def gone(host: Host, script: Script) -> None:
        if script.steps[0].name == "remove what arrived":
            raise HostLostError("far", "the connection dropped")

    remote.faults.append(gone)
    with pytest.raises(HostLostError):
        push(remote)
    assert [path.name for path in far(remote).iterdir()] == [f".{NAME}.part"]
    remote.cuts.clear()
    push(remote)
    assert contents(far(remote)) == {f"{NAME}/{name}": data for name, data in contents(place).items()}


def test_what_changes_on_the_far_host_is_noticed(remote: LocalRemote, backup: Callable[..., Path]) -> None:
    backup()

    def tamper(host: Host, script: Script) -> None:
        if script.steps[0].name == "compare and name it":
            flip(far(remote) / f".{NAME}.part/database/toc.dat")

    remote.faults.append(tamper)
    with pytest.raises(CheckError, match="what arrived is not what was sent") as error:
        push(remote)
    assert "database/toc.dat: FAILED" in error.value.message
    assert list(far(remote).iterdir()) == []


@pytest.mark.parametrize("how", ["rotten", "file", "half"])
def test_what_is_there_and_is_not_this_backup_is_not_touched(
    remote: LocalRemote, backup: Callable[..., Path], how: str
) -> None:
    backup()
    push(remote)
    match how:
        case "rotten":
            flip(far(remote) / NAME / "database/toc.dat")
        case "file":
            shutil.rmtree(far(remote) / NAME)
            (far(remote) / NAME).write_text("")
        case "half":
            (far(remote) / NAME / "database/toc.dat").unlink()
    before = contents(far(remote))
    with pytest.raises(CheckError, match="is there already, and is not this backup"):
        push(remote)
    assert contents(far(remote)) == before


def test_a_host_is_not_its_own_offsite(remote: LocalRemote, backup: Callable[..., Path]) -> None:
    backup()
    with pytest.raises(UsageError, match="db1 holds the backup itself"):
        push_to_host(stored(remote), DB1, "copies", Told())


def test_too_little_room_there(remote: LocalRemote, backup: Callable[..., Path], tmp_path: Path) -> None:
    backup()
    (tmp_path / "df").write_text("#!/bin/sh\necho h; echo 'd 1 1 100 1 /'\n")
    (tmp_path / "df").chmod(0o755)
    remote.env["PATH"] = f"{tmp_path}:{os.environ['PATH']}"
    with pytest.raises(CheckError, match="has room for 100 KiB, and the backup needs "):
        push(remote)
    assert list(far(remote).iterdir()) == []


def test_no_error_shows_the_password_of_an_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://ada:p/ss@w0rd@127.0.0.1:1")
    bucket = Bucket("store", "", None, "eu-west-1", Secret("k"), Secret("s"))
    with pytest.raises(UsageError, match=r"ada:\*\*\*@127") as refused:
        s3.connect(bucket)
    away = s3.words(EndpointConnectionError(endpoint_url="http://ada:w0rd@127.0.0.1:1"), bucket, ())
    assert "w0rd" not in f"{refused.value} {away}" and "ada:***@" in str(away)
