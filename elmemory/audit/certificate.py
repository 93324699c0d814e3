"""The certificate of a forgotten caller, from its entry in the audit log: as text and as JSON."""

from datetime import UTC
from typing import Any

import orjson

from elmemory.audit.models import Entry
from elmemory.memory.text import counted


def as_json(entry: Entry) -> bytes:
    """Return the certificate as JSON, with its proof: number, time, user and hash of the entry."""
    return orjson.dumps(_value(entry), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def as_text(entry: Entry) -> str:
    value = _value(entry)
    searched, deleted = value.get("searched") or {}, value.get("deleted") or {}
    files = counted(searched.get("files", 0), "file")
    lines = [
        "CERTIFICATE: a caller was forgotten",
        "",
        f"Caller reference  {value.get('caller')}",
        f"Begun             {value.get('began_at')}",
        f"Certified         {value['certified_at']}",
        f"By                {value['by']}",
        f"Audit log         entry {value['entry']}",
        f"Hash              {value['hash']}",
        "",
        "Deleted",
        *(f"  {kind:<30}{count:>7}" for kind, count in deleted.items()),
        *([] if deleted else ["  nothing was stored"]),
        "",
        "Databases",
        *(f"  {name}: {state}" for name, state in (value.get("databases") or {}).items()),
        "",
        "Searched afterwards",
        f"  for               {searched.get('needles')}",
        f"  in                {files} of {counted(searched.get('bytes', 0), 'byte')}",
        f"                    {counted(searched.get('rows', 0), 'row')} of databases",
        f"  found             {searched.get('hits')}",
        "",
        "Left",
        *(f"  {line}" for line in value.get("left") or ()),
        "",
        "manage.py audit verify shows whether this entry is as it was written.",
    ]
    return "\n".join(lines) + "\n"


def _value(entry: Entry) -> dict[str, Any]:
    proof = {
        "entry": entry.pk,
        "certified_at": entry.at.astimezone(UTC).isoformat(timespec="seconds"),
        "by": entry.username,
        "hash": entry.hash,
    }
    return {**orjson.loads(entry.document), **proof}
