"""The token endpoint over the wire, as OAuth 2 defines it."""

from typing import Annotated, Literal, NotRequired, TypedDict

import msgspec

from roadstead.domain.access.grants import OAuthError


class TokenRequest(TypedDict):
    """`scope` asks for some of the app's or the consumer's scopes, separated by spaces; `bitbucket_repository` is a
    repository's UUID. A consumer that sends no Basic credential names itself by `client_id` and `client_secret`.
    """

    grant_type: Annotated[
        Literal["urn:bitbucket:oauth2:jwt", "authorization_code", "refresh_token", "client_credentials"],
        msgspec.Meta(examples=["urn:bitbucket:oauth2:jwt"]),
    ]
    scope: NotRequired[Annotated[str, msgspec.Meta(examples=["account"])]]
    bitbucket_repository: NotRequired[Annotated[str, msgspec.Meta(examples=["{0f4d1c1e-6a0d-4c0e-9a59-2b3f6d0d1111}"])]]
    code: NotRequired[str]
    redirect_uri: NotRequired[str]
    code_verifier: NotRequired[str]
    refresh_token: NotRequired[str]
    client_id: NotRequired[str]
    client_secret: NotRequired[str]


class AccessTokenResource(TypedDict):
    """A Bearer token. A consumer also gets a `refresh_token`, and `state` with client credentials, as in the cloud."""

    access_token: str
    token_type: Literal["bearer"]
    expires_in: int
    scopes: str
    refresh_token: NotRequired[str]
    state: NotRequired[Literal["client_credentials"]]


class OAuthRefusal(TypedDict):
    """A refusal, as OAuth 2 defines it."""

    error: OAuthError
    error_description: str
