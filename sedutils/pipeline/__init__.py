"""The ground that all rooms stand on: params.yaml and its schema, jobs, files, places, what code can reach."""
