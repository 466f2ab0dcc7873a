"""Every fault, once and lasting, at either look, over both wires: the answer that there is comes back, and why."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from tests.support.fault_cases import FAULTS, Became, Case, cases, draw_scene, run
from zoomrefine_mcp.backends.clients.retries import Patience

pytestmark = pytest.mark.anyio

QUICK = Patience(tries=3, first_pause_s=0.001)
LONG_S, SHORT_S = 60.0, 3.0


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_scene(tmp_path_factory.mktemp("scene") / "scene.jpg")


KNOWN: dict[str, dict[Case, Became]] = {}
"""What became of a fault's cases: they are run once, whichever test asks first."""


async def outcomes(name: str, scene: Path) -> dict[Case, Became]:
    if name in KNOWN:
        return KNOWN[name]
    became: dict[Case, Became] = {}

    async def one(case: Case) -> None:
        pause = "0.01" if case.fault.retry_after == "1" else case.fault.retry_after
        deadline = SHORT_S if case.fault.told == "hang" else LONG_S
        became[case] = await run(case, scene, deadline_s=deadline, patience=QUICK, slow_s=0.01, retry_after=pause)

    async with anyio.create_task_group() as tasks:
        for case in cases():
            if case.fault.name == name:
                tasks.start_soon(one, case)
    KNOWN[name] = became
    return became


@pytest.mark.parametrize("name", [fault.name for fault in FAULTS])
async def test_no_answer_is_lost_and_what_went_wrong_is_told(scene, name):
    became = await outcomes(name, scene)
    assert {case: (one.answer, one.status, one.why) for case, one in became.items()} == {
        case: case.expected() for case in became
    }
    for case, one in became.items():
        assert one.told or one.status == "refined", case


@pytest.mark.parametrize(
    ("name", "tries"),
    [("auth", 1), ("model not found", 1), ("429, Retry-After 300", 1), ("500", 3), ("reset in the middle of it", 3)],
)
async def test_what_may_pass_is_tried_again_and_what_has_to_be_mended_is_not(scene, name, tries):
    became = await outcomes(name, scene)
    assert {one.tries for case, one in became.items() if case.lasts and case.look == 1} == {tries}
    assert {one.tries for case, one in became.items() if case.lasts and case.look == 2} == {tries + 1}


@pytest.mark.parametrize("name", ["empty choices", "empty text", "unreadable reply", "length cut-off"])
async def test_unreadable_replies_are_counted_whether_they_could_be_mended_or_not(scene, name):
    for case, one in (await outcomes(name, scene)).items():
        if one.status != "error":
            assert one.unreadable == (2 if case.lasts else 1), case


@pytest.mark.parametrize("name", ["schema refused", "image too large", "500", "reset in the middle of it"])
async def test_a_request_that_was_refused_or_failed_is_no_call(scene, name):
    for case, one in (await outcomes(name, scene)).items():
        if one.status == "refined":
            assert (one.calls, one.tries) == (2, 3), case


async def test_vllms_limit_on_pictures_is_explained_with_the_flag_that_lifts_it(scene):
    told = {one.told for case, one in (await outcomes("one picture at most", scene)).items() if case.look == 2}
    assert all("--limit-mm-per-prompt '{\"image\": 4}'" in words for words in told)
