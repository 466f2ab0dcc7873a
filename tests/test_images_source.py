"""A source in use: many tasks at once, cancelled ones, and the end of it."""

from __future__ import annotations

import asyncio
import os
import threading
from pathlib import Path

import anyio
import anyio.lowlevel
import anyio.to_thread
import pytest
from PIL import Image

from tests.support.pictures import decoded, encoded, marker_box, opened, scene, shows_marker, written
from zoomrefine_mcp.access import OpenFile
from zoomrefine_mcp.errors import BadRequest
from zoomrefine_mcp.geometry import Box, PixelBox, Size
from zoomrefine_mcp.images.source import FileSource, image_workers, open_source
from zoomrefine_mcp.images.workers import cores
from zoomrefine_mcp.pictures import Fit, Source

pytestmark = pytest.mark.anyio

FORMATS: dict[str, dict[str, object]] = {
    "JPEG": {"quality": 95, "subsampling": 0},
    "PNG": {},
    "TIFF": {"compression": "tiff_deflate"},
    "WEBP": {"lossless": True},
    "AVIF": {"quality": 95, "subsampling": "4:4:4"},
}


def grid() -> Image.Image:
    """64 fields, each of a grey of its own."""
    image = Image.new("L", (640, 640))
    for field in range(64):
        image.paste(field * 4, (field % 8 * 80, field // 8 * 80, field % 8 * 80 + 80, field // 8 * 80 + 80))
    return image.convert("RGB")


@pytest.mark.parametrize("form", FORMATS)
async def test_crops_by_many_tasks_are_each_their_own(tmp_path: Path, form: str) -> None:
    path = written(tmp_path / "picture", encoded(grid(), form, **FORMATS[form]))
    seen: dict[int, Image.Image] = {}

    async def take(source: FileSource, fields: range) -> None:
        for field in fields:
            left, top = field % 8 * 80, field // 8 * 80
            region = Box.from_pixels(PixelBox(left, top, left + 80, top + 80), source.size)
            seen[field] = decoded(await source.render(region, Fit(Size(80, 80))))

    async with await open_source(opened(path)) as source, anyio.create_task_group() as tasks:
        for first in range(8):
            tasks.start_soon(take, source, range(first, 64, 8))
    for field, crop in seen.items():
        levels = crop.convert("L").histogram()
        assert sum(levels[max(0, field * 4 - 4) : field * 4 + 5]) == 80 * 80
    assert len(seen) == 64


class Gate:
    """Holds every read of a file until it is opened, so that a worker is caught in the middle."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.reached, self.open = threading.Event(), threading.Event()
        pread = os.pread

        def held(fd: int, count: int, offset: int) -> bytes:
            self.reached.set()
            assert self.open.wait(30)
            return pread(fd, count, offset)

        monkeypatch.setattr(os, "pread", held)


@pytest.mark.parametrize("form", ["JPEG", "AVIF"])
async def test_closing_waits_for_a_worker_whose_task_was_cancelled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    path = written(tmp_path / "picture", encoded(scene(), form))
    file = opened(path)
    source = await open_source(file)
    gate, scope, order = Gate(monkeypatch), anyio.CancelScope(), list[str]()

    async def render() -> None:
        with scope:
            await source.render(Box.full(), Fit(Size(32, 24)))
        order.append("render was cancelled")

    async def close() -> None:
        await source.aclose()
        order.append("source is closed")

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(render)
        await anyio.to_thread.run_sync(gate.reached.wait)
        scope.cancel()
        tasks.start_soon(close)
        for _ in range(10):
            await anyio.lowlevel.checkpoint()
        assert order == []
        assert file.fd >= 0
        gate.open.set()
    assert set(order) == {"render was cancelled", "source is closed"}
    assert file.fd == -1


async def test_a_worker_whose_task_asyncio_cancelled_still_reads_its_own_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = opened(written(tmp_path / "p.jpg", encoded(scene(), "JPEG")))
    source = await open_source(file)
    gate = Gate(monkeypatch)
    task = asyncio.create_task(source.render(Box.full(), Fit(Size(32, 24))))
    await anyio.to_thread.run_sync(gate.reached.wait)
    task.cancel()  # asyncio's own cancellation does not wait for the thread
    await asyncio.wait([task])
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(source.aclose)
        for _ in range(10):
            await anyio.lowlevel.checkpoint()
        assert file.fd >= 0
        gate.open.set()
    assert file.fd == -1


async def test_a_cancelled_opening_closes_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = opened(written(tmp_path / "p.png", encoded(scene(), "PNG")))
    gate, scope = Gate(monkeypatch), anyio.CancelScope()

    async def open_it() -> None:
        with scope:
            async with await open_source(file):
                await anyio.lowlevel.checkpoint()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(open_it)
        await anyio.to_thread.run_sync(gate.reached.wait)
        scope.cancel()
        await anyio.lowlevel.checkpoint()
        assert file.fd >= 0
        gate.open.set()
    assert file.fd == -1


async def test_the_event_loop_runs_on_while_a_picture_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path / "p.jpg", encoded(scene(), "JPEG"))
    async with await open_source(opened(path)) as source:
        gate = Gate(monkeypatch)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(source.render, Box.full(), Fit(Size(32, 24)))
            await anyio.to_thread.run_sync(gate.reached.wait)
            gate.open.set()  # only the loop can do that


async def test_no_more_workers_read_at_once_than_the_limiter_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path / "p.png", encoded(scene(), "PNG"))
    workers = anyio.CapacityLimiter(1)
    async with await open_source(opened(path), workers=workers) as source:
        gate = Gate(monkeypatch)
        async with anyio.create_task_group() as tasks:
            for _ in range(5):
                tasks.start_soon(source.render, Box.full(), Fit(Size(32, 24)))
            await anyio.to_thread.run_sync(gate.reached.wait)
            assert workers.statistics().borrowed_tokens == 1
            gate.open.set()


async def test_there_are_as_many_workers_as_cores_and_one_limiter_a_loop() -> None:
    assert image_workers() is image_workers()
    assert image_workers().total_tokens == cores() >= 1


async def test_a_closed_source_renders_nothing_and_closes_twice(tmp_path: Path) -> None:
    source = await open_source(opened(written(tmp_path / "p.png", encoded(scene(), "PNG"))))
    await source.aclose()
    await source.aclose()
    with pytest.raises(ValueError, match="closed"):
        await source.render(Box.full(), Fit(Size(1, 1)))


async def test_opening_and_closing_leaves_no_descriptor_behind(tmp_path: Path) -> None:
    path = written(tmp_path / "p.png", encoded(scene(), "PNG"))
    async with await open_source(opened(path)) as source:
        await source.render(marker_box(), Fit(Size(64, 48)))
    lowest = _lowest_free()
    for _ in range(20):
        async with await open_source(opened(path)) as source:
            await source.render(marker_box(), Fit(Size(64, 48)))
        with pytest.raises(BadRequest):
            await open_source(opened(path), page=2)
    assert _lowest_free() == lowest


def _lowest_free() -> int:
    """The descriptor that the next open file gets."""
    fd = os.dup(0)
    os.close(fd)
    return fd


async def test_a_file_source_is_a_source(tmp_path: Path) -> None:
    path = written(tmp_path / "p.png", encoded(scene(), "PNG"))
    async with await open_source(OpenFile(os.open(path, os.O_RDONLY), "as/the/user/wrote/it.png")) as opened_source:
        source: Source = opened_source
        assert (source.path, source.size) == ("as/the/user/wrote/it.png", Size(320, 240))
        assert opened_source.format == "PNG"
        assert shows_marker(decoded(await source.render(marker_box(), Fit(Size(64, 48)))))
