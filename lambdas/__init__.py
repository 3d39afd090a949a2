"""The code that runs in Lambda: three handler packages over a common layer."""

import gc
import os

if "AWS_LAMBDA_INITIALIZATION_TYPE" in os.environ:
    # What is imported stays, so looking for garbage meanwhile only takes time: a tenth of a cold
    # start. `lambdas.common.init_phase` turns the collector on again.
    gc.disable()
