"""The three webhooks of ElevenLabs."""

import time
from typing import Any

import orjson
import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.parser import Parser
from ninja.renderers import BaseRenderer

from conversations.files.encodings import TooLarge, read_json
from conversations.payloads.outline import NotReadable
from elmemory.memory.identity import caller_key, caller_of_ring
from elmemory.serving.lean import MAX_BODY, JsonAnswer, LeanRequest, LeanResponse
from webhooks.admission import TooMany, TooSlow
from webhooks.authentication import KeyHeader
from webhooks.live.reads import card_of_ringing, found_for
from webhooks.metrics import count_delivery, count_refusal
from webhooks.receive import CannotStore, SenderGone, receiver
from webhooks.ring import client_data
from webhooks.schemas import (
    ClientData,
    ClientDataRequest,
    InvalidRequest,
    PostCallAnswer,
    Problem,
    SearchData,
    SearchDataRequest,
)
from webhooks.search_answer import search_data
from webhooks.signature import InvalidSignature, SignatureCheck

log = structlog.get_logger(__name__)


class OrjsonRenderer(BaseRenderer):
    media_type = "application/json"

    def render(self, request: HttpRequest, data: Any, *, response_status: int) -> bytes:  # noqa: ARG002
        return orjson.dumps(data)


class LenientParser(Parser):
    def parse_body(self, request: HttpRequest) -> Any:
        return read_json(request.body, most=MAX_BODY)


class Api(NinjaAPI):
    def create_temporal_response(self, request: HttpRequest) -> HttpResponse:  # noqa: ARG002
        """A response that ninja needs for a view's headers and cookies. Our views do not use it.

        Tests check answers against their schemas; live calls do not.
        """
        return LeanResponse()


api = Api(title="elmemory", version="1", renderer=OrjsonRenderer(), parser=LenientParser(), urls_namespace="webhooks")

_ring_key = KeyHeader("ELEVENLABS_CLIENT_DATA_KEYS", "client-data")
_search_key = KeyHeader("ELEVENLABS_SEARCH_DATA_KEYS", "search-data")
# By path. A request that these refuse is not read.
GUARDS = {"/webhook/client-data": _ring_key.accepts, "/webhook/search-data": _search_key.accepts}


def _documented_body(schema: type[Any] | None = None) -> dict[str, Any]:
    content = schema.model_json_schema() if schema else {"type": "object"}
    return {"requestBody": {"content": {"application/json": {"schema": content}}}}


@api.post(
    "/client-data",
    auth=_ring_key,
    response={200: ClientData, 401: Problem},
    openapi_extra=_documented_body(ClientDataRequest),
    summary="The phone rings",
)
async def client_data_webhook(request: LeanRequest) -> HttpResponse:
    """Who calls, and what the agent should know before the first word.

    Always 200 with all variables, whatever the body is. Strangers, faults and a store that answers too late get the
    neutral answer.
    """
    body = _json_object(request.body)
    caller = caller_of_ring(body.get("caller_id"), body.get("called_number"))
    card = await card_of_ringing(caller, request.received_at)
    agent_id = body.get("agent_id")
    return JsonAnswer(client_data(card, agent_id if isinstance(agent_id, str) else "", caller or ""))


@api.post(
    "/search-data",
    auth=_search_key,
    response={200: SearchData, 400: Problem, 401: Problem, 422: InvalidRequest},
    summary="The agent looks something up",
)
async def search_data_webhook(request: LeanRequest, body: SearchDataRequest) -> HttpResponse:
    """The caller's profile, and the memories that answer the question, best first."""
    who = body.user_id if caller_key(body.user_id) else body.caller_id
    caller = caller_of_ring(who, body.called_number)
    found = await found_for(caller, request.received_at, body.question, body.most)
    return JsonAnswer(search_data(found))


@api.post(
    "/post-call",
    response={200: PostCallAnswer, 401: Problem, 408: Problem, 413: Problem, 503: Problem},
    openapi_extra=_documented_body(),
    summary="The call has ended",
)
async def post_call_webhook(request: LeanRequest) -> HttpResponse:
    """A transcription, an audio recording or a failure, signed in the header `elevenlabs-signature`.

    200 only once the payload is on the disk; 503 if it could not be put there, or too many others are being received.
    """
    try:
        signature = SignatureCheck(
            b",".join(request.shown(b"elevenlabs-signature")).decode("latin-1"),
            settings.ELEVENLABS_POST_CALL_KEYS,
            now=time.time(),
            tolerance=settings.POST_CALL_TOLERANCE,
        )
        announced_bytes = int(next(request.shown(b"content-length"), b"0"))
        delivery = await receiver().receive(request.receive, signature, announced_bytes)
    except InvalidSignature as error:
        return _refusal("refused", 401, str(error))
    except TooLarge:
        return _refusal("too_large", 413, f"more than {settings.MAX_PAYLOAD_MB} MB")
    except SenderGone:
        return _refusal("broken_off", 408, "the body did not arrive")
    except TooSlow:
        return _refusal("too_slow", 408, "the body arrives too slowly")
    except TooMany:
        return _refusal("too_many", 503, "too many deliveries are under way")
    except CannotStore as error:
        return _refusal("not_stored", 503, str(error))
    count_delivery(delivery.status, delivery.type)
    log.info("stored a delivery", conversation_id=delivery.conversation_id, type=delivery.type, status=delivery.status)
    return JsonAnswer({"status": delivery.status, "type": delivery.type, "conversation_id": delivery.conversation_id})


def _refusal(status: str, code: int, detail: str) -> HttpResponse:
    count_refusal(status)
    return JsonAnswer({"detail": detail}, code)


@api.exception_handler(Exception)
def our_fault(request: HttpRequest, error: Exception) -> HttpResponse:
    log.error("a webhook failed", path=request.path, error=type(error).__name__)
    return api.create_response(request, {"detail": "internal error"}, status=500)


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        value = read_json(body, most=MAX_BODY)
    except (NotReadable, TooLarge):
        return {}
    return value if isinstance(value, dict) else {}
