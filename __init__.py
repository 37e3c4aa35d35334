"""FaceA for ComfyUI: personalise an inpainting model on a few photos, then paint that person in.

ComfyUI calls `comfy_entrypoint`. Nothing is imported before that, so that tools may read this
folder as a plain package.
"""

WEB_DIRECTORY = "./web"


async def comfy_entrypoint():
    import logging

    try:
        from .nodes import FaceA

        return FaceA()
    except Exception:
        # The host's loader keeps one line of it; whoever has to mend it needs the rest.
        logging.exception("FaceA could not be loaded")
        raise
