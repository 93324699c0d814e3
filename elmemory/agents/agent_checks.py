"""Checks of agents at ElevenLabs: what `provision` sets, and faults that otherwise only a live call shows."""

import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from typing import Any

from django.conf import settings

from elmemory.agents.api import Api, ElevenLabsError
from elmemory.agents.check import Check
from elmemory.agents.data_collection import FIELDS, Collecting, left_out, missing, of_agent
from elmemory.agents.search_tool import language_problem
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
    Json,
    ThisServer,
    Wiring,
    filled_by,
    fingerprint,
    has_retries,
    key_header,
    secret_fingerprint,
    tool_url,
)
from elmemory.memory.fields import VARIABLES
from elmemory.memory.identity import caller_key

_ACCOUNT, _RING, _TOOL, _AFTERWARDS = "ElevenLabs", "The phone rings", "The search tool", "After the call"
_MOST_SECONDS_APART = 60
_RECENT_SECONDS = 24 * 3600
_MOST_AGENTS_LISTED = 10


def check_agents(agent_ids: Sequence[str], url: str, *, every: bool = False) -> list[Check]:
    """Check these agents; with `every`, all of the workspace; without ids, its only agent.

    `url` is the public address of this server, empty if it is not known. If there are several agents, each has a
    section with its faults and notes.
    """
    try:
        with Api(timeout=20) as api:
            agents = [] if agent_ids else api.agents()
            if len(agents) == 1 or every:
                agent_ids = agent_ids or [str(agent["agent_id"]) for agent in agents]
            if not agent_ids:
                return [_which(agents), *_clock(api)]
            wirings, numbers = Wiring.read_all(api, agent_ids), api.phone_numbers()
            clock = list(_clock(api))
    except ElevenLabsError as error:
        remedy = "Make a key with access to agents, webhooks and workspace settings."
        return [Check(_ACCOUNT, "API", "fault", str(error), remedy if error.status in (401, 403) else "")]
    server = ThisServer.from_settings(url)
    if len(wirings) == 1:
        about = Check(_ACCOUNT, "API", "ok", f"agent {wirings[0].agent.get('name')}")
        return [about, *clock, *_checks(wirings[0], numbers, server)]
    found = [Check(_ACCOUNT, "API", "ok", f"{len(wirings)} agents"), *clock]
    for wiring in wirings:
        checks = list(_checks(wiring, numbers, server))
        section = f"Agent {wiring.agent.get('name')} ({wiring.agent['agent_id']})"
        wrong = [replace(check, section=section) for check in checks if check.state != "ok"]
        good = f"{len(checks) - len(wrong)} of {len(checks)} checks found nothing"
        found += [Check(section, "wiring", "ok", good), *wrong]
    return found


def _checks(wiring: Wiring, numbers: list[Json], server: ThisServer) -> Iterator[Check]:
    fix = f"manage.py provision {wiring.agent['agent_id']} --url {server.url or 'https://…'}"
    yield from _numbers(wiring, numbers)
    yield from _initiation(wiring, server, fix)
    yield from _variables(wiring, settings.DYNAMIC_VARIABLES)
    yield from _tool(wiring, server, fix)
    yield from _post_call(wiring, server, fix)
    yield from _data_collection(wiring, fix)


def _which(agents: list[Json]) -> Check:
    listed = ", ".join(f"{agent['agent_id']} ({agent.get('name')})" for agent in agents[:_MOST_AGENTS_LISTED])
    more = f" and {len(agents) - _MOST_AGENTS_LISTED} more" if len(agents) > _MOST_AGENTS_LISTED else ""
    detail = f"{len(agents)} agents: {listed}{more}" if agents else "the workspace has no agent"
    return Check(_ACCOUNT, "agent", "note", detail, "Name some: manage.py doctor AGENT_ID …; or check all: --all")


def _clock(api: Api) -> Iterator[Check]:
    ahead = api.ahead_seconds
    if ahead is None:
        return
    if abs(ahead) > _MOST_SECONDS_APART:
        detail = f"this machine is {abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'} ElevenLabs"
        remedy = "Set the clock (NTP): signatures that seem too old or too new are refused."
        yield Check(_ACCOUNT, "clock", "fault", detail, remedy)
    else:
        yield Check(_ACCOUNT, "clock", "ok", "as ElevenLabs'")


