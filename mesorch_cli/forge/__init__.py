"""Makes forgeries with exact masks from pristine photos. All randomness comes from the generator passed in."""
