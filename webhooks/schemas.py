"""Requests and answers of the webhooks, for the OpenAPI document."""

from typing import Annotated, Any, Literal

from ninja import Schema
from pydantic import BeforeValidator, ConfigDict, Field

MOST_MEMORIES = 50
_LONGEST_QUERY = 2000


class ClientDataRequest(Schema):
    """ElevenLabs' request when the phone rings. Any field may be missing or of another type, and there may be more."""

    model_config = ConfigDict(extra="allow")

    caller_id: Any = Field(
        None, description="The calling number; on an outbound call, our own.", examples=["+14155550100"]
    )
    called_number: Any = Field(None, description="The called number.", examples=["+14155550199"])
    agent_id: Any = None
    call_sid: Any = None
    conversation_id: Any = None


class ClientData(Schema):
    """`conversation_initiation_client_data`: all variables, and the overrides that apply."""

    type: Literal["conversation_initiation_client_data"] = "conversation_initiation_client_data"
    dynamic_variables: dict[str, str]
    conversation_config_override: dict[str, Any]
    user_id: str | None = Field(None, description="Of a known caller, if SEND_USER_ID says so; else absent.")


def _count(given: object) -> int | None:
    """A whole number, from text or a number; None for anything else, because it must not make a live call fail."""
    try:
        return int(float(given)) if isinstance(given, str | int | float) and given is not True else None
    except (ValueError, OverflowError):
        return None


class SearchDataRequest(Schema):
    """The request of the agent's tool: the question and the caller."""

    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True)

    query: Annotated[str, BeforeValidator(lambda value: value.strip() if isinstance(value, str) else value)] = Field(
        min_length=1, description="The question, in the caller's or the agent's words."
    )
    user_id: Any = Field(None, description="The caller's number: the dynamic variable system__caller_id.")
    caller_id: Any = Field(None, description="The caller's number, if `user_id` holds none.")
    called_number: Any = Field(None, description="The dynamic variable system__called_number.")
    agent_id: Any = None
    conversation_id: Any = None
    k: Annotated[int | None, BeforeValidator(_count)] = Field(
        None, description=f"The greatest number of memories: 8 by default, at most {MOST_MEMORIES}."
    )
    context: Any = None

    @property
    def question(self) -> str:
        return self.query[:_LONGEST_QUERY]

    @property
    def most(self) -> int:
        return 8 if self.k is None else max(1, min(self.k, MOST_MEMORIES))


class Profile(Schema):
    name: str
    summary: str
    facts: dict[str, str]


class FoundMemory(Schema):
    content: str
    sector: str
    salience: float
    said_at: str | None
    asked: str | None = Field(None, description="What the agent had said just before.")
    conversation_id: str | None


class SearchData(Schema):
    profile: Profile | None
    memories: list[FoundMemory]
    notice: str | None = None


class PostCallAnswer(Schema):
    status: Literal["received", "duplicate", "unreadable"]
    type: str
    conversation_id: str


class Problem(Schema):
    detail: str


class InvalidRequest(Schema):
    """One entry for each error: its message and its place."""

    detail: list[dict[str, Any]]
