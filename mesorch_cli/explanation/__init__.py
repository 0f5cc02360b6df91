"""Why the map of a photo is as it is: what each scale gave, and what of it stays when the analysis is varied."""
