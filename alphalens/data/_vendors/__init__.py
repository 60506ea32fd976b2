"""How vendors are asked and how their answers are read, behind the providers."""
