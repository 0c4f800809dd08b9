"""Every key is spelt so that nobody can spell another's."""

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
def test_two_channels_never_share_a_quota(one: Conversation, other: Conversation) -> None:
    where = [(place.platform, place.workspace, place.channel) for place in (one, other)]
    assume(where[0] != where[1])
    assert keys.channel_rate_limit(one) != keys.channel_rate_limit(other)


@given(PART, PART, PART, PART)
def test_two_persons_never_share_a_quota(platform: str, person: str, other_platform: str, other: str) -> None:
    assume((platform, person) != (other_platform, other))
    assert keys.person_rate_limit(platform, Person(person)) != keys.person_rate_limit(other_platform, Person(other))


def test_threads_of_a_channel_share_its_quota_but_not_their_turns() -> None:
    one, other = (Conversation("slack", "C1", "T1", thread) for thread in ("1.0", "2.0"))
    assert keys.channel_rate_limit(one) == keys.channel_rate_limit(other)
    assert keys.conversation(one) != keys.conversation(other)


@given(st.integers(1, 999), st.integers(1, 999), st.text(max_size=20), st.integers(0, 99))
def test_no_edition_has_the_passages_of_another(one: int, other: int, url: str, position: int) -> None:
    assume(one != other)
    key = keys.passage(one, url, position)
    assert key.startswith(keys.passage_prefix(one))
    assert not key.startswith(keys.passage_prefix(other))


def test_all_passages_of_a_post_live_on_one_node_of_a_cluster() -> None:
    tags = {keys.passage(1, "https://blog/a", position).split("{")[1].split("}")[0] for position in range(5)}
    assert len(tags) == 1


@given(PLACES, PART)
def test_a_key_has_exactly_one_hash_tag(place: Conversation, name: str) -> None:
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
def test_two_conversations_never_share_what_was_asked(one: Conversation, other: Conversation) -> None:
    assume(one != other)
    assert keys.question_ids(one) != keys.question_ids(other)


@given(PLACES, PLACES)
def test_a_channels_pattern_fits_its_own_threads_and_no_others(channel: Conversation, other: Conversation) -> None:
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
def test_all_that_one_step_touches_lives_on_one_node_of_a_cluster(platform: str, name: str) -> None:
    touched = (keys.event(platform, name), keys.pending_events(platform), keys.process_heartbeat(platform, "0123abcd"))
    assert len({key.split("{")[1].split("}")[0] for key in touched}) == 1


@pytest.mark.parametrize("algorithm", ["FLAT", "HNSW"])
@given(st.integers(1, 10**6))
def test_an_index_tells_its_edition(algorithm: str, number: int) -> None:
    name = keys.index(number, algorithm)
    assert keys.version_of(name) == number
    assert keys.is_index(name)


@pytest.mark.parametrize("name", ["posts", "posts:", "posts:x:flat", "idx:posts:1:flat", "posts:1:flat:2", "other"])
def test_an_index_of_somebody_else_is_told_from_ours(name: str) -> None:
    assert not keys.is_index(name)
