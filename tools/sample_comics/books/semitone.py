"""The Missing Semitone: black-and-white ink. A detective, a rainy city, and a piano one note short."""

from tools.sample_comics.draw.cast.look import Look
from tools.sample_comics.draw.style import Hand, Style
from tools.sample_comics.story import Book, bust, close, full, page, panel, scene, thing

STYLE = Style(
    width=960,
    height=1380,
    margin=40,
    gutter=14,
    ink="#08090d",
    line=2.8,
    border=5,
    border_colour="#08090d",
    finish="hatch",
    halo=4.5,
    hand=Hand(height=19.5, weight=0.135, slant=0.1, width=0.96, spacing=0.23),
    balloon_ink="#08090d",
    balloon_squareness=2.2,
    caption="#ffffff",
    caption_ink="#08090d",
    sound="#ffffff",
)

CAST = {
    "velvet": Look(
        "cat",
        skin="#1c1d24",
        trim="#d9d6cc",
        coat="#cfcabd",
        legs="#3a3b44",
        hair="#1c1d24",
        hat="fedora",
        hat_colour="#8f8c84",
        extras=("collar", "belt", "tail"),
    ),
    "dot": Look(
        "mouse",
        skin="#e9e5da",
        trim="#b9b2a6",
        coat="#4a4c58",
        legs="#2a2c36",
        head=0.2,
        build="dress",
        extras=("collar",),
    ),
    "basso": Look(
        "badger",
        skin="#f7f5ee",
        hair="#14151b",
        coat="#17181f",
        trim="#f4f1e6",
        legs="#17181f",
        girth=0.2,
        hat="bowler",
        hat_colour="#17181f",
        extras=("collar", "buttons"),
    ),
    "aria": Look(
        "heron",
        skin="#e3e1da",
        hair="#23242d",
        coat="#8a8790",
        trim="#c9c2b0",
        legs="#8f8a80",
        head=0.11,
        girth=0.13,
        build="dress",
        extras=("belt",),
    ),
    "tibor": Look(
        "mole", skin="#8f8d92", trim="#f4f0ea", coat="#c4bfb4", legs="#3f3e46", girth=0.17, extras=("apron",)
    ),
}

RAIN = "rain"

