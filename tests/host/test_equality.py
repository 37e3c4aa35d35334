"""The core and ComfyUI do the same: modules, what the U-Net is fed, files, finished pictures."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).with_name("checks.py")


@pytest.fixture(scope="module")
def found(comfyui: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    command = [sys.executable, str(SCRIPT), str(comfyui), str(tmp_path_factory.mktemp("inside"))]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ}, timeout=1800)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize(
    ("what", "most"),
    [
        ("unet", 1e-5),
        ("text", 1e-5),
        ("vae_encode", 1e-5),
        ("vae_decode", 1e-5),
        ("fed_noise", 1e-5),
        ("fed_mask", 0.0),
        ("fed_masked_latent", 1e-4),
        ("fed_stock_mask", 0.0),
        ("fed_stock_masked_latent", 1e-4),
        ("composed", 1e-3),
        ("outside_mask", 0.0),
        ("two_people", 1e-5),
        ("words_strength_0", 1e-5),
        ("spelling", 1e-6),
        ("first_strength_stays", 1e-5),
        ("last_strength_counts", 0.0),
        ("lora_strength_0", 0.0),
    ],
)
def test_the_core_and_comfyui_agree(found, tell, what: str, most: float):
    tell(f"core and ComfyUI, largest difference, {what}: {found[what]:.2e}")
    assert found[what] <= most


def test_an_edit_is_sampled_with_and_without_the_person_as_in_the_core(found, tell):
    edits = found["edits"]
    for what in ("edit 0", "edit 0.5", "edit 1", "edit of anybody", "edit with a loader"):
        tell(f"core and ComfyUI, largest difference, {what}: {edits[what]:.2e}")
        assert edits[what] <= 1e-3
    assert edits["edit, felt"] > 1e-3
    assert edits["edit again"] == 0
    assert edits["edit, outside"] == 0


def test_a_photo_is_restored_as_in_the_core(found, tell):
    restored = dict(found["restored"])
    for what in ("restored again", "restored, outside", "model"):
        assert restored.pop(what) == 0
    assert restored.pop("consistency") <= 0.02
    for what, most in restored.items():
        tell(f"core and ComfyUI, largest difference, {what}: {most:.2e}")
        assert most <= 1e-3


def test_photos_of_several_sizes_are_taken_as_a_list(found: dict[str, Any]):
    shapes = [[1, 128, 128, 3], [1, 150, 112, 3], [1, 97, 160, 3]]
    assert found["listed_kept"] == shapes
    assert found["listed_faces"] == [1, 1, 1]
    assert found["listed_crops"] == [3, 512, 512, 3]
    assert found["listed_drawn"] == 3
    assert found["listed_steps"] == 2


def test_our_solvers_sample_as_comfyui_does_with_any_number_of_steps(found, tell):
    apart = {what: value for what, value in found.items() if what.startswith("sampled ")}
    assert {int(what.split()[2]) for what in apart} >= {30, 35, 61, 150}
    for what, value in apart.items():
        tell(f"core and ComfyUI, largest difference, {what}: {value:.2e}")
    assert max(apart.values()) < 1e-4


def test_candidates_painted_together_are_what_they_are_alone_by_every_sampler(found, tell):
    apart, at_once = found["together"], found["together_at_once"]
    for shown in ("inpainting", "plain"):
        worst = max((what for what in apart if what.startswith(shown)), key=lambda one: apart[one])
        tell(f"candidates together and alone, largest difference, {worst}: {apart[worst]:.2e}")
    assert max(apart.values()) < 1e-4
    # Two, each with and without the prompt.
    many = {what for what, rows in at_once.items() if rows == 4}
    assert {"inpainting dpmpp_2m", "inpainting ddim", "plain euler"} <= many
    assert not {"plain ddim", "inpainting euler_ancestral", "inpainting dpm_adaptive"} & many


def test_steps_of_candidates_are_counted_singly(found):
    assert found["together_steps"] == [[2, 4, 6], [1, 2, 3, 4, 5, 6]] * 2


def test_strengths_are_felt(found):
    assert found["words_strength_1_change"] > 1e-3
    assert found["lora_strength_1_change"] > 1e-4


@pytest.mark.parametrize(
    ("what", "most"),
    [
        ("half_and_half", 0.0),
        ("half_and_full", 0.0),
        ("there_and_back", 0.0),
        ("loader_0_compose_1", 0.0),
        ("loader_half_compose_1", 0.0),
        ("loader_1_compose_0.3", 0.0),
        ("loader_1_compose_0", 0.0),
        ("stock_loader_compose_1", 0.0),
        ("merged_away", 1e-6),
        ("merged_in", 1e-6),
        ("merged_half", 1e-5),
        ("merged_half_compose_0", 1e-5),
        ("merged_half_loader_half", 1e-5),
    ],
)
def test_a_lora_counts_as_often_as_it_was_put_in(found, tell, what: str, most: float):
    stacked = found["stacked"]
    tell(f"LoRA of one person, {what}: {stacked[what]:.2e} of {stacked['felt']:.2e}")
    assert stacked["felt"] > 1e-4
    assert stacked[what] <= most


def test_another_training_of_a_name_is_refused_not_mixed_in(found):
    stacked = found["stacked"]
    for where in ("other_in_loader", "other_in_compose"):
        assert "another training named 'checked'" in stacked[where]
    assert stacked["other_after_it_was_taken_out"] == "no error"


def test_nodes_say_how_strongly_a_person_counts(found):
    stacked = found["stacked"]
    assert stacked["lines"] == [
        "checked: LoRA 0.5, words 0.5",
        "checked: LoRA 0.75, 0.5 of it from before, words 0.25",
    ]
    assert stacked["lora"] == {"checked": 0.75}
    assert "checked: the LoRA is painted at 0.75, for MODEL had it already" in stacked["notes"]


def test_segs_hold_the_faces_and_what_is_repainted(found):
    segs = found["segs"]
    assert segs["fields"] == [
        "cropped_image", "cropped_mask", "confidence", "crop_region", "bbox", "label",
        "control_net_wrapper",
    ]  # fmt: skip
    assert segs["size"] == [128, 128]
    assert segs["box"] == segs["face"]
    assert segs["mask"] == 0


def test_segs_of_any_make_are_painted_by(found):
    segs = found["segs"]
    assert segs["covered"] == 1
    assert segs["beyond"] == 0
    assert segs["differences"] == {"tensor": 0, "no score": 0}
    assert segs["nobody"]


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("no pair", "the SEGS cannot be read"),
        ("no segment", "has no attribute 'crop_region'"),
        ("outside", "does not fit"),
        ("another size", "its faces were searched in"),
        ("black", "marks nothing"),
    ],
)
def test_what_is_no_segs_is_refused(found, what: str, said: str):
    assert said in found["segs"]["refused"][what]


def test_a_controlnet_is_shown_its_hint_where_the_crop_is(found):
    hints = found["hints"]
    assert hints["shown"] < 1e-6
    assert hints["mask"] == 1
    assert hints["before"] == [1, 3, 32, 32]
    assert hints["before_mean"] == pytest.approx(0.5, abs=0.02)
    assert hints["later"] == 0
    assert hints["wired"]


def test_clip_skip_is_kept_and_another_one_is_told(found):
    skip = found["skip"]
    assert skip["learned"] == 1
    assert skip["same"] == skip["unknown"] == skip["both"] == []
    assert skip["longer"] == [
        "checked was learned with clip skip 2 and the wired CLIP has 1; set CLIP Set Last Layer "
        "to -2"
    ]
    assert "clip skip 1 and the wired CLIP has 2" in skip["shorter"][0]


def test_a_word_that_nobody_wired_is_an_error_that_names_it(found):
    assert "embedding:other/nose" in found["unknown_word"]
    assert "wired words: none" in found["unknown_word"]


def test_words_are_answered_as_each_version_of_comfyui_answers(found: dict[str, Any]):
    assert found["look_up"] == [
        ["scaled", ", and more"], [None, "rest"],
        ["scaled", "ada/eyes", ", and more"], [None, "other", "rest"],
    ]  # fmt: skip


def test_a_model_that_is_no_inpainting_model_is_refused_by_the_trainer(found):
    assert "no mask channels" in found["four_channels"]
    assert "masked_latent" in found["four_channels"]


def test_a_folder_of_words_that_cannot_be_written_stops_before_the_training(found):
    assert re.search(r"taken.*Nothing was trained.*save_words off", found["no_place_for_words"])


@pytest.mark.parametrize(
    ("door", "said"),
    [
        ("fp8", r"float8_e4m3fn.*load it as fp16, bf16 or fp32"),
        ("packed", r"Packed weights.*GGUF.*load it as fp16, bf16 or fp32"),
        ("zero_snr", r"another noise schedule.*zero terminal SNR"),
        ("other_clip", r"CLIP lacks.*clip_l.*wire both from the same checkpoint"),
    ],
)
def test_weights_that_cannot_be_trained_on_are_refused_with_advice(found, door, said):
    assert re.search(said, found[door])


def test_the_hash_of_the_wired_weights_is_that_of_their_copy(found):
    assert found["hash_of_a_copy"]
    assert found["hash_of_a_patched_copy"]


def test_the_layer_that_a_wired_clip_stops_at_is_honoured(found):
    assert found["clip_layer"] < 1e-5


def test_the_composed_picture_is_a_changed_one(found):
    assert found["composed_change_mean"] > 0.01


def test_stock_nodes_read_all_that_the_trainer_wrote(found, tell):
    tell(f"stock LoRA loader: {found['stock_layers_loaded']}/{found['stock_layers']} layers")
    assert found["stock_layers_loaded"] == found["stock_layers"] > 0
    assert found["stock_words_read"] == found["stock_words"] > 0


def test_the_wired_model_clip_and_vae_are_bit_for_bit_what_they_were(found):
    assert found["base_untouched"] is True


def test_a_batch_holds_no_frame_that_is_finished(found: dict[str, Any]):
    assert found["held"] == [0, 0, 0, 0]
