"""The agent's search tool: what the model reads about it, and what it sends."""

import copy
import re

from elmemory.agents.wiring import CALLED, CALLER, TOOL_NAME, Json, filled_by, with_key

# A question in another language finds a fifth of what one in the language of the memories finds.
_DESCRIPTION = (
    "Look up what this caller said in earlier calls: appointments, people, preferences, problems, promises. "
    "Ask one short question in plain words, in the language that the caller speaks. Use it before asking the caller "
    "for something they may have told us already."
)
_QUERY_DESCRIPTION = "The question, in plain words and in the language that the caller speaks; never translate it"
# Texts of earlier versions, which provisioning replaces. It keeps texts of other authors.
_FORMER = {
    (
        "Look up what this caller said in earlier calls: appointments, people, preferences, problems, promises. "
        "Ask one short question in plain words. Use it before asking the caller for something they may have told us "
        "already."
    ),
    "The question, in plain words",
}
# "Language" in the languages that ElevenLabs' agents speak.
_LANGUAGE = re.compile(
    r"\b(?:language|langue|sprache|språk|sprog|taal|idioma|lengua|língua|lingua|limb[aăi]|język|jazyk|язык|мов[аиоу]|език"
    r"|jezik|kiel[ie]|nyelv|dil(?:de|i)|γλώσσα|bahasa|wika|ngôn ngữ|भाषा|மொழி|భాష)"
    r"|言語|ことば|言葉|语言|語言|언어|لغة",
    re.IGNORECASE,
)


def completed_tool(config: Json, url: str, secret: str | None) -> Json:
    """Return the tool with all that is required. Other values stay, or are those of a new tool if missing."""
    config = {
        "type": "webhook",
        "name": TOOL_NAME,
        "response_timeout_secs": 5,
        **copy.deepcopy(config),
    }
    config["description"] = _current(config.get("description"), _DESCRIPTION)
    schema = config["api_schema"] = {**(config.get("api_schema") or {}), "url": url, "method": "POST"}
    schema["request_headers"] = with_key(schema.get("request_headers"), secret)
    if schema.get("content_type") not in (None, "application/json"):
        schema["content_type"] = "application/json"
    body = schema["request_body_schema"] = {"type": "object", **(schema.get("request_body_schema") or {})}
    properties = body["properties"] = dict(body.get("properties") or {})
    for name, variable in (("user_id", CALLER), ("called_number", CALLED)):
        if filled_by(properties.get(name) or {}) != ("dynamic_variable", variable):
            properties[name] = {"type": "string", "dynamic_variable": variable}
    by, description = filled_by(properties.get("query") or {})
    if by != "model" or not description:
        properties["query"] = {"type": "string", "description": _QUERY_DESCRIPTION}
    else:
        properties["query"] = {**properties["query"], "description": _current(description, _QUERY_DESCRIPTION)}
    required = body.get("required") or []
    body["required"] = [*required, *(name for name in ("query", "user_id") if name not in required)]
    return config


def language_problem(config: Json, fix: str) -> tuple[str, str] | None:
    """Return a fault and its remedy if neither the tool nor its query says in which language to ask."""
    body = (config.get("api_schema") or {}).get("request_body_schema") or {}
    query = (body.get("properties") or {}).get("query") or {}
    descriptions = [str(one.get("description") or "").strip() for one in (config, query)]
    if any(map(_LANGUAGE.search, descriptions)):
        return None
    problem = "neither description asks for the caller's language: a translated question finds little"
    if _FORMER.intersection(descriptions):
        return problem, fix
    return problem, 'Add to the description of "query": in the language that the caller speaks.'


def _current(description: str | None, ours: str) -> str:
    return ours if not description or description.strip() in _FORMER else description
