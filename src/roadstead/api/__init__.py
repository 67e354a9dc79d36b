"""The HTTP front door: Bitbucket's REST API 2.0 as far as it goes, and what is ours alone under `/-/`.

`routes` is the map. A handler reads the request, calls the domain and shapes the answer; authentication and errors are
done once, in `resource`.
"""
