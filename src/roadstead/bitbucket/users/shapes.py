"""E-mail addresses over the wire. Accounts are in `roadstead.shapes`."""

from typing import Literal, TypedDict

from roadstead.listing import Field, Listing
from roadstead.model import Email
from roadstead.shapes.links import Link


class EmailLinks(TypedDict):
    self: Link


class EmailResource(TypedDict):
    """An e-mail address of the user."""

    type: Literal["email"]
    links: EmailLinks
    email: str
    is_primary: bool
    is_confirmed: bool


EMAIL_LIST = Listing(Field("email", str), Field("is_primary", bool), Field("is_confirmed", bool))


def email(email: Email, url_of_list: str) -> EmailResource:
    """Return an address. As on the cloud, the link does not encode it."""
    return {
        "type": "email",
        "links": {"self": Link(f"{url_of_list}/{email.address}")},
        "email": email.address,
        "is_primary": email.is_primary,
        "is_confirmed": email.is_confirmed,
    }
