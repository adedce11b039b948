"""The pinned questions as plain data, the same ones in the same order every time.

A question is a mapping. `id`: "kind/number"; `ask`: search (if missing), batch, close, count, browse,
facets, page or lookalikes; the other fields are those of `adapter.SEARCH_FIELDS`, `text` and `picture` (see
`material`), and `where` (filters). `like` is the id of an indexed panel to search with.
"""

# ruff: noqa: RUF001 (words in several scripts)
from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

Question = dict[str, Any]

SAID = [
    "the lighthouse is dark again",
    "puffins are not sailors. We are decorations.",
    "My egg will not hatch in the dark",
    "Somebody has spilled the sky!",
    "Is there room for a fox, if he promises to be mostly tail?",
    "You can hear the stars being careful",
    "Forty years, two months and a Tuesday",
    "Number thirteen, via Bamboo Lane and Regret",
    "I have honey for the mornings and nuts for the evenings.",
    "Two hundred and eleven steps. I counted with both feet.",
    "EYES OPEN! YOU ARE SNORING",
    "what is winter like",
    "Blorp",
    "Hush now, little barnacle, the tide is only breathing...",
    "The bridge is gone.",
    "I am not crying. It is the umbrella.",
    "puddles",
    "the",
    "Osk",
    "verse sixty-one",
]

MISREAD = [
    "tne lighthcuse is daik aqain",
    "pufins are not sialors",
    "My egg wi11 n0t hatch in the dork",
    "Sornebody has spi11ed the skv",
    "mostlv tail",
    "hcney for the momings",
    "Nurnber thirteen via Barnboo Lane",
    "Bumo had been a baer",
    "the camphcr tree",
    "snowbal was biger",
    "Everone has sen it exept me",
    "Kenjl grandchiIdren Osaka",
]

GLUED = [
    "thelighthouseisdark",
    "puffins arenot sailors",
    "honeyforthe mornings andnuts",
    "Somebodyhas spilledthesky",
    "light house",
    "snow ball",
    "blankets.Blankets.Ohno.",
    "sixtyone",
]

REPHRASED = [
    "the bear is five and spent half his life hibernating",
    "the cold season nips at my long ears, says the hare",
    "the moon lights up without anybody having to agree",
    "let us share the job of stopping him from dozing off, I know a chicken tune",
    "at dawn all the woods had vanished as if with an eraser",
    "let a snowflake land in your mouth, no charge before midday",
    "how do we stop this sledge, it is under your bottom",
    "night falls ahead of the evening meal, did someone mean it to",
    "get out of bed, the beacon has gone out once more",
    "no reply came from up in the tower",
    "I will take the dinghy across, the old man probably missed his alarm",
    "so many stairs to climb, I kept a tally as I walked",
    "the driver is decades behind schedule",
    "a ghost who missed the last bus",
    "grandmother used to feed the sea monster fish",
    "it was the parasol that wept, not me",
]

DRAWN = [
    "a lighthouse by night",
    "a bear in the snow",
    "a robot with a teapot",
    "a city street in the rain",
    "two people sitting on a bench",
    "a close-up of a face",
    "a big octopus under water",
    "an orchestra on a stage",
]

ODD = [
    "猫はどこですか",
    "маяк ночью",
    "été à la mer, ça va",
    "!!! ... ???",
    "42 1955 7",
    "naïve café ’n’ “quotes”",
    "light-\nhouse",
    " \t spaces   around \n",
    "Tok tok tok tok tok",
    "bear " * 90,
    "a b c d e f g h i j k l m n o p q r s t u v w x y z",
    "100% _under_ 'score' \\ back;-- slash",
]

WHOLE = [{"panel": i} for i in (1, 4, 16, 64, 66, 83, 121, 147, 180, 196, 212, 242, 244, 264, 283, 305)]

CROPS = [
    (1, 0.1, 0.1, 0.6, 0.6),
    (21, 0.0, 0.2, 0.3, 0.9),
    (64, 0.3, 0.3, 0.7, 0.7),
    (83, 0.05, 0.55, 0.45, 0.95),
    (134, 0.0, 0.0, 0.4, 1.0),
    (150, 0.33, 0.1, 0.66, 0.9),
    (212, 0.5, 0.5, 1.0, 1.0),
    (267, 0.45, 0.05, 0.75, 0.95),
]

