"""What the nodes that paint share: ComfyUI's models and samplers, a batch, its progress."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any, Protocol

import torch
from comfy_api.latest import io

from ...facea_core import composing, detection, restoring, selection
from ...facea_core.composing import ComposeConfig
from ...facea_core.machine import give_back_memory
from ...facea_core.types import BackboneSpec, Composition, DetectedFaces, Identity
from .adapters import adapters_in_crop
from .cropped import Followed
from .hints import with_hints
from .layout import Pictures, images_in
from .mixing import laid_out, without_dynamic
from .models import clip_skip_notes
from .patching import painting_model, with_words
from .progress import Progress
from .recognise import guess_errors
from .regions import in_crop
from .results import Results
from .sampling import Paint, encode, paint_crop, samplers, schedulers
from .schema import field_input
from .wiring import is_wired

if TYPE_CHECKING:

    class Compose(Protocol):
        """Paints faces into image (1, 3, H, W), `number` of a batch."""

        def __call__(
            self, number: int, image: torch.Tensor, faces: Sequence[composing.TargetFace],
            config: ComposeConfig, rank: composing.Rank | None = None,
            revise: composing.Revise | None = None,
        ) -> Composition: ...  # fmt: skip


FRAME_SEEDS = ("next", "same")


def painting_inputs() -> list[Any]:
    """The widgets of the nodes that paint, from the negative prompt to the feather."""
    return [
        io.String.Input(
            "negative_prompt", default="", multiline=True,
            tooltip="What the image should not show.",
        ),
        field_input(ComposeConfig, "seed", control_after_generate=True),
        field_input(ComposeConfig, "steps"),
        io.Float.Input(
            "cfg", default=0.0, min=0.0, max=30.0, step=0.1,
            tooltip="Guidance scale: how closely to follow the prompt. 0 = the model's "
            "default.",
        ),
        io.Combo.Input(
            "sampler_name", options=samplers(), default="dpmpp_2m",
            tooltip="Sampler, as in KSampler.",
        ),
        io.Combo.Input(
            "scheduler", options=schedulers(), default="karras",
            tooltip="Noise schedule, as in KSampler.",
        ),
        field_input(ComposeConfig, "denoise"),
        field_input(ComposeConfig, "context_factor"),
        field_input(ComposeConfig, "grow"),
        field_input(ComposeConfig, "feather"),
    ]  # fmt: skip


class Studio:
    """MODEL, CLIP and VAE, which paint a crop as whoever it is to be.

    `given` are all people who may be painted; `positive` and `negative` are the user's own
    conditioning, in place of prompts, `hints` one whose ControlNets every prompt gets. Without
    `crop_hints` ControlNets' images are used as they are. `loras` says how strongly each painted
    person was in MODEL, `followed` what of the wired was cropped along with a face.
    """

    def __init__(
        self, model: Any, clip: Any, vae: Any, settings: Paint, given: Sequence[Identity],
        lora_strength: float, negative_prompt: str, positive: Any = None, negative: Any = None,
        hints: Any = None, crop_hints: bool = True,
    ) -> None:  # fmt: skip
        for identity in given:
            clip = with_words(clip, identity)
        self.clip, self.given, self.settings = clip, given, settings
        self._model, self._vae, self._strength = model, vae, lora_strength
        self._positive = positive
        self._unwanted = encode(clip, negative_prompt) if negative is None else negative
        self._hints, self._crop_hints = hints, crop_hints
        if hints is not None:
            with_hints([], hints)  # to learn now, not after a painted face, that there are none
        self._models: dict[tuple[Identity | None, bool], Any] = {}
        self._encoded: dict[str, Any] = {}
        self.loras: dict[str, float] = {}
        self.followed = Followed()

    def paint(
        self, face: composing.TargetFace, crop: composing.Crop, seeds: Sequence[int],
        config: ComposeConfig, frame: int, on_step: Any,
    ) -> torch.Tensor:  # fmt: skip
        """As `composing.Painter`, by the steps and denoise of `config`, for picture number `frame`
        of a batch."""
        identity = face.identity
        edit = face.edit if face.edit is not None and face.edit.amount > 0 else None
        model = self._patched(identity, mixed=edit is not None)
        prompt = composing.face_prompt(face.prompt, identity, self.given)
        shown = [self._encode(prompt) if self._positive is None else self._positive]
        shown += [self._unwanted, *([self._encode(edit.prompt)] if edit else [])]
        if self._hints is not None:
            shown = with_hints(shown, self._hints)
        wanted, unwanted, *plain = in_crop(
            shown, crop.plan, frame, hints=self._crop_hints, followed=self.followed
        )
        if identity is not None and edit is not None:
            wanted, unwanted = laid_out(
                model, identity, (wanted, unwanted), (*plain, unwanted), edit
            )
        model = adapters_in_crop(model, crop.plan, frame, self.followed)
        how = replace(self.settings, steps=config.steps, denoise=config.denoise)
        return paint_crop(model, self._vae, wanted, unwanted, how, crop, seeds, on_step)

    def advantage(
        self, crop: composing.Crop, evidence: restoring.Evidence, identity: Identity
    ) -> float:
        """As `restoring.advantage`, by MODEL without and with the identity."""
        without, _ = painting_model(self._model, identity, 0.0)
        models = without, self._patched(identity, mixed=False)
        prompts = map(self._encode, restoring.prompts_of(identity))
        told = list(zip(models, prompts, strict=True))
        base, own = guess_errors(told, self._vae, crop, evidence)
        return 1 - own / base

    def _patched(self, identity: Identity | None, *, mixed: bool) -> Any:
        if (identity, mixed) not in self._models:
            model = without_dynamic(self._model) if mixed else self._model
            if identity is not None:
                model, held = painting_model(model, identity, self._strength)
                self.loras[identity.name] = held
            self._models[identity, mixed] = model
        return self._models[identity, mixed]

    def _encode(self, prompt: str) -> Any:
        if prompt not in self._encoded:
            self._encoded[prompt] = encode(self.clip, prompt)
        return self._encoded[prompt]

    @property
    def cropped(self) -> list[str]:
        """What of the wired was cropped along with a face."""
        return sorted(self.followed.cropped)

    @property
    def notes(self) -> list[str]:
        """On the LoRAs that were painted with, and on what of the wired was not cropped."""
        loras = [
            f"{name}: the LoRA is painted at {total:g}, for MODEL had it already"
            for name, total in self.loras.items() if total != self._strength
        ]  # fmt: skip
        return [*loras, *self.followed.notes]

    @property
    def clip_notes(self) -> list[str]:
        """As `clip_skip_notes`; none where conditioning of the user's own stands for prompts."""
        return clip_skip_notes(self.clip, self.given) if self._positive is None else []


