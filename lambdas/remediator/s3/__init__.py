"""S3 as the remediator uses it: typed requests to one account and Region."""
