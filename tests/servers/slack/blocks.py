"""Validation of blocks, after Block Kit's reference."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from tests.servers.slack.calls import ApiError
from tests.servers.slack.objects import Json, new_id

MOST_BLOCKS = 50
MARKDOWN = 12_000
# What fits: 13,297 characters in one markdown block; 9,597 in 50 blocks, but not 11,341 in 45 (bolt-js#2509, #2867).
# Fifty characters a block next to its text agree with all three.
BLOCKS_TEXT, BLOCK_OVERHEAD = 13_347, 50

BLOCKS = set("actions alert card carousel container context context_actions divider file header image input markdown "
             "plan rich_text section table task_card video".split())  # fmt: skip
SELECTS = {f"{many}{what}_select" for many in ("", "multi_")
           for what in ("static", "external", "users", "conversations", "channels")}  # fmt: skip
PICKERS = {"datepicker", "timepicker", "datetimepicker", "checkboxes", "radio_buttons"}
INPUTS = {"plain_text_input", "email_text_input", "url_text_input", "number_input", "rich_text_input", "file_input"}
ACTIONS = SELECTS | PICKERS | {"button", "overflow", "workflow_button", "rich_text_input"}
ELEMENTS = {
    "actions": (ACTIONS, 25),
    "context": ({"image", "plain_text", "mrkdwn"}, 10),
    "context_actions": ({"feedback_buttons", "icon_button"}, 5),
    "carousel": ({"card"}, 10),
}
Problems = Iterator[str]


def check_blocks(blocks: Any, *, most: int = MOST_BLOCKS) -> list[Json]:
    """Return the valid blocks of a message; raise ApiError with all problems, or if the total text is too long."""
    if not blocks:
        return []
    if not isinstance(blocks, list) or not all(isinstance(block, dict) for block in blocks):
        raise ApiError("invalid_blocks_format")
    if problems := list(problems_of(blocks, "/blocks", most)):
        raise ApiError("invalid_blocks", *problems, errors=problems)
    if sum(map(len, texts_of(blocks))) + BLOCK_OVERHEAD * len(blocks) > BLOCKS_TEXT:
        raise ApiError("msg_blocks_too_long")
    return blocks


def with_ids(blocks: Sequence[Json]) -> list[Json]:
    """Return the blocks with the `block_id`s and `action_id`s that Slack generates where the app sent none."""
    kept = [{**block, "block_id": block.get("block_id") or new_id("", 5)} for block in blocks]
    for block in kept:
        if block["type"] in ("actions", "context_actions"):
            block["elements"] = [{**e, "action_id": e.get("action_id") or new_id("", 5)} for e in block["elements"]]
        if "accessory" in block:
            block["accessory"] = {"action_id": new_id("", 5)} | block["accessory"]
    return kept


def problems_of(blocks: Sequence[Json], at: str, most: int) -> Problems:
    """Yield every problem of a message's or view's blocks, each with its JSON pointer."""
    if len(blocks) > most:
        yield f"no more than {most} items allowed [json-pointer:{at}]"
        return
    ids = [block["block_id"] for block in blocks if block.get("block_id")]
    if twice := sorted({str(one) for one in ids if ids.count(one) > 1}):
        yield f"`block_id` {twice[0]} already exists [json-pointer:{at}]"
    for number, block in enumerate(blocks):
        yield from _block(block, f"{at}/{number}")
    if sum(len(str(block.get("text"))) for block in blocks if block.get("type") == "markdown") > MARKDOWN:
        yield f"must be less than {MARKDOWN + 1} characters [json-pointer:{at}]"


def _block(block: Json, at: str) -> Problems:
    kind = block.get("type")
    if kind not in BLOCKS:
        yield f"unsupported type: {kind} [json-pointer:{at}/type]"
        return
    yield from _length(block.get("block_id"), 255, f"{at}/block_id")
    match kind:
        case "section":
            yield from _section(block, at)
        case "header":
            yield from text_problems(block.get("text"), 150, f"{at}/text", ("plain_text",))
        case "markdown":
            yield from _string(block.get("text"), 1, f"{at}/text")
        case "input":
            yield from _input(block, at)
        case "image":
            yield from _image(block, at)
        case _ if kind in ELEMENTS:
            yield from _elements(block, at)


def _section(block: Json, at: str) -> Problems:
    fields = block.get("fields")
    if block.get("text") is None and not fields:
        yield f"missing required field: text [json-pointer:{at}]"
    if block.get("text") is not None:
        yield from text_problems(block["text"], 3000, f"{at}/text")
    if fields:
        if len(fields) > 10:
            yield f"no more than 10 items allowed [json-pointer:{at}/fields]"
        for number, one in enumerate(fields):
            yield from text_problems(one, 2000, f"{at}/fields/{number}")
    if accessory := block.get("accessory"):
        yield from _element(accessory, f"{at}/accessory", ACTIONS | {"image"})


def _input(block: Json, at: str) -> Problems:
    yield from text_problems(block.get("label"), 2000, f"{at}/label", ("plain_text",))
    if block.get("hint") is not None:
        yield from text_problems(block["hint"], 2000, f"{at}/hint", ("plain_text",))
    yield from _element(block.get("element"), f"{at}/element", INPUTS | SELECTS | PICKERS)


def _image(image: Json, at: str) -> Problems:
    if not image.get("image_url") and not image.get("slack_file"):
        yield f"missing required field: image_url [json-pointer:{at}]"
    yield from _length(image.get("image_url"), 3000, f"{at}/image_url")
    if not isinstance(image.get("alt_text"), str):
        yield f"missing required field: alt_text [json-pointer:{at}]"
    yield from _length(image.get("alt_text"), 2000, f"{at}/alt_text")


def _elements(block: Json, at: str) -> Problems:
    allowed, most = ELEMENTS[block["type"]]
    elements = block.get("elements")
    if not isinstance(elements, list):
        yield f"missing required field: elements [json-pointer:{at}]"
        return
    if len(elements) > most:
        yield f"no more than {most} items allowed [json-pointer:{at}/elements]"
    if not elements:
        yield f"must have at least 1 items [json-pointer:{at}/elements]"
    ids = [e.get("action_id") for e in elements if isinstance(e, dict) and e.get("action_id")]
    if twice := sorted({str(one) for one in ids if ids.count(one) > 1}):
        yield f"`action_id` {twice[0]} already exists [json-pointer:{at}/elements]"
    for number, element in enumerate(elements):
        yield from _element(element, f"{at}/elements/{number}", allowed)


def _element(element: Any, at: str, allowed: Collection[str]) -> Problems:
    kind = element.get("type") if isinstance(element, dict) else None
    if not isinstance(kind, str) or kind not in allowed:
        yield f"unsupported type: {kind} [json-pointer:{at}/type]"
        return
    yield from _length(element.get("action_id"), 255, f"{at}/action_id")
    match kind:
        case "plain_text" | "mrkdwn":
            yield from text_problems(element, 3000, at)
        case "image":
            yield from _image(element, at)
        case "button":
            yield from text_problems(element.get("text"), 75, f"{at}/text", ("plain_text",))
            yield from _length(element.get("value"), 2000, f"{at}/value")
            yield from _length(element.get("url"), 3000, f"{at}/url")
            if element.get("style") not in (None, "primary", "danger"):
                yield f"must be a valid enum value [json-pointer:{at}/style]"
        case "feedback_buttons":
            for name in ("positive_button", "negative_button"):
                yield from _feedback_button(element.get(name), f"{at}/{name}")
        case "icon_button":
            if element.get("icon") != "trash":
                yield f"must be a valid enum value [json-pointer:{at}/icon]"
            yield from text_problems(element.get("text"), 75, f"{at}/text", ("plain_text",))
            yield from _length(element.get("value"), 2000, f"{at}/value")


def _feedback_button(button: Any, at: str) -> Problems:
    if not isinstance(button, dict):
        yield f"missing required field: {at.rpartition('/')[2]} [json-pointer:{at.rpartition('/')[0]}]"
        return
    yield from text_problems(button.get("text"), 75, f"{at}/text", ("plain_text",))
    yield from _string(button.get("value"), 1, f"{at}/value")
    yield from _length(button.get("value"), 2000, f"{at}/value")


def text_problems(text: Any, most: int, at: str, types: Collection[str] = ("plain_text", "mrkdwn")) -> Problems:
    """Yield every problem of a text object."""
    if not isinstance(text, dict):
        yield f"missing required field: {at.rpartition('/')[2]} [json-pointer:{at.rpartition('/')[0]}]"
        return
    if str(text.get("type")) not in types:
        yield f"unsupported type: {text.get('type')} [json-pointer:{at}/type]"
    yield from _string(text.get("text"), 1, f"{at}/text")
    yield from _length(text.get("text"), most, f"{at}/text")


def _string(value: Any, least: int, at: str) -> Problems:
    if not isinstance(value, str):
        yield f"missing required field: {at.rpartition('/')[2]} [json-pointer:{at.rpartition('/')[0]}]"
    elif len(value) < least:
        yield f"must be more than {least - 1} characters [json-pointer:{at}]"


def _length(value: Any, most: int, at: str) -> Problems:
    if isinstance(value, str) and len(value) > most:
        yield f"must be less than {most + 1} characters [json-pointer:{at}]"


def texts_of(part: Any) -> Iterator[str]:
    """Yield every `text` in the blocks, at any depth."""
    if isinstance(part, list):
        for one in part:
            yield from texts_of(one)
    elif isinstance(part, dict):
        for name, value in part.items():
            if name == "text" and isinstance(value, str):
                yield value
            else:
                yield from texts_of(value)
