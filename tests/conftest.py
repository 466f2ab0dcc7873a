"""Shared fixtures: no test sees the developer's keys and settings, and none reaches a network."""

from __future__ import annotations

import ipaddress
import os
import socket

import hypothesis
import pytest

hypothesis.settings.register_profile("any machine", deadline=None)  # a slow machine breaks no property
hypothesis.settings.load_profile("any machine")

SETTINGS = ("ZOOMREFINE_", "OPENAI_", "ANTHROPIC_")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.upper().startswith(SETTINGS):
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection to anywhere but this machine fails the test, whatever the code makes of exceptions."""
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex

    def guarded_connect(self: socket.socket, address: object) -> None:
        _refuse_foreign(self, address)
        connect(self, address)

    def guarded_connect_ex(self: socket.socket, address: object) -> int:
        _refuse_foreign(self, address)
        return connect_ex(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded_connect)
    monkeypatch.setattr(socket.socket, "connect_ex", guarded_connect_ex)


def _refuse_foreign(connecting: socket.socket, address: object) -> None:
    if connecting.family not in {socket.AF_INET, socket.AF_INET6}:
        return
    host = str(address[0]) if isinstance(address, tuple) and address else ""
    if host != "localhost" and not _is_loopback(host):
        pytest.fail(f"a test tried to connect to {address!r}")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False
