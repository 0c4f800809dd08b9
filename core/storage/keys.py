"""Every Redis key, on one page.

Braces are Redis Cluster hash tags: the keys of one transaction share a tag, so that they are on the same node. External
parts are percent-encoded, so that no channel can produce the key of another.
"""

import hashlib
import re
from urllib.parse import quote

from core.domain import Conversation, Person

POSTS = "posts"
"""Alias under which clients search. The index behind it changes, the alias stays."""

VERSION_COUNTER = "editions"
"""Counter: each index version takes the next number."""

VERSIONS = "editions:all"
"""Set: the numbers of existing index versions, including the one that is being built."""

RUN_LEASE = "reading"
"""Lease of the one run that may change an index version; its value is the run as JSON."""

AUDIT = "audit"
"""Stream: who started each reindex run, when, and its outcome."""


def index(version: int, algorithm: str) -> str:
    """Name of the search index over a version's passages, such as `posts:3:flat`."""
    return f"{POSTS}:{version}:{algorithm.lower()}"


def version_of(index_name: str) -> int:
    """Version number in the name of an index; the inverse of `index`."""
    return int(index_name.split(":")[1])


def is_index(name: str) -> bool:
    """Whether an index belongs to this program; the Redis may hold others."""
    return re.fullmatch(rf"{POSTS}:\d+:[a-z]+", name) is not None


def passage_prefix(version: int) -> str:
    """Prefix of all passages of a version; the last colon keeps `post:1:` apart from `post:10:`."""
    return f"post:{version}:"


def passage(version: int, url: str, position: int) -> str:
    """Hash: one passage. All passages of a post share a hash tag: they are replaced together."""
    return f"{passage_prefix(version)}{{{hashlib.sha256(url.encode()).hexdigest()[:16]}}}:{position}"


def post_of(passage: str) -> str:
    """Return what the keys of all passages of one post begin with."""
    return passage.rpartition(":")[0]


def version(number: int) -> str:
    """Hash: embedding model, dimensions and relevance calibration of an index version."""
    return f"edition:{number}"


def ledger(version: int) -> str:
    """Hash, post URL → JSON: what was indexed, so that unchanged posts are skipped."""
    return f"ledger:{version}"


def listings(version: int) -> str:
    """Hash, source → JSON: cache validators of the source's feed or sitemap."""
    return f"listings:{version}"


def digests(version: int) -> str:
    """Hash, digest of a text → key of its passage without the prefix."""
    return f"digests:{version}"


def calibration_vectors(version: int) -> str:
    """Written by earlier releases, and deleted with the version."""
    return f"questions:{version}"


def undo(version: int) -> str:
    """Hash, post URL → JSON: what the last in-place change replaced."""
    return f"undo:{version}"


def replaced_passage(version: int, url: str, position: int) -> str:
    """Hash: a passage replaced by the last in-place change; on the same node as its replacement."""
    return f"undo:{passage(version, url, position).removeprefix('post:')}"


def run_status(run: str) -> str:
    """Hash: plan and progress of an active run."""
    return f"reading:{run}"


def cancel_request(run: str) -> str:
    """Flag: a user has asked to cancel the run."""
    return f"reading:{run}:stop"


def jobs(name: str) -> str:
    """Stream: jobs that processes of one release and embedding model do for each other."""
    return f"jobs:{name}"


def job_payload(queue: str, name: str) -> str:
    """Plain value: the payload of a job, as JSON."""
    return f"{queue}:about:{name}"


def workers(queue: str) -> str:
    """Sorted set: the workers of a queue, by the time of their last heartbeat."""
    return f"{queue}:workers"


def conversation(place: Conversation) -> str:
    """List: the turns of a conversation, oldest first, one JSON message each."""
    return f"conversation:{{{_conversation(place)}}}"


def conversations_in(place: Conversation) -> str:
    """Pattern for the conversations of a channel with all its threads."""
    return f"conversation:{{{_channel(place)}:*"


def conversations_on(platform: str) -> str:
    """Pattern for all conversations on a platform."""
    return f"conversation:{{{quote(platform, safe='')}:*"


QUESTION_PATTERN = "question:*"
"""Pattern for all questions."""


def question_ids_in(place: Conversation) -> str:
    """Pattern for the question ids of a channel with all its threads."""
    return f"asked:{{{_channel(place)}:*"


def event(platform: str, name: str) -> str:
    """Plain value: the process that handles an event, or `handled`."""
    return f"event:{{{quote(platform, safe='')}}}:{quote(name, safe='')}"


def pending_events(platform: str) -> str:
    """Hash, event → JSON: events being handled, so that they survive their process."""
    return f"unanswered:{{{quote(platform, safe='')}}}"


def reply_messages(platform: str, name: str) -> str:
    """Plain value: the messages that answer a question, as a JSON list."""
    return f"replies:{{{quote(platform, safe='')}}}:{quote(name, safe='')}"


def reply_message(platform: str, message: str) -> str:
    """Plain value: exists for a message that answers a question."""
    return f"reply:{{{quote(platform, safe='')}}}:{quote(message, safe='')}"


def process_heartbeat(platform: str, name: str) -> str:
    """Plain value: exists while a process is alive."""
    return f"process:{{{quote(platform, safe='')}}}:{name}"


def question(question_id: str) -> str:
    """Plain value: a question with its answer, as JSON."""
    return f"question:{question_id}"


def question_ids(place: Conversation) -> str:
    """List: the ids of the questions asked in a conversation, oldest first."""
    return f"asked:{{{_conversation(place)}}}"


FEEDBACK = "feedback"
"""Sorted set: the ids of the questions with votes, by the time of the last vote."""


def votes(question_id: str) -> str:
    """Hash, person → JSON: the votes on an answer."""
    return f"votes:{question_id}"


def statistics(day: str) -> str:
    """Hash: the counters of a day, such as `2026-11-25`."""
    return f"statistics:{day}"


GAPS = "gaps"
"""Sorted set: the ids of unanswered questions, by the time they were asked."""


def gap(question_id: str) -> str:
    """Plain value: an unanswered question, as it was searched for."""
    return f"gap:{question_id}"


def digest(week: str) -> str:
    """Plain value: exists if the digest of a week, such as `2026-W48`, has been sent or is being sent."""
    return f"digest:{week}"


def person_rate_limit(platform: str, person: Person) -> str:
    """Counter: a person's questions in the current minute."""
    return f"quota:person:{{{quote(platform, safe='')}:{quote(person.id, safe='')}}}"


def channel_rate_limit(place: Conversation) -> str:
    """Counter: a channel's questions in the current minute, including its threads."""
    return f"quota:channel:{{{_channel(place)}}}"


def visitor_rate_limit(address: str) -> str:
    """Counter: the questions of an IP address on the web page in the current minute."""
    return f"quota:visitor:{{{quote(address, safe='')}}}"


def tokens(day: str) -> str:
    """Counter: tokens that the chat model has read and written on a day."""
    return f"tokens:{{{day}}}"


def person_tokens(day: str, platform: str, person: Person) -> str:
    """Counter: a person's share of a day's tokens, in one transaction with the total."""
    return f"{tokens(day)}:{quote(platform, safe='')}:{quote(person.id, safe='')}"


def person_tokens_pattern(platform: str, person: Person) -> str:
    """Pattern for a person's token counters of all days."""
    return person_tokens("*", platform, person)


def _conversation(place: Conversation) -> str:
    return f"{_channel(place)}:{quote(place.thread, safe='')}"


def _channel(place: Conversation) -> str:
    return ":".join(quote(part, safe="") for part in (place.platform, place.workspace, place.channel))
