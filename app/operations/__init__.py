"""The operator's commands, such as `parley verify`, `rebuild`, `doctor` and `rules`."""
