"""Makes the pictures of the help pages and the templates out of real runs.

    python scripts/build_pictures.py [--url http://127.0.0.1:8188]

Runs the small workflows on a ComfyUI with this pack, opens nodes in a headless Chromium, and writes
web/docs/images/*.jpg and workflows/*.jpg; with --cards only the latter, without a browser. Needs
playwright and a Chromium. The pictures depend a little on the machine, so no test compares them.
"""

from __future__ import annotations

import argparse
from typing import Any

from pictures.crowd import train_folder
from pictures.guided import face_hints, guided_people, image_adapter
from pictures.screen import front_end, identity_info, load_photos, save_image
from pictures.studio import DOCS, Studio, api, card, jpg, look_at, poster, save
from PIL import Image
from queue_workflow import Graph


def first_run(studio: Studio) -> None:
    graph = api("1-first-run")
    kinds = {node["class_type"]: key for key, node in graph.items()}
    compose, loader = kinds["FaceAInpaintCompose"], kinds["FaceALoRALoader"]
    base, photos = kinds["CheckpointLoaderSimple"], kinds["FaceASamplePhotos"]
    detect = min(k for k, node in graph.items() if node["class_type"] == "FaceAAttributeDetect")
    look_at(graph, "photos", photos, 0)
    look_at(graph, "context", photos, 1)
    look_at(graph, "parts", detect, 2, mask=True)
    look_at(graph, "crop", compose, 1)
    look_at(graph, "mask", compose, 2, mask=True)
    graph["plain"] = {
        "class_type": "FaceAInpaintCompose",
        "inputs": {
            **graph[compose]["inputs"],
            "model": [base, 0],
            "clip": [base, 1],
            "prompt": "a photo of a man",
        },
        "_meta": {"title": "plain"},
    }
    look_at(graph, "without", "plain", 0)
    assert graph[compose]["inputs"]["model"][0] == loader
    shown = studio.run(graph)
    (result,), (context,) = shown["The result"], shown["context"]
    save(
        poster([shown["photos"], [context]], ["photos", "context"], 480),
        DOCS / "FaceASamplePhotos.jpg",
    )
    save(
        poster(
            [shown["What was found"][:2], shown["parts"][:3]],
            ["preview", "part_masks: eyes, nose, mouth"],
        ),
        DOCS / "FaceAAttributeDetect.jpg",
    )
    (sheet,) = shown["The person, while training"]
    save(
        sheet.resize((900, round(sheet.height * 900 / sheet.width))),
        DOCS / jpg("EmbeddingTrainer"),
    )
    save(
        poster([[*shown["without"], result]], ["without and with the person"]),
        DOCS / jpg("LoRALoader"),
    )
    save(
        poster(
            [[context, *shown["mask"]], [*shown["crop"], result]],
            ["image, mask", "crop (what was painted), image (the result)"],
        ),
        DOCS / jpg("InpaintCompose"),
    )


def photo_audit(studio: Studio) -> None:
    """Four painted photos, three of them with a fault."""
    graph: Graph = {}

    def add(key: str, kind: str, **inputs: Any) -> None:
        graph[key] = {"class_type": kind, "inputs": inputs, "_meta": {"title": key}}

    add("person", "FaceASamplePhotos", person=3, photos=2, size=128)
    add("stranger", "FaceASamplePhotos", person=8, photos=1, size=128)
    add("one", "ImageFromBatch", image=["person", 0], batch_index=0, length=1)
    add("soft", "ImageBlur", image=["one", 0], blur_radius=3, sigma=1.2)
    add("two", "ImageBatch", image1=["person", 0], image2=["soft", 0])
    add("photos", "ImageBatch", image1=["two", 0], image2=["stranger", 0])
    words = {"words": "male", "custom_words": "", "detector": "tiny", "on_missing": "pass"}
    order = {"face_order": "largest", "face_index": 0, "face_threshold": 0.35}
    add(
        "found", "FaceAAttributeDetect", images=["photos", 0], part_threshold=0.25, **words, **order
    )
    add(
        "audit", "FaceAPhotoAudit", images=["photos", 0], attributes=["found", 0], policy="warn",
        resolution=128, crop_size=128, embedder="auto", limits="",
    )  # fmt: skip
    look_at(graph, "overlay", "audit", 4)
    look_at(graph, "crops", "audit", 2)
    shown = studio.run(graph)
    pictures = [shown["overlay"], shown["crops"]]
    save(poster(pictures, ["overlay", "crops"], 1000), DOCS / jpg("PhotoAudit"))


