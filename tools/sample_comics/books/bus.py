"""The Last Bus to Owl Hill: black-and-white with screentone, read from right to left."""

from tools.sample_comics.draw.cast.look import Look
from tools.sample_comics.draw.style import Hand, Style
from tools.sample_comics.story import Book, bust, close, full, page, panel, scene, thing

STYLE = Style(
    width=940,
    height=1340,
    margin=36,
    gutter=13,
    ink="#0b0b10",
    line=2.3,
    border=3.4,
    border_colour="#0b0b10",
    finish="screentone",
    halo=4.0,
    hand=Hand(height=18.5, weight=0.13, width=0.95, spacing=0.22),
    balloon_ink="#0b0b10",
    balloon_squareness=2.1,
    caption="#ffffff",
    caption_ink="#0b0b10",
    sound="#ffffff",
    rtl=True,
)

CAST = {
    "hana": Look(
        "girl",
        skin="#ffffff",
        hair="#15161c",
        coat="#5f6472",
        trim="#ffffff",
        legs="#23252e",
        head=0.195,
        build="dress",
        extras=("collar",),
        hat="flower",
        hat_colour="#ffffff",
    ),
    "ghost": Look("ghost", skin="#fdfdfd", extras=("hat",), hat_colour="#2a2c36"),
    "fox": Look(
        "fox",
        skin="#bdbab4",
        hair="#6a6a70",
        trim="#ffffff",
        coat="#2b2d38",
        legs="#1d1f28",
        hat="cap",
        hat_colour="#2b2d38",
        extras=("buttons",),
    ),
    "gran": Look(
        "elder",
        skin="#ffffff",
        hair="#d5d5d8",
        coat="#c9c9ce",
        trim="#ffffff",
        legs="#4a4c56",
        extras=("apron",),
        build="dress",
    ),
}

