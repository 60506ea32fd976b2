"""One module per version of the schema; each is left as it is once it was released."""
