"""Training: forged samples on the fly, a loop that resumes exactly, and what it starts from."""
