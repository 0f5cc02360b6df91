"""Forgeries with exact masks from pristine photos, on the fly. Everything random comes from the generator passed in."""
