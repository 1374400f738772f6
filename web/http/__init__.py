"""What every HTTP handler needs: problems, bodies, parameters, JSON answers, CORS."""
