"""The pages: server-rendered, usable without JavaScript, every asset local. They call the functions the API calls."""

from roadstead.web.routes import ROUTES

__all__ = ["ROUTES"]
