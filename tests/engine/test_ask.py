"""Questions to hosts: how their answers are read, and what is known of hosts that did not answer."""

from __future__ import annotations

import threading

from lockstitch.engine.ask import Query, ask
from lockstitch.errors import ConnectError, ExitCode, HostLostError
from lockstitch.model.command import Command, Secret
from lockstitch.model.host import Address, Host
from lockstitch.model.probe import Probe
from lockstitch.remote.fake import FakeRemote

HOSTS = {name: Host(name, Address(name)) for name in ("web1", "web2", "web3")}
PIN = Secret("12", "env:PIN")


def probe(name: str, **values: Secret) -> Probe[str]:
    return Probe(name, Command("x", values=values), lambda text, code: f"{text.strip()} ({code})")


def test_each_host_is_in_the_replies_in_order_with_facts_or_the_reason() -> None:
    remote = FakeRemote()
    remote.answer("web1", "up", output="yes\n")
    remote.fail("web2", "age", HostLostError("web2", "the connection dropped"))
    remote.connect_error("web3", ConnectError("web3", "no route"))
    replies = ask(remote, [Query(name, host, (probe("up"), probe("age"))) for name, host in HOSTS.items()])
    assert list(replies) == list(HOSTS)
    assert replies["web1"].facts == ("yes (0)", " (0)") and not replies["web1"].away
    assert replies["web2"].facts == (" (0)",) and replies["web2"].away and replies["web2"].connected
    assert str(replies["web2"].error) == "web2: the connection dropped" and replies["web2"].connect_error is None
    assert replies["web3"].result.code is ExitCode.UNREACHABLE
    assert str(replies["web3"].connect_error) == "web3: no route"


def test_two_probes_of_one_name_keep_their_order() -> None:
    remote = FakeRemote()
    remote.answer("*", "port", output="80\n")
    remote.answer("*", "port 2", output="443\n")
    (reply,) = ask(remote, [Query("web1", HOSTS["web1"], (probe("port"), probe("port")))]).values()
    assert remote.names("web1") == ["port 1", "port 2"] and reply.facts[1] == "443 (0)"


def test_a_secret_is_masked_before_it_is_read_but_not_in_facts_that_are_compared() -> None:
    remote = FakeRemote()
    remote.answer("*", "*", output="revision 4123\n")
    probes = (probe("place", pin=PIN),)
    queries = [Query("shown", HOSTS["web1"], probes), Query("compared", HOSTS["web2"], probes, exact=True)]
    replies = ask(remote, queries)
    assert replies["shown"].facts == ("revision 4***3 (0)",)
    assert replies["compared"].facts == ("revision 4123 (0)",)


def test_an_interrupt_is_known_and_so_are_the_hosts_that_had_not_answered() -> None:
    remote = FakeRemote()
    remote.fail("web1", "*", KeyboardInterrupt())
    stopped = threading.Event()
    replies = ask(remote, [Query("web1", HOSTS["web1"], (probe("up"),))], stopped=stopped)
    assert stopped.is_set() and replies["web1"].interrupted and replies["web1"].facts == ()
