"""What the functions of torch and torch.nn.functional and the methods of tensors do.

Names are bare (``relu`` for ``torch.relu``, ``F.relu`` and ``x.relu()``). ``max``, ``min`` and
``where`` depend on their arguments: with another tensor they combine, with a dimension they reduce.
"""

from collections.abc import Mapping

from bnlint.facts.types.kind import Kind
from bnlint.vocabulary.words import words

# Functions of torch, torch.nn.functional, torch.special and torch.linalg.
_FUNCTIONS: Mapping[Kind, str] = {
    Kind.CONV: """conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d conv_tbc
        convolution""",
    Kind.LINEAR: "linear",
    Kind.BATCH_NORM: "batch_norm native_batch_norm",
    Kind.INSTANCE_NORM: "instance_norm",
    Kind.OTHER_NORM: """group_norm layer_norm rms_norm local_response_norm native_group_norm
        native_layer_norm""",
    Kind.ACTIVATION: """relu relu_ relu6 elu elu_ celu celu_ selu selu_ gelu glu silu mish prelu
        rrelu rrelu_ leaky_relu leaky_relu_ hardtanh hardtanh_ hardswish hardsigmoid hardshrink
        softshrink tanhshrink softplus softsign softmax softmin log_softmax logsigmoid
        gumbel_softmax sigmoid sigmoid_ tanh tanh_ threshold threshold_ expit""",
    Kind.DROPOUT: """dropout dropout_ dropout1d dropout2d dropout3d alpha_dropout alpha_dropout_
        feature_alpha_dropout feature_alpha_dropout_ feature_dropout feature_dropout_
        native_dropout""",
    Kind.MAX_POOL: """max_pool1d max_pool2d max_pool3d adaptive_max_pool1d adaptive_max_pool2d
        adaptive_max_pool3d fractional_max_pool2d fractional_max_pool3d max_pool1d_with_indices
        max_pool2d_with_indices max_pool3d_with_indices adaptive_max_pool1d_with_indices
        adaptive_max_pool2d_with_indices adaptive_max_pool3d_with_indices
        fractional_max_pool2d_with_indices fractional_max_pool3d_with_indices""",
    Kind.AVG_POOL: """avg_pool1d avg_pool2d avg_pool3d adaptive_avg_pool1d adaptive_avg_pool2d
        adaptive_avg_pool3d lp_pool1d lp_pool2d lp_pool3d""",
    Kind.UPSAMPLE: """interpolate upsample upsample_bilinear upsample_nearest max_unpool1d
        max_unpool2d max_unpool3d""",
    Kind.PAD: "pad constant_pad_nd",
    Kind.RESHAPE: """reshape flatten ravel unflatten squeeze unsqueeze broadcast_to tile
        repeat_interleave as_strided atleast_1d atleast_2d atleast_3d pixel_shuffle pixel_unshuffle
        channel_shuffle native_channel_shuffle fold unfold view_copy""",
    Kind.PERMUTE: """permute transpose t swapaxes swapdims movedim moveaxis adjoint flip fliplr
        flipud roll rot90""",
    Kind.PASS: """clone detach detach_ positive real resolve_conj resolve_neg alias_copy
        detach_copy""",
    Kind.ADD: "add",
    Kind.SUB: "sub subtract rsub",
    Kind.MUL: "mul multiply",
    Kind.DIV: "div divide true_divide",
    Kind.CAT: "cat concat concatenate stack hstack vstack dstack column_stack row_stack",
    Kind.SPLIT: """chunk split split_with_sizes tensor_split hsplit vsplit dsplit unbind narrow
        select index_select gather take take_along_dim masked_select unsafe_chunk unsafe_split
        diagonal""",
    Kind.REDUCE: """mean sum max min amax amin aminmax std std_mean var var_mean median mode prod
        norm vector_norm matrix_norm logsumexp nansum nanmean nanmedian quantile nanquantile
        kthvalue trace frobenius_norm nuclear_norm argmax argmin all any count_nonzero""",
    Kind.MATMUL: """matmul mm bmm mv addmm addbmm baddbmm addmv addr einsum tensordot dot inner
        vdot outer ger chain_matmul multi_dot bilinear kron cdist pdist""",
    Kind.EMBEDDING: "embedding embedding_bag",
    Kind.RECURRENT: "lstm gru rnn_tanh rnn_relu lstm_cell gru_cell rnn_tanh_cell rnn_relu_cell",
    Kind.ATTENTION: "scaled_dot_product_attention multi_head_attention_forward",
    Kind.OTHER: """abs absolute neg negative sign sgn exp exp2 expm1 log log2 log10 log1p sqrt rsqrt
        square pow float_power reciprocal sin cos tan asin acos atan atan2 sinh cosh asinh acosh
        atanh arcsin arccos arctan arctan2 sinc erf erfc erfinv lgamma digamma polygamma logit
        ceil floor round trunc fix frac clamp clamp_min clamp_max clip fmod remainder
        floor_divide lerp addcmul addcdiv hypot logaddexp logaddexp2 xlogy maximum minimum fmax
        fmin where nan_to_num angle imag complex polar conj view_as_real view_as_complex
        cumsum cumprod cummax cummin logcumsumexp diff cross trapz trapezoid heaviside
        sort argsort msort topk nonzero unique unique_consecutive bucketize searchsorted histc
        bincount multinomial bernoulli poisson normal eq ne lt le gt ge equal not_equal less
        less_equal greater greater_equal isclose allclose isnan isinf isfinite isin
        logical_and logical_or logical_not logical_xor bitwise_and bitwise_or bitwise_xor
        bitwise_not tril triu tril_indices triu_indices diag diag_embed diagflat block_diag
        masked_fill masked_scatter scatter scatter_add scatter_reduce index_add index_copy
        index_fill index_put index_put_ renorm normalize one_hot grid_sample affine_grid
        cosine_similarity pairwise_distance inverse pinverse det logdet slogdet svd qr cholesky
        solve eigh matrix_exp matrix_power fft ifft rfft irfft fft2 ifft2 rfft2 irfft2 fftn ifftn
        fftshift ifftshift stft istft meshgrid cartesian_prod combinations broadcast_tensors cov
        corrcoef tensor as_tensor asarray scalar_tensor from_numpy zeros zeros_like ones ones_like
        empty empty_like full full_like eye arange range linspace logspace rand rand_like randn
        randn_like randint randint_like randperm hann_window hamming_window
        cross_entropy binary_cross_entropy binary_cross_entropy_with_logits nll_loss mse_loss
        l1_loss smooth_l1_loss huber_loss kl_div ctc_loss poisson_nll_loss gaussian_nll_loss
        hinge_embedding_loss margin_ranking_loss multi_margin_loss multilabel_margin_loss
        multilabel_soft_margin_loss soft_margin_loss cosine_embedding_loss triplet_margin_loss
        triplet_margin_with_distance_loss""",
}

