"""The Bear Who Borrowed Winter: soft washes, few borders. A bear stays up to see the snow."""

from tools.sample_comics.draw.cast.look import Look
from tools.sample_comics.draw.style import Hand, Style
from tools.sample_comics.story import Book, bust, close, full, page, panel, scene, thing

STYLE = Style(
    width=1000,
    height=1250,
    paper="#fdf8ec",
    margin=48,
    gutter=26,
    ink="#5d463f",
    line=2.2,
    border=0,
    border_colour="#7a5d52",
    frame="soft",
    finish="wash",
    hand=Hand(height=21, weight=0.12, width=1.04, slant=-0.02, spacing=0.24, jitter=0.035),
    balloon="#fffdf6",
    balloon_ink="#5d463f",
    balloon_squareness=2.4,
    caption="#fdf1d3",
    caption_ink="#5d463f",
    sound="#fff3c9",
)

CAST = {
    "bruno": Look(
        "bear", skin="#a9744f", trim="#e8c9a4", coat="#a9744f", legs="#8f5f40", girth=0.2, head=0.2, build="egg"
    ),
    "tilly": Look(
        "hare",
        skin="#e9ded2",
        trim="#f6c3b8",
        coat="#7fb0a6",
        legs="#d9c9b8",
        hat_colour="#d9605a",
        build="dress",
        extras=("scarf",),
        head=0.17,
    ),
    "moss": Look("snail", skin="#d9c08a", coat="#c98a6a", trim="#8f5a48"),
    "rusk": Look(
        "fox",
        skin="#dd8a4f",
        trim="#fff3e2",
        hair="#5d3d33",
        coat="#dd8a4f",
        legs="#5d3d33",
        build="egg",
        girth=0.14,
        head=0.18,
    ),
}

