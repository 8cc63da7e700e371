"""From labelled photos to training samples."""
