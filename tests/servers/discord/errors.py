"""REST errors: status, code, message, and for form bodies the path of each fault."""

from tests.servers.discord.objects import Json

SENTENCES = {
    10003: (404, "Unknown Channel"),
    10004: (404, "Unknown Guild"),
    10007: (404, "Unknown Member"),
    10008: (404, "Unknown Message"),
    10013: (404, "Unknown User"),
    10015: (404, "Unknown Webhook"),
    10062: (404, "Unknown interaction"),
    10063: (404, "Unknown application command"),
    20012: (403, "You are not authorized to perform this action on this application"),
    30015: (400, "Maximum number of attachments in a message reached (10)"),
    30032: (400, "Maximum number of application commands reached (100)"),
    30046: (429, "Maximum number of edits to messages older than 1 hour reached. Try again later."),
    40058: (400, "Cannot send a message in a forum channel"),
    40060: (400, "Interaction has already been acknowledged."),
    40094: (400, "This interaction has hit the maximum number of follow up messages"),
    50001: (403, "Missing Access"),
    50003: (403, "Cannot execute action on a DM channel"),
    50005: (403, "Cannot edit a message authored by another user"),
    50006: (400, "Cannot send an empty message"),
    50007: (403, "Cannot send messages to this user"),
    50013: (403, "Missing Permissions"),
    50016: (400, "Provided too few or too many messages to delete. Must provide at least 2 and at most 100 messages."),
    50021: (403, "Cannot execute action on a system message"),
    50024: (400, "Cannot execute action on this channel type"),
    50027: (401, "Invalid Webhook Token"),
    50034: (400, "You can only bulk delete messages that are under 14 days old."),
    50083: (400, "Thread is archived"),
    50109: (400, "The request body contains invalid JSON."),
    50278: (403, "Cannot send messages to this user due to having no mutual guilds"),
    160002: (400, "Cannot reply without permission to read message history"),
    160004: (400, "A thread has already been created for this message"),
    160005: (400, "Thread is locked"),
}


class ApiError(Exception):
    """An error response: a code of SENTENCES, or a status and message of its own (code 0)."""

    def __init__(self, code: int, *, status: int | None = None, message: str | None = None,
                 retry_after: float | None = None, errors: Json | None = None) -> None:  # fmt: skip
        known_status, known_message = SENTENCES.get(code, (status or 400, message or ""))
        self.status, self.code = status or known_status, code
        self.body: Json = {"message": message or known_message, "code": code}
        self.body |= {} if errors is None else {"errors": errors}
        self.body |= {} if retry_after is None else {"retry_after": retry_after, "global": False}
        super().__init__(f"{self.status} {code}: {self.body['message']}")


def unauthorized() -> ApiError:
    return ApiError(0, status=401, message="401: Unauthorized")


def not_found() -> ApiError:
    return ApiError(0, status=404, message="404: Not Found")


def not_an_object(path: str) -> ApiError:
    form = Form()
    form.fault(path, "DICT_TYPE_CONVERT", "Only dictionaries may be used in a DictType")
    return ApiError(50035, message="Invalid Form Body", errors=form.faults)


def snowflake(value: object, path: str) -> int:
    """Return an id as a number, given as a number or text. Report anything else at `path`."""
    form = Form()
    if isinstance(value, bool) or not str(value).isdecimal():
        form.fault(path, "NUMBER_TYPE_COERCE", f'Value "{value}" is not snowflake.')
    form.check()
    return int(str(value))


class Form:
    """Collects the faults of a body, each with its path, into one 50035 error."""

    def __init__(self, prefix: str = "") -> None:
        self.prefix = prefix
        self.faults: Json = {}

    def fault(self, path: str, code: str, message: str) -> None:
        """Add a fault at a dotted path ("embeds.0.title"). "" is the body, or its part that `prefix` names."""
        place = self.faults
        for step in filter(None, f"{self.prefix}.{path}".split(".")):
            place = place.setdefault(step, {})
        place.setdefault("_errors", []).append({"code": code, "message": message})

    def length(self, path: str, value: object, most: int, least: int = 0) -> None:
        """Check the length of a string or list. None is valid; other types are not."""
        if value is None:
            return
        if not isinstance(value, str | list):
            self.fault(path, "BASE_TYPE_BAD_TYPE", "Could not interpret value.")
        elif not value and least:
            self.fault(path, "BASE_TYPE_REQUIRED", "This field is required")
        elif len(value) > most and least:
            self.fault(path, "BASE_TYPE_BAD_LENGTH", f"Must be between {least} and {most} in length.")
        elif len(value) > most:
            self.fault(path, "BASE_TYPE_MAX_LENGTH", f"Must be {most} or fewer in length.")
        elif len(value) < least:
            self.fault(path, "BASE_TYPE_MIN_LENGTH", f"Must be {least} or more in length.")

    def required(self, path: str, value: object, most: int, least: int = 1) -> None:
        """Check the length as in `length`, but refuse None."""
        if value is None:
            self.fault(path, "BASE_TYPE_REQUIRED", "This field is required")
        else:
            self.length(path, value, most, least)

    def objects(self, path: str, values: object) -> list[tuple[int, Json]]:
        """Yield the objects of a list with their paths; report anything else. None is an empty list."""
        if values is not None and not isinstance(values, list):
            self.fault(path, "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
        known = list(enumerate(values)) if isinstance(values, list) else []
        for index, value in known:
            if not isinstance(value, dict):
                self.fault(f"{path}.{index}", "DICT_TYPE_CONVERT", "Only dictionaries may be used in a DictType")
        return [(index, value) for index, value in known if isinstance(value, dict)]

    def number(self, path: str, value: object, least: int, most: int) -> int:
        """Return an integer within its bounds; report anything else and return `least`."""
        if isinstance(value, bool) or not str(value).isdecimal():
            self.fault(path, "NUMBER_TYPE_COERCE", f'Value "{value}" is not int.')
        elif not least <= int(str(value)) <= most:
            self.fault(path, "NUMBER_TYPE_MAX", f"int value should be between {least} and {most}.")
        else:
            return int(str(value))
        return least

    def choice(self, path: str, value: object, choices: object) -> None:
        if value not in choices:  # type: ignore[operator]
            self.fault(path, "BASE_TYPE_CHOICES", f"Value must be one of {choices}.")

    def check(self) -> None:
        """Raise ApiError if there were faults."""
        if self.faults:
            raise ApiError(50035, status=400, message="Invalid Form Body", errors=self.faults)
