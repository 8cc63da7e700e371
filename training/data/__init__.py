"""Turns labelled photos into training samples."""
