"""The place of a figure: from heights above the ground to pixels."""

from dataclasses import dataclass, replace

from tools.sample_comics.draw.ink.curves import Point


@dataclass(frozen=True)
class Stance:
    x: float
    foot: float
    height: float
    side: int

    def p(self, u: float, v: float) -> Point:
        """Return a point in pixels; u forwards and v upwards, in heights."""
        return self.x + u * self.height * self.side, self.foot - v * self.height

    def points(self, *pairs: Point) -> list[Point]:
        return [self.p(u, v) for u, v in pairs]

    def lowered(self, drop: float) -> "Stance":
        return replace(self, foot=self.foot + drop * self.height)
