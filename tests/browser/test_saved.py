"""A picture that FaceA Save Image saved, dropped on the canvas, brings its workflow back."""

from __future__ import annotations

import pytest

from .frontend import Frontend

RUN = """
async format => {
    app.graph.clear()
    app.clean()
    const [photos, save] = ['FaceASamplePhotos', 'FaceASaveImage'].map(type => {
        const node = LiteGraph.createNode(type)
        app.graph.add(node)
        return node
    })
    photos.widgets[0].value = 7
    save.widgets[1].value = format
    photos.connect(0, save, 0)
    await app.queuePrompt(0)
}
"""
SAVED = "() => app.graph.nodes.some(node => node.imgs?.length === 3)"
DROP = """
async () => {
    const save = app.graph.nodes.find(node => node.type === 'FaceASaveImage')
    const image = app.nodeOutputs[save.id].images[0]
    const answer = await fetch('/api/view?' + new URLSearchParams(image))
    const file = new File([await answer.blob()], image.filename, {
        type: answer.headers.get('Content-Type')
    })
    app.graph.clear()
    await app.handleFile(file)
}
"""
BACK = "() => app.graph.nodes.length === 2"
PERSON = "() => app.graph.nodes.find(n => n.type === 'FaceASamplePhotos').widgets[0].value"


@pytest.mark.parametrize("form", ["PNG", "WebP"])
def test_a_saved_picture_brings_its_workflow_back(frontend: Frontend, form: str):
    page = frontend.page
    page.evaluate(RUN, form)
    page.wait_for_function(SAVED)
    page.evaluate(DROP)
    page.wait_for_function(BACK)
    assert page.evaluate(PERSON) == 7
