"""A file system that counts each change of a file and dies at a given one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import pyarrow as pa
from pyarrow import fs

Death = Literal["kill", "interrupt"]
"""`kill`: nothing happens after it, and what was not closed is lost or half. `interrupt`: an
exception, after which `with` blocks close what they opened, as after Ctrl-C."""


class Died(BaseException):
    """The file system died: as with Ctrl-C, no `except Exception` takes it."""


class MortalFiles(fs.FileSystemHandler):
    """`system`, of which the change number `dies_at` (from 0) and, for `kill`, all later ones fail.

    `watch` is called before each change. A move on S3 is two changes, as it is there, and a file
    on S3 appears when it is closed.
    """

    def __init__(
        self,
        system: fs.FileSystem,
        dies_at: int | None = None,
        death: Death = "kill",
        watch: Callable[[], None] | None = None,
    ) -> None:
        self.system, self.changes = system, 0
        self._dies_at, self._death, self._watch = dies_at, death, watch
        self.on_s3 = isinstance(system, fs.S3FileSystem)

    def change(self) -> None:
        """Count a change that is about to come; raises `Died` where it must not."""
        if self._watch is not None:
            self._watch()
        number, self.changes = self.changes, self.changes + 1
        if self.dead or number == self._dies_at:
            raise Died(f"at change {number}")

    @property
    def dead(self) -> bool:
        """Whether nothing can change any more."""
        return self._death == "kill" and self._dies_at is not None and self.changes > self._dies_at

    def open_output_stream(self, path: str, metadata: Any) -> pa.NativeFile:
        """A file whose opening, writes and closing each count as a change."""
        self.change()
        return pa.PythonFile(_Output(self, path), mode="w")

    def move(self, src: str, dest: str) -> None:
        """One change, on S3 two."""
        self.change()
        if not self.on_s3:
            return self.system.move(src, dest)
        self.system.copy_file(src, dest)
        self.change()
        return self.system.delete_file(src)

    def delete_file(self, path: str) -> None:
        """One change."""
        self.change()
        self.system.delete_file(path)

    def get_type_name(self) -> str:
        return "mortal"

    def normalize_path(self, path: str) -> str:
        return path

    def get_file_info(self, paths: list[str]) -> list[fs.FileInfo]:
        return self.system.get_file_info(paths)

    def get_file_info_selector(self, selector: fs.FileSelector) -> list[fs.FileInfo]:
        return self.system.get_file_info(selector)

    def open_input_stream(self, path: str) -> pa.NativeFile:
        return self.system.open_input_stream(path)

    def open_input_file(self, path: str) -> pa.NativeFile:
        return self.system.open_input_file(path)

    def _never(self, *_: Any) -> Any:
        raise NotImplementedError("the store does not do this")

    copy_file = create_dir = delete_dir = delete_dir_contents = delete_root_dir_contents = _never
    open_append_stream = _never


class _Output:
    """An open file of `MortalFiles`."""

    closed = False

    def __init__(self, files: MortalFiles, path: str) -> None:
        self._files, self._path, self._content = files, path, b""
        if not files.on_s3:
            self._show()

    def write(self, content: Any) -> int:
        self._files.change()
        self._content += bytes(content)
        return len(content)

    def close(self) -> None:
        if not self.closed and not self._files.dead:
            self.closed = True
            if self._files.on_s3 or self._content:
                self._show()
            self._files.change()

    def flush(self) -> None:
        """Nothing is held back."""

    def _show(self) -> None:
        with self._files.system.open_output_stream(self._path) as stream:
            stream.write(self._content)
