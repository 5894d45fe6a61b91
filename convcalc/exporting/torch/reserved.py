"""Names that mean something in written code."""

from __future__ import annotations

# Attributes of torch.nn.Module and of torch.nn.Sequential; a test holds this against PyTorch.
METHODS = frozenset(
    "T_destination add_module append apply bfloat16 buffers call_super_init children compile cpu cuda"
    " double dump_patches eval extend extra_repr float forward get_buffer get_extra_state get_parameter"
    " get_submodule half insert ipu load_state_dict modules mtia named_buffers named_children"
    " named_modules named_parameters out_channels parameters pop register_backward_hook register_buffer"
    " register_forward_hook register_forward_pre_hook register_full_backward_hook"
    " register_full_backward_pre_hook register_load_state_dict_post_hook"
    " register_load_state_dict_pre_hook register_module register_parameter"
    " register_state_dict_post_hook register_state_dict_pre_hook requires_grad_ set_extra_state"
    " set_submodule share_memory state_dict to to_empty train training type xpu zero_grad"
    " in_channels self torch nn F math Tensor Sequence".split()
)
# Names at the top of a written module.
MODULE_NAMES = frozenset(("F", "Sequence", "Tensor", "math", "nn", "torch", "annotations"))
