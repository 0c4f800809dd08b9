"""Serve a loopback OpenAI until interrupted, as the benchmarks do."""

import argparse
from functools import partial

from tests.servers.loopback import run
from tests.servers.openai.server import FIRST_PASSAGE, OpenAIServer, quote_first_passage


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8901)
    parser.add_argument("--tokens-per-second", type=float)
    parser.add_argument("--delay", type=float, default=0, help="seconds before each answer")
    parser.add_argument("--times", type=int, default=1, help="how often an answer says what it says")
    options = parser.parse_args()
    answer = partial(quote_first_passage, passage=FIRST_PASSAGE, times=options.times)
    server = OpenAIServer(
        answer=answer, port=options.port, tokens_per_second=options.tokens_per_second, delay=options.delay
    )
    run(server, "/v1")


if __name__ == "__main__":
    main()
