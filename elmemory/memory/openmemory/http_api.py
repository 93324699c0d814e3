"""The embedded store over HTTP, with the routes of an OpenMemory server that our clients and the SDK use.

Bodies, status codes and authentication are those of OpenMemory v1.2.3; docs/openmemory.md lists where
this server differs on purpose.
"""

import asyncio
import hmac
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple
from urllib.parse import parse_qs, unquote

import orjson
import structlog

from elmemory.memory.openmemory.embedded.store import EmbeddedOpenMemory
from elmemory.memory.openmemory.protocol import OpenMemoryError
from elmemory.memory.openmemory.sectors import SECTORS, WEIGHTS
from elmemory.memory.openmemory.storable import storable, with_vector
from elmemory.memory.records import Entry, Match, Memory

log = structlog.get_logger(__name__)

type Receive = Callable[[], Awaitable[dict[str, Any]]]
type Send = Callable[[dict[str, Any]], Awaitable[None]]

VERSION = "elmemory-1"
_MAX_BODY = 4 * 2**20
_MOST_ROWS = 10_000
_THREADS = 8
# OpenMemory v1.2.3 sends these with every answer. We send them only if a key is set: otherwise any page in a browser on
# this machine could read the store.
_CROSS_ORIGIN = [
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-methods", b"GET,POST,PUT,PATCH,DELETE,OPTIONS"),
    (b"access-control-allow-headers", b"Content-Type,Authorization,x-api-key"),
]
_SECTOR_CONFIGS = {
    sector: {"model": "words", "decay_lambda": 0.0, "weight": weight} for sector, weight in WEIGHTS.items()
}


class Answer(NamedTuple):
    status: int
    body: Any


class Refused(Exception):
    def __init__(self, status: int, body: Any) -> None:
        super().__init__(status)
        self.answer = Answer(status, body)


