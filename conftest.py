import gateway  # noqa: F401 - the package, before pytest takes the folder of the same name (gateway/tests) for it

pytest_plugins = ["deploy.local.pytest_servers", "tests.query_watch", "tests.refusal_watch"]
