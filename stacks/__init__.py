"""What is deployed: one stack, made of one construct a file."""
