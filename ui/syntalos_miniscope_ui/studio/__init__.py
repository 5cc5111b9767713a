"""The studio: tune a synthetic recording by eye, then write exactly what was seen."""
