"""Scenes: each paints the background of a panel, and may paint something in front of the cast."""

from collections.abc import Callable

from tools.sample_comics.draw.scenery import city, country, plain, rooms, sea, space, weather

BACK: dict[str, Callable[..., None]] = {
    **city.BACK,
    **country.BACK,
    **plain.BACK,
    **rooms.BACK,
    **sea.BACK,
    **space.BACK,
}

FRONT: dict[str, Callable[..., None]] = {**sea.FRONT, **rooms.FRONT, **country.FRONT}

WEATHER = weather.WEATHER
