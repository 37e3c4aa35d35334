"""Full-size checkpoints of random weights, as ComfyUI itself would save them.

    python tests/gpu/checkpoints.py COMFYUI FOLDER sd15-inpainting sdxl-inpainting sdxl-base

A script of its own, for it imports ComfyUI. Random weights, for speed and memory do not depend on
their values.
"""

from __future__ import annotations

import sys
from pathlib import Path
from time import perf_counter

ROOT = Path(__file__).parents[2]


def main(comfyui: str, folder: str, *names: str) -> None:
    sys.path[:0] = [comfyui, str(ROOT), str(ROOT / "tests" / "bench")]
    import comfy.options  # noqa: F401  (before what reads its arguments from the command line)
    import torch
    from comfy.cli_args import args
    from families.full_size import COMMON, host_modules, random_tensor
    from safetensors.torch import save_file

    args.cpu = not torch.cuda.is_available()  # else ComfyUI wants a card
    device = "cuda" if torch.cuda.is_available() else "cpu"
    for name in names:
        family, kind = name.split("-")
        began, file = perf_counter(), Path(folder) / f"{name}.safetensors"
        COMMON["in_channels"] = 9 if kind == "inpainting" else 4
        config, parts = host_modules(family)
        generator = torch.Generator(device).manual_seed(0)
        for state in parts.values():
            for key, value in state.items():
                state[key] = random_tensor(key, value.shape, generator)
        state = {
            **config.process_unet_state_dict_for_saving(parts["unet"]),
            **config.process_vae_state_dict_for_saving(parts["vae"]),
            **config.process_clip_state_dict_for_saving(parts["text"]),
        }
        save_file({key: value.contiguous().cpu() for key, value in state.items()}, file)
        print(f"{file.name}: {perf_counter() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
