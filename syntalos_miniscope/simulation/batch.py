"""A Spec rendered from beginning to end: into memory, to disk as zarr, or as a video."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from syntalos_miniscope.recording import RecordingError
from syntalos_miniscope.recording.truth import FrameTruth, GroundTruth
from syntalos_miniscope.simulation.batch_video import Codec, VideoSink, free_disk_bytes, white_point
from syntalos_miniscope.simulation.cost import ensure_affordable
from syntalos_miniscope.simulation.renderer import STAGE_NAMES, Rendered, Renderer
from syntalos_miniscope.simulation.spec import QUIET, Spec, first_fault
from syntalos_miniscope.simulation.steps import BrainMotion
from syntalos_miniscope.simulation.truth import TruthKeeper

if TYPE_CHECKING:
    # A video needs no zarr, which takes longer to import than a small scene to set up.
    from syntalos_miniscope.recording.minisim_zarr_writer import MinisimZarrWriter

OnFrame = Callable[[int, int], None]
"""Is told how many frames are done, and how many there will be."""

SPEC_ATTRIBUTE = "syntalos_miniscope_spec"
"""Where a stored recording keeps a Spec with extras: minisim could not read it as `spec.json`."""

UNTIL_ATTRIBUTE = "syntalos_miniscope_until"
"""Where a stored recording keeps the stage at which light was stopped."""


class RecordingFormatWarning(UserWarning):
    """A stored recording that can be read, but may not be what its Spec says."""


@dataclass(frozen=True, eq=False)
class Recording:
    """A synthetic movie with the truth about it.

    `observed` is (frame, height, width) in `spec.output.store_dtype`: counts, or intensity if no
    sensor was simulated. `snapshots` are movies after single stages, if the Spec keeps them; those
    before motion show the whole canvas. `until` is the stage at which light was stopped, if any.
    """

    spec: Spec
    observed: NDArray[Any]
    ground_truth: GroundTruth
    snapshots: Mapping[str, NDArray[Any]] = field(default_factory=dict[str, NDArray[Any]])
    until: str | None = None

    def stage(self, name: str) -> NDArray[Any]:
        """Give the movie after a stage, by its name or kind; KeyError lists what was kept."""
        kept = STAGE_NAMES.get(name, name)
        if kept not in self.snapshots:
            there = ", ".join(self.snapshots) or "none; set output.save_intermediates"
            raise KeyError(f"no movie was kept after {name!r}; there are: {there}")
        return self.snapshots[kept]

    def save(self, path: str | Path) -> None:
        """Write it as zarr, in the layout that minisim reads; one that has the name is replaced."""
        writer = zarr_writer(Path(path), self.spec, self.ground_truth, until=self.until)
        try:
            for k, truth in enumerate(self.ground_truth.frames()):
                movie = self.observed[k] if len(self.observed) else None
                writer.append(movie, truth, {n: stage[k] for n, stage in self.snapshots.items()})
            writer.close(self.ground_truth)
        except BaseException:
            writer.abandon()
            raise

    @classmethod
    def load(cls, path: str | Path) -> Recording:
        """Read what `save`, a streamed simulation or minisim has written, into memory.

        ValueError says in a line why it cannot be read; `RecordingFormatWarning` that its Spec is
        not the one it was made with.
        """
        from syntalos_miniscope.recording.minisim_zarr import open_minisim_zarr

        try:
            stored = open_minisim_zarr(Path(path))
            truth, observed = stored.truth(), stored.observed
            text = stored.root.attrs.get(SPEC_ATTRIBUTE, stored.spec_json)
            spec = Spec.model_validate_json(str(text), context=QUIET)
        except RecordingError as error:
            raise ValueError(str(error)) from error
        except ValidationError as error:
            raise ValueError(f"{path}: the Spec of it: {first_fault(error)}") from None
        if stored.root.attrs.get("spec_cache_key") != _plain(spec).cache_key():
            warnings.warn(
                f"{path}: its Spec is not the one it was made with, or was written by another "
                "version",
                RecordingFormatWarning,
                stacklevel=2,
            )
        until: Any = stored.root.attrs.get(UNTIL_ATTRIBUTE)
        return cls(
            spec=spec,
            observed=np.zeros((0, *truth.fov_shape)) if observed is None else observed[:],
            ground_truth=truth,
            snapshots={name: stored.snapshot(name) for name in stored.snapshot_names},
            until=until,
        )

    def write_video(
        self,
        path: str | Path,
        *,
        fps: float | None = None,
        vmin: float = 0.0,
        vmax: float | None = None,
        codec: Codec = "Y800",
        on_frame: OnFrame | None = None,
    ) -> Path:
        """Write the movie as 8-bit grey video and give its path; see `simulate_video`."""
        white = white_point(self.spec, self.until, vmax)
        with VideoSink(Path(path), self.spec, fps, (vmin, white), codec) as sink:
            for k, frame in enumerate(self.observed):
                sink.add(frame)
                _tell(on_frame, k + 1, len(self.observed))
        return Path(path)


def simulate(spec: Spec, *, until: str | None = None, on_frame: OnFrame | None = None) -> Recording:
    """Render a Spec into memory.

    `until` ends the way of light after a stage, by its name or kind; before the first stage that
    makes a picture, `observed` has no frames, but the truth has all. ValueError if there is no
    such stage, TooLargeError if the recording does not fit this computer.
    """
    ensure_affordable(spec, "memory")
    renderer = _renderer(spec, until)
    keeper = TruthKeeper(renderer, until)
    n_frames = spec.acquisition.n_frames
    truths: list[FrameTruth] = []
    observed = np.zeros((0, *spec.acquisition.shape), spec.output.store_dtype)
    snapshots: dict[str, NDArray[Any]] = {}
    for k, rendered in enumerate(_render(renderer, n_frames)):
        if rendered.image is not None:
            if k == 0:
                observed = np.zeros((n_frames, *rendered.image.shape), spec.output.store_dtype)
            observed[k] = rendered.image
        for stage, picture in rendered.stages.items():
            if k == 0:
                snapshots[stage] = np.zeros((n_frames, *picture.shape), picture.dtype)
            snapshots[stage][k] = picture
        truths.append(keeper.frame(rendered))
        _tell(on_frame, k + 1, n_frames)
    truth = replace(keeper.start.with_frames(truths), detectable=keeper.detectable())
    return Recording(spec, observed, truth, snapshots, until)


def simulate_zarr(
    spec: Spec,
    path: str | Path,
    *,
    until: str | None = None,
    on_frame: OnFrame | None = None,
) -> Path:
    """Render a Spec to disk, with its truth, in memory that does not grow; gives the path.

    An interruption (KeyboardInterrupt) closes a valid, shorter recording before it goes on.
    """
    path = Path(path)
    ensure_affordable(spec, "zarr", free_disk_bytes=free_disk_bytes(path))
    renderer = _renderer(spec, until)
    keeper = TruthKeeper(renderer, until)
    n_frames = spec.acquisition.n_frames
    writer = zarr_writer(path, spec, keeper.start, until=until)
    try:
        for k, rendered in enumerate(_render(renderer, n_frames)):
            writer.append(rendered.image, keeper.frame(rendered), rendered.stages)
            _tell(on_frame, k + 1, n_frames)
    except KeyboardInterrupt:
        writer.close(replace(keeper.start, detectable=keeper.detectable()))
        raise
    except BaseException:
        writer.abandon()
        raise
    writer.close(replace(keeper.start, detectable=keeper.detectable()))
    return path


def simulate_video(
    spec: Spec,
    path: str | Path,
    *,
    fps: float | None = None,
    vmin: float = 0.0,
    vmax: float | None = None,
    codec: Codec = "Y800",
    until: str | None = None,
    on_frame: OnFrame | None = None,
) -> Path:
    """Render a Spec into an 8-bit grey video, with `<name>.spec.json` beside it; gives the path.

    `vmin` becomes 0 and `vmax` 255; without a sensor there is no natural white, and ValueError
    asks for `vmax`. `.avi` holds bare pixels (Y800), or FFV1 if `codec` says so; `.mkv` is FFV1.
    An interruption (KeyboardInterrupt) closes a valid, shorter video before it goes on.
    """
    white = white_point(spec, until, vmax)
    path = Path(path)
    kept = "mkv" if path.suffix.lower() == ".mkv" else "avi"
    ensure_affordable(spec, kept, free_disk_bytes=free_disk_bytes(path))
    renderer = _renderer(spec, until)
    n_frames = spec.acquisition.n_frames
    with VideoSink(path, spec, fps, (vmin, white), codec) as sink:
        for k, rendered in enumerate(_render(renderer, n_frames)):
            if rendered.image is None:
                raise ValueError("there is nothing to see: no step up to there makes a picture")
            sink.add(rendered.image)
            _tell(on_frame, k + 1, n_frames)
    return path


def simulate_to(
    spec: Spec,
    path: Path,
    *,
    until: str | None = None,
    vmax: float | None = None,
    on_frame: OnFrame | None = None,
) -> Path:
    """Render a Spec to disk in the form that the ending of the path asks for; gives the path."""
    if path.suffix.lower() == ".zarr":
        if vmax is not None:
            raise ValueError("vmax is for videos; a .zarr keeps intensity as it is")
        return simulate_zarr(spec, path, until=until, on_frame=on_frame)
    if path.suffix.lower() in (".avi", ".mkv"):
        return simulate_video(spec, path, vmax=vmax, until=until, on_frame=on_frame)
    raise ValueError(f"{path} must end in .zarr, .avi or .mkv")


def _renderer(spec: Spec, until: str | None) -> Renderer:
    """Give a renderer for the length of the Spec; a given path must be as long (as in minisim)."""
    motion, n_frames = spec.step(BrainMotion), spec.acquisition.n_frames
    path_um = None if motion is None else motion.trajectory_um
    if path_um is not None and len(path_um) != n_frames:
        raise ValueError(
            f"brain_motion.trajectory_um has {len(path_um)} shifts for {n_frames} frames; "
            "one for each is right"
        )
    return Renderer(spec, until=until)


def _render(renderer: Renderer, n_frames: int) -> Iterator[Rendered]:
    for _ in range(n_frames):
        yield renderer.advance()


def _plain(spec: Spec) -> Spec:
    """Give what minisim knows of a Spec."""
    return spec.model_copy(update={"extras": None})


def _tell(on_frame: OnFrame | None, done: int, of: int) -> None:
    if on_frame is not None:
        on_frame(done, of)


def zarr_writer(
    path: Path,
    spec: Spec,
    truth: GroundTruth,
    *,
    until: str | None = None,
    movie: bool = True,
) -> MinisimZarrWriter:
    """Open a recording of a Spec on disk; without a movie it holds the truth only."""
    from syntalos_miniscope.recording.minisim_zarr_writer import MinisimZarrWriter

    attributes = {} if spec.extras is None else {SPEC_ATTRIBUTE: spec.json_text()}
    if until is not None:
        attributes[UNTIL_ATTRIBUTE] = until
    return MinisimZarrWriter(
        path,
        spec_json=spec.minisim_json(indent=2),
        spec_cache_key=_plain(spec).cache_key(),
        truth=truth,
        shape=spec.acquisition.shape if movie else None,
        dtype=spec.output.store_dtype,
        attributes=attributes,
    )
