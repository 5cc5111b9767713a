"""Reads a folder of the official DAQ software with neuroconv and says in JSON what it saw.

Run by the python of .venv-neuroconv: read_daq.py ROOT DEVICE FRAMES.npy
"""

# What it imports is not in the project's environment, where types are checked.
# pyright: reportMissingImports=false, reportCallIssue=false
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false

import json
import sys
import warnings
from pathlib import Path

import numpy as np
from neuroconv.converters import MiniscopeConverter
from neuroconv.datainterfaces import MiniscopeHeadOrientationInterface, MiniscopeImagingInterface
from pynwb import NWBHDF5IO

root, device, frames = (Path(argument) for argument in sys.argv[1:])
imaging = MiniscopeImagingInterface(folder_path=device)
extractor = imaging.imaging_extractor
np.save(frames, np.asarray(extractor.get_series()))
said = {
    "rate_hz": extractor.get_sampling_frequency(),
    "frames": int(extractor.get_num_samples()),
    "start": imaging.get_metadata()["NWBFile"]["session_start_time"].isoformat(),
    "times_s": [float(time) for time in imaging.get_timestamps()],
}
turned = MiniscopeHeadOrientationInterface(file_path=device / "headOrientation.csv")
said["orientation_times_s"] = [float(time) for time in turned.get_timestamps()]
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    converter = MiniscopeConverter(
        folder_path=root, user_configuration_file_path=root / "userConfig.json"
    )
said["warnings"] = [str(warning.message) for warning in caught]
said["interfaces"] = sorted(converter.data_interface_objects)
metadata = converter.get_metadata()
metadata["NWBFile"]["session_start_time"] = metadata["NWBFile"].get(
    "session_start_time", "2026-01-01T00:00:00+00:00"
)
file = root.parent / "converted.nwb"
converter.run_conversion(nwbfile_path=file, metadata=metadata, overwrite=True)
with NWBHDF5IO(str(file), "r") as io:
    acquisition = io.read().acquisition
    (series,) = [each for each in acquisition.values() if type(each).__name__ == "OnePhotonSeries"]
    said["nwb_equal"] = bool(
        np.array_equal(np.asarray(series.data).transpose(0, 2, 1), np.load(frames))
    )
    said["acquisition"] = sorted(acquisition)
print(json.dumps(said))
