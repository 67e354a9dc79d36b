"""The groups of Bitbucket's API."""

from roadstead.bitbucket.addon import operations as addon
from roadstead.bitbucket.linkers import operations as linkers
from roadstead.bitbucket.oauth import operations as oauth
from roadstead.bitbucket.users import operations as users
from roadstead.bitbucket.workspaces import operations as workspaces

GROUPS = [
    addon.OPERATIONS,
    linkers.OPERATIONS,
    users.OPERATIONS,
    workspaces.OPERATIONS,
    oauth.OPERATIONS,
]
