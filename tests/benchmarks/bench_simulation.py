"""The simulated scope beside minisim: CPU for each frame, set-up and imports, memory, live pacing.

minisim is what a user would take instead. Both render the same Spec to the same raw Y800 video,
in processes of their own, in turn, in this run, on this machine; compare the ratios, of which the
middle one of three is shown. The cost of a frame is the difference of two lengths in a process that
is warm; set-up is what the first recording of a process takes beside its frames. Imports are all
before it, from the start of Python, numba's own at its first call included. Needs `.venv-minisim`
(tests/oracles/make_minisim_env).
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from statistics import median
from threading import Thread
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[2]
MINISIM = ROOT / ".venv-minisim/bin/python"
SHORT, LONG, LADDER, ENDLESS = 100, 600, 3000, 60_000
"""Frames: of every scene, of the large ones, of the small one, and for growth."""
TURNS = 3


class Cost(NamedTuple):
    """CPU time for a frame, set-up, imports, and the last two together; peak memory."""

    frame_s: float
    setup_s: float
    imports_s: float
    start_s: float
    peak_mb: float


def cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def peak_mb() -> float:
    """Give the peak resident memory of this process, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def work(program: str, task: str, spec_file: str, *frames: str) -> None:
    """Do one task in a process of its own and print what it took; runs under either Python."""
    if program == "minisim":
        from minisim import Spec, simulate_video  # pyright: ignore[reportMissingImports]
    else:
        from syntalos_miniscope.simulation import Spec, noise, simulate_video

        noise.uniform(noise.stream(0), 0)
    imports_s = cpu_s()
    scene = json.loads(Path(spec_file).read_text())
    specs: list[Any] = [Spec.model_validate(with_frames(scene, int(n))) for n in frames]
    told: dict[str, Any] = {"imports_s": imports_s, "cpu_s": []}
    for spec in specs:
        began = cpu_s()
        if task == "video":
            with tempfile.TemporaryDirectory() as folder:
                quiet: dict[str, Any] = {"progress": False} if program == "minisim" else {}
                simulate_video(spec, Path(folder) / "a.avi", vmax=255.0, codec="Y800", **quiet)
        elif task == "null":
            render_to_nowhere(spec)
        else:
            told |= pace(spec, turning=task == "turn")
        told["cpu_s"].append(cpu_s() - began)
    print(json.dumps({**told, "peak_mb": peak_mb()}))


def render_to_nowhere(spec: Any) -> None:
    from syntalos_miniscope.scope import ScopeSettings
    from syntalos_miniscope.simulation.renderer import Renderer

    renderer, settings = Renderer(spec), ScopeSettings(frame_rate_hz=spec.acquisition.fps)
    for _ in range(spec.acquisition.n_frames):
        renderer.advance(settings)


