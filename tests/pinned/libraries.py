"""The libraries that questions are put to: the sample comics, a small one made here, and the real comics.

The made library has what the sample comics lack: several scripts, facts about books, page types, other containers,
copies of the same drawing, and files that cannot be read. It is built in four steps, so that pages come and go.
"""

# ruff: noqa: RUF001 (words in several scripts)
from __future__ import annotations

import io
import json
import shutil
import tarfile
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageOps

SAMPLE = Path(__file__).parents[2] / "sample_data" / "comics"

SIZE = (400, 600)
BOXES = [(20, 20, 170, 270), (210, 20, 170, 270), (20, 310, 170, 270), (210, 310, 170, 270)]

NEKO = [
    ["吾輩は猫である。", "名前はまだ無い。", "どこで生れたか", "とんと見当がつかぬ。"],
    ["ねこはどこ?", "カメラを持って来て!", "東京タワーの上だ", "猫が好き"],
    ["また明日", "ありがとうございます", "", "ドカーン"],
]
NIGHT_TRAIN = [
    ["Ночной поезд уходит в полночь", "Кто украл мой билет?", "Ёлка в вагоне-ресторане", ""],
    ["Где проводник?", "Он спит, как медведь", "Следующая станция — Зима", "Чай с лимоном, пожалуйста"],
]
LIEGE = [
    ["L'été à Liège, c'est la fête !", "Où est passé le garçon de café ?", "Une crêpe s'il vous plaît", "Ça alors..."],
    ["Un orage s'an-\nnonce sur la Meuse", "Naïve Zoë, tu as oublié ton paraplu-\nie", "Œuf ou bœuf?", "L’heure"],
]
MIXED = [
    ["مرحبا بالعالم", "안녕하세요 세계", "你好,世界", "Καλημέρα κόσμε"],
    ["नमस्ते दुनिया", "שלום עולם", "สวัสดีชาวโลก", "Straße und STRASSE, Ijssel, naïve café"],
]

COMIC_INFO = """<?xml version="1.0" encoding="utf-8"?>
<ComicInfo>
  <Title>{title}</Title><Series>{series}</Series><Number>{number}</Number><Volume>{volume}</Volume><Year>{year}</Year>
  <Writer>{writer}</Writer><Penciller>{artist}</Penciller><Publisher>{publisher}</Publisher><Genre>{genre}</Genre>
  <Characters>{character}</Characters><LanguageISO>{language}</LanguageISO><Manga>{manga}</Manga>
  <Pages>{pages}</Pages>
</ComicInfo>
"""


def made_library(folder: Path) -> None:
    """Write the made library's comics as they are for its first build."""
    _neko(folder / "Neko Days")
    _night_train(folder / "Ночной поезд 02 (2011).cbz")
    _liege(folder / "L'été à Liège v01 #3 (1987).cbt")
    _pages(folder / "Voices 7", MIXED, seed=40)
    _undescribed(folder / "Nameless")
    _copies(folder)
    (folder / "Broken").mkdir()
    (folder / "Broken" / "page-1.jpg").write_bytes(b"\xff\xd8\xff\xe0 this is no picture")
    (folder / "broken.cbz").write_bytes(b"PK\x03\x04 cut off")
    types = {
        "Nameless/01.png": "cover",
        "Nameless/03.png": "Advertisement",
        "Voices 7/2.png": "story",
        "Winter Again/bear-04.jpg": "narrative",
        "Nowhere/1.png": "cover",
    }
    (folder.parent / "types.json").write_text(json.dumps(types), encoding="utf-8")


def second_step(folder: Path) -> None:
    """Change the library: a page is renamed, one replaced, one taken away, one copied, and one added."""
    neko, nameless = folder / "Neko Days", folder / "Nameless"
    (neko / "02.png").rename(neko / "09.png")
    (neko / "02.json").rename(neko / "09.json")
    _picture(nameless / "02.png", 77)
    (folder / "Voices 7" / "1.png").rename(folder.parent / "kept.png")
    (folder / "Winter Again 2").mkdir()
    shutil.copyfile(folder / "Winter Again" / "bear-03.jpg", folder / "Winter Again 2" / "a.jpg")
    shutil.copyfile(folder / "Winter Again" / "bear-03.json", folder / "Winter Again 2" / "a.json")
    _picture(nameless / "04.png", 78)


def third_step(folder: Path) -> None:
    """Bring the page back that was taken away, change words, and move a book into a folder."""
    (folder.parent / "kept.png").rename(folder / "Voices 7" / "1.png")
    words = [["吾輩は犬である。", *NEKO[0][1:]]]
    (folder / "Neko Days" / "01.json").write_text(_annotation(words[0]), encoding="utf-8")
    (folder / "Moved").mkdir()
    (folder / "Nameless").rename(folder / "Moved" / "Nameless")


STEPS: Sequence[tuple[Callable[[Path], None], dict[str, Any]]] = (
    (made_library, {"right_to_left": False}),
    (second_step, {}),
    (third_step, {"story_only": True}),
    (lambda _: None, {}),
)
"""What is done to the library before each build, and that build's options."""

