"""From a mention in Slack to its acknowledgement, its status and its first words: `python -m benchmarks.slack`.

`footnoted serve` runs as an ordinary process, connected to a loopback Slack in this one; `benchmarks.chats` says how.
"""

import asyncio

from benchmarks.chats import QUESTIONS, WITHIN, Stage, Timing, compare, serving, stage
from tests.servers.slack import Message, SlackServer

MODEL, WEB = 8952, 8953


def main() -> None:
    with stage(MODEL) as where:
        asyncio.run(run(where))


async def run(where: Stage) -> None:
    async with SlackServer() as slack:
        tokens = {"SLACK_BOT_TOKEN": slack.bot_token, "SLACK_APP_TOKEN": slack.app_token}

        async def ask(at_once: int, over: float) -> list[Timing]:
            return await asked(slack, at_once, over)

        async with serving(where, WEB, SLACK_API_URL=slack.base_url, **tokens) as pid:
            await slack.until(lambda: bool(slack.sockets.open), within=WITHIN)
            await compare(ask, where.model, pid)


async def asked(slack: SlackServer, at_once: int, over: float) -> list[Timing]:
    """Mentions the bot so often, and waits for all answers."""
    channel, me = slack.channel.id, slack.bot.id
    calls = len(slack.calls)
    said = []
    for place in range(at_once):
        said.append(slack.say(slack.user.id, channel, f"<@{me}> {QUESTIONS[place % len(QUESTIONS)]}"))
        if over:
            await asyncio.sleep(over / at_once)

    def ended() -> bool:
        stopped = sum(call.method == "chat.stopStream" for call in slack.calls[calls:])
        return stopped >= at_once

    await slack.until(ended, within=WITHIN)
    return [timing(slack, message, calls) for message in said]


def timing(slack: SlackServer, question: Message, since: int) -> Timing:
    """What followed one mention, by the clock of the Slack."""
    attempts = [
        attempt
        for delivery in slack.deliveries.all
        if delivery.event.get("ts") == question.ts and delivery.what == "app_mention"
        for attempt in delivery.attempts
    ]
    calls = [call for call in slack.calls[since:] if call.arguments.get("thread_ts") == question.ts]
    start = next(call for call in calls if call.method == "chat.startStream")
    ts = start.answer.get("ts")
    sent = attempts[0].sent_at
    happened = {
        "first response": attempts[0].acknowledged_at or sent + WITHIN,
        "first status": min(call.at for call in calls if call.method == "assistant.threads.setStatus"),
        "first words": start.at,
        "whole answer": max(
            call.at
            for call in slack.calls[since:]
            if call.method == "chat.stopStream" and call.arguments.get("ts") == ts
        ),
    }
    return {name: (at - sent) * 1000 for name, at in happened.items()}


if __name__ == "__main__":
    main()
