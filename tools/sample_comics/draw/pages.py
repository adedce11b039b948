"""Pages: the picture of a page, and its panels and balloons."""

from dataclasses import dataclass

from PIL import Image, ImageDraw

from tools.sample_comics.draw import finish, scenery
from tools.sample_comics.draw.cast.figures import draw_actor
from tools.sample_comics.draw.ink.curves import Box, Point, ring
from tools.sample_comics.draw.ink.pen import SCALE, Pen
from tools.sample_comics.draw.layout import inner_box, outlines, pixel_box
from tools.sample_comics.draw.props import draw_prop
from tools.sample_comics.draw.staging import staged
from tools.sample_comics.draw.style import Style
from tools.sample_comics.draw.words import balloons
from tools.sample_comics.story import Actor, Book, Page, Panel


@dataclass(frozen=True)
class Block:
    """One balloon, caption or sound in page pixels."""

    box: tuple[int, int, int, int]
    text: str


@dataclass(frozen=True)
class DrawnPanel:
    box: tuple[int, int, int, int]
    outline: list[Point]
    blocks: tuple[Block, ...]

    @property
    def text(self) -> str:
        return "\n".join(block.text for block in self.blocks)

    @property
    def slanted(self) -> bool:
        x, y, w, h = self.box
        return set(self.outline) != {(x, y), (x + w, y), (x + w, y + h), (x, y + h)}


@dataclass(frozen=True)
class DrawnPage:
    image: Image.Image
    panels: tuple[DrawnPanel, ...]


def draw_page(book: Book, number: int) -> DrawnPage:
    """Draw a page, counted from 1. The same book and number always give the same pixels."""
    page, style = book.pages[number - 1], book.style
    sheet = Pen(style.width, style.height, style.ink, style.line, f"{book.name}-{number}")
    sheet.gradient(style.paper, style.paper)
    shapes = outlines(page, style)
    drawn = [_draw_panel(sheet, book, page, i, shapes) for i in range(len(shapes))]
    image = sheet.image.reduce(SCALE)
    return DrawnPage(image, tuple(drawn))


def _draw_panel(sheet: Pen, book: Book, page: Page, index: int, shapes: list[list[Point]]) -> DrawnPanel:
    panel, style, outline = page.panels[index], book.style, shapes[index]
    box = pixel_box(outline)
    seed = f"{sheet.random.random()}-{index}"
    pen = Pen(box[2], box[3], style.ink, style.line, seed)
    room = _room(outline, box, panel, style)
    closed = [] if panel.inset else _insets(page, shapes, box)
    panel, words = staged(panel, book, pen, room, closed)
    _paint(pen, panel, book)
    picture = finish.finished(pen.image, style.finish)
    _paste(sheet, picture, _edge(outline, panel, style, seed), box, panel, style)
    lettered = Pen(1, 1, style.ink, style.line, seed)
    lettered.image, lettered.draw, lettered.width, lettered.height = sheet.image, sheet.draw, style.width, style.height
    blocks = []
    for i, balloon in enumerate(words):
        moved = balloons.moved(balloon, box[0], box[1])
        balloons.draw(lettered, moved, style, f"{seed}-{i}")
        x, y, w, h = moved.box
        blocks.append(Block((round(x), round(y), round(w), round(h)), balloon.words.text))
    return DrawnPanel(box, outline, tuple(blocks))


def _insets(page: Page, shapes: list[list[Point]], box: tuple[int, int, int, int]) -> list[Box]:
    """Return the page's inset panels, in pixels of a panel below them."""
    boxes = [pixel_box(shape) for shape, panel in zip(shapes, page.panels, strict=True) if panel.inset]
    return [(x - box[0], y - box[1], w, h) for x, y, w, h in boxes]


def _paint(pen: Pen, panel: Panel, book: Book) -> None:
    """Draw scene, cast and foreground."""
    options = {key: value for key, value in panel.scene.options.items() if key != "weather"}
    scenery.BACK[panel.scene.name](pen, **options)
    for part in panel.cast:
        if isinstance(part, Actor):
            _actor(pen, book, part)
        else:
            draw_prop(pen, part.name, part.x * pen.width, part.y * pen.height, part.size * pen.height, part.turn)
    if panel.scene.name in scenery.FRONT:
        scenery.FRONT[panel.scene.name](pen, **options)
    if weather := panel.scene.options.get("weather"):
        scenery.WEATHER[str(weather)](pen)


def _actor(pen: Pen, book: Book, actor: Actor) -> None:
    """Draw a figure; in a style with rims twice, first fat and in the rim's colour."""
    look, style = book.cast[actor.name], book.style
    if style.halo:
        pen.ink, pen.line = style.halo_colour, style.line * style.halo
        draw_actor(pen, look, actor)
        pen.ink, pen.line = style.ink, style.line
    draw_actor(pen, look, actor)


def _edge(outline: list[Point], panel: Panel, style: Style, seed: str) -> list[Point]:
    """Return the outline as drawn: round for round panels, rounded corners for soft styles."""
    x, y, w, h = pixel_box(outline)
    if panel.frame == "round":
        return ring(x + w / 2, y + h / 2, w / 2, h / 2, 2.6)
    if style.frame == "soft" and panel.frame != "bleed":
        return ring(x + w / 2, y + h / 2, w / 2, h / 2, 9, count=120)
    return outline


def _paste(
    sheet: Pen, picture: Image.Image, edge: list[Point], box: tuple[int, int, int, int], panel: Panel, style: Style
) -> None:
    mask = Image.new("L", picture.size, 0)
    local = [((x - box[0]) * SCALE, (y - box[1]) * SCALE) for x, y in edge]
    ImageDraw.Draw(mask).polygon(local, fill=255)
    if panel.inset and panel.frame != "none":
        sheet.stroke([*edge, edge[0], edge[1]], style.border + 2 * style.gutter * 0.5, style.paper)
    sheet.image.paste(picture, (box[0] * SCALE, box[1] * SCALE), mask)
    if panel.frame not in {"none", "bleed"} and style.border:
        sheet.stroke([*edge, edge[0], edge[1]], style.border, style.border_colour)


def _room(outline: list[Point], box: tuple[int, int, int, int], panel: Panel, style: Style) -> Box:
    """Return the free room for words, in the panel's own pixels."""
    x, y, w, h = inner_box(outline)
    if panel.frame == "bleed":
        left, top, right, bottom = max(x, 26), max(y, 26), min(x + w, style.width - 26), min(y + h, style.height - 26)
        x, y, w, h = left, top, right - left, bottom - top
    pinch = 0.07 if panel.frame == "round" else 0.0
    return x - box[0] + pinch * w, y - box[1] + pinch * h, w * (1 - 2 * pinch), h * (1 - 2 * pinch)
