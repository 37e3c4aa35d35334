"""Faces cut out, painted by ComfyUI's own sampler, and put back."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from .client import Client, NodeError
from .faces import checkpoint, detect, shown
from .graph import Graph, Node

FINE = {
    "context_factor": 1.5, "grow": 0.1, "feather": 0.08, "neck": 0.3, "hair": True,
    "hair_room": 0.0, "parts": "",
}  # fmt: skip


def crop(graph: Graph, image: Any, size: int = 128, **more: Any) -> Node:
    return graph.add("FaceAFaceCrop", image=image, size=size, **{**FINE, **more})


def two_faces(graph: Graph) -> tuple[Node, Node]:
    """A picture of two people side by side, and their faces."""
    one, other = (
        graph.add("FaceASamplePhotos", person=person, photos=1, size=192) for person in (50, 44)
    )
    both = graph.add(
        "ImageStitch", image1=one.out(1), image2=other.out(1), direction="right",
        match_image_size=True, spacing_width=0, spacing_color="white",
    )  # fmt: skip
    found = detect(graph, both, words="custom", custom_words="face, hair", face_index=-1)
    return both, found


@pytest.mark.parametrize("size", [64, 128, 264])
def test_crops_that_come_back_as_they_were_leave_the_picture_as_it_was(client: Client, size: int):
    graph = Graph()
    both, found = two_faces(graph)
    cut = crop(graph, both, size, attributes=found)
    back = graph.add("FaceAFacePaste", crop=cut, crops=cut.out(2), colour_match=1.0)
    before, crops, after = shown(client, graph, both, cut, back)
    assert [one.shape for one in crops] == [(size, size, 3)] * 2
    assert np.array_equal(before[0], after[0])


def test_a_sampler_of_comfyui_paints_one_face_and_only_its_mask_changes(client: Client):
    graph = Graph()
    model, (both, found) = checkpoint(graph), two_faces(graph)
    cut = crop(graph, both, attributes=found)
    text = [
        graph.add("CLIPTextEncode", clip=model[1], text=words)
        for words in ("a photo of a man with red hair", "")
    ]
    condition = graph.add(
        "InpaintModelConditioning", positive=text[0], negative=text[1], vae=model[2],
        pixels=cut, mask=cut.out(1), noise_mask=False,
    )  # fmt: skip
    sampled = graph.add(
        "KSampler", model=model[0], positive=condition, negative=condition.out(1),
        latent_image=condition.out(2), seed=1, steps=4, cfg=2.0, sampler_name="euler",
        scheduler="normal", denoise=1.0,
    )  # fmt: skip
    new = graph.add("VAEDecode", samples=sampled, vae=model[2])
    back = graph.add("FaceAFacePaste", crop=new, crops=cut.out(2), colour_match=1.0)
    mask = graph.add("MaskToImage", mask=back.out(1))
    before, after, changed = shown(client, graph, both, back, mask)
    assert not np.array_equal(before[0], after[0])
    untouched = changed[0] == 0
    assert untouched.any()
    # In 8 bits the faintest values of the mask are black.
    assert np.abs(before[0] - after[0])[untouched].max() <= 1


def test_another_picture_of_the_scene_is_cut_alike_at_any_size(client: Client):
    graph = Graph()
    both, found = two_faces(graph)
    double = graph.add("ImageScaleBy", image=both, upscale_method="nearest-exact", scale_by=2.0)
    same = crop(graph, both, 64, attributes=found, also=both)
    large = crop(graph, both, 64, attributes=found, also=double)
    crops, alike, from_double = shown(client, graph, same, same.out(3), large.out(3))
    for cut, one, other in zip(crops, alike, from_double, strict=True):
        assert np.array_equal(cut, one)
        assert np.abs(cut - other).mean() < 2


def test_conditioning_is_cut_to_the_first_crop(client: Client):
    graph = Graph()
    model, (both, found) = checkpoint(graph), two_faces(graph)
    text = graph.add("CLIPTextEncode", clip=model[1], text="a photo of a man")
    left = graph.add(
        "ConditioningSetAreaPercentage", conditioning=text, width=0.5, height=1.0, x=0.0, y=0.0,
        strength=1.0,
    )  # fmt: skip
    cut = crop(graph, both, 128, attributes=found, positive=left)
    report = graph.add("PreviewAny", source=cut.out(6))
    graph.add("PreviewAny", source=cut.out(4))
    said = json.loads(client.run(graph).outputs[report.id]["text"][0])
    assert len(said["crops"]) == 2
    assert "the conditioning is cut to the first of 2 crops" in said["notes"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"parts": "elbow"}, "elbow"),
        ({"attributes": None}, "nothing that says where"),
    ],
)
def test_what_cannot_be_cut_is_refused(client: Client, change: dict[str, Any], words: str):
    graph = Graph()
    both, found = two_faces(graph)
    wires = {"attributes": found, **change}
    cut = crop(graph, both, **{key: value for key, value in wires.items() if value is not None})
    graph.add("PreviewImage", images=cut)
    with pytest.raises(NodeError, match=words) as caught:
        client.run(graph)
    assert caught.value.node == cut.id


def test_other_than_the_crops_that_were_cut_is_refused(client: Client):
    graph = Graph()
    both, found = two_faces(graph)
    cut = crop(graph, both, attributes=found)
    one = graph.add("EmptyImage", width=128, height=128, batch_size=1, color=0)
    back = graph.add("FaceAFacePaste", crop=one, crops=cut.out(2), colour_match=1.0)
    graph.add("PreviewImage", images=back)
    with pytest.raises(NodeError, match="1 crops to paste and 2 were cut out") as caught:
        client.run(graph)
    assert caught.value.node == back.id
