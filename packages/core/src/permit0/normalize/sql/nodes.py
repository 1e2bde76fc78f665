"""Which parts of a tree only compute. Names of the parser's classes; data only.

A class that is not here makes a read ask. Functions are judged by name (words.PURE), not here.
"""

from __future__ import annotations

from typing import Final

from permit0.normalize.sql.words import word_set

__all__ = ["CALM_NODES", "WRITE_NODES"]

CALM_NODES: Final = word_set(
    "Select Subquery Union Intersect Except From Join Where Group Having Order Ordered Limit"
    " LimitOptions Offset Fetch Distinct Star Column Identifier Table TableAlias Alias Aliases"
    " Literal Boolean Null And Or Xor Not Paren EQ NEQ GT GTE LT LTE NullSafeEQ NullSafeNEQ Between In"
    " Like ILike SimilarTo RegexpLike RegexpILike Glob Escape Is Exists Any All Case If Add"
    " Sub Mul Div Mod IntDiv DPipe SafeDPipe Neg BitwiseAnd BitwiseOr BitwiseXor BitwiseNot"
    " BitwiseLeftShift BitwiseRightShift Cast TryCast DataType DataTypeParam Interval"
    " IntervalSpan Var CTE With Values Tuple Window WindowSpec NamedWindow Filter"
    " WithinGroup IgnoreNulls RespectNulls Placeholder Parameter SessionParameter Collate"
    " AtTimeZone Bracket Slice Array ArrayContainsAll ArrayContainedBy ArrayOverlaps"
    " JSONExtract JSONExtractScalar JSONBExtract JSONBExtractScalar JSONPath JSONPathKey"
    " JSONPathRoot JSONPathSubscript JSONPathWildcard JSONPathSlice JSONBContains"
    " JSONExtractQuote JSONBContainsAnyTopKeys JSONBContainsAllTopKeys JSONKeyValue"
    " Unnest Lateral Dot GroupingSets Rollup Cube Qualify TableSample Pivot"
    " PivotAlias HexString BitString National RawString ByteString"
    " AllColumns Tag Extract CurrentDate CurrentTimestamp CurrentTime CurrentUser"
    " ColumnDef Kwarg Struct MatchAgainst Explode"
)
WRITE_NODES: Final = CALM_NODES | word_set(
    "Insert Update Delete Merge Whens When Returning OnConflict Schema Create TruncateTable"
    " ColumnConstraint NotNullColumnConstraint PrimaryKeyColumnConstraint"
    " UniqueColumnConstraint DefaultColumnConstraint CheckColumnConstraint"
    " AutoIncrementColumnConstraint GeneratedAsIdentityColumnConstraint CommentColumnConstraint"
    " CollateColumnConstraint CharacterSetColumnConstraint PrimaryKey ForeignKey Reference"
    " Constraint Index IndexParameters IndexColumnConstraint Properties"
    " TemporaryProperty NotNull OnCluster CommentProperty Opclass"
)
"""What a change may be made of, its statement aside."""
