"""What decides whether an adapter may be used: each gate measures one thing and says how sure that is."""
