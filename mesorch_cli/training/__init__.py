"""Training: samples forged on the fly, a loop that resumes exactly, and its starting points."""
