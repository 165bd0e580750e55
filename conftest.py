from hypothesis import Phase, settings

import gateway  # noqa: F401 - the package, before pytest takes the folder of the same name (gateway/tests) for it

# Loaded by pyproject.toml: no example is timed, since other processes may hold it up; and without Hypothesis's last phase, that
# traces each line of a failing run to explain it. For a state machine it took longer than `faulthandler_timeout`, and to write
# down the threads of a traced process ended the worker.
settings.register_profile("suite", deadline=None, phases=[phase for phase in Phase if phase is not Phase.explain])

pytest_plugins = ["deploy.local.pytest_servers", "tests.query_watch", "tests.refusal_watch"]
