"""Motion correction: whole pixels, by phase correlation with the first frame."""

# pyright: reportMissingImports=false

import os

import numpy as np

import caiman


class MotionCorrect:
    def __init__(
        self, fname, min_mov=None, dview=None, max_shifts=(6, 6), niter_rig=1, splits_rig=14,
        num_splits_to_process_rig=None, strides=(96, 96), overlaps=(32, 32), splits_els=14,
        num_splits_to_process_els=None, upsample_factor_grid=4, max_deviation_rigid=3,
        shifts_opencv=True, nonneg_movie=True, gSig_filt=None, use_cuda=False, border_nan=True,  # noqa: N803
        pw_rigid=False, num_frames_split=80, var_name_hdf5="mov", is3D=False,  # noqa: N803
        indices=(slice(None), slice(None)),
    ):  # fmt: skip
        assert isinstance(fname, list) and len(fname) == 1
        assert dview is None or "multiprocessing" in str(type(dview))
        assert border_nan in (True, False, "copy", "min")
        for pair in (max_shifts, strides, overlaps, gSig_filt or (0, 0)):
            assert all(isinstance(side, int) for side in pair)
        self.fname, self.pw_rigid, self.max_shifts = fname, pw_rigid, max_shifts

    def motion_correct(self, template=None, save_movie=False):
        assert save_movie, "without this there is no movie to read"
        movie = np.asarray(caiman.images_of(self.fname[0]))
        # As CaImAn does, what was applied is told: the way back, rows first.
        back = [way_back(frame, movie[0], self.max_shifts) for frame in movie]
        still = [np.roll(one, shift, (0, 1)) for one, shift in zip(movie, back, strict=True)]
        name = self._save(np.array(still), "els" if self.pw_rigid else "rig")
        self.shifts_rig = [(float(dy), float(dx)) for dy, dx in back]
        self.fname_tot_rig, self.fname_tot_els = ([name], None)
        if self.pw_rigid:
            self.fname_tot_rig, self.fname_tot_els = None, [name]
            # A shift for each piece.
            self.x_shifts_els = [np.full(6, dy) + np.linspace(-1, 1, 6) for dy, _ in back]
            self.y_shifts_els = [np.full(6, dx) + np.linspace(-1, 1, 6) for _, dx in back]
        return self

    def _save(self, movie, kind):
        frames, height, width = movie.shape
        stem = os.path.splitext(self.fname[0])[0]
        name = f"{stem}_{kind}__d1_{height}_d2_{width}_d3_1_order_F_frames_{frames}.mmap"
        mapped = np.memmap(name, np.float32, "w+", shape=(height * width, frames), order="F")
        mapped[:] = movie.reshape(frames, -1, order="F").T
        mapped.flush()
        return name


def way_back(frame, template, most):
    cross = np.fft.fft2(template - template.mean()) * np.conj(np.fft.fft2(frame - frame.mean()))
    at = np.unravel_index(np.fft.ifft2(cross / (np.abs(cross) + 1e-9)).real.argmax(), frame.shape)
    sides = zip(at, frame.shape, strict=True)
    shift = tuple(int((a + side // 2) % side - side // 2) for a, side in sides)
    assert all(abs(one) <= limit for one, limit in zip(shift, most, strict=True))
    return shift
