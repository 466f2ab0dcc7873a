"""RapidOCR behind one method: encoded bytes in, lines with their corners out. The models load at first use."""

from __future__ import annotations

import logging
import os
import threading
import unicodedata
from dataclasses import dataclass
from typing import Any, Protocol

from zoomrefine_mcp.backends.endpoints import OCR_INSTALL
from zoomrefine_mcp.errors import BackendError, NoBackend
from zoomrefine_mcp.geometry import PixelBox

MAX_SIDE = 4096
"""No picture that a profile lets through is longer; RapidOCR would shrink a longer one in silence (default 2000)."""

DETECTION_LIMIT = 4096
"""The detector's own limit: with ``limit_type: max`` a strip keeps its size (with ``min`` it is enlarged to 736 px of
height: six times the seconds for a 1600 x 200 strip)."""

Corners = tuple[tuple[float, float], tuple[float, float], tuple[float, float], tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Found:
    """One line of text on one picture.

    Attributes:
        text: What was read.
        score: The recognizer's mean confidence, 0..1.
        corners: Top left, top right, bottom right, bottom left in reading direction, in pixels of the picture.
    """

    text: str
    score: float
    corners: Corners


class TextReader(Protocol):
    """Reads printed text."""

    def read(self, data: bytes, part: PixelBox | None = None, scale: float = 1.0) -> tuple[Found, ...]:
        """All lines on an encoded picture, in reading order. Blocks; may be called from several threads.

        Args:
            data: The encoded picture.
            part: Read only this part of it.
            scale: Enlarge or shrink what is read by this factor first; corners stay in pixels of the picture.
        """
        ...


class RapidReader:
    """The RapidOCR models that ship in its wheel, on the CPU. Nothing is loaded before the first ``read``.

    Args:
        threads: Threads of one inference; None takes half of the cores, four at most.
    """

    def __init__(self, threads: int | None = None) -> None:
        self.threads = threads or min(4, max(1, (os.cpu_count() or 1) // 2))
        self._lock = threading.Lock()
        self._engine: Any = None

    def read(self, data: bytes, part: PixelBox | None = None, scale: float = 1.0) -> tuple[Found, ...]:
        """All lines on an encoded picture, in reading order. Blocks for a second or so; see ``TextReader``.

        A whole picture is handed over as bytes. No keyword goes along: keywords change the shared engine for every
        thread.

        Raises:
            NoBackend: The extra is not installed.
            BackendError: The picture cannot be decoded, or the models failed on it.
        """
        engine = self._loaded()
        try:
            if part is None and scale == 1.0:
                result, left, top, across, down = engine(data), 0, 0, 1.0, 1.0
            else:
                pixels, left, top, across, down = _cut(data, part, scale)
                result = engine(pixels)
        except (OSError, ValueError, RuntimeError) as error:
            raise BackendError(
                f"the embedded text reader failed on a picture: {error}", hint="Try another format of the picture."
            ) from error
        if result.boxes is None or result.txts is None:
            return ()
        return tuple(
            Found(_plain(text), float(score), _corners(box, left, top, across, down))
            for box, text, score in zip(result.boxes, result.txts, result.scores, strict=True)
            if text.strip()
        )

    def _loaded(self) -> Any:
        with self._lock:
            if self._engine is None:
                try:
                    from rapidocr import RapidOCR  # noqa: PLC0415  (half a second, and only where it is used)
                except ImportError as error:
                    raise NoBackend(
                        "the embedded text reader is not installed",
                        hint=f"Install it: {OCR_INSTALL}. Or name a model: --backend, --base-url.",
                    ) from error
                engine = RapidOCR(
                    params={
                        "Global.log_level": "error",
                        "Global.max_side_len": MAX_SIDE,
                        "Global.use_cls": False,  # upside-down lines are not worth a third model
                        "Global.text_score": 0.0,  # unsure lines still say that there is text: we judge the score
                        "Det.limit_type": "max",
                        "Det.limit_side_len": DETECTION_LIMIT,
                        "EngineConfig.onnxruntime.intra_op_num_threads": self.threads,
                        "EngineConfig.onnxruntime.inter_op_num_threads": 1,
                    }
                )
                logging.getLogger("RapidOCR").setLevel(logging.ERROR)  # an empty picture is no warning to us
                self._engine = engine
            return self._engine


def _plain(text: str) -> str:
    """The text with full-width forms made plain: the models know Chinese and write some colons and digits wide."""
    return unicodedata.normalize("NFKC", text).strip()


def _cut(data: bytes, part: PixelBox | None, scale: float) -> tuple[Any, int, int, float, float]:
    """A part of an encoded picture, scaled, as the BGR pixels that RapidOCR expects of an array (not RGB).

    Returns:
        The pixels, the left and top of the part, and how many of them make a pixel of the picture each way.
    """
    import cv2  # noqa: PLC0415  (RapidOCR brings it)
    import numpy as np  # noqa: PLC0415

    whole = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    if whole is None:
        raise ValueError("not a picture that OpenCV decodes")
    left, top = (part.left, part.top) if part else (0, 0)
    cut = whole[part.top : part.bottom, part.left : part.right] if part else whole
    height, width = cut.shape[:2]
    size = (max(32, round(width * scale)), max(32, round(height * scale)))
    scaled = cv2.resize(cut, size, interpolation=cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA)
    return scaled, left, top, size[0] / width, size[1] / height


def _corners(box: Any, left: int, top: int, across: float, down: float) -> Corners:
    (x0, y0), (x1, y1), (x2, y2), (x3, y3) = ((left + float(x) / across, top + float(y) / down) for x, y in box)
    return (x0, y0), (x1, y1), (x2, y2), (x3, y3)
