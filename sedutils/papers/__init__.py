"""What only one paper needs, a package each; none imports another."""
