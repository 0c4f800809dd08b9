"""Only a missing index may mean "no results"; a rejected query is logged."""

import pytest
from redis.asyncio import Redis
from redis.exceptions import ResponseError
from structlog.testing import capture_logs

from core.index.schema import no_such_index
from core.language.terms import query_words
from core.retrieval.search import bm25_search, term_idf
from core.retrieval.term_coverage import Term


async def test_query_with_a_syntax_error_is_logged_without_the_users_words(blog: Redis) -> None:
    with capture_logs() as logs:
        rejected, accepted = await bm25_search(
            blog, "posts", [[Term("((secret", 9.0, ("((secret",))], [Term("bees", 9.0, ("bee",))]]
        )
    assert rejected == {}
    assert accepted
    [line] = logs
    assert (line["event"], line["log_level"]) == ("search query rejected", "error")
    assert line["cause"].startswith("Syntax error at offset")
    assert "secret" not in str(line)


async def test_question_without_terms_has_no_hits_and_no_log_line(blog: Redis) -> None:
    with capture_logs() as logs:
        nothing, bees = await bm25_search(blog, "posts", [[], [Term("bees", 9.0, ("bee",))]])
    assert nothing == {}
    assert bees
    assert logs == []


async def test_missing_index_is_told_apart_from_other_errors(redis: Redis) -> None:
    with pytest.raises(ResponseError) as missing:
        await term_idf(redis, "posts", [query_words("bees", ["en"])])
    assert no_such_index(missing.value)


@pytest.mark.parametrize(
    "message", ["Syntax error at offset 2 near (", "Property `x` not found", "No such parameter `x`"]
)
def test_other_search_errors_do_not_mean_a_missing_index(message: str) -> None:
    assert not no_such_index(ResponseError(message))


@pytest.mark.parametrize(
    "message", ["Unknown index name", "posts: no such index", "SEARCH_INDEX_NOT_FOUND Index not found: posts"]
)
def test_every_known_wording_means_a_missing_index(message: str) -> None:
    assert no_such_index(ResponseError(message))