CHANGED: list[tuple[int, list[list[Any]]]] = [
    (14, [["mirror"]]),
    (126, [["mirror"], ["crop", 0.1, 0.1, 0.8, 0.9]]),
    (5, [["jpeg", 8]]),
    (110, [["scale", 2.5]]),
    (19, [["grey"]]),
    (270, [["grain", 25]]),
    (230, [["bright", 1.7]]),
    (67, [["negative"]]),
    (120, [["crop", 0.2, 0.2, 0.7, 0.8], ["scale", 0.6], ["jpeg", 25]]),
]

WITH_WORDS = [
    (69, "it bites your ears"),
    (83, "the lighthouse is dark again"),
    (126, "Blorp"),
    (134, "a grandmother and her herring"),
    (150, "my egg"),
    (203, "who waits for the bus"),
    (242, "a robot with a teapot"),
    (264, "puddles"),
    (30, "honey"),
    (305, "!!!"),
]

FILTERS: list[dict[str, Any]] = [
    {"book": "The Dark Lamp"},
    {"book": "The %"},
    {"book": "%e%"},
    {"book": "the dark lamp"},
    {"book": "Tea for Unit Nine.cbz"},
    {"book": "no such book"},
    {"book_id": 3},
    {"book_id": 99},
    {"file": "The Dark Lamp/lamp-03.jpg"},
    {"file": "%-03.jpg"},
    {"file": "The Missing Semitone.cbz/%"},
    {"page": 3},
    {"page": [2, 5]},
    {"page": [11, None]},
    {"page": [None, 1]},
    {"has_dialogue": True},
    {"has_dialogue": False},
    {"annotated": True},
    {"annotated": False},
    {"aspect": "tall"},
    {"aspect": "square"},
    {"aspect": "wide"},
    {"aspect": [1.0, 1.1]},
    {"size": "small"},
    {"size": "medium"},
    {"size": "large"},
    {"size": [0.9, None]},
    {"series": "the dark lamp"},
    {"series": ["The Dark Lamp", "Tea%"]},
    {"series": "%winter%"},
    {"number": 1},
    {"year": [1990, 2020]},
    {"writer": "%"},
    {"page_type": "cover"},
    {"book": "The Dark Lamp", "page": [1, 6], "has_dialogue": True, "aspect": "wide"},
    {"book": "The %", "size": "large", "annotated": True},
    {},
]

REFUSED: list[dict[str, Any]] = [
    {},
    {"text": "   "},
    {"negative": "bear"},
    {"like": 3, "text": "bear"},
    {"like": 99_999},
    {"like": 1, "view": "dialogue"},
    {"text": "bear", "view": "sound"},
    {"text": "bear", "limit": 0},
    {"text": "bear", "limit": 2.5},
    {"text": "bear", "skip": -1},
    {"text": "bear", "per_page": 0},
    {"text": "bear", "lists": 0},
    {"text": "bear", "at_least": float("nan")},
    {"text": "bear", "at_least": "high"},
    {"text": "bear", "where": {"colour": "red"}},
    {"text": "bear", "where": {"page": "three"}},
    {"text": "bear", "where": {"aspect": "broad"}},
    {"text": "bear", "where": 5},
    {"text": 5},
    {"picture": "/no/such/picture.png"},
    {"picture": b"no picture at all"},
]


def numbered(kind: str, questions: Iterable[Question]) -> list[Question]:
    """Give the questions of a kind their ids."""
    return [{"id": f"{kind}/{number:02}", **question} for number, question in enumerate(questions, 1)]


def kind_of(question_id: str) -> str:
    """Return the kind of a question from its id."""
    return question_id.partition("/")[0]


def text_each(texts: Sequence[str], **more: Any) -> list[Question]:
    """Return a question for each text."""
    return [{"text": text, **more} for text in texts]


