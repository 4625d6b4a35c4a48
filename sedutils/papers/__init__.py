"""What only one paper needs, a package each; none imports another.

Uses all but site and benchmark.
"""
