"""Networks applied to pictures: what goes in as net.meta says, what comes out as scores or as pictures."""

from vlnn.inference.runner import Outcome, Plan, Runner
from vlnn.inference.scores import Score, ranking

__all__ = ["Outcome", "Plan", "Runner", "Score", "ranking"]
