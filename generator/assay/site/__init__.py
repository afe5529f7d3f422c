"""A report to the pages of a site."""
