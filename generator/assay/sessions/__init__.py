"""Jobs to outcomes: code is run, and its results are kept."""
