"""The service, with a transaction of its own for each single signature: what group commit is compared with.

    python bench/ungrouped.py serve --port 0

Takes the arguments of `python -m app`.
"""

import sys

from app.__main__ import main
from app.count.intake import Answer, GroupCommit, Submission
from app.law.petition import Petition


async def hand_in_alone(self: GroupCommit, petition: Petition, submission: Submission) -> Answer:
    """In place of `GroupCommit.hand_in`: wait for nobody, and let nobody come along."""
    return await self.take_in(petition, submission)


if __name__ == "__main__":
    GroupCommit.hand_in = hand_in_alone  # type: ignore[method-assign]  # the one thing that is different here
    sys.exit(main())
