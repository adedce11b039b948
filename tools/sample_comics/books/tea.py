"""Tea for Unit Nine: night blues and lamplight. A robot on the station was given tea."""

from tools.sample_comics.draw.cast.look import Look
from tools.sample_comics.draw.style import Hand, Style
from tools.sample_comics.story import Book, close, full, page, panel, scene, thing

STYLE = Style(
    width=1000,
    height=1333,
    paper="#070b1c",
    margin=34,
    gutter=14,
    ink="#0a0f26",
    line=2.2,
    border=0,
    border_colour="#070b1c",
    finish="night",
    hand=Hand(height=19.5, weight=0.12, width=1.04, spacing=0.24, jitter=0.012),
    balloon="#fdf6dd",
    balloon_ink="#0d1533",
    balloon_squareness=4.2,
    caption="#16244f",
    caption_ink="#ffe9b8",
    sound="#ffb35c",
)

CAST = {
    "nine": Look(
        "robot",
        skin="#f0a35a",
        coat="#e0823f",
        trim="#9ff5ff",
        hair="#ff5f4a",
        legs="#4a4f66",
        head=0.2,
        girth=0.17,
        build="box",
        extras=("panel",),
    ),
    "wren": Look(
        "astronaut",
        skin="#c98a5f",
        coat="#f2efe4",
        trim="#e9eef2",
        hair="#3a2430",
        legs="#c9d2dc",
        head=0.18,
        extras=("belt", "buttons"),
    ),
    "ilo": Look(
        "elder",
        skin="#8f5f45",
        coat="#b8413f",
        hair="#f2f0ea",
        legs="#2b3350",
        trim="#ffe08a",
        extras=("collar", "belt"),
    ),
    "moth": Look("kitten", skin="#f2efe6", trim="#ffffff"),
    "gus": Look("mole", skin="#8a7f9a", trim="#e0cfd6", coat="#3f8f8a", legs="#26324a", extras=("apron",)),
}

