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


class CNMFParams:
    def __init__(self, *, params_dict):
        self.groups = {name: {} for name in GROUPS}
        for key, value in params_dict.items():
            homes = [name for name, keys in GROUPS.items() if key in keys]
            assert homes, f"{key} is no parameter of CaImAn"
            for name in homes:
                self.groups[name][key] = value

    def get(self, group, key):
        return self.groups[group][key]