def _initiation(wiring: Wiring, server: ThisServer, fix: str) -> Iterator[Check]:
    section = wiring.settings(INITIATION)
    yield _url_check(_RING, "initiation webhook", section.get("url"), server.url + CLIENT_DATA_PATH, fix)
    if section:
        yield _key_check(
            _RING, wiring, section.get("request_headers"), server.client_data_keys, CLIENT_DATA_SECRET, fix
        )
    if wiring.fetches_initiation_data:
        yield Check(_RING, "initiation data", "ok", "fetched for inbound calls")
    else:
        detail = "the agent does not fetch initiation data"
        remedy = f'Security settings, "Fetch conversation initiation data for inbound calls"; or: {fix}'
        yield Check(_RING, "initiation data", "fault", detail, remedy)
    if wiring.allows_first_message or not (settings.GREETING or any(settings.GREETINGS.values())):
        yield Check(_RING, "greeting", "ok", "allowed" if wiring.allows_first_message else "GREETING is empty")
    else:
        detail = "the agent does not allow its first message to be overridden: a greeting can end the call"
        yield Check(_RING, "greeting", "fault", detail, f'Security settings, override "First message"; or: {fix}')
    if settings.OVERRIDE_LANGUAGE and wiring.allows_language:
        if len(languages := wiring.languages) > 1:
            yield Check(_RING, "language", "ok", f"allowed; the agent has {', '.join(languages)}")
        else:
            detail, remedy = "the agent has one language, and rings send the caller's", "Give the agent more languages."
            yield Check(_RING, "language", "note", detail, remedy)
    elif settings.OVERRIDE_LANGUAGE:
        detail = "the agent does not allow its language to be overridden: OVERRIDE_LANGUAGE can end the call"
        yield Check(_RING, "language", "fault", detail, f'Security settings, override "Agent language"; or: {fix}')


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
            f"not sent: {', '.join(f'{{{{{name}}}}}' for name in missing)}; calls end with error 1008",
            "Give each a default in DYNAMIC_VARIABLES, or remove it from the agent.",
        )
    elif not used & set(VARIABLES):
        detail = "neither prompt nor first message uses one: the agent knows nothing about the caller"
        yield Check(_RING, "variables", "note", detail, "Write {{user_profile_summary}} into the prompt.")
    else:
        yield Check(_RING, "variables", "ok", f"all {len(used)} that the agent uses are sent")


def _variables_in(value: Any) -> Iterator[str]:
    """Yield the names of variables in a tool's address, headers and parameters."""
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


def _tool(wiring: Wiring, server: ThisServer, fix: str) -> Iterator[Check]:
    url = server.url + SEARCH_DATA_PATH
    tool = wiring.search_tool(url)
    if tool is None or tool not in wiring.attached_tools:
        yield Check(_TOOL, TOOL_NAME, "fault", "the agent has no such tool: it cannot look things up", fix)
        return
    schema = tool["tool_config"].get("api_schema") or {}
    yield _url_check(_TOOL, "address", tool_url(tool), url, fix)
    method = schema.get("method") or "GET"
    if method == "POST":
        yield Check(_TOOL, "method", "ok", "POST")
    else:
        yield Check(_TOOL, "method", "fault", f"{method}: the server takes POST only", fix)
    yield _key_check(_TOOL, wiring, schema.get("request_headers"), server.search_data_keys, SEARCH_DATA_SECRET, fix)
    properties = (schema.get("request_body_schema") or {}).get("properties") or {}
    match filled_by(properties["user_id"]) if "user_id" in properties else ("", ""):
        case ("dynamic_variable", variable) if variable == CALLER:
            yield Check(_TOOL, "user_id", "ok", CALLER)
        case ("model", _):
            detail = "the model fills it: a caller can make it read out another caller's memories"
            yield Check(_TOOL, "user_id", "fault", detail, f"Make it the dynamic variable {CALLER}; or: {fix}")
        case ("", _):
            yield Check(_TOOL, "user_id", "fault", "not sent: searches find nothing", fix)
        case (_, other):
            detail = f"filled with {other or 'something else'}, not with {CALLER}"
            yield Check(_TOOL, "user_id", "fault", detail, fix)
    by, description = filled_by(properties["query"]) if "query" in properties else ("", "")
    if by == "model" and description:
        yield Check(_TOOL, "query", "ok", "filled by the model")
    else:
        yield Check(_TOOL, "query", "fault", "the model does not fill it: every search is refused with 422", fix)
    if problem := language_problem(tool["tool_config"], fix):
        yield Check(_TOOL, "language", "note", *problem)
    else:
        yield Check(_TOOL, "language", "ok", "the model is asked for the caller's")
    if "called_number" in properties and filled_by(properties["called_number"]) == ("dynamic_variable", CALLED):
        yield Check(_TOOL, "called_number", "ok", CALLED)
    else:
        yield Check(_TOOL, "called_number", "note", "not sent: searches in outbound calls find nothing", fix)


