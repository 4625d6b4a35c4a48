"""What people look at and listen to: figures, tables, players, diagrams of networks.

Uses claims, corpora, foley and pipeline.
"""
