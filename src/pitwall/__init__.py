"""pitwall."""