PAGES = (
    page(
        "60:1|40:40,60",
        panel(
            scene("station", x=0.5, y=0.56, size=0.36),
            "title@.5,.1: Tea for Unit Nine",
            "caption@.24,.9: Halfway Station: six rooms, three people, one cat, one kettle.",
            frame="bleed",
        ),
        panel(
            scene("corridor"),
            full("nine", 0.5, "stand", "calm", 0, size=0.62),
            "nine: Good evening. The floors are clean. The walls are clean. I am clean.",
        ),
        panel(
            scene("galley"),
            full("ilo", 0.26, "hold", "closed", 1, size=0.68, holding="teacup"),
            full("nine", 0.72, "stand", "calm", -1, size=0.62),
            "ilo: Thank you, Nine. What would we do without you?",
            "nine: You would be sticky, Captain.",
        ),
    ),
    page(
        "34:1|33:1,1|33:1,1,1",
        panel(
            scene("corridor", alarm=True),
            full("nine", 0.5, "up", "shock", 0, size=0.66),
            "sound@.2,.3: Fzzt bwoop",
            "nine: Good evening. The floors are lovely. Has anybody told the floors?",
        ),
        panel(
            scene("bridge"),
            full("wren", 0.36, "run", "shock", 1, size=0.66),
            "wren shouts: Captain! Nine is waltzing with the mop!",
        ),
        panel(
            scene("galley"),
            full("nine", 0.5, "run", "happy", 1, size=0.64),
            "nine: One two three, one two three, oh, what bristles you have!",
        ),
        panel(
            scene("pool", colour="#0f1c46"), close("ilo", 0.5, "shock", 0), "ilo: In eleven years it has never hummed."
        ),
        panel(scene("flat", colour="#2f7f93"), thing("wrench", 0.5, 0.6, 0.5), "wren: Open the chest plate. Gently."),
        panel(
            scene("flat", colour="#1d2f63"),
            thing("pipe", 0.5, 0.56, 0.6),
            "wren: It is wet in there. Warm, brown and wet.",
        ),
    ),
    page(
        "36:55,45|30:1|34:1",
        panel(
            scene("galley"),
            full("wren", 0.3, "hold", "shock", 1, size=0.66, holding="teacup"),
            full("ilo", 0.76, "think", "sad", -1, size=0.66),
            "wren: Assam. With two sugars. So, who fed the robot tea?",
        ),
        panel(
            scene("black"),
            close("moth", 0.5, "calm", 0, size=0.95),
            "caption: The cat, Moth, said nothing. She rarely did.",
        ),
        panel(
            scene("bridge"),
            full("ilo", 0.5, "point", "angry", 1, size=0.68),
            full("gus", 0.82, "shrug", "shock", -1, size=0.56),
            full("wren", 0.2, "hips", "angry", 1, size=0.62),
            "ilo: Nobody leaves the station until I know.",
            "gus: The next shuttle is in March, Captain.",
        ),
        panel(
            scene("dome"),
            full("gus", 0.72, "hold", "sad", -1, size=0.6, holding="plant"),
            full("wren", 0.28, "hips", "calm", 1, size=0.64),
            "wren: You grow the tea bushes, Gus. You had the means.",
            "gus: Means, yes. But I give my leaves to nobody who has no tongue.",
        ),
    ),
    page(
        "33:1,1|34:1|33:1,1",
        panel(
            scene("corridor"),
            full("nine", 0.5, "sit", "sad", 1, size=0.64),
            "nine: My left knee remembers a song that I was never taught.",
        ),
        panel(
            scene("flat", colour="#24406a"), close("wren", 0.5, "sad", 0), "wren: Nine, do you know who gave it to you?"
        ),
        panel(
            scene("space", x=0.24, y=0.44, size=0.4),
            full("nine", 0.7, "point", "calm", -1, size=0.6),
            "nine: I know how it tasted. Like the light when the sun comes round the ring.",
            frame="bleed",
        ),
        panel(
            scene("galley"),
            full("ilo", 0.38, "shrug", "sad", 1, size=0.66),
            "ilo: Robots cannot taste. It is in the manual, page four.",
        ),
        panel(
            scene("flat", colour="#0f1c46"),
            thing("kettle", 0.5, 0.58, 0.5),
            "nine: Then the manual has never been thirsty.",
        ),
    ),
    page(
        "30:1|36:1,1|34:1",
        panel(
            scene("bridge"),
            full("wren", 0.3, "think", "calm", 1, size=0.66),
            full("moth", 0.66, "stand", "calm", -1, size=0.3, foot=0.92),
            "wren: Let us look at the night log. Camera two, the galley.",
        ),
        panel(
            scene("galley"),
            full("nine", 0.3, "stand", "closed", 1, size=0.56),
            thing("teacup", 0.7, 0.74, 0.12),
            "caption: Log, 03:12. A cup. Nobody near it.",
        ),
        panel(
            scene("galley"),
            full("moth", 0.66, "stand", "sly", -1, size=0.26, foot=0.82),
            thing("teacup", 0.5, 0.76, 0.12),
            "caption: Log, 03:13. A paw.",
        ),
        panel(
            scene("burst", colour="#f0a35a"),
            thing("teacup", 0.36, 0.54, 0.3, -1),
            full("nine", 0.72, "sit", "shock", -1, size=0.7),
            "sound@.2,.24: Splosh",
        ),
    ),
    page(
        "34:60,40|33:1|33:40,60",
        panel(
            scene("bridge"),
            full("wren", 0.3, "point", "shock", 1, size=0.64),
            full("ilo", 0.56, "up", "shock", 1, size=0.64),
            full("moth", 0.86, "stand", "closed", -1, size=0.28),
            "wren shouts: The cat did it!",
        ),
        panel(
            scene("flat", colour="#2f7f93"),
            close("moth", 0.5, "sly", 0, size=0.95),
            "caption: Moth washed one ear, as if that were evidence.",
        ),
        panel(
            scene("corridor"),
            full("ilo", 0.3, "hips", "calm", 1, size=0.66),
            full("nine", 0.7, "stand", "sad", -1, size=0.62),
            "ilo: An accident, then. We dry you, reset you, and you will be yourself by breakfast.",
            "nine: Which self, please?",
        ),
        panel(scene("flat", colour="#1d2f63"), close("nine", 0.5, "sad", 0), "nine: I would rather keep the waltz."),
        panel(
            scene("dome"),
            full("gus", 0.3, "think", "sad", 1, size=0.6),
            full("wren", 0.68, "stand", "sad", -1, size=0.64),
            "gus: A reset takes everything since Tuesday.",
            "wren: It made a joke on Wednesday.",
        ),
    ),
    page(
        "52:1|48:45,55",
        panel(
            scene("moon", base=True),
            full("nine", 0.5, "walk", "sad", 1, size=0.3, foot=0.84),
            "caption: That night the airlock opened, very politely, and closed again.",
            frame="bleed",
        ),
        panel(
            scene("flat", colour="#e0823f"),
            close("nine", 0.5, "closed", 0),
            "nine whispers: Do not wake the mop.",
            inset=(0.68, 0.05, 0.28, 0.18),
        ),
        panel(
            scene("moon", earth=False),
            thing("letter", 0.5, 0.78, 0.22),
            "caption: It left a note: I have gone to dry in the sun. Please water the mop.",
        ),
        panel(
            scene("corridor", alarm=True),
            full("wren", 0.34, "run", "shock", 1, size=0.62),
            full("gus", 0.72, "run", "shock", 1, size=0.54),
            "wren: Its battery lasts four hours out there!",
            "gus: And the sun is nine hours off!",
        ),
    ),
    page(
        "32:1|34:1,1|34:1,1",
        panel(
            scene("moon"),
            full("wren", 0.24, "walk", "calm", 1, size=0.56),
            full("moth", 0.44, "stand", "calm", 1, size=0.22),
            thing("footprints", 0.74, 0.86, 0.3),
            "wren: Footprints. Square ones. And they are dancing.",
        ),
        panel(
            scene("flat", colour="#0f1c46"),
            close("wren", 0.5, "sad", 1),
            "wren thinks: One two three. One two three. Hold on, Nine.",
        ),
        panel(scene("moon", earth=False), full("moth", 0.5, "wave", "shock", 1, size=0.5), "sound@.7,.3: Mrraow"),
        panel(
            scene("black"),
            full("nine", 0.5, "sit", "closed", 1, size=0.66, foot=0.98),
            "nine whispers: The stars are very clean. I did not do those.",
        ),
        panel(
            scene("moon"),
            full("wren", 0.3, "crouch", "sad", 1, size=0.62),
            full("nine", 0.66, "sit", "sad", -1, size=0.56),
            "wren: You silly kettle. You might have rusted with grief, mine.",
        ),
    ),
    page(
        "36:1|32:1,1|32:1",
        panel(
            scene("space", x=0.76, y=0.4, size=0.36, planet="#7fc7d9"),
            full("wren", 0.26, "sit", "calm", 1, size=0.52),
            full("nine", 0.48, "sit", "calm", -1, size=0.5),
            "nine: If I am reset, who will have liked the tea?",
            "wren: Nobody. That is why I came without the reset key.",
        ),
        panel(
            scene("flat", colour="#2f7f93"),
            thing("teacup", 0.5, 0.6, 0.44),
            "caption: She had brought a flask instead.",
        ),
        panel(
            scene("flat", colour="#24406a"),
            close("nine", 0.5, "happy", 0),
            "nine: Is there sugar in it? There was sugar before.",
        ),
        panel(
            scene("moon", base=True),
            full("wren", 0.4, "walk", "happy", -1, size=0.54),
            full("nine", 0.6, "walk", "happy", -1, size=0.5),
            full("moth", 0.76, "stand", "closed", -1, size=0.2),
            "wren: Home first. Then two sugars, and a gasket for your chest.",
        ),
    ),
    page(
        "34:45,55|33:1|33:1,1,1",
        panel(
            scene("galley"),
            full("ilo", 0.5, "hips", "angry", 0, size=0.68),
            "ilo: You went out without a line, both of you. All three of you.",
        ),
        panel(
            scene("galley"),
            full("ilo", 0.26, "think", "sad", 1, size=0.68),
            full("nine", 0.7, "hold", "sad", -1, size=0.62, holding="letter"),
            "nine: I resign as a mop, Captain. I would like to apply as a person.",
        ),
        panel(
            scene("bridge"),
            full("ilo", 0.3, "stand", "calm", 1, size=0.66),
            full("wren", 0.6, "hug", "calm", -1, size=0.62),
            full("gus", 0.82, "stand", "calm", -1, size=0.54),
            "ilo: References?",
            "wren: Mine. It saved my houseplants twice.",
            "gus: And mine. It laughs at my beans.",
        ),
        panel(scene("dome"), thing("flower", 0.5, 0.56, 0.6), "caption: Moth's reference was a dead moth."),
        panel(
            scene("flat", colour="#1d2f63"),
            close("ilo", 0.5, "happy", 0),
            "ilo: Hired. Starting salary: one cup a day.",
        ),
        panel(
            scene("burst", colour="#2f7f93"),
            full("nine", 0.5, "up", "happy", 0, size=0.72),
            "nine shouts: With biscuits?",
        ),
    ),
    page(
        "33:1,1|34:1|33:1,1",
        panel(
            scene("galley"),
            full("nine", 0.5, "hold", "sad", 1, size=0.64, holding="teacup"),
            "nine: The cup was left beside me every night for eleven years. Nobody noticed that I noticed.",
        ),
        panel(
            scene("flat", colour="#24406a"), close("ilo", 0.5, "sad", 1), "ilo: That was mine. I always let it go cold."
        ),
        panel(
            scene("bridge"),
            full("ilo", 0.3, "shrug", "sad", 1, size=0.66),
            full("nine", 0.7, "stand", "calm", -1, size=0.62),
            "ilo: I talked to the console at night. I never thought that it was listening.",
            "nine: You said that the ring looks like a saucer. I looked it up: saucer.",
        ),
        panel(scene("station", size=0.42), "caption: And it did, a little."),
        panel(
            scene("dome"),
            full("moth", 0.34, "stand", "calm", 1, size=0.3),
            full("gus", 0.66, "crouch", "happy", -1, size=0.6),
            "gus: So the cat only served what was already poured.",
        ),
    ),
    page(
        "33:1,1|33:1|34:1,1",
        panel(
            scene("galley"),
            full("gus", 0.3, "lift", "happy", 1, size=0.6, holding="kettle"),
            full("nine", 0.72, "sit", "happy", -1, size=0.58),
            "gus: I built you a tongue out of litmus and a spoon.",
        ),
        panel(
            scene("flat", colour="#e0823f"), close("nine", 0.5, "shock", 0), "nine: Oh! So that is what brown means."
        ),
        panel(
            scene("corridor"),
            full("ilo", 0.36, "wave", "happy", 1, size=0.66),
            full("nine", 0.62, "hug", "happy", -1, size=0.6),
            "ilo: Which foot first?",
            "nine: The one that remembers the song.",
        ),
        panel(
            scene("dome"),
            full("wren", 0.5, "hold", "closed", 1, size=0.64, holding="teacup"),
            "wren: Moth, confess. Did you push it on purpose?",
        ),
        panel(
            scene("flat", colour="#0f1c46"),
            full("moth", 0.5, "stand", "happy", 1, size=0.72),
            "caption: She purred in three-four time.",
        ),
    ),
    page(
        "100:1",
        panel(
            scene("dome"),
            full("nine", 0.34, "hold", "happy", 1, size=0.34, holding="teacup", foot=0.95),
            full("wren", 0.62, "wave", "happy", -1, size=0.34, foot=0.95),
            full("ilo", 0.84, "hold", "happy", -1, size=0.34, holding="teacup", foot=0.95),
            full("gus", 0.13, "wave", "happy", 1, size=0.3, foot=0.95),
            full("moth", 0.46, "stand", "closed", 1, size=0.12, foot=0.97),
            "caption@.5,.06: Halfway Station: six rooms, four people, one cat, and never enough cups.",
            "nine@.3,.46: Good evening. The floors can wait.",
            frame="bleed",
        ),
        panel(scene("flat", colour="#f0a35a"), thing("teacup", 0.5, 0.58, 0.6), inset=(0.7, 0.2, 0.22, 0.16)),
    ),
)

BOOK = Book("tea", "Tea for Unit Nine", STYLE, CAST, PAGES, "cbz")
