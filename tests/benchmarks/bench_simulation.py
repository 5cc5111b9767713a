"""The simulated scope beside minisim: CPU for set-up and each frame, peak memory, and live pacing.

minisim is what a user would take instead. Both render the same Spec to the same raw Y800 video,
each in a process of its own, in this run, on this machine; compare the ratios. The cost of a
frame is the difference of two lengths. Needs `.venv-minisim` (tests/oracles/make_minisim_env).
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
from threading import Thread
from typing import Any

ROOT = Path(__file__).parents[2]
MINISIM = ROOT / ".venv-minisim/bin/python"
SHORT, LONG, ENDLESS = 100, 600, 60_000
"""Frames."""


def cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def peak_mb() -> float:
    """Give the peak resident memory of this process, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def work(program: str, task: str, spec_file: str) -> None:
    """Do one task in a process of its own and print what it took; runs under either Python."""
    if program == "minisim":
        from minisim import Spec, simulate_video  # pyright: ignore[reportMissingImports]
    else:
        from syntalos_miniscope.simulation import Spec, simulate_video
    spec: Any = Spec.model_validate_json(Path(spec_file).read_text())
    began = cpu_s()
    told: dict[str, float] = {}
    if task == "video":
        with tempfile.TemporaryDirectory() as folder:
            quiet: dict[str, Any] = {"progress": False} if program == "minisim" else {}
            simulate_video(spec, Path(folder) / "a.avi", vmax=255.0, codec="Y800", **quiet)
    elif task == "null":
        render_to_nowhere(spec)
    else:
        told = pace(spec)
    print(json.dumps({"cpu_s": cpu_s() - began, "peak_mb": peak_mb(), **told}))


def render_to_nowhere(spec: Any) -> None:
    from syntalos_miniscope.scope import ScopeSettings
    from syntalos_miniscope.simulation.renderer import Renderer

    renderer, settings = Renderer(spec), ScopeSettings(frame_rate_hz=spec.acquisition.fps)
    for _ in range(spec.acquisition.n_frames):
        renderer.advance(settings)


def pace(spec: Any) -> dict[str, float]:
    """Stream live for as long as the Spec says, and give the intervals between frames.

    Beside it, in the same seconds, a thread only sleeps from frame to frame: what it cannot do, on
    a computer with other work, no program can.
    """
    from syntalos_miniscope.clock import RunClock
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
    share = (cpu_s() - began) / (time.monotonic() - at)
    scope.close()
    control.join()
    lateness = {"core": share, "dropped": float(scope.counters["dropped"])}
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


def measure(program: str, spec: dict[str, Any], task: str = "video") -> dict[str, float]:
    python = MINISIM if program == "minisim" else Path(sys.executable)
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(spec, file)
        file.flush()
        command = [str(python), "-W", "ignore", __file__, program, task, file.name]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{program} failed:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


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
    print("Rendering to a raw Y800 video; ratio = minisim / ours")
    head = ("scene", "program", "ms CPU/frame", "ratio", "set-up s", "ratio", f"MB at {LONG}")
    print("{:22} {:10} {:>13} {:>7} {:>9} {:>7} {:>12}".format(*head))
    for name, spec in scenes().items():
        rows = {}
        for program in ("minisim", "ours"):
            short = measure(program, with_frames(spec, SHORT))
            long = measure(program, with_frames(spec, LONG))
            frame_s = (long["cpu_s"] - short["cpu_s"]) / (LONG - SHORT)
            rows[program] = frame_s, short["cpu_s"] - SHORT * frame_s, long["peak_mb"]
        theirs = rows["minisim"]
        for program, (frame_s, setup_s, peak) in rows.items():
            ratios = theirs[0] / frame_s, theirs[1] / setup_s
            print(
                f"{name:22} {program:10} {1000 * frame_s:13.2f} {ratios[0]:7.1f} "
                f"{setup_s:9.2f} {ratios[1]:7.1f} {peak:12.0f}",
                flush=True,
            )


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
        took = measure("ours", with_frames(v4, n), "null")
        print(f"{f'frames {n}':28} {1000 * took['cpu_s'] / n:13.2f} {'':9} {took['peak_mb']:6.0f}")


def grow(what: str, spec: dict[str, Any]) -> None:
    short = measure("ours", with_frames(spec, SHORT), "null")
    long = measure("ours", with_frames(spec, LONG), "null")
    frame_s = (long["cpu_s"] - short["cpu_s"]) / (LONG - SHORT)
    setup_s = short["cpu_s"] - SHORT * frame_s
    print(f"{what:28} {1000 * frame_s:13.2f} {setup_s:9.2f} {long['peak_mb']:6.0f}", flush=True)


def live() -> None:
    v4 = scenes()["V4 CA1 608², motion"]
    acquisition = {**v4["acquisition"], "fps": 30.0, "duration_s": 30.0}
    took = measure("ours", {**v4, "acquisition": acquisition}, "pace")
    print("\nLive, V4 CA1 with motion at 30 fps for 30 s (nominal interval 33.33 ms)")
    print(f"share of one core {100 * took['core']:.1f} %, dropped {took['dropped']:.0f}")
    for name, what in (("ours", "frames"), ("sleep", "a thread that only sleeps")):
        print(f"{what:26} p50 {took[name + '_p50']:.2f} ms, p99 {took[name + '_p99']:.2f} ms")


def main() -> None:
    if not MINISIM.exists():
        sys.exit("there is no .venv-minisim to compare with; run tests/oracles/make_minisim_env")
    # The kernels are compiled once per machine and cached; no start after the first pays for it.
    measure("ours", with_frames(scenes()["ladder 200²"], 20))
    measure("ours", with_frames(scenes()["V4 CA1 608², motion"], 20))
    side_by_side()
    growth()
    live()


if __name__ == "__main__":
    work(*sys.argv[1:]) if len(sys.argv) > 1 else main()
