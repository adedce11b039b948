"""The Dark Lamp: clean line and flat colour. A lighthouse goes out, and a creature below is to blame."""

from tools.sample_comics.draw.cast.look import Look
from tools.sample_comics.draw.style import Hand, Style
from tools.sample_comics.story import Book, bust, close, full, page, panel, scene, thing

STYLE = Style(hand=Hand(height=20.5))

CAST = {
    "mara": Look(
        "hooded", coat="#f4c531", hair="#c4512d", legs="#2f5d8a", trim="#ffffff", extras=("buttons",), build="dress"
    ),
    "osk": Look(
        "keeper",
        coat="#2c4a7c",
        hair="#e9e6dc",
        legs="#3a3a48",
        trim="#f2c14e",
        girth=0.19,
        hat="cap",
        hat_colour="#1f3157",
        extras=("buttons",),
    ),
    "pip": Look("puffin", coat="#20263c", trim="#ffffff"),
    "brine": Look("kraken", skin="#c86a9a"),
    "egg": Look("egg", skin="#b8f2dc", coat="#e58ab4", trim="#6fd1b5"),
    "tam": Look(
        "elder", coat="#7a4f8f", hair="#c9c4bd", legs="#4a3a52", trim="#f4e7c8", extras=("apron",), build="dress"
    ),
}

