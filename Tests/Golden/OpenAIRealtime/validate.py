#!/usr/bin/env python3
"""Are the golden files what the vendor's own client understands? Needs the PyPI package `openai`.

Every server event must parse into the vendor's types; every client event must parse into them and, dumped again, be
the same: nothing left over, nothing of another kind."""

import json
import sys
from pathlib import Path

from openai.types.realtime import RealtimeClientEvent, RealtimeServerEvent
from pydantic import TypeAdapter

# What the server's session carries beyond the request schema that the vendor's event models use.
SERVER_ONLY = {"session": {"id", "object", "expires_at"}}
# An event that nobody knows, on purpose.
SKIPPED = {"server-unknown"}


def leftovers(sent, parsed, place=""):
    """Names that the vendor's model kept only as extras."""
    extras = getattr(parsed, "model_extra", None) or {}
    for name in extras:
        yield f"{place}{name}"
    for name in getattr(type(parsed), "model_fields", {}):
        value = getattr(parsed, name)
        if hasattr(value, "model_fields_set"):
            yield from leftovers(sent, value, f"{place}{name}.")
        elif isinstance(value, list):
            for entry in value:
                if hasattr(entry, "model_fields_set"):
                    yield from leftovers(sent, entry, f"{place}{name}[].")


def main():
    client, server = TypeAdapter(RealtimeClientEvent), TypeAdapter(RealtimeServerEvent)
    wrong = checked = 0
    for path in sorted(Path(__file__).parent.glob("*.json")):
        if path.stem in SKIPPED:
            continue
        sent = json.loads(path.read_text())
        adapter = client if path.stem.startswith("client-") else server
        try:
            parsed = adapter.validate_python(sent)
        except Exception as error:  # noqa: BLE001
            print(f"{path.stem}: {error}")
            wrong += 1
            continue
        allowed = {f"{key}.{name}" for key, names in SERVER_ONLY.items() for name in names}
        if type(parsed).model_fields["type"].annotation.__args__ != (sent["type"],):
            print(f"{path.stem}: parsed as {type(parsed).__name__}")
            wrong += 1
        extra = set(leftovers(sent, parsed)) - allowed
        if extra:
            print(f"{path.stem}: not in the vendor's types: {', '.join(sorted(extra))}")
            wrong += 1
        if adapter is client and parsed.model_dump(mode="json", exclude_unset=True) != sent:
            print(f"{path.stem}: changed by the vendor's types")
            wrong += 1
        checked += 1
    print(json.dumps({"ok": wrong == 0 and checked > 0, "checked": checked, "wrong": wrong}))
    return 1 if wrong or not checked else 0


sys.exit(main())