def pace(spec: Any, *, turning: bool) -> dict[str, float]:
    """Stream live for as long as the Spec says, and give the intervals between frames.

    With `turning`, focus, LED and gain are other ones for every frame. Beside it, in the same
    seconds, a thread only sleeps from frame to frame: what it cannot do, on a computer with other
    work, no program can.
    """
    from syntalos_miniscope.clock import RunClock
    from syntalos_miniscope.scope import ScopeSettings
    from syntalos_miniscope.simulation.live import SimulatedScope

    scope, clock, n = SimulatedScope(spec), RunClock(), spec.acquisition.n_frames
    arrived: list[float] = []
    woken: list[float] = []
    clock.start()
    scope.start(clock)
    control = Thread(target=only_sleep, args=(woken, n, 1 / spec.acquisition.fps))
    began, at = cpu_s(), time.monotonic()
    control.start()
    while len(arrived) < n:
        if scope.read(timeout_s=1) is not None:
            arrived.append(time.monotonic())
            if turning:
                k = len(arrived)
                scope.apply(
                    ScopeSettings(
                        frame_rate_hz=spec.acquisition.fps,
                        ewl=37 * k % 121 - 60,
                        led_percent=20 + k % 60,
                        gain=("low", "medium", "high")[k % 3],
                    )
                )
    share = (cpu_s() - began) / (time.monotonic() - at)
    scope.close()
    control.join()
    lateness = {"core": share, "late": float(scope.counters["late"])}
    for name, times in (("ours", arrived), ("sleep", woken)):
        gaps_ms = sorted(1000 * (b - a) for a, b in pairwise(times))
        lateness |= {f"{name}_p50": gaps_ms[len(gaps_ms) // 2]}
        lateness |= {f"{name}_p99": gaps_ms[-max(len(gaps_ms) // 100, 1)]}
    return lateness


def only_sleep(woken: list[float], n: int, period_s: float) -> None:
    begin = time.monotonic()
    for k in range(1, n + 1):
        time.sleep(max(begin + k * period_s - time.monotonic(), 0))
        woken.append(time.monotonic())


def run(program: str, task: str, spec: dict[str, Any], *frames: int) -> dict[str, Any]:
    python = MINISIM if program == "minisim" else Path(sys.executable)
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(spec, file)
        file.flush()
        command = [str(python), "-W", "ignore", __file__, program, task, file.name]
        command += [str(n) for n in frames]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{program} failed:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def measure(program: str, task: str, spec: dict[str, Any], long: int = LONG) -> Cost:
    took = run(program, task, spec, SHORT, SHORT, long)
    cold_s, short_s, long_s = took["cpu_s"]
    frame_s = (long_s - short_s) / (long - SHORT)
    setup_s, imports_s = cold_s - SHORT * frame_s, took["imports_s"]
    return Cost(frame_s, setup_s, imports_s, setup_s + imports_s, took["peak_mb"])


def with_frames(spec: dict[str, Any], n: int) -> dict[str, Any]:
    acquisition = {**spec["acquisition"], "duration_s": n / spec["acquisition"]["fps"]}
    return {**spec, "acquisition": acquisition}


def scenes() -> dict[str, dict[str, Any]]:
    """Give the scenes that are compared; the focus is a number, so that both see the same."""
    from syntalos_miniscope.simulation.presets import studio_spec

    v4 = json.loads(studio_spec("Miniscope V4 - CA1", seed=1).minisim_json())
    v4["acquisition"]["focal_depth_in_tissue_um"] = 170.0
    still = {**v4, "steps": [step for step in v4["steps"] if step["kind"] != "brain_motion"]}
    kinds = ["place_neurons", "cell_activity", "bleaching", "optics", "composite", "neuropil"]
    kinds += ["brain_motion", "illumination_profile", "vignette", "leakage", "sensor"]
    sensor = {"n_px_height": 200, "n_px_width": 200, "pixel_pitch_um": 8.0}
    acquisition = {"fps": 20.0, "image_sensor": sensor, "focal_depth_in_tissue_um": 60.0}
    ladder = {"acquisition": acquisition, "seed": 1, "steps": [{"kind": kind} for kind in kinds]}
    return {"V4 CA1 608²": still, "V4 CA1 608², motion": v4, "ladder 200²": ladder}


def side_by_side() -> None:
    print("Rendering to a raw Y800 video; ratio = minisim / ours, the middle one of", TURNS)
    print_row("scene", "program", "ms CPU/frame", "set-up s", "imports s", "both s", "peak MB")
    for name, spec in scenes().items():
        long = LADDER if name.startswith("ladder") else LONG
        turns = [
            (measure("minisim", "video", spec, long), measure("ours", "video", spec, long))
            for _ in range(TURNS)
        ]
        for program, costs in (("minisim", [t for t, _ in turns]), ("ours", [o for _, o in turns])):
            frame_s, *starts_s, peak = (median(each) for each in zip(*costs, strict=True))
            starts = [f"{start_s:.2f}" for start_s in starts_s]
            print_row(name, program, f"{1000 * frame_s:.3f}", *starts, f"{peak:.0f}")
        ratios = [median(t[k] / o[k] for t, o in turns) for k in range(4)]
        print_row(name, "ratio", *(f"{ratio:.1f}" for ratio in ratios), "")


def print_row(*cells: str) -> None:
    print("{:20} {:8} {:>13} {:>9} {:>10} {:>8} {:>8}".format(*cells), flush=True)


def growth() -> None:
    print("\nGrowth of ours, V4 CA1 with motion, to a null sink")
    print(f"{'what':28} {'ms CPU/frame':>13} {'set-up s':>9} {'MB':>6}")
    v4 = scenes()["V4 CA1 608², motion"]
    for times in (0.25, 0.5, 1, 2):
        place = {**v4["steps"][0], "density_per_mm3": 45000 * times}
        grow(f"cells x {times:g}", {**v4, "steps": [place, *v4["steps"][1:]]})
    for side in (152, 304, 608, 1216):
        sensor = {**v4["acquisition"]["image_sensor"], "n_px_height": side, "n_px_width": side}
        acquisition = {**v4["acquisition"], "image_sensor": sensor}
        grow(f"pixels {side}²", {**v4, "acquisition": acquisition})
    for n in (LONG, ENDLESS):
        took = run("ours", "null", v4, n)
        frame_ms = 1000 * took["cpu_s"][0] / n
        print(f"{f'frames {n}':28} {frame_ms:13.2f} {'':9} {took['peak_mb']:6.0f}")


def grow(what: str, spec: dict[str, Any]) -> None:
    took = measure("ours", "null", spec)
    print(
        f"{what:28} {1000 * took.frame_s:13.2f} {took.setup_s:9.2f} {took.peak_mb:6.0f}", flush=True
    )


def live() -> None:
    v4 = scenes()["V4 CA1 608², motion"]
    print("\nLive, V4 CA1 with motion, 30 s; turned: focus, LED and gain at every frame")
    for fps, task in ((30, "pace"), (30, "turn"), (60, "turn")):
        spec = {**v4, "acquisition": {**v4["acquisition"], "fps": float(fps)}}
        took = run("ours", task, spec, 30 * fps)
        turned = ", turned" if task == "turn" else ""
        print(
            f"{fps} fps{turned}: {100 * took['core']:.1f} % of one core, "
            f"not in time {took['late']:.0f}; nominal interval {1000 / fps:.2f} ms"
        )
        for name, what in (("ours", "frames"), ("sleep", "a thread that only sleeps")):
            print(f"{what:26} p50 {took[name + '_p50']:.2f} ms, p99 {took[name + '_p99']:.2f} ms")


def main() -> None:
    if not MINISIM.exists():
        sys.exit("there is no .venv-minisim to compare with; run tests/oracles/make_minisim_env")
    # The kernels are compiled once per machine and cached; no start after the first pays for it.
    for spec in scenes().values():
        run("ours", "video", spec, 20)
    side_by_side()
    growth()
    live()


if __name__ == "__main__":
    work(*sys.argv[1:]) if len(sys.argv) > 1 else main()
