"""The remediator, as the other two functions see it: started, never waited for (steps 3 and 6)."""

import json
from dataclasses import asdict, dataclass
from urllib.parse import quote

from lambdas.common import aws


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What is to be told to the person who clicked, and nobody else."""

    user: str
    text: str


class Remediator:
    """The function that moves objects, and tells what became of a click.

    Args:
        function: the function's name or ARN.
    """

    def __init__(self, function: str) -> None:
        self._function = function

    def start(
        self,
        finding_id: str | None,
        *,
        response_url: str | None = None,
        reply: Reply | None = None,
    ) -> None:
        """Have a finding's record acted on and shown, a click answered, or both.

        Source: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html

        Args:
            finding_id: the finding, None where there is nothing to show.
            response_url: where the click is answered, if one led here.
            reply: what is told to the person who clicked.
        """
        request = {
            "finding_id": finding_id,
            "response_url": response_url,
            "reply": asdict(reply) if reply else None,
        }
        path = f"/2015-03-31/functions/{quote(self._function, safe='')}/invocations"
        headers = {"X-Amz-Invocation-Type": "Event"}
        aws.send("lambda", path, headers, json.dumps(request).encode())
