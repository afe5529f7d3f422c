"""assay checks every figure and code sample of a glossary by running code, and builds its site."""

__version__ = "0.1.0"