PAGES = (
    page(
        "100:1",
        panel(
            scene("lighthouse", tint="night", lit=False, x=0.62, size=0.66, horizon=0.72, moon=0.2),
            full("mara", 0.2, "point", "shock", 1, size=0.24, foot=0.97),
            full("pip", 0.36, "up", "shock", 1, size=0.11, foot=0.97),
            "title@.26,.08: The Dark Lamp",
            "mara@.3,.64: Pip, wake up! The lighthouse is dark again.",
            "pip@.72,.9: Again? I only just put my beak under my wing!",
            frame="bleed",
        ),
        panel(
            scene("lamproom", tint="night", lens=False),
            "caption: Nobody answered from the lamp room.",
            inset=(0.06, 0.36, 0.3, 0.16),
        ),
    ),
    page(
        "34:1|33:40>,60|33:60,40",
        panel(
            scene("harbour", tint="night"),
            full("tam", 0.2, "shrug", "sad", 1, size=0.46),
            full("mara", 0.72, "run", "calm", -1, size=0.4),
            full("pip", 0.9, "run", "angry", -1, size=0.2, foot=0.6),
            thing("sailboat", 0.47, 0.78, 0.14),
            "caption: Gannet Rock, the third night without a light.",
            "tam: Three boats are still out there, child, and none of them can see the reef.",
        ),
        panel(
            scene("flat", colour="#8fb7c9"),
            close("mara", 0.5, "angry", 1),
            "mara: Then I am rowing over. Keeper Osk must have overslept.",
        ),
        panel(
            scene("boat", tint="night", moon=0.8),
            full("mara", 0.56, "row", "calm", 1, size=0.62, foot=0.95),
            full("pip", 0.25, "stand", "sad", 1, size=0.28, foot=0.8),
            "pip: For the record, puffins are not sailors. We are decorations.",
            "mara: You have feet like paddles. Row!",
        ),
        panel(
            scene("sea", tint="night", horizon=0.3, moon=0.5, rough=1.8),
            full("brine", 0.72, "stand", "calm", -1, size=0.5, foot=1.28),
            "sound@.3,.6: Blorp",
            "caption: Something under the water turned over, and looked up.",
        ),
        panel(
            scene("lighthouse", tint="night", x=0.6, size=0.9, horizon=0.84),
            full("mara", 0.22, "up", "shock", 1, size=0.34),
            "mara shouts: Osk! Are you in?",
        ),
    ),
    page(
        "40:55,45|30:1|30:33,33>,34",
        panel(
            scene("stairs"),
            full("mara", 0.3, "walk", "calm", 1, size=0.44, holding="lantern"),
            full("pip", 0.72, "walk", "sad", -1, size=0.2, foot=0.6),
            "pip: Two hundred and eleven steps. I counted with both feet.",
        ),
        panel(
            scene("flat", colour="#6d7f9c"),
            close("osk", 0.52, "sad", 0),
            "osk: I did not oversleep. I was robbed.",
        ),
        panel(
            scene("lamproom", lens=False, tint="night"),
            full("osk", 0.28, "shrug", "sad", 1, size=0.72),
            full("mara", 0.7, "hips", "shock", -1, size=0.6),
            full("pip", 0.88, "stand", "shock", -1, size=0.3),
            "osk: Somebody unscrewed the great lens and carried it off while I buttered my toast.",
            "mara: Who steals a lens as tall as a door?",
        ),
        panel(
            scene("table"),
            thing("rings", 0.5, 0.76, 0.7),
            "mara thinks: Wet rings on the floor. Round as saucers.",
        ),
        panel(
            scene("flat", colour="#e7b45c"),
            close("pip", 0.4, "shock", 1, size=0.86),
            "pip: Those are suckers. Big, kissing suckers.",
        ),
        panel(scene("burst", colour="#f2a65a"), close("osk", 0.5, "shock", 0), "osk shouts: The Old Kraken!"),
    ),
    page(
        "36:1|32:1<,1|32:1",
        panel(
            scene("kitchen", tint="night"),
            full("osk", 0.26, "sit", "calm", 1, size=0.66, foot=0.98),
            full("mara", 0.74, "sit", "calm", -1, size=0.58, foot=0.98),
            "osk: My grandmother fed it herring. It used to wave at the ferry.",
            "mara: So it is friendly?",
            "osk: It waved with the ferry, too.",
        ),
        panel(
            scene("flat", colour="#9cc7b8"),
            bust("mara", 0.4, "think", "sly", 1),
            "mara thinks: A thief with eight arms and no pockets...",
        ),
        panel(
            scene("clockwork"),
            full("osk", 0.5, "lift", "happy", -1, size=0.86, holding="jar", foot=1.05),
            "osk: Take my jar of sea-glow. It shines as long as you sing to it.",
        ),
        panel(
            scene("beach", tint="night"),
            full("pip", 0.3, "walk", "closed", 1, size=0.3),
            full("mara", 0.6, "walk", "happy", 1, size=0.58, holding="jar"),
            "pip: And if we forget the words?",
            "mara: Then we hum.",
        ),
    ),
    page(
        "33:1,1|34:1|33:1,1,1",
        panel(
            scene("beach", tint="dusk"),
            full("pip", 0.4, "stand", "sly", 1, size=0.5),
            "pip: One question. Does the garden keep its promise if we are eaten?",
        ),
        panel(
            scene("kitchen", tint="dusk"),
            full("osk", 0.36, "lift", "calm", 1, size=0.7, holding="kettle", foot=1.0),
            "osk: Nobody gets eaten on a full stomach. Have a scone.",
        ),
        panel(
            scene("harbour", tint="dusk"),
            full("mara", 0.3, "point", "happy", 1, size=0.5),
            full("tam", 0.68, "hips", "shock", -1, size=0.56),
            "mara: Aunt Tam, may I borrow the old diving bell?",
            "tam: The one with the hole, or the one with the bigger hole?",
        ),
        panel(
            scene("clockwork"),
            full("mara", 0.5, "lift", "calm", 1, size=0.72, holding="wrench"),
            "sound@.5,.16: Klonk klink",
        ),
        panel(scene("table"), thing("jar", 0.5, 0.58, 0.46), "caption: One jar of sea-glow, packed in moss."),
        panel(
            scene("flat", colour="#f0c48f"),
            close("pip", 0.4, "closed", 1, size=0.86),
            "pip: I have written my will. You get the pebbles.",
        ),
    ),
    page(
        "48:1|52:45,55",
        panel(
            scene("deep"),
            full("mara", 0.3, "point", "calm", 1, size=0.4, foot=0.8, holding="jar"),
            full("pip", 0.5, "up", "happy", 1, size=0.2, foot=0.56),
            thing("fish", 0.76, 0.3, 0.12, -1),
            thing("fish", 0.86, 0.42, 0.09, -1),
            thing("fish", 0.66, 0.5, 0.08, -1),
            "caption: The old diving bell leaked only a little.",
            "pip: I take it back. Down here I am a sailor.",
            frame="bleed",
        ),
        panel(
            scene("flat", colour="#2d8ca3"),
            full("mara", 0.5, "stand", "closed", 0, size=1.1, foot=1.3),
            "sound@.5,.2: Blub",
            inset=(0.73, 0.03, 0.23, 0.13),
        ),
        panel(
            scene("deep", glow=True),
            thing("lens", 0.5, 0.56, 0.44),
            "caption: And there, in a garden of weed, stood the lost lens.",
        ),
        panel(
            scene("deep"),
            full("brine", 0.56, "up", "angry", -1, size=0.72, foot=1.0),
            full("mara", 0.12, "up", "shock", 1, size=0.28),
            "brine shouts: Paws off my night light!",
        ),
    ),
    page(
        "33:1>,1|34:1|33:50,50",
        panel(scene("burst", colour="#c86a9a"), close("mara", 0.5, "shock", 1), "mara: It... it talks like my aunt."),
        panel(
            scene("deep"),
            bust("brine", 0.5, "stand", "sad", -1, size=1.1),
            "brine: I have a name, you know. I am Brine, and I am very tired.",
        ),
        panel(
            scene("deep", glow=True),
            full("brine", 0.27, "hold", "sad", 1, size=0.74),
            full("egg", 0.56, "stand", "calm", 1, size=0.3, foot=0.9),
            full("mara", 0.83, "think", "sad", -1, size=0.52),
            "brine: My egg will not hatch in the dark. Every evening your lamp warmed our bed.",
            "brine: Then the keeper fitted a cover, and the light stopped reaching us.",
        ),
        panel(
            scene("flat", colour="#f1d8c2"),
            bust("pip", 0.5, "stand", "sad", 1, size=0.9),
            "pip: Oh no. I have something in my eye. It is feelings.",
        ),
        panel(
            scene("deep", glow=True),
            full("egg", 0.5, "stand", "calm", 1, size=0.6, foot=0.95),
            "sound@.72,.3: Tik",
            "caption: Inside the shell, something knocked. Very softly.",
        ),
    ),
    page(
        "30:40,60|40:60,40|30:1",
        panel(
            scene("dots", colour="#8fd0c8"),
            close("mara", 0.5, "sly", 1),
            "mara: What if you had a lamp that was only yours?",
        ),
        panel(
            scene("deep"),
            full("brine", 0.36, "stand", "shock", 1, size=0.7, foot=1.06),
            full("mara", 0.84, "hold", "happy", -1, size=0.6, holding="jar"),
            "brine: It is so small! Does it bite?",
            "mara: It only wants a song.",
        ),
        panel(
            scene("deep", glow=True),
            full("brine", 0.5, "hold", "happy", 1, size=0.82),
            full("pip", 0.84, "up", "happy", -1, size=0.24, foot=0.6),
            "brine: Hush now, little barnacle, the tide is only breathing...",
            "pip: She has a lovely baritone. Eight of them.",
        ),
        panel(
            scene("flat", colour="#356b82"), thing("jar", 0.5, 0.62, 0.52), "caption: The jar answered, green and gold."
        ),
        panel(
            scene("sea", tint="storm", rough=2.6, horizon=0.4),
            thing("sailboat", 0.3, 0.62, 0.26),
            thing("sailboat", 0.56, 0.55, 0.18, -1),
            thing("sailboat", 0.86, 0.74, 0.32, -1),
            "sound@.7,.2: Krakoom",
            "caption: But up above, the wind had found the three boats.",
        ),
    ),
    page(
        "34:60>,40|33:1|33:40,60",
        panel(
            scene("boat", tint="storm", rough=2.8, weather="rain"),
            full("tam", 0.5, "row", "shock", -1, size=0.66, foot=0.95),
            "tam: I cannot tell the reef from the rain!",
        ),
        panel(
            scene("lighthouse", tint="storm", x=0.5, size=0.8, horizon=0.8, weather="rain"),
            "caption: No lamp. No moon. No stars.",
        ),
        panel(
            scene("deep"),
            full("mara", 0.18, "up", "shock", 1, size=0.56),
            full("brine", 0.6, "up", "calm", -1, size=0.66, foot=1.02),
            "mara: Brine, we need the lens back up there this minute!",
            "brine: Then hold on to my third arm. The second one is ticklish.",
        ),
        panel(
            scene("speed", colour="#3f8fa6"),
            full("pip", 0.5, "up", "shock", 1, size=0.7, foot=0.95),
            "pip shouts: I am flying! Downwards! Up!",
        ),
        panel(
            scene("sea", tint="storm", rough=2.6, horizon=0.46, weather="rain"),
            full("brine", 0.46, "up", "angry", 1, size=0.9, foot=1.04),
            thing("lens", 0.83, 0.36, 0.3),
            "sound@.2,.2: Fwoosh",
        ),
    ),
    page(
        "55:1|45:35,65",
        panel(
            scene("lighthouse", tint="storm", lit=True, x=0.6, size=0.72, horizon=0.74, weather="rain"),
            full("brine", 0.24, "up", "happy", 1, size=0.42, foot=0.98),
            "sound@.3,.16: Shine",
            "brine: Mind your eyes, fishermen! Coming through!",
            frame="bleed",
        ),
        panel(scene("flat", colour="#3a4a66"), thing("lens", 0.5, 0.5, 0.84), inset=(0.76, 0.36, 0.2, 0.15)),
        panel(
            scene("boat", tint="storm", weather="rain"),
            full("tam", 0.5, "row", "happy", 1, size=0.66, foot=0.95),
            "tam: There! A light, thank the herring!",
        ),
        panel(
            scene("lamproom", tint="storm", lit=True),
            full("osk", 0.24, "wave", "happy", 1, size=0.74),
            full("mara", 0.76, "up", "happy", -1, size=0.62),
            "osk: Left a bit. More left. Perfect, leave it there for a hundred years!",
            "mara: And take off that silly cover.",
        ),
    ),
    page(
        "32:1,1|36:1|32:1,1<,1",
        panel(
            scene("harbour", tint="dawn"),
            full("tam", 0.36, "hug", "happy", 1, size=0.6),
            full("mara", 0.6, "hug", "happy", -1, size=0.52),
            "tam: All three boats are home, and not a plank lost.",
        ),
        panel(
            scene("island", tint="dawn"),
            "caption: That morning, nobody on the Rock went to bed.",
        ),
        panel(
            scene("sea", tint="dawn", horizon=0.44),
            full("brine", 0.34, "hold", "happy", 1, size=0.74, foot=1.04),
            full("egg", 0.66, "stand", "calm", 1, size=0.34, foot=0.86),
            "sound@.8,.28: Krik krak",
            "brine: She is coming! Nobody breathe!",
        ),
        panel(
            scene("dots", colour="#f5c2d4"),
            full("egg", 0.5, "stand", "happy", 1, size=0.62, foot=0.98),
            "egg: Hullo. Is it always this bright?",
        ),
        panel(
            scene("flat", colour="#bfe3dd"),
            close("brine", 0.5, "happy", 0, size=0.78),
            "brine: Only when friends are about, my pearl.",
        ),
        panel(
            scene("flat", colour="#f3e2b0"),
            bust("pip", 0.6, "wave", "happy", -1, size=0.8),
            "pip: I shall be her uncle. I have decided.",
        ),
    ),
    page(
        "30:1|40:55<,45|30:1",
        panel(
            scene("beach", tint="day"),
            full("osk", 0.2, "hold", "happy", 1, size=0.7, holding="fish"),
            full("brine", 0.74, "wave", "happy", -1, size=0.86, foot=1.05),
            "osk: Herring, as my grandmother cut it. With butter.",
            "brine: You remembered! I shall try not to wave with the ferry.",
        ),
        panel(
            scene("lamproom", tint="dusk", lit=True),
            full("mara", 0.28, "lift", "calm", 1, size=0.66, holding="wrench"),
            "mara: Now the beam dips once an hour, down to the garden.",
            "mara: A wink for the little one.",
        ),
        panel(
            scene("deep", glow=True),
            full("egg", 0.5, "stand", "happy", 1, size=0.46, foot=0.92),
            "egg: Mama, the sky blinked at me!",
        ),
        panel(
            scene("lighthouse", tint="dusk", lit=True, x=0.72, size=0.9, horizon=0.82),
            full("mara", 0.2, "wave", "happy", 1, size=0.5),
            full("pip", 0.34, "wave", "happy", 1, size=0.24),
        ),
    ),
    page(
        "33:1,1|34:1,1|33:1,1,1",
        panel(
            scene("lamproom", tint="day", lit=False),
            full("osk", 0.3, "hold", "happy", 1, size=0.72, holding="letter", foot=0.98),
            "osk: The harbour board writes that our lamp was reported moving at eleven knots.",
        ),
        panel(
            scene("flat", colour="#9fd0c4"), bust("mara", 0.5, "think", "sly", 1), "mara: Tell them it was exercise."
        ),
        panel(
            scene("sea", tint="day", horizon=0.42),
            full("brine", 0.5, "wave", "happy", 1, size=0.7, foot=1.02),
            thing("fish", 0.84, 0.3, 0.14, -1),
            "brine: I have learned to play catch! Whose ferry is this?",
        ),
        panel(
            scene("harbour", tint="day"),
            full("tam", 0.5, "up", "shock", 0, size=0.6),
            "tam: Put it down! People are still finishing their soup!",
        ),
        panel(
            scene("deep", glow=True),
            full("egg", 0.4, "stand", "happy", 1, size=0.4, foot=0.9),
            full("pip", 0.76, "up", "happy", -1, size=0.3, foot=0.7),
            "egg: Uncle, do it again!",
        ),
        panel(
            scene("speed", colour="#5fb4c9"),
            full("pip", 0.5, "up", "happy", 1, size=0.66, foot=0.95),
            "sound@.3,.2: Wheee",
        ),
        panel(
            scene("dots", colour="#f3d48a"),
            close("osk", 0.5, "happy", 0),
            "osk: I have not been so badly rested in years.",
        ),
    ),
    page(
        "66:1|34:1,1",
        panel(
            scene("lighthouse", tint="night", lit=True, x=0.3, size=0.6, horizon=0.62, moon=0.82),
            full("brine", 0.74, "wave", "happy", -1, size=0.36, foot=0.92),
            full("egg", 0.93, "stand", "happy", -1, size=0.1, foot=0.88),
            "caption@.5,.05: Sailors say the light on Gannet Rock winks at midnight. They say it winks at them.",
            frame="bleed",
        ),
        panel(
            scene("deep", glow=True),
            full("egg", 0.5, "stand", "happy", 1, size=0.7, foot=1.0),
            inset=(0.06, 0.5, 0.2, 0.13),
        ),
        panel(
            scene("kitchen", tint="night"),
            full("mara", 0.34, "sit", "closed", 1, size=0.66, foot=0.98),
            full("pip", 0.72, "stand", "closed", -1, size=0.3, foot=0.84),
            "pip: Do not tell them, will you?",
        ),
        panel(
            scene("flat", colour="#22345c"), close("mara", 0.5, "happy", 0), "mara: Not for all the toast in the world."
        ),
    ),
)

BOOK = Book("lamp", "The Dark Lamp", STYLE, CAST, PAGES, "stage1")
