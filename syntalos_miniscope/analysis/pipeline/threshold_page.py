"""The part of the page on which gSig, min_corr and min_pnr are chosen, by hand and by eye."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np

from syntalos_miniscope.analysis.extraction import ExtractionParameters
from syntalos_miniscope.analysis.pipeline.tuning import (
    CORRELATIONS,
    RATIOS,
    Tuning,
    peaks_of,
)
from syntalos_miniscope.analysis.plots import picture, side_by_side
from syntalos_miniscope.analysis.projection import Image

STYLE = """<style>.over { position: relative; display: block } .over img { display: block }
.over canvas { position: absolute; inset: 0; width: 100%; height: 100% }
.knob input { width: 300px; vertical-align: middle }</style>"""

SCRIPT = """<script>
const knobs = ["min_corr", "min_pnr"].map(name => document.getElementById(name));
const values = image => {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
  const room = canvas.getContext("2d");
  room.drawImage(image, 0, 0);
  return room.getImageData(0, 0, canvas.width, canvas.height);
};
const show = () => {
  const [corr, pnr] = knobs.map(knob => Number(knob.value));
  document.getElementById("chosen").textContent =
    `--set min_corr=${corr} --set min_pnr=${pnr}`;
  for (const size of document.querySelectorAll(".size")) {
    size.querySelector("b").textContent =
      JSON.parse(size.dataset.seeds).filter(([r, ratio]) => r >= corr && ratio >= pnr).length;
    size.seen ??= [...size.querySelectorAll("img")].map(values);
    const [r, ratio] = size.seen;
    const least = [255 * corr, 255 * pnr / Number(size.dataset.most)];
    const mask = new ImageData(r.width, r.height);
    for (let at = 0; at < mask.data.length; at += 4)
      if (r.data[at] >= least[0] && ratio.data[at] >= least[1])
        mask.data.set([232, 120, 30, 150], at);
    for (const canvas of size.querySelectorAll("canvas")) {
      [canvas.width, canvas.height] = [r.width, r.height];
      canvas.getContext("2d").putImageData(mask, 0, 0);
    }
  }
};
for (const knob of knobs) knob.addEventListener("input", show);
addEventListener("load", show);
</script>"""


def thresholds(tuning: Sequence[Tuning], parameters: ExtractionParameters) -> list[str]:
    """Give pieces of HTML: a knob for each threshold, and what passes both in pictures."""
    if not tuning:
        return []
    most = max(2 * parameters.min_pnr, float(RATIOS[-1]))
    parts = [
        "<h2>Size and thresholds</h2>",
        STYLE,
        f"<p class='faint'>Correlation with the neighbours (0 to 1) and peak-to-noise ratio (0 to "
        f"{most:g}) for three sizes; what passes both thresholds is orange.</p>",
        _knob("min_corr", parameters.min_corr, 0, 1, 0.01),
        _knob("min_pnr", parameters.min_pnr, 0, most, 0.5),
        "<p><code id='chosen'></code></p>",
    ]
    for one in tuning:
        gsig = (float(one.gsig[0]), float(one.gsig[1]))
        peaks = peaks_of(one.correlation, one.pnr, gsig)
        seeds = np.stack([one.correlation[peaks], one.pnr[peaks]], axis=1).astype(np.float64)
        passing = (seeds >= (parameters.min_corr, parameters.min_pnr)).all(axis=1).sum()
        shown = [
            (_under_a_mask(one.correlation, 1.0), "correlation"),
            (_under_a_mask(one.pnr, most), "peak to noise"),
        ]
        parts += [
            f"<div class='size' data-most='{most:g}' "
            f"data-seeds='{json.dumps(np.round(seeds, 3).tolist())}'>",
            f"<p>gSig {gsig[0]:g} x {gsig[1]:g} px: <b>{passing}</b> seeds</p>",
            side_by_side(shown),
            "</div>",
        ]
    return [*parts, _seed_table(tuning[len(tuning) // 2]), SCRIPT]


def _knob(name: str, value: float, low: float, high: float, step: float) -> str:
    return (
        f"<p class='knob'><label>{name} <input type='range' id='{name}' min='{low:g}' "
        f"max='{high:g}' step='{step:g}' value='{value:g}'></label></p>"
    )


def _under_a_mask(values: Image, most: float) -> str:
    grey = np.clip(np.nan_to_num(values) * (255 / most) + 0.5, 0, 255).astype(np.uint8)
    return f"<span class='over'>{picture(grey)}<canvas></canvas></span>"


def _seed_table(middle: Tuning) -> str:
    head = "".join(f"<td class='figure'>{ratio}</td>" for ratio in RATIOS)
    rows = "".join(
        f"<tr><td class='figure'>{level:.2f}</td>"
        + "".join(f"<td class='figure'>{count}</td>" for count in counts)
        + "</tr>"
        for level, counts in zip(CORRELATIONS, middle.seeds, strict=True)
    )
    return (
        f"<p class='faint'>Seeds for gSig {middle.gsig[0]:g} x {middle.gsig[1]:g}: min_corr down, "
        f"min_pnr across.</p><table><tr><td></td>{head}</tr>{rows}</table>"
    )
