"""The families at a twentieth of their width and in full, and what their modules hold."""

import torch
from torch import Tensor, nn

from facea_core.backbone import Backbone
from facea_core.backbone.spec import SD2, SD15, SDXL

from ...narrow import narrow_family

NARROW = narrow_family(SD15)
FULL = {family.spec.family: family for family in (SD15, SD2, SDXL)}


def equal(module: nn.Module, state: dict[str, Tensor]) -> bool:
    own = module.state_dict()
    return own.keys() == state.keys() and all(torch.equal(own[k], state[k]) for k in own)


def parameters(backbone: Backbone) -> list[Tensor]:
    modules = (backbone.unet, backbone.vae, *backbone.text.encoders.values())
    return [parameter for module in modules for parameter in module.parameters()]