class OpenMemoryApi:
    """The store as an ASGI application. An empty key admits every client, except pages of other origins."""

    def __init__(self, key: str) -> None:
        self._key = key.encode()
        self._store = EmbeddedOpenMemory()
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="openmemory")

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise ValueError(f"only HTTP is served here, not {scope['type']}")
        answer = self._answer_unread(scope)
        if answer is None:
            body = b"" if scope["path"] == "/health" else await _read(receive)
            if body is None:
                return
            answer = await asyncio.get_running_loop().run_in_executor(self._threads, self._answer, scope, body)
        as_text = isinstance(answer.body, str)
        content = answer.body.encode() if as_text else orjson.dumps(answer.body)
        headers = [
            (b"content-type", b"text/plain" if as_text else b"application/json"),
            (b"content-length", str(len(content)).encode()),
        ]
        if self._key:
            headers += _CROSS_ORIGIN
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    def _answer_unread(self, scope: Mapping[str, Any]) -> Answer | None:
        """Return the answer to a request for which the body need not be read, such as a stranger's; else None."""
        if scope["method"] == "OPTIONS":
            return Answer(200, "")
        try:
            self._authenticate(_Request(scope, b""))
        except Refused as refusal:
            return refusal.answer
        return None

    def _answer(self, scope: Mapping[str, Any], body: bytes) -> Answer:
        try:
            return Answer(200, self._route(_Request(scope, body)))
        except Refused as refusal:
            return refusal.answer
        except OpenMemoryError as error:
            log.warning("the store failed", error=type(error.__cause__ or error).__name__)
            return Answer(503, {"err": "the store is away"})
        except Exception as error:
            log.error("a request failed", method=scope["method"], error=type(error).__name__)
            return Answer(500, {"err": "internal"})

    def _authenticate(self, request: "_Request") -> None:
        if not self._key or request.route == ("GET", "health"):
            return
        given = request.key
        if not given:
            raise Refused(401, {"error": "authentication_required", "message": "API key required"})
        if not hmac.compare_digest(given, self._key):
            raise Refused(403, {"error": "invalid_api_key"})

    def _route(self, request: "_Request") -> dict[str, Any]:
        match request.route:
            case ("GET", "health"):
                return {"ok": self._store.ping().ok, "version": VERSION}
            case ("GET", "sectors"):
                return {"sectors": SECTORS, "configs": _SECTOR_CONFIGS, "stats": self._store.sector_counts()}
            case ("POST", "memory", "add"):
                return self._add(request)
            case ("POST", "memory", "query"):
                return self._query(request)
            case ("POST", "memory", "reinforce"):
                return self._reinforce(request)
            case ("GET", "memory", "all"):
                memories = self._page(_user_id(request.query.get("user_id")), request, request.query.get("sector"))
                return {"items": [_item(memory, owner=True) for memory in memories]}
            case ("GET", "memory", memory_id):
                memory = self._own(memory_id, request.query.get("user_id"))
                return _item(memory, owner=True) | {"sectors": memory.sectors}
            case ("PATCH", "memory", memory_id):
                return self._patch(memory_id, request)
            case ("DELETE", "memory", memory_id):
                owner = request.query.get("user_id") or request.body.get("user_id")
                memory = self._own(memory_id, owner)
                if not self._store.delete(memory.user_id, memory_id):
                    raise Refused(404, {"err": "nf"})
                return {"ok": True}
            case ("GET", "users"):
                if not self._key:
                    raise Refused(403, {"error": "forbidden", "message": "users are listed with an API key only"})
                return {"users": [{"user_id": user, "memories": count} for user, count in self._store.users().items()]}
            case ("GET", "users", user_id, "memories"):
                memories = self._page(_user_id(user_id), request)
                return {"user_id": user_id, "items": [_item(memory) for memory in memories]}
            case ("DELETE", "users", user_id, "memories"):
                return {"ok": True, "deleted": self._store.forget(_user_id(user_id))}
            case ("GET", "users", user_id, "summary"):
                newest = self._store.page(_user_id(user_id), 1, 0)
                if not newest:
                    raise Refused(404, {"error": "user not found"})
                return self._summary(user_id) | {"updated_at": newest[0].updated_at}
            case ("POST", "users", user_id, "summary", "regenerate"):
                return {"ok": True} | self._summary(_user_id(user_id))
        raise Refused(404, "404: Not Found")

    def _add(self, request: "_Request") -> dict[str, Any]:
        content = _content(request.body)
        metadata = request.body.get("metadata")
        metadata = metadata if isinstance(metadata, dict) else {}
        entry = Entry(
            key=str(metadata.get("key") or ""),
            content=content,
            tags=_tags(request.body.get("tags")),
            metadata=metadata,
            salience=_number(request.body.get("salience"), metadata.get("salience"), 0.5),
            decay_lambda=_number(request.body.get("decay_lambda"), metadata.get("decay_lambda"), 0.0),
        )
        memory = self._store.add(_user_id(request.body.get("user_id")), entry)
        return {"id": memory.id, "primary_sector": memory.primary_sector, "sectors": memory.sectors, "chunks": 1}

    def _query(self, request: "_Request") -> dict[str, Any]:
        query = request.body.get("query")
        if not isinstance(query, str):
            raise Refused(400, {"err": "query"})
        filters = request.body.get("filters")
        filters = filters if isinstance(filters, dict) else {}
        user_id = _user_id(filters.get("user_id") or request.body.get("user_id"))
        sector, least = filters.get("sector"), _number(filters.get("min_score"), 0.0)
        try:
            k = int(request.body.get("k") or 8)
        except (TypeError, ValueError):
            raise Refused(400, {"err": "k"}) from None
        matches = [
            match
            for match in self._store.query(user_id, query, _MOST_ROWS)
            if match.score >= least and (not sector or sector in match.memory.sectors)
        ]
        return {"query": query, "matches": [_match(match) for match in matches[: max(0, k)]]}

    def _reinforce(self, request: "_Request") -> dict[str, Any]:
        memory_id = request.body.get("id")
        if not memory_id:
            raise Refused(400, {"err": "id"})
        boost = _number(request.body.get("boost"), 0.1)
        self._own(str(memory_id), request.body.get("user_id"))
        self._store.change(
            str(memory_id), lambda memory: memory._replace(salience=min(1.0, max(0.0, memory.salience + boost)))
        )
        return {"ok": True}

    def _patch(self, memory_id: str, request: "_Request") -> dict[str, Any]:
        body = request.body
        self._own(memory_id, body.get("user_id"))
        content = _content(body) if "content" in body else None

        def changed(memory: Memory) -> Memory:
            given = body.get("metadata")
            metadata = given if isinstance(given, dict) else memory.metadata
            return memory._replace(
                content=memory.content if content is None else content,
                tags=_tags(body["tags"]) if "tags" in body else memory.tags,
                metadata=metadata,
                salience=_number(body.get("salience"), metadata.get("salience"), memory.salience),
                decay_lambda=_number(body.get("decay_lambda"), metadata.get("decay_lambda"), memory.decay_lambda),
            )

        if self._store.change(memory_id, changed) is None:
            raise Refused(404, {"err": "nf"})
        return {"id": memory_id, "updated": True}

    def _own(self, memory_id: str, owner: object) -> Memory:
        """Return the memory. Raises Refused if there is none, or if an owner is given and it is another's."""
        memory = self._store.get(memory_id)
        if memory is None:
            raise Refused(404, {"err": "nf"})
        if owner and str(owner) != memory.user_id:
            raise Refused(403, {"err": "forbidden"})
        return memory

    def _page(self, user_id: str, request: "_Request", sector: str | None = None) -> list[Memory]:
        size, offset = request.number("l", "limit", 100), request.number("u", "offset", 0)
        if not sector:
            return self._store.page(user_id, size, offset)
        memories = [memory for memory in self._store.memories(user_id) if memory.primary_sector == sector]
        return memories[offset : offset + size]

    def _summary(self, user_id: str) -> dict[str, Any]:
        return {"user_id": user_id, "summary": self._store.summary(user_id).text, "reflection_count": 0}