PAGES = (
    page(
        "62:1|38:55,45",
        panel(
            scene("skyline", moon=0.3, weather=RAIN),
            full("velvet", 0.76, "think", "calm", -1, size=0.5, foot=1.0),
            "title@.5,.12: The Missing Semitone",
            "caption@.2,.4: In this city it rains in a minor key.",
            "caption@.24,.88: My name is Velvet. I find things. Mostly I find trouble.",
            frame="bleed",
        ),
        panel(
            scene("office"),
            full("velvet", 0.62, "sit", "closed", -1, size=0.72),
            "caption: Ten past midnight. Business was asleep, and so was I.",
            "sound@.3,.46: Knok knok",
        ),
        panel(
            scene("pool"),
            full("dot", 0.5, "hold", "sad", 1, size=0.6, holding="letter"),
            "dot: Inspector? Somebody has murdered a Tuesday concert.",
        ),
    ),
    page(
        "32:60,40|34:1|34:1,1,1",
        panel(
            scene("office"),
            full("dot", 0.34, "shrug", "sad", 1, size=0.6),
            full("velvet", 0.72, "sit", "sly", -1, size=0.7),
            "velvet: Sit down, miss. Start with your name and end with the corpse.",
        ),
        panel(
            scene("flat", colour="#c9c6bc"),
            close("dot", 0.5, "sad", 0),
            "dot: Dot Quaver. I play the piano at the Blue Mole.",
        ),
        panel(
            scene("clubfront", weather=RAIN),
            full("velvet", 0.16, "walk", "calm", 1, size=0.5),
            full("dot", 0.3, "walk", "calm", 1, size=0.4),
            "caption: The Blue Mole. Jazz upstairs, regret downstairs.",
            "dot: We open tomorrow for the Mayor, and the piano cannot say B flat any more.",
        ),
        panel(
            scene("table", colour="#4a4c55", wall="#a9a79f"),
            thing("keyboard", 0.5, 0.6, 0.44),
            "velvet: One key short.",
        ),
        panel(scene("pool"), close("velvet", 0.5, "calm", 0), "velvet: Pulled clean, like a milk tooth."),
        panel(
            scene("flat", colour="#8f8d88"),
            thing("glass", 0.5, 0.6, 0.6),
            "caption: On the felt: sawdust. And one grey whisker.",
        ),
    ),
    page(
        "36:1|32:45>,55|32:1,1",
        panel(
            scene("club"),
            full("basso", 0.2, "hips", "angry", 1, size=0.74),
            full("velvet", 0.42, "stand", "calm", -1, size=0.68),
            "basso: No key, no concert. No concert, no Mayor. No Mayor, no licence!",
            "velvet: And no alibi, Mister Basso?",
        ),
        panel(
            scene("burst", colour="#b9b6ad"), close("basso", 0.5, "angry", 0), "basso shouts: I was counting spoons!"
        ),
        panel(
            scene("bar"),
            full("basso", 0.26, "shrug", "sad", 1, size=0.7),
            full("velvet", 0.74, "think", "sly", -1, size=0.68),
            "basso: Forty-one spoons. It ought to be forty-two. You might look into that.",
        ),
        panel(
            scene("club", piano=False),
            bust("aria", 0.44, "hips", "angry", 1, size=0.95),
            "aria: I sing above such matters, darling. Higher than B flat, always.",
        ),
        panel(
            scene("flat", colour="#6a6a72"),
            close("velvet", 0.5, "sly", 1),
            "velvet thinks: Feathers. So not her whisker.",
        ),
    ),
    page(
        "33:1,1|33:1|34:40,60",
        panel(
            scene("alley", weather=RAIN),
            full("velvet", 0.5, "walk", "calm", 1, size=0.56),
            "caption: I took the back way. The back way took my left shoe.",
        ),
        panel(
            scene("street", weather=RAIN, lamp=0.7),
            full("velvet", 0.3, "stand", "closed", 1, size=0.5, holding="umbrella"),
            "caption: A city full of pianos, and every one of them a suspect.",
        ),
        panel(
            scene("roofs"),
            full("velvet", 0.2, "walk", "calm", 1, size=0.42, foot=0.84),
            full("aria", 0.7, "run", "shock", 1, size=0.46, foot=0.8),
            "velvet shouts: Hold it, songbird!",
            "aria: A lady may jog at three in the morning!",
        ),
        panel(
            scene("black"),
            close("aria", 0.4, "shock", 1, size=1.3),
            "aria: All right! I saw a light under the stage, and I ran.",
        ),
        panel(
            scene("skyline", moon=0.7),
            full("velvet", 0.24, "think", "calm", 1, size=0.56),
            full("aria", 0.72, "stand", "sad", -1, size=0.66),
            "velvet: What kind of light?",
            "aria: A low one. It hummed.",
        ),
    ),
    page(
        "50:1|50:1,1",
        panel(
            scene("alley"),
            full("velvet", 0.5, "walk", "calm", 1, size=0.34, foot=0.86, back=True),
            "caption: There is a door behind the club that nobody has opened since the war on jazz.",
            frame="bleed",
        ),
        panel(
            scene("flat", colour="#d9d6cc"),
            thing("footprints", 0.5, 0.6, 0.7),
            "velvet: Small feet. Heavy bag.",
            inset=(0.62, 0.3, 0.33, 0.17),
        ),
        panel(
            scene("stairs", wall="#6a6c74"),
            full("velvet", 0.32, "walk", "shock", 1, size=0.46, holding="lantern"),
            "caption: Somebody had oiled the hinges. Thieves with manners worry me.",
        ),
        panel(
            scene("black"),
            full("velvet", 0.5, "stand", "shock", 0, size=0.6),
            "sound@.5,.86: Plink",
            "velvet whispers: That was a B flat.",
        ),
    ),
    page(
        "34:1|33:1<,1|33:1",
        panel(
            scene("cellar"),
            full("tibor", 0.72, "hold", "calm", -1, size=0.6, holding="hammer"),
            full("velvet", 0.26, "point", "angry", 1, size=0.68),
            "velvet: Drop the ivory, old-timer.",
            "tibor: If I drop it, my dear fellow, we shall both be sorry.",
        ),
        panel(
            scene("flat", colour="#aeaba2"),
            close("tibor", 0.5, "calm", 0),
            "tibor: Tibor Grubb. I have tuned that piano since it was a tree.",
        ),
        panel(
            scene("table", colour="#5a5c66", wall="#c9c6bc"),
            thing("hammer", 0.5, 0.58, 0.6),
            "tibor: Look at the hammer. Split, from the felt to the heart.",
        ),
        panel(
            scene("cellar"),
            full("tibor", 0.34, "shrug", "sad", 1, size=0.64),
            full("velvet", 0.7, "think", "calm", -1, size=0.68),
            "tibor: One strong blow tomorrow and it flies like a bullet, straight at the player.",
            "velvet: At Dot.",
        ),
    ),
    page(
        "30:1,1|40:1|30:1,1,1",
        panel(scene("pool"), close("velvet", 0.5, "sad", 0), "velvet: Why not simply tell Basso?"),
        panel(
            scene("flat", colour="#8a8880"),
            bust("tibor", 0.5, "shrug", "sad", -1),
            "tibor: I did. He said a new one costs more than a new mouse.",
        ),
        panel(
            scene("club"),
            full("basso", 0.22, "hips", "angry", 1, size=0.68),
            full("tibor", 0.44, "hold", "sad", -1, size=0.54),
            "caption: He told me how it went, that evening by the empty stage.",
            "basso: It has lasted thirty years, it can last one Mayor more!",
        ),
        panel(
            scene("flat", colour="#d9d6cc"),
            thing("key", 0.5, 0.6, 0.6),
            "caption: So he took the key that would have killed her.",
        ),
        panel(
            scene("cellar"),
            bust("tibor", 0.5, "hold", "calm", 1, holding="hammer"),
            "tibor: I am carving a new one. Pear wood. Nearly done.",
        ),
        panel(
            scene("flat", colour="#3f4049"),
            thing("clock", 0.5, 0.58, 0.6),
            "velvet: How nearly, with nineteen hours left?",
        ),
    ),
    page(
        "33:55<,45|33:1|34:45,55",
        panel(
            scene("cellar"),
            full("velvet", 0.3, "crouch", "calm", 1, size=0.66),
            full("tibor", 0.68, "point", "angry", -1, size=0.58),
            "tibor: With the grain, not against it! Have you never stroked a cat?",
        ),
        panel(scene("flat", colour="#bdbab0"), close("velvet", 0.5, "angry", 0), "velvet: I am a cat."),
        panel(
            scene("street", tint="dawn", lamp=-1),
            full("dot", 0.3, "run", "shock", 1, size=0.5),
            full("aria", 0.62, "run", "shock", 1, size=0.62),
            "dot: Inspector, come quickly, Basso has hired a drum machine!",
            "aria: And it has better legs than I have!",
        ),
        panel(
            scene("bar"),
            full("basso", 0.34, "up", "happy", 1, size=0.7),
            thing("radio", 0.76, 0.66, 0.36),
            "basso: It never drinks, it never asks for a raise, and it never cracks!",
            "sound@.74,.3: Bzzt",
        ),
        panel(
            scene("burst", colour="#a9a69c"),
            thing("radio", 0.5, 0.56, 0.4),
            thing("smoke", 0.6, 0.3, 0.4),
            "sound@.3,.3: Fzzap",
            "caption: It cracked.",
        ),
    ),
    page(
        "34:1,1|32:1|34:60>,40",
        panel(
            scene("club", piano=False),
            full("basso", 0.5, "sit", "sad", 0, size=0.7),
            "basso: Ruined. I shall have to sell the spoons.",
        ),
        panel(
            scene("flat", colour="#77767c"),
            bust("velvet", 0.46, "point", "angry", 1),
            "velvet: You would have let her play a loaded piano.",
        ),
        panel(
            scene("club"),
            full("basso", 0.84, "crouch", "shock", -1, size=0.66),
            full("tibor", 0.4, "stand", "calm", 1, size=0.52),
            full("dot", 0.18, "hips", "angry", 1, size=0.5),
            "dot: You knew about the hammer? For how long?",
            "basso: Since the, er, cracking noise.",
        ),
        panel(
            scene("club"),
            full("tibor", 0.38, "point", "happy", 1, size=0.56),
            full("velvet", 0.2, "stand", "calm", 1, size=0.66),
            "tibor: Pear wood, wool from my own waistcoat, and one honest hour to spare.",
        ),
        panel(scene("pool"), thing("hammer", 0.5, 0.6, 0.56), "sound@.5,.2: Klik"),
    ),
    page(
        "36:1|32:1,1|32:1",
        panel(
            scene("audience"),
            full("dot", 0.4, "play", "closed", 1, size=0.46, foot=0.82),
            "caption: Eight o'clock. The Mayor, a tortoise, had arrived at six to be on time.",
        ),
        panel(
            scene("flat", colour="#cfccc2"),
            close("dot", 0.5, "closed", 0),
            "dot thinks: Please, old friend. Just say the word.",
        ),
        panel(
            scene("table", colour="#43454f", wall="#8d8b86"),
            thing("keyboard", 0.5, 0.62, 0.44),
            thing("note", 0.72, 0.26, 0.3),
            "sound@.3,.24: Plonnng",
        ),
        panel(
            scene("club"),
            full("aria", 0.28, "up", "happy", 1, size=0.74),
            full("dot", 0.46, "play", "happy", 1, size=0.46),
            thing("note", 0.1, 0.3, 0.2),
            thing("note", 0.9, 0.3, 0.16),
            "aria: Rain on the rooftops, rain on my shoe, everyone's crying but me and you!",
        ),
    ),
    page(
        "33:1>,1|33:50,50|34:1,1,1",
        panel(
            scene("audience", piano=False),
            full("basso", 0.5, "hold", "sad", 0, size=0.56, foot=0.84),
            "basso: I wish to apologise. To the mouse, to the mole, and to the hammer.",
        ),
        panel(
            scene("bar"),
            full("basso", 0.3, "hold", "sad", 1, size=0.7),
            full("tibor", 0.7, "hips", "calm", -1, size=0.58),
            "tibor: A new set of felts, and my name on the door.",
            "basso: In gold?",
        ),
        panel(
            scene("clubfront"),
            full("tibor", 0.24, "wave", "happy", 1, size=0.46),
            full("dot", 0.78, "wave", "happy", -1, size=0.42),
            "dot: Look, it reads Grubb and Quaver!",
        ),
        panel(
            scene("street", lamp=0.3),
            full("velvet", 0.6, "walk", "sly", 1, size=0.58),
            "caption: Nobody went to jail. I hate it when that happens. Almost.",
        ),
        panel(
            scene("flat", colour="#b2afa6"),
            bust("aria", 0.42, "wave", "happy", 1, size=0.95),
            "aria: What do we owe you, darling?",
        ),
        panel(
            scene("flat", colour="#585860"),
            close("velvet", 0.5, "calm", -1),
            "velvet: One song. In the key you found me in.",
        ),
        panel(scene("pool"), bust("dot", 0.5, "hug", "happy", 0), "dot: And the whisker on the felt, whose was it?"),
    ),
    page(
        "30:1,1,1|70:1",
        panel(
            scene("flat", colour="#93918a"),
            close("velvet", 0.5, "shock", 0),
            "velvet: Mine. I sleep there when it rains.",
        ),
        panel(
            scene("bar"), full("basso", 0.5, "up", "shock", 0, size=0.7), "basso: Forty-two! The spoon was in my hat!"
        ),
        panel(scene("office"), full("velvet", 0.62, "sit", "closed", -1, size=0.7), "caption: Case closed. Eyes, too."),
        panel(
            scene("roofs", moon=0.62),
            full("velvet", 0.3, "sit", "happy", 1, size=0.4, foot=0.82),
            full("dot", 0.48, "sit", "happy", -1, size=0.3, foot=0.8),
            thing("note", 0.7, 0.36, 0.08),
            thing("note", 0.78, 0.28, 0.06),
            thing("note", 0.84, 0.4, 0.07),
            "caption: In this city it still rains. But now and then, if you listen, it rains in tune.",
            frame="bleed",
        ),
    ),
)

BOOK = Book("semitone", "The Missing Semitone", STYLE, CAST, PAGES, "cbz")
