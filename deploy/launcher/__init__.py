"""The launcher: starts pipelines and tells people what came of them."""
