"""Measuring maps: metrics that count every pixel and say where they are undefined."""
