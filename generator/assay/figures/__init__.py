"""What a number in prose says, and whether a computed value agrees."""
