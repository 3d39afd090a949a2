"""The init phase of a function: Lambda gives it a full core, whatever the function's memory is.

Source: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
"""

import gc
import os
from collections.abc import Callable


def end_init_phase(create_services: Callable[[], object]) -> None:
    """Create the services now if this is Lambda, so that the first event pays for requests only.

    Each handler module calls it last. Elsewhere, in tests, the services are created when they are
    needed.
    Source: https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
    """
    if "AWS_LAMBDA_INITIALIZATION_TYPE" not in os.environ:
        return
    create_services()
    # The modules and clients are never garbage: the collector need not look at them again.
    gc.freeze()
    gc.enable()
