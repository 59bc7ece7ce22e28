"""What the names of parameters say: small values that fit together.

Widths divide by the number of heads, images by patches, and no two kinds of size are the same, so that a swapped axis
shows. Values are Python source; the first is the usual one, the others are tried when it does not fit.
"""

from __future__ import annotations

import functools
from fnmatch import fnmatchcase

SIDE = 32
"""The side of images, where a constructor asks for one."""

_FLAGS = """
    use_* with_* is_* has_* no_* enable_* return_* add_* include_* do_* apply_* learn_* need_* freeze_*
    share_* tie_* *_bias bias affine *_only
"""
_CLEARED_FLAGS = "causal bidirectional bilinear residual pre_norm batch_first verbose pretrained"
_DROPOUT = "dropout drop drop_rate drop_prob drop_path p_drop pdrop drop_p dropout* p"
_RATIOS = "ratio expansion expand mult factor multiplier growth_rate reduction upscale scale_factor"
_NUMBERS = """
    temperature tau alpha beta gamma lambda lambda_ lamb sigma scale slope margin weight prob
    init_values threshold theta lr std masking_ratio mask_ratio keep_ratio drop_ratio noise_ratio
"""
_IMAGE_SIZES = """
    img_size image_size input_resolution img_resolution image_resolution image_res img_res input_res
    input_shape image_shape img_shape spatial_size spatial_shape feature_size fmap_size image_height
    image_width img_height img_width input_height input_width img_h img_w image_side resolution height
    side imgsize imgsz img_sz
"""
_HEAD_SIZES = (
    "dim_head dimhead head_dim headdim d_head d_k d_v dim_key dim_value head_size head_width channels_per_head"
)
_DEPTHS = """
    depth depths layer layers nlayers nlayer block blocks n_block nblocks stages repeat repeats steps
    iterations iters levels
"""
_VOCABULARIES = """
    vocab vocab_size vocabsize num_tokens n_tokens n_token ntoken ntokens n_vocab num_embeddings
    num_embeds codebook_size n_codes num_codes token_size vocabulary num_types num_items num_users
    n_items n_users
"""
_LENGTHS = """
    max_len max_length max_seq* seq_len seqlen seq_length length block_size context_length context_size
    ctx_len n_ctx max_position* n_positions num_patches n_patches num_points timesteps seq_size
    sequence_length
"""
_INPUT_CHANNELS = """
    in_channels in_channel in_chans in_chan in_ch in_c c_in cin inp inplanes in_planes ch_in channels_in
    input_channels input_channel img_channels image_channels n_channels num_channels nc chans channels
"""
_OUTPUT_CHANNELS = """
    out_channels out_channel out_chans out_ch out_c c_out cout oup outplanes planes ch_out filters
    filter nf ngf ndf base base_ch*
"""
_OUTPUT_FEATURES = "out_features out_feature output_dim output_size out_dim dim_out d_out n_output odim out_size"
_INPUT_FEATURES = """
    in_features in_feature input_dim input_size in_dim dim_in d_in n_in n_input n_inputs n_feature
    n_features num_feature num_features nfeat feature_dim feat_dim num_inputs idim in_size obs_dim
    state_dim
"""
_HIDDEN = """
    mlp_dim hidden_dim hidden_dims dim_hidden d_hidden hidden hiddens hidden_size hidden_sizes
    hidden_features nhid n_hidden d_ff dim_feedforward ffn_dim intermediate_size inner_dim ff_dim
    hid_dim hdim h_dim
"""
_LATENT = "latent_dim z_dim zdim nz n_latent dim_latent latent_size latents num_latents code_dim noise_dim"
_EMBEDDINGS = """
    embed_dim embed_dims emb_dim embedding_dim embed_size emb_size n_embd n_embed d_embed embed ninp
    embedding_size emb
"""
_WIDTHS = "d_model dmodel model_dim dim dims width feature features n_dim n_state model_channels dim_* d_*"

_HEADS = "head heads nhead nheads n_head head_num h"

