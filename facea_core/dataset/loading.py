"""How a set is loaded in each format, for its README."""

from __future__ import annotations

from types import MappingProxyType

LOADING = MappingProxyType(
    {
        "folder": """
**Folders**, one for each person:

```python
from torchvision.datasets import ImageFolder

pictures = ImageFolder("images")
```
""",
        "aligned": """
**Aligned faces**, 112x112 pixels, at the places that ArcFace uses:

```python
from torchvision.datasets import ImageFolder

faces = ImageFolder("aligned")
```
""",
        "recordio": """
**RecordIO** for insightface, the aligned faces too; `train.lst` names the picture of each record.
Give the folder `recordio` to arcface_torch as `config.rec`. How many people and pictures to give
as `config.num_classes` and `config.num_image` is in `recordio/property` and `recordio/train.lst`.
""",
        "webdataset": """
**WebDataset**, in mixed order:

```python
from glob import glob

import webdataset

pictures = webdataset.WebDataset(sorted(glob("webdataset/train-*.tar")), shardshuffle=False)
pictures = pictures.decode("pil").to_tuple("jpg", "cls", "json")
```
""",
        "parquet": """
**Parquet** with the pictures inside, by Hugging Face's datasets, in this folder:

```python
from datasets import load_dataset

pictures = load_dataset("parquet", data_files="parquet/data/train-*.parquet", split="train")
```
""",
        "kohya": """
**For LoRA trainers**: give the folder `kohya` to sd-scripts as `--train_data_dir`; for ComfyUI's
training nodes, copy it into ComfyUI's `input` folder. The captions lie beside the pictures.
""",
    }
)
"""Markdown by format."""
