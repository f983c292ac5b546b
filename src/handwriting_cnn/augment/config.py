"""How strongly training pictures are distorted."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from handwriting_cnn.errors import ConfigError, UnknownNameError


@dataclass(frozen=True, kw_only=True)
class AugmentConfig:
    """Ranges of the random distortion; each picture draws its own, anew in each epoch.

    Attributes:
        rotation: Largest angle either way, in degrees, 0..180.
        scale: Largest logarithm of the magnification, 0..1: factors from ``exp(-scale)`` to ``exp(scale)``, drawn
            separately for width and height.
        shear: Largest horizontal slant, 0..1: pixels to the side for each pixel of height.
        shift: Largest shift as a fraction of the side, 0..0.5; one number, or ``(horizontal, vertical)``.
        elastic: Standard deviation of a random displacement at control points, as a fraction of the side, 0..0.2.
            Between them it is interpolated (bicubic), which makes it smaller: over all pixels it is 0.94 of that with 2
            control points a side, 0.87 with 4, 0.83 with 16. Marks carry meaning in many scripts: keep it mild.
        elastic_grid: Control points of that displacement along each side, 2..16; fewer are smoother.
        stroke: Largest share, 0..1, by which strokes become thicker or thinner: of the way from the picture to its
            brightest or darkest neighbour within a pixel. Pens differ. ``"auto"`` is 0, and 0.6 where a Trainer learns
            from fewer than 5,000 pictures, see :func:`~handwriting_cnn.training.resolve.auto_stroke`.
        jitter: How far a network that brings characters to one place and size itself, such as ``glyphnet``, misses them
            while the Trainer trains it: largest shift either way as a fraction of half its square's side, 0..0.5, and
            largest logarithm of its magnification, 0..0.3. Other networks have no such layer.
        mirror: Whether half of the pictures are mirrored left to right. Letters are not symmetric: off by default.

    Raises:
        ConfigError: If a setting is outside its range.
    """

    rotation: float = 15.0
    scale: float = 0.15
    shear: float = 0.2
    shift: float | tuple[float, float] = 0.08
    elastic: float = 0.0
    elastic_grid: int = 4
    stroke: float | Literal["auto"] = "auto"
    jitter: tuple[float, float] = (0.08, 0.1)
    mirror: bool = False

    def __post_init__(self) -> None:
        if isinstance(self.shift, tuple) and len(self.shift) != 2:
            raise ConfigError(f"shift must be a number or (horizontal, vertical), but is {self.shift!r}")
        if not isinstance(self.jitter, tuple) or len(self.jitter) != 2:
            raise ConfigError(f"jitter must be (shift, scale), but is {self.jitter!r}")
        bounds = {"rotation": 180.0, "scale": 1.0, "shear": 1.0, "elastic": 0.2, "stroke": 1.0}
        if self.stroke == "auto":
            del bounds["stroke"]
        values = [(name, getattr(self, name), high) for name, high in bounds.items()]
        values += [("shift", fraction, 0.5) for fraction in self.shift_fractions]
        values += [("jitter", value, high) for value, high in zip(self.jitter, (0.5, 0.3), strict=True)]
        for name, value, high in values:
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= high:
                raise ConfigError(f"{name} must be a number in 0..{high:g}, but is {value!r}")
        if type(self.elastic_grid) is not int or not 2 <= self.elastic_grid <= 16:
            raise ConfigError(f"elastic_grid must be an int in 2..16, but is {self.elastic_grid!r}")
        if type(self.mirror) is not bool:
            raise ConfigError(f"mirror must be true or false, but is {self.mirror!r}")

    @property
    def shift_fractions(self) -> tuple[float, float]:
        """The largest shift as ``(horizontal, vertical)`` fractions."""
        return self.shift if isinstance(self.shift, tuple) else (self.shift, self.shift)

    def to_json(self) -> dict[str, Any]:
        """Return the settings as JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "AugmentConfig":
        """Make a config from what :meth:`to_json` returned.

        Raises:
            UnknownNameError: If a setting does not exist.
            ConfigError: If one is outside its range.
        """
        UnknownNameError.check("augmentation setting", values, known=(item.name for item in fields(cls)))
        known: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in values.items()
        }
        return cls(**known)