def painted(studio: Studio, person: int) -> tuple[list[Image.Image], Image.Image, Image.Image]:
    """The first run with another person: the photos, the other picture, the result."""
    graph = api("1-first-run")
    kinds = {node["class_type"]: key for key, node in graph.items()}
    photos = kinds["FaceASamplePhotos"]
    graph[photos]["inputs"]["person"] = person
    if person != 4:  # under its own name, which the stock nodes read
        graph[kinds["FaceAEmbeddingTrainer"]]["inputs"]["name"] = f"sample-{person}"
    look_at(graph, "photos", photos, 0)
    look_at(graph, "context", photos, 1)
    shown = studio.run(graph)
    return shown["photos"], shown["context"][0], shown["The result"][0]


def single_person(studio: Studio) -> None:
    """Templates of one person; in those for photographs painted people stand in."""
    photos, before, after = painted(studio, 4)
    card(
        "1-first-run",
        [photos, [before, after]],
        ["three photos of a person", "before and after"],
    )
    photos, before, after = painted(studio, 235)
    card(
        "2-train-and-paint-yourself",
        [photos, [before, after]],
        ["your photos", "your picture, and you in it"],
    )
    card(
        "6-a-person-into-a-picture.app",
        [[before, after]],
        ["one form: photos, picture"],
    )
    _, before, after = painted(studio, 12)
    card("3-sdxl-scene", [[before, after]], ["a scene, and you in it (painted)"])


def two_people(studio: Studio) -> None:
    graph = api("4-two-people")
    scene = next(k for k, node in graph.items() if node["class_type"] == "ImageStitch")
    look_at(graph, "scene", scene, 0)
    shown = studio.run(graph)
    card("4-two-people", [shown["scene"], shown["The result"]], ["two people,", "two others in it"])


def mixed_parts(studio: Studio) -> None:
    graph = api("7-parts-of-two-people")
    photos = [k for k, node in graph.items() if node["class_type"] == "FaceASamplePhotos"]
    look_at(graph, "ada", photos[0], 0)
    look_at(graph, "eve", photos[1], 0)
    look_at(graph, "context", photos[0], 1)
    shown = studio.run(graph)
    card(
        "7-parts-of-two-people",
        [[shown["ada"][0], shown["eve"][0]], [*shown["context"], *shown["The result"]]],
        ["eyes of the one, mouth of the other", "in a third face"],
    )


def mixed_people(studio: Studio) -> None:
    graph = api("8-mix-people")
    photos = [k for k, node in graph.items() if node["class_type"] == "FaceASamplePhotos"]
    look_at(graph, "ada", photos[0], 0)
    look_at(graph, "eve", photos[1], 0)
    look_at(graph, "context", photos[0], 1)
    shown = studio.run(graph)
    rows = [[shown["ada"][0], shown["eve"][0]], [*shown["context"], *shown["The result"]]]
    captions = ["eyes of the one, all else of the other", "in a picture"]
    card("8-mix-people", rows, captions)
    save(poster(rows, captions), DOCS / jpg("MixPeople"))


def slider(studio: Studio) -> None:
    shown = studio.run(api("10-slider"))
    rows = [[*shown["Less beard"], *shown["As it is"], *shown["More beard"]]]
    captions = ["one face: less beard, and more"]
    card("10-slider", rows, captions)
    save(poster(rows, captions), DOCS / jpg("TrainSlider"))


def edited_person(studio: Studio) -> None:
    graph = api("9-edit-a-person")
    photos = next(k for k, node in graph.items() if node["class_type"] == "FaceASamplePhotos")
    look_at(graph, "ada", photos, 0)
    shown = studio.run(graph)
    rows, captions = [shown["ada"], shown["The result"]], ["an open mouth,", "the person kept"]
    card("9-edit-a-person", rows, captions)
    save(poster(rows, captions), DOCS / jpg("Edit"))


