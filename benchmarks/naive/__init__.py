"""What most people would write: everything imported and every client made at the top."""
