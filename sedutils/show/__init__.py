"""What people look at and listen to: figures, tables, players, diagrams of networks."""
