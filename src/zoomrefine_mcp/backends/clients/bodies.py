"""What comes back, bounded: a body is read whole, unpacked, as UTF-8, and never more of it than a model writes.

A server may send without end, send little that unpacks to gigabytes, or name a charset that Python has and no text is
written in. All that is settled beneath the SDKs, which would read whatever comes.
"""

from __future__ import annotations

import zlib
from collections.abc import AsyncGenerator

import httpx2

MAX_BODY_BYTES = 16 * 2**20
"""Of one answer, packed and unpacked. The longest reply has some 500 kB, the longest list of models 1 MB; a fault that
repeats the request has as much as its pictures."""

KEPT_OF_A_FAULT_BYTES = 64 * 1024
"""What is kept of a longer body, so that a status other than success still comes with its first words."""

_UNREAD = "zoomrefine.unread"
_PACKED = ("gzip", "x-gzip", "deflate")
_ABOUT_THE_BODY = (b"content-encoding", b"content-length", b"transfer-encoding")


class BoundedTransport(httpx2.AsyncBaseTransport):
    """Sends through another transport and returns answers whose bodies are read already.

    A body that is too long, or packed in a way that nobody asked for, raises nothing here, since an SDK would ask
    again for the same; ``unread`` tells it.

    Args:
        inner: What sends.
    """

    def __init__(self, inner: httpx2.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send, and read the answer to its end or to the bound."""
        answer = await self._inner.handle_async_request(request)
        stream = answer.stream
        if not isinstance(stream, httpx2.AsyncByteStream):
            raise TypeError(f"an asynchronous transport returned a {type(stream).__name__}")
        try:
            body, why = await _read(stream, answer.headers.get("content-encoding", ""))
        finally:
            await stream.aclose()
        # As bytes: a header may be in any charset, and decoded it could not be written again.
        headers = [(name, value) for name, value in answer.headers.raw if name.lower() not in _ABOUT_THE_BODY]
        extensions = {**answer.extensions, _UNREAD: why}
        bounded = httpx2.Response(answer.status_code, headers=headers, content=body, extensions=extensions)
        bounded.encoding = "utf-8-sig"  # JSON is UTF-8 whatever the charset says; what is not becomes U+FFFD
        return bounded

    async def aclose(self) -> None:
        """Close what sends."""
        await self._inner.aclose()


def unread(response: httpx2.Response) -> str | None:
    """Why the body was not read to its end, to go behind "answered with"; None where it was."""
    why = response.extensions.get(_UNREAD)
    return why if isinstance(why, str) else None


async def _read(stream: httpx2.AsyncByteStream, packing: str) -> tuple[bytes, str | None]:
    """The body, unpacked, and why that is not all of it."""
    packing = packing.strip().lower()
    if packing not in ("", "identity", *_PACKED):
        return b"", f"a body packed as {packing[:40]!r}, which nobody asked for"
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 32) if packing in _PACKED else None  # 32: zlib's header or gzip's
    body, received = bytearray(), 0
    pieces = aiter(stream)
    try:
        async for piece in pieces:
            received += len(piece)
            body += unpacker.decompress(piece, MAX_BODY_BYTES + 1 - len(body)) if unpacker else piece
            if max(received, len(body)) > MAX_BODY_BYTES:
                return bytes(body[:KEPT_OF_A_FAULT_BYTES]), f"more than {MAX_BODY_BYTES // 2**20} MiB"
    except zlib.error:
        return b"", "a body that cannot be unpacked"
    finally:
        if isinstance(pieces, AsyncGenerator):
            await pieces.aclose()
    if unpacker and received and not unpacker.eof:
        return bytes(body), "a packed body that ends early"
    return bytes(body), None
