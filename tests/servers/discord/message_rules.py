"""Validation of messages: content, embeds, mentions and nonce."""

from collections.abc import Mapping

from tests.servers.discord.components import check_components
from tests.servers.discord.errors import ApiError, Form
from tests.servers.discord.objects import Flag, Json

CONTENT = 2000
EMBEDS, EMBED_TOTAL, FIELDS = 10, 6000, 25
TEXTS = {"title": 256, "description": 4096, "footer.text": 2048, "author.name": 256}
SETTABLE = Flag.SUPPRESS_EMBEDS | Flag.SUPPRESS_NOTIFICATIONS | Flag.COMPONENTS_V2
MENTION_TYPES = ("users", "roles", "everyone")


def flags_of(body: Json, prefix: str = "") -> int:
    """Return the flags that a body sets."""
    form = Form(prefix)
    flags = form.number("flags", body.get("flags") or 0, 0, 2**31)
    form.check()
    return flags


def check_message(body: Json, *, files: int = 0, edits: bool = False, flags: int = 0, prefix: str = "") -> None:
    """Refuse invalid or empty messages. `flags` are those of the resulting message.

    An edit may omit everything; the caller checks whether the result is empty (`refuse_empty`).
    """
    form = Form(prefix)
    form.length("content", body.get("content"), CONTENT)
    _check_embeds(form, body.get("embeds"))
    _check_mentions(form, body.get("allowed_mentions"))
    _check_nonce(form, body)
    two = bool(flags & Flag.COMPONENTS_V2)
    if two:
        _check_alone(form, body)
    check_components(form, "components", body.get("components"), version_2=two)
    form.check()
    if not edits:
        refuse_empty(body, files)


def refuse_empty(body: Mapping[str, object], files: int = 0) -> None:
    """Raise 50006 if there is nothing to show."""
    content = body.get("content")
    shown = isinstance(content, str) and content.strip()
    if not (shown or files or any(body.get(part) for part in ("embeds", "components", "sticker_ids", "poll"))):
        raise ApiError(50006)


def _check_alone(form: Form, body: Json) -> None:
    for part in ("content", "embeds", "sticker_ids", "poll"):
        if body.get(part):
            message = f"The '{part}' field cannot be used when using MessageFlags.IS_COMPONENTS_V2"
            form.fault(part, "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2", message)


def _check_nonce(form: Form, body: Json) -> None:
    nonce = body.get("nonce")
    if nonce is not None and (isinstance(nonce, bool) or not isinstance(nonce, int | str)):
        form.fault("nonce", "BASE_TYPE_BAD_TYPE", "Could not interpret value.")
    elif nonce is not None:
        form.length("nonce", str(nonce), 25)


def _check_embeds(form: Form, embeds: object) -> None:
    if embeds is None:
        return
    form.length("embeds", embeds, EMBEDS)
    total = 0
    for index, embed in form.objects("embeds", embeds):
        total += _check_embed(form, f"embeds.{index}", embed)
    if total > EMBED_TOTAL:
        form.fault("embeds", "MAX_EMBED_SIZE_EXCEEDED", f"Embed size exceeds maximum size of {EMBED_TOTAL}")


def _check_embed(form: Form, path: str, embed: Json) -> int:
    """Check an embed and return its total characters."""
    total = 0
    for name, most in TEXTS.items():
        text: object = embed
        for step in name.split("."):
            text = text.get(step) if isinstance(text, dict) else None
        form.length(f"{path}.{name}", text, most)
        total += len(text) if isinstance(text, str) else 0
    fields = embed.get("fields") or []
    form.length(f"{path}.fields", fields, FIELDS)
    for index, field in form.objects(f"{path}.fields", fields):
        form.required(f"{path}.fields.{index}.name", field.get("name"), 256)
        form.required(f"{path}.fields.{index}.value", field.get("value"), 1024)
        total += len(str(field.get("name") or "")) + len(str(field.get("value") or ""))
    if url := embed.get("url"):
        _check_url(form, f"{path}.url", url)
    if not total and not any(embed.get(part) for part in ("image", "thumbnail", "url", "timestamp")):
        form.fault(f"{path}.description", "BASE_TYPE_REQUIRED", "This field is required")
    return total


def _check_url(form: Form, path: str, url: object) -> None:
    if not isinstance(url, str) or not url.startswith(("http://", "https://", "attachment://")):
        message = f"Scheme \"{str(url).partition(':')[0]}\" is not supported. Scheme must be one of ('http', 'https')."
        form.fault(path, "URL_TYPE_INVALID_SCHEME", message)


def _check_mentions(form: Form, allowed: object) -> None:
    if allowed is None:
        return
    if not isinstance(allowed, dict):
        form.fault("allowed_mentions", "DICT_TYPE_CONVERT", "Only dictionaries may be used in a DictType")
        return
    parse = allowed.get("parse") or []
    for index, kind in enumerate(parse):
        form.choice(f"allowed_mentions.parse.{index}", kind, MENTION_TYPES)
    for kind in ("users", "roles"):
        form.length(f"allowed_mentions.{kind}", allowed.get(kind), 100)
        if kind in parse and allowed.get(kind):
            message = f'parse:["{kind}"] and {kind}: [ids...] are mutually exclusive.'
            form.fault("allowed_mentions", "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE", message)
