"""The map of every address below `/2.0`, `/site/oauth2` and `/-` that the host serves."""

from roadstead.api.map import Map
from roadstead.bitbucket.map import GROUPS as BITBUCKET
from roadstead.control.map import GROUPS as CONTROL

MAP = Map([*BITBUCKET, *CONTROL])
