"""A batch of messages: its ends by partition, and partitions given away."""

from notifier.ingest.batch import Batch, Letter
from notifier.ingest.messages import Source

HERE = Source("orders", 3, 17, 1_700_000_000_000)


def test_a_batch_ends_where_its_partitions_do_and_forgets_those_given_away():
    letters = [Letter(HERE._replace(partition=p, offset=o), b"") for p, o in ((0, 5), (1, 7), (0, 6))]
    batch = Batch(letters)
    assert batch.ends == {("orders", 0): 7, ("orders", 1): 8}
    batch.drop([("orders", 0)])
    assert batch.ends == {("orders", 1): 8}
    assert [letter.source.partition for letter in batch.letters] == [1]
