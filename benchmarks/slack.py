"""Measure the time from a mention in Slack to its acknowledgement, status and words: `python -m benchmarks.slack`.

`footnoted serve` runs as an ordinary process, connected to a loopback Slack in this process.
`benchmarks.chat_platforms` describes the method.
"""

import asyncio

from benchmarks.chat_platforms import (
    QUESTIONS,
    TIMEOUT,
    Environment,
    Timing,
    benchmark,
    check_answer,
    compare,
    serving,
    variables_of,
)
from tests.adapters.slack.harness import read
from tests.servers.slack import Message, SlackServer

MODEL, WEB = 8952, 8953


async def run(env: Environment) -> None:
    async with SlackServer() as slack:
        tokens = {"SLACK_BOT_TOKEN": slack.bot_token, "SLACK_APP_TOKEN": slack.app_token}
        variables = variables_of(env, WEB, SLACK_API_URL=slack.base_url, **tokens)

        async def ask(at_once: int, over: float) -> list[Timing]:
            return await ask_all(slack, at_once, over)

        async with serving(env, variables) as pid:
            await slack.until(lambda: bool(slack.sockets.open), within=TIMEOUT)
            await compare(ask, env.model, pid)


async def ask_all(slack: SlackServer, at_once: int, over: float) -> list[Timing]:
    """Mention the bot `at_once` times and wait for all answers."""
    channel, bot = slack.channel.id, slack.bot.id
    calls = len(slack.calls)
    said = []
    for index in range(at_once):
        said.append(slack.say(slack.user.id, channel, f"<@{bot}> {QUESTIONS[index % len(QUESTIONS)]}"))
        if over:
            await asyncio.sleep(over / at_once)

    def all_ended() -> bool:
        stopped = sum(call.method == "chat.stopStream" for call in slack.calls[calls:])
        return stopped >= at_once

    await slack.until(all_ended, within=TIMEOUT)
    return [timing(slack, message, calls) for message in said]


def timing(slack: SlackServer, question: Message, since: int) -> Timing:
    """Return the milestones of one mention, by the clock of the loopback Slack."""
    attempts = [
        attempt
        for delivery in slack.deliveries.all
        if delivery.event.get("ts") == question.ts and delivery.what == "app_mention"
        for attempt in delivery.attempts
    ]
    calls = [call for call in slack.calls[since:] if call.arguments.get("thread_ts") == question.ts]
    start = next(call for call in calls if call.method == "chat.startStream")
    ts = start.answer.get("ts")
    check_answer("".join(read(message) for message in slack.messages(slack.channel.id) if message.ts == ts))
    sent = attempts[0].sent_at
    milestones = {
        "first response": attempts[0].acknowledged_at or sent + TIMEOUT,
        "first status": min(call.at for call in calls if call.method == "assistant.threads.setStatus"),
        "first words": start.at,
        "whole answer": max(
            call.at
            for call in slack.calls[since:]
            if call.method == "chat.stopStream" and call.arguments.get("ts") == ts
        ),
    }
    return {name: (at - sent) * 1000 for name, at in milestones.items()}


if __name__ == "__main__":
    benchmark(__doc__, MODEL, run)
