"""The pages: rendered on the server, usable without JavaScript, every asset local. They call the same functions as the
API.
"""

from roadstead.web.routes import ROUTES

__all__ = ["ROUTES"]
