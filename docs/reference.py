"""mkdocs hook: the reference pages, written from the code at each build."""

from __future__ import annotations

import inspect
import re
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]


def on_config(config: Any) -> Any:
    """Put every decision where the navigation names their folder."""
    decisions = [f"adr/{path.name}" for path in sorted((ROOT / "docs" / "adr").glob("*.md"))]
    for section in config.nav:
        for pages in section.values():
            for page in pages if isinstance(pages, list) else []:
                if page.get("Decisions") == "adr/":
                    page["Decisions"] = decisions
    return config


def on_files(files: Any, config: Any) -> Any:
    """Add the generated pages."""
    from mkdocs.structure.files import File

    for name, text in pages().items():
        files.append(File.generated(config, f"reference/{name}.md", content=text))
    return files


def pages() -> dict[str, str]:
    """Text of each page by its name."""
    return {
        "commands": commands(),
        "settings": settings(),
        "channels": channels(),
        "features": features(),
        "licences": licences(),
    }


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    cells = [head, ("---",) * len(head), *rows]
    return "".join(
        "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in row) + " |\n"
        for row in cells
    )


def commands() -> str:
    """Every command as `--help` shows it."""
    import click
    import typer

    from pitwall.cli.main import app

    def walk(command: Any, path: list[str], context: Any) -> list[str]:
        own = command.make_context(path[-1], [], parent=context, resilient_parsing=True)
        text = [f"## {' '.join(path)}\n\n```text\n{command.get_help(own).strip()}\n```\n"]
        for name in getattr(command, "commands", {}):
            text += walk(command.commands[name], [*path, name], own)
        return text

    root: click.Command = typer.main.get_command(app)
    return "# Commands\n\n" + "\n".join(walk(root, ["pitwall"], None))


def settings() -> str:
    """Every setting by group: variable, default, meaning (the docstring below the field)."""
    from pitwall.settings import Settings

    _, *groups = re.split(r"^    # (.+)$", inspect.getsource(Settings), flags=re.MULTILINE)
    text = "# Settings\n\nEnvironment variables; each has a default.\n\n"
    for group, source in zip(groups[::2], groups[1::2], strict=True):
        head = ("Variable", "Default", "Meaning")
        text += f"## {group}\n\n" + table(head, setting_rows(source, Settings)) + "\n"
    return text


def setting_rows(source: str, settings: Any) -> list[tuple[str, ...]]:
    """The settings that this part of the class defines."""
    rows = []
    field_of_some_lines = r'^    (\w+):[^\n]*\n(?:        [^\n]*\n|    \)\n)*    """(.*?)"""'
    for name, meaning in re.findall(field_of_some_lines, source, re.M | re.S):
        field = settings.model_fields[name]
        default = (
            ""
            if field.default_factory or field.default is None or isinstance(field.default, Path)
            else f"`{field.default}`"
        )
        rows.append((f"`PITWALL_{name.upper()}`", default, meaning))
    return rows


def channels() -> str:
    """The channel table."""
    from pitwall.channels.table import CHANNELS

    rows = [
        (f"`{c.id}`", c.unit or "–", f"{c.low:g} … {c.high:g}", c.group) for c in CHANNELS.values()
    ]
    return (
        "# Channels\n\nWhat a channel of this name means. Others are accepted as they come.\n\n"
        + table(("Channel", "Unit", "Range", "Group"), rows)
    )


def features() -> str:
    """The features of the repository's sets."""
    from pitwall.features import load
    from pitwall.features.memory import kept_bytes

    text = "# Features\n\n"
    for view in load(ROOT / "feature_repo"):
        rows = [(f"`{f.name}`", f.unit or "–", f.description) for f in view.features]
        text += f"## {view.name}\n\n" + table(("Feature", "Unit", "Definition"), rows)
        kept = round(kept_bytes(view, rate_hz=50) / 1000)
        text += f"\nAt 50 Hz, the job keeps {kept} kB of samples for each session.\n\n"
    return text


def licences() -> str:
    """Licence of each locked package, as its own metadata says, and the locked jars."""
    names = re.findall(
        r"^([A-Za-z0-9._-]+)==(\S+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE
    )
    rows = []
    for name, version in names:
        try:
            rows.append((name, version, licence(name)))
        except PackageNotFoundError:
            rows.append((name, version, "not installed here (another platform)"))
    jars = [
        line.split()[1]
        for line in (ROOT / "src/pitwall/machine/jars.lock").read_text().splitlines()
        if not line.startswith("#")
    ]
    return (
        "# Licences\n\n"
        + table(("Package", "Version", "Licence"), rows)
        + f"\n## Jars\n\n{len(jars)} jars from Maven Central, fetched at first use and not "
        + "redistributed; their licences are in their POMs.\n\n"
        + table(("Jar",), [(f"`{jar}`",) for jar in sorted(jars)])
    )


def licence(name: str) -> str:
    """A package's licence in a few words."""
    meta = distribution(name).metadata
    expression = meta.get("License-Expression")
    if expression:
        return str(expression)
    classified = [
        c.rsplit(" :: ", 1)[1]
        for c in meta.get_all("Classifier") or []
        if c.startswith("License ::")
    ]
    text = (meta.get("License") or "").strip().splitlines()
    return ", ".join(classified) or (text[0][:80] if text else "not stated")


if __name__ == "__main__":
    sys.stdout.write(pages()[sys.argv[1]])
