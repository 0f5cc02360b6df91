"""What a file says of itself, put together from its blocks and by foreign programs. Statements, not proof."""
