"""The workflows in words: which nodes, which wires, and what the notes beside them say."""

from collections.abc import Callable

from canvas import Graph

from .any_sampler import any_sampler
from .dataset import dataset
from .edit_person import edit_person
from .face_hints import face_hints
from .first_run import first_run
from .guided_people import guided_people
from .image_adapter import image_adapter
from .mixed_parts import mixed_parts
from .mixed_people import mixed_people
from .person_into_picture import person_into_picture
from .restore_photo import restore_photo, restore_sample
from .sdxl_scene import sdxl_scene
from .slider import slider
from .stock_nodes import stock_nodes
from .template_portrait import template_portrait
from .train_and_paint import train_and_paint
from .train_folder import train_folder
from .two_people import two_people

GRAPHS: dict[str, Callable[[Graph], None]] = {
    "1-first-run": first_run,
    "2-train-and-paint-yourself": train_and_paint,
    "3-sdxl-scene": sdxl_scene,
    "4-two-people": two_people,
    "5-stock-nodes": stock_nodes,
    "6-a-person-into-a-picture.app": person_into_picture,
    "7-parts-of-two-people": mixed_parts,
    "8-mix-people": mixed_people,
    "10-slider": slider,
    "9-edit-a-person": edit_person,
    "11-any-sampler": any_sampler,
    "12-face-hints": face_hints,
    "13-template-portrait": template_portrait,
    "14-controlnet-two-people": guided_people,
    "15-image-adapter": image_adapter,
    "16-restore-a-photo": restore_sample,
    "17-restore-your-photo": restore_photo,
    "18-dataset": dataset,
    "19-train-folder": train_folder,
}
