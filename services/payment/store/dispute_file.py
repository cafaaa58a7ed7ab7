"""The SQL of the files that speak for merchants in disputes; contents are read for channels and callers alone."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from paykit.postgres.database import Tx
from paykit.postgres.table import Table
from services.payment.domain.disputing.dispute_answer import DisputeFile

_SELECT_CONTENTS = """
SELECT {file}, content FROM dispute_file WHERE dispute_id = ANY($1::text[]) OR file_id = ANY($2::text[])
ORDER BY dispute_id, file_id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileWithContent:
    """A file with what is in it."""

    file: DisputeFile
    content: bytes


class DisputeFiles(Table[str, DisputeFile]):
    """The table `dispute_file`; rows are added and never change."""

    async def add(self, tx: Tx, files: Sequence[FileWithContent]) -> None:
        """Add files of locked payments' disputes."""
        rows = [(*(getattr(each.file, column) for column in self.columns), each.content) for each in files]
        if rows:
            await tx.copy(self.name, (*self.columns, "content"), rows)

    async def of_disputes(self, tx: Tx, dispute_ids: Collection[str]) -> list[DisputeFile]:
        """Read the files of disputes, without their contents."""
        return await self.select(tx, "dispute_id = ANY($1::text[])", list(dispute_ids))

    async def of(self, tx: Tx, dispute_id: str) -> list[DisputeFile]:
        """Read the files of a dispute, oldest first, without their contents."""
        return await self.select(tx, "dispute_id = $1 ORDER BY file_id", dispute_id)

    async def with_contents(
        self, tx: Tx, *, dispute_ids: Collection[str] = (), file_ids: Collection[str] = ()
    ) -> list[FileWithContent]:
        """Read files with their contents, of disputes or by their ids, oldest first."""
        rows = await tx.fetch(_SELECT_CONTENTS.format(file=self.selected), list(dispute_ids), list(file_ids))
        return [FileWithContent(file=self.read(row), content=row["content"]) for row in rows]


dispute_files = DisputeFiles(DisputeFile, "dispute_file", key="file_id")
