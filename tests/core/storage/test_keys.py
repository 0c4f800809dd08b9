"""No two things share a Redis key, whatever their names."""

from fnmatch import fnmatchcase

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from core.domain import Conversation, Person
from core.storage import keys

PART = st.text(alphabet=":{}%/ aA0.\n⚡", max_size=6) | st.text(max_size=6)
PLACES = st.builds(Conversation, platform=PART, channel=PART, workspace=PART, thread=PART)


@given(PLACES, PLACES)
def test_two_conversations_never_share_a_key(one: Conversation, other: Conversation) -> None:
    assume(one != other)
    assert keys.conversation(one) != keys.conversation(other)


@given(PLACES, PLACES)
def test_two_channels_never_share_a_rate_limit(one: Conversation, other: Conversation) -> None:
    where = [(place.platform, place.workspace, place.channel) for place in (one, other)]
    assume(where[0] != where[1])
    assert keys.channel_rate_limit(one) != keys.channel_rate_limit(other)


@given(PART, PART, PART, PART)
def test_two_people_never_share_a_rate_limit(platform: str, person: str, other_platform: str, other: str) -> None:
    assume((platform, person) != (other_platform, other))
    assert keys.person_rate_limit(platform, Person(person)) != keys.person_rate_limit(other_platform, Person(other))


def test_threads_share_the_rate_limit_of_their_channel_but_not_turns() -> None:
    one, other = (Conversation("slack", "C1", "T1", thread) for thread in ("1.0", "2.0"))
    assert keys.channel_rate_limit(one) == keys.channel_rate_limit(other)
    assert keys.conversation(one) != keys.conversation(other)


@given(st.integers(1, 999), st.integers(1, 999), st.text(max_size=20), st.integers(0, 99))
def test_index_versions_never_share_passages(one: int, other: int, url: str, position: int) -> None:
    assume(one != other)
    key = keys.passage(one, url, position)
    assert key.startswith(keys.passage_prefix(one))
    assert not key.startswith(keys.passage_prefix(other))


def test_all_passages_of_a_post_are_on_one_cluster_node() -> None:
    tags = {keys.passage(1, "https://blog/a", position).split("{")[1].split("}")[0] for position in range(5)}
    assert len(tags) == 1


@given(PLACES, PART)
def test_keys_have_exactly_one_hash_tag(place: Conversation, name: str) -> None:
    platform = place.platform
    for key in (
        keys.conversation(place),
        keys.question_ids(place),
        keys.channel_rate_limit(place),
        keys.person_rate_limit(platform, Person(name)),
        keys.event(platform, name),
        keys.pending_events(platform),
        keys.reply_messages(platform, name),
        keys.process_heartbeat(platform, "0123abcd"),
    ):
        assert (key.count("{"), key.count("}")) == (1, 1)


@given(PLACES, PLACES)
def test_two_conversations_never_share_question_ids(one: Conversation, other: Conversation) -> None:
    assume(one != other)
    assert keys.question_ids(one) != keys.question_ids(other)


@given(PLACES, PLACES)
def test_pattern_of_a_channel_matches_only_its_own_threads(channel: Conversation, other: Conversation) -> None:
    where = [(place.platform, place.workspace, place.channel) for place in (channel, other)]
    for pattern, key in ((keys.conversations_in, keys.conversation), (keys.question_ids_in, keys.question_ids)):
        # Python's patterns know the signs that Redis' do, and an encoded part has none of them.
        assert fnmatchcase(key(other), pattern(channel)) is (where[0] == where[1])


@given(PART, PART, PART, PART)
def test_two_events_never_share_a_key(platform: str, name: str, other_platform: str, other: str) -> None:
    assume((platform, name) != (other_platform, other))
    assert keys.event(platform, name) != keys.event(other_platform, other)
    assert keys.reply_messages(platform, name) != keys.reply_messages(other_platform, other)


@given(PART, PART)
def test_keys_of_one_transaction_are_on_one_cluster_node(platform: str, name: str) -> None:
    touched = (keys.event(platform, name), keys.pending_events(platform), keys.process_heartbeat(platform, "0123abcd"))
    assert len({key.split("{")[1].split("}")[0] for key in touched}) == 1


@pytest.mark.parametrize("algorithm", ["FLAT", "HNSW"])
@given(st.integers(1, 10**6))
def test_index_name_contains_its_version(algorithm: str, number: int) -> None:
    name = keys.index(number, algorithm)
    assert keys.version_of(name) == number
    assert keys.is_index(name)


@pytest.mark.parametrize("name", ["posts", "posts:", "posts:x:flat", "idx:posts:1:flat", "posts:1:flat:2", "other"])
def test_index_of_another_program_is_recognised(name: str) -> None:
    assert not keys.is_index(name)
