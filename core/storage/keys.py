"""Every key in Redis, on one page.

Braces are Redis Cluster hash tags: keys of one transaction share one, so that they live on the same node. Parts that
come from outside are percent-encoded, so that no channel can spell another channel's key.
"""

import hashlib
import re
from urllib.parse import quote

from core.domain import Conversation, Person

POSTS = "posts"
"""The name under which clients search. It is an alias: the index behind it changes, the name stays."""

VERSION_COUNTER = "editions"
"""A counter; each edition takes the next number."""

VERSIONS = "editions:all"
"""A set: the numbers of the editions that there are, and of the one that is being made."""

RUN_LEASE = "reading"
"""The lease of the one run that may change an edition; its value says whose run it is."""

AUDIT = "audit"
"""A stream: who had the posts read, when, and what came of it."""


def index(edition: int, algorithm: str) -> str:
    """The name of the search index over an edition's passages, such as `posts:3:flat`."""
    return f"{POSTS}:{edition}:{algorithm.lower()}"


def version_of(index_name: str) -> int:
    """The edition that an index searches; the reverse of `index`."""
    return int(index_name.split(":")[1])


def is_index(name: str) -> bool:
    """Whether an index is one of this product's; the same Redis may well hold others."""
    return re.fullmatch(rf"{POSTS}:\d+:[a-z]+", name) is not None


def passage_prefix(edition: int) -> str:
    """What all passages of an edition begin with; the last colon keeps `post:1:` apart from `post:10:`."""
    return f"post:{edition}:"


def passage(edition: int, url: str, position: int) -> str:
    """A hash: one passage of a post. All passages of a post share a hash tag: they are replaced together."""
    return f"{passage_prefix(edition)}{{{hashlib.sha256(url.encode()).hexdigest()[:16]}}}:{position}"


def version(number: int) -> str:
    """A hash: the embedding model, its dimensions and the relevance calibration of an edition."""
    return f"edition:{number}"


def ledger(edition: int) -> str:
    """A hash, post address → JSON: what was read, so that what is unchanged is not read again."""
    return f"ledger:{edition}"


def listings(edition: int) -> str:
    """A hash, source → JSON: what the source's feed or sitemap said of its own state."""
    return f"listings:{edition}"


def digests(edition: int) -> str:
    """A hash, digest of a text → what follows the prefix in the key of the passage that has it."""
    return f"digests:{edition}"


def calibration_vectors(edition: int) -> str:
    """The vectors of the questions that an edition is calibrated with."""
    return f"questions:{edition}"


def undo(edition: int) -> str:
    """A hash, post address → JSON: what the last change in place has replaced."""
    return f"undo:{edition}"


def replaced_passage(edition: int, url: str, position: int) -> str:
    """A passage that the last change in place has replaced; on the same node as the one that took its place."""
    return f"undo:{passage(edition, url, position).removeprefix('post:')}"


def run_status(run: str) -> str:
    """A hash: the plan and the progress of a running run."""
    return f"reading:{run}"


def cancel_request(run: str) -> str:
    """A flag: somebody wants this run to stop."""
    return f"reading:{run}:stop"


def jobs(name: str) -> str:
    """A stream: jobs that processes of one release and model do for each other."""
    return f"jobs:{name}"


def job_payload(queue: str, name: str) -> str:
    """A string: what a job is about, as JSON."""
    return f"{queue}:about:{name}"


def workers(queue: str) -> str:
    """A sorted set: who does the jobs of a queue, by the time of the last sign of life."""
    return f"{queue}:workers"


def conversation(place: Conversation) -> str:
    """A list: the turns of one conversation, oldest first, one JSON message each."""
    return f"conversation:{{{_place(place)}}}"


def conversations_in(place: Conversation) -> str:
    """A pattern for the keys of a channel's conversations, all threads together."""
    return f"conversation:{{{_channel(place)}:*"


def conversations_on(platform: str) -> str:
    """A pattern for the keys of all conversations on a platform."""
    return f"conversation:{{{quote(platform, safe='')}:*"


QUESTION_PATTERN = "question:*"
"""A pattern for the keys of all questions."""


def question_ids_in(place: Conversation) -> str:
    """A pattern for the keys of what was asked in a channel, all threads together."""
    return f"asked:{{{_channel(place)}:*"


def event(platform: str, name: str) -> str:
    """A string: who handles an event of a platform, or that it has been handled."""
    return f"event:{{{quote(platform, safe='')}}}:{quote(name, safe='')}"


def pending_events(platform: str) -> str:
    """A hash, event → JSON: what is being handled at this moment, so that it outlives its process."""
    return f"unanswered:{{{quote(platform, safe='')}}}"


def reply_messages(platform: str, name: str) -> str:
    """A string: the messages in which a question was answered, as a JSON list."""
    return f"replies:{{{quote(platform, safe='')}}}:{quote(name, safe='')}"


def reply_message(platform: str, message: str) -> str:
    """A string: stands for a message that answers some question."""
    return f"reply:{{{quote(platform, safe='')}}}:{quote(message, safe='')}"


def process_heartbeat(platform: str, name: str) -> str:
    """A string that stands as long as a process lives."""
    return f"process:{{{quote(platform, safe='')}}}:{name}"


def question(question_id: str) -> str:
    """A string: a question with its answer, as JSON."""
    return f"question:{question_id}"


def question_ids(place: Conversation) -> str:
    """A list: the ids of the questions that were asked in a conversation, oldest first."""
    return f"asked:{{{_place(place)}}}"


FEEDBACK = "feedback"
"""A sorted set: the ids of the questions that somebody has voted on, by the time of the last vote."""


def votes(question_id: str) -> str:
    """A hash, person → JSON: the votes on the answer to a question."""
    return f"votes:{question_id}"


def statistics(day: str) -> str:
    """A hash: the counters of a day, such as `2026-11-25`."""
    return f"statistics:{day}"


GAPS = "gaps"
"""A sorted set: the ids of the questions that the posts did not answer, by the time at which they were asked."""


def gap(question_id: str) -> str:
    """A string: such a question, as it was understood."""
    return f"gap:{question_id}"


def digest(week: str) -> str:
    """A string that stands when the digest of a week, such as `2026-W48`, was sent, or is about to be."""
    return f"digest:{week}"


def person_rate_limit(platform: str, person: Person) -> str:
    """A counter: a person's questions in the running minute."""
    return f"quota:person:{{{quote(platform, safe='')}:{quote(person.id, safe='')}}}"


def channel_rate_limit(place: Conversation) -> str:
    """A counter: a channel's questions in the running minute, all threads together."""
    return f"quota:channel:{{{_channel(place)}}}"


def visitor_rate_limit(address: str) -> str:
    """A counter: questions on the web page from an address in the running minute."""
    return f"quota:visitor:{{{quote(address, safe='')}}}"


def tokens(day: str) -> str:
    """A counter: what the language model has read and written on a day, in tokens."""
    return f"tokens:{{{day}}}"


def person_tokens(day: str, platform: str, person: Person) -> str:
    """A counter: a person's part of a day's tokens; counted in one transaction with the whole."""
    return f"{tokens(day)}:{quote(platform, safe='')}:{quote(person.id, safe='')}"


def person_tokens_pattern(platform: str, person: Person) -> str:
    """A pattern for the keys of a person's parts of all days' tokens."""
    return person_tokens("*", platform, person)


def _place(place: Conversation) -> str:
    return f"{_channel(place)}:{quote(place.thread, safe='')}"


def _channel(place: Conversation) -> str:
    return ":".join(quote(part, safe="") for part in (place.platform, place.workspace, place.channel))
