"""Serves a recording with support for `Range`, so that a player can start at once and seek."""

import re
from asyncio import to_thread
from collections.abc import AsyncIterator
from pathlib import Path

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

_RANGE = re.compile(r"bytes=([0-9]*)-([0-9]*)")
_CHUNK = 2**16
_PROBED = 2


def recording(path: Path, asked: str | None) -> HttpResponseBase:
    """The response with the file or the requested range. Several ranges, or an invalid one, get the whole file."""
    size = path.stat().st_size
    headers = {"Accept-Ranges": "bytes", "Cache-Control": "private, no-store"}
    found = _RANGE.fullmatch(asked.replace(" ", "")) if asked else None
    if not found or found[1] == found[2] == "":
        return _streamed(path, 0, size, 200, headers)
    if found[1]:
        start, end = int(found[1]), int(found[2]) + 1 if found[2] else size
    else:
        start, end = max(0, size - int(found[2])), size
    end = min(end, size)
    if start >= end:
        return HttpResponse(status=416, headers={**headers, "Content-Range": f"bytes */{size}"})
    return _streamed(path, start, end, 206, {**headers, "Content-Range": f"bytes {start}-{end - 1}/{size}"})


def carries_sound(request: HttpRequest, response: HttpResponseBase) -> bool:
    """Whether the user hears the response: not for HEAD, errors, or the first two bytes, which players probe."""
    found = re.match(r"bytes 0-([0-9]+)/", response.headers.get("Content-Range", ""))
    return request.method != "HEAD" and response.status_code < 400 and not (found and int(found[1]) < _PROBED)


def _streamed(path: Path, start: int, end: int, status: int, headers: dict[str, str]) -> StreamingHttpResponse:
    headers = {**headers, "Content-Length": str(end - start)}
    return StreamingHttpResponse(_pieces(path, start, end), status=status, content_type="audio/mpeg", headers=headers)


async def _pieces(path: Path, start: int, end: int) -> AsyncIterator[bytes]:
    with await to_thread(lambda: path.open("rb")) as file:
        file.seek(start)
        while start < end and (piece := await to_thread(file.read, min(_CHUNK, end - start))):
            start += len(piece)
            yield piece
