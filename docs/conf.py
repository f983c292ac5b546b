"""Sphinx's configuration."""

import os

import handwriting_cnn

project = "handwriting-cnn"
author = "The handwriting-cnn developers"
copyright = "2026, the handwriting-cnn developers"
version = release = handwriting_cnn.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "gallery/**/*.ipynb", "gallery/**/*.py", "gallery/**/*.md5"]
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
autodoc_typehints = "none"  # the docstrings say types and shapes in words
autodoc_member_order = "bysource"
napoleon_google_docstring = True
napoleon_use_ivar = True

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "gallery",
    # Training takes minutes: the pages show output and pictures only where somebody asks for them.
    "filename_pattern": r"\.py$" if os.environ.get("HANDWRITING_CNN_GALLERY") else r"^$",
    "download_all_examples": False,
    "show_memory": False,
    "reference_url": {},
}

html_theme = "furo"
html_title = "handwriting-cnn"
html_static_path = ["_static"]
