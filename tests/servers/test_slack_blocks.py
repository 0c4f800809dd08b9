"""Block Kit's limits: accepted at the maximum, refused beyond it."""

from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from tests.servers.conftest import Refusal
from tests.servers.slack import Rules, SlackServer

Block = dict[str, Any]


def plain(text: str) -> Block:
    return {"type": "plain_text", "text": text}


def section(text: str, **more: Any) -> Block:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}} | more


def button(text: str = "Go", **more: Any) -> Block:
    return {"type": "button", "text": plain(text)} | more


def actions(*elements: Block, **more: Any) -> Block:
    return {"type": "actions", "elements": list(elements)} | more


def context_actions(*elements: Block) -> Block:
    return {"type": "context_actions", "elements": list(elements)}


def feedback(**more: Any) -> Block:
    positive, negative = {"text": plain("Good"), "value": "1"}, {"text": plain("Bad"), "value": "0"}
    return {
        "type": "feedback_buttons",
        "action_id": "f",
        "positive_button": positive,
        "negative_button": negative,
    } | more


TRASH: Block = {"type": "icon_button", "icon": "trash", "text": plain("Delete")}
MARKDOWN: Block = {"type": "markdown", "text": "x" * 6000}


ACCEPTED: list[list[Block]] = [
    [section("x" * 3000)],
    [{"type": "header", "text": plain("x" * 150)}],
    [MARKDOWN, MARKDOWN],
    [{"type": "divider"}] * 50,
    [actions(*[button(f"{n}" + "x" * 70, value="v" * 2000) for n in range(5)])],
    [actions(*[button() for _ in range(25)])],
    [actions(button(action_id="a" * 255), block_id="b" * 255)],
    [{"type": "context", "elements": [plain("x")] * 10}],
    [context_actions(feedback(), TRASH)],
    [section("x", accessory={"type": "image", "image_url": "https://example.com/a.png", "alt_text": "a"})],
    [{"type": "section", "fields": [plain("x" * 2000)] * 2}],
    [actions(button(action_id="a"), block_id="1"), actions(button(action_id="a"), block_id="2")],
]


async def test_blocks_at_the_limits_are_accepted(slack: SlackServer, client: AsyncWebClient) -> None:
    for blocks in ACCEPTED:
        await client.chat_postMessage(channel=slack.channel.id, text="x", blocks=blocks)
        assert len(slack.messages(slack.channel.id)[-1].blocks) == len(blocks)


REFUSED: list[tuple[list[Block], str, str]] = [
    ([section("x" * 3001)], "must be less than 3001 characters", "/blocks/0/text/text"),
    ([section("")], "must be more than 0 characters", "/blocks/0/text/text"),
    ([{"type": "section"}], "missing required field: text", "/blocks/0"),
    ([{"type": "section", "fields": [plain("x")] * 11}], "no more than 10 items allowed", "/blocks/0/fields"),
    ([{"type": "header", "text": plain("x" * 151)}], "must be less than 151 characters", "/blocks/0/text/text"),
    ([{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}],
     "unsupported type: mrkdwn", "/blocks/0/text/type"),
    ([MARKDOWN, MARKDOWN, {"type": "markdown", "text": "x"}], "must be less than 12001 characters", "/blocks"),
    ([{"type": "divider"}] * 51, "no more than 50 items allowed", "/blocks"),
    ([{"type": "confetti"}], "unsupported type: confetti", "/blocks/0/type"),
    ([actions(*[button()] * 26)], "no more than 25 items allowed", "/blocks/0/elements"),
    ([actions(button("x" * 76))], "must be less than 76 characters", "/blocks/0/elements/0/text/text"),
    ([actions(button(value="v" * 2001))], "must be less than 2001 characters", "/blocks/0/elements/0/value"),
    ([actions(button(action_id="a" * 256))],
     "must be less than 256 characters", "/blocks/0/elements/0/action_id"),
    ([actions(button(), block_id="b" * 256)], "must be less than 256 characters", "/blocks/0/block_id"),
    ([actions(button(style="loud"))], "must be a valid enum value", "/blocks/0/elements/0/style"),
    ([actions(button(action_id="a"), button(action_id="a"))],
     "`action_id` a already exists", "/blocks/0/elements"),
    ([section("x", block_id="b"), section("y", block_id="b")], "`block_id` b already exists", "/blocks"),
    ([actions(feedback())], "unsupported type: feedback_buttons", "/blocks/0/elements/0/type"),
    ([{"type": "context", "elements": [plain("x")] * 11}], "no more than 10 items allowed", "/blocks/0/elements"),
    ([context_actions(*[TRASH] * 6)], "no more than 5 items allowed", "/blocks/0/elements"),
    ([context_actions(button())], "unsupported type: button", "/blocks/0/elements/0/type"),
    ([context_actions(feedback(negative_button=None))],
     "missing required field: negative_button", "/blocks/0/elements/0"),
    ([context_actions(feedback(positive_button={"text": plain("x")}))],
     "missing required field: value", "/blocks/0/elements/0/positive_button"),
    ([section("x", accessory={"type": "image", "image_url": "https://example.com/a.png"})],
     "missing required field: alt_text", "/blocks/0/accessory"),
]  # fmt: skip


