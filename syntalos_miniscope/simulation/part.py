"""What every part of a Spec is: frozen, checked, and strict about unknown names."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Part(BaseModel):
    """A part of a Spec. A name that it does not have, or a number that is not one, is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
