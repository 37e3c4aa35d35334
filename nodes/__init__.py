"""The nodes: each takes what ComfyUI wires, hands it to the core, and hands back what comes out."""

from __future__ import annotations

from comfy_api.latest import ComfyExtension, io

from .audit import FaceAPhotoAudit
from .compose import FaceAInpaintCompose
from .dataset import FaceADatasetSampler
from .detect import FaceAAttributeDetect
from .doctor import FaceADoctor
from .edit import FaceAEdit
from .face_crop import FaceAFaceCrop
from .face_hints import FaceAFaceHints
from .face_paste import FaceAFacePaste
from .grid import FaceACompareGrid
from .host import register_detectors, register_tiny, warn_of_differences
from .info import FaceAIdentityInfo
from .likeness import FaceALikeness
from .load import FaceALoadPhotos
from .lora import FaceALoRALoader
from .mix import FaceAMixPeople
from .parts import FaceAPartMask
from .portrait import FaceATemplatePortrait
from .restore import FaceARestore
from .samples import FaceASamplePhotos
from .save import FaceASaveImage
from .slider import FaceATrainSlider
from .train import FaceAEmbeddingTrainer
from .train_folder import FaceATrainFolder


class FaceA(ComfyExtension):
    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        register_tiny()
        register_detectors()
        warn_of_differences()
        return [
            FaceASamplePhotos,
            FaceALoadPhotos,
            FaceAAttributeDetect,
            FaceAPartMask,
            FaceAPhotoAudit,
            FaceAEmbeddingTrainer,
            FaceATrainFolder,
            FaceATrainSlider,
            FaceALoRALoader,
            FaceAMixPeople,
            FaceAInpaintCompose,
            FaceAEdit,
            FaceARestore,
            FaceATemplatePortrait,
            FaceADatasetSampler,
            FaceAFaceCrop,
            FaceAFacePaste,
            FaceAFaceHints,
            FaceASaveImage,
            FaceALikeness,
            FaceACompareGrid,
            FaceAIdentityInfo,
            FaceADoctor,
        ]