# Methods of tensors; those that work in place (`add_`) are listed only where they stand alone.
_METHODS: Mapping[Kind, str] = {
    Kind.ACTIVATION: "relu sigmoid tanh softmax log_softmax prelu hardshrink",
    Kind.RESHAPE: """view view_as reshape reshape_as flatten ravel unflatten squeeze unsqueeze
        expand expand_as broadcast_to repeat repeat_interleave tile as_strided unfold resize_
        sum_to_size""",
    Kind.PERMUTE: """permute transpose t swapaxes swapdims movedim moveaxis adjoint flip fliplr
        flipud roll rot90""",
    Kind.PASS: """contiguous to cuda cpu clone detach detach_ float double half bfloat16 type
        type_as requires_grad_ retain_grad pin_memory share_memory_ register_hook positive real
        resolve_conj resolve_neg as_subclass to_dense coalesce""",
    Kind.ADD: "add",
    Kind.SUB: "sub subtract",
    Kind.MUL: "mul multiply",
    Kind.DIV: "div divide true_divide",
    Kind.SPLIT: """chunk split split_with_sizes tensor_split hsplit vsplit dsplit unbind narrow
        select index_select gather take take_along_dim masked_select diagonal""",
    Kind.REDUCE: """mean sum max min amax amin aminmax std var median mode prod norm logsumexp
        nansum nanmean nanmedian quantile nanquantile kthvalue trace argmax argmin all any
        count_nonzero""",
    Kind.MATMUL: """matmul mm bmm mv addmm addbmm baddbmm addmv addr dot inner vdot outer ger
        kron""",
    Kind.OTHER: """abs absolute neg negative sign sgn exp exp2 expm1 log log2 log10 log1p sqrt
        rsqrt square pow float_power reciprocal sin cos tan asin acos atan atan2 sinh cosh asinh
        acosh atanh arcsin arccos arctan arctan2 sinc erf erfc erfinv lgamma digamma polygamma
        logit ceil floor round trunc fix frac clamp clamp_min clamp_max clip fmod remainder
        floor_divide lerp addcmul addcdiv hypot logaddexp logaddexp2 xlogy maximum minimum fmax
        fmin where nan_to_num angle imag conj cumsum cumprod cummax cummin logcumsumexp diff cross
        heaviside dist sort argsort msort topk nonzero unique unique_consecutive histc bincount
        multinomial bernoulli eq ne lt le gt ge equal not_equal less less_equal greater
        greater_equal isclose allclose isnan isinf isfinite logical_and logical_or logical_not
        logical_xor bitwise_and bitwise_or bitwise_xor bitwise_not tril triu diag diag_embed
        diagflat masked_fill masked_scatter scatter scatter_add scatter_reduce index_add index_copy
        index_fill index_put renorm inverse pinverse det logdet slogdet svd qr cholesky matrix_exp
        matrix_power stft istft copy_ fill_ zero_ uniform_ normal_ random_ bernoulli_ exponential_
        log_normal_ fill_diagonal_ set_ long int bool byte char short new new_tensor new_zeros
        new_ones new_full new_empty""",
}

