"""The routes, one file per resource: types and handlers together."""
