"""Which knob suits a field of a settings class, as its JSON schema tells it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtWidgets import QWidget

from syntalos_miniscope_ui.panels.fields import ChoiceKnob, NumberKnob, SwitchKnob
from syntalos_miniscope_ui.panels.text_fields import OptionalKnob, PathKnob, TextKnob, TomlKnob


def knob_for(name: str, schema: Mapping[str, Any]) -> QWidget:
    """Give a widget, which is a Knob, for a field with this schema (references resolved)."""
    options = schema.get("anyOf", [])
    if len(options) == 2 and {"type": "null"} in options:
        inner = next(option for option in options if option != {"type": "null"})
        return OptionalKnob(knob_for(name, {**schema, **inner, "anyOf": []}))
    kind = schema.get("type")
    if "enum" in schema:
        return ChoiceKnob(schema["enum"])
    if kind == "boolean":
        return SwitchKnob()
    if kind == "integer" or kind == "number":
        return NumberKnob(name, schema, whole=kind == "integer")
    of_path = name.rsplit("_", 1)[-1] in ("file", "folder", "dir", "path", "rois")
    if kind == "string" and (of_path or "path" in str(schema.get("format", ""))):
        return PathKnob()
    if kind == "string":
        return TextKnob()
    return TomlKnob()
