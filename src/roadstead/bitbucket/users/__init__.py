"""The group Users: whom a credential stands for."""
