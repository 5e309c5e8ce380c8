"""Recipes for the crafted captures: one module a family, each with a function `captures()`."""
