"""The real server that `make test-vllm` has started, and the pictures that it is asked about.

Which server runs and what it is for stands in the environment; without it these tests say how they are run.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from tests.support.real_server import RealServer


@pytest.fixture(scope="session")
def server() -> RealServer:
    if "TEST_VLLM_ADDRESS" not in os.environ:
        pytest.fail("these tests need the server that `make test-vllm` starts")
    return RealServer(
        os.environ["TEST_VLLM_ADDRESS"], os.environ["TEST_VLLM_MODEL"], int(os.environ["TEST_VLLM_IMAGES"])
    )


@pytest.fixture
def takes_both_pictures(server) -> None:
    if server.images < 2:
        pytest.skip("this server takes one picture a conversation")


@pytest.fixture
def takes_one_picture(server) -> None:
    if server.images > 1:
        pytest.skip("this server takes several pictures a conversation")


@pytest.fixture
def figures() -> Callable[[str], None]:
    """Sets down a line that `make test-vllm` prints at its end."""

    def note(line: str) -> None:
        print(line)
        if "TEST_VLLM_FIGURES" in os.environ:
            with Path(os.environ["TEST_VLLM_FIGURES"]).open("a", encoding="utf-8") as file:
                file.write(f"{line}\n")

    return note


@pytest.fixture(scope="session")
def draw(tmp_path_factory) -> Callable[[int, int], Path]:
    """Draws a picture that no earlier test has shown the server: noise, so that nothing of it is in a cache."""
    folder = tmp_path_factory.mktemp("pictures")

    def new_picture(width: int, height: int) -> Path:
        path = folder / f"{len(list(folder.iterdir()))}.png"
        Image.effect_noise((width, height), 80).convert("RGB").save(path, compress_level=1)
        return path

    return new_picture
