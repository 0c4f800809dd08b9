"""Transactions on a Redis Cluster without a thread per command.

redis-py's own strategy starts a thread with an event loop for each queued command and joins it, to ask the server which
arguments are keys. In every command of this program the first argument is the key, so its slot is computed here.

redis-py has no public way to replace the strategy of a pipeline. Its private attributes are used in this module only;
tests/core/storage/test_topology.py runs transactions on a real cluster and fails if they change.
"""

from typing import Any

from redis.asyncio.cluster import AbstractStrategy, ClusterPipeline, TransactionStrategy


class _SingleKeyTransaction(TransactionStrategy):
    def execute_command(self, *args: Any, **kwargs: Any) -> Any:
        self._pipeline_slots.add(self._pipe.cluster_client.keyslot(args[1]))
        return AbstractStrategy.execute_command(self, *args, **kwargs)


def without_threads(pipe: ClusterPipeline) -> ClusterPipeline:
    """Make a transactional pipeline compute slots itself; return it."""
    pipe._execution_strategy = _SingleKeyTransaction(pipe)
    return pipe