def sample(_: Sequence[int]) -> list[Question]:
    """Return the questions about the sample comics."""
    return (
        numbered("words", text_each(SAID))
        + numbered("misread words", text_each(MISREAD))
        + numbered("glued words", text_each(GLUED))
        + numbered("odd words", text_each(ODD))
        + numbered("rephrased", text_each(REPHRASED))
        + numbered("described", text_each(DRAWN, view="picture"))
        + _sample_views()
        + _sample_pictures()
        + _sample_negative()
        + _sample_filters()
        + _sample_pages()
        + _sample_other()
    )


def _sample_views() -> list[Question]:
    texts = ["the lighthouse is dark again", "a bear in the snow", "the driver is decades behind schedule"]
    meant = [
        {"text": text, "meant": meaning}
        for text in (*texts, "puddles", "a big octopus under water")
        for meaning in ("said", "drawn", "either")
    ]
    either = [
        {"text": "Somebody has spilled the sky!", "meant": "either", **more}
        for more in (
            {"skip": 4},
            {"skip": 30, "limit": 5},
            {"per_page": 1},
            {"per_book": 2},
            {"where": {"has_dialogue": False}},
            {"where": {"book": "The Dark Lamp"}},
            {"at_least": 0.3},
            {"exhaustive": True},
            {"limit": 40},
        )
    ]
    views = [
        {**asked, "view": view}
        for asked in (
            {"text": "My egg will not hatch in the dark"},
            {"text": "a robot with a teapot"},
            {"picture": {"panel": 150}},
            {"picture": {"panel": 249, "edits": [["crop", 0.1, 0.1, 0.7, 0.9]]}},
            {"picture": {"panel": 83}, "text": "my egg"},
            {"like": 150},
            {"like": 101, "itself": False},
        )
        for view in ("picture", "dialogue", "fused")
    ]
    return numbered("said or drawn", meant) + numbered("either", either) + numbered("views", views)


def _sample_pictures() -> list[Question]:
    crops = [{"picture": {"panel": panel, "edits": [["crop", *edges]]}} for panel, *edges in CROPS]
    changed = [{"picture": {"panel": panel, "edits": edits}} for panel, edits in CHANGED]
    forms = [
        {"picture": {"panel": 148, "given_as": form}}
        for form in ("array", "numbers from 0 to 1", "grey array", "bytes", "path", "path as text")
    ]
    pages: list[Question] = [
        {"picture": {"page_of": 121}},
        {"picture": {"page_of": 85, "box": [200, 200, 600, 700]}},
        {"picture": {"page_of": 138, "box": [44, 44, 912, 440]}},
        {"picture": {"page_of": 262, "box": [30, 900, 900, 450]}},
        {"picture": {"file": "query.jpg"}},
        {"picture": {"noise": 1}},
        {"picture": {"noise": 2}, "text": "bear"},
        {"picture": {"plain": [255, 255, 255]}},
        {"picture": {"plain": [20, 40, 90]}},
    ]
    both: list[Question] = [{"picture": {"panel": panel}, "text": text} for panel, text in WITH_WORDS]
    both += [
        {"picture": {"panel": 83, "edits": [["crop", 0.1, 0.5, 0.5, 0.9]]}, "text": "somebody spilled the sky"},
        {"picture": {"file": "query.jpg"}, "text": "the lighthouse is dark again"},
        {"picture": {"panel": 110}, "text": "   "},
        {"picture": {"panel": 110}, "text": "glooved wrods", "limit": 20},
    ]
    panels: list[Question] = [{"like": i} for i in (1, 15, 64, 65, 83, 106, 122, 150, 196, 243, 244, 305)]
    panels += [{"like": i, "itself": False} for i in (1, 83, 122, 305)]
    return (
        numbered("whole panels", [{"picture": picture} for picture in WHOLE])
        + numbered("crops", crops)
        + numbered("changed pictures", changed)
        + numbered("forms of a picture", forms)
        + numbered("pages and other pictures", pages)
        + numbered("picture and words", both)
        + numbered("panels", panels)
    )


