"""Extraction: where a movie flashes most, one place after the other."""

# pyright: reportMissingImports=false

from types import SimpleNamespace

import numpy as np
import scipy.sparse

import caiman


class CNMF:
    def __init__(self, n_processes, *, dview=None, params):
        assert dview is None or "multiprocessing" in str(type(dview))
        assert n_processes == getattr(dview, "_processes", 1)
        self.dview, self.params, self.estimates = dview, params, SimpleNamespace()

    def fit(self, images):
        get = self.params.get
        assert (get("init", "method_init"), get("init", "center_psf")) == ("corr_pnr", True)
        background = (("init", "nb"), ("spatial", "nb"), ("temporal", "nb"), ("patch", "nb_patch"))
        assert [get(*one) for one in background] == [0, 0, 0, 0]
        assert (get("preprocess", "p"), get("temporal", "p")) == (1, 1)
        assert (get("merging", "merge_thr"), get("data", "fr")) == (0.7, 20)
        assert all(isinstance(side, int) for side in get("init", "gSig") + get("init", "gSiz"))
        assert isinstance(images, np.memmap), "patches are read from the file of a memory map"
        frames = len(images)
        assert not np.isfortran(np.transpose(np.reshape(images, (frames, -1), order="F")))
        assert images.shape[1:] == get("data", "dims")
        if self.dview is not None and get("patch", "rf") is not None:
            # Workers are told the name alone.
            seen = self.dview.map_async(total, [images.filename]).get(60)[0]
            assert seen == float(images.sum(dtype=np.float64))
        self.estimates = extracted(
            np.asarray(images), get("init", "gSig")[0], get("patch", "rf") is not None
        )


def total(filename):
    return float(caiman.images_of(filename).sum(dtype=np.float64))


def extracted(movie, reach, patches):
    frames, height, width = movie.shape
    spread, noise = movie.std(axis=0), np.abs(np.diff(movie, axis=0)).mean(axis=0)
    merit, found = spread / (noise + 1e-6), []
    while merit.max() > 1.2:
        y, x = np.unravel_index(merit.argmax(), merit.shape)
        box = np.s_[max(y - 4 * reach, 0) : y + 4 * reach, max(x - 4 * reach, 0) : x + 4 * reach]
        seed = movie[:, y, x] - np.median(movie[:, y, x])
        shape = np.zeros((height, width))
        shape[box] = np.tensordot(seed, movie[:, *box] - movie[:, *box].mean(axis=0), 1)
        found.append(np.maximum(shape, 0).ravel(order="F"))
        merit[box] = 0
    b0 = movie.mean(axis=0).ravel(order="F")
    if not found:
        # Lists stay lists where there was nothing to put into them.
        nothing = scipy.sparse.csc_matrix((height * width, 0))
        return SimpleNamespace(A=nothing, C=[], S=[], YrA=None, b0=b0)
    a = np.array(found).T / np.linalg.norm(found, axis=1)
    pixels = movie.reshape(frames, -1, order="F").T
    raw = a.T @ (pixels - np.median(pixels, axis=1, keepdims=True))
    c = np.maximum(raw, 0)
    s = np.maximum(np.diff(c, axis=1, prepend=0), 0)
    # After a fit in patches it is sparse, after one of the whole frame it need not be.
    a = scipy.sparse.csc_matrix(a) if patches else a
    return SimpleNamespace(A=a, C=c, S=s, YrA=raw - c, b0=b0)
