"""Model factories: a registry, building blocks, and one module a family."""
