"""What every handler shares: the words of the trade, and no handler's business."""
