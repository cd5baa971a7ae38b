"""Reference model of scheduling reservations: budgets as fractions, and who has been promised what."""

from dataclasses import dataclass, field
from fractions import Fraction

from hw.abi import Status

__all__ = ["BudgetModel", "LEAST", "LEAST_SHARE", "LONGEST", "MOST_SHARE"]

#: As the documentation states them: nanoseconds, and parts of the processor.
LEAST, LONGEST = 200_000, 1_000_000_000
LEAST_SHARE, MOST_SHARE = Fraction(1, 256), Fraction(3, 4)
#: Shares are rounded up to units of this.
UNIT = Fraction(1, 1 << 32)


@dataclass
class BudgetModel:
    """What all budgets are set to.

    Attributes
    ----------
    settings : dict of int to (int, int)
        Budget and period of each that has some, in nanoseconds.
    """

    settings: dict[int, tuple[int, int]] = field(default_factory=dict)

    @staticmethod
    def _rounded(amount: int, period: int) -> Fraction:
        return -(-Fraction(amount, period) // UNIT) * UNIT

    def check(self, which: int, amount: int, period: int) -> Status:
        """What the kernel has to say of a setting."""
        if amount == period == 0:
            return Status.OK
        if not (LEAST <= amount <= period <= LONGEST and self._rounded(amount, period) >= LEAST_SHARE):
            return Status.BAD_ARGUMENT
        others = sum(self._rounded(*setting) for other, setting in self.settings.items() if other != which)
        return Status.OK if others + self._rounded(amount, period) <= MOST_SHARE else Status.NO_TIME

    def set(self, which: int, amount: int, period: int) -> None:
        """Takes over a setting that was allowed."""
        self.settings.pop(which, None)
        if amount:
            self.settings[which] = (amount, period)

    @property
    def promised(self) -> Fraction:
        """The exact sum."""
        return sum((Fraction(*setting) for setting in self.settings.values()), Fraction(0))
