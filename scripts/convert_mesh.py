"""Writes facea_core/assets/mediapipe-face.safetensors from the networks in MediaPipe's wheel.

    pip download --no-deps mediapipe==0.10.21
    pip install tflite ai-edge-litert
    python scripts/convert_mesh.py mediapipe-0.10.21-*.whl

It then compares both networks with the runtime that the files were made for and prints the largest
differences. FaceA itself needs none of these packages.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import zipfile
from pathlib import Path

import numpy as np
import tflite
import torch
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from safetensors.torch import load_file, save_file

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
from facea_core.detection.mesh.nets import MeshNets  # noqa: E402

TARGET = ROOT / "facea_core/assets/mediapipe-face.safetensors"
BLAZE = "mediapipe/modules/face_detection/face_detection_full_range_sparse.tflite"
MESH = "mediapipe/modules/face_landmark/face_landmark.tflite"
OPS = {value: name for name, value in vars(tflite.BuiltinOperator).items() if name.isupper()}


def interpreter(data: bytes) -> Interpreter:
    """Every tensor stays readable, those of dense 32-bit weights too."""
    made = Interpreter(
        model_content=data,
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        experimental_preserve_all_tensors=True,
    )
    made.allocate_tensors()
    return made


def layers(data: bytes) -> list[tuple[str, list[np.ndarray]]]:
    """(operator, its weights) of every layer that has some, in the order in which they run."""
    runtime = interpreter(data)
    entry = runtime.get_input_details()[0]
    runtime.set_tensor(entry["index"], np.zeros(entry["shape"], np.float32))
    runtime.invoke()
    model = tflite.Model.GetRootAs(data, 0)
    graph, found = model.Subgraphs(0), []
    for number in range(graph.OperatorsLength()):
        operator = graph.Operators(number)
        code = model.OperatorCodes(operator.OpcodeIndex())
        name = OPS[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())]
        if name in ("CONV_2D", "DEPTHWISE_CONV_2D", "PRELU"):
            weights = [runtime.get_tensor(int(i)).copy() for i in operator.InputsAsNumpy()[1:]]
            found.append((name, weights))
    return found


def as_torch(name: str, weights: list[np.ndarray]) -> list[torch.Tensor]:
    if name == "PRELU":
        return [torch.from_numpy(weights[0].reshape(-1))]
    order = (0, 3, 1, 2) if name == "CONV_2D" else (3, 0, 1, 2)
    kernel = torch.from_numpy(np.ascontiguousarray(weights[0].transpose(order)))
    return [kernel, torch.from_numpy(weights[1])]


def untangled(found: list) -> list:
    """The mesh's two heads, which run in turns: first the flag's layers, then the points'."""
    before, heads = found[:-18], found[-18:]
    return before + heads[0::2] + heads[1::2]


def shuffled(tensors: list[torch.Tensor]) -> list[torch.Tensor]:
    """A head's channels as torch's pixel_shuffle wants them: the number first, then the place."""
    return [one.unflatten(0, (4, -1)).transpose(0, 1).flatten(0, 1) for one in tensors]


def convert(wheel: zipfile.ZipFile) -> dict[str, torch.Tensor]:
    nets = MeshNets()
    state = {}
    blaze = [as_torch(*one) for one in layers(wheel.read(BLAZE))]
    blaze[-4:] = [shuffled(one) for one in blaze[-4:]]
    mesh = [as_torch(*one) for one in untangled(layers(wheel.read(MESH)))]
    for prefix, part, found in (("blaze", nets.blaze, blaze), ("mesh", nets.mesh, mesh)):
        flat = [tensor for one in found for tensor in one]
        own = dict(part.named_parameters(prefix=prefix))
        if [one.shape for one in flat] != [one.shape for one in own.values()]:
            raise SystemExit("the graphs differ from the ones that nets.py describes")
        state |= zip(own, flat, strict=True)
    half = {name: tensor.half().contiguous() for name, tensor in state.items()}
    lost = max(float((half[name].float() - state[name]).abs().max()) for name in state)
    print(f"{len(half)} tensors, lost by 16 bits: {lost:.2g}")
    return half


def run(data: bytes, picture: torch.Tensor) -> list[np.ndarray]:
    runtime = interpreter(data)
    runtime.set_tensor(
        runtime.get_input_details()[0]["index"], picture.permute(0, 2, 3, 1).contiguous().numpy()
    )
    runtime.invoke()
    return [runtime.get_tensor(one["index"]) for one in runtime.get_output_details()]


@torch.no_grad()
def compare(wheel: zipfile.ZipFile) -> None:
    nets = MeshNets().eval()
    nets.load_state_dict({name: one.float() for name, one in load_file(TARGET).items()})
    worst = dict.fromkeys(("score", "box", "point", "flag"), 0.0)
    for seed in range(8):
        generator = torch.Generator().manual_seed(seed)
        coarse = torch.rand(1, 3, 3 + 4 * seed, 3 + 4 * seed, generator=generator)
        picture = torch.nn.functional.interpolate(coarse, (192, 192), mode="bicubic").clamp(0, 1)
        scores, shapes = nets.blaze(picture)
        boxes, logits = run(wheel.read(BLAZE), picture * 2 - 1)
        points, flag = nets.mesh(picture)
        theirs, there = run(wheel.read(MESH), picture)
        for name, ours, other in (
            ("score", scores.flatten(), logits),
            ("box", shapes[0].permute(1, 2, 0).flatten(), boxes),
            ("point", points.flatten(), theirs),
            ("flag", flag, there),
        ):
            apart = np.abs(ours.numpy().reshape(-1) - other.reshape(-1)).max()
            worst[name] = max(worst[name], float(apart))
    print("largest differences from the tflite runtime:", worst)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("wheel", type=Path)
    with zipfile.ZipFile(parser.parse_args().wheel) as wheel:
        for name in (BLAZE, MESH):
            print(hashlib.sha256(wheel.read(name)).hexdigest(), name)
        TARGET.parent.mkdir(parents=True, exist_ok=True)
        metadata = {
            "source": "mediapipe 0.10.21, The MediaPipe Authors; format and layout changed",
            "license": "Apache-2.0",
        }
        save_file(convert(wheel), TARGET, metadata)
        print(f"{TARGET}: {TARGET.stat().st_size} bytes")
        compare(wheel)


if __name__ == "__main__":
    main()
