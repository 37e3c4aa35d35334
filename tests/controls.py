"""ControlNets with random weights, as files and beside a model."""

from pathlib import Path

import torch
from diffusers import ControlNetModel
from safetensors.torch import save_file
from torch import Tensor

from facea_core.backbone.control import ControlNet, control_net, empty_control
from facea_core.backbone.spec import TINY


def random_control(seed: int = 0) -> ControlNetModel:
    """The miniature's, with no convolution that is zero."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = empty_control(TINY)
        for name, value in network.named_parameters():
            if name.startswith(("controlnet_down", "controlnet_mid")) or "conv_out" in name:
                torch.nn.init.normal_(value, std=0.05)
    return network


def tiny_control(seed: int = 0) -> ControlNet:
    return control_net(random_control(seed), TINY.spec.family)


def write(path: Path, state: dict[str, Tensor]) -> Path:
    save_file({key: value.detach().contiguous() for key, value in state.items()}, path)
    return path