def composer(
    node: Any, studio: Studio, faces: int, config: ComposeConfig, spec: BackboneSpec,
    like: composing.Rank | None = None,
) -> Compose:  # fmt: skip
    """What paints pictures with so many faces in all, with progress on the node; `like` ranks
    candidates where a call does not say."""
    total = faces * config.steps_of_face
    progress = Progress(total, node.hidden.unique_id)

    def on_step(done: int, preview: Any) -> None:
        progress.at(done, total, preview)

    return counting_composer(studio, spec, on_step, progress.alive, like)


def counting_composer(
    studio: Studio, spec: BackboneSpec, on_step: Callable[[int, Any], None],
    on_alive: Callable[[], None], like: composing.Rank | None = None,
) -> Compose:  # fmt: skip
    """What paints pictures: `on_step` gets the steps done, of all pictures, and a preview or None;
    `on_alive` is called in between. Both may raise a cancel."""
    done = 0

    def report(step: int, preview: Any) -> None:
        on_step(done + step, preview)

    def compose(
        number: int, image: torch.Tensor, faces: Sequence[composing.TargetFace],
        config: ComposeConfig, rank: composing.Rank | None = None,
        revise: composing.Revise | None = None,
    ) -> Composition:  # fmt: skip
        best = rank or like

        def alive(face: composing.TargetFace, patch: torch.Tensor) -> float | None:
            on_alive()
            return best(face, patch) if best else None

        def paint(
            how: ComposeConfig, face: composing.TargetFace, crop: composing.Crop,
            seeds: Sequence[int],
        ) -> torch.Tensor:  # fmt: skip
            nonlocal done
            held = revise and revise(face, crop)
            if held:
                crop, how = held.crop, replace(how, denoise=held.denoise)
            patches = studio.paint(face, crop, seeds, how, number, report)
            done += how.steps * len(seeds)
            return held.image(patches) if held else patches

        first, second = partial(paint, config), partial(paint, config.second)
        return composing.compose_faces(image, faces, first, spec, config, best and alive, second)

    return compose


def paint_jobs(
    node: Any, studio: Studio, images: Pictures, jobs: composing.Jobs, config: ComposeConfig,
    spec: BackboneSpec, frame_seed: str = "next", rank: composing.Rank | None = None,
) -> Results:  # fmt: skip
    """All jobs painted, with progress on the node; `rank` chooses among candidates."""
    compose = composer(node, studio, jobs.faces, config, spec, rank)
    results = Results(images, jobs, spec.resolution, wired_outputs(node))
    for number, job in enumerate(jobs):
        seed = (config.seed + number * (frame_seed == "next")) % 2**64
        results.add(job, compose(number, job.image, job.faces, replace(config, seed=seed)))
    give_back_memory()
    return results


def wired_outputs(node: Any) -> Callable[[int], bool]:
    """Whether an output of the node is wired, by its number."""
    return partial(is_wired, node.hidden.prompt, node.hidden.unique_id)


def rank_by(
    references: torch.Tensor | None, family: str, whose: Identity | None
) -> tuple[composing.Rank | None, list[str]]:
    """How like the person of these photos a painted square of `whose` face is, and notes."""
    if references is None:
        return None, []
    detector, embedder = selection.tools_for(family)
    images, notes = images_in(references)
    photos, left_out = selection.photos_to_choose_by(images, detector)
    rank = selection.people_rank({whose: photos}, detector, embedder)
    return rank, [f"references: {note}" for note in notes + left_out]


def smear_notes(family: str, attributes: DetectedFaces | None) -> list[str]:
    """As `detection.smear_note`, of all faces that are wired."""
    faces = () if attributes is None else chain.from_iterable(attributes.faces)
    return detection.smear_note(family, faces)
