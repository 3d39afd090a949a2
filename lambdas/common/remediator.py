"""The remediator, as the other two functions see it: started, never waited for (steps 3 and 6)."""

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient


class Remediator:
    """The function that moves objects.

    Args:
        client: a Lambda client.
        function: the function's name or ARN.
    """

    def __init__(self, client: "LambdaClient", function: str) -> None:
        self._client = client
        self._function = function

    def start(self, finding_id: str, *, response_url: str | None = None) -> None:
        """Have the finding's record acted on; a click's `response_url` is where it is answered."""
        request = {"finding_id": finding_id, "response_url": response_url}
        answer = self._client.invoke(
            FunctionName=self._function, InvocationType="Event", Payload=json.dumps(request)
        )
        # An answer that is not read keeps its connection from being used again.
        answer["Payload"].read()
