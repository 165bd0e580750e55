pytest_plugins = ["deploy.local.pytest_servers"]
