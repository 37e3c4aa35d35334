"""Who was learned smaller for want of memory is found where it would be so again."""

import json
from dataclasses import replace
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from facea_core.backbone import Backbone
from facea_core.identity import load_identity
from facea_core.io.tensor_files import SEAL
from facea_core.training import Plan, TrainConfig, plan_training

from .learning import SHORT, begins, files, learn, same


def plan_at(backbone: Backbone, config: TrainConfig, resolution: int) -> Plan:
    return replace(
        plan_training(backbone.spec, config, backbone.dtype, None), resolution=resolution
    )


def test_what_little_memory_made_small_is_not_the_answer_where_there_is_more(
    backbone: Backbone, tmp_path: Path
):
    small, whole = (plan_at(backbone, SHORT, side) for side in (16, 32))
    done = learn(backbone, tmp_path, config=SHORT, plan=small)
    assert (done.identity.meta.resolution, done.record["cached"]) == (16, False)
    assert learn(backbone, tmp_path, config=SHORT, plan=small).record["cached"]
    again = learn(backbone, tmp_path, config=SHORT, plan=whole)
    assert (again.identity.meta.resolution, again.record["cached"]) == (32, False)
    assert again.record["notes"] == []
    # Each is found where its resolution is what memory allows.
    for plan, identity in ((small, done.identity), (whole, again.identity)):
        found = learn(backbone, tmp_path, config=SHORT, plan=plan)
        assert found.record["cached"]
        assert same(found.identity, identity)


def test_who_learned_smaller_for_memory_ran_out_on_the_way_is_found_and_it_says_so(
    backbone: Backbone, tmp_path: Path
):
    spec = replace(backbone.spec, resolution=128)
    large = replace(backbone, spec=spec)

    def out_of_memory(module: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        if inputs[0].shape[-1] > 8:
            raise torch.OutOfMemoryError("CUDA out of memory")

    hook = backbone.unet.register_forward_pre_hook(out_of_memory)
    try:
        done = learn(large, tmp_path, config=SHORT, previewer=None)
    finally:
        hook.remove()
    assert (done.identity.meta.resolution, done.record["cached"]) == (64, False)
    assert not begins(large, tmp_path, config=SHORT)
    for notes in (done.record["notes"], learn(large, tmp_path, config=SHORT).record["notes"]):
        assert any("learned at 64 px" in note for note in notes)


def rewritten(path: Path, **training) -> None:
    """The identity as an earlier version wrote it: no checksum, and it says no resolution."""
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
    del metadata[SEAL]
    about = json.loads(metadata["facea.meta"])
    del about["training"]["resolution"]
    about["training"].update(training)
    save_file(load_file(path), path, {**metadata, "facea.meta": json.dumps(about)})


def test_files_of_before_are_found_where_their_resolution_was_the_one_asked(
    backbone: Backbone, tmp_path: Path
):
    whole = plan_at(backbone, SHORT, 32)
    path = learn(backbone, tmp_path, config=SHORT, plan=whole).path
    rewritten(path)
    assert load_identity(path).meta.resolution == 0
    assert learn(backbone, tmp_path, config=SHORT, plan=whole).record["cached"]
    path.with_suffix(".json").unlink()
    assert learn(backbone, tmp_path, config=SHORT, plan=whole).record["cached"]


def test_a_file_of_before_whose_record_says_it_is_smaller_is_passed_over_and_kept(
    backbone: Backbone, tmp_path: Path
):
    small, whole = (plan_at(backbone, SHORT, side) for side in (16, 32))
    asked = learn(backbone, tmp_path, config=replace(SHORT, seed=7), plan=whole)
    done = learn(backbone, tmp_path, config=SHORT, plan=small)
    key = learn(backbone, tmp_path / "other", config=SHORT, plan=whole).record["origin"]
    assert key != done.record["origin"] != asked.record["origin"]
    rewritten(done.path, origin=key)
    before = done.path.read_bytes()
    again = learn(backbone, tmp_path, config=SHORT, plan=whole)
    assert (again.record["cached"], again.identity.meta.resolution) == (False, 32)
    learn(backbone, tmp_path, config=replace(SHORT, seed=3), plan=whole)
    kept = {name: data for name, data in files(tmp_path / "facea").items() if key[:8] in name}
    assert before in kept.values()
    assert sum(name.endswith(".safetensors") for name in kept) == 2
