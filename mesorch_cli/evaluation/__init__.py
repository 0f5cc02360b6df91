"""What a map is worth: metrics that count every pixel and say where they are undefined."""