PAGES = (
    page(
        "64:1|36:1,1",
        panel(
            scene("busstop", tint="rain", weather="rain"),
            full("hana", 0.68, "stand", "sad", -1, size=0.36, holding="umbrella"),
            "title@.5,.1: The Last Bus to Owl Hill",
            "caption@.4,.93: It was the sort of rain that falls upwards off the road.",
            frame="bleed",
        ),
        panel(scene("flat", colour="#ffffff"), thing("clock", 0.5, 0.54, 0.8), inset=(0.06, 0.44, 0.19, 0.12)),
        panel(
            scene("flat", colour="#d9d9dc"),
            close("hana", 0.5, "sad", -1),
            "hana: Missed it. By the length of one shoelace.",
        ),
        panel(
            scene("busstop", tint="rain", weather="rain", post=-1),
            full("ghost", 0.34, "stand", "calm", 1, size=0.5, foot=0.86),
            "ghost: Only one? I missed mine by forty years.",
        ),
    ),
    page(
        "30:1|35:45,55|35:1<,1",
        panel(
            scene("burst", colour="#e6e6e6"),
            full("hana", 0.66, "up", "shock", -1, size=0.8),
            full("ghost", 0.3, "up", "shock", 1, size=0.7),
            "hana shouts: Aaaah! A sheet!",
            "ghost shouts: Aaaah! A schoolbag!",
        ),
        panel(
            scene("dots", colour="#cfcfd4"),
            close("ghost", 0.5, "sad", 0, size=1.15),
            "ghost: Please do not shout. I startle easily, and then I leak.",
        ),
        panel(
            scene("busstop", tint="rain", post=-1),
            full("hana", 0.68, "sit", "calm", -1, size=0.54, foot=0.9),
            full("ghost", 0.3, "stand", "calm", 1, size=0.46, foot=0.84),
            "hana: Are you haunting this bench?",
            "ghost: Waiting on it. It is a different profession.",
        ),
        panel(
            scene("flat", colour="#f2f2f2"),
            thing("ticket", 0.5, 0.62, 0.5),
            "ghost: One single to Owl Hill. Paid for, never used.",
        ),
        panel(
            scene("road", tint="rain"),
            thing("bus", 0.34, 0.76, 0.2),
            "caption: The Owl Hill line closed before Hana's mother was born.",
        ),
    ),
    page(
        "34:1,1|32:1|34:1,1,1",
        panel(
            scene("busstop", tint="rain", weather="rain"),
            full("hana", 0.72, "point", "calm", -1, size=0.5, holding="umbrella"),
            "hana: I could walk you there. It is only up.",
        ),
        panel(
            scene("flat", colour="#dcdce0"),
            bust("ghost", 0.5, "stand", "shock", 1, size=0.95),
            "ghost: Walk? Without wheels? Is it legal?",
        ),
        panel(
            scene("road", tint="rain", weather="rain"),
            full("hana", 0.5, "walk", "happy", -1, size=0.5, holding="umbrella"),
            full("ghost", 0.3, "stand", "happy", -1, size=0.42, foot=0.9),
            "hana: Stay under the umbrella, or you will go see-through.",
            "ghost: Further through, you mean.",
        ),
        panel(scene("flat", colour="#cfcfd3"), thing("puddle", 0.5, 0.66, 0.8), "sound@.5,.3: Plip plop"),
        panel(scene("dots", colour="#e3e3e6"), close("hana", 0.5, "calm", -1), "hana: Who were you going to see?"),
        panel(
            scene("black"),
            close("ghost", 0.5, "closed", 0, size=1.15),
            "ghost: I forgot. That is the damp part of being dead.",
        ),
    ),
    page(
        "36:1|32:1,1|32:1",
        panel(
            scene("town", tint="rain", weather="rain"),
            full("ghost", 0.68, "stand", "shock", -1, size=0.42, foot=0.9),
            full("hana", 0.42, "walk", "calm", -1, size=0.5, holding="umbrella"),
            "ghost: That was a noodle shop. That was a noodle shop as well.",
            "hana: And now they are both banks.",
        ),
        panel(
            scene("flat", colour="#e9e9ec"),
            bust("ghost", 0.5, "up", "sad", -1, size=0.95),
            "ghost: What do people slurp, then? Money?",
        ),
        panel(
            scene("town", tint="rain"),
            full("gran", 0.4, "wave", "calm", 1, size=0.6),
            "gran: Hana! Talking to the weather again?",
        ),
        panel(
            scene("town", tint="rain"),
            full("gran", 0.8, "hips", "shock", -1, size=0.62),
            full("hana", 0.46, "shrug", "shock", 1, size=0.54),
            full("ghost", 0.2, "wave", "calm", 1, size=0.48, foot=0.9),
            "gran: And who is your polite friend in the tablecloth?",
            "hana: You can see him?",
        ),
    ),
    page(
        "33:1|34:1,1|33:40,60",
        panel(
            scene("shop"),
            full("gran", 0.2, "hold", "happy", 1, size=0.62, holding="kettle"),
            full("hana", 0.56, "sit", "calm", -1, size=0.56),
            full("ghost", 0.84, "stand", "calm", -1, size=0.52, foot=0.92),
            "gran: At my age, dear, I see whoever is cold.",
        ),
        panel(
            scene("flat", colour="#ededf0"),
            thing("teacup", 0.5, 0.6, 0.5),
            "ghost: It goes straight through me. It is wonderful.",
        ),
        panel(
            scene("shop"),
            bust("gran", 0.5, "think", "calm", 1),
            "gran: Owl Hill. My sister used to wait up there, by the big camphor tree.",
        ),
        panel(scene("black"), close("ghost", 0.5, "shock", 0, size=1.15), "ghost: A tree... with a swing?"),
        panel(
            scene("shop"),
            full("gran", 0.7, "point", "shock", -1, size=0.64),
            full("hana", 0.28, "up", "shock", 1, size=0.58),
            "gran: The swing broke in the year the buses stopped.",
            "hana: We are going. Now. Shoes!",
        ),
    ),
    page(
        "58:1|42:1,1",
        panel(
            scene("road", tint="night"),
            full("hana", 0.62, "run", "calm", -1, size=0.28, foot=0.9),
            full("ghost", 0.4, "up", "happy", -1, size=0.24, foot=0.8),
            "caption: The rain had stopped to watch.",
            "hana: Faster! You do not even have knees!",
            frame="bleed",
        ),
        panel(
            scene("speed", colour="#ffffff"),
            full("hana", 0.5, "run", "angry", -1, size=1.2, foot=1.3),
            "sound@.5,.16: Tap tap tap",
            inset=(0.05, 0.4, 0.28, 0.15),
        ),
        panel(scene("flat", colour="#c9c9ce"), close("hana", 0.5, "shock", -1), "hana: The bridge is gone."),
        panel(
            scene("black"),
            thing("notice", 0.5, 0.56, 0.6),
            "ghost whispers: Closed for repairs. Since my birthday, it seems.",
        ),
    ),
    page(
        "32:1,1|36:1|32:1,1",
        panel(
            scene("field", season="spring", tint="night", moon=0.2),
            full("ghost", 0.5, "stand", "sad", 1, size=0.6, foot=0.88),
            "ghost: It was kind of you. I will go back to the bench.",
        ),
        panel(
            scene("flat", colour="#b5b5bb"),
            bust("hana", 0.5, "hips", "angry", 1),
            "hana: You will not. I gave up a whole shoelace for this.",
        ),
        panel(
            scene("road", tint="night"),
            thing("bus", 0.46, 0.68, 0.36),
            "sound@.76,.24: Honk honk",
            frame="bleed",
        ),
        panel(
            scene("burst", colour="#ededed"),
            full("fox", 0.5, "wave", "happy", 1, size=0.82),
            "fox: Evening! Number thirteen, via Bamboo Lane and Regret, to Owl Hill.",
        ),
        panel(
            scene("flat", colour="#dadade"),
            close("ghost", 0.5, "shock", 0, size=1.15),
            "ghost: That is my bus. That is my actual bus!",
        ),
    ),
    page(
        "34:1|33:55,45|33:1",
        panel(
            scene("bus_inside"),
            full("fox", 0.82, "hips", "calm", -1, size=0.72),
            full("ghost", 0.46, "hold", "shock", 1, size=0.54, foot=0.9),
            full("hana", 0.2, "stand", "happy", 1, size=0.6),
            "fox: You are late, sir. Forty years, two months and a Tuesday.",
            "ghost: I am so sorry, driver. I was tying my shoe.",
        ),
        panel(
            scene("flat", colour="#e4e4e8"),
            bust("fox", 0.5, "think", "sly", -1),
            "fox: We waited. Foxes are good at it. And who pays for the young lady?",
        ),
        panel(scene("flat", colour="#f4f4f4"), thing("leaf", 0.5, 0.6, 0.5), "hana: Will you take a leaf?"),
        panel(
            scene("bus_inside"),
            full("hana", 0.66, "sit", "happy", -1, size=0.6),
            full("ghost", 0.34, "stand", "closed", 1, size=0.52, foot=0.92),
            "fox: From a child, always. Hold on to your hats, and to your hems.",
        ),
    ),
    page(
        "36:1|32:1,1|32:1,1",
        panel(
            scene("skyline", tint="night", moon=0.75),
            thing("bus", 0.4, 0.36, 0.22),
            "caption: Number thirteen took the short way, which is over.",
            frame="bleed",
        ),
        panel(
            scene("bus_inside"),
            full("hana", 0.6, "point", "happy", -1, size=0.64),
            "hana: I can see my school! It looks smaller without the homework.",
        ),
        panel(
            scene("flat", colour="#9a9aa2"),
            close("ghost", 0.5, "sad", 0, size=1.15),
            "ghost: Hana, what if nobody waited?",
        ),
        panel(
            scene("dots", colour="#e9e9ec"),
            close("hana", 0.5, "calm", 1),
            "hana: Then we will have had a very good ride.",
        ),
        panel(
            scene("road", tint="night"), thing("bus", 0.56, 0.5, 0.16), "fox: Owl Hill! Mind the gap between the years."
        ),
    ),
    page(
        "54:1|46:45,55",
        panel(
            scene("field", season="spring", tint="night", moon=0.6),
            full("gran", 0.3, "stand", "closed", 1, size=0.3, foot=0.9, back=True),
            full("ghost", 0.74, "stand", "shock", -1, size=0.28, foot=0.88),
            "caption: Under the camphor tree, somebody had hung a new swing.",
            frame="bleed",
        ),
        panel(
            scene("burst", colour="#f4f4f4"),
            close("hana", 0.5, "shock", -1),
            "hana: Granny?",
            inset=(0.06, 0.05, 0.26, 0.17),
        ),
        panel(
            scene("black"),
            close("gran", 0.5, "calm", 1),
            "gran: I took the stairs. My sister sends her love, Kenji, she is in Osaka with nine grandchildren.",
        ),
        panel(
            scene("flat", colour="#d5d5da"),
            bust("ghost", 0.5, "up", "happy", 1, size=0.95),
            "ghost: Kenji! That was it! I have a name, and it fits!",
        ),
    ),
    page(
        "33:1|33:1,1,1|34:60,40",
        panel(
            scene("field", season="spring", tint="night", moon=0.8),
            full("gran", 0.24, "hold", "calm", 1, size=0.56, holding="letter"),
            full("ghost", 0.6, "hold", "closed", -1, size=0.5, foot=0.9),
            "gran: She left this with me, in case you ever caught your bus.",
        ),
        panel(scene("flat", colour="#ffffff"), thing("letter", 0.5, 0.6, 0.5), "caption: Dear late boy, it began."),
        panel(
            scene("flat", colour="#cacad0"),
            close("ghost", 0.5, "closed", 0, size=1.15),
            "ghost: She kept me a place on the swing. For a whole summer.",
        ),
        panel(
            scene("dots", colour="#d9d9de"),
            close("hana", 0.5, "sad", -1),
            "hana thinks: I am not crying. It is the umbrella.",
        ),
        panel(
            scene("field", season="spring", tint="dawn"),
            full("ghost", 0.5, "wave", "happy", -1, size=0.5, foot=0.8),
            full("hana", 0.24, "wave", "happy", 1, size=0.5),
            "ghost: Thank you for walking. I recommend it to everyone with feet.",
        ),
        panel(scene("flat", colour="#f3f3f3"), thing("flower", 0.5, 0.56, 0.6), "caption: He went the way dew goes."),
    ),
    page(
        "34:1,1|66:1",
        panel(
            scene("busstop", tint="day"),
            full("hana", 0.68, "sit", "calm", -1, size=0.54, foot=0.9),
            "caption: Next morning the bench was only a bench.",
        ),
        panel(
            scene("busstop", tint="day", post=-1),
            thing("ticket", 0.4, 0.6, 0.14),
            full("hana", 0.76, "crouch", "shock", -1, size=0.54),
            "hana: It has my name on it. Return.",
        ),
        panel(
            scene("road", tint="day"),
            thing("bus", 0.66, 0.47, 0.07),
            full("hana", 0.32, "wave", "happy", 1, size=0.36),
            "caption@.7,.08: There is no bus to Owl Hill. If you miss it, wait.",
            frame="bleed",
        ),
        panel(
            scene("flat", colour="#ffffff"),
            full("ghost", 0.5, "wave", "happy", 1, size=0.8, foot=1.0),
            frame="round",
            inset=(0.08, 0.44, 0.2, 0.14),
        ),
    ),
)

BOOK = Book("bus", "The Last Bus to Owl Hill", STYLE, CAST, PAGES, "blocks")