def _sample_negative() -> list[Question]:
    asked: list[Question] = [
        {"text": "puddles", "negative": "Bruno"},
        {"text": "the lighthouse is dark again", "negative": "lighthouse"},
        {"text": "bear", "negative": "winter snow"},
        {"text": "who waits for the bus", "negative": "late"},
        {"text": "honey", "negative": "puddles", "limit": 20},
        {"text": "my name", "negative": "kenji hana", "skip": 5},
        {"text": "sleep", "negative": "!!!"},
        {"text": "sleep", "negative": "  "},
        {"text": "the dark", "negative": "the dark"},
        {"text": "sing", "negative": "sIngiNg", "per_page": 1},
        {"text": "light", "negative": "sea", "where": {"book": "The Dark Lamp"}},
        {"text": "a bear in the snow", "view": "picture", "negative": "a lighthouse by night"},
        {"text": "a city street in the rain", "view": "picture", "negative": "umbrella", "limit": 20},
        {"text": "night", "view": "fused", "negative": "bus"},
        {"text": "winter", "meant": "said", "negative": "bear"},
        {"text": "winter", "meant": "drawn", "negative": "bear"},
        {"text": "winter", "meant": "either", "negative": "bear"},
        {"text": "the sea", "meant": "either", "negative": "a lighthouse by night", "limit": 20},
        {"picture": {"panel": 83}, "negative": "sky"},
        {"picture": {"panel": 121, "edits": [["crop", 0.2, 0.1, 0.8, 0.6]]}, "negative": "lighthouse"},
        {"picture": {"panel": 249}, "negative": "bear"},
        {"picture": {"file": "query.jpg"}, "negative": "lamp", "limit": 20},
        {"picture": {"panel": 69}, "text": "it bites your ears", "negative": "ears"},
        {"picture": {"panel": 203}, "text": "bus", "negative": "bench"},
        {"like": 83, "negative": "sky"},
        {"like": 83, "negative": "sky", "itself": False, "view": "fused"},
        {"like": 150, "negative": "egg", "view": "dialogue"},
        {"like": 264, "negative": "music", "per_book": 2},
    ]
    return numbered("negative words", asked)


def _sample_filters() -> list[Question]:
    words = [{"text": "somebody is awake in the dark", "where": where, "limit": 5} for where in FILTERS]
    pictures = [{"picture": {"panel": 150}, "where": where, "limit": 4} for where in FILTERS[::3]]
    other: list[Question] = [
        {"like": 83, "where": {"book": "The Dark Lamp"}},
        {"picture": {"panel": 83}, "text": "sky", "where": {"has_dialogue": False}},
        {"text": "a robot", "view": "picture", "where": {"annotated": False, "aspect": "tall"}},
        {"text": "sea", "view": "fused", "where": {"page": [1, 4]}},
    ]
    return (
        numbered("filtered words", words)
        + numbered("filtered pictures", pictures)
        + numbered("filtered otherwise", other)
        + numbered("counts", [{"ask": "count", "where": where} for where in (None, *FILTERS)])
        + numbered("browsed", [{"ask": "browse", "where": where, "limit": 15} for where in (None, *FILTERS)])
        + numbered("browsed on", [{"ask": "browse", "skip": skip, "limit": 10} for skip in (10, 200, 300, 400)])
        + numbered("facets", [{"ask": "facets", "where": where} for where in (None, *FILTERS[::4])])
        + numbered("facets, few", [{"ask": "facets", "limit": 2}])
    )


