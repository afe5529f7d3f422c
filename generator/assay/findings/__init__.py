"""What can be wrong, each with a code, a place and a cure."""