def _post_call(wiring: Wiring, server: ThisServer, fix: str) -> Iterator[Check]:
    section = wiring.settings(POST_CALL)
    webhook_id = section.get("post_call_webhook_id")
    webhook = next((each for each in wiring.webhooks if each["webhook_id"] == webhook_id), None)
    if webhook is None:
        yield Check(_AFTERWARDS, "webhook", "fault", "none is set: no call is remembered", fix)
        return
    yield _url_check(_AFTERWARDS, "webhook", webhook["webhook_url"], server.url + POST_CALL_PATH, fix)
    yield _alive(webhook, fix)
    yield _retries(webhook, fix)
    yield _secret(webhook, server)
    if missing := [event for event in EVENTS if event not in (section.get("events") or ())]:
        yield Check(_AFTERWARDS, "events", "fault", f"not subscribed: {', '.join(missing)}", fix)
    elif section.get("exclude_transcript") or section.get("transcript_format") not in (None, "json"):
        yield Check(_AFTERWARDS, "events", "fault", "sent without the transcript, or not as JSON", fix)
    else:
        yield Check(_AFTERWARDS, "events", "ok", ", ".join(EVENTS))


def _data_collection(wiring: Wiring, fix: str) -> Iterator[Check]:
    """Check which fields the agent lacks; a note, because memory works without them."""
    found = [(field, *there) for field in FIELDS if (there := of_agent(field, wiring))]
    if lacking := missing(wiring):
        detail = f"not collected: {', '.join(field.id for field in lacking)}"
        full = left_out(wiring, Collecting()) == lacking
        first = "Outside enterprise workspaces, first remove a field of the agent's: 25 are allowed. " if full else ""
        yield Check(_AFTERWARDS, "data collection", "note", detail, f"{first}{fix} --memory")
    else:
        yield Check(_AFTERWARDS, "data collection", "ok", f"all {len(found)} fields that memory uses")
    if own := [id_ for field, id_, one in found if not field.is_ours(one)]:
        detail = f"described in other words than ours: {', '.join(own)}"
        yield Check(_AFTERWARDS, "own fields", "ok", f"{detail}; they are used and stay as they are")
    for field, id_, one in found:
        if one.get("type") != field.type:
            detail = f"{id_} is of type {one.get('type')}, not {field.type}"
            yield Check(
                _AFTERWARDS, "own fields", "note", detail, f"Make it a {field.type}, or delete it and run: {fix}"
            )


def _alive(webhook: Json, fix: str) -> Check:
    if webhook.get("is_disabled") or webhook.get("is_auto_disabled"):
        why = "by ElevenLabs, after ten failures" if webhook.get("is_auto_disabled") else "by hand"
        remedy = f"Correct the cause, then: {fix}; fetch what was missed: manage.py backfill"
        return Check(_AFTERWARDS, "deliveries", "fault", f"the webhook is disabled {why}", remedy)
    code, at = webhook.get("most_recent_failure_error_code"), webhook.get("most_recent_failure_timestamp")
    if code and at and time.time() - at < _RECENT_SECONDS:
        remedy = "See docs/troubleshooting.md, then fetch what was missed: manage.py backfill"
        hours = max(0, time.time() - at) / 3600
        return Check(_AFTERWARDS, "deliveries", "fault", f"one failed with {code} {hours:.0f} h ago", remedy)
    return Check(_AFTERWARDS, "deliveries", "ok", "none failed in the last 24 h")


