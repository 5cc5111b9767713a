"""The knobs of a rig, kept under a name: which scope, how bright, where in focus."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import TypeVar

import platformdirs
import tomli_w
from pydantic import ValidationError

from syntalos_miniscope.node import Settings

_S = TypeVar("_S", bound=Settings)


def rigs_folder() -> Path:
    """Give the folder of the profiles; it need not exist."""
    return Path(platformdirs.user_config_dir("syntalos-miniscope", appauthor=False)) / "rigs"


def names() -> list[str]:
    """Give the profiles that there are."""
    return sorted(path.stem for path in rigs_folder().glob("*.toml"))


def keep(name: str, settings: Settings) -> None:
    """Keep settings as a profile; one of that name is replaced. ValueError for an odd name."""
    file = _file(name)
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = file.with_name(f".{file.name}.new")
    values = settings.model_dump(mode="json", exclude_none=True)
    beside.write_text(tomli_w.dumps(values), "utf-8")
    beside.replace(file)


def recall(name: str, settings: _S) -> _S:
    """Give settings with what the profile says; what they do not have is passed over.

    ValueError if there is no such profile, or it does not fit.
    """
    try:
        values = tomllib.loads(_file(name).read_text("utf-8"))
        known = {field: values[field] for field in type(settings).model_fields if field in values}
        return type(settings).model_validate({**settings.model_dump(), **known})
    except FileNotFoundError as error:
        raise ValueError(f"there is no profile '{name}'") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise ValueError(f"profile '{name}': {place}: {first['msg']}") from error
    except (tomllib.TOMLDecodeError, OSError) as error:
        raise ValueError(f"profile '{name}': {error}") from error


def _file(name: str) -> Path:
    if not re.fullmatch(r"\w[\w .-]{0,60}", name):
        raise ValueError(f"'{name}': a profile is called like 'left rig': letters, digits, spaces")
    return rigs_folder() / f"{name}.toml"
