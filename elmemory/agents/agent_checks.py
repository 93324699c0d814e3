"""What is wrong with an agent as ElevenLabs has it: every point of `provision`, and what only shows in a live call."""

import time
from collections.abc import Collection, Iterator
from typing import Any

from django.conf import settings

from elmemory.agents.api import Api, ElevenLabsError
from elmemory.agents.check import Check
from elmemory.agents.wiring import (
    CALLED,
    CALLER,
    CLIENT_DATA_PATH,
    CLIENT_DATA_SECRET,
    EVENTS,
    INITIATION,
    POST_CALL,
    POST_CALL_PATH,
    SEARCH_DATA_PATH,
    SEARCH_DATA_SECRET,
    TOOL_NAME,
    VARIABLES,
    Json,
    Ours,
    Wiring,
    filled_by,
    fingerprint,
    has_retries,
    header,
    told_key,
    tool_url,
)
from elmemory.memory.identity import caller_key

_ACCOUNT, _RING, _TOOL, _AFTERWARDS = "ElevenLabs", "The phone rings", "The search tool", "After the call"
_MOST_SECONDS_APART = 60
_RECENT_SECONDS = 24 * 3600
_MOST_AGENTS_TOLD = 10


def examine(agent_id: str, url: str) -> list[Check]:
    """The checks at ElevenLabs of this agent, or of the only one there is; `url` is where this server is reached,
    empty where that is not known."""
    checks: list[Check] = []
    try:
        with Api(timeout=20) as api:
            agents = [] if agent_id else api.agents()
            if len(agents) == 1:
                agent_id = str(agents[0]["agent_id"])
            elif agents or not agent_id:
                return [_which(agents), *_clock(api)]
            wiring, numbers = Wiring.read(api, agent_id), api.phone_numbers()
            checks += _clock(api)
    except ElevenLabsError as error:
        remedy = "Make a key with access to agents, webhooks and workspace settings."
        return [Check(_ACCOUNT, "API", "fault", str(error), remedy if error.status in (401, 403) else "")]
    ours = Ours.of_settings(url)
    mend = f"manage.py provision {agent_id} --url {url or 'https://…'}"
    return [
        Check(_ACCOUNT, "API", "ok", f"agent {wiring.agent.get('name')}"),
        *checks,
        *_numbers(wiring, numbers),
        *_initiation(wiring, ours, mend),
        *_variables(wiring, settings.DYNAMIC_VARIABLES),
        *_tool(wiring, ours, mend),
        *_post_call(wiring, ours, mend),
    ]


def _which(agents: list[Json]) -> Check:
    told = ", ".join(f"{agent['agent_id']} ({agent.get('name')})" for agent in agents[:_MOST_AGENTS_TOLD])
    more = f" and {len(agents) - _MOST_AGENTS_TOLD} more" if len(agents) > _MOST_AGENTS_TOLD else ""
    detail = f"{len(agents)} agents: {told}{more}" if agents else "the workspace has no agent"
    return Check(_ACCOUNT, "agent", "note", detail, "Name one: manage.py doctor AGENT_ID")


def _clock(api: Api) -> Iterator[Check]:
    ahead = api.ahead_seconds
    if ahead is None:
        return
    if abs(ahead) > _MOST_SECONDS_APART:
        detail = f"this machine is {abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'} ElevenLabs"
        remedy = "Set the clock (NTP): signatures of another time are refused."
        yield Check(_ACCOUNT, "clock", "fault", detail, remedy)
    else:
        yield Check(_ACCOUNT, "clock", "ok", "as ElevenLabs'")


def _initiation(wiring: Wiring, ours: Ours, mend: str) -> Iterator[Check]:
    section = wiring.settings(INITIATION)
    yield _url_check(_RING, "initiation webhook", section.get("url"), ours.url + CLIENT_DATA_PATH, mend)
    if section:
        yield _key_check(_RING, wiring, section.get("request_headers"), ours.client_data_key, CLIENT_DATA_SECRET, mend)
    if wiring.takes_initiation_data:
        yield Check(_RING, "initiation data", "ok", "fetched for inbound calls")
    else:
        detail = "the agent does not ask who calls"
        remedy = f'Security settings, "Fetch conversation initiation data for inbound calls"; or: {mend}'
        yield Check(_RING, "initiation data", "fault", detail, remedy)
    if wiring.lets_greet or not settings.GREETING:
        yield Check(_RING, "greeting", "ok", "allowed" if wiring.lets_greet else "GREETING is empty")
    else:
        detail = "the agent does not allow its first message to be overridden: a greeting can end the call"
        yield Check(_RING, "greeting", "fault", detail, f'Security settings, override "First message"; or: {mend}')