async def test_invalid_blocks_are_refused_with_a_json_pointer(
    slack: SlackServer, client: AsyncWebClient, refusal: Refusal
) -> None:
    for blocks, problem, at in REFUSED:
        refused = await refusal(client.chat_postMessage(channel=slack.channel.id, text="x", blocks=blocks))
        assert refused["error"] == "invalid_blocks"
        assert refused["errors"] == [f"{problem} [json-pointer:{at}]"]
        assert refused["response_metadata"]["messages"] == [f"[ERROR] {problem} [json-pointer:{at}]"]
        assert slack.messages(slack.channel.id) == []


TEXT_TOTALS: list[tuple[list[int], bool]] = [
    ([3000, 3000, 3000, 3000, 1000], True),
    ([3000, 3000, 3000, 3000, 1200], False),
    ([190] * 50, True),
    ([250] * 46, False),
]


async def test_total_text_of_all_blocks_is_limited(
    slack: SlackServer, client: AsyncWebClient, refusal: Refusal
) -> None:
    for lengths, fits in TEXT_TOTALS:
        call = client.chat_postMessage(channel=slack.channel.id, text="x", blocks=[section("x" * n) for n in lengths])
        if fits:
            await call
        else:
            assert (await refusal(call))["error"] == "msg_blocks_too_long"


def modal(*blocks: Block, **more: Any) -> Block:
    view = {"type": "modal", "title": plain("Title"), "submit": plain("Send"), "callback_id": "v"}
    return view | {"blocks": list(blocks) or [section("x")]} | more


def typed(kind: str = "plain_text_input") -> Block:
    return {"type": "input", "block_id": "why", "label": plain("Why?"), "element": {"type": kind, "action_id": "a"}}


REFUSED_VIEWS: list[tuple[Block, str, str]] = [
    (modal(title=plain("x" * 25)), "must be less than 25 characters", "/view/title/text"),
    (modal(submit=plain("x" * 25)), "must be less than 25 characters", "/view/submit/text"),
    (modal(private_metadata="x" * 3001), "must be less than 3001 characters", "/view/private_metadata"),
    (modal(callback_id="x" * 256), "must be less than 256 characters", "/view/callback_id"),
    (modal(*[section("x")] * 101), "no more than 100 items allowed", "/view/blocks"),
    (modal(typed("carrier_pigeon")), "unsupported type: carrier_pigeon", "/view/blocks/0/element/type"),
    (modal(typed(), submit=None), "missing required field: submit", "/view"),
    (modal(type="billboard"), "unsupported type: billboard", "/view/type"),
]


async def test_invalid_modal_is_refused_with_a_json_pointer(
    slack: SlackServer, client: AsyncWebClient, refusal: Refusal
) -> None:
    for view, problem, at in REFUSED_VIEWS:
        refused = await refusal(client.views_open(trigger_id=slack.responses.trigger(slack.user), view=view))
        assert refused["error"] == "invalid_arguments"
        assert refused["response_metadata"]["messages"] == [f"[ERROR] {problem} [json-pointer:{at}]"]


async def test_fresh_trigger_opens_one_modal(slack: SlackServer, client: AsyncWebClient, refusal: Refusal) -> None:
    trigger = slack.responses.trigger(slack.user)
    answer = await client.views_open(trigger_id=trigger, view=modal(typed(), private_metadata="x" * 3000))
    (opened,) = slack.views.of(slack.user.id)
    assert answer["view"]["id"] == opened.id
    assert (await refusal(client.views_open(trigger_id=trigger, view=modal())))["error"] == "exchanged_trigger_id"
    assert (await refusal(client.views_open(trigger_id="1.2.x", view=modal())))["error"] == "invalid_trigger_id"
    slack.rules = Rules(trigger_lifetime=0)
    trigger = slack.responses.trigger(slack.user)
    assert (await refusal(client.views_open(trigger_id=trigger, view=modal())))["error"] == "expired_trigger_id"


async def test_home_tab_needs_no_title(slack: SlackServer, client: AsyncWebClient, refusal: Refusal) -> None:
    home = {"type": "home", "blocks": [section("hello")]}
    await client.views_publish(user_id=slack.user.id, view=home)
    assert slack.views.homes[slack.user.id]["blocks"][0]["text"]["text"] == "hello"
    assert (await refusal(client.views_publish(user_id=slack.user.id, view=modal())))["error"] == "invalid_arguments"


async def test_open_modal_can_be_updated(slack: SlackServer, client: AsyncWebClient, refusal: Refusal) -> None:
    opened = await client.views_open(trigger_id=slack.responses.trigger(slack.user), view=modal())
    view_id, old = opened["view"]["id"], opened["view"]["hash"]
    await client.views_update(view_id=view_id, hash=old, view=modal(title=plain("New")))
    assert slack.views.modals[view_id].view["title"]["text"] == "New"
    assert (await refusal(client.views_update(view_id=view_id, hash=old, view=modal())))["error"] == "hash_conflict"
    slack.close(slack.views.modals[view_id])
    assert (await refusal(client.views_update(view_id=view_id, view=modal())))["error"] == "not_found"
