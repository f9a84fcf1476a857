"""The text of a formula as a tree of Python's expression grammar. Nothing of it is evaluated."""

from __future__ import annotations

import ast
import warnings

from pitwall.errors import UsageError

LONGEST = 2000
"""Most characters of a formula."""
DEEPEST = 40
"""Most operators and calls that may lie inside one another."""
MOST_NODES = 500
"""Most numbers, names, operators and calls of a formula. The operator's code has a step for each,
and Java compiles a method of more than 8,000 bytes never."""

ALLOWED = (
    *(ast.Expression, ast.Constant, ast.Name, ast.Load, ast.Call, ast.keyword, ast.Compare),
    *(ast.BinOp, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Mod, ast.Pow),
    *(ast.UnaryOp, ast.USub, ast.UAdd, ast.Not, ast.BoolOp, ast.And, ast.Or),
    *(ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq),
)
"""Every kind of node that a formula may hold."""

REMEDIES: dict[type[ast.AST], str] = {
    ast.IfExp: "write where(condition, a, b)",
    ast.FloorDiv: "write floor(a / b)",
    ast.BitAnd: "write and",
    ast.BitOr: "write or",
    ast.BitXor: "write ** for a power",
    ast.Invert: "write not",
    ast.Attribute: "name a channel without dots",
    ast.Subscript: "call a function of the language instead",
    ast.Lambda: "call a function of the language instead",
    ast.NamedExpr: "define a maths channel of its own and name it in uses=",
    ast.Tuple: "give each value to its function by itself",
    ast.Is: "write ==",
    ast.IsNot: "write !=",
}


class Text:
    """A formula's text, which knows the line and column of each node in it."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text
        self.stripped = text.lstrip(" \t\n\r\f")
        self._lines = self.stripped.split("\n")
        cut = text[: len(text) - len(self.stripped)]
        self._line = cut.count("\n")
        self._column = len(cut) - (cut.rfind("\n") + 1)

    def wrong(self, node: ast.AST | tuple[int, int], message: str) -> UsageError:
        """The error for a node, or for a line from 1 and a byte of it from 0."""
        line, offset = node if isinstance(node, tuple) else _start(node)
        row = self._lines[line - 1] if 0 < line <= len(self._lines) else ""
        column = len(row.encode("utf-8", "surrogatepass")[:offset].decode("utf-8", "ignore")) + 1
        if line == 1:
            column += self._column
        line += self._line
        where = f"line {line}, column {column}" if "\n" in self.text else f"column {column}"
        return UsageError(f"maths({self.name!r}), {where}: {message}")

    def source(self, node: ast.AST) -> str:
        """The node as it is written, in one line and shortened."""
        written = " ".join((ast.get_source_segment(self.stripped, node) or "").split())
        return written if len(written) <= 40 else f"{written[:37]}..."


def _start(node: ast.AST) -> tuple[int, int]:
    return getattr(node, "lineno", 1), getattr(node, "col_offset", 0)


def parse(text: Text) -> ast.expr:
    """The formula's tree, in which every node is of an allowed kind.

    Raises `UsageError`, with line and column, where the text is too long, is no expression, nests
    too deep, has too many parts, or holds something that the language does not have.
    """
    if len(text.text) > LONGEST:
        raise text.wrong(
            (1, 0),
            f"the formula has {len(text.text)} characters; {LONGEST} are allowed, so define parts "
            "of it as maths channels of their own",
        )
    if not text.stripped:
        raise text.wrong((1, 0), "the formula is empty; write one, such as 'Speed / 3.6'")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text.stripped, mode="eval")
    except SyntaxError as error:
        raise text.wrong(
            _place(text, error), f"{error.msg}; write a formula, such as 'Speed / 3.6'"
        ) from None
    except (ValueError, MemoryError, RecursionError) as error:
        reason = str(error) or "it nests too deep"
        raise text.wrong((1, 0), f"the formula cannot be read ({reason}); shorten it") from None
    _check(text, tree)
    return tree.body


def _place(text: Text, error: SyntaxError) -> tuple[int, int]:
    """Line and byte of an error of Python's grammar; the end where the formula ends too early."""
    rows = text.stripped.split("\n")
    line = min(error.lineno or len(rows), len(rows))
    row = rows[line - 1]
    before = row[: error.offset - 1] if error.offset else row
    return line, len(before.encode("utf-8", "surrogatepass"))


def _check(text: Text, tree: ast.Expression) -> None:
    """Look at every node, without recursion of ours."""
    waiting: list[tuple[ast.AST, ast.AST, int]] = [(tree, tree.body, 0)]
    count = 0
    while waiting:
        node, place, depth = waiting.pop()
        if hasattr(node, "lineno"):
            place = node
        if not isinstance(node, ALLOWED):
            remedy = REMEDIES.get(type(node), "see the language's table in the documentation")
            raise text.wrong(place, f"{text.source(place)!r} is not part of the language; {remedy}")
        count += isinstance(node, ast.expr)
        if count > MOST_NODES:
            raise text.wrong(
                place,
                f"the formula has more than {MOST_NODES} parts; define some of it as a maths "
                "channel of its own",
            )
        if depth > DEEPEST:
            raise text.wrong(
                place,
                f"the formula nests deeper than {DEEPEST}; define the inner part as a maths "
                "channel of its own",
            )
        inner = depth + isinstance(node, ast.expr)
        waiting += [(child, place, inner) for child in ast.iter_child_nodes(node)]