def _variables(wiring: Wiring, own: Collection[str]) -> Iterator[Check]:
    sent = {*VARIABLES, *own}
    used = wiring.variables
    assigned = {
        str(one.get("dynamic_variable"))
        for tool in wiring.attached_tools
        for one in tool["tool_config"].get("assignments") or ()
    }
    in_tools = {
        name for tool in wiring.attached_tools for name in _variables_in(tool["tool_config"].get("api_schema"))
    } - assigned
    if missing := sorted((used - assigned | in_tools) - sent):
        yield Check(
            _RING,
            "variables",
            "fault",
            f"nobody sends {', '.join(f'{{{{{name}}}}}' for name in missing)}: calls end with error 1008",
            "Give each a default in DYNAMIC_VARIABLES, or take it out of the agent.",
        )
    elif not used & set(VARIABLES):
        detail = "neither prompt nor first message uses one: the agent is told nothing about the caller"
        yield Check(_RING, "variables", "note", detail, "Write {{user_profile_summary}} into the prompt.")
    else:
        yield Check(_RING, "variables", "ok", f"all {len(used)} that the agent uses are sent")


def _variables_in(value: Any) -> Iterator[str]:
    """Of a tool's address, headers and parameters."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in ("dynamic_variable", "variable_name") and isinstance(inner, str):
                if inner and not inner.startswith(("system__", "secret__")):
                    yield inner
            else:
                yield from _variables_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _variables_in(inner)


def _tool(wiring: Wiring, ours: Ours, mend: str) -> Iterator[Check]:
    url = ours.url + SEARCH_DATA_PATH
    tool = wiring.search_tool(url)
    if tool is None or tool not in wiring.attached_tools:
        yield Check(_TOOL, TOOL_NAME, "fault", "the agent has no such tool: it cannot look things up", mend)
        return
    schema = tool["tool_config"].get("api_schema") or {}
    yield _url_check(_TOOL, "address", tool_url(tool), url, mend)
    method = schema.get("method") or "GET"
    if method == "POST":
        yield Check(_TOOL, "method", "ok", "POST")
    else:
        yield Check(_TOOL, "method", "fault", f"{method}: the server takes POST only", mend)
    yield _key_check(_TOOL, wiring, schema.get("request_headers"), ours.search_data_key, SEARCH_DATA_SECRET, mend)
    properties = (schema.get("request_body_schema") or {}).get("properties") or {}
    match filled_by(properties["user_id"]) if "user_id" in properties else ("", ""):
        case ("dynamic_variable", variable) if variable == CALLER:
            yield Check(_TOOL, "user_id", "ok", CALLER)
        case ("model", _):
            detail = "the model fills it: whoever talks it into another number hears that caller's memories"
            yield Check(_TOOL, "user_id", "fault", detail, f"Make it the dynamic variable {CALLER}; or: {mend}")
        case ("", _):
            yield Check(_TOOL, "user_id", "fault", "not sent: nobody's memories are found", mend)
        case (_, other):
            detail = f"filled with {other or 'something else'}, not with {CALLER}"
            yield Check(_TOOL, "user_id", "fault", detail, mend)
    by, description = filled_by(properties["query"]) if "query" in properties else ("", "")
    if by == "model" and description:
        yield Check(_TOOL, "query", "ok", "filled by the model")
    else:
        yield Check(_TOOL, "query", "fault", "the model does not fill it: every search is refused with 422", mend)
    if "called_number" in properties and filled_by(properties["called_number"]) == ("dynamic_variable", CALLED):
        yield Check(_TOOL, "called_number", "ok", CALLED)
    else:
        yield Check(_TOOL, "called_number", "note", "not sent: searches in outbound calls find nothing", mend)


def _post_call(wiring: Wiring, ours: Ours, mend: str) -> Iterator[Check]:
    section = wiring.settings(POST_CALL)
    webhook_id = section.get("post_call_webhook_id")
    webhook = next((each for each in wiring.webhooks if each["webhook_id"] == webhook_id), None)
    if webhook is None:
        yield Check(_AFTERWARDS, "webhook", "fault", "none is set: no call is ever remembered", mend)
        return
    yield _url_check(_AFTERWARDS, "webhook", webhook["webhook_url"], ours.url + POST_CALL_PATH, mend)
    yield _alive(webhook, mend)
    yield _retries(webhook, mend)
    yield _secret(webhook, ours)
    if missing := [event for event in EVENTS if event not in (section.get("events") or ())]:
        yield Check(_AFTERWARDS, "events", "fault", f"not subscribed: {', '.join(missing)}", mend)
    elif section.get("exclude_transcript") or section.get("transcript_format") not in (None, "json"):
        yield Check(_AFTERWARDS, "events", "fault", "they come without the transcript, or not as JSON", mend)
    else:
        yield Check(_AFTERWARDS, "events", "ok", ", ".join(EVENTS))


def _alive(webhook: Json, mend: str) -> Check:
    if webhook.get("is_disabled") or webhook.get("is_auto_disabled"):
        why = "by ElevenLabs, after ten failures" if webhook.get("is_auto_disabled") else "by hand"
        remedy = f"Mend what failed, then: {mend}. What was missed: manage.py backfill"
        return Check(_AFTERWARDS, "deliveries", "fault", f"the webhook is disabled {why}", remedy)
    code, at = webhook.get("most_recent_failure_error_code"), webhook.get("most_recent_failure_timestamp")
    if code and at and time.time() - at < _RECENT_SECONDS:
        remedy = "See docs/troubleshooting.md, then fetch what was missed: manage.py backfill"
        hours = max(0, time.time() - at) / 3600
        return Check(_AFTERWARDS, "deliveries", "fault", f"one failed with {code} {hours:.0f} h ago", remedy)
    return Check(_AFTERWARDS, "deliveries", "ok", "none failed in the last 24 h")


def _retries(webhook: Json, mend: str) -> Check:
    match has_retries(webhook):
        case True:
            return Check(_AFTERWARDS, "retries", "ok", "on")
        case False:
            return Check(
                _AFTERWARDS, "retries", "fault", "off: a call that ends while the server is away is lost", mend
            )
    detail = "ElevenLabs does not tell whether they are on"
    return Check(_AFTERWARDS, "retries", "note", detail, f"To have them switched on: {mend}")


def _secret(webhook: Json, ours: Ours) -> Check:
    if webhook.get("auth_type") != "hmac":
        remedy = "Make a webhook with HMAC authentication."
        return Check(_AFTERWARDS, "signature", "fault", f"{webhook.get('auth_type')}, not hmac", remedy)
    key = told_key(webhook)
    if key is None:
        return Check(_AFTERWARDS, "signature", "note", "ElevenLabs does not tell the secret: it cannot be compared")
    if key in map(fingerprint, ours.post_call_keys):
        return Check(_AFTERWARDS, "signature", "ok", f"ELEVENLABS_POST_CALL_KEY is the webhook's secret ({key})")
    detail = f"the webhook's secret ({key}) is not in ELEVENLABS_POST_CALL_KEY: every delivery is refused"
    return Check(_AFTERWARDS, "signature", "fault", detail, "Where it is lost: manage.py provision … --new-secret")


def _numbers(wiring: Wiring, workspace: list[Json]) -> Iterator[Check]:
    agent_id = wiring.agent["agent_id"]
    assigned = [number for number in workspace if (number.get("assigned_agent") or {}).get("agent_id") == agent_id]
    numbers = {str(one["phone_number"]) for one in [*assigned, *(wiring.agent.get("phone_numbers") or ())]}
    if not numbers:
        yield Check(_ACCOUNT, "numbers", "note", "the agent has no phone number")
        return
    ours = {caller_key(number) for number in settings.AGENT_NUMBERS}
    if missing := sorted(number for number in numbers if caller_key(number) not in ours):
        told = ", ".join(f"…{number[-4:]}" for number in missing)
        detail = f"not in AGENT_NUMBERS: {told}. In an outbound call the agent would be taken for the caller"
        yield Check(_ACCOUNT, "numbers", "fault", detail, "List the agent's own numbers in AGENT_NUMBERS.")
    else:
        yield Check(_ACCOUNT, "numbers", "ok", "the agent's own are in AGENT_NUMBERS")


def _url_check(section: str, name: str, found: str | None, wanted: str, mend: str) -> Check:
    if found == wanted:
        return Check(section, name, "ok", wanted)
    if not found:
        return Check(section, name, "fault", "not set", mend)
    if wanted.startswith("/"):
        return Check(section, name, "note", f"goes to {found}", "Set PUBLIC_URL, or give --url, to have it compared.")
    return Check(section, name, "fault", f"goes to {found}, not to {wanted}", mend)


def _key_check(section: str, wiring: Wiring, headers: Json | None, key: str, prefix: str, mend: str) -> Check:
    """Whether the header shows our key, as far as that can be told from outside."""
    _, value = header(headers)
    if value is None:
        return Check(section, "key", "fault", "no header X-Api-Key: the server answers 401", mend)
    if isinstance(value, str):
        if value == key:
            detail = "X-Api-Key holds our key in plain text, readable in every payload"
            return Check(section, "key", "note", detail, f"Make it a secret: {mend}")
        return Check(section, "key", "fault", "X-Api-Key holds another key: the server answers 401", mend)
    name = wiring.secret_name(value.get("secret_id") if isinstance(value, dict) else None)
    if name == f"{prefix}_{fingerprint(key)}":
        return Check(section, "key", "ok", f"secret {name}")
    if name.startswith(f"{prefix}_"):
        detail = f"secret {name} holds another key than this server: it answers 401"
        return Check(section, "key", "fault", detail, mend)
    return Check(section, "key", "note", f"a secret whose value cannot be compared ({name or 'unknown'})")
