"""The knobs of a scope: what was asked for, what the device was told, and what changed when."""

from __future__ import annotations

from syntalos_miniscope.miniscope.device_types import Command, DeviceType
from syntalos_miniscope.miniscope.events import ControlChange
from syntalos_miniscope.scope import ScopeSettings

_GAIN_ORDER = ("low", "medium", "high")


class Knobs:
    """Turns settings into commands for one kind of scope, and remembers them.

    They begin at the kind's own frame rate and gain, in focus and dark; what a kind does not have
    is left alone.
    """

    def __init__(self, kind: DeviceType) -> None:
        self._kind = kind
        self._codes: dict[str, int] = {}
        self._positions: dict[str, int] = {
            name: choice.start for name, choice in kind.choices.items()
        }
        self._sent: dict[str, list[Command]] = {}
        self._leds_percent: dict[str, float] = {}

    @property
    def led_percent(self) -> float:
        """How bright the brightest LED is set."""
        return max(self._leds_percent.values(), default=0.0)

    @property
    def frame_rate_hz(self) -> float:
        """The true frame rate."""
        return self._kind.frame_rate_hz(self._positions.get("frameRate", 0))

    @property
    def rates_hz(self) -> tuple[float, ...]:
        """The nominal frame rates that there are."""
        choice = self._kind.choices.get("frameRate")
        return choice.shown if choice else ()

    def commands(self) -> list[Command]:
        """Give all that was asked for, to be sent again."""
        return [command for sent in self._sent.values() for command in sent]

    def turn(
        self, settings: ScopeSettings, time_us: int, led_step: int | None = None
    ) -> tuple[list[Command], list[ControlChange]]:
        """Give what to send for settings and what changed; ValueError for a rate there is not.

        `led_step`, one of the 256 of the LED's driver with 0 being off, goes before the percent.
        """
        rate = self._rate_position(settings.frame_rate_hz)
        changes: list[ControlChange] = []
        commands: list[Command] = []
        if rate is not None:
            self._choose("frameRate", rate, time_us, commands, changes)
        gain = self._kind.choices.get("gain")
        if gain is not None:
            # Scopes with more than three positions use the first, the middle and the last.
            position = _GAIN_ORDER.index(settings.gain) * (len(gain.names) - 1) // 2
            self._choose("gain", position, time_us, commands, changes)
        if "ewl" in self._kind.sliders:
            code = self._kind.sliders["ewl"].code(settings.ewl)
            self._slide("ewl", code, str(settings.ewl), time_us, commands, changes)
        if led_step is None:
            self._turn_led("led0", settings.led_percent, time_us, commands, changes)
        else:
            self._step_led(led_step, time_us, commands, changes)
        return commands, changes

    def turn_second_led(
        self, percent: float, time_us: int
    ) -> tuple[list[Command], list[ControlChange]]:
        """Give what to send for the LED of a two-colour scope; ValueError if there is none."""
        if "led1" not in self._kind.sliders:
            raise ValueError(f"a {self._kind.name} has one LED only")
        changes: list[ControlChange] = []
        commands: list[Command] = []
        self._turn_led("led1", percent, time_us, commands, changes)
        return commands, changes

    def _step_led(
        self, step: int, time_us: int, commands: list[Command], changes: list[ControlChange]
    ) -> None:
        if not 0 <= step <= 255:
            raise ValueError(f"an LED step is 0 to 255, not {step}")
        led = self._kind.sliders["led0"]
        dark, full = led.code(led.minimum), led.code(led.maximum)
        code = dark - step if full < dark else min(dark + step, full)
        self._slide("led0", code, f"{step}/255", time_us, commands, changes)
        self._leds_percent["led0"] = step / 255 * 100

    def _turn_led(
        self,
        name: str,
        percent: float,
        time_us: int,
        commands: list[Command],
        changes: list[ControlChange],
    ) -> None:
        led = self._kind.sliders.get(name)
        if led is not None:
            code = led.code(percent * led.maximum / 100)
            self._slide(name, code, f"{percent:g}", time_us, commands, changes)
            self._leds_percent[name] = percent

    def _rate_position(self, rate_hz: float) -> int | None:
        choice = self._kind.choices.get("frameRate")
        if choice is None:
            return None
        position = choice.nearest(rate_hz)
        true = self._kind.frame_rate_hz(position)
        if rate_hz != choice.shown[position] and abs(true - rate_hz) > 0.01 * rate_hz:
            rates = ", ".join(f"{rate:g}" for rate in choice.shown)
            raise ValueError(f"this scope has {rates} frames a second; {rate_hz:g} is none of them")
        return position

    def _choose(
        self,
        name: str,
        position: int,
        time_us: int,
        commands: list[Command],
        changes: list[ControlChange],
    ) -> None:
        choice = self._kind.choices[name]
        code, _ = choice.codes[position]
        self._positions[name] = position
        self._set(name, code, choice.commands(position), commands)
        self._log(name, code, f"{choice.shown[position]:g}", time_us, changes)

    def _slide(
        self,
        name: str,
        code: int,
        shown: str,
        time_us: int,
        commands: list[Command],
        changes: list[ControlChange],
    ) -> None:
        self._set(name, code, self._kind.sliders[name].commands(code), commands)
        self._log(name, code, shown, time_us, changes)

    def _set(self, name: str, code: int, send: list[Command], commands: list[Command]) -> None:
        if self._codes.get(name) != code:
            self._sent[name] = send
            commands += send

    def _log(
        self, name: str, code: int, shown: str, time_us: int, changes: list[ControlChange]
    ) -> None:
        if self._codes.get(name) != code:
            self._codes[name] = code
            changes.append(ControlChange(time_us, name, shown, code))
