"""What a file says about itself, collected from its blocks and from other programs. These are statements, not proof."""
