"""What the vendors' streams have in common: words, order, buffer, gaps."""