def _retries(webhook: Json, fix: str) -> Check:
    match has_retries(webhook):
        case True:
            return Check(_AFTERWARDS, "retries", "ok", "on")
        case False:
            return Check(_AFTERWARDS, "retries", "fault", "off: a call that ends while the server is away is lost", fix)
    detail = "ElevenLabs does not report whether they are on"
    return Check(_AFTERWARDS, "retries", "note", detail, f"To switch them on: {fix}")


def _secret(webhook: Json, server: ThisServer) -> Check:
    if webhook.get("auth_type") != "hmac":
        remedy = "Make a webhook with HMAC authentication."
        return Check(_AFTERWARDS, "signature", "fault", f"{webhook.get('auth_type')}, not hmac", remedy)
    key = secret_fingerprint(webhook)
    if key is None:
        return Check(_AFTERWARDS, "signature", "note", "ElevenLabs does not reveal the secret: it cannot be compared")
    if key in map(fingerprint, server.post_call_keys):
        return Check(_AFTERWARDS, "signature", "ok", f"ELEVENLABS_POST_CALL_KEY is the webhook's secret ({key})")
    detail = f"the webhook's secret ({key}) is not in ELEVENLABS_POST_CALL_KEY: every delivery is refused"
    return Check(_AFTERWARDS, "signature", "fault", detail, "If the secret is lost: manage.py provision … --new-secret")


def _numbers(wiring: Wiring, workspace: list[Json]) -> Iterator[Check]:
    agent_id = wiring.agent["agent_id"]
    assigned = [number for number in workspace if (number.get("assigned_agent") or {}).get("agent_id") == agent_id]
    numbers = {str(one["phone_number"]) for one in [*assigned, *(wiring.agent.get("phone_numbers") or ())]}
    if not numbers:
        yield Check(_ACCOUNT, "numbers", "note", "the agent has no phone number")
        return
    listed = {caller_key(number) for number in settings.AGENT_NUMBERS}
    if missing := sorted(number for number in numbers if caller_key(number) not in listed):
        masked = ", ".join(f"…{number[-4:]}" for number in missing)
        detail = f"not in AGENT_NUMBERS: {masked}. In an outbound call the agent would be taken for the caller"
        yield Check(_ACCOUNT, "numbers", "fault", detail, "List the agent's own numbers in AGENT_NUMBERS.")
    else:
        yield Check(_ACCOUNT, "numbers", "ok", "the agent's own are in AGENT_NUMBERS")


def _url_check(section: str, name: str, found: str | None, wanted: str, fix: str) -> Check:
    if found == wanted:
        return Check(section, name, "ok", wanted)
    if not found:
        return Check(section, name, "fault", "not set", fix)
    if wanted.startswith("/"):
        return Check(section, name, "note", f"is {found}", "Set PUBLIC_URL, or give --url, to compare it.")
    return Check(section, name, "fault", f"is {found}, not {wanted}", fix)


def _key_check(section: str, wiring: Wiring, headers: Json | None, keys: Sequence[str], prefix: str, fix: str) -> Check:
    """Check that the header holds the first key, in plain text or as a secret whose name records its fingerprint."""
    _, value = key_header(headers)
    if value is None:
        return Check(section, "key", "fault", "no header X-Api-Key: the server answers 401", fix)
    if isinstance(value, str):
        if value in keys:
            detail = "X-Api-Key contains the key in plain text, readable in every payload"
            return Check(section, "key", "note", detail, f"Make it a secret: {fix}")
        return Check(section, "key", "fault", "X-Api-Key contains another key: the server answers 401", fix)
    name = wiring.secret_name(value.get("secret_id") if isinstance(value, dict) else None)
    fingerprints = [fingerprint(key) for key in keys or [""]]
    if name == f"{prefix}_{fingerprints[0]}":
        return Check(section, "key", "ok", f"secret {name}")
    if name in {f"{prefix}_{one}" for one in fingerprints}:
        return Check(section, "key", "note", f"secret {name} contains the key that is being replaced", fix)
    if name.startswith(f"{prefix}_"):
        detail = f"secret {name} contains another key than this server: it answers 401"
        return Check(section, "key", "fault", detail, fix)
    return Check(section, "key", "note", f"a secret whose value cannot be compared ({name or 'unknown'})")
