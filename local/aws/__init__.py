"""AWS in the sandbox: the local emulator, the deployed stack, and the events it receives."""
