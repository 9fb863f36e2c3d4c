"""Probabilities in words that a person can weigh: so many in ten, said no more exactly than we know."""

from typing import Final

_IN_TEN: Final = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "all")


def in_ten(probability: float) -> str:
    """So many in ten ("about seven in ten"); at the ends one or nineteen in twenty, and never none or all."""
    if probability < 0.05:
        return "fewer than one in twenty"
    if probability > 0.95:
        return "more than nineteen in twenty"
    return f"about {_IN_TEN[min(max(round(probability * 10), 1), 9)]} in ten"


def of_students_like(probability: float) -> str:
    """What the estimate says, as a frequency among many, because it says nothing certain about one."""
    return (
        f"Of students whose record looked like this, {in_ten(probability)} went on to fail or to leave."
        " It does not say who of them this student is."
    )


def still_succeed(probability: float) -> str:
    """The same estimate from the other side, for the student."""
    share = in_ten(1 - probability)
    return f"Of earlier students whose record looked like yours, {share} went on to pass."


def how_sure(lower: float, upper: float) -> str:
    """How far the estimate itself can be trusted, from the width of its interval."""
    width = upper - lower
    if width <= 0.1:
        return "There were many students like this to learn from; terms still differ by more than the interval says."
    if width <= 0.25:
        return "The estimate is rough: read it as a range, not as a number."
    return "The estimate is very uncertain: few students were like this, so trust the facts more than the number."


def times(contribution: float) -> str:
    """A contribution in log-odds as what it does to the odds: "×2.1" or "÷1.4"."""
    factor = 2.718281828459045 ** abs(contribution)
    shown = f"{factor:.1f}" if factor < 10 else f"{factor:.0f}"
    if shown == "1.0":
        return "×1.0"
    return f"{'×' if contribution > 0 else '÷'}{shown}"
