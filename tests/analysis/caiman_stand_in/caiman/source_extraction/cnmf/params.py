"""Parameters: of those that CaImAn has, the ones that a runner may want to set."""

GROUPS = {
    "data": {"fnames", "dims", "fr", "decay_time", "dxy", "var_name_hdf5"},
    "patch": {
        "border_pix", "del_duplicates", "in_memory", "low_rank_background", "memory_fact",
        "n_processes", "nb_patch", "only_init", "p_patch", "p_ssub", "p_tsub",
        "remove_very_bad_comps", "rf", "skip_refinement", "stride",
    },
    "preprocess": {"check_nan", "compute_g", "lags", "noise_method", "noise_range", "p", "sn"},
    "init": {
        "K", "gSig", "gSiz", "center_psf", "ssub", "tsub", "nb", "method_init", "min_corr",
        "min_pnr", "ring_size_factor", "ssub_B", "init_iter", "nIter", "kernel", "normalize_init",
    },
    "spatial": {"nb", "update_background_components", "method_ls", "medw", "se", "ss"},
    "temporal": {"ITER", "bas_nonneg", "method_deconvolution", "nb", "p", "s_min", "fudge_factor"},
    "merging": {"do_merge", "merge_thr", "merge_parallel"},
    "quality": {"min_SNR", "rval_thr", "use_cnn", "SNR_lowest"},
    "motion": {
        "border_nan", "gSig_filt", "max_deviation_rigid", "max_shifts", "nonneg_movie", "overlaps",
        "pw_rigid", "shifts_opencv", "strides",
    },
}  # fmt: skip


GENERATION: str = "both"
"""flat: until 1.10, a name is set in every group that has it. both: from 1.11 to 1.13, groups or
names. grouped: after that, groups, and only some names by themselves. Unknown names are passed
over, with a warning at most."""

NO_LONGER_ALONE = ("nb", "merge_thr")


class CNMFParams:
    def __init__(self, *, params_dict):
        self.groups = {name: dict.fromkeys(keys) for name, keys in GROUPS.items()}
        self.groups["init"].update(method_init="greedy_roi", gSig=[5, 5], nb=1)
        for key, value in params_dict.items():
            if key in GROUPS and GENERATION != "flat":
                known = {name: one for name, one in value.items() if name in GROUPS[key]}
                self.groups[key].update(known)
                continue
            if GENERATION == "grouped" and key in NO_LONGER_ALONE:
                raise TypeError(f"Parameter {key} is not supported at the top level of params_dict")
            for name in [name for name, keys in GROUPS.items() if key in keys]:
                self.groups[name][key] = value

    def get(self, group, key):
        if key not in self.groups[group]:
            raise KeyError(f"No key {key} in group {group}")
        return self.groups[group][key]
