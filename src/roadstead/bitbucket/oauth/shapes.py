"""The token exchange over the wire, as OAuth 2 defines it."""

from typing import Annotated, Literal, NotRequired, TypedDict

import msgspec

OAuthError = Literal["invalid_client", "invalid_request", "invalid_scope", "unsupported_grant_type"]


class TokenRequest(TypedDict):
    """`scope` asks for some of the app's scopes, separated by spaces; `bitbucket_repository` is a repository's UUID."""

    grant_type: Literal["urn:bitbucket:oauth2:jwt"]
    scope: NotRequired[Annotated[str, msgspec.Meta(examples=["account"])]]
    bitbucket_repository: NotRequired[Annotated[str, msgspec.Meta(examples=["{0f4d1c1e-6a0d-4c0e-9a59-2b3f6d0d1111}"])]]


class AccessTokenResource(TypedDict):
    access_token: str
    token_type: Literal["bearer"]
    expires_in: int
    scopes: str


class OAuthRefusal(TypedDict):
    """A refusal, as OAuth 2 defines it."""

    error: OAuthError
    error_description: str
