"""Renders some of the subjects with Blender's path tracer: real light, shadows, hair and glass.

This runs by itself, before the benchmark: the package `bpy` needs other versions of packages.
"""

import math
import sys
from pathlib import Path

import bpy
import numpy as np
from geometry import LIGHT, Look, Scene, surface
from mathutils import Vector
from subjects import Subject, missing

NAMES = ("curly-hair", "grass", "wheel", "fern", "wine-glass", "mug")
# The pixels of a picture along each side, and the paths that each pixel is the mean of.
SIZE = 1200
SAMPLES = 32
# How far the camera looks down: its view falls by this much for each unit forwards.
FALL = 0.14


def render_all(folder: Path):
    """Renders the subjects whose file is missing: straight colours and alpha, one PNG file each."""
    for subject, rng, file in missing(folder):
        if subject.name in NAMES:
            render(subject, rng, file)


def render(subject: Subject, rng: np.random.Generator, file: Path, size=SIZE, samples=SAMPLES):
    """Renders a subject in a square of `size` pixels a side."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    studio = Studio(rng)
    subject.build(studio, rng)
    point_camera(np.concatenate(studio.points))
    light()
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.samples = samples
    scene.cycles.use_adaptive_sampling = False
    scene.cycles.use_denoising = False
    scene.cycles_curves.shape = "RIBBONS"
    scene.cycles.max_bounces = 4
    scene.cycles.film_transparent_glass = True
    scene.render.film_transparent = True
    scene.render.resolution_x = scene.render.resolution_y = size
    scene.render.resolution_percentage = 100
    scene.render.image_settings.color_mode = "RGBA"
    scene.view_settings.view_transform = "Standard"
    scene.render.filepath = str(file)
    bpy.ops.render.render(write_still=True)


def point_camera(points):
    """A camera without perspective that looks along y, a little from above, at all points."""
    plane = np.stack([points[:, 0], points[:, 2] + FALL * points[:, 1]], -1)
    low, high = plane.min(0), plane.max(0)
    across, up = (low + high) / 2
    camera = bpy.data.cameras.new("camera")
    camera.type, camera.ortho_scale = "ORTHO", 1.15 * float((high - low).max())
    body = bpy.data.objects.new("camera", camera)
    body.location = (across, -20, up + 20 * FALL)
    body.rotation_euler = (math.pi / 2 - math.atan(FALL), 0, 0)
    bpy.context.scene.collection.objects.link(body)
    bpy.context.scene.camera = body


def light():
    """The sun, where the drawings have it, and a sky that gives light from all sides."""
    sun = bpy.data.lights.new("sun", "SUN")
    sun.energy, sun.angle = 3.0, math.radians(3)
    body = bpy.data.objects.new("sun", sun)
    body.rotation_euler = Vector(LIGHT).to_track_quat("Z", "Y").to_euler()
    bpy.context.scene.collection.objects.link(body)
    world = bpy.data.worlds.new("sky")
    world.use_nodes = True
    world.node_tree.nodes["Background"].inputs["Color"].default_value = (0.55, 0.65, 0.8, 1)
    bpy.context.scene.world = world


class Studio(Scene):
    """Takes shapes and strands as Blender's objects; their colours have no light in them."""

    def __init__(self, rng):
        super().__init__(rng)
        self.points = []

    def strands(self, points, radius, look, tip=0.3):
        """Hair, as round strands."""
        count, steps, _ = points.shape
        hair = bpy.data.hair_curves.new("hair")
        hair.add_curves([steps] * count)
        hair.position_data.foreach_set("vector", points.astype(np.float32).ravel())
        thick = np.broadcast_to(radius, count)[:, None] * np.linspace(1, tip, steps)
        widths = hair.attributes.new("radius", "FLOAT", "POINT")
        widths.data.foreach_set("value", thick.astype(np.float32).ravel())
        own = self.rng.uniform(0.75, 1.25, (count, 1, 1))
        self.show(hair, points, surface(points, look) * own, look)

    def grid(self, points, look, *, close=False):
        """A surface over rows x columns of points; `close` joins the last column to the first."""
        if close:
            points = np.concatenate([points, points[:, :1]], 1)
        rows, columns, _ = points.shape
        corner = np.arange(rows * columns).reshape(rows, columns)
        quads = [corner[:-1, :-1], corner[:-1, 1:], corner[1:, 1:], corner[1:, :-1]]
        mesh = bpy.data.meshes.new("surface")
        mesh.from_pydata(points.reshape(-1, 3).tolist(), [], np.stack(quads, -1).reshape(-1, 4))
        mesh.shade_smooth()
        self.show(mesh, points, surface(points, look), look)

    def show(self, data, points, colour, look):
        """Puts an object into the picture; `colour` has a colour for each of its points."""
        flat = np.ones((points.shape[0] * points.shape[1], 4), np.float32)
        flat[:, :3] = np.clip(colour, 0, 1).reshape(-1, 3)
        data.attributes.new("colour", "FLOAT_COLOR", "POINT").data.foreach_set(
            "color", flat.ravel()
        )
        data.materials.append(material(look))
        bpy.context.scene.collection.objects.link(bpy.data.objects.new("shape", data))
        self.points.append(points.reshape(-1, 3))


def material(look: Look):
    """A material that has the colours of the points, or that of glass."""
    result = bpy.data.materials.new("look")
    result.use_nodes = True
    nodes, links = result.node_tree.nodes, result.node_tree.links
    body, colour = nodes["Principled BSDF"], nodes.new("ShaderNodeAttribute")
    colour.attribute_name = "colour"
    links.new(colour.outputs["Color"], body.inputs["Base Color"])
    body.inputs["Roughness"].default_value = 0.0 if look.glass else 0.5
    body.inputs["Transmission Weight"].default_value = 1.0 if look.glass else 0.0
    return result


if __name__ == "__main__":
    render_all(Path(sys.argv[1]))
