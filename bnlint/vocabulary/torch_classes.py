"""The module classes of torch.nn as text: their base classes and constructor parameters.

Read from torch 2.13; ``tests/test_library_tables.py`` compares it with the installed one.
"""

from collections.abc import Mapping

from bnlint.facts.types.kind import Kind

# One entry a line: class names < their base class : constructor parameters, `*` before those that
# go by keyword only. An indented line continues the entry.
CLASSES: Mapping[Kind, str] = {
    Kind.CONV: """
_ConvNd < Module : in_channels out_channels kernel_size stride padding dilation transposed
    output_padding groups bias padding_mode device=None dtype=None
Conv1d Conv2d Conv3d < _ConvNd : in_channels out_channels kernel_size stride=1 padding=0
    dilation=1 groups=1 bias=True padding_mode='zeros' device=None dtype=None
ConvTranspose1d ConvTranspose2d ConvTranspose3d < _ConvTransposeNd : in_channels out_channels
    kernel_size stride=1 padding=0 output_padding=0 groups=1 bias=True dilation=1
    padding_mode='zeros' device=None dtype=None
LazyConv1d < Conv1d : out_channels kernel_size stride=1 padding=0 dilation=1 groups=1 bias=True
    padding_mode='zeros' device=None dtype=None
LazyConv2d < Conv2d : out_channels kernel_size stride=1 padding=0 dilation=1 groups=1 bias=True
    padding_mode='zeros' device=None dtype=None
LazyConv3d < Conv3d : out_channels kernel_size stride=1 padding=0 dilation=1 groups=1 bias=True
    padding_mode='zeros' device=None dtype=None
LazyConvTranspose1d < ConvTranspose1d : out_channels kernel_size stride=1 padding=0
    output_padding=0 groups=1 bias=True dilation=1 padding_mode='zeros' device=None dtype=None
LazyConvTranspose2d < ConvTranspose2d : out_channels kernel_size stride=1 padding=0
    output_padding=0 groups=1 bias=True dilation=1 padding_mode='zeros' device=None dtype=None
LazyConvTranspose3d < ConvTranspose3d : out_channels kernel_size stride=1 padding=0
    output_padding=0 groups=1 bias=True dilation=1 padding_mode='zeros' device=None dtype=None
""",
    Kind.LINEAR: """
Linear < Module : in_features out_features bias=True device=None dtype=None
LazyLinear < Linear : out_features bias=True device=None dtype=None
""",
    Kind.BATCH_NORM: """
_BatchNorm < _NormBase : num_features eps=1e-05 momentum=0.1 affine=True track_running_stats=True
    device=None dtype=None * bias=True
BatchNorm1d BatchNorm2d BatchNorm3d < _BatchNorm : num_features eps=1e-05 momentum=0.1 affine=True
    track_running_stats=True device=None dtype=None * bias=True
LazyBatchNorm1d LazyBatchNorm2d LazyBatchNorm3d < _BatchNorm : eps=1e-05 momentum=0.1 affine=True
    track_running_stats=True device=None dtype=None * bias=True
SyncBatchNorm < _BatchNorm : num_features eps=1e-05 momentum=0.1 affine=True
    track_running_stats=True process_group=None device=None dtype=None * bias=True
""",
    Kind.INSTANCE_NORM: """
_InstanceNorm < _NormBase : num_features eps=1e-05 momentum=0.1 affine=False
    track_running_stats=False device=None dtype=None * bias=True
InstanceNorm1d InstanceNorm2d InstanceNorm3d < _InstanceNorm : num_features eps=1e-05 momentum=0.1
    affine=False track_running_stats=False device=None dtype=None * bias=True
LazyInstanceNorm1d LazyInstanceNorm2d LazyInstanceNorm3d < _InstanceNorm : eps=1e-05 momentum=0.1
    affine=True track_running_stats=True device=None dtype=None * bias=True
""",
    Kind.OTHER_NORM: """
GroupNorm < Module : num_groups num_channels eps=1e-05 affine=True device=None dtype=None
    * bias=True
LayerNorm < Module : normalized_shape eps=1e-05 elementwise_affine=True bias=True device=None
    dtype=None
RMSNorm < Module : normalized_shape eps=None elementwise_affine=True device=None dtype=None
LocalResponseNorm < Module : size alpha=0.0001 beta=0.75 k=1.0
CrossMapLRN2d < Module : size alpha=0.0001 beta=0.75 k=1
""",
    Kind.ACTIVATION: """
ReLU SELU SiLU Mish Hardsigmoid Hardswish < Module : inplace=False
ReLU6 < Hardtanh : inplace=False
LogSigmoid Sigmoid Softmax2d Softsign Tanh Tanhshrink < Module :
ELU CELU < Module : alpha=1.0 inplace=False
GELU < Module : approximate='none'
GLU < Module : dim=-1
Hardshrink Softshrink < Module : lambd=0.5
Hardtanh < Module : min_val=-1.0 max_val=1.0 inplace=False min_value=None max_value=None
LeakyReLU < Module : negative_slope=0.01 inplace=False
LogSoftmax Softmax Softmin < Module : dim=None
PReLU < Module : num_parameters=1 init=0.25 device=None dtype=None
RReLU < Module : lower=0.125 upper=0.3333333333333333 inplace=False
Softplus < Module : beta=1.0 threshold=20.0
Threshold < Module : threshold value inplace=False
""",
    Kind.DROPOUT: """
Dropout Dropout1d Dropout2d Dropout3d AlphaDropout FeatureAlphaDropout < _DropoutNd :
    p=0.5 inplace=False
""",
    Kind.MAX_POOL: """
MaxPool1d MaxPool2d MaxPool3d < _MaxPoolNd : kernel_size stride=None padding=0 dilation=1
    return_indices=False ceil_mode=False
AdaptiveMaxPool1d AdaptiveMaxPool2d AdaptiveMaxPool3d < _AdaptiveMaxPoolNd : output_size
    return_indices=False
FractionalMaxPool2d FractionalMaxPool3d < Module : kernel_size output_size=None output_ratio=None
    return_indices=False _random_samples=None
""",
    Kind.AVG_POOL: """
AvgPool1d < _AvgPoolNd : kernel_size stride=None padding=0 ceil_mode=False count_include_pad=True
AvgPool2d AvgPool3d < _AvgPoolNd : kernel_size stride=None padding=0 ceil_mode=False
    count_include_pad=True divisor_override=None
AdaptiveAvgPool1d AdaptiveAvgPool2d AdaptiveAvgPool3d < _AdaptiveAvgPoolNd : output_size
LPPool1d LPPool2d LPPool3d < _LPPoolNd : norm_type kernel_size stride=None ceil_mode=False
""",
    Kind.UPSAMPLE: """
Upsample < Module : size=None scale_factor=None mode='nearest' align_corners=None
    recompute_scale_factor=None
UpsamplingBilinear2d UpsamplingNearest2d < Upsample : size=None scale_factor=None
MaxUnpool1d MaxUnpool2d MaxUnpool3d < _MaxUnpoolNd : kernel_size stride=None padding=0
""",
    Kind.PAD: """
CircularPad1d CircularPad2d CircularPad3d < _CircularPadNd : padding
ConstantPad1d ConstantPad2d ConstantPad3d < _ConstantPadNd : padding value
ReflectionPad1d ReflectionPad2d ReflectionPad3d < _ReflectionPadNd : padding
ReplicationPad1d ReplicationPad2d ReplicationPad3d < _ReplicationPadNd : padding
ZeroPad1d < ConstantPad1d : padding
ZeroPad2d < ConstantPad2d : padding
ZeroPad3d < ConstantPad3d : padding
""",
    Kind.RESHAPE: """
Flatten < Module : start_dim=1 end_dim=-1
Unflatten < Module : dim unflattened_size
Fold < Module : output_size kernel_size dilation=1 padding=0 stride=1
Unfold < Module : kernel_size dilation=1 padding=0 stride=1
PixelShuffle < Module : upscale_factor
PixelUnshuffle < Module : downscale_factor
ChannelShuffle < Module : groups
""",
    Kind.PASS: """
Identity < Module :
""",
    Kind.EMBEDDING: """
Embedding < Module : num_embeddings embedding_dim padding_idx=None max_norm=None norm_type=2.0
    scale_grad_by_freq=False sparse=False _weight=None _freeze=False device=None dtype=None
EmbeddingBag < Module : num_embeddings embedding_dim max_norm=None norm_type=2.0
    scale_grad_by_freq=False mode='mean' sparse=False _weight=None include_last_offset=False
    padding_idx=None device=None dtype=None
""",
    Kind.RECURRENT: """
RNNBase < Module : mode input_size hidden_size num_layers=1 bias=True batch_first=False dropout=0.0
    bidirectional=False proj_size=0 device=None dtype=None
RNN < RNNBase : input_size hidden_size num_layers=1 nonlinearity='tanh' bias=True
    batch_first=False dropout=0.0 bidirectional=False device=None dtype=None
LSTM < RNNBase : input_size hidden_size num_layers=1 bias=True batch_first=False dropout=0.0
    bidirectional=False proj_size=0 device=None dtype=None
GRU < RNNBase : input_size hidden_size num_layers=1 bias=True batch_first=False dropout=0.0
    bidirectional=False device=None dtype=None
RNNCellBase < Module : input_size hidden_size bias num_chunks device=None dtype=None
RNNCell < RNNCellBase : input_size hidden_size bias=True nonlinearity='tanh' device=None dtype=None
LSTMCell GRUCell < RNNCellBase : input_size hidden_size bias=True device=None dtype=None
""",
    Kind.ATTENTION: """
MultiheadAttention < Module : embed_dim num_heads dropout=0.0 bias=True add_bias_kv=False
    add_zero_attn=False kdim=None vdim=None batch_first=False device=None dtype=None
Transformer < Module : d_model=512 nhead=8 num_encoder_layers=6 num_decoder_layers=6
    dim_feedforward=2048 dropout=0.1 activation='relu' custom_encoder=None custom_decoder=None
    layer_norm_eps=1e-05 batch_first=False norm_first=False bias=True device=None dtype=None
TransformerEncoderLayer TransformerDecoderLayer < Module : d_model nhead dim_feedforward=2048
    dropout=0.1 activation='relu' layer_norm_eps=1e-05 batch_first=False norm_first=False bias=True
    device=None dtype=None
TransformerEncoder < Module : encoder_layer num_layers norm=None enable_nested_tensor=True
    mask_check=True
TransformerDecoder < Module : decoder_layer num_layers norm=None
""",
    Kind.CONTAINER: """
DataParallel < Module : module device_ids=None output_device=None dim=0
DistributedDataParallel < Module : module device_ids=None output_device=None dim=0
    broadcast_buffers=None init_sync=True process_group=None bucket_cap_mb=None
    find_unused_parameters=False check_reduction=False gradient_as_bucket_view=False
    static_graph=False delay_all_reduce_named_params=None param_to_hook_all_reduce=None
    mixed_precision=None device_mesh=None skip_all_reduce_unused_params=False
    bucket_cap_mb_list=None batched_grad_copy=False forward_sync_buffers=None
""",
    Kind.OTHER: """
Bilinear < Module : in1_features in2_features out_features bias=True device=None dtype=None
CosineSimilarity < Module : dim=1 eps=1e-08
PairwiseDistance < Module : p=2.0 eps=1e-06 keepdim=False
AdaptiveLogSoftmaxWithLoss < Module : in_features n_classes cutoffs div_value=4.0 head_bias=False
    device=None dtype=None
L1Loss MSELoss MultiLabelMarginLoss SoftMarginLoss < _Loss : size_average=None reduce=None
    reduction='mean'
BCELoss MultiLabelSoftMarginLoss < _WeightedLoss : weight=None size_average=None reduce=None
    reduction='mean'
BCEWithLogitsLoss < _Loss : weight=None size_average=None reduce=None reduction='mean'
    pos_weight=None
CTCLoss < _Loss : blank=0 reduction='mean' zero_infinity=False
CrossEntropyLoss < _WeightedLoss : weight=None size_average=None ignore_index=-100 reduce=None
    reduction='mean' label_smoothing=0.0
CosineEmbeddingLoss MarginRankingLoss < _Loss : margin=0.0 size_average=None reduce=None
    reduction='mean'
GaussianNLLLoss < _Loss : * full=False eps=1e-06 reduction='mean'
HingeEmbeddingLoss < _Loss : margin=1.0 size_average=None reduce=None reduction='mean'
HuberLoss < _Loss : reduction='mean' delta=1.0
KLDivLoss < _Loss : size_average=None reduce=None reduction='mean' log_target=False
LinearCrossEntropyLoss < _WeightedLoss : in_features num_classes * out_features=() bias=False
    device=None dtype=None reduction='mean' weight=None ignore_index=None label_smoothing=0.0
    options=None
MultiMarginLoss < _WeightedLoss : p=1 margin=1.0 weight=None size_average=None reduce=None
    reduction='mean'
NLLLoss < _WeightedLoss : weight=None size_average=None ignore_index=-100 reduce=None
    reduction='mean'
NLLLoss2d < NLLLoss : weight=None size_average=None ignore_index=-100 reduce=None reduction='mean'
PoissonNLLLoss < _Loss : log_input=True full=False size_average=None eps=1e-08 reduce=None
    reduction='mean'
SmoothL1Loss < _Loss : size_average=None reduce=None reduction='mean' beta=1.0
TripletMarginLoss < _Loss : margin=1.0 p=2.0 eps=1e-06 swap=False size_average=None reduce=None
    reduction='mean'
TripletMarginWithDistanceLoss < _Loss : * distance_function=None margin=1.0 swap=False
    reduction='mean'
""",
}

# Private base classes and the containers.
BASES = """
_NormBase _DropoutNd _MaxPoolNd _AdaptiveMaxPoolNd _AvgPoolNd _AdaptiveAvgPoolNd _LPPoolNd
    _MaxUnpoolNd _CircularPadNd _ConstantPadNd _ReflectionPadNd _ReplicationPadNd _Loss < Module
_ConvTransposeNd < _ConvNd
_WeightedLoss < _Loss
Container Sequential ModuleList ModuleDict ParameterList ParameterDict < Module
"""
