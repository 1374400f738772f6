"""The operator's commands: `parley dead`, `doctor`, `forget`, `rebuild` and others."""