_IN_PLACE = frozenset(
    words(
        """
        relu sigmoid tanh squeeze unsqueeze transpose t swapaxes swapdims add sub subtract mul
        multiply div divide true_divide addmm addbmm baddbmm addmv addr abs absolute neg negative
        sign sgn exp exp2 expm1 log log2 log10 log1p sqrt rsqrt square pow float_power reciprocal
        sin cos tan asin acos atan atan2 sinh cosh asinh acosh atanh arcsin arccos arctan arctan2
        sinc erf erfc erfinv lgamma digamma polygamma logit ceil floor round trunc fix frac clamp
        clamp_min clamp_max clip fmod remainder floor_divide lerp addcmul addcdiv hypot xlogy
        nan_to_num cumsum cumprod heaviside eq ne lt le gt ge not_equal less less_equal greater
        greater_equal logical_and logical_or logical_not logical_xor bitwise_and bitwise_or
        bitwise_xor bitwise_not tril triu masked_fill masked_scatter scatter scatter_add
        scatter_reduce index_add index_copy index_fill index_put renorm
        """
    )
)
_IN_PLACE_FUNCTIONS = frozenset(
    words(
        """
        abs acos asin atan ceil clamp clamp_max clamp_min clip cos cosh erf erfc exp exp2 expm1 fix
        floor frac log log10 log1p log2 logit nan_to_num neg negative reciprocal round rsqrt sin
        sinc sinh sqrt square tan trunc xlogy
        """
    )
)


def _by_name(table: Mapping[Kind, str], in_place: frozenset[str]) -> dict[str, Kind]:
    kinds = {name: kind for kind, names in table.items() for name in names.split()}
    return kinds | {f"{name}_": kinds[name] for name in in_place}


FUNCTIONS: Mapping[str, Kind] = _by_name(_FUNCTIONS, _IN_PLACE_FUNCTIONS)
"""Kinds of the functions of torch, torch.nn.functional, .special, .linalg and .fft."""

METHODS: Mapping[str, Kind] = _by_name(_METHODS, _IN_PLACE)
"""Kinds of the methods of tensors."""

FUNCTION_MODULES = frozenset(
    words(
        """
        torch torch.functional torch.nn.functional torch.special torch.linalg torch.fft torch.Tensor
        """
    )
)
"""The modules whose members ``FUNCTIONS`` names."""

LOSSES = frozenset(
    words(
        """
        cross_entropy CrossEntropyLoss nll_loss NLLLoss binary_cross_entropy BCELoss
        binary_cross_entropy_with_logits BCEWithLogitsLoss mse_loss MSELoss l1_loss L1Loss
        smooth_l1_loss SmoothL1Loss huber_loss HuberLoss
        """
    )
)
"""Losses that compare outputs with labels or targets, value by value, as functions and as layers."""

