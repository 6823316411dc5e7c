"""The seed of a campaign: printed with its figures, and given by a variable to repeat a run."""

import os
import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CampaignSeed:
    variable: str
    value: int

    def rng(self, purpose: str) -> random.Random:
        """A source of its own for each purpose, so that one's choices do not hang on another's."""
        return random.Random(f"{self.value}:{purpose}")

    def tell(self, text: str) -> None:
        """Shown by `pytest -s`, and where a test fails."""
        print(f"\n[{self}] {text}", flush=True)  # noqa: T201 - figures for a person

    def __str__(self) -> str:
        return f"{self.variable}={self.value}"


def campaign_seed(variable: str) -> CampaignSeed:
    """The one that the variable gives, or one drawn at random."""
    given = os.environ.get(variable)
    return CampaignSeed(variable, int(given) if given else random.SystemRandom().randrange(1 << 32))
