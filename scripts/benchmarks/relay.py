"""A TCP relay on loopback that holds every byte back for a while, in both directions, in a process of its own."""

from __future__ import annotations

import asyncio
import ctypes
import multiprocessing
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection

CHUNK = 64 * 1024


PR_SET_PDEATHSIG = 1


@contextmanager
def relay(port: int, one_way: float) -> Iterator[int]:
    """Relay to 127.0.0.1:`port` with `one_way` seconds of delay each way; the port it listens on."""
    with relays([port], one_way) as (listens,):
        yield listens


@contextmanager
def relays(ports: Sequence[int], one_way: float) -> Iterator[list[int]]:
    """The same for several ports, in one process; the ports it listens on, in order."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(target=_serve, args=(ports, one_way, theirs), daemon=True)
    process.start()
    try:
        yield ours.recv()
    finally:
        process.terminate()
        process.join()


def _serve(ports: Sequence[int], one_way: float, ready: Connection) -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)

    async def listen(port: int) -> asyncio.Server:
        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
            await asyncio.gather(_carry(reader, far_writer, one_way), _carry(far_reader, writer, one_way))

        return await asyncio.start_server(accept, "127.0.0.1", 0)

    async def serve() -> None:
        listening = [await listen(port) for port in ports]
        ready.send([server.sockets[0].getsockname()[1] for server in listening])
        await asyncio.gather(*(server.serve_forever() for server in listening))

    asyncio.run(serve())


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, one_way: float) -> None:
    """Bytes leave in order, each chunk `one_way` seconds after it came."""
    loop = asyncio.get_running_loop()
    line: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def deliver() -> None:
        while True:
            due, data = await line.get()
            await asyncio.sleep(max(0.0, due - loop.time()))
            if not data:
                writer.close()
                return
            writer.write(data)
            await writer.drain()

    delivering = asyncio.create_task(deliver())
    with suppress(OSError):
        while data := await reader.read(CHUNK):
            line.put_nowait((loop.time() + one_way, data))
    line.put_nowait((loop.time() + one_way, b""))
    with suppress(OSError):
        await delivering
