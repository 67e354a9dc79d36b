"""What the groups of Bitbucket's API announce: the module that builds the payload of each event."""

from roadstead.events.payloads import Payloads

PAYLOADS = Payloads({})