VARIANTS: dict[str, tuple[Sequence[str], dict[str, Any]]] = {
    "pages are panels": (["The Dark Lamp"], {"page_is_panel": True}),
    "right to left": (["Tea for Unit Nine.cbz"], {"right_to_left": True}),
    "without regions": (["The Bear Who Borrowed Winter"], {"regions": False, "thumbnails": False}),
    "inverted lists": (["The Dark Lamp"], {"index_kind": "ivfpq"}),
}
"""Smaller libraries of sample comics, each built with options of its own."""


def types_file(folder: Path) -> Path:
    """Return the place of the made library's page types."""
    return folder.parent / "types.json"


# ------------------------------------------------------------------------- books


def _neko(folder: Path) -> None:
    _pages(folder, NEKO, seed=10, name="{:02}")
    pages = '<Page Image="0" Type="FrontCover"/><Page Image="1"/><Page Image="2" Type="Advertisement"/>'
    info = COMIC_INFO.format(
        title="吾輩は猫である", series="Neko Days", number="4", volume="2", year="1999", writer="Sōseki, K. Ono",
        artist="K. Ono", publisher="Hoshi", genre="Comedy, Slice of Life", character="Neko, Tama", language="ja",
        manga="YesAndRightToLeft", pages=pages,
    )  # fmt: skip
    (folder / "ComicInfo.xml").write_text(info, encoding="utf-8")


def _night_train(path: Path) -> None:
    info = COMIC_INFO.format(
        title="Зима", series="Ночной поезд", number="2", volume="1", year="2011", writer="А. Иванова",
        artist="Б. Петров", publisher="Hoshi", genre="Mystery", character="Проводник", language="ru", manga="No",
        pages="",
    )  # fmt: skip
    with zipfile.ZipFile(path, "w") as archive:
        for number, words in enumerate(NIGHT_TRAIN, 1):
            archive.writestr(f"p{number}.png", _png(_drawing(20 + number)))
            archive.writestr(f"p{number}.json", _annotation(words))
        archive.writestr("ComicInfo.xml", info)


def _liege(path: Path) -> None:
    with tarfile.open(path, "w") as archive:
        for number, words in enumerate(LIEGE, 1):
            for name, data in (
                (f"{number}.png", _png(_drawing(30 + number))),
                (f"{number}.json", _annotation(words).encode()),
            ):
                member = tarfile.TarInfo(name)
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))


def _undescribed(folder: Path) -> None:
    folder.mkdir()
    for number in range(1, 4):
        _picture(folder / f"{number:02}.png", 50 + number)


def _copies(folder: Path) -> None:
    """Two pages of a sample comic, and a reprint of them: one mirrored, one smaller and strongly compressed."""
    original = SAMPLE / "The Bear Who Borrowed Winter"
    (folder / "Winter Again").mkdir()
    for name in ("bear-03.jpg", "bear-03.json", "bear-04.jpg", "bear-04.json"):
        shutil.copyfile(original / name, folder / "Winter Again" / name)
    reprint = folder / "Reprint"
    reprint.mkdir()
    with Image.open(original / "bear-03.jpg") as page:
        ImageOps.mirror(page.convert("RGB")).save(reprint / "1.png")
    with Image.open(original / "bear-04.jpg") as page:
        page.convert("RGB").resize((700, 875), Image.Resampling.BICUBIC).save(reprint / "2.jpg", quality=30)
    with Image.open(original / "bear-05.jpg") as page:
        page.convert("RGB").save(folder / "One Page.pdf", quality=80)


def _pages(folder: Path, words: Sequence[Sequence[str]], seed: int, name: str = "{}") -> None:
    folder.mkdir(parents=True)
    for number, page in enumerate(words, 1):
        _picture(folder / f"{name.format(number)}.png", seed + number)
        (folder / f"{name.format(number)}.json").write_text(_annotation(page), encoding="utf-8")


def _annotation(words: Sequence[str]) -> str:
    panels = [{"bbox": list(box), "text": text} for box, text in zip(BOXES, words, strict=True)]
    page = {"image_width": SIZE[0], "image_height": SIZE[1], "panels": panels}
    return json.dumps(page, ensure_ascii=False)


# ---------------------------------------------------------------------- pictures


def _picture(path: Path, seed: int) -> None:
    path.write_bytes(_png(_drawing(seed)))


def _png(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


def _drawing(seed: int) -> Image.Image:
    """Draw four panels of coloured shapes on white; every seed gives another page."""
    rng = np.random.default_rng(seed)
    page = Image.new("RGB", SIZE, "white")
    pen = ImageDraw.Draw(page)
    for x, y, w, h in BOXES:
        pen.rectangle((x, y, x + w - 1, y + h - 1), fill=_colour(rng, 200))
        for _ in range(9):
            left, top = int(rng.integers(x, x + w - 40)), int(rng.integers(y, y + h - 40))
            corner = (left + int(rng.integers(8, 38)), top + int(rng.integers(8, 38)))
            draw = pen.ellipse if rng.random() < 0.6 else pen.rectangle
            draw((left, top, *corner), fill=_colour(rng, 255), outline="black")
    return page


def _colour(rng: np.random.Generator, highest: int) -> tuple[int, int, int]:
    red, green, blue = (int(v) for v in rng.integers(0, highest, 3))
    return red, green, blue
