"""PyTorch's name of the place of ``Module`` and of the hooks common to all modules."""

from __future__ import annotations

from ..module import Module as Module
from ..module_hooks import register_module_backward_hook as register_module_backward_hook
from ..module_hooks import register_module_buffer_registration_hook as register_module_buffer_registration_hook
from ..module_hooks import register_module_forward_hook as register_module_forward_hook
from ..module_hooks import register_module_forward_pre_hook as register_module_forward_pre_hook
from ..module_hooks import register_module_full_backward_hook as register_module_full_backward_hook
from ..module_hooks import register_module_full_backward_pre_hook as register_module_full_backward_pre_hook
from ..module_hooks import register_module_module_registration_hook as register_module_module_registration_hook
from ..module_hooks import register_module_parameter_registration_hook as register_module_parameter_registration_hook
