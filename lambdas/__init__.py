"""The code that runs in Lambda: three handler packages over a common layer."""
