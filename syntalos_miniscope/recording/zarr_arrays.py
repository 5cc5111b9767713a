"""Arrays of zarr format 2 on disk: whole ones, and ones that grow while a recording goes on."""

from __future__ import annotations

from math import prod
from struct import Struct
from typing import Any

import numpy as np
import zarr
from numcodecs import Blosc
from numcodecs.registry import register_codec
from numpy.typing import NDArray

from syntalos_miniscope.recording import RecordingError, disk_error
from syntalos_miniscope.recording.containment import ensure_believable

CODECS = frozenset(
    "blosc zlib gzip bz2 lzma lz4 zstd shuffle delta fixedscaleoffset quantize bitround astype "
    "packbits crc32 crc32c adler32 fletcher32 bytes transpose".split()
)
"""What may have packed an array that is read."""


class CheckedBlosc(Blosc):  # pyright: ignore[reportUntypedBaseClass]
    """Blosc that believes no header: c-blosc reads as many bytes as that says, there or not.

    Without it a chunk that was cut takes the program down.
    """

    def decode(self, buf: Any, out: Any = None) -> Any:
        """Unpack; ValueError if the header does not fit the bytes that are there."""
        packed = memoryview(buf).cast("B")
        if len(packed) < _BLOSC.size:
            raise ValueError("a chunk is shorter than its header")
        version, _, _, item, size, block, packed_size = _BLOSC.unpack_from(packed)
        ensure_believable(size, "a chunk")
        if version != 2 or item < 1 or packed_size != len(packed) or not 0 < block <= max(size, 1):
            raise ValueError("a chunk is cut or damaged")
        return super().decode(buf, out)


_BLOSC = Struct("<BBBBIII")
"""Version, of the inner codec, flags, bytes of an item, of all, of a block, packed (c-blosc)."""
# Whatever zarr reads in this program, it finds the codec by its name.
register_codec(CheckedBlosc)


class GrowingArray:
    """An array on disk that grows along one axis, a chunk at a time.

    `like` is one frame of the array, with the type that is written; `axis` is where frames go, and
    `chunk` how many of them are written at once. RecordingError if the disk refuses.
    """

    def __init__(
        self, group: zarr.Group, name: str, like: NDArray[Any], axis: int, chunk: int
    ) -> None:
        shape, chunks = list(like.shape), [max(n, 1) for n in like.shape]
        shape.insert(axis, 0)
        chunks.insert(axis, chunk)
        self._array = create_array(group, name, tuple(shape), like.dtype, tuple(chunks))
        self._axis = axis
        buffered = list(like.shape)
        buffered.insert(axis, chunk)
        self._buffer = np.zeros(buffered, like.dtype)
        self._along: list[slice | int] = [slice(None)] * len(shape)
        self._waiting = 0
        self._written = 0

    def append(self, values: Any) -> None:
        """Add one frame."""
        self._buffer[self._at(self._waiting)] = values
        self._waiting += 1
        if self._waiting == self._buffer.shape[self._axis]:
            self.flush()

    def flush(self) -> None:
        """Bring what waits in memory to the disk."""
        if not self._waiting:
            return
        end = self._written + self._waiting
        shape = list(self._array.shape)
        shape[self._axis] = end
        part = self._buffer[self._at(slice(0, self._waiting))]
        try:
            self._array.resize(tuple(shape))
            self._array[self._at(slice(self._written, end))] = part
        except OSError as error:
            raise disk_error(self._array.store_path, error) from error
        # A chunk that is not full is written again when more has come.
        if self._waiting == self._buffer.shape[self._axis]:
            self._written, self._waiting = end, 0

    def _at(self, place: slice | int) -> tuple[slice | int, ...]:
        return (*self._along[: self._axis], place, *self._along[self._axis + 1 :])


def create_array(
    group: zarr.Group, name: str, shape: tuple[int, ...], dtype: Any, chunks: tuple[int, ...]
) -> Any:
    """Make an array in the format and with the compression of minisim; nothing is in it yet."""
    return group.create_array(
        name,
        shape=shape,
        dtype=dtype,
        chunks=chunks,
        # Nothing is left out of the file because it is zero, and zarr 2 reads this codec.
        compressors=Blosc(cname="lz4", clevel=5, shuffle=Blosc.SHUFFLE),
        chunk_key_encoding={"name": "v2", "separator": "."},
        fill_value=False if np.dtype(dtype) == np.bool_ else 0,
    )


def sound_array(array: Any) -> Any:
    """Give an array that may be read, or RecordingError.

    It holds numbers, in chunks that fit in the memory, packed by a codec that does nothing but
    unpack: zarr would unpickle what a file calls a pickle.
    """
    where = array.store_path
    if array.dtype.kind not in "biuf":
        raise RecordingError(f"{where} holds {array.dtype}, not numbers")
    for name in _codecs(array.metadata):
        if name not in CODECS:
            raise RecordingError(f"{where} is packed by {name!r}, which is not unpacked here")
    ensure_believable(prod(array.chunks) * array.dtype.itemsize, f"a chunk of {where}")
    return array


def read_array(array: Any) -> NDArray[Any]:
    """Read an array whole; RecordingError if it may not be read or is larger than is believed."""
    whole = sound_array(array)
    ensure_believable(whole.size * whole.dtype.itemsize, str(whole.store_path))
    return np.asarray(whole)


def _codecs(metadata: Any) -> list[str]:
    if metadata.zarr_format == 2:
        found = (*(metadata.filters or ()), metadata.compressor)
        return [codec.codec_id for codec in found if codec is not None]
    # Blosc of format 3 is not the one that is checked here.
    return [str(codec.to_dict()["name"]).replace("blosc", "blosc 3") for codec in metadata.codecs]


def store_array(group: zarr.Group, name: str, values: NDArray[Any]) -> None:
    """Write an array whole."""
    chunks = tuple(max(n, 1) for n in values.shape)
    create_array(group, name, values.shape, values.dtype, chunks)[...] = values