def _sample_pages() -> list[Question]:
    bases: list[Question] = [
        {"text": "the light in the dark"},
        {"picture": {"panel": 150}},
        {"picture": {"panel": 203}, "text": "late"},
        {"like": 67},
    ]
    grouped = [
        {**base, **more}
        for base in bases
        for more in (
            {"per_page": 1},
            {"per_page": 2, "limit": 12},
            {"per_book": 1},
            {"per_book": 3, "per_page": 1},
            {"per_book": 1, "skip": 2},
        )
    ]
    paged = [
        {**base, **more}
        for base in bases
        for more in ({"skip": 8}, {"skip": 100, "limit": 5}, {"skip": 300}, {"skip": 7, "limit": 3, "per_page": 1})
    ]
    least = [{**base, "at_least": score, "limit": 20} for base in bases for score in (0.9, 0.45, -0.05)]
    exact = [{**base, **more} for base in bases for more in ({"exhaustive": True}, {"lists": 1, "limit": 3})]
    part: Question = {"picture": {"panel": 121, "edits": [["crop", 0.2, 0.2, 0.8, 0.8]]}}
    long: list[Question] = [{**bases[0], "limit": 150}, {**part, "limit": 260}, {**part, "skip": 38, "limit": 6}]
    return (
        numbered("grouped", grouped)
        + numbered("paged", paged)
        + numbered("at least", least)
        + numbered("exhaustive or quick", exact)
        + numbered("long lists", long)
    )


def _sample_other() -> list[Question]:
    batches: list[list[Question]] = [
        text_each(SAID[:6]),
        [{"picture": picture} for picture in WHOLE[:5]],
        [{"text": "puddles"}, {"picture": WHOLE[3]}, {"like": 9}, {"picture": WHOLE[7], "text": "lamp"}],
        [{"text": "sea", "meant": "either"}, {"text": "sea", "negative": "light"}, {"text": "sea", "meant": "drawn"}],
        [{"text": "bear", "limit": 2}, {"text": "bear", "limit": 5, "skip": 2}, {"text": "bear", "per_book": 1}],
        text_each([f"{word} number {n}" for n in range(9) for word in ("boat", "bus", "jar", "star")], limit=2),
        [],
    ]
    close: list[Question] = [
        {"text": "the lighthouse is dark again"},
        {"text": "quarterly tax report"},
        {"text": "a bear in the snow", "view": "picture"},
        {"text": "invoice", "view": "picture"},
        {"text": "my egg", "view": "dialogue"},
        {"like": 83, "view": "dialogue"},
        {"like": 83, "view": "dialogue", "itself": False},
        {"text": "puddles", "meant": "either"},
        {"text": "no hit at all", "where": {"book": "no such book"}},
    ]
    return (
        numbered("batches", [{"ask": "batch", "questions": batch} for batch in batches])
        + numbered("panels of a page", [{"ask": "page", "like": i} for i in (1, 15, 83, 243, 301)])
        + numbered("refused", REFUSED)
        + numbered("close", [{"ask": "close", **question} for question in close])
        + numbered("look-alikes", [{"ask": "lookalikes"}])
    )


# ----------------------------------------------------------------- the made library

SCRIPTS = [
    "吾輩は猫である",
    "猫である",
    "ねこはどこ",
    "カメラ",
    "ｶﾒﾗ",
    "東京",
    "東京タワー",
    "ありがとう",
    "名前はまだ",
    "犬",
    "Ночной поезд",
    "ночнои поезд",
    "ёлка",
    "елка в вагоне",
    "украл билет",
    "МЕДВЕДЬ",
    "Зима",
    "l'été à Liège",
    "l’ete a liege",
    "lete a liege",
    "garçon de café",
    "garcon de cafe",
    "un orage s'annonce",
    "parapluie",
    "œuf",
    "oeuf",
    "heure",
    "مرحبا",
    "مرحبا بالعالم",
    "안녕하세요",
    "세계",
    "你好",
    "世界",
    "καλημερα",
    "ΚΑΛΗΜΈΡΑ ΚΌΣΜΕ",
    "नमस्ते",
    "שלום",
    "สวัสดี",
    "strasse",
    "STRAẞE",
    "naive cafe",
    "honey for the mornings",
]

