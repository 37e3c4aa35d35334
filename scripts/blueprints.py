"""The subgraphs that ship with the pack: several nodes that the front end offers as one."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from canvas import WIDGETS, Graph, Group, Slot, canvas_of

# The id of a subgraph's right edge, as the front end has it.
OUTLET = -20
EDGE, ROW = 120, 20


def learn_a_person(g: Graph) -> dict[str, Any]:
    asked = {"name": "STRING", "class_noun": "STRING", "words": "COMBO", "policy": "COMBO"}
    asked |= {"preset": "COMBO", "steps": "INT"}
    ends = g.inlets(images="IMAGE", model="MODEL", clip="CLIP", vae="VAE", **asked)
    found = g.node("FaceAAttributeDetect", images=ends["images"], words=ends["words"])
    audit = g.node(
        "FaceAPhotoAudit",
        images=ends["images"],
        attributes=found["attributes"],
        policy=ends["policy"],
    )
    train = g.node(
        "FaceAEmbeddingTrainer",
        images=audit["images"],
        attributes=audit["attributes"],
        model=ends["model"],
        clip=ends["clip"],
        vae=ends["vae"],
        name=ends["name"],
        class_noun=ends["class_noun"],
        preset=ends["preset"],
        auto_captions=True,
        steps=ends["steps"],
    )
    g.lay_out(Group("Learn a person", "green", ([found], [audit], [train])))
    return blueprint(
        g,
        "Finds the face in three or more photos of one person, checks the photos, and learns the "
        "person: a LoRA and a word for each part of the face.",
        ["train face", "photos", "lora", "person"],
        {
            "identity": train["identity"],
            "path": train["path"],
            "verdicts": audit["overlay"],
            "previews": train["previews"],
        },
    )


def paint_a_person_in(g: Graph) -> dict[str, Any]:
    kinds = {"model": "MODEL", "clip": "CLIP", "vae": "VAE", "identity": "FACEA_IDENTITY"}
    asked = {"seed": "INT", "steps": "INT", "denoise": "FLOAT", "hair_room": "FLOAT"}
    ends = g.inlets(image="IMAGE", **kinds, **asked, strength="FLOAT")
    found = g.node(
        "FaceAAttributeDetect", images=ends["image"], words="custom", custom_words="face"
    )
    apply = g.node(
        "FaceALoRALoader",
        model=ends["model"],
        clip=ends["clip"],
        identity=ends["identity"],
        lora_strength=ends["strength"],
    )
    wired: dict[str, Any] = {name: ends[name] for name in asked}
    compose = g.node(
        "FaceAInpaintCompose",
        image=ends["image"],
        model=apply["model"],
        clip=apply["clip"],
        vae=ends["vae"],
        prompt=apply["prompt"],
        attributes=found["attributes"],
        **wired,
    )
    g.lay_out(Group("Paint a person in", "red", ([found], [apply], [compose])))
    return blueprint(
        g,
        "Finds the face in a picture and repaints it as the person that was learned. What lies "
        "outside stays as it was.",
        ["face swap", "inpaint face", "person"],
        {
            "image": compose["image"],
            "before_after": compose["before_after"],
            "mask": compose["mask"],
        },
    )


def blueprint(
    g: Graph,
    description: str,
    aliases: list[str],
    outputs: dict[str, Slot],
) -> dict[str, Any]:
    """A workflow of one node that is the subgraph `g`."""
    inside, ends = canvas_of(g), g.inlet
    assert ends is not None
    keys: tuple[str, ...] = ("id", "origin_id", "origin_slot", "target_id", "target_slot", "type")
    lines = [dict(zip(keys, line, strict=True)) for line in inside["links"]]
    for place, start in enumerate(outputs.values()):
        number = len(lines) + 1
        wire = {"id": number, "origin_id": start.node.id, "origin_slot": start.index}
        type_ = start.node.spec.output_types[start.index]
        lines.append(wire | {"target_id": OUTLET, "target_slot": place, "type": type_})
        drawn = next(node for node in inside["nodes"] if node["id"] == start.node.id)
        slot = drawn["outputs"][start.index]
        slot["links"] = [*(slot["links"] or []), number]
    right, bottom = g.size()
    edges = {
        "inputNode": {"id": ends.id, "bounding": [-200, bottom // 3, *ends.size]},
        "outputNode": {
            "id": OUTLET,
            "bounding": [right + 80, bottom // 3, EDGE, ROW * (len(outputs) + 1)],
        },
    }
    own = str(uuid.uuid5(uuid.NAMESPACE_URL, f"facea/subgraphs/{g.name}"))

    def end(name: str, type_: str, wires: list[int]) -> dict[str, Any]:
        number = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{own}/{wires}/{name}"))
        return {"id": number, "name": name, "type": type_, "linkIds": wires}

    graph = {
        "id": own,
        "version": 1,
        "state": {
            "lastGroupId": len(inside["groups"]),
            "lastNodeId": inside["last_node_id"],
            "lastLinkId": len(lines),
            "lastRerouteId": 0,
        },
        "revision": 0,
        "config": {},
        "name": g.name,
        **edges,
        "inputs": [
            end(name, type_, [k["id"] for k in lines if _starts(k, ends.id, place)])
            for place, (name, type_) in enumerate(
                zip(ends.spec.outputs, ends.spec.output_types, strict=True)
            )
        ],
        "outputs": [
            end(name, start.node.spec.output_types[start.index], [len(inside["links"]) + place])
            for place, (name, start) in enumerate(outputs.items(), 1)
        ],
        "widgets": [],
        "nodes": inside["nodes"],
        "groups": inside["groups"],
        "links": lines,
        "extra": {},
        "category": "FaceA",
        "description": description,
    }
    return {
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"facea/blueprints/{g.name}")),
        "revision": 0,
        "last_node_id": 1,
        "last_link_id": 0,
        "nodes": [_outside(graph, own)],
        "links": [],
        "groups": [],
        "config": {},
        "extra": {"BlueprintDescription": description, "BlueprintSearchAliases": aliases},
        "version": 0.4,
        "definitions": {"subgraphs": [graph]},
    }


def _outside(graph: dict[str, Any], own: str) -> dict[str, Any]:
    """The node that stands for the subgraph."""
    return {
        "id": 1,
        "type": own,
        "pos": [0, 0],
        "size": [270, 40 + 28 * len(graph["inputs"])],
        "flags": {},
        "order": 0,
        "mode": 0,
        "inputs": [
            {
                "name": one["name"],
                "type": one["type"],
                **({"widget": {"name": one["name"]}} if one["type"] in WIDGETS else {}),
                "link": None,
            }
            for one in graph["inputs"]
        ],
        "outputs": [
            {"name": one["name"], "type": one["type"], "links": None} for one in graph["outputs"]
        ],
        "title": graph["name"],
        "properties": {},
        "widgets_values": [],
    }


def _starts(line: dict[str, Any], node: int, slot: int) -> bool:
    return (line["origin_id"], line["origin_slot"]) == (node, slot)


BLUEPRINTS: dict[str, Callable[[Graph], dict[str, Any]]] = {
    "Learn a person (FaceA)": learn_a_person,
    "Paint a person in (FaceA)": paint_a_person_in,
}
