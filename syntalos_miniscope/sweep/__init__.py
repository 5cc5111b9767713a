"""Many synthetic recordings over a grid of Specs, each analysed and scored against its truth."""