CREATIONS = frozenset(
    words(
        """
        tensor as_tensor asarray scalar_tensor from_numpy zeros zeros_like ones ones_like empty
        empty_like full full_like eye arange range linspace logspace rand rand_like randn randn_like
        randint randint_like randperm hann_window hamming_window tril_indices triu_indices new
        new_tensor new_zeros new_ones new_full new_empty
        """
    )
)
"""Functions and methods whose result holds no values of a tensor argument.

``tensor``, ``as_tensor``, ``asarray`` and ``from_numpy`` copy theirs without its gradient.
"""

SCALARS = frozenset(
    words(
        """
        item size dim ndimension numel nelement tolist numpy shape ndim dtype device layout is_cuda
        is_leaf is_sparse requires_grad grad_fn stride storage_offset element_size itemsize nbytes
        data_ptr get_device is_contiguous is_floating_point is_complex is_signed is_pinned
        is_same_size is_nonzero equal allclose type name __len__ __bool__ __float__ __int__
        """
    )
)
"""Methods and attributes of a tensor that give a Python value, not a tensor.

``type`` does so only without an argument.
"""

_FURTHER_METHODS = frozenset(
    words(
        """
        backward register_hook apply_ map_ put_ resize_ resize_as_ geometric_ cauchy_ storage
        untyped_storage record_stream to_sparse astype copy keys values items get pop popitem update
        setdefault clear append extend
        """
    )
)
"""What is called of tensors, and of the arrays and containers that a batch may be, beside ``METHODS``."""


def is_method(name: str) -> bool:
    """Whether an attribute of a batch is one of its methods: another one is a part of its data."""
    return name in METHODS or name in SCALARS or name in _FURTHER_METHODS


MEASURES = frozenset(
    words(
        """
        argmax argmin argsort max min topk sort kthvalue eq ne equal __eq__ gt lt ge le item numpy
        tolist accuracy accuracy_score balanced_accuracy_score f1_score precision_score recall_score
        average_precision_score roc_auc_score roc_curve precision_recall_curve confusion_matrix
        classification_report cohen_kappa_score jaccard_score log_loss mean_squared_error
        mean_absolute_error r2_score top_k_accuracy_score auc psnr ssim peak_signal_noise_ratio
        structural_similarity edit_distance nms box_iou
        """
    )
)
"""Functions and methods that turn outputs into predictions or metrics.

``max``, ``min`` and ``sort`` do so where they give indices; ``item`` and the conversions also serve
to log a loss.
"""

METRIC_MODULES = frozenset(
    words(
        """
        sklearn.metrics torchmetrics torcheval ignite.metrics skimage.metrics skimage.measure lpips
        pytorch_msssim piq pytorch_fid cleanfid monai.metrics torchnet.meter evaluate seqeval
        segmentation_models_pytorch.metrics pycocotools
        """
    )
)
"""Packages and modules whose functions and classes compute metrics."""

IMAGE_WRITERS = frozenset(
    words(
        """
        torchvision.utils.save_image torchvision.utils.make_grid torchvision.io.write_png
        torchvision.io.write_jpeg torchvision.transforms.functional.to_pil_image cv2.imwrite cv2.imshow imageio.imwrite
        imageio.imsave imageio.mimsave imageio.v2.imwrite imageio.v3.imwrite
        matplotlib.pyplot.imsave matplotlib.pyplot.imshow PIL.Image.fromarray skimage.io.imsave
        scipy.misc.imsave scipy.io.savemat numpy.save numpy.savez numpy.savetxt
        """
    )
)
"""Functions, by qualified name, that show or write their argument: what is given out."""

GRADIENT_CUTS = frozenset(
    words("detach detach_ item numpy tolist data new_tensor __array__ argmax argmin argsort")
)
"""Methods and attributes of a tensor whose result no backward reaches."""

ATTRIBUTES: Mapping[str, Kind] = {
    **dict.fromkeys(("T", "mT", "H", "mH"), Kind.PERMUTE),
    **dict.fromkeys(("data", "real"), Kind.PASS),
    **dict.fromkeys(("imag", "grad"), Kind.OTHER),
}
"""Kinds of the attributes of a tensor that are tensors."""