_TABLE: tuple[tuple[str, tuple[str, ...]], ...] = (
    (_FLAGS, ("True", "False")),
    (_CLEARED_FLAGS, ("False", "True")),
    (_DROPOUT, ("0.1",)),
    ("eps epsilon", ("1e-5",)),
    ("mom momentum decay", ("0.1",)),
    (_NUMBERS, ("0.5", "1.0", "2")),
    (_RATIOS, ("2", "4", "0.5", "(1, 2)")),
    (_IMAGE_SIZES, (f"{SIDE}", f"({SIDE}, {SIDE})", "64", "48", "96", "16", "224", "8")),
    ("frame_patch_size temporal_patch_size time_patch_size t_patch_size", ("2", "1")),
    ("frames frame_size temporal_size clip_len*", ("4", "8")),
    ("patch_size patchsize patch_sz patch patch_height patch_width", ("8", "4", "(8, 8)", "2", "16")),
    ("window window_size win_size", ("4", "(4, 4)", "7", "8")),
    ("kernel kernel_size kernel_sizes kernel_sz kernels ksize filter_size conv_size ks k", ("3", "(3, 3)", "5")),
    ("stride strides dilation dilations", ("1", "2", "(1, 1)")),
    ("padding pad", ("1", "0")),
    ("groups", ("1", "4", "2")),
    (_HEAD_SIZES, ("8", "16")),
    (_HEADS, ("4", "2", "(2, 4)", "1")),
    (_DEPTHS, ("2", "(1, 2)", "[1, 2, 1, 1]", "3")),
    ("class classes nclass n_class class_num labels n_out num_outputs n_outputs", ("10", "1")),
    (_VOCABULARIES, ("50", "64")),
    (_LENGTHS, ("16", "32")),
    ("experts", ("5", "4")),
    ("top_k topk num_topk", ("2",)),
    (_INPUT_CHANNELS, ("3", "8", "1", "32")),
    ("channel", ("8", "32", "3")),
    (_OUTPUT_CHANNELS, ("16", "8", "3", "(8, 16)")),
    (_OUTPUT_FEATURES, ("20", "32", "12")),
    (_INPUT_FEATURES, ("12", "32", "20")),
    (_HIDDEN, ("48", "32", "(24, 40)", "64")),
    (_LATENT, ("20", "32")),
    (_EMBEDDINGS, ("32", "16", "64")),
    (_WIDTHS, ("32", "16", "(16, 32)", "64", "8")),
    ("ndim ndims", ("2", "3")),
    ("num_* n_* num count", ("3", "4", "2")),
    ("act* activation* nonlinearity non_linear*", ("'relu'", "'gelu'")),
    ("padding_mode", ("'zeros'",)),
    ("device", ("'cpu'",)),
    ("mode pool pooling type reduction_mode", ("'mean'", "'cls'", "'sum'")),
)
_BY_TYPE = {
    "bool": ("False", "True"),
    "float": ("0.5", "1.0"),
    "str": ("'relu'", "'mean'"),
    "int": ("8", "4", "16", "2"),
}


def values_for(name: str, annotation: str = "") -> tuple[str, ...]:
    """Values for a parameter of this name, the likely ones first, of the annotated type where that is a simple one."""
    found = _named(name.lower().strip("_"))
    kind = annotation.removesuffix(" | None")
    if kind in _BY_TYPE:
        found = tuple(value for value in found if _is_of(value, kind)) or _BY_TYPE[kind]
    return found


@functools.cache
def _named(name: str) -> tuple[str, ...]:
    """The first row with a word that is the name, or its end behind an underscore."""
    for words, values in _TABLE:
        if any(fnmatchcase(name, word) or fnmatchcase(name, f"*_{word}") for word in words.split()):
            return values
    return ()


def _is_of(value: str, kind: str) -> bool:
    if kind in ("int", "float"):
        return value.isdigit() or (kind == "float" and value[0].isdigit())
    return (value in ("True", "False")) if kind == "bool" else value.startswith("'")


def scales(name: str) -> bool:
    """Whether a parameter of this name makes a model larger without changing what it does."""
    value = next(iter(values_for(name)), "")
    return value.isdigit() and int(value) > 1


def is_width(name: str) -> bool:
    """Whether a parameter of this name is a number of features, or is divided into them: such sizes hang together."""
    lower = name.lower().strip("_")
    return _named(lower) in [values for words, values in _TABLE if words in (_WIDTHS, _EMBEDDINGS, _HIDDEN, _HEADS)]
