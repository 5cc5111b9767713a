"""Settings of a node as Syntalos keeps them in its projects: JSON with a version."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from syntalos_miniscope.node import Node, Settings

FORMAT = 1


def save(type_id: str, settings: Settings) -> bytes:
    """Give the settings of a node as bytes."""
    kept = {"format": FORMAT, "node": type_id, "settings": settings.model_dump(mode="json")}
    return json.dumps(kept, indent=1).encode("utf-8")


def read(data: bytes, node: type[Node], type_id: str) -> Settings:
    """Read saved settings; none at all are the defaults. ValueError with a sentence."""
    if not data:
        return node.Settings()
    try:
        kept: Any = json.loads(data)
    except ValueError as error:
        raise ValueError(f"they are not JSON ({error})") from error
    if not isinstance(kept, Mapping) or not isinstance(kept.get("settings"), dict):
        raise ValueError('an object with "format", "node" and "settings" is expected')
    if kept.get("format") != FORMAT:
        raise ValueError(
            f"their format is {kept.get('format')!r} and this program knows {FORMAT}; "
            "a newer version of syntalos-miniscope may have written them"
        )
    if kept.get("node") != type_id:
        raise ValueError(f"they belong to a '{kept.get('node')}', and this is a '{type_id}'")
    try:
        return node.Settings.model_validate(kept["settings"])
    except ValidationError as error:
        wrong = error.errors()[0]
        name = ".".join(str(part) for part in wrong["loc"])
        raise ValueError(f"{name}: {wrong['msg']}") from error
