"""One use case a file: the request, `handle(message, uow)`, the route."""