FACTS: list[dict[str, Any]] = [
    {"series": "neko days"},
    {"series": ["Neko Days", "Ночной поезд"]},
    {"series": "ночной%"},
    {"number": 4},
    {"number": [2, 3]},
    {"number": "2"},
    {"volume": [1, 2]},
    {"year": 1999},
    {"year": [1980, 2000]},
    {"year": [None, 1990]},
    {"year": [2011, None]},
    {"year": "1999"},
    {"writer": "Sōseki"},
    {"writer": "K. Ono"},
    {"artist": "%ono"},
    {"publisher": "hoshi"},
    {"genre": "slice of life"},
    {"genre": ["Mystery", "Comedy"]},
    {"language": "ja"},
    {"character": "tama"},
    {"character": "Проводник"},
    {"page_type": "cover"},
    {"page_type": "story"},
    {"page_type": ["advertisement", "COVER"]},
    {"page_type": "%"},
    {"publisher": "Hoshi", "year": [2000, None], "has_dialogue": True},
    {"book": "Neko%", "annotated": True},
    {"book": "%à%"},
    {"file": "Moved/%"},
]


def made(ids: Sequence[int]) -> list[Question]:
    """Return the questions about the made library."""
    words = [{"text": text, "limit": 4} for text in SCRIPTS]
    negative = [
        {"text": "猫", "negative": "名前", "limit": 5},
        {"text": "поезд", "negative": "билет", "limit": 5},
        {"text": "café", "negative": "garçon", "limit": 5},
    ]
    filtered = [{"text": "猫", "where": where, "limit": 4} for where in FACTS]
    pictures: list[Question] = [{"picture": {"panel": i}, "limit": 5} for i in ids[::7]]
    pictures += [{"picture": {"panel": i, "edits": [["mirror"], ["jpeg", 30]]}, "limit": 5} for i in ids[::29]]
    pictures += [{"like": i, "itself": False, "limit": 5} for i in ids[::9]]
    return (
        numbered("scripts", words)
        + numbered("negative scripts", negative)
        + numbered("filtered by facts", filtered)
        + numbered("counted by facts", [{"ask": "count", "where": where} for where in FACTS])
        + numbered("browsed by facts", [{"ask": "browse", "where": where, "limit": 30} for where in FACTS])
        + numbered("facets of facts", [{"ask": "facets", "where": where} for where in (None, *FACTS[::6])])
        + numbered("made pictures", pictures)
        + numbered("made look-alikes", [{"ask": "lookalikes"}])
        + _made_close(ids)
    )


def _made_close(ids: Sequence[int]) -> list[Question]:
    close: list[Question] = [
        {"picture": {"panel": ids[5]}, "text": "猫"},
        {"picture": {"noise": 6}, "text": "invoice"},
        {"like": ids[5]},
        {"like": ids[5], "itself": False},
    ]
    return numbered("made close", [{"ask": "close", **question} for question in close])