PAGES = (
    page(
        "58:1|42:1,1",
        panel(
            scene("forest", season="autumn", weather="leaves"),
            full("bruno", 0.36, "hold", "happy", 1, size=0.46, holding="leaf"),
            full("moss", 0.68, "stand", "calm", -1, size=0.16),
            "title@.5,.14: The Bear Who Borrowed Winter",
            "moss: Careful. That leaf was mine.",
            frame="bleed",
        ),
        panel(
            scene("forest", season="autumn"),
            full("bruno", 0.5, "stand", "calm", 0, size=0.66),
            "caption: Bruno had been a bear for five years, and had slept through half of it.",
            frame="none",
        ),
        panel(scene("flat", colour="#f3d9a4"), close("bruno", 0.5, "sad", 1), "bruno: Moss, what is winter like?"),
    ),
    page(
        "33:1,1|34:1|33:40,60",
        panel(
            scene("forest", season="autumn"),
            full("moss", 0.42, "stand", "calm", 1, size=0.42),
            "moss: I do not know. I close my door in October.",
        ),
        panel(
            scene("field", season="autumn"),
            full("tilly", 0.5, "hold", "calm", 1, size=0.62),
            "tilly: Winter? It is white, and it bites your ears. I have a lot of ear.",
        ),
        panel(
            scene("forest", season="autumn", weather="leaves"),
            full("bruno", 0.24, "shrug", "sad", 1, size=0.66),
            full("tilly", 0.56, "hips", "calm", -1, size=0.58),
            full("moss", 0.84, "stand", "calm", -1, size=0.22),
            "bruno: Everyone has seen it except me. I only ever meet the puddles.",
            "tilly: Then stay awake, you great pudding.",
            frame="none",
        ),
        panel(scene("flat", colour="#cfe3d4"), close("bruno", 0.5, "shock", 0), "bruno: Is that allowed?"),
        panel(
            scene("field", season="autumn", tint="dusk"),
            full("rusk", 0.34, "point", "sly", 1, size=0.6),
            full("bruno", 0.7, "think", "calm", -1, size=0.66),
            "rusk: Nobody ever asked the moon for permission to shine.",
        ),
    ),
    page(
        "34:1|33:1,1,1|33:1",
        panel(
            scene("den", tint="autumn"),
            full("bruno", 0.3, "hold", "happy", 1, size=0.66, holding="honey"),
            full("moss", 0.62, "stand", "calm", -1, size=0.2),
            "bruno: I have honey for the mornings and nuts for the evenings.",
            "moss: And for the middles?",
        ),
        panel(
            scene("flat", colour="#f6e3b4"),
            thing("honey", 0.5, 0.62, 0.44),
            "caption: He ate the middles first.",
            frame="round",
        ),
        panel(
            scene("flat", colour="#e9c9b0"), thing("clock", 0.5, 0.6, 0.46), "sound@.5,.2: Tok tok tok", frame="round"
        ),
        panel(
            scene("flat", colour="#d6dde9"),
            thing("bed", 0.5, 0.66, 0.36),
            "caption: The bed looked at him.",
            frame="round",
        ),
        panel(
            scene("den", tint="night"),
            full("tilly", 0.34, "point", "angry", 1, size=0.6),
            full("bruno", 0.66, "sit", "closed", -1, size=0.66),
            "tilly: Eyes open! You are snoring with your mouth full!",
            "bruno: I was only resting my teeth.",
            frame="none",
        ),
    ),
    page(
        "33:1,1|34:1|33:1,1",
        panel(
            scene("den", tint="night"),
            full("bruno", 0.5, "up", "shock", 0, size=0.66),
            "bruno: One more night. I can do one. I have done naps longer.",
        ),
        panel(
            scene("flat", colour="#b9c7de"),
            close("bruno", 0.5, "closed", 0),
            "bruno thinks: Do not think of blankets. Blankets. Oh no.",
        ),
        panel(
            scene("doorway", season="autumn", tint="night"),
            full("tilly", 0.2, "hold", "calm", 1, size=0.5, holding="lantern"),
            full("rusk", 0.4, "wave", "happy", 1, size=0.48),
            "rusk: We will take turns to keep him up. I shall sing the one about the hen.",
            frame="none",
        ),
        panel(
            scene("den", tint="night"),
            full("rusk", 0.3, "up", "happy", 1, size=0.58),
            full("bruno", 0.7, "sit", "sad", -1, size=0.62),
            "rusk: And then she laid another, and it was exactly like the other!",
        ),
        panel(
            scene("flat", colour="#f0c9b8"),
            bust("tilly", 0.5, "hips", "sad", 1, size=0.95),
            "tilly: Verse sixty. Even I am asleep.",
        ),
    ),
    page(
        "100:1",
        panel(
            scene("doorway", season="snow", weather="snow"),
            full("bruno", 0.3, "up", "shock", 1, size=0.36, foot=0.9),
            "caption@.3,.1: And then, one morning, the whole forest had been rubbed out.",
            "bruno@.3,.42: Somebody has spilled the sky!",
            frame="bleed",
        ),
        panel(
            scene("flat", colour="#d9e6ef"),
            close("tilly", 0.5, "happy", -1),
            "tilly: Told you. Ears in, everyone.",
            frame="round",
            inset=(0.6, 0.05, 0.34, 0.26),
        ),
    ),
    page(
        "34:1,1|32:1|34:1,1,1",
        panel(
            scene("forest", season="snow", weather="snow"),
            full("bruno", 0.5, "walk", "happy", 1, size=0.66),
            "sound@.3,.3: Crump crump",
        ),
        panel(
            scene("flat", colour="#cfdfec"),
            thing("footprints", 0.5, 0.62, 0.6),
            "bruno: Look! I am leaving bears behind me.",
        ),
        panel(
            scene("field", season="snow"),
            full("tilly", 0.24, "run", "happy", 1, size=0.54),
            full("bruno", 0.56, "run", "happy", 1, size=0.62),
            thing("snowflake", 0.84, 0.3, 0.2),
            "tilly: Catch one on your tongue! They are free until noon!",
            frame="none",
        ),
        panel(
            scene("flat", colour="#d9e6ef"),
            close("bruno", 0.5, "happy", 0),
            "bruno: It tastes of nothing, very fast.",
            frame="round",
        ),
        panel(
            scene("flat", colour="#bcd3e6"),
            thing("snowflake", 0.5, 0.58, 0.5),
            "caption: Each one was different. He checked.",
            frame="round",
        ),
        panel(
            scene("flat", colour="#e6dff0"),
            bust("rusk", 0.5, "shrug", "happy", 1, size=0.9),
            "rusk: How many did you count?",
            frame="round",
        ),
    ),
    page(
        "34:1|33:1,1|33:1",
        panel(
            scene("lake", season="snow"),
            full("bruno", 0.4, "run", "shock", 1, size=0.6, foot=0.88),
            full("tilly", 0.72, "wave", "happy", -1, size=0.5, foot=0.84),
            "bruno shouts: My feet are leaving without me!",
            "tilly: That is called skating!",
        ),
        panel(
            scene("burst", colour="#cfe0ee"),
            full("bruno", 0.5, "crouch", "shock", 0, size=0.8, foot=1.05),
            "sound@.5,.2: Whump",
        ),
        panel(
            scene("lake", season="snow"),
            thing("snowbear", 0.66, 0.62, 0.5),
            full("rusk", 0.26, "point", "happy", 1, size=0.52),
            "rusk: I made you. I ran out of snow before the tummy.",
        ),
        panel(
            scene("field", season="snow"),
            thing("sled", 0.46, 0.84, 0.24),
            full("bruno", 0.46, "sit", "happy", 1, size=0.52, foot=0.84),
            full("tilly", 0.6, "sit", "shock", 1, size=0.4, foot=0.82),
            "bruno: Where are the brakes?",
            "tilly: You are sitting on the only one we have!",
            frame="none",
        ),
    ),
    page(
        "36:1|32:1,1,1|32:1",
        panel(
            scene("forest", season="snow", tint="night", weather="snow"),
            full("bruno", 0.3, "stand", "sad", 1, size=0.6),
            full("rusk", 0.58, "hug", "sad", -1, size=0.5),
            "bruno: It is dark before supper. Is that on purpose?",
            "rusk: That is the other half of winter. The hungry half.",
        ),
        panel(
            scene("flat", colour="#c3cde0"),
            close("rusk", 0.5, "sad", 0),
            "rusk: The mice move out. The berries give up.",
            frame="round",
        ),
        panel(
            scene("flat", colour="#d8cfe2"),
            bust("tilly", 0.5, "hug", "sad", 0, size=0.95),
            "tilly: And I get thin as a Monday.",
            frame="round",
        ),
        panel(
            scene("flat", colour="#b9c3d9"),
            close("bruno", 0.5, "sad", 1),
            "bruno: You never told me so in spring.",
            frame="round",
        ),
        panel(
            scene("field", season="snow", tint="night", moon=0.7),
            full("tilly", 0.26, "shrug", "calm", 1, size=0.54),
            full("bruno", 0.56, "think", "sad", -1, size=0.62),
            "tilly: In spring there is so much else to say.",
            frame="none",
        ),
    ),
    page(
        "33:1,1|34:1|33:1,1",
        panel(
            scene("den", tint="snow"),
            full("bruno", 0.34, "lift", "calm", 1, size=0.66, holding="honey"),
            "bruno: Eight jars. I was going to sleep on them, inside me.",
        ),
        panel(
            scene("flat", colour="#f3d7a0"),
            close("bruno", 0.5, "calm", 0),
            "bruno: But I am awake. So they are not bed, they are dinner.",
        ),
        panel(
            scene("den", tint="night"),
            full("rusk", 0.22, "sit", "happy", 1, size=0.54),
            full("tilly", 0.5, "hug", "happy", 1, size=0.56),
            full("bruno", 0.78, "hold", "happy", -1, size=0.64, holding="honey"),
            "rusk: Is there room for a fox, if he promises to be mostly tail?",
            "bruno: There is room for everyone but the wind.",
            frame="none",
        ),
        panel(
            scene("doorway", season="snow", tint="night", weather="snow"),
            full("moss", 0.2, "stand", "sad", 1, size=0.2, foot=0.9),
            "moss: I heard singing. And then I heard soup.",
        ),
        panel(
            scene("den", tint="night"),
            full("moss", 0.3, "stand", "happy", 1, size=0.3),
            full("bruno", 0.68, "hug", "happy", -1, size=0.66),
            "bruno: Moss! You opened your door!",
        ),
    ),
    page(
        "58:1|42:55,45",
        panel(
            scene("field", season="snow", tint="night", moon=0.74),
            full("bruno", 0.3, "sit", "calm", 1, size=0.34, foot=0.86),
            full("moss", 0.46, "stand", "calm", 1, size=0.1, foot=0.86),
            full("tilly", 0.16, "sit", "calm", 1, size=0.3, foot=0.86),
            "bruno: So that is what the quiet is for. You can hear the stars being careful.",
            frame="bleed",
        ),
        panel(
            scene("flat", colour="#31487a"),
            close("bruno", 0.5, "closed", 0),
            "bruno: Shhh.",
            frame="round",
            inset=(0.74, 0.36, 0.22, 0.18),
        ),
        panel(
            scene("field", season="snow", tint="night"),
            thing("star", 0.5, 0.36, 0.3),
            "tilly: There goes one that was not.",
        ),
        panel(
            scene("flat", colour="#8fa3c9"), close("moss", 0.3, "calm", 1, size=0.7), "moss: I wish to be carried home."
        ),
    ),
    page(
        "34:1,1|33:1|33:1,1,1",
        panel(
            scene("den", tint="snow"),
            full("bruno", 0.5, "shrug", "closed", 0, size=0.66),
            "bruno: My eyelids have turned to honey.",
        ),
        panel(
            scene("flat", colour="#e6d3dc"),
            bust("tilly", 0.5, "wave", "sad", -1, size=0.95),
            "tilly: You did it, Bruno. You saw the lot. Now sleep.",
        ),
        panel(
            scene("den", tint="snow"),
            thing("bed", 0.42, 0.8, 0.36),
            full("rusk", 0.82, "wave", "calm", -1, size=0.54),
            "bruno@.3,.3: If I sleep, who will keep you warm?",
            "rusk: You will. You snore like a stove.",
            frame="none",
        ),
        panel(
            scene("flat", colour="#d3dcea"),
            close("bruno", 0.5, "closed", 0),
            "bruno whispers: Wake me when it is puddles.",
            frame="round",
        ),
        panel(scene("den", tint="night"), thing("bed", 0.44, 0.8, 0.34), "sound@.5,.3: Hrrr zzzz", frame="round"),
        panel(
            scene("flat", colour="#c9d6c4"),
            full("moss", 0.42, "stand", "closed", 1, size=0.4),
            "moss: I shall sing verse sixty-one.",
            frame="round",
        ),
    ),
    page(
        "34:1|33:1,1|33:1",
        panel(
            scene("doorway", season="spring"),
            full("tilly", 0.22, "wave", "happy", 1, size=0.54),
            full("rusk", 0.42, "up", "happy", 1, size=0.5),
            "tilly: Puddles! Bruno, the puddles are ready!",
            frame="none",
        ),
        panel(
            scene("den", tint="spring"),
            full("bruno", 0.5, "up", "closed", 0, size=0.68),
            "bruno: I dreamed that I was awake. It was cold, and it was lovely.",
        ),
        panel(
            scene("flat", colour="#e9f0c9"),
            bust("rusk", 0.5, "shrug", "sly", 1, size=0.95),
            "rusk: You owe me a song about a hen.",
        ),
        panel(
            scene("forest", season="spring"),
            full("bruno", 0.3, "hold", "happy", 1, size=0.62, holding="jar"),
            full("tilly", 0.6, "stand", "shock", -1, size=0.54),
            full("moss", 0.84, "stand", "calm", -1, size=0.2),
            "bruno: What is this little jar, and why is it wet?",
            "tilly: We saved you a snowball. It was bigger.",
        ),
    ),
    page(
        "100:1",
        panel(
            scene("forest", season="spring"),
            full("bruno", 0.34, "hold", "happy", 1, size=0.4, holding="flower", foot=0.92),
            full("tilly", 0.58, "up", "happy", -1, size=0.34, foot=0.93),
            full("rusk", 0.78, "wave", "happy", -1, size=0.32, foot=0.93),
            full("moss", 0.14, "stand", "happy", 1, size=0.12, foot=0.93),
            "caption@.5,.07: He gave winter back, a little used, and kept one cold drop of it in his pocket.",
            "bruno@.32,.42: Next year, remind me to miss summer.",
            frame="bleed",
        ),
        panel(
            scene("flat", colour="#cfe3ee"),
            thing("jar", 0.5, 0.7, 0.44),
            "caption: It never quite melted.",
            frame="round",
            inset=(0.68, 0.16, 0.26, 0.2),
        ),
    ),
)

BOOK = Book("bear", "The Bear Who Borrowed Winter", STYLE, CAST, PAGES, "blocks")
