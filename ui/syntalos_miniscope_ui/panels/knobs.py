"""Which knob suits a field of a settings class, as its JSON schema tells it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtWidgets import QWidget

from syntalos_miniscope_ui.panels.fields import ChoiceKnob, NumberKnob, PairKnob, SwitchKnob
from syntalos_miniscope_ui.panels.text_fields import OptionalKnob, PathKnob, TextKnob, TomlKnob


def knob_for(name: str, schema: Mapping[str, Any]) -> QWidget:
    """Give a widget, which is a Knob, for a field with this schema (references resolved)."""
    options = schema.get("anyOf", [])
    absent = [option for option in options if option.get("type") == "null" or "const" in option]
    if len(options) == 2 and len(absent) == 1:
        inner = next(option for option in options if option not in absent)
        return OptionalKnob(
            knob_for(name, {**schema, **inner, "anyOf": []}), absent[0].get("const")
        )
    kind = schema.get("type")
    if "enum" in schema:
        return ChoiceKnob(schema["enum"])
    if kind == "boolean":
        return SwitchKnob()
    if kind == "integer" or kind == "number":
        return NumberKnob(name, schema, whole=kind == "integer")
    pair = schema.get("prefixItems", [])
    if len(pair) == 2 and all(part.get("type") in ("integer", "number") for part in pair):
        return PairKnob(name, pair)
    of_path = name.rsplit("_", 1)[-1] in ("file", "folder", "dir", "path", "rois")
    if kind == "string" and (of_path or "path" in str(schema.get("format", ""))):
        return PathKnob()
    if kind == "string":
        return TextKnob()
    return TomlKnob()
