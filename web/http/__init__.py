"""Parts shared by all HTTP handlers: problems, bodies, parameters, JSON answers, CORS."""