def any_sampler(studio: Studio) -> None:
    graph = api("11-any-sampler")
    photos = next(k for k, node in graph.items() if node["class_type"] == "FaceASamplePhotos")
    cut = next(k for k, node in graph.items() if node["class_type"] == "FaceAFaceCrop")
    decode = next(k for k, node in graph.items() if node["class_type"] == "VAEDecode")
    look_at(graph, "context", photos, 1)
    look_at(graph, "cut", cut, 0)
    look_at(graph, "new", decode, 0)
    shown = studio.run(graph)
    crops, pictures = [*shown["cut"], *shown["new"]], [*shown["context"], *shown["The result"]]
    card("11-any-sampler", [crops, pictures], ["cut out, painted by any sampler,", "put back"])
    save(poster([crops], ["cut out, and painted by any sampler"]), DOCS / jpg("FaceCrop"))
    save(poster([pictures], ["before, and with the crop put back"]), DOCS / jpg("FacePaste"))


def restore_sample(studio: Studio) -> None:
    shown = studio.run(api("16-restore-a-photo"))
    (strip,), (truth,) = shown["Photo, repaired, and damaged again"], shown["As it was"]
    side = strip.height
    photo, repaired, again = (strip.crop((x, 0, x + side, side)) for x in (0, side, 2 * side))
    rows = [[photo, repaired], [truth.resize((side, side)), again]]
    captions = ["the photo, and repaired", "as it was, and damaged again"]
    card("16-restore-a-photo", rows, captions)
    save(poster(rows, captions), DOCS / jpg("Restore"))
    card("17-restore-your-photo", rows[:1], ["your old photo, repaired (painted)"])


def template_portrait(studio: Studio) -> None:
    shown = studio.run(api("13-template-portrait"))
    rows = [shown["Their pictures"], shown["The portraits, the best first"]]
    captions = ["templates,", "and a person, the best first"]
    card("13-template-portrait", rows, captions)
    save(poster(rows, captions), DOCS / jpg("TemplatePortrait"))


def dataset(studio: Studio) -> None:
    graph = api("18-dataset")
    sampler = next(k for k, node in graph.items() if node["class_type"] == "FaceADatasetSampler")
    look_at(graph, "kept", sampler, 0)
    shown = studio.run(graph)
    kept = shown["kept"]
    card("18-dataset", [kept[:3], kept[3:6], kept[6:9]], ["one person", "in pictures", "of a set"])
    rows = [shown["Their pictures"][:6], kept[:6]]
    captions = ["hosts,", "and the person in different pictures, each judged by photos"]
    save(poster(rows, captions, 900), DOCS / jpg("DatasetSampler"))


def stock_nodes(studio: Studio) -> None:
    graph = api("5-stock-nodes")
    photos = next(k for k, node in graph.items() if node["class_type"] == "FaceASamplePhotos")
    look_at(graph, "context", photos, 1)
    shown = studio.run(graph)
    card(
        "5-stock-nodes",
        [[*shown["context"], *shown["The result"]]],
        ["by ComfyUI's own nodes"],
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--url", default="http://127.0.0.1:8188", help="a ComfyUI with this pack")
    parser.add_argument("--cards", action="store_true", help="only the pictures of templates")
    args = parser.parse_args()
    studio = Studio(args.url)
    single_person(studio)
    two_people(studio)
    mixed_parts(studio)
    mixed_people(studio)
    slider(studio)
    edited_person(studio)
    any_sampler(studio)
    face_hints(studio)
    template_portrait(studio)
    guided_people(studio)
    image_adapter(studio)
    restore_sample(studio)
    dataset(studio)
    train_folder(studio)
    stock_nodes(studio)
    if args.cards:
        return
    first_run(studio)
    photo_audit(studio)
    with front_end(args.url) as page:
        identity_info(page)
        load_photos(studio, page)
        save_image(page)


if __name__ == "__main__":
    main()