class _Request:
    """A parsed request from any client. Raises only Refused."""

    def __init__(self, scope: Mapping[str, Any], body: bytes) -> None:
        raw_path: bytes = scope.get("raw_path") or scope["path"].encode()
        # Split before decoding: a user id may contain a slash.
        segments = raw_path.partition(b"?")[0].decode("latin-1").split("/")
        self.route = (scope["method"], *(storable(unquote(segment)) for segment in segments if segment))
        given = parse_qs(scope.get("query_string", b"").decode("latin-1"))
        self.query = {name: storable(values[0]) for name, values in given.items()}
        self._headers: dict[bytes, bytes] = dict(scope["headers"])
        if len(body) > _MAX_BODY:
            raise Refused(413, "Payload Too Large")
        try:
            value = orjson.loads(body)
        except orjson.JSONDecodeError:
            value = None
        self.body: dict[str, Any] = value if isinstance(value, dict) else {}

    @property
    def key(self) -> bytes:
        if key := self._headers.get(b"x-api-key"):
            return key
        scheme, _, key = self._headers.get(b"authorization", b"").partition(b" ")
        return key if scheme in (b"Bearer", b"ApiKey") else b""

    def number(self, name: str, other_name: str, default: int) -> int:
        given = self.query.get(name) or self.query.get(other_name)
        if given is None:
            return default
        if not (given.isascii() and given.isdecimal()):
            raise Refused(400, {"err": name})
        return min(int(given[:9]), _MOST_ROWS if name == "l" else 2**31)


async def _read(receive: Receive) -> bytes | None:
    """Return the body, cut one chunk after _MAX_BODY; None if the client closed the connection."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        if len(body) <= _MAX_BODY:
            body += message.get("body", b"")
        if not message.get("more_body", False):
            return bytes(body)


def _user_id(given: object) -> str:
    """Return the user id. Raises Refused without one, which would mean all users."""
    user_id = str(given) if isinstance(given, str | int) and not isinstance(given, bool) else ""
    if not user_id.strip():
        raise Refused(400, {"err": "user_id"})
    return storable(user_id)


def _content(body: Mapping[str, Any]) -> str:
    content = body.get("content")
    if not isinstance(content, str) or not storable(content):
        raise Refused(400, {"err": "content"})
    return content


def _tags(given: object) -> list[str]:
    return [str(tag) for tag in given] if isinstance(given, list) else [given] if isinstance(given, str) else []


def _number(*given: object) -> float:
    """Return the first value that is a number, else 0."""
    return next((float(value) for value in given if isinstance(value, int | float) and not isinstance(value, bool)), 0)


def _item(memory: Memory, *, owner: bool = False) -> dict[str, Any]:
    item = {
        "id": memory.id,
        "content": memory.content,
        "tags": memory.tags,
        "metadata": with_vector(memory.metadata, memory.vector),
        "created_at": memory.created_at,
        "updated_at": memory.updated_at,
        "last_seen_at": memory.last_seen_at,
        "salience": memory.salience,
        "decay_lambda": memory.decay_lambda,
        "primary_sector": memory.primary_sector,
        "version": memory.version,
    }
    return item | {"user_id": memory.user_id} if owner else item


def _match(match: Match) -> dict[str, Any]:
    memory = match.memory
    return {
        "id": memory.id,
        "content": memory.content,
        "score": match.score,
        "sectors": memory.sectors,
        "primary_sector": memory.primary_sector,
        "path": [memory.id],
        "salience": memory.salience,
        "last_seen_at": memory.last_seen_at,
        "tags": memory.tags,
        "metadata": memory.metadata,
    }
