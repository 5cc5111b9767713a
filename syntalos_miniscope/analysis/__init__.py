"""From frames to answers: stabilisation, traces, events, triggers, cells and scores."""