def variant(ids: Sequence[int]) -> list[Question]:
    """Return the questions about each smaller library of sample comics."""
    middle = ids[len(ids) // 2]
    few = [{"ask": "close", "picture": {"panel": ids[0]}}] if len(ids) < 20 else []
    return numbered(
        "variant",
        [
            *few,
            {"text": "the lighthouse is dark again", "limit": 5},
            {"text": "honey and puddles", "negative": "bear", "limit": 5},
            {"text": "a face", "view": "picture", "limit": 5},
            {"picture": {"panel": ids[3]}, "limit": 5},
            {"picture": {"panel": middle}, "text": "dark", "limit": 5},
            {"like": ids[-1], "limit": 5},
            {"like": ids[-1], "view": "fused", "lists": 1, "limit": 5},
            {"picture": {"file": "query.jpg"}, "exhaustive": True, "limit": 5},
            {"ask": "facets"},
        ],
    )


# ---------------------------------------------------------------------- real comics

SPEAKING = [4, 52, 84, 124, 160, 304, 396, 440, 498, 506, 560, 572, 596, 624, 640, 652, 696, 740, 1052, 1084, 1108,
            1124, 1152, 1168, 1184, 1208, 1248]  # fmt: skip
"""Panels of the real comics with several words."""

SEEN = [12, 36, 188, 228, 284, 344, 384, 512, 528, 540, 548, 604, 664, 720, 764, 1072, 1100, 1132, 1192, 1216]


def real(_: Sequence[int]) -> list[Question]:
    """Return the questions about the real comics; their words are taken from the panels while asking."""
    said = [{"text": {"words_of": [panel, 0, 6]}} for panel in SPEAKING]
    changed = [
        {"text": {"words_of": [panel, 1, 5], "changed": change}}
        for panel, change in zip(
            SPEAKING,
            ["letters swapped", "glued", "glued in pairs", "upper case", "backwards", "letters lost",
             "digits for letters", "hyphenated"] * 3,
            strict=False,
        )
    ]  # fmt: skip
    crops = [
        {"picture": {"panel": panel, "edits": [["crop", 0.1 + 0.05 * (n % 5), 0.1, 0.7, 0.75]]}}
        for n, panel in enumerate(SEEN)
    ]
    edits: list[list[list[Any]]] = [
        [["mirror"]],
        [["jpeg", 15]],
        [["scale", 0.3]],
        [["grey"]],
        [["tint", 1.2, 0.8, 0.7], ["jpeg", 40]],
        [["blur", 3]],
        [["border", 40]],
        [["mirror"], ["crop", 0.1, 0.1, 0.8, 0.8], ["jpeg", 30]],
    ]
    changes = [
        {"picture": {"panel": panel, "edits": edit}} for panel, edit in zip(SEEN + SPEAKING, edits * 3, strict=False)
    ]
    both = [
        {"picture": {"panel": panel}, "text": {"words_of": [words, 0, 4]}}
        for panel, words in zip(SEEN[::2], SPEAKING[::2], strict=False)
    ]
    return (
        numbered("words", said)
        + numbered("changed words", changed)
        + numbered("described", text_each([*DRAWN, "a cat", "a witch on a broom"], view="picture"))
        + numbered("rephrased", text_each(["somebody makes a potion", "which operating system is better", "a spoon"]))
        + numbered("whole panels", [{"picture": {"panel": panel}} for panel in SEEN])
        + numbered("crops", crops)
        + numbered("changed pictures", changes)
        + numbered("picture and words", both)
        + numbered("panels", [{"like": panel, "itself": panel % 3 == 0} for panel in SEEN + SPEAKING[::3]])
        + _real_other()
    )


def _real_other() -> list[Question]:
    filters: list[dict[str, Any]] = [
        {"series": "pepper-and-carrot"},
        {"series": ["buster%", "ubunchu%"]},
        {"number": [10, 13]},
        {"year": [1950, 1960]},
        {"book": "ep0%"},
        {"file": "pepper-and-carrot/ep03%"},
        {"has_dialogue": False, "aspect": "tall"},
        {"annotated": True, "size": "large"},
        {"page": [1, 2]},
    ]
    bases: list[Question] = [
        {"text": "the potion contest"},
        {"picture": {"panel": 624}},
        {"picture": {"panel": 660}, "text": "magic"},
        {"like": 588},
    ]
    narrowed = [{**base, "where": where, "limit": 5} for base in bases for where in filters]
    more = [
        {**base, **options}
        for base in bases
        for options in (
            {"per_page": 1},
            {"per_book": 1},
            {"skip": 20},
            {"exhaustive": True},
            {"lists": 2, "limit": 20},
            {"at_least": 0.4},
            {"limit": 60},
        )
    ]
    negative: list[Question] = [
        {"text": "potion", "negative": "contest"},
        {"text": "Ubunchu", "negative": "Debian", "limit": 15},
        {"text": "cat", "meant": "either", "negative": "carrot"},
        {"text": "a witch", "view": "picture", "negative": "a cat"},
        {"picture": {"panel": 624}, "negative": "mayor"},
        {"picture": {"panel": 506}, "text": "car", "negative": "hill"},
        {"like": 1124, "negative": "mint", "view": "fused"},
    ]
    return (
        numbered("filtered", narrowed)
        + numbered("more", more)
        + numbered("negative words", negative)
        + numbered("either", text_each(["the potion contest", "spoon", "a cat", "time machine"], meant="either"))
        + numbered("counts", [{"ask": "count", "where": where} for where in (None, *filters)])
        + numbered("facets", [{"ask": "facets", "where": where} for where in (None, *filters[::2])])
        + numbered("browsed", [{"ask": "browse", "where": where} for where in (None, *filters)])
    )
