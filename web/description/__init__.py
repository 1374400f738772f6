"""The description of the edge for programs: OpenAPI of its paths, AsyncAPI of its topics."""
