"""Do bytes pass through a sandbox host whole and in constant memory, and does input end?"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import paramiko

    from scripts.sandbox import Sandbox

    from .conftest import Connect, Letterbox

SIZE = 20 << 20
BLOCK = bytes(range(256)) * 256


def peak_memory(pid: int) -> int:
    """The most memory a process ever held, in kB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0])


def sent_until_held_back(channel: paramiko.Channel) -> int:
    """How many bytes a channel takes before it makes its sender wait."""
    sent = 0
    channel.settimeout(0.5)
    try:
        while sent < SIZE:
            sent += channel.send(BLOCK)
    except TimeoutError:
        pass
    channel.settimeout(10)
    return sent


def test_much_output_streams_in_constant_memory(sandbox: Sandbox, connect: Connect) -> None:
    before = peak_memory(sandbox.host("host1").pid)
    channel = connect("host1").begin(f"head -c {SIZE} /dev/zero")
    received = 0
    while data := channel.recv(1 << 16):
        received += len(data)
    assert received == SIZE
    assert peak_memory(sandbox.host("host1").pid) - before < 8 << 10


def test_much_input_streams_without_loss(connect: Connect) -> None:
    channel = connect("host1").begin("sha256sum")
    expected = hashlib.sha256()
    for _ in range(SIZE // len(BLOCK)):
        channel.sendall(BLOCK)
        expected.update(BLOCK)
    channel.shutdown_write()
    assert channel.makefile().read().split()[0].decode() == expected.hexdigest()


def test_an_idle_reader_holds_back_its_sender(sandbox: Sandbox, connect: Connect, letterbox: Letterbox) -> None:
    pid = sandbox.host("host2").pid
    channel = connect("host2").begin(f"read line <{letterbox.path}; wc -c")
    before = peak_memory(pid)
    sent = sent_until_held_back(channel)
    assert 0 < sent < SIZE
    assert peak_memory(pid) - before < 8 << 10
    letterbox.post("go on\n")
    channel.shutdown_write()
    assert int(channel.makefile().read()) == sent


def test_both_outputs_can_be_large_at_once(connect: Connect) -> None:
    channel = connect("host1").begin("head -c 3000000 /dev/zero >&2 & head -c 3000000 /dev/zero; wait")
    channel.set_combine_stderr(True)
    received = 0
    while data := channel.recv(1 << 16):
        received += len(data)
    assert received == 6_000_000


def test_the_end_of_input_reaches_the_process(connect: Connect) -> None:
    channel = connect("host1").begin("cat; echo ended")
    channel.sendall(b"words, ")
    channel.shutdown_write()
    assert channel.makefile().read() == b"words, ended\n"


def test_a_closed_channel_ends_the_input(connect: Connect, letterbox: Letterbox) -> None:
    channel = connect("host1").begin(f"cat >{letterbox.path}; echo ended >{letterbox.path}")
    channel.close()
    assert letterbox.read() == "ended"


def test_a_script_travels_over_an_open_input(connect: Connect) -> None:
    channel = connect("host1").begin("exec sh")
    for number in range(3):
        channel.sendall(f"echo $((40 + {number}))\necho mark {number}\n".encode())
        said = b""
        while not said.endswith(f"mark {number}\n".encode()):
            said += channel.recv(100)
        assert said == f"{40 + number}\nmark {number}\n".encode()
    channel.sendall(b"exit 5\n")
    assert channel.recv_exit_status() == 5


def test_files_travel_both_ways_and_relative_paths_begin_at_home(
    sandbox: Sandbox, connect: Connect, tmp_path: Path
) -> None:
    sent, back = tmp_path / "sent", tmp_path / "back"
    sent.write_bytes(BLOCK * 50)
    with connect("host2").open_sftp() as files:
        files.put(str(sent), "upload")
        files.get("upload", str(back))
        assert files.normalize(".") == str(sandbox.host("host2").home)
    assert back.read_bytes() == (sandbox.host("host2").home / "upload").read_bytes() == BLOCK * 50
